//! Stalls and the stall time.

use super::*;

#[test]
fn a_stall_is_detected_before_and_after_the_first_video() {
    for mut rig in [Rig::started(), Rig::running()] {
        let begun = rig.now;
        let seconds = if rig.state() == "running" { 10 } else { 15 };
        rig.wait(Duration::from_secs(9));
        assert_eq!(rig.event(Event::Video { bytes: 0 }), "");
        assert_eq!(rig.deadline(), "int:camera int:publisher");
        assert_eq!(rig.now.since(begun), Duration::from_secs(seconds));
        rig.exit(Role::Publisher, 255);
        assert_eq!(rig.exit(Role::Camera, 0), "#stalled !stalled");
        assert_eq!(rig.failure().0, Reason::Stalled { seconds, publishing: true });
    }
}

#[test]
fn a_long_exposure_lengthens_the_stall_time() {
    for (shutter, stall) in [(300_000, 1000), (1_000_000, 3000)] {
        let mut rig = Rig::running();
        rig.supervisor.config.stall_seconds = 1;
        rig.settings(shutter);
        rig.exit(Role::Camera, 0);
        rig.event(Event::Video { bytes: 1 });
        assert_eq!(rig.supervisor.deadline(), Some(rig.now + Duration::from_millis(stall)));
    }
}

#[test]
fn a_stall_reports_the_lines_of_both_children_in_order() {
    let mut rig = Rig::running();
    for number in 0..30 {
        rig.line(if number % 3 == 0 { Role::Publisher } else { Role::Camera }, &number.to_string());
    }
    rig.deadline();
    rig.exit(Role::Camera, 0);
    rig.exit(Role::Publisher, 255);
    let tail = rig.failure().3;
    let expected: Vec<String> = (10..30)
        .map(|number| format!("{}: {number}", if number % 3 == 0 { "publisher ffmpeg" } else { "camera test-camera" }))
        .collect();
    assert_eq!(tail, expected);
}

#[test]
fn video_postpones_the_stall() {
    let mut rig = Rig::running();
    for _ in 0..100 {
        rig.wait(Duration::from_millis(9_999));
        assert_eq!(rig.event(Event::Deadline), "");
        rig.event(Event::Video { bytes: 1 });
    }
    assert_eq!(rig.state(), "running");
}

#[test]
fn a_new_stall_time_takes_effect_without_a_restart() {
    let mut rig = Rig::running();
    let config = CameraConfig { stall_seconds: 3, ..rig.supervisor.config.clone() };
    assert_eq!(rig.event(Event::Reconfigured(config)), "");
    assert_eq!(rig.supervisor.deadline(), Some(rig.now + Duration::from_secs(3)));
}
