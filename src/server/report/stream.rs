//! The source of the stream's value.

use std::path::PathBuf;

use crate::logging::Level::{Error, Info};
use crate::logging::Line;
use crate::service::data::SourceChange;

/// The data source's file changed between readable and not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// Which file.
    pub path: PathBuf,
    /// How.
    pub change: SourceChange,
    /// The value that is sent meanwhile.
    pub value: u8,
}

impl StreamReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let Self { path, change, value } = self;
        let path = path.display();
        let line = |level, text| show(Line::limited(level, "data", "data source changes", text));
        match change {
            SourceChange::Unreadable(errno) => line(
                Error,
                format_args!("cannot read data.source {path}: {errno}; the last value, {value}, is sent meanwhile"),
            ),
            SourceChange::NotANumber => line(
                Error,
                format_args!(
                    "data.source {path} does not begin with a decimal number; the last value, {value}, is sent meanwhile"
                ),
            ),
            SourceChange::Recovered => line(Info, format_args!("data.source {path} can be read again")),
        }
    }
}
