//! One bounded step for each source of work. Only this file feeds the results to the server.

use super::agenda::Step;
use super::children::{Piped, VideoRead};
use super::context::context;
use super::sockets::Taken;
use super::token::{Pipe, Token};
use super::{Reactor, errno};
use crate::ids::{ConnId, ListenerId};
use crate::limits::{ACCEPT_BUDGET, READ_BUDGET_CHUNKS, READ_CHUNK_BYTES, RTCP_BUDGET};
use crate::server::{Input, Request};
use crate::stats::Counter;
use crate::sys::memory::wipe;
use crate::sys::signalfd::Signal;

/// Bytes of the data source's file to read; it begins with a decimal number.
const SOURCE_BYTES: usize = 64;

impl Reactor<'_> {
    /// Runs one step.
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Tick => self.tick(),
            Step::Event { token: Token::Conn(conn), writable, broken } => {
                self.sockets.event(conn, writable, broken, &mut context!(self));
                self.settle();
                self.read(conn);
            }
            Step::Leftover(Token::Conn(conn)) => {
                if self.sockets.taken_up(conn) {
                    self.feed(Input::Sent { conn });
                }
                self.read(conn);
            }
            Step::Rested(Token::Conn(conn)) => {
                self.sockets.rested(conn);
                self.read(conn);
            }
            Step::Rested(Token::Pipe(pipe, generation)) => {
                self.children.rested(pipe, generation);
                self.pipe(pipe, generation);
            }
            Step::Rested(Token::Rtcp) => {
                self.sockets.rtcp_rested();
                self.read_rtcp();
            }
            Step::Event { token, .. } | Step::Leftover(token) | Step::Rested(token) => self.source(token),
        }
    }

    /// One step of a source for which an event and a leftover are the same.
    fn source(&mut self, token: Token) {
        match token {
            // The agenda schedules the tick by its time; connections are handled above.
            Token::Tick | Token::Conn(_) => {}
            Token::Deadline => self.deadline(),
            Token::Signals => self.signals_waiting(),
            Token::Listener(id) => self.accept(id),
            Token::Pipe(pipe, generation) => self.pipe(pipe, generation),
            Token::Reaping => self.take_in_ended(),
            Token::Rtp => {
                self.sockets.datagrams_flow(&mut context!(self));
                self.settle();
            }
            Token::Rtcp => self.read_rtcp(),
            Token::Viewers => {
                self.sockets.stream(&mut context!(self));
                self.settle();
            }
        }
    }

    fn tick(&mut self) {
        let mut buffer = [0; SOURCE_BYTES];
        let reading = self.source.as_ref().map(|file| file.start(&mut buffer).map_err(|error| errno(&error)));
        self.feed(Input::Tick { reading });
    }

    fn deadline(&mut self) {
        self.timers.fired();
        self.sockets.end_accept_rest(&mut context!(self));
        self.manager.retry(self.now.mono);
        self.feed(Input::Wakeup);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "signalfd reports only the requested signals")]
    fn signals_waiting(&mut self) {
        while let Some(signal) = self.signals.next() {
            match signal {
                Signal::SIGTERM | Signal::SIGINT => self.feed(Input::Signal(Request::Stop)),
                Signal::SIGHUP => self.feed(Input::Signal(Request::Reload)),
                Signal::SIGUSR1 => {
                    let lost = self.log.lines_lost();
                    self.server.stats_mut().set(Counter::LinesLost, lost);
                    self.feed(Input::Signal(Request::Counters));
                }
                Signal::SIGCHLD => {
                    self.children.reap(&mut context!(self));
                    if let Some(input) = self.writer.reap() {
                        self.feed(input);
                    }
                }
                _ => {}
            }
        }
    }

    fn accept(&mut self, id: ListenerId) {
        for _ in 0..ACCEPT_BUDGET {
            match self.sockets.accept(id, &mut context!(self)) {
                Ok(Some(input)) => self.feed(input),
                Ok(None) => return,
                Err(failure) => return self.fail(failure),
            }
        }
        self.agenda.put_off_once(Token::Listener(id));
    }

    /// Reads from a connection until it is drained, the budget is used up, or the server pauses it.
    fn read(&mut self, conn: ConnId) {
        let mut buffer = [0; READ_CHUNK_BYTES];
        for _ in 0..READ_BUDGET_CHUNKS {
            match self.sockets.read(conn, &mut buffer, &mut context!(self)) {
                None => return,
                Some(Taken::Bytes { length, secret }) => {
                    self.feed(Input::Received { conn, bytes: &buffer[..length] });
                    if secret {
                        wipe(&mut buffer[..length]);
                    }
                }
                Some(Taken::End(input)) => return self.feed(input),
            }
        }
        self.sockets.put_off(conn, &mut context!(self));
    }

    /// Reads what has come to the RTCP port, within the budget and the rate limit.
    fn read_rtcp(&mut self) {
        let mut buffer = [0; READ_CHUNK_BYTES];
        for _ in 0..RTCP_BUDGET {
            let Some((length, peer, port)) = self.sockets.read_rtcp(&mut buffer, &mut context!(self)) else { return };
            self.feed(Input::Rtcp { peer, port, bytes: &buffer[..length] });
        }
        self.agenda.put_off_once(Token::Rtcp);
    }

    /// Reads once from the camera. A pipe that yields less than was asked for is empty (epoll(7)); another read would only show
    /// that.
    fn read_video(&mut self) {
        let mut buffer = std::mem::take(&mut self.video_buffer);
        match self.children.read_video(&mut buffer, &mut context!(self)) {
            VideoRead::Bytes(length) => {
                self.feed(Input::Video { bytes: &buffer[..length] });
                if length < buffer.len() {
                    self.feed(Input::VideoDrained);
                } else {
                    self.children.put_off_video(&mut context!(self));
                }
            }
            VideoRead::Drained => self.feed(Input::VideoDrained),
            VideoRead::Ended => {}
        }
        self.video_buffer = buffer;
    }

    /// Reads what an ended camera has left in its pipe, within the budget.
    fn read_video_left(&mut self, most: usize) {
        let mut buffer = std::mem::take(&mut self.video_buffer);
        let most = most.min(buffer.len());
        let read = self.children.read_video(&mut buffer[..most], &mut context!(self));
        self.children.took_video_left(read);
        if let VideoRead::Bytes(length) = read {
            self.feed(Input::Video { bytes: &buffer[..length] });
        }
        self.video_buffer = buffer;
    }

    /// Has the publisher take what is new for it.
    pub(super) fn publish(&mut self) {
        let bytes = self.children.publish(&mut context!(self));
        if bytes > 0 {
            self.inbox.push_back(Input::Published { bytes });
        }
    }

    fn pipe(&mut self, pipe: Pipe, generation: u16) {
        let piped = self.children.pipe(pipe, generation, &mut context!(self));
        self.piped(piped);
    }

    fn take_in_ended(&mut self) {
        let piped = self.children.take_in_ended(&mut context!(self));
        self.piped(piped);
    }

    fn piped(&mut self, piped: Option<Piped>) {
        match piped {
            None => {}
            Some(Piped::Video) => self.read_video(),
            Some(Piped::VideoLeft(bytes)) => self.read_video_left(bytes),
            Some(Piped::Publisher) => {
                self.publish();
                self.settle();
            }
            Some(Piped::Lines(role, lines)) => {
                for text in &lines {
                    self.feed(Input::Line { role, text });
                }
            }
            Some(Piped::End(input)) => self.feed(input),
        }
    }
}
