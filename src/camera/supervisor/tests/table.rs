//! Every (state, event) pair, compared to a written-out table.

use super::*;

const STATES: [&str; 11] = [
    "off",
    "no-camera",
    "probing",
    "starting",
    "running",
    "restarting-camera",
    // The same, with the pipeline's stall due.
    "restarting-late",
    "stopping-to-start",
    "stopping-to-back-off",
    "stopping",
    "backing-off",
];

const EVENTS: [&str; 18] = [
    "start",
    "settings",
    "config",
    "config-none",
    "spawn-failed:probe",
    "spawn-failed:camera",
    "spawn-failed:publisher",
    "line:probe",
    "line:camera",
    "line:publisher",
    "video",
    "exited:probe",
    "exited:camera",
    "exited:publisher",
    "clock",
    "deadline",
    "early-deadline",
    "stop",
];

fn in_state(state: &str) -> Rig {
    let missing = |rig: &mut Rig| rig.event(Event::SpawnFailed { role: Role::Probe, errno: 2, text: "" });
    let mut rig = match state {
        "off" => Rig::new(CameraSource::Test),
        "no-camera" | "probing" => Rig::new(CameraSource::Auto),
        "starting" => Rig::started(),
        _ => Rig::running(),
    };
    match state {
        "probing" => drop(rig.event(Event::Start)),
        "no-camera" => {
            rig.event(Event::Start);
            missing(&mut rig);
            missing(&mut rig);
        }
        "restarting-camera" => drop(rig.settings(1)),
        "restarting-late" => {
            rig.now = rig.supervisor.deadline().expect("a stall deadline");
            rig.settings(1);
        }
        "stopping-to-start" => drop(rig.event(Event::Reconfigured(other_config(CameraSource::Test)))),
        "stopping-to-back-off" => drop(rig.deadline()),
        "stopping" => drop(rig.event(Event::Stop)),
        "backing-off" => {
            rig.exit(Role::Camera, 1);
            rig.exit(Role::Publisher, 0);
        }
        _ => {}
    }
    assert_eq!(rig.state(), named(state));
    rig
}

/// The supervisor's name of the state.
fn named(state: &str) -> &str {
    if state == "restarting-late" { "restarting-camera" } else { state }
}

fn other_config(source: CameraSource) -> CameraConfig {
    let rtsp_url = Some("rtsp://h/x".into());
    CameraConfig { source, width: 320, rtsp_url, ..CameraConfig::default() }
}

fn apply(rig: &mut Rig, event: &str) -> String {
    let (name, role) = event.split_once(':').unwrap_or((event, ""));
    let role = Role::ALL.into_iter().find(|known| known.name() == role);
    match (name, role) {
        ("start", None) => rig.event(Event::Start),
        ("settings", None) => rig.settings(77),
        ("config", None) => {
            rig.event(Event::Reconfigured(CameraConfig { height: 240, ..other_config(CameraSource::Test) }))
        }
        ("config-none", None) => rig.event(Event::Reconfigured(other_config(CameraSource::None))),
        ("spawn-failed", Some(role)) => rig.event(Event::SpawnFailed { role, errno: 12, text: "no memory" }),
        ("line", Some(role)) => rig.line(role, "hello"),
        ("video", None) => rig.event(Event::Video { bytes: 1 }),
        ("exited", Some(role)) => rig.exit(role, 3),
        ("clock", None) => rig.event(Event::ClockStepped { by_ms: -2000 }),
        ("deadline", None) if rig.supervisor.deadline().is_none() => rig.event(Event::Deadline),
        ("deadline", None) => rig.deadline(),
        ("early-deadline", None) => rig.event(Event::Deadline),
        ("stop", None) => rig.event(Event::Stop),
        other => panic!("no such event: {other:?}"),
    }
}

/// The result of each pair, as `state: event => next state, actions`.
fn written_out() -> String {
    let mut table = String::new();
    for state in STATES {
        table.push_str(state);
        table.push('\n');
        for event in EVENTS {
            let mut rig = in_state(state);
            let done = apply(&mut rig, event);
            let next = if rig.state() == named(state) { "=" } else { rig.state() };
            table += format!("  {event:23} {next:21} {done}").trim_end();
            table.push('\n');
        }
    }
    table
}

/// A row has the event, the next state (`=`: unchanged) and the actions: `+` starts, `int:` and `kill:` signal, `!`
/// reports.
#[test]
fn every_state_handles_every_event() {
    let expected = include_str!("table.txt");
    let found = written_out();
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(found, expected, "\nthe whole table:\n{}", written_out());
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "\nthe whole table:\n{found}");
}
