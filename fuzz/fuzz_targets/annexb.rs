//! The camera's pipe: bytes in any pieces, drains and quiet times anywhere, and viewers of every kind that read as fast
//! as they like. Nothing panics or grows, frames are whole, and datagrams are as the kernel takes them.
//!
//! The input is a list of steps; a step's bytes come behind it. `cargo +nightly fuzz run annexb`

#![no_main]

use es_iot_server::limits::{GROUP_BYTES, MAX_PICTURE_BYTES};
use es_iot_server::media::picture::{Assembler, Picture};
use es_iot_server::media::ring::{ByteCursor, Identity, PacketCursor, Parts, Refused, Ring, Start};
use es_iot_server::media::rtp::MAX_PACKET_BYTES;
use es_iot_server::time::Mono;
use libfuzzer_sys::fuzz_target;

/// Small enough to go round often.
const RING_BYTES: usize = 16 * 1024;
/// SPS and PPS of a real stream, and the beginning of an IDR slice.
const BEGINNING: &[u8] =
    b"\0\0\0\x01\x67\x42\xC0\x0C\xA6\x11\x0A\x11\xF9\x70\x11\0\0\x03\0\x01\0\0\x03\0\x30\x8F\x14\x2A\x11\x80\0\0\0\x01\x68\xC8\x42\x02\x12\xC8\0\0\0\x01\x65\x88";
/// The beginning of another slice.
const SLICE: &[u8] = b"\0\0\0\x01\x41\x9A";

struct Viewers {
    ring: Ring,
    tcp: PacketCursor,
    udp: PacketCursor,
    publisher: ByteCursor,
    /// The unfinished frame of the TCP viewer: a header, and then as many bytes as are left of it.
    header: Vec<u8>,
    left: usize,
}

impl Viewers {
    fn show(&mut self, picture: &Picture) {
        assert!(picture.units.len() <= MAX_PICTURE_BYTES);
        let room = RING_BYTES / 2;
        match self.ring.push(picture) {
            Ok(number) => assert_eq!(self.ring.picture(number).map(|stored| stored.units), Some(picture.units)),
            Err(Refused::TooLarge(bytes)) => assert!(bytes > room),
            Err(refused) => panic!("{refused}"),
        }
    }

    fn write_tcp(&mut self, most: usize) {
        let mut parts = Parts::default();
        self.tcp.frames(&self.ring, &mut parts);
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(most).collect();
        self.tcp.wrote(&self.ring, bytes.len());
        for byte in bytes {
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            self.header.push(byte);
            if let [dollar, channel, high, low] = self.header[..] {
                assert_eq!((dollar, channel), (b'$', 4));
                self.left = usize::from(u16::from_be_bytes([high, low]));
                assert!((13..=MAX_PACKET_BYTES).contains(&self.left));
                self.header.clear();
            }
        }
        assert_eq!(self.tcp.mid_frame(), self.left > 0 || !self.header.is_empty());
    }

    fn send_udp(&mut self, most: u32) {
        let mut parts = Parts::default();
        let group = self.udp.datagrams(&self.ring, &mut parts);
        assert_eq!(parts.len(), 2 * group.datagrams as usize);
        assert!(parts.bytes() <= GROUP_BYTES);
        let lengths: Vec<usize> = parts.chunks(2).map(|pair| pair[0].len() + pair[1].len()).collect();
        let Some((last, others)) = lengths.split_last() else { return };
        assert!(others.iter().all(|&length| length == group.segment_bytes) && *last <= group.segment_bytes);
        self.udp.sent(&self.ring, most.min(group.datagrams));
    }

    fn publish(&mut self, most: usize) {
        let mut parts = Parts::default();
        self.publisher.annexb(&self.ring, &mut parts);
        self.publisher.wrote(&self.ring, most.min(parts.bytes()));
    }
}

fuzz_target!(|input: &[u8]| {
    let mut assembler = Assembler::default();
    let ring = Ring::new(RING_BYTES, Identity { ssrc: 1, first_sequence: 65_000, time_offset: 2 });
    let mut viewers = Viewers {
        tcp: PacketCursor::new(&ring, Start::NextKey, 4),
        udp: PacketCursor::new(&ring, Start::NewestKey, 0),
        publisher: ByteCursor::new(&ring, Start::NextKey),
        header: Vec::new(),
        left: 0,
        ring,
    };
    let (mut now, mut pushed) = (0_u64, 0);
    let mut left = input;
    while let [step, amount, rest @ ..] = left {
        left = rest;
        let amount = usize::from(*amount);
        now += u64::from(step >> 4) * 2_000_000;
        let time = Mono::from_nanos(now);
        let repeated;
        let mut bytes: &[u8] = match step & 15 {
            0..=2 => {
                let (bytes, rest) = left.split_at(amount.min(left.len()));
                left = rest;
                bytes
            }
            3 => BEGINNING,
            4 => SLICE,
            5 => {
                repeated = vec![0xAA; amount * 64];
                &repeated
            }
            6 | 7 => {
                if let Some(picture) = assembler.drained(time) {
                    viewers.show(&picture);
                }
                &[]
            }
            8 => {
                let due = assembler.deadline();
                now = now.max(due.map_or(0, Mono::as_nanos));
                if let Some(picture) = assembler.quiet(Mono::from_nanos(now)) {
                    assert!(due.is_some());
                    viewers.show(&picture);
                }
                &[]
            }
            9 | 10 => {
                viewers.write_tcp(amount * 40);
                &[]
            }
            11 => {
                viewers.send_udp(amount as u32 / 16);
                &[]
            }
            12 => {
                viewers.publish(amount * 40);
                &[]
            }
            13 => {
                if let Some(picture) = assembler.finish() {
                    viewers.show(&picture);
                }
                &[]
            }
            14 => {
                assembler.restart();
                &[]
            }
            _ => &[],
        };
        pushed += bytes.len();
        while let Some(picture) = assembler.push(time, &mut bytes) {
            viewers.show(&picture);
        }
        assert!(bytes.is_empty());
        // A buffer that grows doubles; parameter sets come on top.
        assert!(assembler.memory_bytes() <= 2 * (pushed + 8 * 1024));
    }
});
