//! Tests of the supervisor in virtual time, without processes.

use super::*;
use crate::camera::diagnosis::Reason;
use crate::config::{CameraSource, Level};

mod alone;
mod probe;
mod stall;
mod table;

/// The supervisor, its clock, and its last actions.
struct Rig {
    supervisor: Supervisor,
    now: Mono,
    out: Vec<Action>,
}

impl Rig {
    fn new(source: CameraSource) -> Self {
        let rtsp_url = Some("rtsp://h/x".into());
        let config = CameraConfig { source, rtsp_url, ..CameraConfig::default() };
        let supervisor = Supervisor::new(config, CameraSettings::default(), 7);
        Self { supervisor, now: Mono::from_nanos(1), out: Vec::new() }
    }

    /// A started supervisor with the test camera.
    fn started() -> Self {
        let mut rig = Self::new(CameraSource::Test);
        rig.event(Event::Start);
        rig
    }

    /// A supervisor with the test camera and moving video.
    fn running() -> Self {
        let mut rig = Self::started();
        rig.event(Event::Video { bytes: 1 });
        rig
    }

    /// Handles an event and returns the actions in short form.
    fn event(&mut self, event: Event<'_>) -> String {
        self.out.clear();
        self.supervisor.handle(self.now, event, &mut self.out);
        let done: Vec<String> = self.out.iter().map(short).collect();
        done.join(" ")
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// Advances to the deadline.
    fn deadline(&mut self) -> String {
        self.now = self.supervisor.deadline().expect("a deadline");
        self.event(Event::Deadline)
    }

    fn exit(&mut self, role: Role, code: i32) -> String {
        self.event(Event::Exited { role, exit: Exit::Code(code) })
    }

    fn line(&mut self, role: Role, text: &str) -> String {
        self.event(Event::Line { role, text })
    }

    fn settings(&mut self, shutter: u32) -> String {
        let contrast = 1.0 + f64::from(shutter);
        self.event(Event::SettingsChanged(CameraSettings { shutter, contrast, ..CameraSettings::default() }))
    }

    fn state(&self) -> &'static str {
        self.supervisor.state_name()
    }

    fn argv(&self, wanted: Role) -> String {
        let argv = self.out.iter().find_map(|action| match action {
            Action::Spawn { role, argv } if *role == wanted => Some(argv.join(" ")),
            Action::Spawn { .. }
            | Action::Signal { .. }
            | Action::Report(_)
            | Action::CountStart
            | Action::CountFailure { .. } => None,
        });
        argv.expect("a spawn")
    }

    /// The failure among the last actions.
    fn failure(&self) -> (Reason, u32, Duration, Vec<String>) {
        let failed = self.out.iter().find_map(|action| match action {
            Action::Report(Report::Failed { reason, attempt, retry_in, tail }) => {
                Some((reason.clone(), *attempt, *retry_in, tail.clone()))
            }
            Action::Report(_)
            | Action::Spawn { .. }
            | Action::Signal { .. }
            | Action::CountStart
            | Action::CountFailure { .. } => None,
        });
        failed.expect("a failure")
    }
}

fn name(report: &Report) -> &'static str {
    match report {
        Report::Found { .. } => "found",
        Report::NoProgram => "no-program",
        Report::Running { .. } => "running",
        Report::Restarting => "restarting",
        Report::ClockStepped { .. } => "clock-stepped",
        Report::Failed { reason, .. } => reason.kind(),
        Report::WillNotDie { .. } => "will-not-die",
        Report::ChildLine { role: Role::Probe, .. } => "probe-line",
        Report::ChildLine { role: Role::Camera, .. } => "camera-line",
        Report::ChildLine { role: Role::Publisher, .. } => "publisher-line",
    }
}

fn short(action: &Action) -> String {
    match action {
        Action::Spawn { role, .. } => format!("+{}", role.name()),
        Action::Signal { role, signal: StopSignal::Interrupt } => format!("int:{}", role.name()),
        Action::Signal { role, signal: StopSignal::Kill } => format!("kill:{}", role.name()),
        Action::Report(report) => format!("!{}", name(report)),
        Action::CountStart => "#started".into(),
        Action::CountFailure { stalled: false } => "#failed".into(),
        Action::CountFailure { stalled: true } => "#stalled".into(),
    }
}

#[test]
fn running_is_reported_once_after_video_has_moved_for_a_while() {
    let mut rig = Rig::started();
    rig.wait(Duration::from_millis(700));
    assert_eq!(rig.event(Event::Video { bytes: 9 }), "");
    assert_eq!(rig.supervisor.status(), "camera starting");
    rig.wait(limits::RUNNING_PROOF);
    assert_eq!(rig.event(Event::Video { bytes: 9 }), "!running");
    assert_eq!(rig.out, [Action::Report(Report::Running { after: Duration::from_millis(700), failures: 0 })]);
    assert_eq!(rig.event(Event::Video { bytes: 9 }), "");
    assert_eq!(rig.supervisor.status(), "camera running");
}

