//! The rules for values, each with its wording for errors. Pure.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Codec, LogSink};
use crate::limits::{
    DRAWN_FASTEST, DRAWN_SHORTEST_SIDE, DRAWN_TALLEST, DRAWN_WIDEST, MAX_CLIENTS, MAX_HOST_NAME_BYTES,
    MAX_STREAM_PATH_BYTES, MAX_VIEWERS,
};

/// The range of a whole number.
#[derive(Clone, Copy)]
pub(super) struct WholeNumber {
    pub min: u64,
    pub max: u64,
    pub even: bool,
}

impl fmt::Display for WholeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.even { "an even" } else { "a whole" };
        write!(f, "{kind} number from {} to {}", self.min, self.max)
    }
}

pub(super) const PORT: WholeNumber = WholeNumber { min: 0, max: 65_535, even: false };
pub(super) const CLIENTS: WholeNumber = WholeNumber { min: 1, max: MAX_CLIENTS as u64, even: false };
pub(super) const VIEWERS: WholeNumber = WholeNumber { min: 1, max: MAX_VIEWERS as u64, even: false };
/// In pixels. 4:2:0 requires even sizes.
pub(super) const WIDTH: WholeNumber =
    WholeNumber { min: DRAWN_SHORTEST_SIDE as u64, max: DRAWN_WIDEST as u64, even: true };
pub(super) const HEIGHT: WholeNumber =
    WholeNumber { min: DRAWN_SHORTEST_SIDE as u64, max: DRAWN_TALLEST as u64, even: true };
pub(super) const FRAMERATE: WholeNumber = WholeNumber { min: 1, max: DRAWN_FASTEST as u64, even: false };
pub(super) const INTRA: WholeNumber = WholeNumber { min: 1, max: 1000, even: false };
/// In bits per second. The maximum is that of a Pi's encoder (bcm2835-codec); below the minimum, the picture is
/// unusable.
pub(super) const BITRATE: WholeNumber = WholeNumber { min: 100_000, max: 25_000_000, even: false };
/// A board has one or two connectors; multiplexers have up to eight cameras.
pub(super) const CAMERA: WholeNumber = WholeNumber { min: 0, max: 15, even: false };
pub(super) const ROTATION: &str = "0 or 180";
pub(super) const STALL_SECONDS: WholeNumber = WholeNumber { min: 1, max: 3600, even: false };
pub(super) const GRANT_SECONDS: WholeNumber = WholeNumber { min: 0, max: 86_400, even: false };

pub(super) const CODECS: [(&str, Codec); 1] = [("h264", Codec::H264)];
pub(super) const LOG_SINKS: [(&str, LogSink); 3] =
    [("console", LogSink::Console), ("syslog", LogSink::Syslog), ("journald", LogSink::Journald)];
pub(super) const LOG_TARGET: &str =
    "\"auto\", \"console\", \"syslog\", \"journald\", or a list of the last three, each once";
pub(super) const DATA_SOURCE: &str = "\"random\" or {\"file\": \"/path\"}";

/// The placeholders of `camera.command`.
pub(super) const COMMAND_PLACEHOLDERS: &[&str] = &[
    "shutter",
    "gain",
    "awb_red",
    "awb_blue",
    "contrast",
    "brightness",
    "width",
    "height",
    "framerate",
    "intra",
    "bitrate",
];
/// The placeholders of `camera.publisher`.
pub(super) const PUBLISHER_PLACEHOLDERS: &[&str] = &["rtsp_url"];

pub(super) const HOST: &str = "an address or a host name, such as \"0.0.0.0\" or \"::1\", without brackets or port";

/// Whether the text can be an address or a host name. The system's resolver looks up the name at the start.
pub(super) fn is_host(text: &str) -> bool {
    if text.contains(':') {
        // A percent sign separates the zone of a link-local address (RFC 4007, section 11).
        let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
        return address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_name);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number { text.parse::<Ipv4Addr>().is_ok() } else { is_name(text) }
}

pub(super) const HOST_NAME: &str = "a host name, such as \"camera.example\", without scheme or port";

/// Whether the text can be the host in the URL of a page.
pub(super) fn is_host_name(text: &str) -> bool {
    is_name(text) && text.len() <= MAX_HOST_NAME_BYTES
}

/// Letters, digits, hyphens and dots (RFC 1123, section 2.1), and underscores, which are common in practice.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

pub(super) const PATH: &str = "a non-empty path without NUL";

pub(super) fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

pub(super) const ARGUMENT: &str = "a non-empty string without NUL";

/// Whether execve(2) accepts the text; an empty one is taken for a mistake.
pub(super) fn is_argument(text: &str) -> bool {
    is_path(text)
}

