//! Bugs of the settings between an update, the camera and the disk.

use std::time::Duration;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::server::report::Report;
use es_iot_server::server::{Input, Output};
use es_iot_server::wire::{self, ErrorCode};

use crate::{A, B, Bench, error, gained, read, reply, reports, request, update};

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
    let hangs = |told: &[Output]| reports(told).iter().filter(|told| matches!(told, Report::StoreHangs { .. })).count();
    assert_eq!(hangs(&bench.handle_told(Input::Wakeup)), 1);
    bench.receive(A, &[update(3)]);
    bench.now.mono = bench.now.mono + Duration::from_secs(10);
    assert_eq!(hangs(&bench.handle_told(Input::Wakeup)), 0, "once is enough");
    let told = bench.handle_told(Input::Stored { result: Ok(()) });
    assert!(matches!(*reports(&told), [Report::StoreRecovered { .. }]), "{told:?}");
}
