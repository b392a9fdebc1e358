//! Bugs of the camera pipeline's supervision.

use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Reason, Role};
use es_iot_server::camera::report::Report as CameraReport;
use es_iot_server::config::{CameraConfig, CameraSource, Config, Level};
use es_iot_server::server::report::{Report, ServerReport};
use es_iot_server::server::{Input, Output, Server};
use es_iot_server::time::{Mono, Now};
use serde_json::json;

use crate::support::Launch;
use crate::{done_to_children, started, two_pictures};

/// A server with a camera, and two clocks that are moved by hand.
struct Bench {
    server: Server,
    now: Now,
}

impl Bench {
    /// Camera and publisher run, and video has moved.
    fn running() -> Self {
        let command = Some(vec!["cam".into()]);
        let rtsp_url = Some("rtsp://h/x".to_owned());
        let camera = CameraConfig { source: CameraSource::Command, command, rtsp_url, ..CameraConfig::default() };
        let now = Now { mono: Mono::from_nanos(20_000_000_000), unix_ms: 20_000 };
        let mut bench = Self { server: started(Config { camera, ..Config::default() }, now), now };
        assert_eq!(bench.video(), "");
        bench
    }

    /// The camera's pictures go to the publisher.
    fn video(&mut self) -> String {
        let shown = |done: String| if done.contains("the video is 64x64") { String::new() } else { done };
        let camera = shown(self.handle(Input::Video { bytes: &two_pictures() }));
        let publisher = self.handle(Input::Published { bytes: 1 });
        [camera, publisher].into_iter().filter(|done| !done.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// Time passes, and the wall clock is set on or back besides.
    fn pass(&mut self, span: Duration, set_by_ms: i64) {
        self.now.mono = self.now.mono + span;
        let passed = u64::try_from(span.as_millis()).expect("a short span");
        self.now.unix_ms = (self.now.unix_ms + passed).saturating_add_signed(set_by_ms);
    }

    /// What is done to the children, and what is logged.
    fn handle(&mut self, input: Input<'_>) -> String {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        let short = |output: &Output| {
            if let Output::Report(report) = output {
                Some(format!("{} {report}", report.level()))
            } else {
                done_to_children(output)
            }
        };
        out.iter().filter_map(short).collect::<Vec<_>>().join(", ")
    }
}

/// ffmpeg's time stamps are those of the clock: set on by years they were dropped, line by line, for as long as the
/// pipeline ran; set on by a day they wrapped in the receiver. Only a clock that was set back restarted it.
#[test]
fn a_clock_that_was_set_on_spoilt_the_time_stamps_for_good() {
    for by_ms in [1_767_225_600_000, 90_000_000, 3_700_000, 1_200, -1_200, -10_000] {
        let mut bench = Bench::running();
        bench.pass(Duration::from_millis(40), by_ms);
        let done = bench.video();
        assert!(done.starts_with("INFO ") && done.contains("the system clock was set "), "{by_ms}: {done}");
        assert!(done.ends_with("Interrupt camera, Interrupt publisher"), "{by_ms}: {done}");
        assert_eq!(bench.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(255) }), "");
        let done = bench.handle(Input::Exited { role: Role::Publisher, exit: Exit::Code(255) });
        assert_eq!(done, "+publisher, +camera", "at once, since nothing failed");
    }
}

/// What NTP does to a clock that is nearly right: chrony slews by up to a twelfth, the others by far less.
#[test]
fn a_clock_that_is_slewed_restarts_nothing() {
    for by_ms in [4, -4] {
        let mut bench = Bench::running();
        bench.pass(Duration::from_secs(4), 0);
        assert!(bench.video().starts_with("INFO video is running"));
        for _ in 0..1000 {
            bench.pass(Duration::from_millis(42), by_ms);
            assert_eq!(bench.video(), "");
        }
    }
}

