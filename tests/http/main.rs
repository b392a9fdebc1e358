//! The HTTP service as clients have it: the real daemon over real sockets, read strictly.
//!
//! `client` and `reply` check in each reply what every reply has. `events` and `movie` read the two streams.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "a test has deadlines, clocks to compare, and threads that read for it")]

mod access;
mod adversity;
#[path = "../../src/media/fmp4/tests/boxes.rs"]
#[expect(dead_code, reason = "the responses of the daemon have no chunks")]
mod boxes;
mod camera;
mod client;
mod events;
#[path = "../support/ffmpeg.rs"]
mod ffmpeg;
mod lifecycle;
mod metrics;
mod movie;
mod places;
mod reply;
mod routes;
mod session;
mod settings;
mod slow;
mod snapshot;
mod status;
mod statuses;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod upright;
mod video;
mod wire;
