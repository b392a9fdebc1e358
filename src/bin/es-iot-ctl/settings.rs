//! The six settings: text to bytes and back.

use es_iot_server::wire::settings::{BRIGHTNESS_SCALE, PAYLOAD_BYTES, decode};

use crate::failure::Failure;

/// The six bytes of an update, and the first six of a reply.
pub type Bytes = [u8; PAYLOAD_BYTES];

/// The tolerance between a value and the nearest step, for settings with decimal steps. It covers only the rounding of
/// decimals to binary fractions.
const EXACT: f64 = 1e-9;

/// The same for brightness: half a step, because its steps are not round numbers that a person would type. The default,
/// 0, is between two steps; the protocol carries it as the lower one.
const BRIGHTNESS_TOLERANCE: f64 = 0.5 / BRIGHTNESS_SCALE + EXACT;

/// A setting; its number is the index of its byte in the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Shutter = 0,
    Gain = 1,
    AwbRed = 2,
    AwbBlue = 3,
    Contrast = 4,
    Brightness = 5,
}

impl Key {
    /// All settings, in the order of the payload.
    pub const ALL: [Self; PAYLOAD_BYTES] =
        [Self::Shutter, Self::Gain, Self::AwbRed, Self::AwbBlue, Self::Contrast, Self::Brightness];

    /// The name, as in `camera_settings.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shutter => "shutter",
            Self::Gain => "gain",
            Self::AwbRed => "awb_red",
            Self::AwbBlue => "awb_blue",
            Self::Contrast => "contrast",
            Self::Brightness => "brightness",
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Shutter => "a multiple of 100 from 0 to 25500, in microseconds",
            Self::Gain => "a whole number from 0 to 255",
            Self::AwbRed | Self::AwbBlue | Self::Contrast => "0 to 25.5, with one decimal at most",
            Self::Brightness => "-1 to 1, rounded to the nearest of 256 steps",
        }
    }

    const fn decimals(self) -> usize {
        match self {
            Self::Shutter | Self::Gain => 0,
            Self::AwbRed | Self::AwbBlue | Self::Contrast => 1,
            Self::Brightness => 4,
        }
    }

    const fn tolerance(self) -> f64 {
        match self {
            Self::Brightness => BRIGHTNESS_TOLERANCE,
            Self::Shutter | Self::Gain | Self::AwbRed | Self::AwbBlue | Self::Contrast => EXACT,
        }
    }

    /// The value of a byte of this setting.
    fn value(self, byte: u8) -> f64 {
        let settings = decode([byte; PAYLOAD_BYTES]);
        match self {
            Self::Shutter => f64::from(settings.shutter),
            Self::Gain => settings.gain,
            Self::AwbRed => settings.awb_red,
            Self::AwbBlue => settings.awb_blue,
            Self::Contrast => settings.contrast,
            Self::Brightness => settings.brightness,
        }
    }

    /// The value of a byte as printed, which [`Assignment`] accepts.
    pub fn shown(self, byte: u8) -> String {
        format!("{:.*}", self.decimals(), self.value(byte))
    }

    /// The byte for a value, or the nearest bytes below and above.
    fn byte(self, value: f64) -> Result<u8, Vec<u8>> {
        let range = self.value(0) - EXACT..=self.value(u8::MAX) + EXACT;
        let distance = |byte: &u8| (self.value(*byte) - value).abs();
        let nearest = (0..=u8::MAX).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.filter(|byte| range.contains(&value) && distance(byte) <= self.tolerance()).ok_or_else(|| {
            let below = (0..=u8::MAX).rfind(|byte| self.value(*byte) < value);
            let above = (0..=u8::MAX).find(|byte| self.value(*byte) > value);
            below.into_iter().chain(above).collect()
        })
    }
}

/// One `KEY=VALUE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The setting.
    pub key: Key,
    /// The value's byte on the wire.
    pub byte: u8,
}

impl Assignment {
    /// Parses all assignments of a command.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] if there is no assignment, or one is malformed, unknown or repeated; [`Failure::Value`] for a value
    /// that the protocol can't carry.
    pub fn all(words: &[String]) -> Result<Vec<Self>, Failure> {
        let mut assignments: Vec<Self> = Vec::new();
        for word in words {
            let assignment = Self::read(word)?;
            if assignments.iter().any(|earlier| earlier.key == assignment.key) {
                return Err(Failure::Usage(format!("{} is set twice", assignment.key.name())));
            }
            assignments.push(assignment);
        }
        if assignments.is_empty() {
            return Err(Failure::Usage("set needs KEY=VALUE, for example gain=4".to_owned()));
        }
        Ok(assignments)
    }

