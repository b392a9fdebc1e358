//! The video service as clients have it: the real daemon and its test camera, RTSP and RTP over real sockets, and real
//! players where they are installed.
//!
//! `viewer` and `packets` are a strict client: what they take for granted is what the RTSP chapter of
//! `docs/PROTOCOL.md` promises.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "a test has deadlines, clocks to compare, and threads that read for it")]

mod access;
mod adversity;
mod camera;
mod framing;
mod habits;
mod login;
mod packets;
mod players;
mod reply;
mod requests;
mod sessions;
mod slate;
mod slow;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod udp;
mod viewer;
