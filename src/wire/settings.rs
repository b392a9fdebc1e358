//! The camera settings' payload: six bytes and their scales.
//!
//! Encoding adds 1e-6, truncates, and clamps to 0..=255. The addition lets all 256 values of every byte survive
//! decoding and encoding. Plain truncation does not: 0.7 is stored as 0.69999...

use super::{Id, Kind, Outgoing};
use crate::camera::settings::CameraSettings;

/// The six bytes of an update, and the first six of a reply: shutter, gain, AWB red, AWB blue, contrast, brightness.
pub const PAYLOAD_BYTES: usize = 6;

/// Microseconds of shutter time in one step of the shutter byte.
const SHUTTER_STEP_US: u32 = 100;

/// Steps of the brightness byte for a brightness of 1.
pub const BRIGHTNESS_SCALE: f64 = 127.5;

/// Decodes the six bytes of an update. Every byte is a valid value of its setting.
pub fn decode(payload: [u8; PAYLOAD_BYTES]) -> CameraSettings {
    let [shutter, gain, awb_red, awb_blue, contrast, brightness] = payload;
    CameraSettings {
        shutter: u32::from(shutter) * SHUTTER_STEP_US,
        gain: f64::from(gain),
        awb_red: f64::from(awb_red) / 10.0,
        awb_blue: f64::from(awb_blue) / 10.0,
        contrast: f64::from(contrast) / 10.0,
        brightness: f64::from(brightness) / BRIGHTNESS_SCALE - 1.0,
    }
}

/// Applies an update to the settings in force. An update always carries all six settings; a client that changes one
/// sends back the bytes it read for the others. So a byte equal to the encoding of `in_force` leaves its setting
/// unchanged, even if the setting is finer or larger than a byte can hold.
pub fn update(in_force: &CameraSettings, payload: [u8; PAYLOAD_BYTES]) -> CameraSettings {
    let (shown, sent) = (encode(in_force), decode(payload));
    let changed = |field: usize| payload[field] != shown[field];
    CameraSettings {
        shutter: if changed(0) { sent.shutter } else { in_force.shutter },
        gain: if changed(1) { sent.gain } else { in_force.gain },
        awb_red: if changed(2) { sent.awb_red } else { in_force.awb_red },
        awb_blue: if changed(3) { sent.awb_blue } else { in_force.awb_blue },
        contrast: if changed(4) { sent.contrast } else { in_force.contrast },
        brightness: if changed(5) { sent.brightness } else { in_force.brightness },
    }
}

/// Encodes `settings` in six bytes. Values that a byte can't hold are rounded down and clamped.
pub fn encode(settings: &CameraSettings) -> [u8; PAYLOAD_BYTES] {
    [
        u8::try_from(settings.shutter / SHUTTER_STEP_US).unwrap_or(u8::MAX),
        to_byte(settings.gain),
        to_byte(settings.awb_red * 10.0),
        to_byte(settings.awb_blue * 10.0),
        to_byte(settings.contrast * 10.0),
        to_byte((settings.brightness + 1.0) * BRIGHTNESS_SCALE),
    ]
}

/// The reply to a read: the six bytes and three zeros.
pub fn reply(settings: &CameraSettings) -> Outgoing {
    let mut payload = [0; PAYLOAD_BYTES + 3];
    payload[..PAYLOAD_BYTES].copy_from_slice(&encode(settings));
    Outgoing::new(Id::Settings, Kind::Response, payload)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "truncation is the rule, and `as` clamps")]
fn to_byte(scaled: f64) -> u8 {
    (scaled + 1e-6) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn every_byte_of_every_field_is_valid_and_round_trips() {
        for field in 0..PAYLOAD_BYTES {
            for byte in 0..=u8::MAX {
                let mut payload = [0; PAYLOAD_BYTES];
                payload[field] = byte;
                let settings = decode(payload);
                settings.validate().unwrap();
                assert_eq!(encode(&settings), payload);
                let stored = CameraSettings::from_json(&settings.to_json()).unwrap();
                assert_eq!(encode(&stored), payload, "after a round trip through the file");
            }
        }
    }

    #[test]
    fn bytes_stand_for_the_documented_values() {
        let settings = decode([0x64, 0x40, 0x0F, 0x0C, 0x0A, 0xFF]);
        let expected =
            CameraSettings { shutter: 10_000, gain: 64.0, awb_red: 1.5, awb_blue: 1.2, contrast: 1.0, brightness: 1.0 };
        assert_eq!(settings, expected);
        assert!((decode([0; 6]).brightness - -1.0).abs() < f64::EPSILON);
        assert!((decode([255; 6]).awb_red - 25.5).abs() < f64::EPSILON);
    }

    #[test]
    fn values_between_steps_are_truncated_and_values_out_of_range_are_clamped() {
        let defaults = CameraSettings::default();
        assert_eq!(encode(&defaults), golden::DEFAULT_SETTINGS);
        let between = CameraSettings { shutter: 199, gain: 1.99, awb_red: 0.7, contrast: 0.79, ..defaults };
        assert_eq!(encode(&between), [1, 1, 7, 10, 7, 0x7F]);
        let beyond = CameraSettings { shutter: 1_000_000, brightness: 1.0, gain: 255.0, awb_blue: 25.5, ..defaults };
        assert_eq!(encode(&beyond), [255, 255, 10, 255, 10, 255]);
    }

    #[test]
    fn an_update_reads_back_as_sent_and_keeps_the_other_settings() {
        let finer = CameraSettings {
            shutter: 1_000_000,
            gain: 1.99,
            awb_red: 0.79,
            awb_blue: 25.5,
            contrast: 0.05,
            brightness: 0.0,
        };
        let shown = encode(&finer);
        assert_eq!(update(&finer, shown), finer);
        for field in 0..PAYLOAD_BYTES {
            for byte in 0..=u8::MAX {
                let mut payload = shown;
                payload[field] = byte;
                let updated = update(&finer, payload);
                assert_eq!(encode(&updated), payload);
                let mut back = encode(&updated);
                back[field] = shown[field];
                let (others, own) = (update(&finer, back), decode(payload));
                assert_eq!(others, finer, "the other five are unchanged");
                let taken = [
                    f64::from(updated.shutter) - f64::from(own.shutter),
                    updated.gain - own.gain,
                    updated.awb_red - own.awb_red,
                    updated.awb_blue - own.awb_blue,
                    updated.contrast - own.contrast,
                    updated.brightness - own.brightness,
                ];
                assert!(byte == shown[field] || taken[field].abs() < f64::EPSILON, "{field}: {byte}");
            }
        }
    }

    #[test]
    fn invalid_settings_still_encode_to_a_byte() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 1e300, -1e-9] {
            let settings = CameraSettings {
                shutter: u32::MAX,
                gain: value,
                awb_red: value,
                awb_blue: value,
                contrast: value,
                brightness: value,
            };
            let [shutter, gain, ..] = encode(&settings);
            assert_eq!(shutter, 255);
            assert_eq!(gain, if value > 1.0 { 255 } else { 0 });
        }
    }

    #[test]
    fn a_reply_is_the_six_bytes_and_three_zeros() {
        let payload = [1, 2, 3, 4, 5, 6];
        let reply = reply(&decode(payload));
        assert_eq!(reply.as_bytes()[..6], golden::DEFAULTS[..6]);
        assert_eq!(reply.as_bytes()[6..15], [1, 2, 3, 4, 5, 6, 0, 0, 0]);
    }
}
