//! What the benchmarks share: starting the daemon, reading `/proc`, runs in other processes, and showing figures and targets.

pub mod daemon;
pub mod figures;
pub mod options;
pub mod proc;
pub mod run;
pub mod target;
