//! The three forms of one state.

use serde_json::Value;

use super::*;
use crate::stats::Counter;

fn stats() -> Stats {
    let mut stats = Stats::default();
    stats.add(Counter::Pictures, 240);
    stats
}

fn status(stats: &Stats) -> Status<'_> {
    Status {
        host: "pi",
        uptime: Duration::from_millis(12_345),
        clients: [3, 1, 0, 2, 1],
        subscribers: 3,
        viewers: Viewers { rtsp: 2, http: 1 },
        rtsp: Some((8554, "ES_MTX")),
        failing_addresses: 0,
        grants: 1,
        sessions: 0,
        camera: Camera { state: "running", since: Duration::from_secs(10), reason: None, failing: false },
        video: Some(Video {
            live: true,
            codec: "avc1.42C01E".into(),
            width: 640,
            height: 480,
            pictures_per_second: 23.999_6,
            bits_per_second: 2_000_000.4,
            key_interval: Some(Duration::from_secs(1)),
            age: Duration::from_millis(31),
        }),
        clock_is_set: true,
        is_persistent: false,
        settings: CameraSettings::default(),
        stats,
    }
}

#[test]
fn the_line_has_the_figures_and_the_counters_that_are_not_zero() {
    assert_eq!(
        status(&stats()).to_string(),
        "clients=7 subscribers=3 viewers=3 failing_addresses=0 grants=1 camera=running clock_set=1 state_persistent=0 \
         pictures=240"
    );
}

#[test]
fn the_json_has_everything() {
    let found: Value = serde_json::from_str(&status(&stats()).to_json()).unwrap();
    let at = |path: &str| found.pointer(path).unwrap_or_else(|| panic!("no {path} in {found:#}")).to_string();
    for (path, value) in [
        ("/version", format!("{:?}", env!("CARGO_PKG_VERSION"))),
        ("/uptime", "12.345".into()),
        ("/camera/state", "\"running\"".into()),
        ("/camera/reason", "null".into()),
        ("/video/source", "\"camera\"".into()),
        ("/video/codec", "\"avc1.42C01E\"".into()),
        ("/video/pictures_per_second", "24.0".into()),
        ("/video/bits_per_second", "2000000.0".into()),
        ("/video/age", "0.031".into()),
        ("/clock/set", "true".into()),
        ("/state/persistent", "false".into()),
        ("/clients/data", "3".into()),
        ("/clients/rtsp", "2".into()),
        ("/settings/shutter", "10000".into()),
        ("/counters/pictures", "240".into()),
        ("/counters/slates", "0".into()),
    ] {
        assert_eq!(at(path), value, "{path}");
    }
}

/// A line of the text format: a comment, or a name with labels and a value.
fn is_sample(line: &str) -> bool {
    let (name, value) = line.rsplit_once(' ').unwrap_or_default();
    let (name, labels) = name.split_once('{').map_or((name, ""), |(name, labels)| (name, labels));
    let is_name =
        name.starts_with("es_iot_") && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let are_labels = labels.is_empty() || labels.ends_with("\"}") && labels.contains("=\"");
    is_name && are_labels && value.parse::<f64>().is_ok()
}

#[test]
fn the_metrics_follow_the_grammar_and_the_conventions() {
    let stats = stats();
    let text = status(&stats).to_metrics();
    assert!(text.ends_with('\n'));
    let (mut current, mut seen) = (String::new(), std::collections::BTreeSet::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            help.split(' ').next().unwrap().clone_into(&mut current);
            assert!(seen.insert(current.clone()), "{current} comes twice");
            // Prometheus has base units: seconds and bytes.
            let units = ["bits", "kilobytes", "megabytes", "milliseconds", "ms", "us", "minutes", "hours"];
            assert!(!current.split('_').any(|word| units.contains(&word)), "{current}");
            assert!(help.ends_with('.'), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!((name, kind == "counter"), (current.as_str(), current.ends_with("_total")), "{line}");
        } else {
            assert!(is_sample(line), "{line}");
            assert!(line.starts_with(current.as_str()), "{line} is not of {current}");
        }
    }
    assert_eq!(seen.iter().filter(|name| name.ends_with("_total")).count(), Counter::ALL.len());
    for line in [
        "es_iot_clients{service=\"rtsp\"} 2",
        "es_iot_pictures_total 240",
        "es_iot_camera_up 1",
        "es_iot_clock_set 1",
        "es_iot_state_persistent 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn a_camera_is_ill_if_it_delivers_nothing_and_should() {
    let stats = stats();
    let health_of = |state, reason: Option<&str>, seconds, failing| {
        let camera = Camera { state, since: Duration::from_secs(seconds), reason: reason.map(str::to_owned), failing };
        Status { camera, ..status(&stats) }.health(Duration::from_secs(10))
    };
    let health = |state, reason, seconds| health_of(state, reason, seconds, false);
    assert_eq!(health("running", None, 1), Health::Good);
    assert_eq!(health("off", Some("camera.source is \"none\""), 99), Health::Good);
    assert_eq!(health("starting", Some("one moment"), 9), Health::Good);
    assert_eq!(health("starting", Some("one moment"), 10), Health::Bad("one moment".into()));
    // A camera that fails again and again is ill all the time, not only between two tries.
    assert_eq!(health_of("starting", Some("it crashed"), 1, true), Health::Bad("it crashed".into()));
    assert_eq!(health_of("running", None, 1, true), Health::Good);
    assert_eq!(health("backing-off", Some("no camera is connected"), 0), Health::Bad("no camera is connected".into()));
    assert_eq!(health("running", Some("no picture"), 0), Health::Bad("no picture".into()));
}
