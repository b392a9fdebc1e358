//! Camera, publisher and probe, from their start on. `video.rs` has the video's way from one to the other, `lines.rs` what
//! they print, `reaping.rs` their ends.

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
use crate::limits::{LINE_STEP_BYTES, SPLICE_BUDGET_BYTES};
use crate::os::Errno;
use crate::server::Input;
use crate::stats::Counter;
use crate::sys::child::{self, ExecFailure, Pid, Signal, Streams};
use crate::sys::limits::Limit;
use lines::{Lines, Reading};
use reaping::Ended;
pub use reaping::Rest;
use video::Video;

/// The order in which the server hears of children that ended at the same time: the camera's end explains the publisher's.
const ROLES: [Role; 3] = [Role::Probe, Role::Camera, Role::Publisher];

/// A child from its start until its end is taken in.
#[derive(Debug)]
struct Running {
    pid: Pid,
    generation: u16,
    lines: Option<Lines>,
    exec_failure: ExecFailure,
    /// Its output can't be watched, so it was killed immediately.
    unheard: Option<Errno>,
    /// It was signalled.
    stopping: bool,
    /// It is reaped: its pid may be another process's by now.
    ended: bool,
}

/// All children.
#[derive(Debug)]
pub struct Children {
    probe: Option<Running>,
    camera: Option<Running>,
    publisher: Option<Running>,
    video: Video,
    /// Those that have ended and are not taken in yet.
    ended: VecDeque<Ended>,
    generation: u16,
    /// The limit on descriptors that they are started with.
    descriptors: Limit,
}

/// What happened at a pipe.
#[derive(Debug)]
pub enum Piped {
    /// So much video reached the publisher.
    Video(u64),
    /// These lines were printed.
    Lines(Role, Vec<String>),
}

impl Children {
    /// No children yet.
    ///
    /// # Errors
    ///
    /// `/dev/null` can't be opened.
    pub fn new(descriptors: Limit) -> io::Result<Self> {
        let video = Video::new()?;
        let ended = VecDeque::new();
        Ok(Self { probe: None, camera: None, publisher: None, video, ended, generation: 0, descriptors })
    }

    /// Kills every child: the loop is over.
    pub fn kill_all(&mut self) {
        for role in ROLES {
            if let Some(running) = self.slot(role).take().filter(|running| !running.ended) {
                child::signal_group(running.pid, Signal::SIGKILL);
                child::reap(running.pid);
            }
        }
    }

    /// Starts a child. If that fails, the server hears of it.
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
        let unheard = watched.err().map(|error| errno(&error));
        if unheard.is_some() {
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
            unheard,
            stopping: false,
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
        if let Some(running) = self.slot(role).as_mut().filter(|running| !running.ended) {
            child::signal_group(running.pid, signal);
            running.stopping = true;
        }
        if role == Role::Publisher {
            // ffmpeg looks at SIGINT only between two reads, and nothing more comes: the end of its input wakes it.
            self.video.close_sink(cx.registry);
        }
        self.look_at_video(cx);
    }

    /// One step at a pipe.
    pub fn pipe(&mut self, pipe: Pipe, generation: u16, cx: &mut Context<'_>) -> Option<Piped> {
        let role = role_of(pipe);
        let Some(running) = self.slot(role).as_ref().filter(|running| running.generation == generation) else {
            cx.stats.bump(Counter::StaleEvents);
            return None;
        };
        if running.ended {
            // The step that takes in its end reads the rest.
            return None;
        }
        let token = Token::Pipe(pipe, generation);
        match pipe {
            Pipe::Video | Pipe::Publisher => {
                let stopping = self.camera.as_ref().is_some_and(|camera| camera.stopping);
                let pumped = self.video.pump(SPLICE_BUDGET_BYTES, stopping, cx.registry);
                if !pumped.drained {
                    cx.agenda.put_off_once(token);
                }
                (pumped.published > 0).then_some(Piped::Video(pumped.published as u64))
            }
            Pipe::CameraLines | Pipe::PublisherLines | Pipe::ProbeLines => self.read_lines(role, token, cx),
        }
    }

    /// Ends the rest of a pipe that was read too fast.
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
        match lines.read(cx.now, LINE_STEP_BYTES, &mut complete).1 {
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

    /// Has the video looked at in the next turn. A full pipe gives no event, and something has changed that video may have
    /// waited for.
    fn look_at_video(&self, cx: &mut Context<'_>) {
        if let Some(camera) = self.camera.as_ref().filter(|_| self.video.has_source()) {
            cx.agenda.put_off_once(Token::Pipe(Pipe::Video, camera.generation));
        }
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
