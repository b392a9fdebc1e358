//! The packet decoder: read sizes don't affect the result, nothing panics, and memory stays bounded.
//!
//! The first byte is the number of following bytes that are the read sizes, used in turn. The rest is the stream. Run it with
//! `cargo +nightly fuzz run decoder`.

#![no_main]

mod pieces;

use es_iot_server::limits::MAX_REQUEST_PAYLOAD_BYTES;
use es_iot_server::wire::packet::HEADER_BYTES;
use es_iot_server::wire::{Damage, Decoder};
use libfuzzer_sys::fuzz_target;
use pieces::pieces;

/// The longest packet that a server's decoder stores.
const LONGEST_BYTES: usize = HEADER_BYTES + MAX_REQUEST_PAYLOAD_BYTES as usize + 1;

#[derive(Debug, PartialEq)]
enum Found {
    Packet(u8, u8, Vec<u8>),
    Damage(Damage),
}

fuzz_target!(|input: &[u8]| {
    let Some((&count, rest)) = input.split_first() else { return };
    let (lengths, stream) = rest.split_at(rest.len().min(usize::from(count)));

    let mut whole = Decoder::new(MAX_REQUEST_PAYLOAD_BYTES);
    let mut expected = Vec::new();
    feed(&mut whole, stream, &mut expected);

    let mut cut = Decoder::new(MAX_REQUEST_PAYLOAD_BYTES);
    let mut found = Vec::new();
    for piece in pieces(stream, lengths) {
        feed(&mut cut, piece, &mut found);
    }

    assert_eq!(found, expected);
    assert_eq!(cut.mid_packet(), whole.mid_packet());
    let lost = found.iter().position(|found| *found == Found::Damage(Damage::LostSync));
    assert!(lost.is_none_or(|at| at + 1 == found.len()), "a result followed the loss of sync");
});

fn feed(decoder: &mut Decoder, piece: &[u8], found: &mut Vec<Found>) {
    decoder.push(piece);
    assert!(decoder.memory_bytes() <= LONGEST_BYTES + piece.len());
    loop {
        match decoder.next() {
            Ok(None) => break,
            Ok(Some(packet)) => found.push(Found::Packet(packet.id, packet.kind, packet.payload.to_vec())),
            Err(damage) => found.push(Found::Damage(damage)),
        }
    }
    let most = if decoder.mid_packet() { LONGEST_BYTES } else { 0 };
    assert!(decoder.memory_bytes() <= most, "the decoder holds {} bytes", decoder.memory_bytes());
}
