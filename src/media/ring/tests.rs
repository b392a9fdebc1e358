//! The ring and its readers, by example; `model` has them at random.
#![expect(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

mod fragments;
mod model;

use super::super::format::ParameterSets;
use super::super::format::tests::{PPS, SPS};
use super::super::rtp::FirstPacket;
use super::super::rtp::tests::depacketise::Depacketiser;
use super::super::samples::joined;
use super::*;
use crate::limits::{GROUP_BYTES, VIEWER_BEHIND_PICTURES};

const IDENTITY: Identity = Identity { ssrc: 7, first_sequence: 65_530, time_offset: 1000 };

fn format() -> Format {
    let mut sets = ParameterSets::default();
    sets.take_sps(&SPS).unwrap();
    sets.take_pps(&PPS);
    sets.format().cloned().unwrap()
}

/// A unit of picture `number` that shows where it belongs, without zeros.
fn unit(key: bool, number: usize, index: usize, length: usize) -> Vec<u8> {
    let head = [if key { 0x65 } else { 0x41 }, 1 + (number / 200) as u8, 1 + (number % 200) as u8, 1 + index as u8];
    head.into_iter().chain(std::iter::repeat(7)).take(length.max(head.len())).collect()
}

/// What RTP-Info would say.
const fn first(seq: u16, rtptime: u32) -> FirstPacket {
    FirstPacket { seq, rtptime }
}

fn push_at(ring: &mut Ring, key: bool, units: &[Vec<u8>], arrived: Mono) -> Result<u64, Refused> {
    let format = format();
    let picture = Picture { key, arrived, units: &joined(units), slices_at: 0, format: &format };
    ring.push(&picture)
}

/// Pushes a picture of one unit.
fn push(ring: &mut Ring, key: bool, length: usize) -> u64 {
    let number = ring.next();
    let arrived = Mono::from_nanos(number * 40_000_000);
    push_at(ring, key, &[unit(key, number as usize, 0, length)], arrived).unwrap()
}

/// What a TCP viewer would write next, at most `bytes` of it.
fn write(cursor: &mut PacketCursor, ring: &Ring, bytes: usize) -> Vec<u8> {
    let mut parts = Parts::default();
    cursor.frames(ring, &mut parts);
    let mut out: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
    out.truncate(bytes);
    cursor.wrote(ring, out.len());
    out
}

/// The numbers of pictures that a receiver got, of those that `push` made.
fn numbers(receiver: &Depacketiser) -> Vec<usize> {
    let number = |unit: &Vec<u8>| (usize::from(unit[1]) - 1) * 200 + usize::from(unit[2]) - 1;
    receiver.pictures.iter().map(|picture| number(&picture.units[0])).collect()
}

#[test]
fn the_size_is_that_of_two_intervals() {
    let second = Duration::from_secs(1);
    for (bits, interval, bytes) in [
        (Some(2_000_000), second, RING_LEAST_BYTES),
        (None, second, 2_500_000),
        (Some(25_000_000), second, 6_250_000),
        (Some(25_000_000), Duration::from_hours(1), RING_MOST_BYTES),
        (Some(0), Duration::ZERO, RING_LEAST_BYTES),
        (Some(u32::MAX), Duration::MAX, RING_MOST_BYTES),
    ] {
        assert_eq!(Ring::capacity_bytes(bits, interval), bytes, "{bits:?} {interval:?}");
    }
}

#[test]
fn time_stamps_grow_even_if_pictures_arrive_together() {
    let mut ring = Ring::new(10_000, IDENTITY);
    let at = |nanos| Mono::from_nanos(nanos);
    for nanos in [1_000_000_000, 1_000_000_000, 1_000_000_000, 1_000_020_000, 2_000_000_000] {
        push_at(&mut ring, true, &[unit(true, 0, 0, 10)], at(nanos)).unwrap();
    }
    let times: Vec<u32> = (0..5).map(|number| ring.picture(number).unwrap().rtp_time).collect();
    assert_eq!(times, [91_000, 91_001, 91_002, 91_003, 181_000]);
    assert_eq!(ring.picture(1).unwrap().arrived, at(1_000_000_000));
}

