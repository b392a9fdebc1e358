//! The six camera settings: ranges, defaults and JSON.
//!
//! Not here: reading and writing the file (`sys::file`), and the encoding on the wire (`wire::settings`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::Peer;

/// The settings passed to the camera at its start. The field names are the keys of `camera_settings.json`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraSettings {
    /// Exposure time in microseconds, 0 to 1,000,000; 0 lets the camera choose.
    pub shutter: u32,
    /// Analogue gain, 0 to 255; 0 lets the camera choose.
    pub gain: f64,
    /// White balance gain for red, 0 to 25.5; if red and blue are both 0, the camera chooses.
    pub awb_red: f64,
    /// White balance gain for blue, 0 to 25.5.
    pub awb_blue: f64,
    /// Contrast, 0 to 25.5; 1 is unchanged. The camera clamps values above 15.99.
    pub contrast: f64,
    /// Brightness, -1 to 1; 0 is unchanged.
    pub brightness: f64,
}

impl Default for CameraSettings {
    fn default() -> Self {
        Self { shutter: 10_000, gain: 1.0, awb_red: 1.0, awb_blue: 1.0, contrast: 1.0, brightness: 0.0 }
    }
}

/// The origin of a settings change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedBy {
    /// A client: the one whose update was the last.
    Peer(Peer),
    /// The settings file, during a reload.
    File,
}

/// An error in a settings file or in a value: the "camera configuration" kind of error.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsError {
    /// The file is not a JSON object of exactly the six numbers.
    Malformed(String),
    /// A change is not a JSON object with some of the six numbers.
    Change(String),
    /// A value is outside its range.
    OutOfRange {
        /// The setting's key.
        key: &'static str,
        /// The value found.
        value: f64,
        /// The smallest value allowed.
        min: f64,
        /// The largest value allowed.
        max: f64,
    },
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(why) => {
                write!(f, "{why}; it must contain exactly shutter, gain, awb_red, awb_blue, contrast and brightness")
            }
            Self::Change(why) => {
                write!(
                    f,
                    "{why}; send any of shutter (a whole number), gain, awb_red, awb_blue, contrast and brightness (numbers)"
                )
            }
            Self::OutOfRange { key, value, min, max } => write!(f, "{key} is {value}; allowed: {min} to {max}"),
        }
    }
}

impl std::error::Error for SettingsError {}

impl CameraSettings {
    /// Parses the text of `camera_settings.json`.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if the text is not an object of exactly the six keys, or a value is out of range.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        // serde's derived deserializers also accept a sequence for a struct.
        if text.trim_start().starts_with('[') {
            return Err(SettingsError::Malformed("it is an array, not an object".into()));
        }
        let settings: Self = serde_json::from_str(text).map_err(|error| SettingsError::Malformed(error.to_string()))?;
        settings.validate()?;
        Ok(settings)
    }

    /// These settings with the changes in a JSON object of some of the six keys.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if the text is not such an object, or a value is out of range.
    pub fn changed_by_json(&self, text: &[u8]) -> Result<Self, SettingsError> {
        let malformed = |error: serde_json::Error| SettingsError::Change(error.to_string());
        let changes: Map<String, Value> = serde_json::from_slice(text).map_err(malformed)?;
        let mut all = serde_json::to_value(self).map_err(malformed)?;
        for (key, value) in changes {
            let setting =
                all.get_mut(&key).ok_or_else(|| SettingsError::Change(format!("{key:?} is not a setting")))?;
            if !value.is_number() || (setting.is_u64() && !value.is_u64()) {
                let kind = if setting.is_u64() { "a whole number, 0 or more" } else { "a number" };
                return Err(SettingsError::Change(format!("{key} is {value}, not {kind}")));
            }
            *setting = value;
        }
        let settings: Self = serde_json::from_value(all).map_err(malformed)?;
        settings.validate()?;
        Ok(settings)
    }

    /// The text of `camera_settings.json`, with a trailing newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("six numbers under fixed keys are always JSON");
        text.push('\n');
        text
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`SettingsError::OutOfRange`] for the first value that is out of range or not a number.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("shutter", f64::from(self.shutter), 0.0, 1_000_000.0),
            ("gain", self.gain, 0.0, 255.0),
            ("awb_red", self.awb_red, 0.0, 25.5),
            ("awb_blue", self.awb_blue, 0.0, 25.5),
            ("contrast", self.contrast, 0.0, 25.5),
            ("brightness", self.brightness, -1.0, 1.0),
        ];
        for (key, value, min, max) in ranges {
            if !(min..=max).contains(&value) {
                return Err(SettingsError::OutOfRange { key, value, min, max });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
