//! The configuration as JSON for people: in the order of the documentation and without passwords.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Config;
use super::keys::{of_section, sections};

impl Config {
    /// The configuration as pretty JSON with a trailing newline, for `--print-config`. Passwords, including those in URLs,
    /// become `***`. Without passwords, the output reads back as the same configuration.
    ///
    /// # Panics
    ///
    /// Never: strings, numbers and lists of them are always JSON.
    pub fn to_json_masked(&self) -> String {
        let mut text = serde_json::to_string_pretty(&Sections(self)).expect("strings, numbers and lists are JSON");
        text.push('\n');
        text
    }
}

/// All sections, in order. A `serde_json::Map` would sort them.
struct Sections<'a>(&'a Config);

impl Serialize for Sections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sections = sections();
        let mut map = serializer.serialize_map(Some(sections.len()))?;
        for section in sections {
            map.serialize_entry(section, &Section { config: self.0, section })?;
        }
        map.end()
    }
}

/// The keys of one section.
struct Section<'a> {
    config: &'a Config,
    section: &'static str,
}

impl Serialize for Section<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for key in of_section(self.section) {
            map.serialize_entry(key.name, &(key.show)(self.config))?;
        }
        map.end()
    }
}
