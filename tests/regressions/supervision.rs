//! Bugs of how camera and publisher are watched, stopped and started again.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource, Config, Secret};
use es_iot_server::media::draw::{self, TestCamera};
use es_iot_server::server::{Input, Reloaded, Request, Server};
use es_iot_server::stats::Counter;
use es_iot_server::time::{Mono, Now};
use serde_json::json;

use crate::support::{DEADLINE, Launch, pass, stand_in};
use crate::{done_to_children, started, two_pictures};

/// A server with a camera whose command line has the gain, and a clock that is moved by hand.
struct Bench {
    server: Server,
    config: Config,
    now: Now,
    gain: u8,
}

impl Bench {
    /// Camera and publisher are started, and no video has moved yet.
    fn started(stall_seconds: u32) -> Self {
        let command = Some(vec!["cam".into(), "{gain}".into()]);
        let rtsp_url = Some("rtsp://h/x".to_owned());
        let camera =
            CameraConfig { source: CameraSource::Command, command, stall_seconds, rtsp_url, ..CameraConfig::default() };
        let now = Now { mono: Mono::from_nanos(20_000_000_000), unix_ms: 20_000 };
        let config = Config { camera, ..Config::default() };
        Self { server: started(config.clone(), now), config, now, gain: 1 }
    }

    /// What is done to the children.
    fn handle(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out.iter().filter_map(done_to_children).collect::<Vec<_>>().join(", ")
    }

    /// Time passes, and the server is woken up as often as it wants to be: what it does to the children.
    fn pass(&mut self, milliseconds: u64) -> String {
        let mut done = Vec::new();
        let end = self.now.mono + Duration::from_millis(milliseconds);
        while let Some(wakeup) = self.server.next_wakeup().filter(|wakeup| *wakeup <= end) {
            self.set(wakeup.max(self.now.mono));
            done.push(self.handle(Input::Wakeup));
        }
        self.set(end);
        done.retain(|done| !done.is_empty());
        done.join(", ")
    }

    /// Time passes until something is done to the children: what that is.
    fn pass_until_done(&mut self) -> String {
        (0..60).map(|_| self.pass(1000)).find(|done| !done.is_empty()).expect("within a minute")
    }

    fn set(&mut self, mono: Mono) {
        (self.now.mono, self.now.unix_ms) = (mono, mono.as_nanos() / 1_000_000);
    }

    fn video(&mut self) -> String {
        let done = self.handle(Input::Video { bytes: &two_pictures() });
        assert_eq!(done, "");
        self.handle(Input::Published { bytes: 1000 })
    }

    /// Other settings come, by a reload.
    fn change_settings(&mut self) -> String {
        self.gain = self.gain.wrapping_add(1);
        let settings = CameraSettings { gain: f64::from(self.gain), ..CameraSettings::default() };
        self.handle(Input::Signal(Request::Reload));
        let (config, password) = (self.config.clone(), Secret::new("1111"));
        let fresh =
            Reloaded { config, password, settings: Some(settings), needs_restart: Vec::new(), is_persistent: true };
        self.handle(Input::Reloaded(Ok(Box::new(fresh))))
    }

    /// The same, with a camera that stops immediately.
    fn restart_camera(&mut self) -> String {
        assert_eq!(self.change_settings(), "Interrupt camera");
        self.end(Role::Camera, Exit::Code(0))
    }

    fn end(&mut self, role: Role, exit: Exit) -> String {
        self.handle(Input::Exited { role, exit })
    }

    fn count(&self, counter: Counter) -> u64 {
        self.server.stats().count(counter)
    }
}

const STALLED: &str = "Interrupt camera, Interrupt publisher";

/// Each change of the settings set the stall's clock anew. A hung publisher and a silent camera went unnoticed for as
/// long as the changes came more often than `camera.stall_seconds`.
#[test]
fn settings_changes_switched_the_stall_detection_off() {
    for video_moved in [true, false] {
        let mut bench = Bench::started(4);
        if video_moved {
            assert_eq!(bench.video(), "");
        }
        for _ in 0..2 {
            assert_eq!(bench.pass(3000), "");
            assert_eq!(bench.restart_camera(), "+camera");
        }
        // The stall time and one allowance for a start, however many there were.
        assert_eq!(bench.pass(2999), "", "video moved: {video_moved}");
        assert_eq!(bench.pass(1), STALLED, "video moved: {video_moved}");
        assert_eq!(bench.count(Counter::ChildKilled), 0);
    }
}

/// A camera that was being stopped for new settings as the stall's time was over was followed by another, with a
/// time of its own.
#[test]
fn a_stall_that_was_due_during_a_restart_was_forgotten() {
    for (stops_after, done) in [(99, "+camera"), (100, "Interrupt publisher"), (1400, "Interrupt publisher")] {
        let mut bench = Bench::started(4);
        assert_eq!(bench.video(), "");
        assert_eq!(bench.pass(3900), "");
        assert_eq!(bench.change_settings(), "Interrupt camera");
        assert_eq!(bench.pass(stops_after), "");
        assert_eq!(bench.end(Role::Camera, Exit::Code(0)), done, "stopped after {stops_after} ms");
    }
}

