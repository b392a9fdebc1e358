//! The pictures: which the camera completes, which of them can be shown, when a slate takes their place, and the numbers
//! of their packets.

mod slate;
mod stream;

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::media::ring::Ring;
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::Shadow;
use super::viewers::{Event, Wanted};
use crate::SECOND;
use crate::film::looks;
use slate::Drawing;
use stream::{Picture, Stream};

pub type Size = (u32, u32);

/// The most bytes of a packet's payload (docs of RTP and the MTU).
const PAYLOAD: usize = 1400;

/// A picture that viewers can get.
#[derive(Debug)]
struct Shown {
    /// Its time, in ticks of 90 kHz.
    ticks: u64,
    /// Packets and the bytes of their payload up to it; with a slate's, once it is drawn.
    sent: Option<(usize, usize)>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Video {
    camera: Stream,
    /// The running camera has shown nothing yet.
    camera_is_new: bool,
    /// Nothing of the camera can be shown before its next key picture.
    needs_key: bool,
    /// The last picture was the camera's.
    pub live: bool,
    /// When it came or, at first, the start.
    last: u64,
    drawing: Option<Drawing>,
    shown: Vec<Shown>,
    pub newest_key: Option<usize>,
    size: Option<Size>,
    /// The publisher and viewers are to be told now that there are new ones.
    pub arrived: bool,
    /// A publisher was started and gets nothing yet.
    pub publisher_waits: bool,
    /// It is to get the stream now.
    pub publishes: bool,
    /// When the running camera's last key picture came, and the time since the one before.
    last_key: Option<u64>,
    key_interval: u64,
    /// When all who play are to get a sender report.
    pub report_at: Option<u64>,
    /// What the server made up: the stream's source, the first packet's number, the time's offset.
    pub ssrc: u32,
    looked: bool,
    first_packet: u16,
    offset: u32,
}

impl Video {
    pub fn new(at: u64) -> Self {
        Self {
            camera: Stream::default(),
            camera_is_new: true,
            needs_key: true,
            live: false,
            last: at,
            drawing: None,
            shown: Vec::new(),
            newest_key: None,
            size: None,
            arrived: false,
            publisher_waits: false,
            publishes: false,
            last_key: None,
            key_interval: 0,
            report_at: None,
            ssrc: 0,
            looked: false,
            first_packet: 0,
            offset: 0,
        }
    }

    /// Whether a slate is shown that a viewer can begin with.
    pub fn slate_at_hand(&self, at: u64) -> bool {
        !self.live && self.newest_key.is_some() && at <= self.last + SECOND
    }

    /// What a viewer is told of the stream now, if there is anything to tell.
    pub fn describes(&self) -> Option<Size> {
        self.size
    }

    pub fn pictures(&self) -> usize {
        self.shown.len()
    }

    /// The sequence number and time stamp of a picture's first packet.
    #[expect(clippy::cast_possible_truncation, reason = "both wrap")]
    pub fn first_packet(&self, picture: usize) -> (u16, u32) {
        let seq = self.first_packet.wrapping_add(self.sent(picture).0 as u16);
        (seq, (self.shown[picture].ticks as u32).wrapping_add(self.offset))
    }

    /// Packets, and the bytes of their payload, of the first so many pictures.
    #[expect(clippy::cast_possible_truncation, reason = "both wrap")]
    pub fn sent(&self, pictures: usize) -> (u32, u32) {
        let (packets, octets) = self.sent_up_to(pictures);
        (packets as u32, octets as u32)
    }

    fn sent_up_to(&self, pictures: usize) -> (usize, usize) {
        let last = pictures.checked_sub(1).map(|last| self.shown[last].sent.expect("it has been drawn"));
        last.unwrap_or_default()
    }

    #[expect(clippy::cast_possible_truncation, reason = "it wraps")]
    pub fn rtp_time(&self, at: u64) -> u32 {
        (ticks(at) as u32).wrapping_add(self.offset)
    }

    /// The newest picture makes so many packets and bytes.
    fn measured(&mut self, (packets, octets): (usize, usize)) {
        let before = self.sent_up_to(self.shown.len() - 1);
        let newest = self.shown.last_mut().expect("a picture that is measured");
        newest.sent = Some((before.0 + packets, before.1 + octets));
    }

