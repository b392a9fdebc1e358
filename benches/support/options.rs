//! The environment's options, and the exit code.

use std::io;
use std::process::ExitCode;

/// Whether the machine has other load: `ES_IOT_BENCH_QUICK`.
pub fn is_quick() -> bool {
    std::env::var_os("ES_IOT_BENCH_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// The length of one run, in seconds: `ES_IOT_BENCH_SECONDS`, if it is set.
pub fn seconds() -> Option<u64> {
    std::env::var("ES_IOT_BENCH_SECONDS").ok()?.parse().ok().filter(|&seconds| seconds > 0)
}

/// Lists the missed targets, which decide the exit code.
pub fn conclude(missed: io::Result<Vec<String>>) -> ExitCode {
    let missed = missed.unwrap_or_else(|error| vec![format!("all figures: {error}")]);
    for target in &missed {
        println!("MISSED: {target}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