/// A camera's first picture takes about a second, so a stall time of one second restarted the pipeline without end.
#[test]
fn a_stall_time_of_a_second_left_no_time_for_the_first_picture() {
    let mut bench = Bench::started(1);
    assert_eq!(bench.pass(1200), "");
    assert_eq!(bench.video(), "");
    assert_eq!(bench.restart_camera(), "+camera");
    assert_eq!(bench.pass(5999), "", "a camera that is started again has its time, too");
    assert_eq!(bench.video(), "");
    assert_eq!(bench.pass(999), "");
    assert_eq!(bench.pass(1), STALLED, "between two pictures there is no allowance");
    bench.end(Role::Camera, Exit::Code(0));
    bench.end(Role::Publisher, Exit::Code(255));
    assert_eq!(bench.pass(625), "+publisher, +camera");
    assert!(bench.pass(5300).is_empty(), "the next pipeline begins anew");
}

/// A pipeline counted as well after 30 s without a change of the settings. With a change every 10 s the waits after
/// single crashes, 40 s apart, doubled.
#[test]
fn the_backoff_was_not_reset_while_settings_changed() {
    let mut bench = Bench::started(10);
    for _ in 0..5 {
        for second in 0..40 {
            assert_eq!(bench.video(), "");
            assert_eq!(bench.pass(1000), "");
            if second % 10 == 9 {
                assert_eq!(bench.restart_camera(), "+camera");
            }
        }
        bench.end(Role::Camera, Exit::Signal(6));
        bench.end(Role::Publisher, Exit::Code(255));
        assert_eq!(bench.pass(625), "+publisher, +camera", "the first wait is 0.5 s, give or take a quarter");
    }
}

/// What was counted were lines of the log: of failures of one kind the 1st, 2nd, 4th and 8th.
#[test]
fn failures_that_were_not_logged_were_not_counted() {
    let mut bench = Bench::started(4);
    for number in 1..=7 {
        bench.end(Role::Camera, Exit::Code(1));
        bench.end(Role::Publisher, Exit::Code(255));
        assert_eq!(bench.count(Counter::PipelineFailed), number);
        assert_eq!(bench.pass_until_done(), "+publisher, +camera");
    }
    for number in 1..=7 {
        assert_eq!(bench.pass_until_done(), STALLED);
        bench.end(Role::Camera, Exit::Code(0));
        bench.end(Role::Publisher, Exit::Code(255));
        assert_eq!((bench.count(Counter::PipelineFailed), bench.count(Counter::PipelineStalled)), (7 + number, number));
        assert_eq!(bench.pass_until_done(), "+publisher, +camera");
    }
}

/// A daemon whose camera plays without a pause, much more than two pipes hold. It looks at SIGINT only between two
/// writes.
fn with_a_fast_camera(publisher: &serde_json::Value) -> Launch {
    let camera = json!([stand_in(), "-t", "0", "--framerate", "1000", "--gain", "{gain}", "-o", "-"]);
    Launch::new()
        .env("ES_STANDIN", "startup:0")
        .set("camera.source", "command")
        .set("camera.command", camera)
        .publisher(publisher.clone())
        .set("camera.stall_seconds", 60)
        .set("logging.level", "DEBUG")
}

/// The pid in the line that says that a child was started.
fn pid_of(line: &str) -> &str {
    line.rsplit(" as pid ").next().unwrap()
}

/// A camera that was stuck in a write to a full pipe could not come to look at SIGINT, since nothing was read from
/// the pipe any more: it was killed after 1.5 s.
#[test]
fn a_camera_behind_a_publisher_that_reads_nothing_was_killed_instead_of_stopped() {
    let mut daemon = with_a_fast_camera(&json!(["sleep", "1000"])).set("camera.stall_seconds", 1).start();
    let camera = pid_of(&daemon.await_log("rpicam-vid -t 0")).to_owned();
    daemon.await_log(&format!("pid {camera} ended: Code(0)"));
    daemon.await_log("no video moved for 1 s");
    assert_eq!(daemon.counter("child_killed"), 0);
}

/// The same when only the camera is stopped, for other settings.
#[test]
fn a_settings_change_killed_a_camera_whose_publisher_reads_nothing() {
    let mut daemon = with_a_fast_camera(&json!(["sleep", "1000"])).start();
    let camera = pid_of(&daemon.await_log("rpicam-vid -t 0")).to_owned();
    await_written(&camera);
    daemon.settings().update([100, 7, 10, 10, 10, 127]);
    daemon.await_log(&format!("pid {camera} ended: Code(0)"));
    daemon.await_log("--gain 7");
    assert_eq!(daemon.counter("child_killed"), 0);
}

/// Waits until a process has written more than its publisher's pipe holds.
fn await_written(pid: &str) {
    let written = || {
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse::<u64>().unwrap()
    };
    for _ in 0..DEADLINE.as_millis() / 100 {
        if written() > 200_000 {
            return;
        }
        pass(Duration::from_millis(100));
    }
    panic!("it writes too little");
}

