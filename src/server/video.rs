//! The video: from the camera's bytes to pictures in the ring, and the slate while there are none.
//!
//! Not here: the viewers (`viewers.rs`), the camera as a process (`pipeline.rs`), and how pictures are cut and kept (`media`).

mod slate;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::context::Context;
use super::report::VideoReport;
use super::status;
use crate::config::{CameraConfig, Config};
use crate::ids::Peer;
use crate::limits::{LONGEST_KEY_INTERVAL, MEASURED_PICTURES, SLATE_AFTER, STALL_FRAMES};
use crate::media::picture::{Assembler, Picture};
use crate::media::ring::{Identity, Ring};
use crate::media::rtcp;
use crate::media::sdp;
use crate::stats::Counter;
use crate::time::Mono;
use slate::Drawing;

/// Width and height in pixels.
pub type Size = (u32, u32);

/// A picture that has come into the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number.
    pub number: u64,
    /// Whether decoding can begin here.
    pub key: bool,
    /// Whether it is the first of the camera after another one, or after the slate.
    pub resumed: bool,
    /// The size of the picture, if it is another than that of the one before.
    pub resized: Option<Size>,
}

/// Pictures that a camera has completed.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Those that viewers and publisher get.
    pub pictures: u64,
    /// Those that wait in vain for a key picture before them.
    pub held_back: u64,
}

/// The video.
#[derive(Debug)]
pub struct Video {
    assembler: Assembler,
    ring: Ring,
    /// The name of this device.
    host: String,
    /// Identifies the stream in its description.
    session: u64,
    drawing: Option<Box<Drawing>>,
    /// Holds a slate's bytes while it is drawn; kept to be reused.
    drawn: Vec<u8>,
    /// When the last picture came, the camera's or a slate; at first, when the server started.
    last: Mono,
    /// Whether the last picture was the camera's.
    live: bool,
    /// Whether the next picture of the camera is the first since it was started.
    camera_is_new: bool,
    size: Option<Size>,
    /// When the camera's last key picture came.
    last_key: Option<Mono>,
    /// The time between its last two.
    key_interval: Option<Duration>,
}

impl Video {
    /// Without pictures. `random` is what RTP wants to be random.
    pub fn new(config: &CameraConfig, host: String, random: [u8; 32], now: Mono) -> Self {
        let word = |at: usize| u32::from_be_bytes([random[at], random[at + 1], random[at + 2], random[at + 3]]);
        let identity = Identity {
            ssrc: word(0),
            first_sequence: u16::from_be_bytes([random[4], random[5]]),
            time_offset: word(8),
        };
        Self {
            assembler: Assembler::default(),
            ring: Ring::new(ring_bytes(config), identity),
            host,
            session: u64::from(word(12)),
            drawing: None,
            drawn: Vec::new(),
            last: now,
            live: false,
            camera_is_new: true,
            size: None,
            last_key: None,
            key_interval: None,
        }
    }

    /// Fits the ring to a new configuration, which the camera starts with. If its size changes, its pictures go.
    pub fn resize(&mut self, config: &CameraConfig) {
        self.ring.resize(ring_bytes(config));
    }

    /// The pictures.
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The longest time from one key picture of the camera to the next that is to be expected: as configured, or as measured if
    /// that is longer, since a `camera.command` may have its own.
    pub fn key_interval(&self, config: &CameraConfig) -> Duration {
        let measured = self.key_interval.unwrap_or_default();
        configured_interval(config).max(measured).min(LONGEST_KEY_INTERVAL)
    }

    /// The name of this device.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The stream as the status shows it; `None` while no picture has come.
    pub fn status(&self, now: Mono) -> Option<status::Video> {
        let (_, format) = self.ring.format()?;
        let video = format.video();
        let (pictures, bytes, span) = self.ring.recent(MEASURED_PICTURES);
        let age = now.since(self.last);
        // Without viewers, no slate takes the place of a camera that is gone.
        let each = span / u32::try_from(pictures).unwrap_or(u32::MAX).max(1);
        let moves = age <= (each * STALL_FRAMES).max(SLATE_AFTER);
        let rate = |amount: usize| {
            let amount = f64::from(u32::try_from(amount).unwrap_or(u32::MAX));
            if moves && !span.is_zero() { amount / span.as_secs_f64() } else { 0.0 }
        };
        Some(status::Video {
            live: self.live,
            codec: video.codec(),
            width: video.width,
            height: video.height,
            pictures_per_second: rate(pictures),
            bits_per_second: rate(bytes * 8),
            key_interval: self.key_interval,
            age,
        })
    }

    /// Whether viewers see the camera's picture.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Takes bytes of the camera from the front of `bytes`, up to the next picture. To be called until it returns `None`.
    pub fn take(&mut self, cx: &mut Context<'_>, bytes: &mut &[u8]) -> Option<Arrival> {
        while let Some(picture) = self.assembler.push(cx.now.mono, bytes) {
            let arrival = enter(&mut self.ring, cx, &picture);
            let arrival = self.entered(cx, arrival);
            if arrival.is_some() {
                return arrival;
            }
        }
        self.count(cx);
        None
    }

