//! Where the stand-in for the camera program is.

use std::path::PathBuf;

/// `cargo test` puts examples beside the directory of the test programs; `cargo test --test` alone does not build them.
pub fn stand_in() -> PathBuf {
    let tests = std::env::current_exe().expect("a path of its own");
    let program = tests.ancestors().nth(2).expect("a target directory").join("examples/rpicam-vid");
    assert!(program.exists(), "no {}: cargo build --examples", program.display());
    program
}
