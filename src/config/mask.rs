//! Masks values for display: one line, of bounded length, without passwords.
//!
//! A URL in `camera.rtsp_url` or an argv may contain a password (RFC 3986, section 3.2.1: `user:password@host`).

/// The longest value that an error shows, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// The text with line breaks and control characters escaped.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c == '"' || c == '\'' || c == '\\' { c.to_string() } else { c.escape_debug().to_string() })
        .collect()
}

/// A text for an error: quoted, escaped, truncated, and without a URL's user and password. The text may not be a valid URL,
/// so everything from `://`, or from the beginning, to the last `@` is hidden.
pub(super) fn quoted(text: &str) -> String {
    let hidden = match text.rfind('@') {
        None => text.to_owned(),
        Some(at) => {
            let start = text[..at].find("://").map_or(0, |scheme| scheme + "://".len());
            format!("{}***{}", &text[..start], &text[at..])
        }
    };
    if hidden.chars().count() > MAX_SHOWN_CHARS {
        let cut: String = hidden.chars().take(MAX_SHOWN_CHARS).collect();
        return format!("{cut:?}...");
    }
    format!("{hidden:?}")
}

/// Replaces the password of every URL in the text with `***`, for printing or logging a URL or an argument.
pub fn url_passwords(text: &str) -> String {
    masked(text, false)
}

/// The same for a truncated text. If the cut may be within a URL's password, the rest of the URL is hidden, even if it
/// could be a port.
pub fn url_passwords_in_cut(text: &str) -> String {
    masked(text, true)
}

fn masked(text: &str, is_cut: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + "://".len());
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace()).unwrap_or(after.len());
        let (authority, beyond) = after.split_at(end);
        shown.push_str(before);
        let (user_info, host) = if is_cut && beyond.is_empty() {
            (authority, "")
        } else {
            authority.split_at(authority.rfind('@').unwrap_or(0))
        };
        match user_info.split_once(':') {
            Some((user, _)) => {
                shown.push_str(user);
                shown.push_str(":***");
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = beyond;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urls_password_is_masked_and_the_rest_is_kept() {
        for (text, expected) in [
            ("rtsp://localhost:8554/ES_MTX", "rtsp://localhost:8554/ES_MTX"),
            ("rtsp://ann:pa:ss@host/a@b", "rtsp://ann:***@host/a@b"),
            ("rtsp://ann:p@ss@host", "rtsp://ann:***@host"),
            ("rtsp://ann@host/x", "rtsp://ann@host/x"),
            ("one rtsp://a:b@c two http://d:e@f/", "one rtsp://a:***@c two http://d:***@f/"),
            ("no url: a@b", "no url: a@b"),
        ] {
            assert_eq!(url_passwords(text), expected);
        }
    }

    #[test]
    fn the_beginning_of_a_password_is_masked_in_a_truncated_text() {
        for (text, expected) in [
            ("to rtsp://ann:pa", "to rtsp://ann:***"),
            ("to rtsp://ann:p@ss", "to rtsp://ann:***"),
            ("to rtsp://ann:pass@host:85", "to rtsp://ann:***"),
            ("to rtsp://ann:", "to rtsp://ann:***"),
            ("to rtsp://an", "to rtsp://an"),
            ("to rtsp://ann:pass@host:85/x", "to rtsp://ann:***@host:85/x"),
            ("to rtsp://host:85/x: no ro", "to rtsp://host:85/x: no ro"),
        ] {
            assert_eq!(url_passwords_in_cut(text), expected);
        }
    }

    #[test]
    fn an_error_hides_everything_before_the_last_at_sign() {
        assert_eq!(quoted("http://ann:pa/s@s@host/x"), "\"http://***@host/x\"");
        assert_eq!(quoted("ann:pass@host"), "\"***@host\"");
        assert_eq!(quoted("a\nb\u{1b}"), "\"a\\nb\\u{1b}\"");
    }

    #[test]
    fn a_long_value_is_truncated() {
        assert_eq!(quoted(&"ä".repeat(100)), format!("\"{}\"...", "ä".repeat(80)));
    }
}
