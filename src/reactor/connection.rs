//! One connection: its unsent frames and its interest in events. Generic over the socket, so tests can script it.

mod taking;
mod watching;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use mio::Interest;

use crate::bucket::Bucket;
use crate::frame::Frame;
use crate::media::ring::Ring;
use crate::time::Mono;
use taking::Taking;
use watching::{Progress, Watching};

/// A socket and its unsent frames.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent; any combination is possible")]
pub struct Connection<S> {
    /// The socket, non-blocking.
    pub stream: S,
    /// Unsent frames; the first may be partly sent.
    unsent: VecDeque<Frame>,
    /// Bytes of the first frame that are already sent.
    sent_of_first: usize,
    /// Bytes of all frames, including the sent part of the first.
    unsent_bytes: usize,
    /// Maximum of `unsent_bytes`.
    most_unsent: usize,
    /// Whether the socket's buffer is full, so that its next writable edge matters.
    full: bool,
    /// Whether the server was notified that this connection is blocked.
    pub reported_blocked: bool,
    /// Whether the server is to be notified when all frames are sent.
    pub notify_sent: bool,
    /// Whether the server has paused reading.
    pub paused: bool,
    /// Whether the peer has closed its sending side.
    pub finished: bool,
    /// Whether to close the sending side once everything is sent.
    pub finishing: bool,
    /// Whether there may be unread bytes.
    pub readable: bool,
    /// Whether it is on the list of leftovers.
    pub queued: bool,
    /// The rate limit's tokens, if its input is discarded.
    pub discards: Option<Bucket>,
    /// Whether its input may contain a password.
    pub secret: bool,
    /// Whether reading is paused until the next round.
    pub resting: bool,
    /// What the socket takes of the frames, since it was blocked.
    taking: Option<Taking>,
    /// What it gets of the stream, if its transport is TCP.
    watching: Option<Box<Watching>>,
    /// The interest registered with epoll.
    pub registered: Interest,
}

/// The result of an attempt to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// Everything is sent.
    All,
    /// As much of the stream is sent as one step takes; there is more.
    More,
    /// Frames are unsent, or the offer was refused.
    Blocked,
    /// The connection is broken.
    Lost,
    /// The unsent bytes would exceed the maximum. Never happens as long as reading stops while replies are unsent.
    Overflow,
}

/// The result of an attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// This many bytes were read.
    Bytes(usize),
    /// There is nothing more for now.
    Drained,
    /// The peer has closed its sending side.
    Finished,
    /// The connection is broken.
    Lost,
}

impl<S: Read + Write> Connection<S> {
    /// A new connection.
    ///
    /// At most `most_unsent` bytes may be unsent.
    pub const fn new(stream: S, most_unsent: usize) -> Self {
        Self {
            stream,
            unsent: VecDeque::new(),
            sent_of_first: 0,
            unsent_bytes: 0,
            most_unsent,
            full: false,
            reported_blocked: false,
            notify_sent: false,
            paused: false,
            finished: false,
            finishing: false,
            readable: false,
            queued: false,
            taking: None,
            discards: None,
            secret: false,
            resting: false,
            watching: None,
            registered: Interest::READABLE,
        }
    }

    /// Sends a frame if the socket accepts it now. If the socket accepts only a part, the rest follows later because the part
    /// can't be taken back.
    pub fn offer(&mut self, frame: impl Into<Frame>) -> Sent {
        if self.full {
            return Sent::Blocked;
        }
        let frame = frame.into();
        let length = frame.as_bytes().len();
        match Self::write(&mut self.stream, frame.as_bytes()) {
            Ok(sent) if sent == length => Sent::All,
            Ok(0) => {
                self.full = true;
                Sent::Blocked
            }
            Ok(sent) => {
                self.full = true;
                self.sent_of_first = sent;
                self.push(frame);
                Sent::All
            }
            Err(_) => Sent::Lost,
        }
    }