#[test]
fn reports_count_what_was_made() {
    let mut ring = Ring::new(10_000, IDENTITY);
    let now = Now { mono: Mono::from_nanos(2_000_000_000), unix_ms: 5 };
    let empty = SenderReport { ssrc: 7, unix_ms: 5, rtp_time: 181_000, packets: 0, octets: 0 };
    assert_eq!(ring.report(now), empty);
    push(&mut ring, true, 100);
    push(&mut ring, false, 3000);
    // Three fragments with two bytes of headers each, and without the unit's first byte.
    assert_eq!(ring.report(now), SenderReport { packets: 4, octets: 100 + 3005, ..empty });
}

#[test]
fn what_is_too_large_leaves_the_ring_as_it_is() {
    let mut ring = Ring::new(10_000, IDENTITY);
    push(&mut ring, true, 2000);
    let mut refuse = |units: &[Vec<u8>]| push_at(&mut ring, true, units, Mono::default()).unwrap_err();
    assert_eq!(refuse(&[unit(true, 0, 0, 4997)]), Refused::TooLarge(5001));
    assert_eq!(refuse(&[]), Refused::Empty);
    assert_eq!(ring.next(), 1);
    let mut ring = Ring::new(RING_MOST_BYTES, IDENTITY);
    let many = vec![vec![0x41]; RING_PACKETS / 2];
    assert_eq!(push_at(&mut ring, true, &many, Mono::default()), Ok(0));
    let more = vec![vec![0x41]; RING_PACKETS / 2 + 1];
    let refused = Refused::TooManyPackets(more.len());
    assert_eq!(push_at(&mut ring, true, &more, Mono::default()), Err(refused));
    assert_eq!(refused.to_string(), "a picture of 8193 packets is too large for the ring");
}

#[test]
fn the_oldest_picture_goes_even_if_it_begins_where_the_newest_ends() {
    let mut ring = Ring::new(10_000, IDENTITY);
    // Nine of these fill the ring; the second lap puts each in the place of one of the first.
    for _ in 0..17 {
        push(&mut ring, true, 1000);
    }
    let (head, oldest) = (ring.head, ring.pictures[0].at);
    assert_eq!((head, oldest), (8 * 1004, 8 * 1004));
    let large = push(&mut ring, true, 2500);
    assert_eq!(ring.pictures.back().map(|newest| newest.at), Some(0));
    assert_eq!(ring.oldest(), large - 5, "the one behind the head, and three at the beginning");
}

#[test]
fn tiny_pictures_do_not_pile_up() {
    let mut ring = Ring::new(RING_MOST_BYTES, IDENTITY);
    let many = vec![vec![0x41]; RING_PACKETS / 4];
    for number in 0..2000 {
        push(&mut ring, number % 24 == 0, 4);
        if number > 1900 {
            push_at(&mut ring, false, &many, Mono::default()).unwrap();
        }
        assert!(ring.pictures.len() <= RING_PICTURES && ring.packets.len() <= RING_PACKETS);
    }
    assert!(ring.packets.len() > RING_PACKETS / 2);
}

#[test]
fn the_format_is_numbered() {
    let mut ring = Ring::new(10_000, IDENTITY);
    assert_eq!(ring.format(), None);
    push(&mut ring, true, 100);
    push(&mut ring, true, 100);
    assert_eq!(ring.format(), Some((1, &format())));
    let mut other = SPS;
    other[3] = 0x1E;
    let mut sets = ParameterSets::default();
    sets.take_sps(&other).unwrap();
    sets.take_pps(&PPS);
    let format = sets.format().unwrap();
    let units = joined(&[unit(true, 2, 0, 50)]);
    ring.push(&Picture { key: true, arrived: Mono::default(), units: &units, slices_at: 4, format }).unwrap();
    assert_eq!(ring.format(), Some((2, format)));
    assert_eq!([1, 2].map(|number| ring.picture(number).unwrap().format), [1, 2]);
    assert_eq!(ring.picture(2).unwrap().slices, &units[4..]);
    assert_eq!(ring.picture(3), None);
}

