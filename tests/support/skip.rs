//! Tests that the machine lacks something for. They pass, so what was not tried has to be shown elsewhere.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;

/// Reports that the running test is skipped: on standard error, and as a line in the file that `ES_IOT_SKIPS` names,
/// since cargo hides the output of a test that passes. `.ci/run` lists these lines at its end.
pub fn skip(reason: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("main");
    let line = format!("SKIPPED {}::{test}: {reason}\n", env!("CARGO_CRATE_NAME"));
    eprint!("{line}");
    if let Some(file) = std::env::var_os("ES_IOT_SKIPS") {
        // One write a line: tests, and their programs, run side by side.
        let written =
            OpenOptions::new().append(true).create(true).open(&file).and_then(|mut f| f.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("ES_IOT_SKIPS={}: {error}", file.display()));
    }
}
