//! What single lines of standard error give away.

use super::Role;

/// What a line says about its pipeline's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symptom {
    /// The camera program sees no camera.
    NoCamera,
    /// Another process uses the camera.
    Busy,
    /// The camera gives no frames.
    SensorTimeout,
    /// There is no H.264 encoder.
    NoEncoder,
    /// An option or its value is refused.
    RefusedOptions(String),
    /// The camera's reader went away: the camera is the victim.
    ReaderGone,
    /// The RTSP server can't be reached or says no.
    Refused(String),
    /// The RTSP server went away.
    Lost,
    /// The publisher's input ended before there was a picture in it: the publisher is the victim.
    NoInput,
}

/// What rpicam-apps and libcamera print, in lower case, in the order of their weight. `unknown encoder` is an
/// ffmpeg without x264, in the test pattern's place.
const CAMERA: [(&str, Symptom); 11] = [
    ("no cameras available", Symptom::NoCamera),
    ("pipeline handler in use by another process", Symptom::Busy),
    ("failed to acquire camera", Symptom::Busy),
    ("device or resource busy", Symptom::Busy),
    ("unable to find an appropriate h.264 codec", Symptom::NoEncoder),
    ("failed to open v4l2 h264 encoder", Symptom::NoEncoder),
    ("unknown encoder", Symptom::NoEncoder),
    ("device timeout detected", Symptom::SensorTimeout),
    ("frontend has timed out", Symptom::SensorTimeout),
    ("broken pipe", Symptom::ReaderGone),
    ("failed to write output bytes", Symptom::ReaderGone),
];

/// What program options parsers (rpicam-apps use Boost's) begin or end a refusal with, in lower case.
/// The last is rpicam-apps' own, for `--camera`.
const REFUSALS: [&str; 6] = [
    "unrecognised option",
    "unrecognized option",
    "the argument ('",
    "the required argument",
    "cannot be specified more than once",
    "selected camera is not available",
];

/// What ffmpeg prints when the server is not there, or is but says no.
const REFUSED: [&str; 8] = [
    "connection refused",
    "no route to host",
    "network is unreachable",
    "failed to resolve hostname",
    "connection timed out",
    "server returned 4",
    "server returned 5",
    "method announce failed",
];

/// What ffmpeg prints when the server was there and is gone.
const LOST: [&str; 3] = ["broken pipe", "connection reset by peer", "transport endpoint is not connected"];

/// What ffmpeg prints, before it exits with 1, when its input ends before the first picture.
const NO_INPUT: [&str; 2] = ["could not find codec parameters", "does not contain any stream"];

impl Symptom {
    /// Reads one line of `role`'s standard error.
    pub fn of(role: Role, line: &str) -> Option<Self> {
        let lower = line.to_ascii_lowercase();
        match role {
            Role::Probe => None,
            Role::Camera if REFUSALS.iter().any(|text| lower.contains(text)) => {
                Some(Self::RefusedOptions(line.trim().to_owned()))
            }
            Role::Camera => CAMERA.iter().find(|(text, _)| lower.contains(text)).map(|(_, symptom)| symptom.clone()),
            Role::Publisher if REFUSED.iter().any(|text| lower.contains(text)) => {
                let text = lower.rsplit_once(": ").map_or(lower.as_str(), |(_, last)| last);
                Some(Self::Refused(text.trim().to_owned()))
            }
            Role::Publisher if NO_INPUT.iter().any(|text| lower.contains(text)) => Some(Self::NoInput),
            Role::Publisher => LOST.iter().any(|text| lower.contains(text)).then_some(Self::Lost),
        }
    }
}
