//! A camera without a publisher.

use super::*;

#[test]
fn without_a_destination_the_camera_runs_alone() {
    let config = CameraConfig { source: CameraSource::Test, ..CameraConfig::default() };
    let supervisor = Supervisor::new(config, CameraSettings::default(), 7);
    let mut rig = Rig { supervisor, now: Mono::from_nanos(1), out: Vec::new() };
    assert_eq!(rig.event(Event::Start), "#started +camera");
    assert_eq!(rig.event(Event::Video { bytes: 1 }), "");
    assert_eq!(rig.event(Event::ClockStepped { by_ms: 5000 }), "", "its time stamps do not follow the wall clock");
    assert_eq!(rig.settings(1), "!restarting int:camera");
    assert_eq!(rig.exit(Role::Camera, 0), "+camera");
    assert_eq!(rig.deadline(), "int:camera");
    assert_eq!(rig.exit(Role::Camera, 0), "#stalled !stalled");
    assert!(rig.failure().0.to_string().contains("the camera hangs or writes no H.264"), "{:?}", rig.failure());
    assert_eq!(rig.deadline(), "#started +camera");
    let rtsp_url = Some("rtsp://h/x".into());
    let config = CameraConfig { rtsp_url, ..rig.supervisor.config.clone() };
    assert_eq!(rig.event(Event::Reconfigured(config)), "int:camera");
    assert_eq!(rig.exit(Role::Camera, 0), "#started +publisher +camera");
}
