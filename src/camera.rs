//! The camera: what to run and when. Pure; processes, pipes and signals are in `sys` and `reactor`.

pub mod command;
pub mod diagnosis;
pub mod report;
pub mod settings;
pub mod supervisor;
