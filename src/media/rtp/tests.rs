//! What is packetised comes out of a receiver again.
#![expect(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

pub(in crate::media) mod depacketise;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::samples::joined;
use super::*;
use depacketise::Depacketiser;

fn unit(length: usize) -> Vec<u8> {
    [0x65].into_iter().chain((1..length).map(|at| at as u8)).collect()
}

fn packets(units: &[Vec<u8>], first: u16) -> (Vec<u8>, VecDeque<Packet>) {
    let picture = joined(units);
    let mut packets = VecDeque::new();
    let count = Packetiser::new(0xAABB_CCDD, first).picture(&picture, 0, 77, &mut packets);
    assert_eq!([count as usize, super::packets(&picture)], [packets.len(); 2]);
    (picture, packets)
}

proptest! {
    #[test]
    fn a_receiver_gets_the_units_back(
        pictures in vec(vec((1_u8..24, vec(any::<u8>(), 0..4000)), 1..5), 1..5),
        first in any::<u16>(),
        times in vec(any::<u32>(), 5),
    ) {
        let mut packetiser = Packetiser::new(0x0102_0304, first);
        let (mut bytes, mut packets) = (Vec::new(), VecDeque::new());
        let mut expected = Vec::new();
        for (units, &time) in pictures.iter().zip(&times) {
            let units: Vec<Vec<u8>> = units.iter().map(|(header, body)| [&[*header | 0x60], &body[..]].concat()).collect();
            let sequence = packetiser.next() as u16;
            let picture = joined(&units);
            packetiser.picture(&picture, bytes.len() as u32, time, &mut packets);
            bytes.extend(picture);
            expected.push(depacketise::Received { time, sequence, units });
        }
        let (mut datagrams, mut frames) = (Depacketiser::default(), Depacketiser::default());
        for packet in &packets {
            let datagram = [packet.datagram(), &bytes[packet.payload()]].concat();
            prop_assert_eq!(datagram.len(), packet.datagram_bytes());
            datagrams.packet(&datagram);
            frames.frames(0, &[packet.interleaved(), &bytes[packet.payload()]].concat());
        }
        prop_assert_eq!(&datagrams.pictures, &expected);
        prop_assert_eq!(&frames.pictures, &expected);
        prop_assert!(datagrams.gaps.is_empty());
        prop_assert_eq!(packetiser.next() - u64::from(first), packets.len() as u64);
    }
}

#[test]
fn headers_byte_for_byte() {
    let (_, packets) = packets(&[vec![0x67, 1, 2], unit(1401)], 0xFFFF);
    let headers: Vec<&[u8]> = packets.iter().map(Packet::interleaved).collect();
    let expected: [&[u8]; 3] = [
        &[b'$', 0, 0, 15, 0x80, 96, 0xFF, 0xFF, 0, 0, 0, 77, 0xAA, 0xBB, 0xCC, 0xDD],
        &[b'$', 0, 0x05, 0x84, 0x80, 96, 0, 0, 0, 0, 0, 77, 0xAA, 0xBB, 0xCC, 0xDD, 0x7C, 0x85],
        &[b'$', 0, 0, 16, 0x80, 0xE0, 0, 1, 0, 0, 0, 77, 0xAA, 0xBB, 0xCC, 0xDD, 0x7C, 0x45],
    ];
    assert_eq!(headers, expected);
    assert_eq!(packets[0].payload(), 4..7);
    assert_eq!(packets[1].payload(), 12..1410);
    assert_eq!(packets[2].payload(), 1410..1412);
}

#[test]
fn fragments_begin_where_a_packet_is_too_small() {
    for (length, lengths) in [
        (1, vec![13]),
        (1400, vec![1412]),
        (1401, vec![1412, 16]),
        (1 + 2 * 1398, vec![1412, 1412]),
        (2 + 2 * 1398, vec![1412, 1412, 15]),
    ] {
        let (_, packets) = packets(&[unit(length)], 0);
        assert_eq!(packets.iter().map(Packet::datagram_bytes).collect::<Vec<_>>(), lengths, "{length} bytes");
    }
}

#[test]
fn a_picture_without_units_has_no_packets_and_marks_none() {
    let (bytes, mut queue) = packets(&[unit(10)], 0);
    let before = queue.clone();
    assert_eq!(Packetiser::new(1, 0).picture(&bytes[..9], 0, 0, &mut queue), 0);
    assert_eq!(queue, before);
}
