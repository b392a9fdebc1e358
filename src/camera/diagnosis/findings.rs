//! What is known about one run of the pipeline, and the verdict on it.

use std::time::Duration;

use super::{Exit, Reason, Role, SIGKILL, Symptom};
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
pub struct Findings {
    spawn: Option<Reason>,
    stalled: Option<Duration>,
    camera: Option<Symptom>,
    publisher: Option<Symptom>,
    /// When the newest of the two symptoms was given.
    symptom_at: Mono,
    camera_end: Option<End>,
    publisher_end: Option<End>,
}

impl Findings {
    /// Takes in a line of standard error. Of each child the first symptom counts, except that a time-out and a missing
    /// input yield to anything else: the child may have come over it.
    pub fn line(&mut self, now: Mono, role: Role, text: &str) {
        let known = match role {
            Role::Probe => return,
            Role::Camera => &mut self.camera,
            Role::Publisher => &mut self.publisher,
        };
        if matches!(known, None | Some(Symptom::SensorTimeout | Symptom::NoInput))
            && let Some(symptom) = Symptom::of(role, text)
        {
            *known = Some(symptom);
            self.symptom_at = now;
        }
    }

    /// Takes in that video moved: the camera came over a time-out, and both came over whatever they said a while ago.
    pub fn video(&mut self, now: Mono) {
        if self.camera == Some(Symptom::SensorTimeout) {
            self.camera = None;
        }
        if now.since(self.symptom_at) >= RUNNING_PROOF {
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

    /// Forgets the camera that was asked to stop, for the next one of the same pipeline.
    pub fn next_camera(&mut self) {
        self.camera = None;
        self.camera_end = None;
    }

    /// The root cause. Call it when the whole pipeline is down.
    pub fn verdict(&self) -> Reason {
        if let Some(reason) = &self.spawn {
            return reason.clone();
        }
        // What the camera says of itself explains everything that follows, so it goes first.
        match &self.camera {
            Some(Symptom::NoCamera) => return Reason::NoCamera,
            Some(Symptom::Busy) => return Reason::Busy,
            Some(Symptom::NoEncoder) => return Reason::NoEncoder,
            Some(Symptom::RefusedOptions(text)) => return Reason::RefusedOptions { text: text.clone() },
            Some(
                Symptom::SensorTimeout | Symptom::ReaderGone | Symptom::Refused(_) | Symptom::Lost | Symptom::NoInput,
            )
            | None => {}
        }
        // A publisher without a server takes the camera along (SIGPIPE), never the other way round.
        match &self.publisher {
            Some(Symptom::Refused(text)) => return Reason::PublisherRefused { text: text.clone() },
            Some(Symptom::Lost) => return Reason::PublisherLost,
            Some(
                Symptom::NoCamera
                | Symptom::Busy
                | Symptom::SensorTimeout
                | Symptom::NoEncoder
                | Symptom::RefusedOptions(_)
                | Symptom::ReaderGone
                | Symptom::NoInput,
            )
            | None => {}
        }
        if let Some(idle) = self.stalled {
            let timed_out = self.camera == Some(Symptom::SensorTimeout);
            return if timed_out { Reason::SensorTimeout } else { Reason::Stalled { seconds: idle.as_secs() } };
        }
        self.verdict_of_ends()
    }

    /// No symptom was printed: which child ended first on its own?
    fn verdict_of_ends(&self) -> Reason {
        let camera_guilty = self.camera_end.is_some_and(|end| {
            let victim = end.exit == Exit::Signal(SIGPIPE) || self.camera == Some(Symptom::ReaderGone);
            (!end.asked && !victim) || self.publisher_starved(end)
        });
        if camera_guilty && self.camera == Some(Symptom::SensorTimeout) {
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
        self.publisher == Some(Symptom::NoInput) || clean && camera.is_abnormal()
    }
}

fn of_exit(role: Role, exit: Exit) -> Reason {
    match exit {
        Exit::Code(code) => Reason::Exited { role, code },
        Exit::Signal(signal) => Reason::Crashed { role, signal },
    }
}
