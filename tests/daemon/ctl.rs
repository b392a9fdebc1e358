//! The client as people and scripts run it, against servers that follow a script.

mod auth;
mod http;
mod login;
mod peer;
mod reaching;
mod settings;
mod status;
mod usage;
mod video;
mod watch;

use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{SigHandler, Signal};

/// The client, with nothing on its standard input.
fn ctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_es-iot-ctl"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: between fork and exec the closure only makes system calls; it neither allocates nor locks.
    unsafe {
        command.pre_exec(|| {
            // Whoever runs the tests in the background of a script has these ignored, and what is ignored is inherited.
            for ending in [Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
                nix::sys::signal::signal(ending, SigHandler::SigDfl)?;
            }
            Ok(())
        });
    }
    command
}

/// Checks exit code and standard output, and that standard error is one line which begins with the program's name
/// and holds `told`, or that there is none.
#[track_caller]
fn assert_ended(output: &Output, code: i32, stdout: &str, told: Option<&str>) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{output:?}");
    assert_told(output, code, told);
}

#[track_caller]
fn assert_told(output: &Output, code: i32, told: Option<&str>) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    match told {
        Some(part) => {
            assert!(stderr.starts_with("es-iot-ctl: ") && stderr.contains(part), "{stderr:?} without {part:?}");
            assert_eq!(stderr.lines().count(), 1, "{stderr:?}");
        }
        None => assert_eq!(stderr, ""),
    }
    assert_eq!(output.status.code(), Some(code), "{output:?}");
}
