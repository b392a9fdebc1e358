//! The camera pipeline for real: the daemon, its children and their faults. The camera is a stand-in that refuses
//! what rpicam-vid refuses; `video.rs` has real video, real ffmpeg and a real RTSP session.
mod faults;
mod rig;
mod stopping;
mod test_camera;
mod updates;
mod video;