    /// The camera's pipe is empty. Returns the picture that this completes, if it does.
    pub fn drained(&mut self, cx: &mut Context<'_>) -> Option<Arrival> {
        let Some(picture) = self.assembler.drained(cx.now.mono) else {
            // It may have been completed and dropped.
            self.count(cx);
            return None;
        };
        let arrival = enter(&mut self.ring, cx, &picture);
        self.entered(cx, arrival)
    }

    /// When [`Self::quiet`] is due.
    pub fn quiet_deadline(&self) -> Option<Mono> {
        self.assembler.deadline()
    }

    /// The camera's pipe has been empty for a while. Returns the picture that this completes, if it does.
    pub fn quiet(&mut self, cx: &mut Context<'_>) -> Option<Arrival> {
        let Some(picture) = self.assembler.quiet(cx.now.mono) else {
            self.count(cx);
            return None;
        };
        let arrival = enter(&mut self.ring, cx, &picture);
        self.entered(cx, arrival)
    }

    /// The camera has ended; another begins a stream of its own.
    pub fn camera_ended(&mut self) {
        self.assembler.restart();
        (self.camera_is_new, self.last_key, self.key_interval) = (true, None, None);
    }

    /// What the camera has completed so far.
    pub fn progress(&self) -> Progress {
        let counts = self.assembler.counts();
        Progress { pictures: counts.pictures, held_back: counts.unseen }
    }

    /// The description of the stream for a client, and the size in it; `None` while no picture has come.
    pub fn describe(&self, config: &Config, peer: Peer) -> Option<(String, Size)> {
        let (version, format) = self.ring.format()?;
        let address = match peer.address() {
            Some(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Some(IpAddr::V4(_)) | None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let session = sdp::Session {
            address,
            id: self.session,
            version,
            name: &config.server.rtsp_path,
            format,
            pictures_per_second: config.camera.framerate,
            bits_per_second: config.camera.bitrate,
        };
        Some((sdp::describe(&session), (format.video().width, format.video().height)))
    }

    /// Appends what a sender report is: for viewers that stay, or for one that is left.
    pub fn report(&self, cx: &Context<'_>, leaving: bool, out: &mut Vec<u8>) {
        let report = self.ring.report(cx.now);
        let cname = format!("es-iot-server@{}", self.host);
        if leaving {
            rtcp::goodbye(&report, &cname, out);
        } else {
            rtcp::sender_report(&report, &cname, out);
        }
    }

    /// Takes note of a picture of the camera, or that the ring did not take it.
    fn entered(&mut self, cx: &mut Context<'_>, arrival: Option<Arrival>) -> Option<Arrival> {
        self.count(cx);
        let Some(mut arrival) = arrival else {
            self.assembler.require_key();
            return None;
        };
        self.last = cx.now.mono;
        if arrival.key {
            let last = self.last_key.replace(cx.now.mono);
            self.key_interval = last.map(|last| cx.now.mono.since(last));
        }
        arrival.resumed = !std::mem::replace(&mut self.live, true) || self.camera_is_new;
        (self.camera_is_new, self.drawing, self.drawn) = (false, None, Vec::new());
        self.note_size(&mut arrival);
        if let (Some((width, height)), Some((_, format))) = (arrival.resized, self.ring.format()) {
            let profile = format.video().profile_level_id();
            cx.report(VideoReport::Format { width, height, profile });
        }
        Some(arrival)
    }

    fn note_size(&mut self, arrival: &mut Arrival) {
        let size = self.ring.format().map(|(_, format)| (format.video().width, format.video().height));
        if size != self.size {
            (self.size, arrival.resized) = (size, size);
        }
    }

    fn count(&self, cx: &mut Context<'_>) {
        let counts = self.assembler.counts();
        for (counter, count) in [
            (Counter::Pictures, counts.pictures),
            (Counter::KeyPictures, counts.key_pictures),
            (Counter::PicturesWithoutKey, counts.without_key),
            (Counter::PicturesIncomplete, counts.incomplete),
            (Counter::PicturesTooLarge, counts.too_large),
            (Counter::PicturesCutWrong, counts.wrong_cuts),
            (Counter::UnitsTooLong, counts.units_too_long),
            (Counter::BadParameterSets, counts.bad_parameter_sets),
            (Counter::RubbishBytes, counts.rubbish_bytes),
        ] {
            cx.stats.set(counter, count);
        }
    }
}

/// The room that a camera's pictures take.
fn ring_bytes(config: &CameraConfig) -> usize {
    Ring::capacity_bytes(config.bitrate, configured_interval(config))
}

fn configured_interval(config: &CameraConfig) -> Duration {
    Duration::from_secs(1) * config.intra / config.framerate
}

/// Puts a picture into the ring.
fn enter(ring: &mut Ring, cx: &mut Context<'_>, picture: &Picture<'_>) -> Option<Arrival> {
    match ring.push(picture) {
        Ok(number) => Some(Arrival { number, key: picture.key, resumed: false, resized: None }),
        Err(why) => {
            cx.bump(Counter::PicturesRefused);
            cx.report(VideoReport::Refused { why });
            None
        }
    }
}
