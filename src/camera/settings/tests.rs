//! The settings file: accepted and rejected texts, and round trips.

use proptest::prelude::*;

use super::*;

const KEYS: [&str; 6] = ["shutter", "gain", "awb_red", "awb_blue", "contrast", "brightness"];

/// A valid file's JSON, with `value` for `key`.
fn with(key: &str, value: &str) -> String {
    let entries = KEYS.map(|name| format!("\"{name}\": {}", if name == key { value } else { "1" }));
    format!("{{{}}}", entries.join(", "))
}

fn malformed(text: &str) -> String {
    match CameraSettings::from_json(text) {
        Err(SettingsError::Malformed(why)) => why,
        result => panic!("{text}: {result:?}"),
    }
}

#[test]
fn the_shipped_file_contains_the_defaults() {
    let text = include_str!("../../../config/camera_settings.json");
    assert_eq!(CameraSettings::from_json(text), Ok(CameraSettings::default()));
    assert_eq!(CameraSettings::default().to_json(), text);
}

#[test]
fn exactly_the_six_keys_are_accepted() {
    CameraSettings::from_json(&with("", "")).unwrap();
    for key in KEYS {
        let without = with(key, "1").replacen(&format!("\"{key}\""), "\"other\"", 1);
        assert!(malformed(&without).contains("unknown field `other`"));
        let entries: Vec<_> = KEYS.iter().filter(|name| **name != key).map(|name| format!("\"{name}\": 1")).collect();
        assert!(malformed(&format!("{{{}}}", entries.join(","))).contains(&format!("missing field `{key}`")));
        let twice = with("", "").replacen('{', &format!("{{\"{key}\": 1, "), 1);
        assert!(malformed(&twice).contains(&format!("duplicate field `{key}`")));
    }
}

#[test]
fn only_numbers_are_accepted() {
    for key in KEYS {
        for value in ["\"1\"", "null", "true", "[1]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "", "0x10", "01"] {
            malformed(&with(key, value));
        }
    }
    for shutter in ["1.5", "-1", "4294967296", "1e4"] {
        malformed(&with("shutter", shutter));
    }
}

#[test]
fn only_an_object_is_accepted() {
    for text in ["", "null", "1", "\"\"", "{}", "[]", "{\"shutter\": 1", "\u{feff}{}"] {
        malformed(text);
    }
    malformed(&format!("{} {{}}", with("", "")));
}

#[test]
fn ranges_are_enforced_at_both_ends() {
    for (key, least, most, below, above) in [
        ("shutter", "0", "1000000", None, "1000001"),
        ("gain", "0", "255", Some("-0.001"), "255.001"),
        ("awb_red", "0", "25.5", Some("-0.001"), "25.501"),
        ("awb_blue", "0", "25.5", Some("-0.001"), "25.501"),
        ("contrast", "0", "25.5", Some("-0.001"), "25.501"),
        ("brightness", "-1", "1", Some("-1.001"), "1.001"),
    ] {
        CameraSettings::from_json(&with(key, least)).unwrap();
        CameraSettings::from_json(&with(key, most)).unwrap();
        for outside in below.into_iter().chain([above]) {
            let error = CameraSettings::from_json(&with(key, outside)).unwrap_err();
            assert!(matches!(error, SettingsError::OutOfRange { key: named, .. } if named == key));
            assert_eq!(error.to_string(), format!("{key} is {outside}; allowed: {least} to {most}"));
        }
    }
}

#[test]
fn values_that_are_not_finite_are_out_of_range() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for settings in [
            CameraSettings { gain: value, ..CameraSettings::default() },
            CameraSettings { awb_red: value, ..CameraSettings::default() },
            CameraSettings { awb_blue: value, ..CameraSettings::default() },
            CameraSettings { contrast: value, ..CameraSettings::default() },
            CameraSettings { brightness: value, ..CameraSettings::default() },
        ] {
            assert!(settings.validate().is_err());
        }
    }
}

proptest! {
    #[test]
    fn valid_settings_round_trip_through_the_file(
        shutter in 0..=1_000_000_u32,
        gain in 0.0..=255.0,
        awb_red in 0.0..=25.5,
        awb_blue in 0.0..=25.5,
        contrast in 0.0..=25.5,
        brightness in -1.0..=1.0,
    ) {
        let settings = CameraSettings { shutter, gain, awb_red, awb_blue, contrast, brightness };
        prop_assert_eq!(CameraSettings::from_json(&settings.to_json()), Ok(settings));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        drop(CameraSettings::from_json(&text));
    }
}
