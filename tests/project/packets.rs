//! The golden vectors, through the public interface. Existing clients depend on each of these bytes.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::wire::packet::encode;
use es_iot_server::wire::{Decoder, ErrorCode, Id, Kind, Outgoing, Packet, auth, data, settings};

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
    let expected = b"\x00\xFF\x01\x00\x00\x09\x05\x00\x00\x01\x8B\x23\x45\x67\x89\xF0";
    assert_eq!(data::packet(5, 0x0000_018B_2345_6789).as_bytes(), expected);
    let mut decoder = Decoder::new(9);
    decoder.push(expected);
    let packet = decoder.next().expect("undamaged").expect("whole");
    assert!(packet.is(Id::Data, Kind::Response));
    assert_eq!(data::decode(packet.payload), Some((5, 0x0000_018B_2345_6789)));
}

#[test]
fn settings_read() {
    assert_eq!(request(Id::Settings, &[]), b"\x00\xFF\x02\x01\x00\x00\xFC");
    let reply = b"\x00\xFF\x02\x00\x00\x09\x64\x01\x0A\x0A\x0A\x7F\x00\x00\x00\xE4";
    assert_eq!(settings::reply(&CameraSettings::default()).as_bytes(), reply);
}

#[test]
fn settings_update() {
    let update = b"\x00\xFF\x02\x01\x00\x06\x64\x40\x0F\x0C\x0A\x7F\xA8";
    assert_eq!(request(Id::Settings, &settings::encode(&changed())), update);
    let mut decoder = Decoder::new(256);
    decoder.push(update);
    let expected = Packet { id: 2, kind: 1, payload: &[0x64, 0x40, 0x0F, 0x0C, 0x0A, 0x7F] };
    assert_eq!(decoder.next(), Ok(Some(expected)));
    assert_eq!(settings::decode([0x64, 0x40, 0x0F, 0x0C, 0x0A, 0x7F]), changed());
    let reply = b"\x00\xFF\x02\x00\x00\x09\x64\x40\x0F\x0C\x0A\x7F\x00\x00\x00\xA6";
    assert_eq!(settings::reply(&changed()).as_bytes(), reply);
}

#[test]
fn authentication() {
    assert_eq!(request(Id::Auth, b"1111"), b"\x00\xFF\x00\x01\x00\x04\x31\x31\x31\x31\xFA");
    assert_eq!(auth::accepted().as_bytes(), b"\x00\xFF\x00\x00\x00\x05\x72\x65\x61\x64\x79\x91");
    assert_eq!(auth::rejected().as_bytes(), b"\x00\xFF\x00\x02\x00\x00\xFD");
}

#[test]
fn errors() {
    for (id, code, expected) in [
        (Id::Auth, ErrorCode::TooManyAttempts, b"\x00\xFF\x00\x02\x00\x01\x05\xF9"),
        (Id::Settings, ErrorCode::BadChecksum, b"\x00\xFF\x02\x02\x00\x01\x01\xFF"),
        (Id::Settings, ErrorCode::BadLength, b"\x00\xFF\x02\x02\x00\x01\x02\xFC"),
    ] {
        assert_eq!(Outgoing::error(id, code).as_bytes(), expected);
    }
}