/// A child's line was cut first and masked then: a cut within a URL's password took away the `@` by which it is known.
/// The ends of the two lines differ: one goes on behind what is kept of a line, the other is never ended.
#[test]
fn the_beginning_of_a_password_was_logged_when_its_line_was_cut() {
    let url = format!("rtsp://ann:S3CRET{}@10.0.0.1/x", "x".repeat(290));
    for (line, logged) in [(url.as_str(), "rtsp://ann:*** ..."), ("rtsp://ann:S3CRET", "rtsp://ann:***")] {
        let mut daemon = Launch::new()
            .set("camera.source", "command")
            .set("camera.command", json!(["cat", "/dev/zero"]))
            .publisher(json!(["sh", "-c", format!("printf 'can not open {line}' >&2; exit 1")]))
            .start();
        daemon.await_log("camera.process ERROR   publisher sh: can not open rtsp://ann");
        daemon.stop();
        let log = daemon.log();
        assert!(!log.contains("S3C"), "{log}");
        assert_eq!(log.matches(&format!("can not open {logged}\n")).count(), 2, "{log}");
    }
}

/// Two causes in turns were two new ones each time, so each failure was logged as the first, with its children's lines.
#[test]
fn two_causes_in_turns_were_logged_in_full_for_ever() {
    let mut bench = Bench::running();
    let mut told = Vec::new();
    for number in 0..32 {
        let text = ["tcp://10.0.0.1: No route to host", "tcp://10.0.0.1: Connection timed out"][number % 2];
        bench.handle(Input::Line { role: Role::Publisher, text });
        bench.handle(Input::Exited { role: Role::Publisher, exit: Exit::Code(1) });
        let done = bench.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(0) });
        assert!(done.is_empty() || done.contains("can't be reached"), "{done}");
        told.extend((!done.is_empty()).then_some(number + 1));
        bench.pass(Duration::from_secs(40), 0);
        assert_eq!(bench.handle(Input::Wakeup), "+publisher, +camera");
    }
    assert_eq!(told, [1, 2, 4, 8, 16, 32]);
}

/// A camera that found one of its devices busy and took the next was called busy when it died much later.
#[test]
fn a_clue_that_video_came_long_after_was_the_verdict() {
    for said_after in [0, 5000] {
        let mut bench = Bench::running();
        for second in 0..=said_after + 8 {
            if second == said_after {
                let text = "/dev/video0: Device or resource busy, trying the next";
                bench.handle(Input::Line { role: Role::Camera, text });
            }
            bench.video();
            bench.pass(Duration::from_secs(1), 0);
        }
        bench.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(3) });
        let done = bench.handle(Input::Exited { role: Role::Publisher, exit: Exit::Code(255) });
        assert!(done.contains("the camera exited on its own with status 3"), "{said_after}: {done}");
    }
}

#[test]
fn one_failure_before_video_ran_was_counted_in_the_plural() {
    let told = |failures| CameraReport::Running { after: Duration::from_millis(400), failures }.to_string();
    assert_eq!(told(0), "video is running, first after 0.4 s");
    assert_eq!(told(1), "video is running, first after 0.4 s, and 1 failure before");
    assert_eq!(told(2), "video is running, first after 0.4 s, and 2 failures before");
}

/// "suppressed 3 more lines about no-program", for example.
#[test]
fn suppressed_lines_were_named_by_codes() {
    let (retry_in, text) = (Duration::from_secs(1), String::new());
    let mut reports = vec![
        CameraReport::Found { program: text.clone(), libav: true },
        CameraReport::NoProgram,
        CameraReport::Running { after: retry_in, failures: 0 },
        CameraReport::Restarting,
        CameraReport::ClockStepped { by_ms: 2000 },
        CameraReport::Failed { reason: Reason::NoCamera, attempt: 1, retry_in, tail: Vec::new() },
        CameraReport::WillNotDie { role: Role::Camera },
    ];
    reports.extend(Role::ALL.map(|role| CameraReport::ChildLine {
        logger: text.clone(),
        role,
        text: text.clone(),
        quiet: false,
    }));
    let kinds = reports.iter().map(|report| report.line(|line| line.kind).expect("it is limited"));
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            "camera programs",
            "missing camera programs",
            "running video",
            "camera restarts",
            "clock changes",
            "pipeline failures",
            "unkillable children",
            "the probe's output",
            "the camera's output",
            "the publisher's output",
        ]
    );
    let suppressed = |count| ServerReport::Suppressed { kind: "camera restarts", count, level: Level::Info }.into();
    let told: [Report; 2] = [1, 2].map(suppressed);
    let expected = ["suppressed 1 more line about camera restarts", "suppressed 2 more lines about camera restarts"];
    assert_eq!(told.map(|report| report.to_string()), expected);
}
