//! Camera, publisher and probe, from their start on; and the process that writes the settings file. How they end is in
//! `ends.rs`, how video gets from one to the other in `video.rs`, how output is cut into lines in `lines.rs`.

mod ends;
mod lines;
mod video;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Poll};

use super::Reactor;
use super::resting::CHILD_LINES;
use super::sockets::{Followup, errno};
use super::token::{GENERATIONS, Pipe, Token};
use crate::camera::diagnosis::Role;
use crate::camera::supervisor::StopSignal;
use crate::config::mask_url_passwords;
use crate::limits::{LINE_BUDGET_BYTES, SPLICE_BUDGET_BYTES};
use crate::server::{Errno, Input};
use crate::stats::Counter;
use crate::sys::child::{self, Pid, Refusal, Signal, Streams};
use crate::sys::limits::Limit;
use crate::sys::splice::null_sink;
use lines::Lines;

/// The order in which the dead are told of when several died at once: the camera's end explains the publisher's.
const ROLES: [Role; 3] = [Role::Probe, Role::Camera, Role::Publisher];

/// A running child.
#[derive(Debug)]
struct Running {
    pid: Pid,
    generation: u16,
    lines: Option<Lines>,
    refusal: Refusal,
    /// It can't be listened to, so it was killed at once.
    unheard: Option<Errno>,
    /// It was signalled.
    asked: bool,
}

/// All children.
#[derive(Debug)]
pub(super) struct Children {
    probe: Option<Running>,
    camera: Option<Running>,
    publisher: Option<Running>,
    /// The camera's standard output.
    video: Option<OwnedFd>,
    /// The publisher's standard input.
    sink: Option<OwnedFd>,
    /// Takes the video while there is no publisher, so that the camera is never stuck in a write.
    null: File,
    /// Whether the camera's last video goes there, too: it was asked to stop, and the publisher takes nothing.
    discards: bool,
    generation: u16,
    /// The process that writes the settings file.
    writer: Option<Pid>,
    descriptors: Limit,
}

impl Children {
    pub(super) fn new(descriptors: Limit) -> io::Result<Self> {
        Ok(Self {
            probe: None,
            camera: None,
            publisher: None,
            video: None,
            sink: None,
            null: null_sink()?,
            discards: false,
            generation: 0,
            writer: None,
            descriptors,
        })
    }

    /// Kills whatever runs: the loop is over.
    pub(super) fn kill_all(&mut self) {
        for role in ROLES {
            if let Some(running) = self.slot(role).take() {
                child::signal_group(running.pid, Signal::SIGKILL);
                child::reap(running.pid);
            }
        }
    }

    /// Ends the rest of a child's lines. Whether they are there.
    pub(super) fn end_rest(&mut self, pipe: Pipe, generation: u16) -> bool {
        let running = self.slot(role_of(pipe)).as_mut().filter(|running| running.generation == generation);
        let lines = running.and_then(|running| running.lines.as_mut());
        lines.map(|lines| lines.resting = false).is_some()
    }

    fn slot(&mut self, role: Role) -> &mut Option<Running> {
        match role {
            Role::Probe => &mut self.probe,
            Role::Camera => &mut self.camera,
            Role::Publisher => &mut self.publisher,
        }
    }
}

