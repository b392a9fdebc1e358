use std::time::Duration;

use super::*;
use crate::limits::RUNNING_PROOF;
use crate::time::Mono;

const NOW: Mono = Mono::from_nanos(1_000_000_000);

fn verdict(lines: &[(Role, &str)], ends: &[(Role, Exit, bool)]) -> Reason {
    let mut findings = Findings::default();
    for (role, text) in lines {
        findings.line(NOW, *role, text);
    }
    for (role, exit, asked) in ends {
        findings.exited(*role, *exit, *asked);
    }
    findings.verdict()
}

const CAMERA_255: [(Role, Exit, bool); 2] =
    [(Role::Camera, Exit::Code(255), false), (Role::Publisher, Exit::Code(0), true)];

#[test]
fn the_cameras_symptoms_take_precedence() {
    let cases = [
        ("ERROR: *** no cameras available ***", "no-camera"),
        ("[0:1] ERROR Camera camera.cpp:1 Pipeline handler in use by another process", "busy"),
        ("ERROR: *** failed to acquire camera /base/soc/i2c0mux ***", "busy"),
        ("ERROR: *** Unable to find an appropriate H.264 codec ***", "no-encoder"),
        ("ERROR: *** failed to open V4L2 H264 encoder ***", "no-encoder"),
        ("Unknown encoder 'libx264'", "no-encoder"),
        ("ERROR: *** Device timeout detected, attempting a restart!!! ***", "sensor-timeout"),
        ("ERROR: *** unrecognised option '--libav-format' ***", "refused-options"),
        ("ERROR: *** the argument ('x') for option '--gain' is invalid ***", "refused-options"),
        ("something else", "exited"),
    ];
    for (line, kind) in cases {
        assert_eq!(verdict(&[(Role::Camera, line)], &CAMERA_255).kind(), kind, "{line}");
    }
}

#[test]
fn the_publishers_symptoms_count_if_the_camera_has_none() {
    let cases = [
        ("[tcp @ 0x1] Connection to tcp://127.0.0.1:8554?timeout=0 failed: Connection refused", "publisher-refused"),
        ("[rtsp @ 0x1] method ANNOUNCE failed: 401 Unauthorized", "publisher-refused"),
        ("[tcp @ 0x1] Failed to resolve hostname nowhere: Name or service not known", "publisher-refused"),
        ("av_interleaved_write_frame(): Broken pipe", "publisher-lost"),
        ("Error writing trailer of rtsp://h/x: Connection reset by peer", "publisher-lost"),
        ("something else", "exited"),
    ];
    for (line, kind) in cases {
        // Both orders of the deaths, and three exits of a camera that is a victim.
        for camera in [Exit::Signal(13), Exit::Signal(6), Exit::Code(0)] {
            for asked in [true, false] {
                let ends = [(Role::Publisher, Exit::Code(1), !asked), (Role::Camera, camera, asked)];
                if kind == "exited" && !asked {
                    continue;
                }
                assert_eq!(verdict(&[(Role::Publisher, line)], &ends).kind(), kind, "{line} {camera:?} {asked}");
            }
        }
    }
}

#[test]
fn a_camera_that_lost_its_reader_is_the_victim_even_if_noticed_first() {
    let publisher = Reason::Exited { role: Role::Publisher, code: 1 };
    let died = [(Role::Camera, Exit::Signal(13), false), (Role::Publisher, Exit::Code(1), true)];
    assert_eq!(verdict(&[], &died), publisher);
    let died = [(Role::Camera, Exit::Code(255), false), (Role::Publisher, Exit::Code(1), false)];
    assert_eq!(verdict(&[(Role::Camera, "ERROR: *** failed to write output bytes ***")], &died), publisher);
}