#[test]
fn viewers_start_at_a_key_picture() {
    let mut ring = Ring::new(20_000, IDENTITY);
    let mut early = PacketCursor::new(&ring, Start::NewestKey, 0);
    for key in [true, false, true, false] {
        push(&mut ring, key, 100);
    }
    let mut next = PacketCursor::new(&ring, Start::NextKey, 0);
    let mut newest = PacketCursor::new(&ring, Start::NewestKey, 0);
    assert_eq!(next.next_packet(&ring), None);
    assert!(!next.pending(&ring) && newest.pending(&ring));
    assert_eq!(newest.next_packet(&ring), Some(first(65_532, 1000 + 2 * 3600)));
    assert_eq!(early.next_packet(&ring), newest.next_packet(&ring), "of those that came since, the newest");
    push(&mut ring, false, 100);
    assert_eq!(next.next_packet(&ring), None);
    push(&mut ring, true, 100);
    push(&mut ring, false, 100);
    assert_eq!(next.next_packet(&ring), Some(first(65_535, 1000 + 5 * 3600)));
    let mut receiver = Depacketiser::default();
    while next.pending(&ring) {
        receiver.frames(0, &write(&mut next, &ring, usize::MAX));
    }
    assert_eq!(numbers(&receiver), [5, 6]);
    assert_eq!(receiver.pictures[0].sequence, 65_535);
    assert_eq!([early.take_lost(), next.take_lost(), newest.take_lost()], [0, 0, 0], "what came before is not lost");
}

#[test]
fn a_picture_takes_one_write() {
    let mut ring = Ring::new(400_000, IDENTITY);
    let mut common = PacketCursor::new(&ring, Start::NextKey, 0);
    let mut other = PacketCursor::new(&ring, Start::NextKey, 2);
    push(&mut ring, true, 64 * 1398 + 1);
    let bytes = 64 * 1416;
    let mut parts = Parts::default();
    common.frames(&ring, &mut parts);
    assert_eq!((parts.len(), parts.bytes()), (1, bytes));
    let mut parts = Parts::default();
    other.frames(&ring, &mut parts);
    // Three parts a packet: the channel is its own.
    assert_eq!((parts.len(), parts.bytes(), parts.room()), (126, 42 * 1416, 2), "the other packets wait");
    other.wrote(&ring, 42 * 1416);
    assert!(other.pending(&ring) && !other.mid_frame());
    assert_eq!(write(&mut other, &ring, usize::MAX).len(), 22 * 1416);
    assert!(!other.pending(&ring));
}

#[test]
fn a_picture_has_the_same_frames_when_it_is_the_newest() {
    let mut ring = Ring::new(400_000, IDENTITY);
    let start = PacketCursor::new(&ring, Start::NextKey, 0);
    push(&mut ring, true, 5000);
    let newest = write(&mut start.clone(), &ring, usize::MAX);
    push(&mut ring, false, 3000);
    assert_eq!(write(&mut start.clone(), &ring, usize::MAX), newest);
    let mut interrupted = start.clone();
    let begun = write(&mut interrupted, &ring, 1500);
    assert_eq!([begun, write(&mut interrupted, &ring, usize::MAX)].concat(), newest);
}

#[test]
fn a_frame_that_was_begun_is_finished() {
    let mut ring = Ring::new(20_000, IDENTITY);
    for channel in [0, 4] {
        let mut cursor = PacketCursor::new(&ring, Start::NextKey, channel);
        push(&mut ring, true, 4000);
        let mut stream = write(&mut cursor, &ring, 1500);
        assert!(cursor.mid_frame());
        assert_eq!(cursor.rest().len(), 2 * 1416 - 1500);
        for _ in 0..10 {
            push(&mut ring, false, 4000);
        }
        push(&mut ring, true, 100);
        push(&mut ring, false, 100);
        while cursor.pending(&ring) {
            stream.extend(write(&mut cursor, &ring, 500));
        }
        assert!(!cursor.mid_frame());
        let mut receiver = Depacketiser::default();
        receiver.frames(channel, &stream);
        let newest = ring.next() as usize;
        assert_eq!(numbers(&receiver), [newest - 2, newest - 1]);
        // The first picture's third packet, and the ten pictures.
        assert_eq!(receiver.gaps, [1 + 30]);
        assert_eq!(cursor.take_lost(), 11);
        assert_eq!(cursor.take_lost(), 0);
    }
}

