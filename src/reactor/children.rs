//! Camera, publisher and probe. `video.rs` has the pipes of the video, `lines.rs` reads their output, `reaping.rs` handles
//! their exits.

mod lines;
mod reaping;
mod video;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry};

use super::context::Context;
use super::errno;
use super::token::{GENERATIONS, Pipe, Token};
use crate::camera::diagnosis::Role;
use crate::camera::supervisor::StopSignal;
use crate::config::mask_url_passwords;
use crate::os::Errno;
use crate::server::Input;
use crate::stats::Counter;
use crate::sys::child::{self, ExecFailure, Pid, Signal, Streams};
use crate::sys::limits::Limit;
use lines::{Lines, Reading};
use reaping::Ended;
pub use video::VideoRead;
use video::{Published, Video};

/// The order of reporting children that ended at the same time. The camera's end explains the publisher's.
const ROLES: [Role; 3] = [Role::Probe, Role::Camera, Role::Publisher];

/// A child, from its start until its end is reported.
#[derive(Debug)]
struct Running {
    pid: Pid,
    generation: u16,
    lines: Option<Lines>,
    exec_failure: ExecFailure,
    /// Why its pipes could not be registered with the event queue; it was then killed.
    watch_failure: Option<Errno>,
    /// Whether it is reaped; its pid may then belong to another process.
    ended: bool,
}

/// All children.
#[derive(Debug)]
pub struct Children {
    probe: Option<Running>,
    camera: Option<Running>,
    publisher: Option<Running>,
    video: Video,
    /// Children that have ended, with unread output.
    ended: VecDeque<Ended>,
    generation: u16,
    /// The soft limit on descriptors for children.
    descriptors: Limit,
}

/// The result of a step at a pipe, or for an ended child.
#[derive(Debug)]
pub enum Piped {
    /// The camera has written.
    Video,
    /// An ended camera has left this many bytes in its pipe, which are still to be read.
    VideoLeft(usize),
    /// The publisher takes video.
    Publisher,
    /// A child printed these lines.
    Lines(Role, Vec<String>),
    /// All output of an ended child is read; this is its end.
    End(Input<'static>),
}

impl Children {
    /// No children yet.
    pub fn new(descriptors: Limit) -> Self {
        let (video, ended) = (Video::default(), VecDeque::new());
        Self { probe: None, camera: None, publisher: None, video, ended, generation: 0, descriptors }
    }

    /// Kills every child, at the end of the loop.
    pub fn kill_all(&mut self) {
        for role in ROLES {
            if let Some(running) = self.slot(role).take().filter(|running| !running.ended) {
                child::signal_group(running.pid, Signal::SIGKILL);
                child::reap(running.pid);
            }
        }
    }

    /// Starts a child. A failure is reported to the server.
    pub fn spawn(&mut self, role: Role, argv: &[String], cx: &mut Context<'_>) {
        if let Err(error) = self.try_spawn(role, argv, cx) {
            cx.inbox.push_back(Input::SpawnFailed { role, errno: errno(&error) });
        }
    }

    fn try_spawn(&mut self, role: Role, argv: &[String], cx: &mut Context<'_>) -> io::Result<()> {
        let (streams, pipe) = match role {
            Role::Probe => (Streams::Captured, Pipe::ProbeLines),
            Role::Camera => (Streams::Producer, Pipe::CameraLines),
            Role::Publisher => (Streams::Consumer, Pipe::PublisherLines),
        };
        let started = child::spawn(argv, streams, self.descriptors)?;
        let shown = mask_url_passwords(&argv.join(" "));
        log::debug!(target: "camera.process", "started {shown} as pid {}", started.pid);
        self.generation = (self.generation + 1) % GENERATIONS;
        let generation = self.generation;
        let lines = watch(&started.stderr, Token::Pipe(pipe, generation), Interest::READABLE, cx.registry);
        let watched = lines.and_then(|()| match (&started.stdout, &started.stdin) {
            (Some(video), _) => watch(video, Token::Pipe(Pipe::Video, generation), Interest::READABLE, cx.registry),
            (_, Some(sink)) => watch(sink, Token::Pipe(Pipe::Publisher, generation), Interest::WRITABLE, cx.registry),
            (None, None) => Ok(()),
        });
        let watch_failure = watched.err().map(|error| errno(&error));
        if watch_failure.is_some() {
            child::signal_group(started.pid, Signal::SIGKILL);
        }
        match role {
            Role::Probe => {}
            Role::Camera => self.video.set_source(started.stdout),
            Role::Publisher => self.video.set_sink(started.stdin),
        }
        *self.slot(role) = Some(Running {
            pid: started.pid,
            generation,
            lines: Some(Lines::new(started.stderr)),
            exec_failure: started.exec_failure,
            watch_failure,
            ended: false,
        });
        Ok(())
    }

