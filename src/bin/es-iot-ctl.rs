//! The client; its commands follow.
fn main() {}
