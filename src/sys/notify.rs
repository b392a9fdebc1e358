//! What systemd is told: the protocol of `sd_notify(3)`, and the watchdog's interval.
//!
//! Not here: when to tell it. Without `NOTIFY_SOCKET`, every call does nothing.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::time::Mono;

/// Variables that are meant for this process alone: children are started without them.
pub const PRIVATE_ENV: [&str; 4] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"];

/// The server serves; also after a reload is over.
pub const READY: &str = "READY=1";
/// The server is about to end.
pub const STOPPING: &str = "STOPPING=1";
/// The server is alive.
pub const WATCHDOG: &str = "WATCHDOG=1";

/// A line for `systemctl status`.
pub fn status(text: &str) -> String {
    // A control character would end the assignment or begin another.
    format!("STATUS={}", text.replace(char::is_control, " "))
}

/// The server rereads its configuration since `now`; [`READY`] ends that. `Type=notify-reload` wants the time.
pub fn reloading(now: Mono) -> String {
    format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_nanos() / 1000)
}

/// The way to systemd, if there is one.
#[derive(Debug)]
pub struct Notifier {
    target: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    failures: u64,
}

impl Notifier {
    /// Reads the variables through `variable`; `pid` is this process's. What it can't make sense of counts as not
    /// set, and a `NOTIFY_SOCKET` that can't be used as a failure.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Self {
        let name = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let target = name.as_deref().and_then(|name| connect(name).ok());
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(pid));
        // 0 and the largest number mean none (`sd_watchdog_enabled(3)`).
        let timeout_us = number("WATCHDOG_USEC").filter(|&us| ours && target.is_some() && us > 0 && us < u64::MAX);
        let failures = u64::from(name.is_some() && target.is_none());
        Self { watchdog: timeout_us.map(|us| Duration::from_micros(us / 2)), target, failures }
    }

    /// Whether somebody listens.
    pub fn is_active(&self) -> bool {
        self.target.is_some()
    }

    /// Sends a message without waiting; `false`: it did not go out, and was counted. Several assignments go in one
    /// message, separated by newlines.
    pub fn send(&mut self, message: &str) -> bool {
        let Some((socket, address)) = &self.target else { return true };
        let sent = socket.send_to_addr(message.as_bytes(), address).is_ok();
        self.failures += u64::from(!sent);
        sent
    }

    /// Messages that did not go out.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// How often [`WATCHDOG`] is to be sent: half of the time after which systemd gives the server up.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }
}

/// A socket, and the address that `name` means: `@abstract` or an absolute path. systemd also knows `vsock:`, for
/// whole virtual machines.
fn connect(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] if !name.is_empty() => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Notifier {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Notifier::from_env(lookup, 42)
    }

    fn abstract_socket(name: &str) -> (String, UnixDatagram) {
        let name = format!("es-iot-server-test-{}-{name}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        (format!("@{name}"), socket)
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn messages_arrive_at_an_abstract_socket() {
        let (name, socket) = abstract_socket("arrive");
        let mut notifier = with(&[("NOTIFY_SOCKET", &name)]);
        assert!(notifier.is_active());
        assert!(notifier.send(READY));
        assert!(notifier.send(&status("a\nREADY=1")));
        assert!(notifier.send(&reloading(Mono::from_nanos(5_000_999))));
        assert_eq!(received(&socket), "READY=1");
        assert_eq!(received(&socket), "STATUS=a READY=1");
        assert_eq!(received(&socket), "RELOADING=1\nMONOTONIC_USEC=5000");
        assert_eq!(notifier.failures(), 0);
    }

    #[test]
    fn a_full_or_missing_socket_is_counted() {
        let (name, socket) = abstract_socket("full");
        let mut notifier = with(&[("NOTIFY_SOCKET", &name)]);
        while notifier.send(WATCHDOG) {}
        assert_eq!(notifier.failures(), 1);
        drop(socket);
        assert!(!notifier.send(STOPPING));
        assert_eq!(notifier.failures(), 2);
    }

    #[test]
    fn without_systemd_nothing_happens() {
        for variables in [&[][..], &[("NOTIFY_SOCKET", "")], &[("WATCHDOG_USEC", "2000000")]] {
            let mut notifier = with(variables);
            assert!(!notifier.is_active());
            assert!(notifier.send(READY));
            assert_eq!((notifier.failures(), notifier.watchdog_interval()), (0, None));
        }
        for odd in ["relative", "vsock:2:1", "@"] {
            let notifier = with(&[("NOTIFY_SOCKET", odd)]);
            assert_eq!((notifier.is_active(), notifier.failures()), (false, 1), "{odd}");
        }
    }

    #[test]
    fn the_watchdog_is_for_us_alone() {
        let interval = |variables: &[(&str, &str)]| {
            let mut all = vec![("NOTIFY_SOCKET", "/nowhere")];
            all.extend_from_slice(variables);
            with(&all).watchdog_interval()
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!(interval(&[("WATCHDOG_USEC", "2000000")]), second);
        assert_eq!(interval(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "42")]), second);
        assert_eq!(interval(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "43")]), None);
        assert_eq!(interval(&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "x")]), None);
        for odd in ["0", "-1", "", "soon", "18446744073709551615"] {
            assert_eq!(interval(&[("WATCHDOG_USEC", odd)]), None, "{odd}");
        }
    }
}
