//! The splitter against a reference that sees the whole stream.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const CAP: usize = 40;

/// A unit, and whether it is complete.
type Unit = (Vec<u8>, bool);

/// The units of H.264 B.3: from a start code up to `00 00 00` or `00 00 01`, or to the end, without trailing zeros.
fn reference(stream: &[u8]) -> (Vec<Unit>, usize) {
    let (mut units, mut too_long) = (Vec::new(), 0);
    let code = |at: usize, last: u8| stream[at..].starts_with(&[0, 0, last]);
    let mut at = 0;
    while at < stream.len() {
        if !code(at, 1) {
            at += 1;
            continue;
        }
        let from = at + 3;
        let end = (from..stream.len()).find(|&end| code(end, 0) || code(end, 1));
        let to = end.unwrap_or(stream.len());
        let mut unit = stream[from..to].to_vec();
        if end.is_none() {
            // One or two zeros at the end may be a start code's.
            let kept = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            unit.truncate(kept);
        }
        if unit.len() > CAP {
            too_long += 1;
        } else if unit.len() >= 2 {
            units.push((unit, end.is_some()));
        }
        at = to;
    }
    (units, too_long)
}

fn split(chunks: &[&[u8]]) -> (Vec<Unit>, usize, u64) {
    let mut splitter = Splitter::new(CAP);
    let (mut units, mut too_long) = (Vec::<Unit>::new(), 0);
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = splitter.next(&mut chunk) {
            match event {
                Event::Begins(head) => units.push((head.to_vec(), false)),
                Event::Bytes(bytes) => {
                    assert!(!bytes.is_empty());
                    units.last_mut().unwrap().0.extend_from_slice(bytes);
                }
                Event::Ends => units.last_mut().unwrap().1 = true,
                Event::TooLong => {
                    units.pop();
                    too_long += 1;
                }
            }
        }
        assert!(chunk.is_empty());
    }
    (units, too_long, splitter.rubbish_bytes())
}

/// `stream` in pieces of these lengths, used in turn.
fn cut<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut left = stream;
    for &length in lengths.iter().cycle().take(stream.len()) {
        let (chunk, rest) = left.split_at(length.min(left.len()));
        chunks.push(chunk);
        left = rest;
    }
    chunks.push(left);
    chunks
}

/// Streams with many zeros and start codes.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        select(vec![vec![0], vec![1], vec![0, 0, 1], vec![0, 0, 0, 1], vec![0, 0, 3], vec![0; 7], vec![9; 60]]),
        vec(any::<u8>(), 0..20),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_units_of_the_standard(stream in stream(), lengths in vec(1_usize..30, 1..5)) {
        let (units, too_long, rubbish) = split(&cut(&stream, &lengths));
        let expected = reference(&stream);
        prop_assert_eq!((units, too_long), expected);
        prop_assert_eq!(rubbish, split(&[&stream]).2);
    }

    #[test]
    fn zeros_are_found_at_every_place(bytes in vec(select(vec![0_u8, 0, 1, 0x80, 0xFF]), 0..50)) {
        let naive = (0..bytes.len()).find(|&at| bytes[at] == 0 && bytes.get(at + 1).is_none_or(|&next| next == 0));
        prop_assert_eq!(plain_bytes(&bytes), naive.unwrap_or(bytes.len()));
        // A long run in front, so that whole words are passed over.
        let far: Vec<u8> = [7; 64].into_iter().chain(bytes).collect();
        let naive = (0..far.len()).find(|&at| far[at] == 0 && far.get(at + 1).is_none_or(|&next| next == 0));
        prop_assert_eq!(plain_bytes(&far), naive.unwrap_or(far.len()));
    }
}

#[test]
fn start_codes_padding_and_rubbish() {
    let stream = b"\x05\x00\x05\0\0\0\x01\x67\x42\0\0\x01\x68\xCE\x38\0\0\0\0\x01\x65\x88\0\0\x03\x01\0\0\0\xFF\0\0\x01\x0A\0\0\x01\x41\x9A";
    let (units, too_long, rubbish) = split(&[stream]);
    let expected: [(&[u8], bool); 4] =
        [(&[0x67, 0x42], true), (&[0x68, 0xCE, 0x38], true), (&[0x65, 0x88, 0, 0, 3, 1], true), (&[0x41, 0x9A], false)];
    assert_eq!(units, expected.map(|(unit, ended)| (unit.to_vec(), ended)));
    assert_eq!(too_long, 0);
    // Three bytes in front, and three zeros with the byte behind them after the slice.
    assert_eq!(rubbish, 7);
}

#[test]
fn a_unit_that_is_too_long_is_reported_once() {
    let mut stream = b"\0\0\x01\x65".to_vec();
    stream.extend_from_slice(&[7; 10_000]);
    stream.extend_from_slice(b"\0\0\x01\x41\x9A");
    for length in [1, 7, 4096, 20_000] {
        let (units, too_long, rubbish) = split(&cut(&stream, &[length]));
        assert_eq!((units, too_long, rubbish), (vec![(vec![0x41, 0x9A], false)], 1, 0));
    }
}

#[test]
fn another_stream_begins_anew() {
    let mut splitter = Splitter::new(CAP);
    let mut input = &b"\x07\0\0\x01\x65\x88\0\0"[..];
    while splitter.next(&mut input).is_some() {}
    splitter.restart();
    let mut input = &b"\x01\x02"[..];
    assert_eq!(splitter.next(&mut input), None);
    assert_eq!(splitter.rubbish_bytes(), 3);
}
