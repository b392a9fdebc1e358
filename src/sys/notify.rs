//! Notifications to systemd: the protocol of `sd_notify(3)`, and the watchdog's interval.
//!
//! Not here: when to send one (`server`). Without `NOTIFY_SOCKET`, every call does nothing.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::time::Mono;

/// Variables that are for this process only; children are started without them.
pub const PRIVATE_ENV: [&str; 4] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"];

/// The server is ready, after its start or a reload.
pub const READY: &str = "READY=1";
/// The server is stopping.
pub const STOPPING: &str = "STOPPING=1";
/// The server is alive.
pub const WATCHDOG: &str = "WATCHDOG=1";

/// A line for `systemctl status`.
pub fn status(text: &str) -> String {
    // A control character could end the assignment or begin another.
    format!("STATUS={}", text.replace(char::is_control, " "))
}

/// The server has been rereading its configuration since `now`; [`READY`] ends the reload. `Type=notify-reload` requires
/// the time.
pub fn reloading(now: Mono) -> String {
    format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_nanos() / 1000)
}

/// The connection to systemd, if there is one.
#[derive(Debug)]
pub struct Notifier {
    target: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    /// Unsent messages, oldest first; only the newest value of each variable.
    unsent: Vec<String>,
}

impl Notifier {
    /// Reads the environment through `variable`; `pid` is this process's. Invalid values count as unset.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Self {
        let target = variable("NOTIFY_SOCKET").and_then(|name| connect(&name).ok());
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(pid));
        // 0 and the largest number disable the watchdog (`sd_watchdog_enabled(3)`).
        let timeout_us = number("WATCHDOG_USEC").filter(|&us| ours && target.is_some() && us > 0 && us < u64::MAX);
        Self { watchdog: timeout_us.map(|us| Duration::from_micros(us / 2)), target, unsent: Vec::new() }
    }

    /// Sends a message without waiting, after any unsent ones. One message may hold several assignments, separated by
    /// newlines. A message that can't be sent is kept for [`Notifier::send_rest`].
    ///
    /// # Errors
    ///
    /// A message is still unsent: the socket is full (`net.unix.max_dgram_qlen`) or gone.
    pub fn send(&mut self, message: String) -> io::Result<()> {
        self.unsent.retain(|older| variable_of(older) != variable_of(&message));
        self.unsent.push(message);
        self.send_rest()
    }

    /// Sends the unsent messages without waiting.
    ///
    /// # Errors
    ///
    /// A message is still unsent.
    pub fn send_rest(&mut self) -> io::Result<()> {
        let Some((socket, address)) = &self.target else {
            self.unsent.clear();
            return Ok(());
        };
        while let Some(message) = self.unsent.first() {
            socket.send_to_addr(message.as_bytes(), address)?;
            self.unsent.remove(0);
        }
        Ok(())
    }

    /// Whether a message is unsent.
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// How often to send [`WATCHDOG`]: half of systemd's watchdog time-out.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }
}

/// The first variable that a message sets.
fn variable_of(message: &str) -> Option<&str> {
    message.split('=').next()
}

/// Opens a socket and parses `name`: `@abstract` or an absolute path. systemd's `vsock:`, for whole virtual machines, is
/// not supported.
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
        notifier.send(READY.into()).unwrap();
        notifier.send(status("a\nREADY=1")).unwrap();
        notifier.send(reloading(Mono::from_nanos(5_000_999))).unwrap();
        assert_eq!(received(&socket), "READY=1");
        assert_eq!(received(&socket), "STATUS=a READY=1");
        assert_eq!(received(&socket), "RELOADING=1\nMONOTONIC_USEC=5000");
    }

    #[test]
    fn messages_to_a_full_socket_are_kept_and_sent_later_in_order_and_once() {
        let (name, socket) = abstract_socket("full");
        let mut notifier = with(&[("NOTIFY_SOCKET", &name)]);
        while notifier.send(WATCHDOG.into()).is_ok() {}
        let later = [READY.into(), status("a"), reloading(Mono::from_nanos(0)), status("b"), READY.into()];
        for message in later {
            assert!(notifier.send(message).is_err() && notifier.has_unsent());
        }
        let mut seen = Vec::new();
        while notifier.has_unsent() {
            seen.push(received(&socket));
            let _still_full = notifier.send_rest();
        }
        let mut bytes = [0; 256];
        while let Ok(length) = socket.recv(&mut bytes) {
            seen.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
        seen.dedup_by(|one, other| one == WATCHDOG && other == WATCHDOG);
        assert_eq!(seen, [WATCHDOG, "RELOADING=1\nMONOTONIC_USEC=0", "STATUS=b", READY]);
        drop(socket);
        assert!(notifier.send(STOPPING.into()).is_err());
    }

    #[test]
    fn without_systemd_nothing_happens() {
        let odd =
            ["relative", "vsock:2:1", "@", ""].map(|name| [("NOTIFY_SOCKET", name), ("WATCHDOG_USEC", "2000000")]);
        for variables in [&[][..], &[("WATCHDOG_USEC", "2000000")]].into_iter().chain(odd.iter().map(|it| &it[..])) {
            let mut notifier = with(variables);
            notifier.send(READY.into()).unwrap();
            assert_eq!((notifier.has_unsent(), notifier.watchdog_interval()), (false, None));
        }
    }

    #[test]
    fn a_watchdog_for_another_process_is_ignored() {
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
