//! The camera daemon `es-iot-server` and its client `es-iot-ctl`.
//!
//! One thread, one `mio::Poll`. Everything that decides is pure; everything that touches the kernel is thin.
//! `docs/ARCHITECTURE.md` is the map; the walls it draws are held by `tests/walls.rs` and `clippy.toml`.
//!
//! | module | what it is | pure |
//! |---|---|---|
//! | [`wire`] | bytes to values and back | yes |
//! | [`service`] | one connection's conversation with one service, and who may speak | yes |
//! | [`camera`] | what to run and when | yes |
//! | [`server`] | composes services and camera: one `handle(now, Input, &mut Vec<Output>)` | yes |
//! | [`config`] | defaults, JSON, environment and arguments, merged and validated | reads files |
//! | [`sys`] | the kernel's facilities, and the only `unsafe` | no |
//! | [`reactor`] | the event loop: the only `mio` | no |
//! | [`start`] | from the command line to the running loop | no |
//! | [`limiter`] | how often one kind of event may log | yes |
//! | [`media`] | video: NAL units, pictures, the ring, RTP | yes |
//! | [`limits`] | every cap, budget and time-out | yes |
//! | [`stats`] | a counter for every reason something was dropped | yes |
//! | [`time`] | time as a value | yes |

pub mod camera;
pub mod config;
pub mod limiter;
pub mod limits;
pub mod media;
pub mod reactor;
pub mod server;
pub mod service;
pub mod start;
pub mod stats;
pub mod sys;
pub mod time;
pub mod wire;
