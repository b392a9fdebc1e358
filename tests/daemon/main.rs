//! The real binaries over real sockets, with real children and real signals.
//!
//! One program for all of them: nearly every test waits, for a time-out or an end, and waits overlap within one program
//! only. `.cargo/config.toml` has more of them run at once than there are processors. So a test owns what it uses: its
//! directory, ports that the kernel chose, its processes, and names with its own in them.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod access;
mod adversity;
mod browser;
mod camera;
mod ctl;
mod damage;
mod device;
mod drawn_video;
#[path = "../golden/vectors.rs"]
mod golden;
mod log_targets;
mod logging_busybox;
mod login;
mod migrating;
mod operations;
mod overlays;
mod persistence;
mod services;
mod signals;
#[path = "../support/mod.rs"]
mod support;