    fn enter(&mut self, arrived: u64, key: bool, measure: Option<(usize, usize)>) {
        let after = self.shown.last().map_or(1, |last| last.ticks + 1);
        if key {
            self.newest_key = Some(self.shown.len());
        }
        self.shown.push(Shown { ticks: ticks(arrived).max(after), sent: None });
        if let Some(measure) = measure {
            self.measured(measure);
        }
    }
}

/// 90 kHz.
fn ticks(at: u64) -> u64 {
    at * 9 / 100_000
}

/// How many packets NAL units of these lengths make, and the bytes of their payload (RFC 6184: one, or fragments with two
/// bytes before each).
fn measure(units: &[usize]) -> (usize, usize) {
    let one = |&length: &usize| {
        let fragments = (length - 1).div_ceil(PAYLOAD - 2);
        if length <= PAYLOAD { (1, length) } else { (fragments, length - 1 + 2 * fragments) }
    };
    units.iter().map(one).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

impl Shadow {
    pub(super) fn camera_writes(&mut self, now: Now, bytes: &[u8]) {
        for picture in self.video.camera.push(now.mono.as_nanos(), bytes) {
            self.completed(now, &picture);
        }
    }

    pub(super) fn camera_pipe_is_empty(&mut self, now: Now) {
        if let Some(picture) = self.video.camera.drained(now.mono.as_nanos()) {
            self.completed(now, &picture);
        }
    }

    /// A look at the timers. `stalls`: it shows first that the pipeline stalls, so that this is too late for progress.
    pub(super) fn pipe_is_quiet(&mut self, now: Now, stalls: bool) {
        if self.video.camera.quiet_at().is_some_and(|due| due <= now.mono.as_nanos()) {
            let picture = self.video.camera.quiet();
            if stalls { self.judge(now, &picture) } else { self.completed(now, &picture) }
        }
    }

    pub(super) fn camera_is_gone(&mut self) {
        let video = &mut self.video;
        (video.camera, video.needs_key, video.camera_is_new) = (Stream::default(), true, true);
        (video.last_key, video.key_interval) = (None, 0);
    }

    /// How long a PLAY waits: 3 s, and a key-frame interval as configured or as seen.
    pub(super) fn play_patience(&self) -> u64 {
        let camera = &self.config.camera;
        let configured = SECOND * u64::from(camera.intra) / u64::from(camera.framerate);
        3 * SECOND + configured.max(self.video.key_interval).min(30 * SECOND)
    }

    /// A ring of another size begins empty.
    pub(super) fn ring_is_new(&mut self) {
        self.video.newest_key = None;
    }

    /// When something of the video is due.
    pub(super) fn video_due(&self) -> Option<u64> {
        [self.video.camera.quiet_at(), self.slate_at(), self.video.report_at].into_iter().flatten().min()
    }

    /// A picture is complete. That is the pipeline's progress, unless the publisher can have it: then it has to take it.
    fn completed(&mut self, now: Now, picture: &Picture) {
        let held_back = self.video.needs_key && !picture.key;
        if picture.sps.is_some() && (held_back || !self.alive.contains_key(&(Role::Publisher as u8))) {
            self.video_moves(now.mono.as_nanos());
        }
        self.judge(now, picture);
    }

    fn judge(&mut self, now: Now, picture: &Picture) {
        let sps = picture.sps.as_ref().filter(|_| picture.key || !self.video.needs_key);
        let Some(sps) = sps else { return self.counters.one(Counter::PicturesWithoutKey) };
        let look = looks().iter().find(|look| look.sps == *sps).expect("a camera writes nothing else");
        self.counters.one(Counter::Pictures);
        self.counters.add(Counter::KeyPictures, u64::from(picture.key));
        let video = &mut self.video;
        let resumed = !video.live || video.camera_is_new;
        (video.live, video.camera_is_new, video.needs_key, video.drawing) = (true, false, false, None);
        video.last = now.mono.as_nanos();
        if picture.key {
            let before = video.last_key.replace(video.last);
            video.key_interval = before.map_or(0, |before| video.last - before);
        }
        video.enter(picture.arrived, picture.key, Some(measure(&picture.units)));
        self.arrived(now, picture.key, look.size, resumed);
    }

    /// There is a new picture: who waits for it gets on.
    fn arrived(&mut self, now: Now, key: bool, size: Size, resumed: bool) {
        if self.video.size.replace(size) != Some(size) {
            for conn in self.viewers_that(|viewer| viewer.is_misled(size)) {
                self.viewer(now, conn, Event::End);
            }
        }
        for conn in self.viewers_that(|viewer| viewer.waits_for() == Some(&Wanted::Description)) {
            self.viewer(now, conn, Event::Picture);
        }
        if key {
            for conn in self.viewers_that(|viewer| viewer.waits_for() == Some(&Wanted::KeyPicture)) {
                self.viewer(now, conn, Event::Picture);
            }
        }
        if key {
            self.browsers_get_picture(now.mono.as_nanos());
        }
        if key && self.video.live {
            self.video.publishes |= std::mem::take(&mut self.video.publisher_waits);
        }
        if resumed {
            self.report_to_all(now, false);
        }
        self.video.arrived = true;
    }

    /// Looks at what the server has drawn, and compares the ring's numbers.
    pub fn look(&mut self, ring: &Ring) {
        let video = &mut self.video;
        video.ssrc = ring.ssrc();
        let fits =
            ring.next() == video.shown.len() as u64 && ring.newest_key() == video.newest_key.map(|key| key as u64);
        let undrawn = video.shown.last().is_some_and(|shown| shown.sent.is_none());
        if fits && undrawn {
            let units = ring.picture(ring.next() - 1).expect("the newest").units;
            video.measured(measure(&lengths(units)));
        }
        if fits
            && !std::mem::replace(&mut video.looked, !video.shown.is_empty())
            && let Some(first) = ring.first_packet(0)
        {
            #[expect(clippy::cast_possible_truncation, reason = "time stamps wrap")]
            let ticks = video.shown[0].ticks as u32;
            (video.first_packet, video.offset) = (first.seq, first.rtptime.wrapping_sub(ticks));
        }
        let foretold = (video.shown.len(), video.newest_key);
        self.check(fits, || {
            format!("{} pictures, the newest key {:?}, not {foretold:?}", ring.next(), ring.newest_key())
        });
    }
}

/// The lengths of NAL units, each of which is behind its length.
fn lengths(mut units: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some((length, rest)) = units.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        lengths.push(length);
        units = &rest[length..];
    }
    lengths
}
