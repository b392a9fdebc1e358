//! The camera settings' payload: six bytes, and the scale of each.
//!
//! Value to byte truncates after adding 1e-6 and clamps to 0..=255. The addition makes all 256 bytes of every
//! field survive byte-to-value-to-byte, which plain truncation does not (0.7 is stored as 0.69999...).

use super::{Id, Kind, Outgoing};
use crate::camera::settings::CameraSettings;

/// The six bytes of an update, and the first six of a reply: shutter, gain, AWB red, AWB blue, contrast, brightness.
pub const PAYLOAD_BYTES: usize = 6;

/// Microseconds of shutter time in one step of the shutter byte.
pub const SHUTTER_STEP_US: u32 = 100;

const BRIGHTNESS_SCALE: f64 = 127.5;

/// The settings that the six bytes of an update stand for. Every byte is a valid value of its setting.
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

/// The six bytes for `settings`; what a byte can't hold becomes the nearest that it can, below.
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
    let [a, b, c, d, e, f] = encode(settings);
    Outgoing::new(Id::Settings, Kind::Response, [a, b, c, d, e, f, 0, 0, 0])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "truncation is the rule, and `as` clamps")]
fn to_byte(scaled: f64) -> u8 {
    (scaled + 1e-6) as u8
}
