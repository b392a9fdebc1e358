//! One value of a layer with its name and its source, and the checks that turn it into a field of `Config`.
//!
//! Whatever layer it comes from, a value goes through the same checks and so gets the same error texts.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{ConfigError, Origin, Secret, mask, password, rules};

/// A value, what it is called, and where it comes from.
pub(super) struct Node<'a> {
    pub origin: &'a Origin,
    pub key: String,
    pub value: &'a Value,
}

/// The whole numbers that a key takes.
#[derive(Clone, Copy)]
pub(super) struct Whole {
    pub min: u64,
    pub max: u64,
    pub even: bool,
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.even { "an even" } else { "a whole" };
        write!(f, "{kind} number from {} to {}", self.min, self.max)
    }
}

impl Node<'_> {
    /// A number, as the field's type.
    pub fn whole<T: TryFrom<u64>>(&self, allowed: Whole) -> Result<T, ConfigError> {
        if !self.value.is_number() {
            return Err(self.wrong_type(allowed));
        }
        let in_range =
            |number: &u64| (allowed.min..=allowed.max).contains(number) && (!allowed.even || number.is_multiple_of(2));
        let number = self.value.as_u64().filter(in_range).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.not_allowed(allowed))
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A string that the rule takes; `allowed` is the rule in words.
    pub fn text(&self, rule: impl Fn(&str) -> bool, allowed: &str) -> Result<String, ConfigError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong_type(allowed))?;
        if rule(text) { Ok(text.to_owned()) } else { Err(self.not_allowed(allowed)) }
    }

    /// One of some names.
    pub fn choice<T: Copy>(&self, options: &[(&str, T)]) -> Result<T, ConfigError> {
        let allowed = || options.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let text = self.value.as_str().ok_or_else(|| self.wrong_type(format!("one of {}", allowed())))?;
        let found = options.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        found.ok_or_else(|| self.not_allowed(format!("one of {}", allowed())))
    }

    /// A path, relative or absolute.
    pub fn path(&self) -> Result<PathBuf, ConfigError> {
        self.text(rules::is_path, rules::PATH).map(PathBuf::from)
    }

    /// A password.
    pub fn secret(&self) -> Result<Secret, ConfigError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong_type("a string"))?;
        password::check(text.as_bytes()).map_err(|problem| ConfigError::Password {
            origin: self.origin.clone(),
            key: self.key.clone(),
            problem,
        })
    }

    /// Null for the default, which is nothing.
    pub fn nullable<T>(&self, read: impl FnOnce(&Self) -> Result<T, ConfigError>) -> Result<Option<T>, ConfigError> {
        if self.value.is_null() { Ok(None) } else { read(self).map(Some) }
    }

    /// Null, or a program and its arguments, with placeholders of these names only.
    pub fn argv(&self, placeholders: &'static [&'static str]) -> Result<Option<Vec<String>>, ConfigError> {
        const ALLOWED: &str = "null or a list of strings: a program and its arguments";
        if self.value.is_null() {
            return Ok(None);
        }
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type(ALLOWED))?;
        if elements.is_empty() {
            return Err(self.not_allowed(ALLOWED));
        }
        let element = |(index, value): (usize, &Value)| {
            let node = Node { origin: self.origin, key: format!("{}[{index}]", self.key), value };
            let text = node.text(rules::is_argument, rules::ARGUMENT)?;
            match rules::unknown_placeholder(&text, placeholders) {
                None => Ok(text),
                Some(unknown) => Err(ConfigError::UnknownPlaceholder {
                    origin: node.origin.clone(),
                    placeholder: unknown.to_owned(),
                    key: node.key,
                    allowed: placeholders,
                }),
            }
        };
        elements.iter().enumerate().map(element).collect::<Result<_, _>>().map(Some)
    }

    /// A list of arguments, perhaps empty.
    pub fn arguments(&self) -> Result<Vec<String>, ConfigError> {
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type("a list of strings, perhaps empty"))?;
        let element = |(index, value): (usize, &Value)| {
            let node = Node { origin: self.origin, key: format!("{}[{index}]", self.key), value };
            node.text(rules::is_argument, rules::ARGUMENT)
        };
        elements.iter().enumerate().map(element).collect()
    }

    /// The value is of another type.
    pub fn wrong_type(&self, expected: impl fmt::Display) -> ConfigError {
        let (origin, key) = (self.origin.clone(), self.key.clone());
        ConfigError::WrongType { origin, key, value: self.shown(), expected: expected.to_string() }
    }

    /// The value is of the type, but not allowed.
    pub fn not_allowed(&self, allowed: impl fmt::Display) -> ConfigError {
        let (origin, key) = (self.origin.clone(), self.key.clone());
        ConfigError::NotAllowed { origin, key, value: self.shown(), allowed: allowed.to_string() }
    }

    /// The value for an error: only its kind where it may be or hold a password.
    fn shown(&self) -> String {
        let may_be_password = matches!(self.key.as_str(), "auth" | "auth.password");
        match self.value {
            Value::Array(elements) if elements.is_empty() => "an empty list".into(),
            value if may_be_password => kind(value).into(),
            Value::Bool(_) | Value::Number(_) => self.value.to_string(),
            Value::String(text) => mask::quoted(text),
            Value::Null | Value::Array(_) | Value::Object(_) => kind(self.value).into(),
        }
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A JSON object that is being taken apart. It notes the keys it is asked for, and those are the allowed ones.
pub(super) struct Table<'a> {
    origin: &'a Origin,
    prefix: &'a str,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// Lets `read` ask for every key there is, and then refuses those it did not ask for.
    pub fn read<R>(
        origin: &'a Origin,
        prefix: &'a str,
        map: &'a Map<String, Value>,
        read: impl FnOnce(&mut Self) -> Result<R, ConfigError>,
    ) -> Result<R, ConfigError> {
        let mut table = Self { origin, prefix, map, known: Vec::new() };
        let result = read(&mut table)?;
        let Some(unknown) = map.keys().find(|key| !table.known.contains(&key.as_str())) else { return Ok(result) };
        Err(ConfigError::UnknownKey {
            origin: origin.clone(),
            key: mask::one_line(&join(prefix, unknown)),
            nearest: rules::nearest(unknown, &table.known),
            allowed: table.known,
        })
    }

    /// The value of a key, if it is there.
    pub fn node(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.known.push(key);
        let value = self.map.get(key)?;
        Some(Node { origin: self.origin, key: join(self.prefix, key), value })
    }

    /// Reads a key into its field; false if it is not there.
    pub fn set<T>(
        &mut self,
        key: &'static str,
        field: &mut T,
        read: impl FnOnce(&Node<'a>) -> Result<T, ConfigError>,
    ) -> Result<bool, ConfigError> {
        let Some(node) = self.node(key) else { return Ok(false) };
        *field = read(&node)?;
        Ok(true)
    }

    /// Reads a key that holds an object, if it is there.
    pub fn section(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let Some(node) = self.node(key) else { return Ok(()) };
        let map = node.value.as_object().ok_or_else(|| node.wrong_type("an object"))?;
        Table::read(self.origin, &node.key, map, read)
    }

    /// Where the object comes from.
    pub fn origin(&self) -> &'a Origin {
        self.origin
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}
