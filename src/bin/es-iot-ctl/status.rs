//! `status`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::http::{Problem, Reply, Request, one_line};
use crate::settings::Key;
use crate::text::{bit_rate, or_dash, words};

/// The width of the names at the left.
const NAMES: usize = 10;
/// The width of the text at the right, on a terminal of 80 columns.
const TEXT: usize = 80 - NAMES;

/// Prints the state of the server.
///
/// # Errors
///
/// The server can't be reached or refuses; [`Failure::Unhealthy`] if its video does not move, after the state was printed.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (peer, body) = Reply::to(arguments, Request::Get("/api/status"))?.accepted()?.body()?;
    let not_ours = |_| Failure::Http { peer, problem: Problem::NotOurs };
    let status: Map<String, Value> = serde_json::from_slice(&body).map_err(not_ours)?;
    let health = health(arguments)?;
    // A server that is not healthy is a worse failure than a closed standard output.
    let printed = if arguments.json {
        crate::print(&String::from_utf8_lossy(&body))
    } else {
        crate::print(&report(&Value::Object(status)))
    };
    health.map_or(printed, |reason| Err(Failure::Unhealthy(reason)))
}

/// Why the video does not move; `None` if it does, or none is configured.
fn health(arguments: &Arguments) -> Result<Option<String>, Failure> {
    let reply = Reply::to(arguments, Request::Get("/healthz"))?;
    if reply.status() != 503 {
        return reply.accepted().map(|_| None);
    }
    let (_, body) = reply.body()?;
    Ok(Some(one_line(&String::from_utf8_lossy(&body))))
}

/// The state in aligned lines. What the server does not report is a dash.
fn report(status: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: &str| {
        let _to_a_string = writeln!(out, "{name:NAMES$}{text}");
    };
    line("version", &shown(&status["version"]));
    line("host", &shown(&status["host"]));
    line("uptime", &or_dash(time(&status["uptime"]).map(words)));
    let mut name = "warning";
    for text in warnings(status) {
        line(std::mem::take(&mut name), &text);
    }
    line("camera", &camera(&status["camera"]));
    let mut name = "video";
    for text in video(&status["video"]) {
        line(std::mem::take(&mut name), &text);
    }
    line("viewers", &counts(&status["viewers"]).join(" "));
    let subscribers = format!("subscribers={}", shown(&status["subscribers"]));
    line("clients", &[&counts(&status["clients"])[..], &[subscribers]].concat().join(" "));
    let access = ["grants", "sessions", "failing_addresses"].map(|name| format!("{name}={}", shown(&status[name])));
    line("access", &access.join(" "));
    let mut name = "settings";
    let settings = Key::ALL.map(|key| format!("{}={}", key.name(), shown(&status["settings"][key.name()])));
    for text in wrapped(&settings) {
        line(std::mem::take(&mut name), &text);
    }
    let mut name = "counters";
    let counters: Vec<String> = counts(&status["counters"]).into_iter().filter(|text| !text.ends_with("=0")).collect();
    for text in wrapped(&counters) {
        line(std::mem::take(&mut name), &text);
    }
    out
}

/// What the device lacks, as lines; nothing for a server that does not report it.
fn warnings(status: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut warn = |text: &str| lines.extend(wrapped(&text.split(' ').map(str::to_owned).collect::<Vec<_>>()));
    if status["clock"]["set"] == false {
        warn("the clock is not set: time stamps begin in 1970 until NTP sets it");
    }
    if status["state"]["persistent"] == false {
        warn("the state directory is in memory: settings and password are lost at a restart of the device");
    }
    lines
}

fn camera(camera: &Value) -> String {
    let since = time(&camera["since"]).map(|since| format!(" for {}", words(since)));
    let reason = camera["reason"].as_str().map(|reason| format!(": {}", one_line(reason)));
    [Some(shown(&camera["state"])), since, reason].into_iter().flatten().collect()
}

