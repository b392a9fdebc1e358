//! RTP packets and RTCP reports as a receiver reads them (RFC 3550, RFC 6184). Every rule that the stream keeps is checked
//! here, so that each test that reads packets checks all of them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The largest payload that is promised.
const MOST_PAYLOAD_BYTES: usize = 1400;
/// The RTP clock, in ticks a second.
pub const CLOCK: u32 = 90_000;

const SLICE: u8 = 1;
const IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const FU_A: u8 = 28;

/// When something was received: on the monotonic clock, and on the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub mono: Instant,
    /// Seconds since 1970.
    pub wall: f64,
}

impl Arrival {
    pub fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        Self { mono: Instant::now(), wall }
    }
}

/// An RTP packet.
#[derive(Debug, Clone)]
pub struct Packet {
    pub marker: bool,
    pub seq: u16,
    pub time: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
    pub arrived: Arrival,
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

impl Packet {
    pub fn parse(bytes: &[u8], arrived: Arrival) -> Self {
        assert!(bytes.len() > 12, "an RTP packet has a header and a payload: {bytes:02X?}");
        assert_eq!(bytes[0], 0x80, "version 2, no padding, no extension, no CSRC");
        assert_eq!(bytes[1] & 0x7F, 96, "the payload type of the description");
        let payload = bytes[12..].to_vec();
        assert!(payload.len() <= MOST_PAYLOAD_BYTES, "a payload of {} bytes", payload.len());
        Self {
            marker: bytes[1] & 0x80 != 0,
            seq: u16::from_be_bytes([bytes[2], bytes[3]]),
            time: be32(&bytes[4..]),
            ssrc: be32(&bytes[8..]),
            payload,
            arrived,
        }
    }
}

/// A sender report, with what follows it in its compound packet.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    pub ssrc: u32,
    /// The wall clock in seconds since 1970.
    pub wall: f64,
    pub time: u32,
    pub packets: u32,
    pub octets: u32,
    /// Whether a BYE follows.
    pub goodbye: bool,
    pub arrived: Arrival,
}

impl Report {
    pub fn parse(bytes: &[u8], arrived: Arrival) -> Self {
        const NTP_OF_1970: f64 = 2_208_988_800.0;
        assert_eq!(bytes[..4], [0x80, 200, 0, 6], "a compound packet begins with a sender report");
        let fraction = f64::from(be32(&bytes[12..])) / 4_294_967_296.0;
        let mut report = Self {
            ssrc: be32(&bytes[4..]),
            wall: f64::from(be32(&bytes[8..])) - NTP_OF_1970 + fraction,
            time: be32(&bytes[16..]),
            packets: be32(&bytes[20..]),
            octets: be32(&bytes[24..]),
            goodbye: false,
            arrived,
        };
        let mut rest = &bytes[28..];
        let mut described = false;
        while !rest.is_empty() {
            assert_eq!(rest[0] >> 6, 2, "version 2 in {bytes:02X?}");
            let length = 4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            assert_eq!(be32(&rest[4..]), report.ssrc, "all of it is about one source");
            match rest[1] {
                202 => {
                    assert_eq!(rest[8], 1, "a CNAME");
                    described = true;
                }
                203 => report.goodbye = true,
                other => panic!("an RTCP packet of type {other}"),
            }
            rest = &rest[length..];
        }
        assert!(described, "RFC 3550 section 6.1: each compound packet has a CNAME");
        report
    }

    /// The wall clock at an RTP time near the report's.
    pub fn wall_at(&self, time: u32) -> f64 {
        self.wall + f64::from(time.wrapping_sub(self.time).cast_signed()) / f64::from(CLOCK)
    }
}

/// A whole picture.
#[derive(Debug, Clone)]
pub struct Picture {
    pub time: u32,
    pub first_seq: u16,
    pub key: bool,
    /// Its NAL units.
    pub units: Vec<Vec<u8>>,
    /// The arrival of its first packet, and of its last.
    pub began: Arrival,
    pub ended: Arrival,
    /// Packets that are missing before it.
    pub missing: u16,
}

impl Picture {
    /// Bytes of all its units.
    pub fn bytes(&self) -> usize {
        self.units.iter().map(Vec::len).sum()
    }
}

/// Packets to pictures.
#[derive(Debug, Default)]
pub struct Receiver {
    last: Option<(u16, u32, u32)>,
    began: Option<(Arrival, u16)>,
    units: Vec<Vec<u8>>,
    fragments: Option<Vec<u8>>,
    missing: u16,
    /// Whether packets may be missing: whole pictures, and the next one is a key picture.
    pub forgiving: bool,
    /// Whether the picture before a gap may be a part of one: the camera overwrites it while it is being sent.
    pub overwritten: bool,
    /// Packets so far, and their payloads' bytes.
    pub packets: u32,
    pub octets: u32,
}

