//! Bugs of the settings between an update, the camera and the disk.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::server::{Input, Output};
use es_iot_server::wire;

use crate::{A, Bench, reply, request};

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
    let shown = bench.receive(A, &[request(&[])]);
    assert_eq!(shown, [reply(A, &wire::settings::decode(bytes))], "on the wire nothing changes");
    assert_eq!(bench.receive(A, &[request(&bytes)]), []);
    assert_eq!(bench.pass(60_000), [], "what a read shows, sent back, changes nothing");
}