fn video(video: &Value) -> Vec<String> {
    if video.is_null() {
        return vec!["no picture yet".to_owned()];
    }
    let number = |name: &str| video[name].as_f64();
    let source = match video["source"].as_str() {
        Some("slate") => "a slate, in place of the camera's picture".to_owned(),
        Some("camera") => "from the camera".to_owned(),
        Some(_) | None => format!("from {}", shown(&video["source"])),
    };
    let size = format!("{}x{}", shown(&video["width"]), shown(&video["height"]));
    let rate = or_dash(number("pictures_per_second").map(|rate| format!("{rate:.1} pictures/s")));
    let bits = or_dash(number("bits_per_second").map(bit_rate));
    let keys = or_dash(time(&video["key_interval"]).map(|span| format!("{:.2} s", span.as_secs_f64())));
    let age = or_dash(time(&video["age"]).map(|age| {
        if age < Duration::from_mins(1) { format!("{:.2} s ago", age.as_secs_f64()) } else { words(age) + " ago" }
    }));
    vec![
        format!("{size} {} {source}", shown(&video["codec"])),
        format!("{rate}, {bits}, key picture every {keys}, last picture {age}"),
    ]
}

/// The members of an object, as `name=value`.
fn counts(object: &Value) -> Vec<String> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, count)| format!("{}={}", one_line(name), shown(count))).collect()
}

/// Words in lines of at most [`TEXT`] characters, unless a word is longer.
fn wrapped(words: &[String]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let fits = |line: &String| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= TEXT;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => *line = format!("{line} {word}"),
            None => lines.push(word.clone()),
        }
    }
    lines
}

/// A number or a text. Fractions have four decimals, as `get` prints them.
fn shown(value: &Value) -> String {
    if let (true, Some(number)) = (value.is_f64(), value.as_f64()) {
        return format!("{:?}", (number * 1e4).round() / 1e4);
    }
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => one_line(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => one_line(&value.to_string()),
    }
}

/// A time in seconds.
fn time(seconds: &Value) -> Option<Duration> {
    seconds.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report() {
        let status = json!({
            "version": "0.1.0", "host": "pi", "uptime": 90_000.5,
            "camera": { "state": "backing-off", "since": 3.2, "reason": "no camera is connected\u{1b}[2J" },
            "video": { "source": "slate", "codec": "avc1.42C01E", "width": 640, "height": 480,
                "pictures_per_second": 1.0, "bits_per_second": 12_000.0, "key_interval": null, "age": 0.5 },
            "viewers": { "http": 1, "rtsp": 2 }, "clients": { "data": 3, "http": 1 }, "subscribers": 3,
            "grants": 0, "sessions": 4, "failing_addresses": 5,
            "settings": { "shutter": 10_000, "gain": 1.0, "awb_red": 1.25, "awb_blue": 1.0, "contrast": 1.0,
                "brightness": 0.498_039_215_686 },
            "counters": { "accepted": 12, "closed": 0, "ticks": 340 },
        });
        assert_eq!(
            report(&status),
            "\
version   0.1.0
host      pi
uptime    1 day 1 hour
camera    backing-off for 3 seconds: no camera is connected\u{FFFD}[2J
video     640x480 avc1.42C01E a slate, in place of the camera's picture
          1.0 pictures/s, 12 kbit/s, key picture every -, last picture 0.50 s ago
viewers   http=1 rtsp=2
clients   data=3 http=1 subscribers=3
access    grants=0 sessions=4 failing_addresses=5
settings  shutter=10000 gain=1.0 awb_red=1.25 awb_blue=1.0 contrast=1.0
          brightness=0.498
counters  accepted=12 ticks=340
"
        );
    }

    #[test]
    fn what_the_device_lacks_is_a_warning() {
        let lines =
            |clock: bool, state: bool| report(&json!({ "clock": { "set": clock }, "state": { "persistent": state } }));
        assert!(!lines(true, true).contains("warning") && !report(&json!({})).contains("warning"));
        let text = lines(false, true);
        let clock = "warning   the clock is not set: time stamps begin in 1970 until NTP sets it\n";
        assert!(text.contains(clock) && !text.contains("memory"), "{text}");
        let state = "the state directory is in memory: settings and password are lost at a\n          \
                     restart of the device\n";
        assert!(lines(true, false).contains(&format!("warning   {state}camera")), "{}", lines(true, false));
        assert!(lines(false, false).contains(&format!("{clock}          {state}camera")));
    }

    #[test]
    fn what_is_missing_or_strange_is_shown_as_far_as_possible() {
        let text = report(&json!({}));
        assert!(text.contains("version   -\n") && text.contains("video     no picture yet\n"), "{text}");
        let text = report(&json!({ "uptime": -1.0, "camera": [1], "video": 3, "counters": { "x": [[]] } }));
        assert!(text.contains("uptime    -\n") && text.contains("counters  x=[[]]\n"), "{text}");
    }
}
