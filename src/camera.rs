//! The camera's command lines, supervision and diagnosis. Pure; processes, pipes and signals are in `sys` and `reactor`.

pub mod command;
pub mod diagnosis;
pub mod report;
pub mod settings;
pub mod supervisor;
pub mod test_picture;
