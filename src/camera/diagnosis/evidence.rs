//! What is known about one run of the pipeline, and the verdict on it.

use std::time::Duration;

use super::{Clue, Exit, Reason, Role, SIGKILL};
use crate::limits::RUNNING_PROOF;
use crate::time::Mono;

const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
/// What both rpicam-vid (for an error) and ffmpeg (for a SIGINT) exit with.
const CODE_255: i32 = 255;

/// One child's end.
#[derive(Debug, Clone, Copy)]
struct End {
    exit: Exit,
    /// Whether it had been signalled before.
    asked: bool,
}

impl End {
    /// Whether the child ended by its own doing, whatever we asked of it: neither cleanly nor by our signals.
    fn is_abnormal(self) -> bool {
        !matches!(self.exit, Exit::Code(0 | CODE_255) | Exit::Signal(SIGINT | SIGKILL | SIGPIPE))
    }
}

/// What is known about one run of the pipeline.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    spawn: Option<Reason>,
    stalled: Option<Duration>,
    camera: Option<Clue>,
    publisher: Option<Clue>,
    /// When the newest of the two clues was given.
    clue_at: Mono,
    camera_end: Option<End>,
    publisher_end: Option<End>,
}

impl Evidence {
    /// Takes in a line of standard error. Of each child the first clue counts, except that a time-out and a missing
    /// input yield to anything else: the child may have come over it.
    pub fn line(&mut self, now: Mono, role: Role, text: &str) {
        let known = match role {
            Role::Probe => return,
            Role::Camera => &mut self.camera,
            Role::Publisher => &mut self.publisher,
        };
        if matches!(known, None | Some(Clue::SensorTimeout | Clue::NoInput))
            && let Some(clue) = Clue::of(role, text)
        {
            *known = Some(clue);
            self.clue_at = now;
        }
    }

    /// Takes in that video moved: the camera came over a time-out, and both came over whatever they said a while ago.
    pub fn video(&mut self, now: Mono) {
        if self.camera == Some(Clue::SensorTimeout) {
            self.camera = None;
        }
        if now.since(self.clue_at) >= RUNNING_PROOF {
            (self.camera, self.publisher) = (None, None);
        }
    }

    /// Takes in a child's end; `asked` when it had been signalled before.
    pub fn exited(&mut self, role: Role, exit: Exit, asked: bool) {
        let end = Some(End { exit, asked });
        match role {
            Role::Probe => {}
            Role::Camera => self.camera_end = end,
            Role::Publisher => self.publisher_end = end,
        }
    }

    /// Takes in that a child could not be started; the first counts.
    pub fn spawn_failed(&mut self, reason: Reason) {
        self.spawn.get_or_insert(reason);
    }

    /// Takes in that no video moved for `idle`.
    pub fn stalled(&mut self, idle: Duration) {
        self.stalled = Some(idle);
    }

    /// Forgets the camera that was asked to stop, for the next one of the same unit.
    pub fn next_camera(&mut self) {
        self.camera = None;
        self.camera_end = None;
    }

    /// The root cause. Call it when the whole unit is down.
    pub fn verdict(&self) -> Reason {
        if let Some(reason) = &self.spawn {
            return reason.clone();
        }
        // What the camera says of itself explains everything that follows, so it goes first.
        match &self.camera {
            Some(Clue::NoCamera) => return Reason::NoCamera,
            Some(Clue::Busy) => return Reason::Busy,
            Some(Clue::NoEncoder) => return Reason::NoEncoder,
            Some(Clue::RefusedOptions(text)) => return Reason::RefusedOptions { text: text.clone() },
            Some(Clue::SensorTimeout | Clue::ReaderGone | Clue::Refused(_) | Clue::Lost | Clue::NoInput) | None => {}
        }
        // A publisher without a server takes the camera along (SIGPIPE), never the other way round.
        match &self.publisher {
            Some(Clue::Refused(text)) => return Reason::PublisherRefused { text: text.clone() },
            Some(Clue::Lost) => return Reason::PublisherLost,
            Some(
                Clue::NoCamera
                | Clue::Busy
                | Clue::SensorTimeout
                | Clue::NoEncoder
                | Clue::RefusedOptions(_)
                | Clue::ReaderGone
                | Clue::NoInput,
            )
            | None => {}
        }
        if let Some(idle) = self.stalled {
            let timed_out = self.camera == Some(Clue::SensorTimeout);
            return if timed_out { Reason::SensorTimeout } else { Reason::Stalled { seconds: idle.as_secs() } };
        }
        self.verdict_of_ends()
    }

    /// Nobody said anything useful: who went first by itself?
    fn verdict_of_ends(&self) -> Reason {
        let camera_guilty = self.camera_end.is_some_and(|end| {
            let victim = end.exit == Exit::Signal(SIGPIPE) || self.camera == Some(Clue::ReaderGone);
            (!end.asked && !victim) || self.publisher_starved(end)
        });
        if camera_guilty && self.camera == Some(Clue::SensorTimeout) {
            return Reason::SensorTimeout;
        }
        match (self.camera_end, self.publisher_end) {
            (Some(camera), _) if camera_guilty => of_exit(Role::Camera, camera.exit),
            (_, Some(publisher)) if !publisher.asked => of_exit(Role::Publisher, publisher.exit),
            // A camera that lost its reader was noticed first: the reader died of something.
            (_, Some(publisher)) if publisher.is_abnormal() => of_exit(Role::Publisher, publisher.exit),
            (Some(camera), _) if !camera.asked => of_exit(Role::Camera, camera.exit),
            (_, Some(publisher)) => of_exit(Role::Publisher, publisher.exit),
            (Some(camera), None) => of_exit(Role::Camera, camera.exit),
            // Only a caller that asks before anything happened gets here.
            (None, None) => Reason::Exited { role: Role::Camera, code: 0 },
        }
    }

    /// Whether the publisher met the end of its input, so that the camera is to be looked at although its death was
    /// noticed second. Ending with 0 says so only if the camera's end is not one that we asked for.
    fn publisher_starved(&self, camera: End) -> bool {
        let clean = self.publisher_end.is_some_and(|end| end.exit == Exit::Code(0));
        self.publisher == Some(Clue::NoInput) || clean && camera.is_abnormal()
    }
}

fn of_exit(role: Role, exit: Exit) -> Reason {
    match exit {
        Exit::Code(code) => Reason::Exited { role, code },
        Exit::Signal(signal) => Reason::Crashed { role, signal },
    }
}
