//! A stand-in for the `ntpd` of `BusyBox`, which Debian's `BusyBox` lacks: takes `-n -p SERVER...`, asks the servers
//! by SNTP and sets the clock once, by `date`. Like the real one it stays in the foreground and retries forever.
//!
//! The port is the number after `ntp_port=` on the kernel's command line, because tests have no privileged one; otherwise 123.

#![expect(clippy::disallowed_methods, reason = "a program of its own: it waits")]

use std::net::UdpSocket;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// From 1900, where NTP counts from, to 1970 (RFC 5905).
const EPOCHS_APART_S: u32 = 2_208_988_800;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut servers = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-n" => {}
            "-p" => servers.push(arguments.next().expect("-p has a value")),
            other => panic!("unknown option {other}"),
        }
    }
    assert!(!servers.is_empty(), "no -p");
    let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let port = command_line.split_whitespace().find_map(|word| word.strip_prefix("ntp_port=")?.parse().ok());
    let time = loop {
        if let Some(time) = servers.iter().find_map(|server| ask(server, port.unwrap_or(123))) {
            break time;
        }
        sleep(Duration::from_secs(1));
    };
    let set = Command::new("date").args(["-s", &format!("@{time}")]).status();
    assert!(set.expect("date runs").success());
    loop {
        sleep(Duration::from_hours(1));
    }
}

/// The time of a server, in seconds since 1970.
fn ask(server: &str, port: u16) -> Option<u32> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    // Version 4, client.
    let mut packet = [0; 48];
    packet[0] = 0x23;
    socket.send_to(&packet, (server, port)).ok()?;
    if socket.recv(&mut packet).ok()? != packet.len() {
        return None;
    }
    Some(u32::from_be_bytes([packet[40], packet[41], packet[42], packet[43]]).wrapping_sub(EPOCHS_APART_S))
}
