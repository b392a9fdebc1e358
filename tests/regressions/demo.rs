//! Bugs of `config/demo.sh`, with stand-ins for the programs that it starts.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{TempDir, skip};

/// A checkout that has the script and nothing else, with these programs to be found, all of which do nothing.
fn checkout(programs: &str) -> TempDir {
    let dir = TempDir::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.sh");
    // By another process: what other tests are about to start would have a program open for writing for a moment.
    let make = "mkdir -p config bin && cp \"$1\" config && cd bin && \
                for name in $2; do printf '#!/bin/sh\\n' >$name && chmod 755 $name; done && \
                for name in dirname grep mkdir rm sleep cat; do ln -s \"$(command -v $name)\" .; done";
    let status = Command::new("sh").args(["-c", make, "sh", script, programs]).current_dir(dir.path()).status();
    assert!(status.unwrap().success());
    dir
}

fn demo(dir: &Path) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg(dir.join("config/demo.sh")).env_clear().env("PATH", dir.join("bin")).output().unwrap()
}

/// The demonstration that had the ports lost its files to one that could not start.
#[test]
fn a_second_demo_was_not_told_that_there_is_one() {
    let dir = checkout("cargo cc");
    let output = std::thread::scope(|scope| {
        let alone = scope.spawn(|| {
            // Ports of its own: a network namespace is that of a thread and its children.
            // SAFETY: the call takes no pointer.
            let is_alone = unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0;
            is_alone.then(|| {
                let _taken = TcpListener::bind("0.0.0.0:5000").unwrap();
                demo(dir.path())
            })
        });
        alone.join().unwrap()
    });
    let Some(output) = output else { return skip("this needs the right to a network namespace") };
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("port 5000 is in use"), "{told}");
    assert!(!dir.join("target").exists(), "it leaves everything alone");
}

/// The build failed after minutes, with rustc's words.
#[test]
fn a_machine_without_a_linker_was_told_late() {
    let output = demo(checkout("cargo").path());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]), "{told}");
    assert!(told.contains("apt-get install gcc"), "{told}");
}