pub(super) const STREAM_PATH: &str =
    "a path such as \"ES_MTX\" or \"cameras/1\": letters, digits, and -._~, with slashes only between them";

/// Whether the text can be the path of a stream's URL: characters that need no escape (RFC 3986, section 2.3).
pub(super) fn is_stream_path(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.len() <= MAX_STREAM_PATH_BYTES && text.split('/').all(|part| !part.is_empty() && part.bytes().all(fits))
}

pub(super) const RTSP_URL: &str =
    "null, or rtsp:// or rtsps://, a host, and optionally a port and a path, without spaces";

/// Whether the text is an RTSP URL with a host (RFC 2326, section 3.2; the authority as in RFC 3986).
pub(super) fn is_rtsp_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("rtsp://").or_else(|| text.strip_prefix("rtsps://")) else { return false };
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host_is_good, port) = match host_and_port.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) => (address.parse::<Ipv6Addr>().is_ok(), port),
        Some(None) => return false,
        None => {
            let (host, port) = host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len()));
            (!host.is_empty(), port)
        }
    };
    host_is_good && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// The first unknown `{name}` in an argument. A name consists of letters, digits and underscores. Other braces, and a
/// shell's `${NAME}`, are not placeholders.
pub(super) fn unknown_placeholder<'a>(argument: &'a str, known: &[&str]) -> Option<&'a str> {
    argument.match_indices('{').find_map(|(brace, _)| {
        let name = argument[brace + 1..].split_once('}')?.0;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_name && !argument[..brace].ends_with('$') && !known.contains(&name)).then_some(name)
    })
}

/// The known key that was probably meant: at most two edits away, and fewer than half of what was given.
pub(super) fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let longest = known.iter().map(|name| name.len()).max()?;
    if key.len() > longest + 2 {
        return None;
    }
    let distances = known.iter().map(|name| (distance(key.as_bytes(), name.as_bytes()), *name));
    let (least, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (least <= 2 && 2 * least < key.len()).then_some(name)
}

/// The Levenshtein distance: the number of insertions, deletions and replacements.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtsp_urls_need_a_scheme_and_a_host() {
        for good in [
            "rtsp://localhost:8554/ES_MTX",
            "rtsps://10.0.0.1",
            "rtsp://user:pa:ss@camera.example/x?y#z",
            "rtsp://[::1]:8554/x",
            "rtsp://[fe80::1]",
        ] {
            assert!(is_rtsp_url(good), "{good}");
        }
        for bad in [
            "",
            "rtsp://",
            "rtsp:///path",
            "rtsp://:8554/x",
            "rtsp://user@/x",
            "http://host/x",
            "RTSP//host",
            "rtsp://host/a b",
            "rtsp://host/a\n",
            "rtsp://host:port/x",
            "rtsp://host:0/x",
            "rtsp://host:65536/x",
            "rtsp://[::1/x",
            "rtsp://[host]/x",
            "rtsp://[::1]8554/x",
        ] {
            assert!(!is_rtsp_url(bad), "{bad}");
        }
    }

    #[test]
    fn stream_paths_have_no_slashes_around_them() {
        for good in ["ES_MTX", "cameras/1", "a-b.c~d"] {
            assert!(is_stream_path(good), "{good}");
        }
        let long = "x".repeat(MAX_STREAM_PATH_BYTES + 1);
        for bad in ["", "/", "/ES_MTX", "ES_MTX/", "a//b", "a b", "a?b", "a%20b", "a\r\nb", "\u{e9}", &long] {
            assert!(!is_stream_path(bad), "{bad}");
        }
    }

    #[test]
    fn only_names_in_braces_are_placeholders() {
        for (argument, unknown) in [
            ("{width}x{height}", None),
            ("{width}x{hight}", Some("hight")),
            ("{{fps}}", Some("fps")),
            ("{Width}", Some("Width")),
            ("${HOME}/x", None),
            ("{ print $1 }", None),
            ("{\"json\": 1}", None),
            ("{}", None),
            ("{width", None),
        ] {
            assert_eq!(unknown_placeholder(argument, COMMAND_PLACEHOLDERS), unknown, "{argument}");
        }
    }

    #[test]
    fn the_nearest_key_is_at_most_two_edits_away() {
        let known = ["width", "height", "framerate"];
        assert_eq!(nearest("hieght", &known), Some("height"));
        assert_eq!(nearest("Width", &known), Some("width"));
        assert_eq!(nearest("fps", &known), None);
        assert_eq!(nearest("port", &["host", "data_port"]), None);
        assert_eq!(nearest(&"w".repeat(10_000), &known), None);
    }
}
