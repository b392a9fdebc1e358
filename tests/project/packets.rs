//! The golden packets, through the public interface. Existing clients depend on each of these bytes.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::wire::packet::encode;
use es_iot_server::wire::{Decoder, ErrorCode, Id, Kind, Outgoing, Packet, auth, data, settings};

use crate::golden;
use crate::repository::files;
use crate::source::root;

fn request(id: Id, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(id, Kind::Request, payload, &mut out);
    out
}

fn changed() -> CameraSettings {
    // Brightness is what byte 7F stands for.
    let brightness = 127.0 / 127.5 - 1.0;
    CameraSettings { shutter: 10_000, gain: 64.0, awb_red: 1.5, awb_blue: 1.2, contrast: 1.0, brightness }
}

#[test]
fn data() {
    assert_eq!(data::packet(5, golden::DATA_UNIX_MS).as_bytes(), golden::DATA);
    let mut decoder = Decoder::new(9);
    decoder.push(&golden::DATA);
    let packet = decoder.next().expect("undamaged").expect("whole");
    assert!(packet.is(Id::Data, Kind::Response));
    assert_eq!(data::decode(packet.payload), Some((5, golden::DATA_UNIX_MS)));
}

#[test]
fn settings_read() {
    assert_eq!(request(Id::Settings, &[]), golden::READ);
    assert_eq!(settings::reply(&CameraSettings::default()).as_bytes(), golden::DEFAULTS);
}

#[test]
fn settings_update() {
    assert_eq!(request(Id::Settings, &settings::encode(&changed())), golden::UPDATE);
    let mut decoder = Decoder::new(256);
    decoder.push(&golden::UPDATE);
    let expected = Packet { id: 2, kind: 1, payload: &golden::UPDATED_SETTINGS };
    assert_eq!(decoder.next(), Ok(Some(expected)));
    assert_eq!(settings::decode(golden::UPDATED_SETTINGS), changed());
    assert_eq!(settings::reply(&changed()).as_bytes(), golden::UPDATED);
}

#[test]
fn authentication() {
    assert_eq!(request(Id::Auth, b"1111"), golden::PASSWORD);
    assert_eq!(auth::accepted().as_bytes(), golden::READY);
    assert_eq!(auth::rejected().as_bytes(), golden::REJECTED);
}

#[test]
fn errors() {
    for (id, code, expected) in [
        (Id::Auth, ErrorCode::TooManyAttempts, golden::TOO_MANY_ATTEMPTS),
        (Id::Settings, ErrorCode::BadChecksum, golden::BAD_CHECKSUM),
        (Id::Settings, ErrorCode::BadLength, golden::BAD_LENGTH),
    ] {
        assert_eq!(Outgoing::error(id, code).as_bytes(), expected);
    }
}

/// A packet that is added to the file is added to the tests above.
#[test]
fn each_packet_of_the_file_is_tested() {
    assert_eq!(golden::TEXT.lines().count(), 11);
}

/// What a text has in hexadecimal, without what stands between the digits.
fn bare(text: &str) -> String {
    let digits = text.replace("0x", "").replace("\\x", "").to_uppercase();
    digits.replace(|c: char| c.is_whitespace() || c == ',', "")
}

#[test]
fn no_other_file_has_a_copy() {
    let packets: Vec<String> =
        golden::TEXT.lines().map(|line| bare(line.split_once("  ").expect("two spaces").1)).collect();
    let copies = |text: &str| {
        let text = bare(text);
        packets.iter().any(|packet| text.contains(packet))
    };
    assert!(copies(&format!("{:#04x?}", golden::READ)) && copies(&format!("{:02X?}", golden::READ)));
    assert!(!copies(&format!("{:02X?}", golden::DAMAGED_READ)));
    let mut found = files();
    found.sort();
    found.retain(|path| std::fs::read_to_string(root().join(path)).is_ok_and(|text| copies(&text)));
    let expected = ["docs/PROTOCOL.md", "tests/golden/vectors.txt"].map(std::path::PathBuf::from);
    assert_eq!(found, expected, "a golden packet is copied");
}