#[test]
fn a_publisher_at_the_end_of_its_input_is_the_victim_even_if_noticed_first() {
    let died = [(Role::Publisher, Exit::Code(0), false), (Role::Camera, Exit::Signal(11), true)];
    assert_eq!(verdict(&[], &died), Reason::Crashed { role: Role::Camera, signal: 11 });
    let died = [(Role::Publisher, Exit::Code(1), false), (Role::Camera, Exit::Code(255), true)];
    let starved = (Role::Publisher, "Output file #0 does not contain any stream");
    assert_eq!(verdict(&[starved], &died), Reason::Exited { role: Role::Camera, code: 255 });
    let died = [(Role::Publisher, Exit::Code(0), false), (Role::Camera, Exit::Code(0), true)];
    assert_eq!(verdict(&[], &died), Reason::Exited { role: Role::Publisher, code: 0 });
}

#[test]
fn without_symptoms_the_exits_decide() {
    let cases = [
        ((Role::Camera, Exit::Signal(11)), Reason::Crashed { role: Role::Camera, signal: 11 }),
        ((Role::Camera, Exit::Code(3)), Reason::Exited { role: Role::Camera, code: 3 }),
        ((Role::Publisher, Exit::Signal(9)), Reason::Crashed { role: Role::Publisher, signal: 9 }),
        ((Role::Publisher, Exit::Code(1)), Reason::Exited { role: Role::Publisher, code: 1 }),
    ];
    for ((role, exit), reason) in cases {
        let other = if role == Role::Camera { Role::Publisher } else { Role::Camera };
        assert_eq!(verdict(&[], &[(role, exit, false), (other, Exit::Signal(9), true)]), reason);
    }
}

#[test]
fn a_stall_is_blamed_on_the_sensor_if_it_timed_out_and_did_not_recover() {
    let mut findings = Findings::default();
    findings.stalled(Duration::from_secs(10));
    findings.exited(Role::Camera, Exit::Signal(9), true);
    assert_eq!(findings.verdict(), Reason::Stalled { seconds: 10, publishing: false });
    findings.line(NOW, Role::Camera, "Device timeout detected, attempting a restart!!!");
    assert_eq!(findings.verdict(), Reason::SensorTimeout);
    findings.video(NOW);
    assert_eq!(findings.verdict(), Reason::Stalled { seconds: 10, publishing: false });
}

#[test]
fn a_symptom_is_dropped_only_when_video_moves_long_after_it() {
    for (role, text, kind) in
        [(Role::Camera, "failed to acquire camera", "busy"), (Role::Publisher, "broken pipe", "publisher-lost")]
    {
        let mut findings = Findings::default();
        findings.line(NOW, role, text);
        findings.video(NOW + RUNNING_PROOF / 2);
        findings.exited(Role::Camera, Exit::Code(1), false);
        assert_eq!(findings.verdict().kind(), kind);
        findings.video(NOW + RUNNING_PROOF);
        assert_eq!(findings.verdict().kind(), "exited");
    }
}

#[test]
fn errors_of_exec_are_distinguished() {
    let kind = |errno| Reason::of_spawn(Role::Camera, "cam", errno, "text").kind();
    assert_eq!(
        [kind(2), kind(13), kind(8), kind(11)],
        ["program-missing", "not-executable", "not-executable", "spawn-failed"]
    );
}

#[test]
fn every_reason_is_one_line_with_a_fix() {
    let text = || "text".to_owned();
    let (role, program) = (Role::Camera, text());
    let reasons = [
        Reason::NoCamera,
        Reason::Busy,
        Reason::SensorTimeout,
        Reason::NoEncoder,
        Reason::ProgramMissing { program: text() },
        Reason::RefusedOptions { text: text() },
        Reason::PublisherRefused { text: text() },
        Reason::PublisherLost,
        Reason::Stalled { seconds: 10, publishing: false },
        Reason::Crashed { role, signal: 9 },
        Reason::Exited { role, code: 1 },
        Reason::NotExecutable { role, program: program.clone(), text: text() },
        Reason::SpawnFailed { role, program, text: text() },
    ];
    let mut seen = std::collections::BTreeSet::new();
    for reason in reasons {
        let line = reason.to_string();
        assert!(!line.contains('\n') && line.len() < 160, "{line}");
        assert!(line.contains([':', ';']), "{line}");
        assert!(reason.level() >= Level::Warning);
        assert!(seen.insert(reason.kind()));
    }
}