#[test]
fn a_publisher_that_fails_again_after_its_first_video_logs_at_debug() {
    let mut rig = Rig::started();
    for _ in 0..2 {
        rig.event(Event::Video { bytes: 9 });
        rig.line(Role::Publisher, "Connection refused");
        let quiet = rig.supervisor.backoff.failures() > 0;
        assert!(matches!(rig.out[0], Action::Report(Report::ChildLine { quiet: found, .. }) if found == quiet));
        rig.exit(Role::Publisher, 1);
        rig.exit(Role::Camera, 0);
        rig.deadline();
    }
}

#[test]
fn a_settings_change_restarts_only_the_camera_with_the_newest_settings() {
    let mut rig = Rig::new(CameraSource::Rpicam);
    rig.event(Event::Start);
    rig.exit(Role::Probe, 0);
    rig.event(Event::Video { bytes: 1 });
    assert_eq!(rig.settings(1), "!restarting int:camera");
    assert_eq!(rig.settings(2), "");
    assert_eq!(rig.settings(3), "");
    assert_eq!(rig.event(Event::Video { bytes: 1 }), "", "the old camera's last bytes");
    assert_eq!(rig.exit(Role::Camera, 0), "+camera");
    assert!(rig.argv(Role::Camera).contains("--shutter 3 "));
    assert_eq!(rig.settings(3), "", "the camera already runs with these");
    assert_eq!(rig.state(), "starting");
}

#[test]
fn a_source_without_settings_is_not_restarted() {
    for (word, done) in [("plain", ""), ("{width}", ""), ("{gain}", ""), ("{shutter}", "!restarting int:camera")] {
        let mut rig = Rig::new(CameraSource::Command);
        rig.supervisor.config.command = Some(vec!["cam".into(), word.into()]);
        rig.event(Event::Start);
        assert_eq!(rig.settings(5), done, "{word}");
    }
}

#[test]
fn turning_a_source_on_starts_it_and_turning_it_off_stops_it() {
    let mut rig = Rig::new(CameraSource::None);
    assert_eq!(rig.event(Event::Start), "");
    assert_eq!((rig.state(), rig.supervisor.is_off()), ("off", false));
    assert_eq!(
        rig.event(Event::Reconfigured(CameraConfig { source: CameraSource::Test, ..CameraConfig::default() })),
        "#started +camera"
    );
    assert_eq!(
        rig.event(Event::Reconfigured(CameraConfig { source: CameraSource::None, ..CameraConfig::default() })),
        "int:camera"
    );
    assert_eq!(rig.exit(Role::Camera, 0), "");
    assert_eq!(rig.state(), "off");
}

#[test]
fn a_publisher_that_dies_during_a_camera_restart_fails_the_pipeline() {
    let mut rig = Rig::running();
    rig.settings(1);
    rig.line(Role::Publisher, "av_interleaved_write_frame(): Broken pipe");
    assert_eq!(rig.exit(Role::Publisher, 1), "");
    assert_eq!(rig.exit(Role::Camera, 0), "#failed !publisher-lost");
    assert_eq!(rig.state(), "backing-off");
}

#[test]
fn the_stop_plan_interrupts_then_kills_then_waits_without_starting_a_second_camera() {
    let mut rig = Rig::running();
    let begun = rig.now;
    assert_eq!(rig.settings(1), "!restarting int:camera");
    assert_eq!(rig.event(Event::Deadline), "", "too early");
    assert_eq!(rig.deadline(), "kill:camera");
    assert_eq!(rig.now.since(begun), limits::STOP_GRACE);
    assert_eq!(rig.deadline(), "!will-not-die kill:camera");
    assert_eq!(rig.now.since(begun), limits::STOP_GRACE + limits::KILL_GRACE);
    for _ in 0..5 {
        assert_eq!(rig.deadline(), "kill:camera", "reported once");
    }
    assert_eq!(rig.exit(Role::Camera, 0), "int:publisher", "the stall has been due for long");
}

#[test]
fn a_stop_ends_in_time_from_any_state() {
    for wait in [0, 700, 1499, 1500, 2400] {
        let mut rig = Rig::running();
        rig.settings(1);
        rig.wait(Duration::from_millis(wait));
        rig.event(Event::Deadline);
        let asked = rig.now;
        rig.event(Event::Stop);
        let done = rig.deadline();
        assert!(done.contains("kill:publisher"), "{done}");
        assert!(rig.now.since(asked) + limits::KILL_GRACE <= limits::STOP_TIMEOUT);
        rig.exit(Role::Camera, 0);
        assert!(!rig.supervisor.is_off());
        rig.exit(Role::Publisher, 0);
        assert!(rig.supervisor.is_off());
    }
}

