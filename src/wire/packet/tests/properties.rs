//! Properties for arbitrary packets, bytes and read sizes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::cuts::cut;

const LONGEST: usize = HEADER_BYTES + MAX_REQUEST_PAYLOAD_BYTES as usize + 1;

fn id() -> impl Strategy<Value = Id> {
    select(vec![Id::Auth, Id::Data, Id::Settings])
}

fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Response, Kind::Request, Kind::Error])
}

/// Bytes of each kind that a decoder distinguishes, so streams of them reach all of its code.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (id(), kind(), vec(any::<u8>(), 0..300)).prop_map(|(id, kind, payload)| encoded(id, kind, &payload)),
        2 => (id(), vec(any::<u8>(), 0..20), any::<Index>(), 1..=u8::MAX).prop_map(|(id, payload, at, flip)| {
            let mut bytes = encoded(id, Kind::Request, &payload);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            bytes
        }),
        2 => vec(any::<u8>(), 0..64),
        2 => vec(select(vec![0x00, 0xFF]), 0..16),
        1 => (select(vec![0x00, 0x41]), 1000..1030_usize).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn decoding_inverts_encoding(
        packets in vec((id(), kind(), vec(any::<u8>(), 0..=256)), 0..8)
    ) {
        let mut bytes = Vec::new();
        for (id, kind, payload) in &packets {
            encode(*id, *kind, payload, &mut bytes);
        }
        let mut decoder = decoder();
        let expected: Vec<_> =
            packets.into_iter().map(|(id, kind, payload)| Found::Packet(id as u8, kind as u8, payload)).collect();
        prop_assert_eq!(push(&mut decoder, &bytes), expected);
        prop_assert!(!decoder.mid_packet());
        prop_assert_eq!(decoder.memory_bytes(), 0);
    }

    #[test]
    fn read_sizes_do_not_matter(bytes in stream(), cuts in vec(any::<Index>(), 0..20)) {
        let mut whole = decoder();
        let expected = push(&mut whole, &bytes);
        let mut cut_up = decoder();
        let mut found = Vec::new();
        for piece in cut(&bytes, &cuts) {
            cut_up.push(piece);
            prop_assert!(cut_up.memory_bytes() <= LONGEST + piece.len());
            found.extend(drain(&mut cut_up));
            prop_assert!(cut_up.memory_bytes() <= LONGEST);
            prop_assert!(cut_up.mid_packet() || cut_up.memory_bytes() == 0);
        }
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(cut_up.mid_packet(), whole.mid_packet());
        let lost = expected.iter().filter(|found| **found == Found::Damage(Damage::LostSync)).count();
        prop_assert!(lost == 0 || (lost == 1 && expected.last() == Some(&Found::Damage(Damage::LostSync))));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..4096), most in any::<u16>()) {
        push(&mut Decoder::new(most), &bytes);
    }

    #[test]
    fn garbage_without_zeros_never_hides_the_next_packet(
        garbage in vec(1..=u8::MAX, 0..1024), payload in vec(any::<u8>(), 0..=256)
    ) {
        let mut bytes = garbage;
        encode(Id::Settings, Kind::Request, &payload, &mut bytes);
        prop_assert_eq!(push(&mut decoder(), &bytes), [Found::Packet(2, 1, payload)]);
    }
}
