//! Bugs of the settings between an update, the camera and the disk.

use std::collections::VecDeque;
use std::fs;
use std::process::Command;
use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource, Config, Secret};
use es_iot_server::server::report::{Report, SettingsReport};
use es_iot_server::server::{Input, Output, Reloaded, Request, Service};
use es_iot_server::time::Mono;
use es_iot_server::wire::{self, ErrorCode};

use crate::support::Launch;
use crate::{A, B, Bench, config, error, gained, read, reply, reports, request, update};

/// An update carries all six settings as bytes: one that changed the contrast made brightness 0 into -0.0039, and cut
/// whatever the file held between two steps or beyond the largest byte.
#[test]
fn an_update_of_one_setting_cut_the_others_to_what_a_byte_can_hold() {
    let mut bench = Bench::new(&[A]);
    let finer = CameraSettings { shutter: 1_000_000, gain: 1.99, awb_red: 0.79, ..CameraSettings::default() };
    bench.reload(finer);
    let mut bytes = wire::settings::encode(&finer);
    bytes[4] = 15;
    bench.receive(A, &[request(&bytes)]);
    assert_eq!(bench.pass(150), [Output::Store(CameraSettings { contrast: 1.5, ..finer })]);
    bench.handle(Input::Stored { result: Ok(()) });
    let shown = bench.receive(A, &[read()]);
    assert_eq!(shown, [reply(A, &wire::settings::decode(bytes))], "on the wire nothing changes");
    assert_eq!(bench.receive(A, &[request(&bytes)]), []);
    assert_eq!(bench.pass(60_000), [], "what a read shows, sent back, changes nothing");
}

/// A write that hung made every read wait 10 s, one after the other, for as long as it went on.
#[test]
fn a_hung_disk_made_every_read_wait_ten_seconds_again() {
    let mut bench = Bench::new(&[A, B]);
    assert_eq!(bench.receive(A, &[update(2), read()]), [Output::Pause(A)]);
    assert_eq!(bench.pass(0), [Output::Store(gained(2))]);
    let given_up = [error(A, ErrorCode::NotStored), reply(A, &gained(2)), Output::Resume(A)];
    assert_eq!(bench.pass(10_000), given_up);
    assert_eq!(bench.receive(B, &[read()]), [reply(B, &gained(2))], "it has not updated anything");
    let not_stored = [error(A, ErrorCode::NotStored), reply(A, &gained(3)), reply(A, &gained(3))];
    assert_eq!(bench.receive(A, &[update(3), read(), read()]), not_stored, "each update gets its 07 once");
    assert_eq!(bench.receive(B, &[update(4), update(5)]), []);
    assert_eq!(bench.pass(150), [error(B, ErrorCode::NotStored)], "without a read, when the camera takes it");
    assert_eq!(bench.pass(60_000), [], "nothing is tried beside the write that hangs");

    // It returns, and all is as before.
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), []);
    assert_eq!(bench.pass(0), [Output::Store(gained(5))]);
    assert_eq!(bench.receive(A, &[read()]), [Output::Pause(A)]);
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), [reply(A, &gained(5)), Output::Resume(A)]);
    assert_eq!(bench.receive(A, &[update(6), read()]), [Output::Pause(A)]);
}

/// The same write, as the log has it.
#[test]
fn a_disk_that_hung_and_recovered_was_not_said_to_have_recovered() {
    let mut bench = Bench::new(&[A]);
    bench.receive(A, &[update(2)]);
    bench.pass(150);
    bench.now.mono = bench.now.mono + Duration::from_secs(10);
    let hangs = |told: &[Output]| {
        reports(told).iter().filter(|told| matches!(told, Report::Settings(SettingsReport::StoreHangs { .. }))).count()
    };
    assert_eq!(hangs(&bench.handle_told(Input::Wakeup)), 1);
    bench.receive(A, &[update(3)]);
    bench.now.mono = bench.now.mono + Duration::from_secs(10);
    assert_eq!(hangs(&bench.handle_told(Input::Wakeup)), 0, "once is enough");
    let told = bench.handle_told(Input::Stored { result: Ok(()) });
    assert!(matches!(*reports(&told), [Report::Settings(SettingsReport::StoreRecovered { .. })]), "{told:?}");
}

/// A server with a camera that runs, and what a flood of updates makes of it.
struct Flooded {
    bench: Bench,
    restarts: usize,
    writes: usize,
    newest: Vec<String>,
    config: Config,
}

impl Flooded {
    fn new() -> Self {
        let mut config = config();
        let command = ["cam", "{gain}"].map(String::from).to_vec();
        config.camera = CameraConfig { source: CameraSource::Command, command: Some(command), ..config.camera };
        Self { bench: Bench::with(config.clone(), &[A, B]), restarts: 0, writes: 0, newest: Vec::new(), config }
    }

    /// Does what the outputs ask for, at once.
    fn follow(&mut self, out: Vec<Output>) {
        let mut to_do: VecDeque<Output> = out.into();
        while let Some(output) = to_do.pop_front() {
            let input = if let Output::Signal { role: Role::Camera, .. } = output {
                self.restarts += 1;
                Input::Exited { role: Role::Camera, exit: Exit::Code(0) }
            } else if let Output::Store(_) = output {
                self.writes += 1;
                Input::Stored { result: Ok(()) }
            } else {
                if let Output::Spawn { role: Role::Camera, argv } = output {
                    self.newest = argv;
                }
                continue;
            };
            to_do.extend(self.bench.handle(input));
        }
    }

