//! Encoding, decoding, and how the decoder handles damage.

use super::*;
use crate::golden::{self, READ};
use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;

mod properties;

/// A decoder's result, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Packet(u8, u8, Vec<u8>),
    Damage(Damage),
}

fn decoder() -> Decoder {
    Decoder::new(MAX_REQUEST_PAYLOAD_BYTES)
}

fn read() -> Found {
    Found::Packet(2, 1, Vec::new())
}

/// All results of `decoder` until it needs more bytes.
fn drain(decoder: &mut Decoder) -> Vec<Found> {
    let mut found = Vec::new();
    loop {
        match decoder.next() {
            Ok(None) => return found,
            Ok(Some(packet)) => found.push(Found::Packet(packet.id, packet.kind, packet.payload.to_vec())),
            Err(damage) => found.push(Found::Damage(damage)),
        }
    }
}

fn push(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Found> {
    decoder.push(bytes);
    drain(decoder)
}

fn encoded(id: Id, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(id, kind, payload, &mut out);
    out
}

#[test]
fn encoding_appends_a_complete_packet() {
    let mut out = vec![0xAA];
    encode(Id::Auth, Kind::Request, b"1111", &mut out);
    encode(Id::Settings, Kind::Request, &[], &mut out);
    assert_eq!(out, [&[0xAA], &golden::PASSWORD[..], &READ].concat());
}

#[test]
fn a_packet_stored_by_value_has_the_encoded_bytes() {
    let payload = [9, 8, 7, 6, 5, 4, 3, 2, 1];
    let packet = Outgoing::new(Id::Data, Kind::Response, payload);
    assert_eq!(packet.as_bytes(), encoded(Id::Data, Kind::Response, &payload));
    assert_eq!(packet.as_bytes().len(), MAX_OUTGOING_BYTES);
    for byte in 0..=255 {
        if let Some(code) = ErrorCode::from_byte(byte) {
            assert_eq!(code as u8, byte);
            assert_eq!(Outgoing::error(Id::Auth, code).as_bytes(), encoded(Id::Auth, Kind::Error, &[byte]));
            assert!(!code.text().is_empty());
        } else {
            assert!(!(1..=7).contains(&byte), "{byte}");
        }
    }
    let rejected = format!("Outgoing({:02X?})", golden::REJECTED);
    assert_eq!(format!("{:?}", Outgoing::new(Id::Auth, Kind::Error, [])), rejected);
}

#[test]
#[should_panic(expected = "fits the LEN field")]
fn a_payload_too_long_for_the_format_panics() {
    encode(Id::Data, Kind::Response, &vec![0; 0x1_0000], &mut Vec::new());
}

#[test]
fn a_packet_may_arrive_byte_by_byte() {
    let mut decoder = decoder();
    for (at, &byte) in READ.iter().enumerate() {
        let found = push(&mut decoder, &[byte]);
        let last = at + 1 == READ.len();
        assert_eq!(found, if last { vec![read()] } else { vec![] });
        assert_eq!(decoder.mid_packet(), !last);
    }
}

#[test]
fn several_packets_in_one_read_are_returned_one_by_one() {
    let mut bytes = READ.repeat(3);
    bytes.extend_from_slice(&READ[..4]);
    let mut decoder = decoder();
    assert_eq!(push(&mut decoder, &bytes), [read(), read(), read()]);
    assert!(decoder.mid_packet());
    assert_eq!(push(&mut decoder, &READ[4..]), [read()]);
}

#[test]
fn reserved_ids_and_types_are_returned_unchanged() {
    for (id, kind) in [(3, 1), (0xFF, 0xFF), (2, 3), (0, 0)] {
        let mut bytes = vec![0x00, 0xFF, id, kind, 0x00, 0x00];
        bytes.push(checksum(&bytes));
        assert_eq!(push(&mut decoder(), &bytes), [Found::Packet(id, kind, vec![])]);
    }
}

#[test]
fn a_bad_checksum_drops_only_its_own_packet() {
    let good = encoded(Id::Settings, Kind::Request, &[1, 2, 3, 4, 5, 6]);
    for at in 2..good.len() {
        if at == 4 || at == 5 {
            continue; // LEN: a different packet.
        }
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes.extend_from_slice(&READ);
        assert_eq!(push(&mut decoder(), &bytes), [Found::Damage(Damage::BadChecksum), read()], "byte {at}");
    }
}

#[test]
fn the_longest_payload_is_accepted_and_one_byte_more_is_not() {
    let longest = vec![0x5A; usize::from(MAX_REQUEST_PAYLOAD_BYTES)];
    let bytes = encoded(Id::Auth, Kind::Request, &longest);
    assert_eq!(push(&mut decoder(), &bytes), [Found::Packet(0, 1, longest)]);
    let longer = encoded(Id::Auth, Kind::Request, &[0x5A; MAX_REQUEST_PAYLOAD_BYTES as usize + 1]);
    assert_eq!(push(&mut decoder(), &longer), [Found::Damage(Damage::TooLong { len: 257 })]);
}

#[test]
fn a_too_long_packet_is_detected_from_its_header_and_skipped_without_being_stored() {
    for len in [257, 4096, u16::MAX] {
        let [high, low] = len.to_be_bytes();
        let mut decoder = decoder();
        assert_eq!(push(&mut decoder, &[0x00, 0xFF, 0x02, 0x01, high]), []);
        assert_eq!(push(&mut decoder, &[low]), [Found::Damage(Damage::TooLong { len })]);
        let mut left = usize::from(len) + 1;
        while left > 0 {
            assert!(decoder.mid_packet(), "{left} of {len} are still owed");
            // Packets inside the skipped payload don't count.
            let chunk = &READ.repeat(100)[..left.min(700)];
            assert_eq!(push(&mut decoder, chunk), []);
            assert_eq!(decoder.memory_bytes(), 0);
            left -= chunk.len();
        }
        assert!(!decoder.mid_packet());
        assert_eq!(push(&mut decoder, &READ), [read()]);
    }
}

#[test]
fn a_packet_behind_a_too_long_one_in_the_same_read_is_found() {
    let mut bytes = vec![0x00, 0xFF, 0x00, 0x01, 0x01, 0x2C];
    bytes.resize(bytes.len() + 301, 0x41);
    bytes.extend_from_slice(&READ);
    assert_eq!(push(&mut decoder(), &bytes), [Found::Damage(Damage::TooLong { len: 300 }), read()]);
}

#[test]
fn garbage_is_skipped_up_to_the_next_magic() {
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF], &[0x00, 0x00, 0x00], &[0xFF, 0x00, 0x01], &[7; 1023]] {
        let mut decoder = decoder();
        let mut bytes = garbage.to_vec();
        bytes.extend_from_slice(&READ);
        assert_eq!(push(&mut decoder, &bytes), [read()], "{garbage:02X?}");
        assert!(!decoder.mid_packet());
        assert_eq!(push(&mut decoder, &bytes), [read()], "a packet resets the count of skipped bytes");
    }
}

