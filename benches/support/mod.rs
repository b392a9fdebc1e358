//! What the benchmarks share: starting the daemon, reading `/proc`, and showing targets.

pub mod daemon;
pub mod proc;
pub mod target;
