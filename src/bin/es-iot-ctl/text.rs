//! Numbers for people.

use std::time::Duration;

/// A time in its two largest units, such as `3 days 4 hours`.
pub fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("day", seconds / 86_400), ("hour", seconds / 3600 % 24), ("minute", seconds / 60 % 60)];
    let all = units.into_iter().chain([("second", seconds % 60)]);
    let from_first = all.skip_while(|(_, count)| *count == 0).take(2);
    let words: Vec<String> = from_first
        .filter(|(_, count)| *count > 0)
        .map(|(unit, count)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if words.is_empty() { "0 seconds".to_owned() } else { words.join(" ") }
}

/// A bit rate.
pub fn bit_rate(bits_per_second: f64) -> String {
    if bits_per_second >= 999_500.0 {
        format!("{:.2} Mbit/s", bits_per_second / 1e6)
    } else {
        format!("{:.0} kbit/s", bits_per_second / 1e3)
    }
}

/// The text, or a dash for what is not known.
pub fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (61, "1 minute 1 second"),
            (3600, "1 hour"),
            (3605, "1 hour"),
            (7325, "2 hours 2 minutes"),
            (86_400 * 400 + 3600, "400 days 1 hour"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn rates() {
        assert_eq!(bit_rate(0.0), "0 kbit/s");
        assert_eq!(bit_rate(999_499.0), "999 kbit/s");
        assert_eq!(bit_rate(999_500.0), "1.00 Mbit/s");
        assert_eq!(bit_rate(12_345_678.0), "12.35 Mbit/s");
    }
}