#[test]
fn after_1024_bytes_of_garbage_sync_is_lost_once_and_for_all() {
    for chunk in [1, 7, 1023, 1024, 5000] {
        let mut decoder = decoder();
        let mut found = Vec::new();
        let garbage = vec![0x41; 5000];
        for piece in garbage.chunks(chunk) {
            found.extend(push(&mut decoder, piece));
        }
        found.extend(push(&mut decoder, &READ));
        assert_eq!(found, [Found::Damage(Damage::LostSync)], "in chunks of {chunk}");
        assert!(!decoder.mid_packet());
        assert_eq!(decoder.memory_bytes(), 0);
    }
    let mut decoder = decoder();
    assert_eq!(push(&mut decoder, &[0x41; 1023]), []);
    assert_eq!(push(&mut decoder, &[0x41]), [Found::Damage(Damage::LostSync)]);
}

#[test]
fn a_final_zero_counts_as_garbage_only_if_no_packet_follows() {
    let mut with_it = decoder();
    assert_eq!(push(&mut with_it, &[&[0x41; 1023][..], &[0x00]].concat()), []);
    assert!(with_it.mid_packet(), "the zero may begin a packet");
    assert_eq!(push(&mut with_it, &READ[1..]), [read()]);

    let mut without = decoder();
    assert_eq!(push(&mut without, &[&[0x41; 1023][..], &[0x00]].concat()), []);
    assert_eq!(push(&mut without, &[0x41]), [Found::Damage(Damage::LostSync)]);

    let mut zeros = decoder();
    assert_eq!(push(&mut zeros, &[0x00; 1024]), [], "the last zero may still begin a packet");
    assert_eq!(push(&mut zeros, &[0x00]), [Found::Damage(Damage::LostSync)]);
}

#[test]
fn an_idle_decoder_holds_no_memory_and_an_unfinished_packet_no_more_than_its_length() {
    let mut decoder = decoder();
    assert_eq!(decoder.memory_bytes(), 0);
    assert_eq!(push(&mut decoder, &READ.repeat(146)).len(), 146);
    assert_eq!(decoder.memory_bytes(), 0);
    assert!(!decoder.mid_packet());

    let longest = encoded(Id::Auth, Kind::Request, &[1; MAX_REQUEST_PAYLOAD_BYTES as usize]);
    let mut bytes = READ.repeat(100);
    bytes.extend_from_slice(&longest[..longest.len() - 1]);
    assert_eq!(push(&mut decoder, &bytes).len(), 100);
    assert!(decoder.mid_packet());
    assert!(decoder.memory_bytes() <= longest.len(), "{}", decoder.memory_bytes());
    assert_eq!(push(&mut decoder, &longest[longest.len() - 1..]).len(), 1);
    assert_eq!(decoder.memory_bytes(), 0);
}

#[test]
fn the_payload_limit_is_configurable() {
    let mut none = Decoder::new(0);
    assert_eq!(push(&mut none, &READ), [read()]);
    assert_eq!(push(&mut none, &[0x00, 0xFF, 2, 1, 0, 1]), [Found::Damage(Damage::TooLong { len: 1 })]);
    let all = vec![0xEE; usize::from(u16::MAX)];
    let bytes = encoded(Id::Data, Kind::Response, &all);
    assert_eq!(push(&mut Decoder::new(u16::MAX), &bytes), [Found::Packet(1, 0, all)]);
}
