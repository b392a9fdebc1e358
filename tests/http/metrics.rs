//! `/metrics`, read by the grammar of the text format 0.0.4 and the conventions of Prometheus for names and units.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::camera::{no_camera, test_camera};
use crate::client::Http;
use crate::movie::Movie;
use crate::support::{Launch, skip, until};

/// A family of samples.
#[derive(Debug, Default)]
struct Metric {
    kind: String,
    /// Labels, as they are written, and values.
    samples: BTreeMap<String, f64>,
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.contains("__")
}

/// Checks labels in braces, with `\\`, `\"` and `\n` as the only escapes.
fn check_labels(labels: &str) {
    let mut rest = labels.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    let mut names = BTreeSet::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{labels}"));
        assert!(is_name(name) && names.insert(name), "{labels}");
        let mut escaped = false;
        let end = after.char_indices().find(|&(_, character)| {
            if escaped {
                assert!(matches!(character, '\\' | '"' | 'n'), "{labels}");
                escaped = false;
                return false;
            }
            escaped = character == '\\';
            character == '"'
        });
        rest = &after[end.unwrap_or_else(|| panic!("{labels}")).0 + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    assert!(!names.is_empty(), "{labels}");
}

/// Reads a whole page, strictly: HELP and TYPE once for each metric, in this order, and its samples behind them.
fn parse(text: &str) -> BTreeMap<String, Metric> {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let (mut helped, mut current) = (None, None::<String>);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(current.as_ref().is_none_or(|name| !metrics[name].samples.is_empty()), "no sample before {line}");
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.') && !help.contains('\\'), "{line}");
            assert!(!metrics.contains_key(name), "{name} comes twice");
            helped = Some(name);
            current = None;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped.take(), Some(name), "{line}");
            assert!(matches!(kind, "gauge" | "counter"), "{line}");
            metrics.insert(name.to_owned(), Metric { kind: kind.to_owned(), ..Metric::default() });
            current = Some(name.to_owned());
        } else {
            assert!(!line.is_empty() && !line.starts_with('#'), "{line:?}");
            let (series, value) = line.rsplit_once(' ').unwrap();
            let labels = series.find('{').map_or("", |at| &series[at..]);
            let name = &series[..series.len() - labels.len()];
            assert_eq!(current.as_deref(), Some(name), "{line}");
            if !labels.is_empty() {
                check_labels(labels);
            }
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(value.is_finite(), "{line}");
            let metric = metrics.get_mut(name).unwrap();
            assert!(metric.samples.insert(labels.to_owned(), value).is_none(), "{line} comes twice");
        }
    }
    metrics
}

fn read(http: &mut Http) -> (String, BTreeMap<String, Metric>) {
    let reply = http.get("/metrics").expect(200);
    assert_eq!(reply.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.text();
    let metrics = parse(&text);
    (text, metrics)
}

/// A number that has no fraction.
fn whole(value: f64) -> u64 {
    value.to_string().parse().unwrap()
}

/// Asks Prometheus' own checker. False if it is not installed.
fn promtool_agrees(text: &str) -> bool {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => return false,
        result => result.unwrap(),
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.trim().is_empty(), "{words}");
    true
}

#[test]
fn the_metrics_follow_grammar_and_conventions() {
    let mut is_checked = true;
    for launch in [test_camera(), no_camera(), Launch::new().http().set("server.rtsp_port", Value::Null)] {
        let daemon = launch.start();
        let mut http = Http::connect(daemon.http_port());
        for watches in [false, true] {
            if watches {
                Movie::watch(daemon.http_port()).pictures(12);
            }
            let (text, metrics) = read(&mut http);
            for (name, metric) in &metrics {
                assert!(name.starts_with("es_iot_"), "{name}");
                assert_eq!(metric.kind == "counter", name.ends_with("_total"), "{name}");
                for wrong in
                    ["_ms", "_milliseconds", "_kb", "_percent", "_minutes", "_count", "_sum", "_bucket", "_info_total"]
                {
                    assert!(!name.ends_with(wrong), "{name}");
                }
                assert!(!metric.samples.is_empty(), "{name}");
                assert!(metric.kind == "gauge" || metric.samples.values().all(|value| value.fract() == 0.0), "{name}");
            }
            is_checked &= promtool_agrees(&text);
        }
    }
    if !is_checked {
        skip("promtool is not installed (apt install prometheus)");
    }
}

