//! A value of a layer with its key and source, and the checks that turn it into a field of `Config`.
//!
//! Values of all layers go through the same checks and get the same error texts.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::rules::{self, WholeNumber};
use super::{ALLOWED_LEVELS, ConfigError, Layer, Level, Secret, mask, password};

/// A value, its key, and its source.
pub(super) struct Node<'a> {
    pub layer: &'a Layer,
    pub key: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The member `name` of this object.
    pub fn below<'b>(&self, name: &str, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        Node { layer: self.layer, key, value }
    }

    /// The element at `index` of this list.
    pub fn element<'b>(&self, index: usize, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        Node { layer: self.layer, key: format!("{}[{index}]", self.key), value }
    }

    /// Rejects an object with any other key.
    pub fn refuse_unknown_keys(&self, map: &Map<String, Value>, known: &[&'static str]) -> Result<(), ConfigError> {
        let Some(unknown) = map.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
        Err(ConfigError::UnknownKey {
            layer: self.layer.clone(),
            key: mask::one_line(&self.below(unknown, &Value::Null).key),
            nearest: rules::nearest(unknown, known),
            allowed: known.to_vec(),
        })
    }

    /// A number, as the field's type. In the environment, a text of digits counts as a number.
    pub fn whole<T: TryFrom<u64>>(&self, allowed: WholeNumber) -> Result<T, ConfigError> {
        if let (Value::String(text), Layer::Variable(_)) = (self.value, self.layer)
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse::<u64>()
        {
            return Node { layer: self.layer, key: self.key.clone(), value: &number.into() }.whole(allowed);
        }
        if !self.value.is_number() {
            return Err(self.wrong_type(allowed));
        }
        let in_range =
            |number: &u64| (allowed.min..=allowed.max).contains(number) && (!allowed.even || number.is_multiple_of(2));
        let number = self.value.as_u64().filter(in_range).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.not_allowed(allowed))
    }

    /// A log level.
    pub fn level(&self) -> Result<Level, ConfigError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong_type(ALLOWED_LEVELS))?;
        text.parse().map_err(|()| self.not_allowed(ALLOWED_LEVELS))
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A string that the rule accepts; `allowed` is the rule in words.
    pub fn text(&self, rule: impl Fn(&str) -> bool, allowed: &str) -> Result<String, ConfigError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong_type(allowed))?;
        if rule(text) { Ok(text.to_owned()) } else { Err(self.not_allowed(allowed)) }
    }

    /// One of these names.
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
            layer: self.layer.clone(),
            key: self.key.clone(),
            problem,
        })
    }

    /// Null for `None`, or a value.
    pub fn nullable<T>(&self, read: impl FnOnce(&Self) -> Result<T, ConfigError>) -> Result<Option<T>, ConfigError> {
        if self.value.is_null() { Ok(None) } else { read(self).map(Some) }
    }

    /// A program and its arguments; only these placeholders are allowed. The errors allow null as well, since
    /// its keys are [`Self::nullable`].
    pub fn argv(&self, placeholders: &'static [&'static str]) -> Result<Vec<String>, ConfigError> {
        const ALLOWED: &str = "null or a list of strings: a program and its arguments";
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type(ALLOWED))?;
        if elements.is_empty() {
            return Err(self.not_allowed(ALLOWED));
        }
        let element = |(index, value): (usize, &Value)| {
            let node = self.element(index, value);
            let text = node.text(rules::is_argument, rules::ARGUMENT)?;
            match rules::unknown_placeholder(&text, placeholders) {
                None => Ok(text),
                Some(unknown) => Err(ConfigError::UnknownPlaceholder {
                    layer: node.layer.clone(),
                    placeholder: unknown.to_owned(),
                    key: node.key,
                    allowed: placeholders,
                }),
            }
        };
        elements.iter().enumerate().map(element).collect()
    }

    /// A list of strings that the rule accepts, which may be empty; `allowed` is the rule in words.
    pub fn texts(&self, rule: impl Fn(&str) -> bool, allowed: &str) -> Result<Vec<String>, ConfigError> {
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type("a list of strings, which may be empty"))?;
        let element = |(index, value): (usize, &Value)| self.element(index, value).text(&rule, allowed);
        elements.iter().enumerate().map(element).collect()
    }

    /// The error for a value of the wrong type.
    pub fn wrong_type(&self, expected: impl fmt::Display) -> ConfigError {
        let (layer, key) = (self.layer.clone(), self.key.clone());
        ConfigError::WrongType { layer, key, value: self.shown(), expected: expected.to_string() }
    }

    /// The error for a value of the right type that is not allowed.
    pub fn not_allowed(&self, allowed: impl fmt::Display) -> ConfigError {
        let (layer, key) = (self.layer.clone(), self.key.clone());
        ConfigError::NotAllowed { layer, key, value: self.shown(), allowed: allowed.to_string() }
    }

    /// The value for an error text; only its type if it may be or contain a password.
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

/// A value's type, in words.
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
