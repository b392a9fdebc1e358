//! The camera: what to run and when. Pure; processes, pipes and signals are in `sys` and `reactor`.

pub mod settings;
