//! Video as values: pictures, what carries them, and what the daemon draws itself. Pure.

pub mod draw;
