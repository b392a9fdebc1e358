//! The formats of log lines: one event, one line, bounded length. Pure.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use syslog::{Facility, Severity};

use crate::limits::{MAX_LOG_LINE_BYTES, MAX_LOGGER_NAME_BYTES};
use crate::logging::Level;
use crate::time::Utc;

/// Marks the end of a truncated line.
const CUT: &str = " [...]";

/// One event, cleaned by [`clean`] and [`clean_name`].
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub level: Level,
    pub logger: &'a str,
    pub text: &'a str,
    /// Unix time in milliseconds.
    pub unix_ms: u64,
}

/// Appends `2026-11-23 02:12:11.123Z logger LEVEL text` and a newline, in UTC.
pub fn console(line: &mut Vec<u8>, record: &Record<'_>) {
    let start = line.len();
    // Writing to a Vec does not fail.
    let _ = write!(line, "{} {} {} ", Utc(record.unix_ms), record.logger, record.level);
    push_cut(line, record.text, start + MAX_LOG_LINE_BYTES - 1);
    line.push(b'\n');
}

/// Appends `<N>logger: text` and a newline. Journald reads the priority from the prefix (sd-daemon(3)).
pub fn journald(line: &mut Vec<u8>, record: &Record<'_>) {
    let start = line.len();
    let _ = write!(line, "<{}>{}: ", severity(record.level) as u8, record.logger);
    push_cut(line, record.text, start + MAX_LOG_LINE_BYTES - 1);
    line.push(b'\n');
}

/// Appends a datagram for `/dev/log`: `<priority>es-iot-server[pid]: logger: text`, facility `daemon`. The time stamp and
/// host name of RFC 3164, section 4.1, are omitted: a local syslogd adds its own, in the same time zone for all lines.
pub fn syslog(line: &mut Vec<u8>, record: &Record<'_>) {
    let start = line.len();
    let priority = Facility::LOG_DAEMON as u8 | severity(record.level) as u8;
    let _ = write!(line, "<{priority}>es-iot-server[{}]: {}: ", std::process::id(), record.logger);
    push_cut(line, record.text, start + MAX_LOG_LINE_BYTES);
}

/// The text of an event, with characters escaped that could end the line, control a terminal or reverse the text
/// direction. Stops soon after [`MAX_LOG_LINE_BYTES`]; the formats above truncate longer text.
pub fn clean(text: fmt::Arguments<'_>) -> String {
    let mut clean = Clean { out: String::with_capacity(160), limit: MAX_LOG_LINE_BYTES };
    // The error is either our own, for text that is long enough, or from a Display. The text so far is logged.
    let _ = clean.write_fmt(text);
    clean.out
}

/// A logger's name, escaped and bounded. A module path of this crate is shortened to the form `sys.log`.
pub fn clean_name(name: &str) -> String {
    let name = name.strip_prefix(concat!(env!("CARGO_CRATE_NAME"), "::")).unwrap_or(name);
    let mut clean = Clean { out: String::with_capacity(name.len()), limit: MAX_LOGGER_NAME_BYTES };
    for (index, part) in name.split("::").enumerate() {
        let dot = if index == 0 { "" } else { "." };
        if clean.write_str(dot).and_then(|()| clean.write_str(part)).is_err() {
            break;
        }
    }
    clean.out.truncate(clean.out.floor_char_boundary(MAX_LOGGER_NAME_BYTES));
    clean.out
}

/// An event's severity (RFC 5424, table 2).
const fn severity(level: Level) -> Severity {
    match level {
        Level::Trace | Level::Debug => Severity::LOG_DEBUG,
        Level::Info => Severity::LOG_INFO,
        Level::Warning => Severity::LOG_WARNING,
        Level::Error => Severity::LOG_ERR,
        Level::Critical => Severity::LOG_CRIT,
    }
}

/// Appends `text`, truncated and marked if it would pass `end`.
fn push_cut(line: &mut Vec<u8>, text: &str, end: usize) {
    let room = end.saturating_sub(line.len());
    if text.len() <= room {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.extend_from_slice(&text.as_bytes()[..text.floor_char_boundary(room.saturating_sub(CUT.len()))]);
    line.extend_from_slice(CUT.as_bytes());
}

struct Clean {
    out: String,
    limit: usize,
}

impl fmt::Write for Clean {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.out.len() > self.limit {
                return Err(fmt::Error);
            }
            match character {
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..='\x1f' | '\x7f' => write!(self.out, "\\x{:02x}", u32::from(character))?,
                // C1 controls, line and paragraph separators, bidirectional overrides and isolates.
                '\u{80}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    write!(self.out, "\\u{{{:x}}}", u32::from(character))?;
                }
                _ => self.out.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record<'_> {
        Record { level: Level::Warning, logger: "camera.process", text, unix_ms: 1_795_399_931_123 }
    }

    fn text_of(format: impl Fn(&mut Vec<u8>, &Record<'_>), text: &str) -> String {
        let mut line = Vec::new();
        format(&mut line, &record(text));
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn formats() {
        assert_eq!(text_of(console, "no\tway"), "2026-11-23 02:12:11.123Z camera.process WARNING no\tway\n");
        assert_eq!(text_of(journald, "so"), "<4>camera.process: so\n");
        assert_eq!(text_of(syslog, "so"), format!("<28>es-iot-server[{}]: camera.process: so", std::process::id()));
    }

    #[test]
    fn severities() {
        let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Critical];
        assert_eq!(levels.map(|level| severity(level) as u8), [7, 7, 6, 4, 3, 2]);
    }

    #[test]
    fn one_event_is_one_line() {
        let hostile = "a\nb\r\tc\x1b[2J\0\u{9b}1m\x7f\u{2028}\u{202e}é";
        assert_eq!(clean(format_args!("{hostile}")), r"a\nb\r\tc\x1b[2J\x00\u{9b}1m\x7f\u{2028}\u{202e}é");
    }

    #[test]
    fn long_lines_are_truncated_between_characters() {
        for pad in 0..4 {
            let text = clean(format_args!("{}{}", "x".repeat(pad), "é".repeat(5000)));
            assert!(text.len() <= MAX_LOG_LINE_BYTES + 8);
            for line in [text_of(console, &text), text_of(journald, &text), text_of(syslog, &text)] {
                assert!((MAX_LOG_LINE_BYTES - 2..=MAX_LOG_LINE_BYTES).contains(&line.len()), "{}", line.len());
                assert!(line.trim_end().ends_with("é [...]"), "{line}");
            }
        }
        let fits = "x".repeat(MAX_LOG_LINE_BYTES - "<4>camera.process: \n".len());
        assert!(!text_of(journald, &fits).contains("[...]"));
    }

    #[test]
    fn names() {
        assert_eq!(clean_name("camera.process"), "camera.process");
        assert_eq!(clean_name("es_iot_server::sys::log"), "sys.log");
        assert_eq!(clean_name("a\nb"), r"a\nb");
        assert_eq!(clean_name(&"é".repeat(99)).len(), MAX_LOGGER_NAME_BYTES);
    }
}
