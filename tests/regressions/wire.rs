//! Bugs of the wire and of the settings file.

use es_iot_server::camera::settings::{CameraSettings, SettingsError};
use es_iot_server::wire;

use crate::golden;

/// JSON numbers were read to within one unit in the last place. So some settings that a client had sent differed
/// from themselves once they were read back, and a reload restarted the camera for nothing.
#[test]
fn settings_changed_in_the_last_place_on_their_way_through_the_file() {
    for byte in 0..=u8::MAX {
        let settings = wire::settings::decode([byte; 6]);
        assert_eq!(CameraSettings::from_json(&settings.to_json()), Ok(settings), "byte {byte:02X}");
    }
    let between = CameraSettings { awb_blue: 18.183_208_910_425_414, ..CameraSettings::default() };
    assert_eq!(CameraSettings::from_json(&between.to_json()), Ok(between));
}

/// The settings' derived reader takes their six values in a row without keys, too.
#[test]
fn an_array_of_six_numbers_was_taken_for_settings() {
    for text in ["[10000, 1, 1, 1, 1, 0]", " \n[10000, 1.0, 1.0, 1.0, 1.0, 0.0]\n"] {
        assert!(matches!(CameraSettings::from_json(text), Err(SettingsError::Malformed(_))), "{text}");
    }
}

/// The decoder's buffer grew by doubling and kept that for as long as a packet was unfinished: up to ten times the
/// longest packet a connection.
#[test]
fn an_unfinished_packet_held_more_memory_than_a_packet_can_need() {
    let mut decoder = wire::Decoder::new(256);
    let mut bytes = golden::READ.repeat(146);
    bytes.extend_from_slice(b"\x00\xFF");
    decoder.push(&bytes);
    while decoder.next().expect("undamaged").is_some() {}
    assert!(decoder.mid_packet());
    assert!(decoder.memory_bytes() <= 6 + 256 + 1, "{} bytes", decoder.memory_bytes());
}