#[test]
fn a_viewer_that_is_behind_goes_on_at_the_newest_key_picture() {
    let mut ring = Ring::new(100_000, IDENTITY);
    let mut slow = PacketCursor::new(&ring, Start::NextKey, 0);
    let mut started = slow.clone();
    push(&mut ring, true, 3000);
    assert!(slow.pending(&ring));
    let mut stream = write(&mut started, &ring, 1416);
    for _ in 1..VIEWER_BEHIND_PICTURES - 4 {
        push(&mut ring, false, 100);
    }
    let key = push(&mut ring, true, 100) as usize;
    for _ in 0..3 {
        push(&mut ring, false, 100);
    }
    assert_eq!(slow.next_packet(&ring), Some(first(65_530, 1001)), "it is as far behind as it may be");
    push(&mut ring, false, 100);
    assert_eq!(slow.next_packet(&ring), Some(first(65_530_u16.wrapping_add(3 + 19), 1000 + key as u32 * 3600)));
    assert_eq!(slow.take_lost(), key as u64);
    // A picture that was begun is finished first.
    push(&mut ring, false, 100);
    while started.pending(&ring) {
        stream.extend(write(&mut started, &ring, usize::MAX));
    }
    let mut receiver = Depacketiser::default();
    receiver.frames(0, &stream);
    assert_eq!(numbers(&receiver), std::iter::once(0).chain(key..key + 6).collect::<Vec<_>>());
    assert_eq!(started.take_lost(), key as u64 - 1);
}

#[test]
fn a_viewer_behind_without_a_newer_key_picture_goes_on_where_it_is() {
    let mut ring = Ring::new(100_000, IDENTITY);
    let mut cursor = PacketCursor::new(&ring, Start::NextKey, 0);
    push(&mut ring, true, 50);
    assert!(cursor.pending(&ring));
    for _ in 0..100 {
        push(&mut ring, false, 50);
    }
    assert_eq!(cursor.next_packet(&ring), Some(first(65_530, 1001)));
    assert_eq!(cursor.take_lost(), 0);
}

#[test]
fn datagrams_are_grouped_as_the_kernel_takes_them() {
    let mut ring = Ring::new(400_000, IDENTITY);
    let mut cursor = PacketCursor::new(&ring, Start::NextKey, 0);
    let units = [unit(true, 0, 0, 25), unit(true, 0, 1, 6), unit(true, 0, 2, 1398 * 50 + 100), unit(true, 0, 3, 700)];
    push_at(&mut ring, true, &units, Mono::default()).unwrap();
    let mut groups = Vec::new();
    let mut receiver = Depacketiser::default();
    while cursor.pending(&ring) {
        let mut parts = Parts::default();
        let group = cursor.datagrams(&ring, &mut parts);
        assert_eq!(parts.len(), 2 * group.datagrams as usize);
        assert!(parts.bytes() <= GROUP_BYTES);
        let lengths: Vec<usize> = parts.chunks(2).map(|pair| pair[0].len() + pair[1].len()).collect();
        let (last, others) = lengths.split_last().unwrap();
        assert!(others.iter().all(|&length| length == group.segment_bytes) && *last <= group.segment_bytes);
        parts.chunks(2).for_each(|pair| receiver.packet(&[&pair[0][..], &pair[1]].concat()));
        groups.push((group.datagrams, group.segment_bytes));
        cursor.sent(&ring, group.datagrams);
    }
    // SPS and PPS; as many fragments as 65507 bytes hold; the rest of them; the last slice.
    assert_eq!(groups, [(2, 37), (46, 1412), (5, 1412), (1, 712)]);
    assert_eq!(receiver.pictures[0].units, units);
}