    /// Sends a frame, now or after the unsent ones.
    pub fn send(&mut self, frame: impl Into<Frame>, ring: &Ring) -> Sent {
        let frame = frame.into();
        if self.unsent_bytes + frame.as_bytes().len() > self.most_unsent {
            return Sent::Overflow;
        }
        self.push(frame);
        if self.full { Sent::Blocked } else { self.flush(ring) }
    }

    /// Sends the unsent frames, with one write per frame, and then the stream, with one write per picture. A frame that was
    /// begun is finished first.
    pub fn flush(&mut self, ring: &Ring) -> Sent {
        self.full = false;
        match self.write_unsent(ring) {
            Ok(true) => {}
            Ok(false) => return self.filled(),
            Err(_) => return Sent::Lost,
        }
        // Most connections rarely have unsent frames, so the memory is released.
        self.unsent = VecDeque::new();
        self.taking = None;
        match self.write_stream(ring) {
            Ok(Progress::Done) => Sent::All,
            Ok(Progress::More) => Sent::More,
            Ok(Progress::Full) => self.filled(),
            Err(_) => Sent::Lost,
        }
    }

    /// Whether it is to be noted that the socket has taken some of the unsent frames, but not all, since it was blocked. That is
    /// so at most every [`VIEWER_NOTED_EACH`](crate::limits::VIEWER_NOTED_EACH).
    pub fn takes_frames(&mut self, now: Mono) -> bool {
        self.taking.get_or_insert(Taking::new(now)).note(now)
    }

    fn filled(&mut self) -> Sent {
        self.full = true;
        Sent::Blocked
    }

    /// Writes the unsent frames, after what is left of the stream's frame. Returns whether all of it is written.
    fn write_unsent(&mut self, ring: &Ring) -> io::Result<bool> {
        if let Some(Watching { cursor, .. }) = self.watching.as_deref_mut().filter(|_| !self.unsent.is_empty()) {
            while cursor.is_begun() {
                match Self::write(&mut self.stream, cursor.rest())? {
                    0 => return Ok(false),
                    sent => cursor.wrote(ring, sent),
                }
            }
        }
        while let Some(frame) = self.unsent.front() {
            let bytes = frame.as_bytes();
            match Self::write(&mut self.stream, &bytes[self.sent_of_first..])? {
                0 => return Ok(false),
                sent => {
                    if let Some(taking) = &mut self.taking {
                        taking.took();
                    }
                    self.sent_of_first += sent;
                    if self.sent_of_first == bytes.len() {
                        self.unsent_bytes -= bytes.len();
                        self.sent_of_first = 0;
                        self.unsent.pop_front();
                    }
                }
            }
        }
        Ok(true)
    }

    fn push(&mut self, frame: Frame) {
        self.unsent_bytes += frame.as_bytes().len();
        self.unsent.push_back(frame);
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => ReadOutcome::Finished,
                Ok(bytes) => ReadOutcome::Bytes(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => ReadOutcome::Drained,
                Err(_) => ReadOutcome::Lost,
            };
        }
    }

    /// Whether no frame is unsent.
    pub fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Whether to read from it now.
    pub fn may_read(&self) -> bool {
        self.readable && !self.paused && !self.resting && !self.finished && self.unsent.is_empty()
    }

    /// Whether the sending side should be closed now, after everything is sent.
    pub fn may_shut_down(&self) -> bool {
        let is_begun = self.watching.as_ref().is_some_and(|watching| watching.cursor.is_begun());
        self.finishing && self.unsent.is_empty() && !is_begun
    }

    /// The interest to register with epoll. It is computed only here.
    pub const fn interest(&self) -> Interest {
        if self.full { Interest::READABLE.add(Interest::WRITABLE) } else { Interest::READABLE }
    }

    fn write(stream: &mut S, bytes: &[u8]) -> io::Result<usize> {
        retried(|| stream.write(bytes))
    }
}

/// One write, repeated after an interruption by a signal. `WouldBlock` becomes 0 bytes.
fn retried(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        return match write() {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        };
    }
}

#[cfg(test)]
mod tests;
