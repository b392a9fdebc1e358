//! The client of docs/PROTOCOL.md, which is in Python: another hand's SCRAM, with another library's hashes.

use std::process::{Command, Output};

use crate::support::{Client, Launch, skip};

const DOCUMENT: &str = include_str!("../../docs/PROTOCOL.md");

/// The page's client, as a program.
fn python(password: &str, ports: [u16; 3]) -> std::io::Result<Output> {
    let client = DOCUMENT.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let ports = ports.map(|port| port.to_string());
    Command::new("python3").args(["-c", client, "127.0.0.1", password]).args(ports).output()
}

#[test]
fn the_client_in_the_protocols_page_works() {
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false).set("auth.plain", false);
    let mut daemon = launch.start();
    let Ok(output) = python("1111", daemon.ports()) else { return skip("there is no python3") };
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lines[..2], ["logged in", "stored: [100, 64, 10, 10, 10, 127]"], "{output:?}");
    assert_eq!(lines.len(), 5, "three values: {output:?}");
    assert_eq!(Client::connect(daemon.settings_port()).read()[1], 64);
    let wrong = python("1112", daemon.ports()).unwrap();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("refused with code none"), "{wrong:?}");
    assert_eq!((daemon.counter("auth_accepted"), daemon.counter("auth_rejected")), (1, 1));
}