    /// Signals a child's process group, if there is one.
    pub fn signal(&mut self, role: Role, signal: StopSignal, cx: &mut Context<'_>) {
        let signal = match signal {
            StopSignal::Interrupt => Signal::SIGINT,
            StopSignal::Kill => Signal::SIGKILL,
        };
        if let Some(running) = self.slot(role).as_ref().filter(|running| !running.ended) {
            child::signal_group(running.pid, signal);
        }
        if role == Role::Publisher {
            // ffmpeg checks for SIGINT only between reads, and no more input comes. Closing its input wakes it.
            self.video.close_sink(cx.registry);
        }
    }

    /// Runs one step at a pipe.
    pub fn pipe(&mut self, pipe: Pipe, generation: u16, cx: &mut Context<'_>) -> Option<Piped> {
        let role = role_of(pipe);
        let Some(running) = self.slot(role).as_ref().filter(|running| running.generation == generation) else {
            cx.stats.bump(Counter::StaleEvents);
            return None;
        };
        if running.ended {
            // The step that handles its end reads the rest.
            return None;
        }
        let token = Token::Pipe(pipe, generation);
        match pipe {
            Pipe::Video => Some(Piped::Video),
            Pipe::Publisher => Some(Piped::Publisher),
            Pipe::CameraLines | Pipe::PublisherLines | Pipe::ProbeLines => self.read_lines(role, token, cx),
        }
    }

    /// Reads once from the camera.
    pub fn read_video(&mut self, buffer: &mut [u8], cx: &mut Context<'_>) -> VideoRead {
        self.video.read(buffer, cx.registry)
    }

    /// Reads more from the camera in the next turn.
    pub fn put_off_video(&self, cx: &mut Context<'_>) {
        if let Some(camera) = &self.camera {
            cx.agenda.put_off_once(Token::Pipe(Pipe::Video, camera.generation));
        }
    }

    /// Begins the publisher's stream at a picture.
    pub fn begin_publishing(&mut self, from: u64, cx: &Context<'_>) {
        self.video.begin_publishing(cx.ring, from);
    }

    /// Writes to the publisher what is new for it. Returns how much it took.
    pub fn publish(&mut self, cx: &mut Context<'_>) -> u64 {
        let Published { bytes, lost, more } = self.video.publish(cx.ring, cx.registry);
        cx.stats.add(Counter::PublisherPicturesLost, lost);
        if more && let Some(publisher) = &self.publisher {
            cx.agenda.put_off_once(Token::Pipe(Pipe::Publisher, publisher.generation));
        }
        bytes
    }

    /// Resumes a pipe that was paused by the rate limit.
    pub fn rested(&mut self, pipe: Pipe, generation: u16) {
        let running = self.slot(role_of(pipe)).as_mut().filter(|running| running.generation == generation);
        if let Some(lines) = running.and_then(|running| running.lines.as_mut()) {
            lines.resting = false;
        }
    }

    fn read_lines(&mut self, role: Role, token: Token, cx: &mut Context<'_>) -> Option<Piped> {
        let lines = self.slot(role).as_mut().and_then(|running| running.lines.as_mut());
        let lines = lines.filter(|lines| !lines.resting)?;
        let mut complete = Vec::new();
        match lines.read(cx.now, &mut complete) {
            Reading::More => cx.agenda.put_off_once(token),
            Reading::Drained => {}
            Reading::TooFast => {
                lines.resting = true;
                cx.agenda.rest(token, cx.now);
            }
            Reading::Ended => complete.extend(self.close_lines(role, cx)),
        }
        (!complete.is_empty()).then_some(Piped::Lines(role, complete))
    }

    fn slot(&mut self, role: Role) -> &mut Option<Running> {
        match role {
            Role::Probe => &mut self.probe,
            Role::Camera => &mut self.camera,
            Role::Publisher => &mut self.publisher,
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

fn watch(fd: &OwnedFd, token: Token, interest: Interest, registry: &Registry) -> io::Result<()> {
    registry.register(&mut SourceFd(&fd.as_raw_fd()), token.encode(), interest)
}
