//! The camera pipeline for real: the daemon, its children and their faults. The camera is a stand-in that refuses
//! what rpicam-vid refuses; `video.rs` has real video, real ffmpeg and a real RTSP session.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

mod faults;
mod rig;
#[path = "../support/skip.rs"]
mod skip;
mod stopping;
mod updates;
mod video;