/// Camera and publisher had the daemon's priority: a camera with a busy thread for each core took the data stream's
/// ticks.
#[test]
fn children_had_the_daemons_own_priority() {
    let mut daemon = with_a_fast_camera(&json!(["sleep", "1000"])).start();
    let publisher = pid_of(&daemon.await_log("started sleep")).to_owned();
    let camera = pid_of(&daemon.await_log("rpicam-vid -t 0")).to_owned();
    // A child lowers it before it becomes the program.
    await_written(&camera);
    let nice = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // proc(5): field 19, counted from behind the name, which is field 2.
        stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse::<i32>().unwrap()
    };
    let own = nice(&daemon.pid().to_string());
    // The highest value is 19 (setpriority(2)).
    assert_eq!([nice(&camera), nice(&publisher)], [(own + 10).min(19); 2]);
}

/// What a publisher wrote to standard output was logged, and diagnosed, as if it had said so on standard error; `cat`
/// had the log filled with video.
#[test]
fn a_publishers_standard_output_was_logged_as_its_standard_error() {
    let publisher = json!(["sh", "-c", "echo an answer; echo Connection refused; echo a complaint >&2; exec cat >&2"]);
    let launch = Launch::new()
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", "echo video; exec sleep 1000"]))
        .publisher(publisher);
    let mut daemon = launch.start();
    daemon.await_log("a complaint");
    daemon.await_log("video");
    let log = daemon.log();
    assert!(!log.contains("an answer") && !log.contains("refused"), "{log}");
}

/// Below "the camera crashed: its last output is below" stood what the publisher had said.
#[test]
fn a_publishers_lines_were_shown_as_what_the_camera_said_last() {
    for guilty in ["camera", "publisher"] {
        // Both say something, and then the guilty one ends.
        let script = |who: &str| {
            let then = if who == guilty {
                "until [ -e $DIR/spoken ]; do sleep 0.02; done; exit 7"
            } else {
                "touch $DIR/spoken; exec sleep 1000"
            };
            json!(["sh", "-c", format!("echo {who} speaks >&2; {then}")])
        };
        let launch = Launch::new()
            .set("camera.source", "command")
            .set("camera.command", script("camera"))
            .publisher(script("publisher"));
        let mut daemon = launch.start();
        let line = daemon.await_log("next try in");
        assert!(line.contains(&format!("the {guilty} exited")), "{line}");
        let line = daemon.await_log("camera.process ERROR   ");
        assert!(line.ends_with(&format!("camera.process ERROR   {guilty} sh: {guilty} speaks")), "{line}");
        daemon.stop();
        assert_eq!(daemon.log().matches("camera.process ERROR   ").count(), 1, "{}", daemon.log());
    }
}

/// A camera command beside another source was left out without a word.
#[test]
fn a_camera_command_that_is_not_used_was_not_mentioned() {
    let warning = "camera.command is ignored because camera.source is \"none\"";
    let mut launch = Launch::new().set("camera.command", json!(["cam"]));
    let mut daemon = launch.start();
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.log().matches(&format!("server WARNING {warning}")).count(), 2, "at the start and at a reload");
    daemon.stop();
    let output = launch.command().arg("--check-config").stdout(Stdio::piped()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.contains(&format!("warning: {warning}")) && printed.contains("configuration is valid"),
        "{printed}"
    );
    launch.change("camera.command", json!(null));
    let mut daemon = launch.start();
    daemon.stop();
    assert!(!daemon.log().contains("is ignored because"), "{}", daemon.log());
}

/// A picture was damaged, and the publisher got none of those that build on it. Until the next key picture, which may be
/// longer away than a stall, that looked like one.
#[test]
fn pictures_that_wait_for_a_key_picture_were_a_stall() {
    let mut bench = Bench::started(2);
    let mut camera = TestCamera::new(draw::Format::new(64, 64, 24).unwrap(), 1000);
    let mut picture = |bench: &mut Bench| {
        let mut bytes = Vec::new();
        camera.picture(0, 0, &CameraSettings::default(), &mut bytes);
        bench.handle(Input::Video { bytes: &bytes })
    };
    for _ in 0..3 {
        assert_eq!(picture(&mut bench), "");
        assert_eq!(bench.handle(Input::Published { bytes: 100 }), "");
    }
    // A delimiter, and a slice that is not its picture's first (H.264 7.3.3: first_mb_in_slice is 1).
    assert_eq!(bench.handle(Input::Video { bytes: &[0, 0, 0, 1, 9, 0xF0, 0, 0, 0, 1, 0x41, 0x5A, 0x10] }), "");
    for _ in 0..100 {
        assert_eq!(picture(&mut bench), "");
        assert_eq!(bench.pass(100), "", "the camera makes pictures");
    }
    assert_eq!(bench.server.stats().count(Counter::PicturesIncomplete), 1);
    assert_eq!(bench.pass(2000), STALLED);
}
