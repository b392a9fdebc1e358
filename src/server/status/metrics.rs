//! The status in Prometheus' text format (version 0.0.4): names and units by its conventions.

use std::fmt::{self, Display, Write};

use super::{Status, Video};
use crate::ids::Service;
use crate::stats::Counter;

/// What a metric is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        })
    }
}

/// The text in the making.
struct Page(String);

impl Page {
    /// Begins a metric.
    fn metric(&mut self, name: &str, kind: Kind, help: &str) {
        let _ = writeln!(self.0, "# HELP es_iot_{name} {help}\n# TYPE es_iot_{name} {kind}");
    }

    /// A value of the metric that was begun.
    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "es_iot_{name}{labels} {value}");
    }

    /// A metric with one value.
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.metric(name, Kind::Gauge, help);
        self.sample(name, "", value);
    }
}

impl Status<'_> {
    /// The metrics.
    pub fn to_metrics(&self) -> String {
        let mut page = Page(String::new());
        page.metric("build_info", Kind::Gauge, "The version of the daemon.");
        page.sample("build_info", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
        page.gauge("uptime_seconds", "Time since the start of the daemon.", self.uptime.as_secs_f64());
        page.metric("clients", Kind::Gauge, "Open connections, by service.");
        for (service, count) in Service::ALL.iter().zip(self.clients) {
            page.sample("clients", &format!("{{service=\"{}\"}}", service.name()), count);
        }
        page.gauge("subscribers", "Clients that get the data stream.", self.subscribers);
        page.metric("viewers", Kind::Gauge, "Viewers that get the video, by the way that it takes.");
        page.sample("viewers", "{protocol=\"rtsp\"}", self.viewers.rtsp);
        page.sample("viewers", "{protocol=\"http\"}", self.viewers.http);
        page.gauge("grants", "Addresses that hold a grant.", self.grants);
        page.gauge("sessions", "Sessions of browsers that have logged in.", self.sessions);
        page.gauge("failing_addresses", "Addresses whose wrong passwords are remembered.", self.failing_addresses);
        page.gauge("camera_up", "Whether the camera delivers pictures.", u8::from(self.camera.reason.is_none()));
        page.metric("camera_state", Kind::Gauge, "The state of the camera: 1 for the state that is named.");
        page.sample("camera_state", &format!("{{state=\"{}\"}}", self.camera.state), 1);
        page.gauge("clock_set", "Whether the wall clock is set.", u8::from(self.clock_is_set));
        let help = "Whether settings and password survive a restart of the device.";
        page.gauge("state_persistent", help, u8::from(self.is_persistent));
        if let Some(video) = &self.video {
            page.video(video);
        }
        for &counter in Counter::ALL {
            let name = format!("{}_total", counter.name());
            page.metric(&name, Kind::Counter, &format!("The counter {} of docs/OPERATIONS.md.", counter.name()));
            page.sample(&name, "", self.stats.count(counter));
        }
        page.0
    }
}

impl Page {
    fn video(&mut self, video: &Video) {
        let Video { live, codec, width, height, pictures_per_second, bits_per_second, key_interval, age } = video;
        self.metric("video_info", Kind::Gauge, "Codec and size of the video.");
        let labels = format!("{{codec=\"{codec}\",width=\"{width}\",height=\"{height}\"}}");
        self.sample("video_info", &labels, 1);
        self.gauge("video_live", "Whether the last picture is the camera's, not a slate.", u8::from(*live));
        self.gauge("video_pictures_per_second", "Pictures a second, as measured.", pictures_per_second);
        self.gauge("video_bytes_per_second", "Bytes a second, as measured.", bits_per_second / 8.0);
        if let Some(interval) = key_interval {
            self.gauge("video_key_interval_seconds", "Time between the last two key pictures.", interval.as_secs_f64());
        }
        self.gauge("video_age_seconds", "Time since the last picture.", age.as_secs_f64());
    }
}