    fn read(word: &str) -> Result<Self, Failure> {
        let Some((name, text)) = word.split_once('=') else {
            return Err(Failure::Usage(format!("set needs KEY=VALUE, not {word:?}")));
        };
        let Some(key) = Key::ALL.into_iter().find(|key| key.name() == name) else {
            let names = Key::ALL.map(Key::name).join(", ");
            return Err(Failure::Usage(format!("unknown setting {name:?}; allowed: {names}")));
        };
        let refused = |nearest: &[u8]| {
            let nearest: Vec<String> = nearest.iter().map(|byte| key.shown(*byte)).collect();
            let nearest = match nearest.as_slice() {
                [] => String::new(),
                [one] => format!("; the nearest is {one}"),
                some => format!("; the nearest are {}", some.join(" and ")),
            };
            Failure::Value(format!("{name} is {text:?}; allowed: {}{nearest}", key.allowed()))
        };
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                key.byte(value).map(|byte| Self { key, byte }).map_err(|nearest| refused(&nearest))
            }
            Ok(_) | Err(_) => Err(refused(&[])),
        }
    }
}

/// The settings as lines of `key=value`, which `set` accepts, or as one line of JSON.
pub fn text(bytes: Bytes, json: bool) -> String {
    let values = Key::ALL.into_iter().zip(bytes).map(|(key, byte)| (key.name(), key.shown(byte)));
    if json {
        let members: Vec<String> = values.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}\n", members.join(","))
    } else {
        let lines: Vec<String> = values.map(|(name, value)| format!("{name}={value}\n")).collect();
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_is_rounded_to_the_nearest_step_and_its_default_to_the_lower_one() {
        for (word, byte) in [
            ("brightness=0", 0x7F),
            ("brightness=0.0", 0x7F),
            ("brightness=0.5", 0xBF),
            ("brightness=-1", 0x00),
            ("brightness=1", 0xFF),
            ("brightness=0.1", 0x8C),
        ] {
            assert_eq!(Assignment::read(word).unwrap(), Assignment { key: Key::Brightness, byte }, "{word}");
        }
    }

    #[test]
    fn printed_settings_are_accepted_as_input() {
        for byte in 0..=u8::MAX {
            let words: Vec<String> = text([byte; PAYLOAD_BYTES], false).lines().map(str::to_owned).collect();
            let assignments = Assignment::all(&words).unwrap();
            assert_eq!(assignments.len(), PAYLOAD_BYTES);
            assert!(assignments.iter().all(|assignment| assignment.byte == byte), "{words:?}");
        }
    }

    #[test]
    fn json_has_the_same_values() {
        let json: serde_json::Value = serde_json::from_str(&text([100, 1, 10, 7, 10, 127], true)).unwrap();
        assert_eq!(json["shutter"], 10_000);
        assert_eq!(json["awb_blue"], 0.7);
        assert_eq!(json["brightness"], -0.0039);
    }

    #[test]
    fn values_that_the_protocol_cannot_carry_are_rejected_with_the_nearest() {
        for (word, part) in [
            ("shutter=12345", "the nearest are 12300 and 12400"),
            ("shutter=25600", "the nearest is 25500"),
            ("shutter=-1", "the nearest is 0"),
            ("shutter=10ms", "allowed: a multiple of 100 from 0 to 25500"),
            ("gain=1.5", "the nearest are 1 and 2"),
            ("gain=256", "the nearest is 255"),
            ("gain=nan", "allowed: a whole number from 0 to 255"),
            ("gain=", "allowed: a whole number"),
            ("awb_red=1.25", "the nearest are 1.2 and 1.3"),
            ("awb_blue=25.6", "the nearest is 25.5"),
            ("contrast=inf", "allowed: 0 to 25.5, with one decimal"),
            ("brightness=1.1", "the nearest is 1.0000"),
        ] {
            let failure = Assignment::read(word).unwrap_err();
            let (name, value) = word.split_once('=').unwrap();
            let message = failure.to_string();
            assert!(message.starts_with(&format!("{name} is {value:?}; ")), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
}