#[test]
fn failures_back_off_and_log_less_until_the_pipeline_is_healthy() {
    let mut rig = Rig::started();
    let mut spoken = Vec::new();
    let mut base = limits::BACKOFF_FIRST;
    for attempt in 1..=20_u32 {
        rig.line(Role::Camera, "ERROR: *** Pipeline handler in use by another process ***");
        let quiet = rig
            .out
            .iter()
            .any(|done| matches!(done, Action::Report(line) if line.line(|line| line.level) == Level::Debug));
        assert_eq!(quiet, attempt > 1);
        rig.exit(Role::Camera, 255);
        if rig.exit(Role::Publisher, 0) == "#failed !busy" {
            let (_, reported, _, tail) = rig.failure();
            assert_eq!((reported, tail.len()), (attempt, usize::from(attempt == 1)));
            spoken.push(attempt);
        }
        let wait = rig.supervisor.deadline().expect("a retry").since(rig.now);
        assert!(wait >= base * 3 / 4 && wait <= base * 5 / 4, "{attempt}: {wait:?}");
        base = (base * 2).min(limits::BACKOFF_LONGEST);
        assert_eq!(rig.deadline(), "#started +publisher +camera");
    }
    assert_eq!(spoken, [1, 2, 4, 8, 16]);
    rig.event(Event::Video { bytes: 1 });
    for _ in 0..4 {
        rig.wait(limits::BACKOFF_RESET / 4);
        rig.event(Event::Video { bytes: 1 });
    }
    rig.exit(Role::Camera, 1);
    assert_eq!(rig.exit(Role::Publisher, 0), "#failed !exited");
    assert!(rig.failure().2 <= limits::BACKOFF_FIRST * 5 / 4);
}

#[test]
fn the_tail_is_bounded_in_lines_and_bytes() {
    let mut rig = Rig::started();
    for number in 0..100 {
        rig.line(Role::Camera, &format!("{number} {}", "\u{e4}".repeat(400)));
    }
    rig.exit(Role::Camera, 1);
    rig.exit(Role::Publisher, 0);
    let tail = rig.failure().3;
    assert_eq!(tail.len(), limits::TAIL_LINES);
    assert!(tail[0].starts_with("camera test-camera: 80 "));
    assert!(tail.iter().all(|line| line.len() <= limits::MAX_CHILD_LINE_BYTES + "camera test-camera: ".len()));
}

#[test]
fn a_password_is_masked_before_its_line_is_truncated() {
    let mut rig = Rig::started();
    rig.line(Role::Publisher, &format!("rtsp://ann:{}@host/x", "S3CRET".repeat(100)));
    assert!(matches!(&rig.out[..], [Action::Report(line)] if line.to_string() == "rtsp://ann:***@host/x"));
}

#[test]
fn both_spawns_may_fail_together() {
    let mut rig = Rig::started();
    assert_eq!(rig.event(Event::SpawnFailed { role: Role::Publisher, errno: 11, text: "again" }), "int:camera");
    assert_eq!(
        rig.event(Event::SpawnFailed { role: Role::Camera, errno: 2, text: "not found" }),
        "#failed !spawn-failed"
    );
    assert!(matches!(rig.failure().0, Reason::SpawnFailed { role: Role::Publisher, .. }));
}

#[test]
fn a_clock_step_restarts_the_pipeline_immediately_and_is_no_failure() {
    let mut rig = Rig::running();
    rig.settings(1);
    for by_ms in [3_700_000, -3_700_000] {
        assert_eq!(rig.event(Event::ClockStepped { by_ms }), "!clock-stepped int:camera int:publisher");
        assert_eq!(rig.event(Event::ClockStepped { by_ms }), "", "the next start uses the new time");
        rig.exit(Role::Publisher, 255);
        assert_eq!(rig.exit(Role::Camera, 255), "#started +publisher +camera");
        assert_eq!(rig.supervisor.backoff.failures(), 0);
    }
}

#[test]
fn a_configuration_while_stopped_starts_nothing() {
    let mut rig = Rig::new(CameraSource::Test);
    let config = CameraConfig { framerate: 30, ..rig.supervisor.config.clone() };
    assert_eq!(rig.event(Event::Reconfigured(config)), "");
    assert!(rig.supervisor.is_off());
    assert_eq!(rig.event(Event::Start), "#started +publisher +camera");
    assert!(rig.argv(Role::Camera).contains("rate=30"));
}
