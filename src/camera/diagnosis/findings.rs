//! The evidence of one run of the pipeline, and its verdict.

use std::time::Duration;

use super::{Exit, Reason, Role, SIGKILL, Symptom};
use crate::limits::RUNNING_PROOF;
use crate::time::Mono;

const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
/// The exit status of rpicam-vid after an error and of ffmpeg after a SIGINT.
const CODE_255: i32 = 255;

/// One child's end.
#[derive(Debug, Clone, Copy)]
struct End {
    exit: Exit,
    /// Whether it was asked to stop before.
    asked: bool,
}

impl End {
    /// Whether the child failed on its own: it ended neither cleanly nor by one of our signals.
    fn is_abnormal(self) -> bool {
        !matches!(self.exit, Exit::Code(0 | CODE_255) | Exit::Signal(SIGINT | SIGKILL | SIGPIPE))
    }
}

/// The evidence of one run of the pipeline.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    spawn: Option<Reason>,
    stalled: Option<Duration>,
    camera: Option<Symptom>,
    publisher: Option<Symptom>,
    /// When the newer of the two symptoms was printed.
    symptom_at: Mono,
    camera_end: Option<End>,
    publisher_end: Option<End>,
}

impl Findings {
    /// Records a line of standard error. The first symptom of each child counts. A time-out and a missing input yield to any
    /// later symptom because the child may have recovered.
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

    /// Records that video moved: the camera has recovered from a time-out, and both children from any symptom printed a while
    /// ago.
    pub fn video(&mut self, now: Mono) {
        if self.camera == Some(Symptom::SensorTimeout) {
            self.camera = None;
        }
        if now.since(self.symptom_at) >= RUNNING_PROOF {
            (self.camera, self.publisher) = (None, None);
        }
    }

    /// Records a child's end; `asked` if it had been signalled before.
    pub fn exited(&mut self, role: Role, exit: Exit, asked: bool) {
        let end = Some(End { exit, asked });
        match role {
            Role::Probe => {}
            Role::Camera => self.camera_end = end,
            Role::Publisher => self.publisher_end = end,
        }
    }

    /// Records that a child could not be started. The first failure counts.
    pub fn spawn_failed(&mut self, reason: Reason) {
        self.spawn.get_or_insert(reason);
    }

    /// Records that no video moved for `idle`.
    pub fn stalled(&mut self, idle: Duration) {
        self.stalled = Some(idle);
    }

    /// Clears the evidence of the stopped camera, for the next one of the same pipeline.
    pub fn next_camera(&mut self) {
        self.camera = None;
        self.camera_end = None;
    }

    /// The root cause. Call this when the whole pipeline is down.
    pub fn verdict(&self) -> Reason {
        if let Some(reason) = &self.spawn {
            return reason.clone();
        }
        // A symptom of the camera explains everything that follows, so it takes precedence.
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
        // A publisher without a server ends the camera too (SIGPIPE), never the other way round.
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
            let (seconds, publishing) = (idle.as_secs(), self.publisher_end.is_some());
            return if timed_out { Reason::SensorTimeout } else { Reason::Stalled { seconds, publishing } };
        }
        self.verdict_of_ends()
    }

    /// The verdict without a symptom: which child ended first on its own?
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
            // The camera's death was noticed first, but it had lost its reader, which had failed.
            (_, Some(publisher)) if publisher.is_abnormal() => of_exit(Role::Publisher, publisher.exit),
            (Some(camera), _) if !camera.asked => of_exit(Role::Camera, camera.exit),
            (_, Some(publisher)) => of_exit(Role::Publisher, publisher.exit),
            (Some(camera), None) => of_exit(Role::Camera, camera.exit),
            // Only reached if nothing has happened yet.
            (None, None) => Reason::Exited { role: Role::Camera, code: 0 },
        }
    }

    /// Whether the publisher reached the end of its input, so that the camera is the cause although its death was noticed
    /// second. An exit status of 0 is evidence of that only if the camera's end was abnormal.
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