#[test]
fn counters_only_grow_and_series_stay() {
    let daemon = test_camera().start();
    let mut http = Http::connect(daemon.http_port());
    Movie::watch(daemon.http_port()).pictures(24);
    let (_, before) = read(&mut http);
    http.get("/none").expect(404);
    http.get("/none").expect(404);
    let (_, after) = read(&mut http);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, metric) in &before {
        if metric.kind == "counter" {
            assert!(after[name].samples[""] >= metric.samples[""], "{name}");
        }
    }
    let count = |metrics: &BTreeMap<String, Metric>| metrics["es_iot_http_not_found_total"].samples[""];
    assert_eq!(whole(count(&after) - count(&before)), 2);
}

#[test]
fn the_three_forms_agree() {
    let launch = test_camera();
    let mut daemon = launch.start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(24);
    let (mut data, mut settings) = (daemon.data(), daemon.settings());
    data.data();
    settings.read();
    settings.update([9; 6]);
    settings.read();
    let mut http = Http::connect(daemon.http_port());
    http.get("/none").expect(404);
    // The camera is being restarted.
    until(|| http.json("/api/status")["video"]["source"] == "camera");
    daemon.try_password("127.0.0.3", "wrong");
    let status = http.json("/api/status");
    let (_, metrics) = read(&mut http);
    let value = |name: &str, labels: &str| metrics[&format!("es_iot_{name}")].samples[labels];
    for (name, labels, path) in [
        ("subscribers", "", "/subscribers"),
        ("grants", "", "/grants"),
        ("sessions", "", "/sessions"),
        ("failing_addresses", "", "/failing_addresses"),
        ("viewers", "{protocol=\"http\"}", "/viewers/http"),
        ("viewers", "{protocol=\"rtsp\"}", "/viewers/rtsp"),
        ("clients", "{service=\"data\"}", "/clients/data"),
        ("clients", "{service=\"settings\"}", "/clients/settings"),
        ("clients", "{service=\"http\"}", "/clients/http"),
    ] {
        assert_eq!(Some(value(name, labels)), status.pointer(path).unwrap().as_f64(), "{name}{labels}");
    }
    for (name, path) in [("clock_set", "/clock/set"), ("state_persistent", "/state/persistent")] {
        let shown = u64::from(status.pointer(path).unwrap().as_bool().unwrap());
        assert_eq!((whole(value(name, "")), daemon.counter(name)), (shown, shown), "{name}");
    }
    let build = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(whole(value("build_info", &build)), 1);
    let video = &status["video"];
    let labels = format!("{{codec={},width=\"{}\",height=\"{}\"}}", video["codec"], video["width"], video["height"]);
    let up = [value("video_info", &labels), value("video_live", ""), value("camera_up", "")];
    assert_eq!(up.map(whole), [1; 3]);
    // Both are rounded.
    assert!(value("uptime_seconds", "") >= status["uptime"].as_f64().unwrap() - 0.001);

    // Counters of what does not go on meanwhile.
    let counters = status["counters"].as_object().unwrap();
    assert_eq!(metrics.keys().filter(|name| name.ends_with("_total")).count(), counters.len());
    for name in
        ["settings_updated", "settings_stored", "auth_rejected", "auth_accepted", "http_not_found", "slates", "reloads"]
    {
        let count = counters[name].as_u64().unwrap();
        assert_eq!(daemon.counter(name), count, "{name}");
        assert_eq!(whole(value(&format!("{name}_total"), "")), count, "{name}");
    }
    // And those that do.
    for name in ["pictures", "ticks", "accepted"].into_iter().filter(|name| counters.contains_key(*name)) {
        let (first, then) = (counters[name].as_u64().unwrap(), whole(value(&format!("{name}_total"), "")));
        assert!(first <= then && then <= daemon.counter(name), "{name}");
    }
    for (word, path) in [("clients", None), ("viewers", Some("/viewers/http")), ("grants", Some("/grants"))] {
        let sum = || status["clients"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
        let expected = path.map_or_else(sum, |path| status.pointer(path).unwrap().as_u64().unwrap());
        assert_eq!(daemon.counter(word), expected, "{word}");
    }
}
