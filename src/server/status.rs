//! The state of the server, in one value: SIGUSR1's line, the status as JSON and the metrics all show this.

mod json;
mod metrics;

use std::fmt;
use std::time::Duration;

use crate::camera::settings::CameraSettings;
use crate::ids::Service;
use crate::stats::Stats;

/// A moment's state.
#[derive(Debug)]
pub struct Status<'a> {
    /// The name of this device.
    pub host: &'a str,
    /// How long the server has run.
    pub uptime: Duration,
    /// Connections that are being served, in the order of [`Service::ALL`].
    pub clients: [usize; Service::ALL.len()],
    /// Clients of the data port that get the stream.
    pub subscribers: usize,
    /// Viewers that get the video.
    pub viewers: Viewers,
    /// Port and path of the video for players; `None` if it is not served.
    pub rtsp: Option<(u16, &'a str)>,
    /// Networks whose wrong passwords are remembered.
    pub failing_addresses: usize,
    /// Peers that hold a grant.
    pub grants: usize,
    /// Sessions of browsers that have logged in.
    pub sessions: usize,
    /// The camera.
    pub camera: Camera,
    /// What viewers see, once there has been a picture.
    pub video: Option<Video>,
    /// Whether the wall clock is set; until then, time stamps are wrong.
    pub clock_is_set: bool,
    /// Whether settings and password survive a restart of the device.
    pub is_persistent: bool,
    /// The camera settings in force.
    pub settings: CameraSettings,
    /// The counters.
    pub stats: &'a Stats,
}

/// Viewers, by the way that the video takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewers {
    /// Over RTSP.
    pub rtsp: usize,
    /// As MP4 over HTTP.
    pub http: usize,
}

/// What clients of the events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEvent {
    /// The state, as JSON in one line.
    pub status: String,
    /// The settings, as JSON in one line.
    pub settings: String,
}

/// The camera as the supervisor has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// The name of its state.
    pub state: &'static str,
    /// How long it has been in this state.
    pub since: Duration,
    /// Why there is no picture; `None` if there is one.
    pub reason: Option<String>,
    /// Whether it has failed since it was last well: what it does now is another try.
    pub failing: bool,
}

/// The stream as viewers get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// Whether the last picture is the camera's, not a slate.
    pub live: bool,
    /// The codec as browsers name it (RFC 6381), such as `avc1.42C01E`.
    pub codec: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures a second, as measured; 0 if no more come.
    pub pictures_per_second: f64,
    /// Bits a second, as measured; 0 if no more come.
    pub bits_per_second: f64,
    /// The time between the camera's last two key pictures.
    pub key_interval: Option<Duration>,
    /// How long ago the last picture came.
    pub age: Duration,
}

/// Whether all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Video moves, or none is configured.
    Good,
    /// No video moves, for this reason.
    Bad(String),
}

impl Status<'_> {
    /// Whether all is well. A camera that has just been started is given `patience`, but not for each try after a failure.
    pub fn health(&self, patience: Duration) -> Health {
        let Camera { state, reason, since, failing } = &self.camera;
        match reason {
            None => Health::Good,
            Some(_) if *state == "off" => Health::Good,
            Some(_) if *state == "restarting-camera" && *since < patience => Health::Good,
            Some(_) if matches!(*state, "starting" | "probing") && !failing && *since < patience => Health::Good,
            Some(reason) => Health::Bad(reason.clone()),
        }
    }

    /// All connections that are being served.
    fn all_clients(&self) -> usize {
        self.clients.iter().sum()
    }
}

/// SIGUSR1's line.
impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscribers, viewers: Viewers { rtsp, http }, failing_addresses, grants, camera, stats, .. } = self;
        let viewers = rtsp + http;
        let [clock_set, state_persistent] = [self.clock_is_set, self.is_persistent].map(u8::from);
        write!(
            f,
            "clients={} subscribers={subscribers} viewers={viewers} failing_addresses={failing_addresses} \
             grants={grants} camera={} clock_set={clock_set} state_persistent={state_persistent} {stats}",
            self.all_clients(),
            camera.state
        )
    }
}

#[cfg(test)]
mod tests;
