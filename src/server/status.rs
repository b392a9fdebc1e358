//! The state of the server in figures: what SIGUSR1 logs.

use std::fmt;

use crate::stats::Stats;

/// A moment's figures.
#[derive(Debug)]
pub struct Status<'a> {
    /// Connections that are being served.
    pub clients: usize,
    /// Those among them that get the stream.
    pub subscribers: usize,
    /// Viewers that get the video.
    pub viewers: usize,
    /// Networks whose wrong passwords are remembered.
    pub failing_addresses: usize,
    /// Peers that hold a grant.
    pub grants: usize,
    /// The name of the camera's state.
    pub camera: &'static str,
    /// The counters.
    pub stats: &'a Stats,
}

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, subscribers, viewers, failing_addresses, grants, camera, stats } = self;
        write!(
            f,
            "clients={clients} subscribers={subscribers} viewers={viewers} failing_addresses={failing_addresses} \
             grants={grants} camera={camera} {stats}"
        )
    }
}
