//! What the test camera draws, as arguments: the supervisor writes them, and the test camera's own process reads them.
//!
//! They carry everything that shows in the picture and nothing else, because the supervisor restarts a camera if and only if
//! its command line changes.
//!
//! Not here: drawing (`media::draw`), and when a picture is due (`start`).

use std::fmt;
use std::str::FromStr;

use super::settings::{CameraSettings, SettingsError};
use crate::config::CameraConfig;

/// The option, not in the help, that makes the daemon's program the test camera. All arguments after it are a
/// [`TestPicture`].
pub const TEST_CAMERA_OPTION: &str = "test-camera";

/// What the test camera draws. [`Display`](fmt::Display) writes it as `key=value` words, each key once and in this order;
/// [`TestPicture::parse`] reads them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestPicture {
    /// Pixels in a row. The range is checked by `media::draw::Format`, like those of the next two.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures a second.
    pub framerate: u32,
    /// Pictures from one key picture to the next.
    pub intra: u32,
    /// Contrast and brightness change the picture; all six are shown in it.
    pub settings: CameraSettings,
}

/// Why arguments are no [`TestPicture`].
#[derive(Debug, Clone, PartialEq)]
pub enum TestPictureError {
    /// This key's word is missing, and so is everything after it.
    Missing(&'static str),
    /// A word is not the expected key with a number of its kind.
    Unexpected {
        /// The key that comes at this place.
        key: &'static str,
        /// The word found.
        word: String,
    },
    /// A word after the last one.
    Surplus(String),
    /// A setting is out of range.
    Settings(SettingsError),
}

impl fmt::Display for TestPictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "{key} is missing"),
            Self::Unexpected { key, word } => write!(f, "{word:?} is not {key} with a valid number"),
            Self::Surplus(word) => write!(f, "{word:?} is one argument too many"),
            Self::Settings(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TestPictureError {}

impl TestPicture {
    /// The picture of `config`, with these settings.
    pub const fn new(config: &CameraConfig, settings: &CameraSettings) -> Self {
        let CameraConfig { width, height, framerate, intra, .. } = *config;
        Self { width, height, framerate, intra, settings: *settings }
    }

    /// Reads the words that [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    ///
    /// [`TestPictureError`] for the first word that is missing, misplaced, surplus or not a number of its kind, or for a
    /// setting that is out of range. Size and rate are not checked.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, TestPictureError> {
        let mut words = words.into_iter();
        let words = &mut words;
        // A struct's fields are evaluated in the order in which they are written.
        let picture = Self {
            width: value("width", words)?,
            height: value("height", words)?,
            framerate: value("framerate", words)?,
            intra: value("intra", words)?,
            settings: CameraSettings {
                shutter: value("shutter", words)?,
                gain: value("gain", words)?,
                awb_red: value("awb_red", words)?,
                awb_blue: value("awb_blue", words)?,
                contrast: value("contrast", words)?,
                brightness: value("brightness", words)?,
            },
        };
        picture.settings.validate().map_err(TestPictureError::Settings)?;
        words.next().map_or(Ok(picture), |word| Err(TestPictureError::Surplus(word)))
    }
}

impl fmt::Display for TestPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, framerate, intra, settings } = self;
        let CameraSettings { shutter, gain, awb_red, awb_blue, contrast, brightness } = settings;
        write!(f, "width={width} height={height} framerate={framerate} intra={intra} shutter={shutter} gain={gain} ")?;
        write!(f, "awb_red={awb_red} awb_blue={awb_blue} contrast={contrast} brightness={brightness}")
    }
}

fn value<T: FromStr>(key: &'static str, words: &mut impl Iterator<Item = String>) -> Result<T, TestPictureError> {
    let word = words.next().ok_or(TestPictureError::Missing(key))?;
    let number = word.strip_prefix(key).and_then(|rest| rest.strip_prefix('='));
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or(TestPictureError::Unexpected { key, word })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USUAL: &str = "width=640 height=480 framerate=24 intra=24 shutter=10000 gain=1 awb_red=1 awb_blue=1 contrast=1 \
                         brightness=0";

    fn parse(line: &str) -> Result<TestPicture, TestPictureError> {
        TestPicture::parse(line.split(' ').filter(|word| !word.is_empty()).map(ToOwned::to_owned))
    }

    #[test]
    fn the_words_are_readable() {
        let usual = TestPicture::new(&CameraConfig::default(), &CameraSettings::default());
        assert_eq!(usual.to_string(), USUAL);
        assert_eq!(parse(USUAL), Ok(usual));
    }

    #[test]
    fn the_ends_of_all_ranges_come_back() {
        let least =
            CameraSettings { shutter: 0, gain: 0.0, awb_red: 0.0, awb_blue: 0.0, contrast: 0.0, brightness: -1.0 };
        let most = CameraSettings {
            shutter: 1_000_000,
            gain: 255.0,
            awb_red: 25.5,
            awb_blue: 25.5,
            contrast: 25.5,
            brightness: 1.0,
        };
        let tiny = CameraSettings { gain: f64::MIN_POSITIVE, contrast: 0.1 + 0.2, brightness: -0.0, ..least };
        for settings in [least, most, tiny] {
            for (width, height, framerate, intra) in
                [(64, 64, 1, 1), (4096, 2160, 120, 1000), (0, u32::MAX, u32::MAX, 0)]
            {
                let picture = TestPicture { width, height, framerate, intra, settings };
                assert_eq!(parse(&picture.to_string()), Ok(picture));
            }
        }
    }

    proptest! {
        #[test]
        fn all_settings_come_back(
            (shutter, gain) in (0..=1_000_000_u32, 0.0..=255.0),
            (awb_red, awb_blue) in (0.0..=25.5, 0.0..=25.5),
            (contrast, brightness) in (0.0..=25.5, -1.0..=1.0),
        ) {
            let settings = CameraSettings { shutter, gain, awb_red, awb_blue, contrast, brightness };
            let picture = TestPicture::new(&CameraConfig::default(), &settings);
            prop_assert_eq!(parse(&picture.to_string()), Ok(picture));
        }
    }

    #[test]
    fn wrong_words_are_named() {
        for (from, to, error) in [
            (USUAL, "", "width is missing"),
            (" brightness=0", "", "brightness is missing"),
            ("gain=1", "gain=", "\"gain=\" is not gain with a valid number"),
            ("gain=1", "gain", "\"gain\" is not gain with a valid number"),
            ("gain=1", "gains=1", "\"gains=1\" is not gain with a valid number"),
            ("gain=1 ", "", "\"awb_red=1\" is not gain with a valid number"),
            ("gain=1", "gain=NaN", "gain is NaN; allowed: 0 to 255"),
            ("gain=1", "gain=1e300", "allowed: 0 to 255"),
            ("width=640", "width=-1", "\"width=-1\" is not width with a valid number"),
            ("height=480", "height=4294967296", "\"height=4294967296\" is not height with a valid number"),
            ("framerate=24", "framerate=23.976", "\"framerate=23.976\" is not framerate with a valid number"),
            ("brightness=0", "brightness=-1.01", "brightness is -1.01; allowed: -1 to 1"),
            ("brightness=0", "brightness=0 --vflip", "\"--vflip\" is one argument too many"),
        ] {
            assert!(USUAL.contains(from), "{from}");
            let found = parse(&USUAL.replace(from, to)).unwrap_err().to_string();
            assert!(found.contains(error), "{found}, not {error}");
        }
    }
}
