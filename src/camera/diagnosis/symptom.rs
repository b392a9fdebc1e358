//! Recognizes symptoms in single lines of standard error.

use super::Role;

/// A symptom in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symptom {
    /// The camera program detects no camera.
    NoCamera,
    /// Another process uses the camera.
    Busy,
    /// The camera delivers no frames.
    SensorTimeout,
    /// There is no H.264 encoder.
    NoEncoder,
    /// An option or its value is rejected.
    RefusedOptions(String),
    /// The camera's reader is gone: the camera is the victim.
    ReaderGone,
    /// The RTSP server can't be reached or refuses the publisher.
    Refused(String),
    /// The connection to the RTSP server was lost.
    Lost,
    /// The publisher's input ended before the first picture: the publisher is the victim.
    NoInput,
}

/// Messages of rpicam-apps and libcamera, in lower case, most significant first. `unknown encoder` is from an ffmpeg
/// without x264, as `camera.command`.
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

/// Parts of the error messages of option parsers (rpicam-apps uses Boost's), in lower case. The last is from rpicam-apps
/// itself, for `--camera`.
const REFUSALS: [&str; 6] = [
    "unrecognised option",
    "unrecognized option",
    "the argument ('",
    "the required argument",
    "cannot be specified more than once",
    "selected camera is not available",
];

/// Messages of ffmpeg when the server can't be reached or refuses the connection.
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

/// Messages of ffmpeg when an established connection is lost.
const LOST: [&str; 3] = ["broken pipe", "connection reset by peer", "transport endpoint is not connected"];

/// Messages of ffmpeg, before it exits with 1, when its input ends before the first picture.
const NO_INPUT: [&str; 2] = ["could not find codec parameters", "does not contain any stream"];

impl Symptom {
    /// The symptom in a line of `role`'s standard error, if any.
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