    /// Lets time pass, with the server woken whenever it wants to be.
    fn pass(&mut self, milliseconds: u64) {
        let end = self.bench.now.mono + Duration::from_millis(milliseconds);
        while let Some(at) = self.bench.server.next_wakeup().filter(|&at| at <= end) {
            self.go_to(at.max(self.bench.now.mono));
            let out = self.bench.handle(Input::Wakeup);
            self.follow(out);
        }
        self.go_to(end);
    }

    /// Moves both clocks: one that is set restarts the camera, too.
    fn go_to(&mut self, at: Mono) {
        self.bench.now.unix_ms += u64::try_from(at.since(self.bench.now.mono).as_millis()).expect("a short test");
        self.bench.now.mono = at;
    }
}

fn fresh(config: Config, in_file: CameraSettings) -> Reloaded {
    Reloaded {
        config,
        password: Secret::new("1111"),
        settings: Some(in_file),
        needs_restart: Vec::new(),
        is_persistent: true,
    }
}

/// A client that sent 20 updates in 5 s restarted the camera 20 times, which then showed next to nothing, and had the
/// file written 20 times.
#[test]
fn a_client_could_restart_the_camera_four_times_a_second() {
    let mut flooded = Flooded::new();
    for step in 2..=21 {
        flooded.bench.receive(A, &[update(step)]);
        flooded.pass(250);
    }
    assert!((4..=5).contains(&flooded.restarts), "3, and one each 2 s, not {}", flooded.restarts);
    assert!((4..=5).contains(&flooded.writes), "the same, not {}", flooded.writes);
    flooded.pass(2000);
    assert_eq!(flooded.newest, ["cam", "21"], "the last wins");
    assert_eq!(flooded.writes, flooded.restarts);
    flooded.pass(6000);

    // One change after quiet is as quick as ever, and the third.
    for step in 31..=33 {
        flooded.bench.receive(A, &[update(step)]);
        flooded.pass(150);
        assert_eq!(flooded.newest, ["cam", &step.to_string()]);
    }
    // An operator's reload is not held up by what clients have used up, nor is the last write at the end.
    let fresh = fresh(flooded.config.clone(), gained(50));
    let out = flooded.bench.handle(Input::Reloaded(Ok(Box::new(fresh))));
    flooded.follow(out);
    assert_eq!(flooded.newest, ["cam", "50"]);
    flooded.bench.receive(A, &[update(51)]);
    let out = flooded.bench.handle(Input::Signal(Request::Stop));
    assert!(out.contains(&Output::Store(gained(51))), "{out:?}");
}

/// An update that arrived while the server was stopping waits for no token either: its write has to be over in time.
#[test]
fn an_update_during_the_stop_is_written_without_delay() {
    let mut flooded = Flooded::new();
    for step in 2..=4 {
        flooded.bench.receive(A, &[update(step)]);
        flooded.pass(150);
    }
    assert_eq!(flooded.writes, 3);
    flooded.bench.handle(Input::Signal(Request::Stop));
    flooded.bench.receive(A, &[update(5)]);
    assert_eq!(flooded.bench.pass(150), [Output::Store(gained(5))]);
}

/// The log did not say who had changed the settings.
#[test]
fn the_log_did_not_name_the_peer_that_changed_the_settings() {
    let mut bench = Bench::new(&[A]);
    let peer = "2001:db8::7".parse::<std::net::IpAddr>().expect("an address").into();
    bench.handle(Input::Accepted { conn: B, service: Service::Settings, peer });
    bench.receive(A, &[update(2)]);
    bench.receive(B, &[update(3)]);
    bench.receive(A, &[update(3)]);
    bench.now.mono = bench.now.mono + Duration::from_millis(150);
    let line = |told: &[Output]| reports(told).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let told = line(&bench.handle_told(Input::Wakeup));
    assert!(told.contains("camera settings are now") && told.ends_with(", set by 2001:db8::7"), "{told}");
    bench.handle(Input::Stored { result: Ok(()) });
    let fresh = fresh(config(), gained(9));
    let told = line(&bench.handle_told(Input::Reloaded(Ok(Box::new(fresh)))));
    assert!(told.contains("gain 9,") && told.contains(", reread from the file"), "{told}");
}

/// `es-iot-ctl set` gave up after 5 s, while the server lets a read wait 10 s for a disk that hangs.
#[test]
fn es_iot_ctl_gave_up_before_the_server_did() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let pipe = launch.state_dir().join(".camera_settings.json.tmp");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let port = daemon.settings_port().port().to_string();
    let set = |assignment: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_es-iot-ctl"));
        command.args(["--host", "127.0.0.1", "--settings-port", &port, "set", assignment]).output().unwrap()
    };
    for gain in [3, 4] {
        let output = set(&format!("gain={gain}"));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("applied, but could not be stored"), "{output:?}\n{}", daemon.log());
        assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("gain={gain}\n")), "{output:?}");
        assert_eq!(output.status.code(), Some(1));
    }
    // A reader lets the write go on; it fails then, since a pipe can't be synchronised, and the next succeeds.
    drop(fs::File::open(&pipe).unwrap());
    daemon.await_log("cannot write");
    let mut client = daemon.settings();
    client.update([5; 6]);
    assert_eq!(client.read(), [5; 6]);
    daemon.counter("clients");
    assert!(daemon.log().contains("is written again"));
    daemon.stop();
}