impl Receiver {
    pub fn new(forgiving: bool) -> Self {
        Self { forgiving, ..Self::default() }
    }

    /// The stream's source.
    pub fn ssrc(&self) -> Option<u32> {
        self.last.map(|(_, _, ssrc)| ssrc)
    }

    pub fn take(&mut self, packet: &Packet) -> Option<Picture> {
        self.packets += 1;
        self.octets += u32::try_from(packet.payload.len()).unwrap();
        if let Some((seq, time, ssrc)) = self.last {
            assert_eq!(packet.ssrc, ssrc, "one source");
            let missing = packet.seq.wrapping_sub(seq.wrapping_add(1));
            assert!(missing == 0 || self.forgiving, "{seq} is followed by {}", packet.seq);
            if missing != 0 && self.began.is_some() {
                assert!(self.overwritten, "packets are missing in mid-picture");
                (self.began, self.fragments) = (None, None);
                self.units.clear();
            }
            self.missing += missing;
            let since = packet.time.wrapping_sub(time);
            if self.began.is_some() {
                assert_eq!(since, 0, "one time stamp a picture");
            } else {
                assert!(since > 0 && since < 1 << 31, "the time stamp goes on: {time} to {}", packet.time);
            }
        }
        self.last = Some((packet.seq, packet.time, packet.ssrc));
        self.began.get_or_insert((packet.arrived, packet.seq));
        self.payload(&packet.payload);
        packet.marker.then(|| self.picture(packet))
    }

    fn payload(&mut self, payload: &[u8]) {
        assert_eq!(payload[0] & 0x80, 0, "the forbidden bit");
        if payload[0] & 0x1F != FU_A {
            assert!(self.fragments.is_none(), "a unit within the fragments of another");
            assert!((1..24).contains(&(payload[0] & 0x1F)), "a NAL unit of type {}", payload[0] & 0x1F);
            self.units.push(payload.to_vec());
            return;
        }
        let (indicator, header) = (payload[0], payload[1]);
        let (starts, ends) = (header & 0x80 != 0, header & 0x40 != 0);
        assert!(!(starts && ends), "RFC 6184 section 5.8: a unit is not one fragment");
        assert_eq!(header & 0x20, 0, "the reserved bit");
        assert!(payload.len() > 2, "a fragment that is empty");
        if starts {
            assert!(self.fragments.is_none(), "the last unit did not end");
            self.fragments = Some(vec![indicator & 0xE0 | header & 0x1F]);
        }
        let unit = self.fragments.as_mut().expect("a unit's first fragment");
        assert_eq!(unit[0], indicator & 0xE0 | header & 0x1F, "all fragments are of one unit");
        unit.extend_from_slice(&payload[2..]);
        if ends {
            self.units.extend(self.fragments.take());
        }
    }

    fn picture(&mut self, last: &Packet) -> Picture {
        assert!(self.fragments.is_none(), "the marker is on the last packet");
        let (began, first_seq) = self.began.take().unwrap();
        let units = std::mem::take(&mut self.units);
        let kinds: Vec<u8> = units.iter().map(|unit| unit[0] & 0x1F).collect();
        let key = kinds.contains(&IDR);
        assert!(kinds.iter().any(|kind| (SLICE..=IDR).contains(kind)), "a picture has slices: {kinds:?}");
        let position = |wanted| kinds.iter().position(|&kind| kind == wanted);
        if key {
            assert!(
                position(SPS) < position(PPS) && position(SPS).is_some() && position(PPS) < position(IDR),
                "parameter sets come before a key picture: {kinds:?}"
            );
        }
        let missing = std::mem::take(&mut self.missing);
        assert!(missing == 0 || key, "after {missing} missing packets comes a picture that needs what is lost");
        Picture { time: last.time, first_seq, key, units, began, ended: last.arrived, missing }
    }
}

/// Checks that time stamps follow the clock: none is ahead of its arrival, and a busy machine delays by no more than this.
pub fn follow_the_clock(pictures: &[Picture], tolerance: Duration) {
    let first = &pictures[0];
    let lateness = |picture: &Picture| {
        let passed = picture.ended.mono.duration_since(first.ended.mono).as_secs_f64();
        passed - f64::from(picture.time.wrapping_sub(first.time)) / f64::from(CLOCK)
    };
    let all: Vec<f64> = pictures.iter().map(lateness).collect();
    let (least, most) = all.iter().fold((f64::MAX, f64::MIN), |(least, most), &late| (least.min(late), most.max(late)));
    assert!(most - least < tolerance.as_secs_f64(), "between {least} s and {most} s off the time stamps");
}
