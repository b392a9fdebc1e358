//! What the device lacks: a clock that is set, and a disk for the state.

use es_iot_server::limits::CLOCK_CHECK;
use es_iot_server::server::report::Report;

use super::*;

/// A server on a device, and what it logs.
struct Device {
    bench: Bench,
    log: Vec<String>,
}

impl Device {
    fn start(unix_ms: u64, is_persistent: bool) -> Self {
        let now = Now { mono: Mono::from_nanos(5_000_000_000), unix_ms };
        let mut out = Vec::new();
        let setup = Setup { is_persistent, ..setup() };
        let mut server = Server::new(config(), setup, now);
        server.start(now, &mut out);
        let mut device = Self { bench: Bench { server, now, next_slot: 0 }, log: Vec::new() };
        device.note(&out);
        device
    }

    fn note(&mut self, out: &[Output]) {
        let lines =
            out.iter().filter_map(|output| if let Output::Report(report) = output { Some(report) } else { None });
        let line = |report: &Report| format!("{:?} {report}", report.level());
        self.log.extend(lines.map(line).filter(|line| ["clock", "in memory"].iter().any(|word| line.contains(word))));
    }

    fn handle(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.bench.server.handle(self.bench.now, input, &mut out);
        self.note(&out);
    }

    /// Time passes, and the clock is set meanwhile.
    fn set_clock(&mut self, unix_ms: u64) {
        self.bench.now = Now { mono: self.bench.now.mono + CLOCK_CHECK, unix_ms };
    }

    fn reload(&mut self, is_persistent: bool) {
        let password = Secret::new("1111");
        let needs_restart = Vec::new();
        let fresh = Reloaded { config: config(), password, settings: None, needs_restart, is_persistent };
        self.handle(Input::Signal(Request::Reload));
        self.handle(Input::Reloaded(Ok(Box::new(fresh))));
    }

    fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// Whether the clock is set and the state is persistent.
    fn status(&self) -> (bool, bool) {
        let status = self.bench.server.status(self.bench.now.mono);
        (status.clock_is_set, status.is_persistent)
    }
}

const TODAY_MS: u64 = CLOCK_SET_FROM_MS + 1_000_000;
const NOT_SET: &str = "Warning the clock is not set: time stamps begin in 1970 until NTP sets it";
const SET: &str = "Info the clock is set: time stamps are right from here on";
const IN_MEMORY: &str = "Warning the state directory /var/lib/es-iot is in memory: settings and password are lost at a \
                         restart of the device; check the data partition, or change paths.state_dir";

#[test]
fn a_device_that_has_all_gets_no_line_and_no_wakeup() {
    let mut device = Device::start(TODAY_MS, true);
    device.handle(Input::Wakeup);
    device.reload(true);
    assert_eq!((device.take_log(), device.status()), (Vec::new(), (true, true)));
    assert_eq!(device.bench.server.next_wakeup(), None);
}

#[test]
fn a_clock_that_is_not_set_is_logged_once_and_so_is_its_setting() {
    let mut device = Device::start(12_345, true);
    assert_eq!((device.take_log(), device.status()), (vec![NOT_SET.to_owned()], (false, true)));
    // Without any other event, the server looks again.
    let at = device.bench.server.next_wakeup().expect("a wake-up");
    assert_eq!(at, device.bench.now.mono + CLOCK_CHECK);
    device.set_clock(CLOCK_SET_FROM_MS - 1);
    device.handle(Input::Wakeup);
    assert_eq!((device.take_log(), device.status()), (Vec::new(), (false, true)));
    device.set_clock(CLOCK_SET_FROM_MS);
    device.handle(Input::Wakeup);
    assert_eq!((device.take_log(), device.status()), (vec![SET.to_owned()], (true, true)));
    device.set_clock(TODAY_MS);
    device.handle(Input::Wakeup);
    assert_eq!((device.take_log(), device.bench.server.next_wakeup()), (Vec::new(), None));
    // Someone sets it wrong.
    device.set_clock(0);
    device.handle(Input::Wakeup);
    assert_eq!((device.take_log(), device.status()), (vec![NOT_SET.to_owned()], (false, true)));
}

#[test]
fn the_clock_is_set_from_2025_on() {
    assert_eq!(es_iot_server::time::Utc(CLOCK_SET_FROM_MS).to_string(), "2025-01-01 00:00:00.000Z");
}

#[test]
fn a_state_directory_in_memory_is_logged_at_the_start_and_when_a_reload_finds_a_change() {
    let mut device = Device::start(TODAY_MS, false);
    assert_eq!((device.take_log(), device.status()), (vec![IN_MEMORY.to_owned()], (true, false)));
    device.reload(false);
    device.reload(true);
    assert_eq!((device.take_log(), device.status()), (Vec::new(), (true, true)));
    device.reload(false);
    assert_eq!((device.take_log(), device.status()), (vec![IN_MEMORY.to_owned()], (true, false)));
}
