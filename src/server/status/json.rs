//! The status as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Camera, Status, StatusEvent, Video, Viewers};
use crate::ids::Service;
use crate::stats::Counter;

impl Status<'_> {
    /// The whole status. Times are in seconds; what is unknown is null.
    pub fn to_json(&self) -> String {
        let clients: Map<String, Value> = Service::ALL
            .iter()
            .zip(self.clients)
            .map(|(service, count)| (service.name().to_owned(), json!(count)))
            .collect();
        let counters: Map<String, Value> =
            Counter::ALL.iter().map(|&counter| (counter.name().to_owned(), json!(self.stats.count(counter)))).collect();
        let Camera { state, since, reason, failing: _ } = &self.camera;
        let status = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "host": self.host,
            "uptime": seconds(self.uptime),
            "camera": { "state": state, "since": seconds(*since), "reason": reason },
            "video": self.video.as_ref().map(video),
            "clock": { "set": self.clock_is_set },
            "state": { "persistent": self.is_persistent },
            "clients": clients,
            "subscribers": self.subscribers,
            "viewers": viewers(self.viewers),
            "grants": self.grants,
            "sessions": self.sessions,
            "failing_addresses": self.failing_addresses,
            "settings": self.settings,
            "counters": counters,
        });
        format!("{status:#}\n")
    }
}

impl Status<'_> {
    /// What an event of the state or the settings is about: it differs if there is one.
    pub fn event_key(&self) -> String {
        let Camera { state, reason, .. } = &self.camera;
        let picture = self.video.as_ref().map(|video| (video.live, &video.codec, video.width, video.height));
        format!("{state} {reason:?} {picture:?} {:?} {:?} {:?}", self.viewers, self.rtsp, self.settings)
    }

    /// The state and the settings for clients of the events.
    pub fn event(&self) -> StatusEvent {
        let Camera { state, since, reason, failing: _ } = &self.camera;
        let mut shown = self.video.as_ref().map(video);
        if let Some(shown) = &mut shown {
            // Always about the same at the time of an event, and no change of it is an event.
            shown.as_object_mut().map(|shown| shown.remove("age"));
        }
        let status = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "host": self.host,
            "camera": { "state": state, "since": seconds(*since), "reason": reason },
            "video": shown,
            "viewers": viewers(self.viewers),
            "rtsp_port": self.rtsp.map(|(port, _)| port),
            "rtsp_path": self.rtsp.map(|(_, path)| path),
        });
        StatusEvent { status: status.to_string(), settings: json!(self.settings).to_string() }
    }
}

fn viewers(Viewers { rtsp, http }: Viewers) -> Value {
    json!({ "rtsp": rtsp, "http": http })
}

fn video(video: &Video) -> Value {
    let Video { live, codec, width, height, pictures_per_second, bits_per_second, key_interval, age } = video;
    json!({
        "source": if *live { "camera" } else { "slate" },
        "codec": codec,
        "width": width,
        "height": height,
        "pictures_per_second": rounded(*pictures_per_second),
        "bits_per_second": bits_per_second.round(),
        "key_interval": key_interval.map(seconds),
        "age": seconds(*age),
    })
}

/// Seconds, in milliseconds' steps.
fn seconds(span: Duration) -> f64 {
    rounded(span.as_secs_f64())
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
