//! The camera daemon `es-iot-server` and its client `es-iot-ctl`.
//!
//! One thread, one `mio::Poll`. Everything that decides is pure; everything that touches the kernel is thin.
//! `docs/ARCHITECTURE.md` is the map; the walls it draws are held by `tests/project/walls.rs` and `clippy.toml`.
//!
//! | module | contents | pure |
//! |---|---|---|
//! | [`wire`] | encoding and decoding of packets | yes |
//! | [`service`] | the conversation of one connection with one service, and access control | yes |
//! | [`camera`] | the camera's command lines, supervision and diagnosis | yes |
//! | [`server`] | composes services and camera: one `handle(now, Input, &mut Vec<Output>)` | yes |
//! | [`config`] | defaults, JSON, environment and arguments, merged and validated | reads files |
//! | [`sys`] | the kernel's facilities, and the only `unsafe` | no |
//! | [`reactor`] | the event loop: the only `mio` | no |
//! | [`media`] | H.264 pictures, RTP and the drawn picture | yes |
//! | [`base64`] | bytes as text | yes |
//! | [`sorted`] | a map in one sorted vector | yes |
//! | [`start`] | from the command line to the running loop | no |
//! | [`bucket`] | a token bucket | yes |
//! | [`limiter`] | the rate limit for each kind of log line | yes |
//! | [`listen`] | the configured listeners and their limits | yes |
//! | [`limits`] | every cap, budget and time-out | yes |
//! | [`stats`] | a counter for every reason to drop something | yes |
//! | [`time`] | time as a value | yes |

pub mod base64;
pub mod bucket;
pub mod camera;
pub mod config;
#[cfg(test)]
mod cuts;
pub mod frame;
#[cfg(test)]
#[path = "../tests/golden/vectors.rs"]
mod golden;
pub mod ids;
pub mod limiter;
pub mod limits;
pub mod listen;
pub mod logging;
pub mod media;
pub mod os;
pub mod reactor;
pub mod server;
pub mod service;
pub mod sorted;
pub mod start;
pub mod stats;
pub mod sys;
pub mod time;
pub mod wire;
