//! Finding, remembering and losing a camera program.

use super::*;

#[test]
fn the_probe_tries_both_names_and_reads_the_help() {
    let mut rig = Rig::new(CameraSource::Auto);
    assert_eq!(rig.event(Event::Start), "+probe");
    assert_eq!(rig.argv(Role::Probe), "rpicam-vid --help");
    assert_eq!(rig.event(Event::SpawnFailed { role: Role::Probe, errno: 2, text: "not found" }), "+probe");
    assert_eq!(rig.argv(Role::Probe), "libcamera-vid --help");
    rig.line(Role::Probe, "  --low-latency [=arg(=1)] (=0)");
    rig.line(Role::Probe, "  --libav-format arg");
    assert_eq!(rig.exit(Role::Probe, 0), "!found #started +publisher +camera");
    assert!(rig.argv(Role::Camera).starts_with("libcamera-vid -t 0 "));
    assert!(rig.argv(Role::Camera).contains("--low-latency --libav-format h264"));
}

#[test]
fn libav_needs_both_options_and_a_hanging_help_is_killed() {
    let mut rig = Rig::new(CameraSource::Rpicam);
    rig.event(Event::Start);
    rig.line(Role::Probe, "  --low-latency");
    assert_eq!(rig.deadline(), "!found kill:probe");
    assert_eq!(rig.event(Event::Exited { role: Role::Probe, exit: Exit::Signal(9) }), "#started +publisher +camera");
    assert!(!rig.argv(Role::Camera).contains("--low-latency"));
}

#[test]
fn no_program_is_one_warning_for_auto_and_an_error_for_rpicam() {
    let enoent = |role| Event::SpawnFailed { role, errno: 2, text: "not found" };
    let mut rig = Rig::new(CameraSource::Auto);
    rig.event(Event::Start);
    rig.event(enoent(Role::Probe));
    assert_eq!(rig.event(enoent(Role::Probe)), "!no-program");
    for _ in 0..3 {
        assert_eq!(rig.deadline(), "+probe");
        assert_eq!(rig.event(enoent(Role::Probe)), "+probe");
        assert_eq!(rig.event(enoent(Role::Probe)), "", "reported once");
        assert_eq!(rig.supervisor.deadline(), Some(rig.now + limits::REPROBE));
    }
    let mut rig = Rig::new(CameraSource::Rpicam);
    rig.event(Event::Start);
    rig.event(enoent(Role::Probe));
    assert_eq!(rig.event(enoent(Role::Probe)), "#failed !program-missing");
    assert!(rig.failure().2 >= limits::BACKOFF_LONGEST * 3 / 4);
}

#[test]
fn a_program_is_remembered_until_it_is_gone() {
    let mut rig = Rig::new(CameraSource::Rpicam);
    rig.event(Event::Start);
    rig.exit(Role::Probe, 0);
    rig.exit(Role::Camera, 1);
    rig.exit(Role::Publisher, 0);
    assert_eq!(rig.deadline(), "#started +publisher +camera", "no second probe");
    let gone = Event::SpawnFailed { role: Role::Camera, errno: 2, text: "not found" };
    assert_eq!(rig.event(gone), "int:publisher");
    assert_eq!(rig.exit(Role::Publisher, 255), "#failed !program-missing");
    assert_eq!(rig.deadline(), "+probe");
}