impl Reactor<'_> {
    pub(super) fn spawn(&mut self, role: Role, argv: &[String]) {
        let streams = match role {
            Role::Probe => Streams::Talker,
            Role::Camera => Streams::Producer,
            Role::Publisher => Streams::Consumer,
        };
        if let Err(error) = self.try_spawn(role, argv, streams) {
            self.followups.push_back(Followup::SpawnFailed(role, errno(&error)));
        }
    }

    fn try_spawn(&mut self, role: Role, argv: &[String], streams: Streams) -> io::Result<()> {
        let started = child::spawn(argv, streams, self.children.descriptors)?;
        let shown = mask_url_passwords(&argv.join(" "));
        log::debug!(target: "camera.process", "started {shown} as pid {}", started.pid);
        self.children.generation = (self.children.generation + 1) % GENERATIONS;
        let generation = self.children.generation;
        let lines = lines_of(role);
        let watched = watch(&self.poll, &started.stderr, Token::Pipe(lines, generation), Interest::READABLE).and_then(
            |()| match (&started.stdout, &started.stdin) {
                (Some(video), _) => watch(&self.poll, video, Token::Pipe(Pipe::Video, generation), Interest::READABLE),
                (_, Some(sink)) => {
                    watch(&self.poll, sink, Token::Pipe(Pipe::Publisher, generation), Interest::WRITABLE)
                }
                (None, None) => Ok(()),
            },
        );
        let unheard = watched.err().map(|error| errno(&error));
        if unheard.is_some() {
            child::signal_group(started.pid, Signal::SIGKILL);
        }
        match role {
            Role::Probe => {}
            Role::Camera => (self.children.video, self.children.discards) = (started.stdout, false),
            Role::Publisher => self.children.sink = started.stdin,
        }
        let lines = Some(Lines::new(started.stderr));
        *self.children.slot(role) =
            Some(Running { pid: started.pid, generation, lines, refusal: started.refusal, unheard, asked: false });
        Ok(())
    }

    pub(super) fn signal(&mut self, role: Role, signal: StopSignal) {
        let signal = match signal {
            StopSignal::Interrupt => Signal::SIGINT,
            StopSignal::Kill => Signal::SIGKILL,
        };
        if let Some(running) = self.children.slot(role) {
            child::signal_group(running.pid, signal);
            running.asked = true;
        }
        if role == Role::Publisher {
            // ffmpeg looks at SIGINT only between two reads, and nothing more comes: the end of its input wakes it.
            unwatch(&self.poll, &mut self.children.sink);
        }
        self.look_at_video();
    }

    /// Begins to write the settings file in a process of its own.
    pub(super) fn store(&mut self, text: &str) {
        match crate::sys::file::replace_in_child(&self.settings_file, text.as_bytes(), 0o644) {
            Ok(pid) => self.children.writer = Some(pid),
            Err(error) => self.followups.push_back(Followup::Stored(Err(errno(&error)))),
        }
    }

    /// Something happened on a pipe.
    pub(super) fn pipe_event(&mut self, pipe: Pipe, generation: u16) {
        let role = role_of(pipe);
        if self.children.slot(role).as_ref().is_none_or(|running| running.generation != generation) {
            return self.server.stats_mut().bump(Counter::StaleEvents);
        }
        match pipe {
            Pipe::Video | Pipe::Publisher => {
                if !self.pump(SPLICE_BUDGET_BYTES) {
                    self.leave_over(Token::Pipe(pipe, generation));
                }
            }
            Pipe::CameraLines | Pipe::PublisherLines | Pipe::ProbeLines => {
                self.lines_event(role, Token::Pipe(pipe, generation));
            }
        }
    }

    /// A child has printed something: it is read, but no faster than a rate.
    fn lines_event(&mut self, role: Role, token: Token) {
        let now = self.now.mono;
        let lines = self.children.slot(role).as_mut().and_then(|running| running.lines.as_mut());
        let Some(lines) = lines.filter(|lines| !lines.resting) else { return };
        let allowed = usize::try_from(lines.bucket.tokens(CHILD_LINES, now)).unwrap_or(usize::MAX);
        lines.resting = allowed == 0;
        if lines.resting {
            self.rest(token);
        } else if !self.read_lines(role, allowed.min(LINE_BUDGET_BYTES)) {
            self.leave_over(token);
        }
    }

    /// Tells the server the lines a child has printed, up to a budget. Whether that were all.
    fn read_lines(&mut self, role: Role, budget: usize) -> bool {
        let mut buffer = [0; 1024];
        let mut left = budget;
        let now = self.now.mono;
        loop {
            let Some(lines) = self.children.slot(role).as_mut().and_then(|running| running.lines.as_mut()) else {
                return true;
            };
            if left == 0 {
                return false;
            }
            let (read, ended) = match lines.source.read(&mut buffer) {
                Ok(0) => (0, true),
                Ok(length) => (length, false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => (0, true),
            };
            left = left.saturating_sub(read);
            lines.bucket.take(CHILD_LINES, now, u32::try_from(read).unwrap_or(u32::MAX));
            let complete = lines.push(&buffer[..read]);
            for text in complete {
                self.feed(Input::Line { role, text: &text });
            }
            if ended {
                self.end_lines(role);
            }
            self.tick_if_due();
        }
    }

    /// Reads no more of a child's lines. What was begun counts as one.
    fn end_lines(&mut self, role: Role) {
        let Some(mut lines) = self.children.slot(role).as_mut().and_then(|running| running.lines.take()) else {
            return;
        };
        let _closing_anyway = self.poll.registry().deregister(&mut SourceFd(&lines.source.as_raw_fd()));
        // The child may have died in the middle of it.
        if let Some(text) = lines.line(true) {
            self.feed(Input::Line { role, text: &text });
        }
    }
}

fn role_of(pipe: Pipe) -> Role {
    match pipe {
        Pipe::Video | Pipe::CameraLines => Role::Camera,
        Pipe::Publisher | Pipe::PublisherLines => Role::Publisher,
        Pipe::ProbeLines => Role::Probe,
    }
}

fn lines_of(role: Role) -> Pipe {
    match role {
        Role::Probe => Pipe::ProbeLines,
        Role::Camera => Pipe::CameraLines,
        Role::Publisher => Pipe::PublisherLines,
    }
}

fn watch(poll: &Poll, fd: &OwnedFd, token: Token, interest: Interest) -> io::Result<()> {
    poll.registry().register(&mut SourceFd(&fd.as_raw_fd()), token.encode(), interest)
}

fn unwatch(poll: &Poll, fd: &mut Option<OwnedFd>) {
    if let Some(fd) = fd.take() {
        let _closing_anyway = poll.registry().deregister(&mut SourceFd(&fd.as_raw_fd()));
    }
}
