use super::*;

use es_iot_server::media::fmp4;
use es_iot_server::media::format::ParameterSets;
use proptest::prelude::*;

const SPS: [u8; 26] = [
    0x67, 0x42, 0xC0, 0x1E, 0x95, 0xA0, 0x28, 0x0F, 0x6C, 0x05, 0xA8, 0x30, 0x30, 0x32, 0x00, 0x00, 0x03, 0x00, 0x02,
    0x00, 0x00, 0x03, 0x00, 0x60, 0x1F, 0xD4,
];
const PPS: [u8; 5] = [0x68, 0xCE, 0x04, 0xC3, 0x32];

/// What the server sends first.
fn beginning() -> Vec<u8> {
    let mut sets = ParameterSets::default();
    sets.take_sps(&SPS).unwrap();
    sets.take_pps(&PPS);
    let mut out = Vec::new();
    fmp4::initialisation(sets.format().unwrap(), &mut out);
    out
}

/// A picture as the server sends it.
fn fragment(key: bool, bytes: u32) -> Vec<u8> {
    let mut out = fmp4::Fragment { sequence: 7, decode_time: 0, duration: 3750, key, bytes }.head().to_vec();
    out.resize(out.len() + bytes as usize, 0x65);
    out
}

fn stream() -> Vec<u8> {
    [beginning(), fragment(true, 5000), fragment(false, 0), beginning(), fragment(true, 1)].concat()
}

fn read_in(chunk: usize, stream: &[u8]) -> Result<Vec<Event>, Fault> {
    let mut reader = Reader::new();
    let mut events = Vec::new();
    for mut input in stream.chunks(chunk) {
        while let Some(event) = reader.next(&mut input)? {
            events.push(event);
        }
        assert!(input.is_empty());
        assert!(reader.held.len() <= CTL_MAX_BOX_BYTES + 16);
    }
    Ok(events)
}

fn boxed(kind: Kind, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &kind, body].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A `moof` of one track.
fn moof(tfhd: &[u32], trun: &[u32]) -> Vec<u8> {
    let track = [boxed(*b"tfhd", &numbers(tfhd)), boxed(*b"trun", &numbers(trun))].concat();
    boxed(*b"moof", &boxed(*b"traf", &track))
}

#[test]
fn what_the_server_sends() {
    let format = Event::Format(Format { codec: "avc1.42C01E".to_owned(), width: 640, height: 480, timescale: 90_000 });
    let picture = |key, bytes| Event::Picture(Picture { key, bytes, duration: Duration::from_nanos(41_666_666) });
    let events = vec![format.clone(), picture(true, 5000), picture(false, 0), format, picture(true, 1)];
    for chunk in [1, 2, 3, 7, 8, 100, 641, 1000, usize::MAX] {
        assert_eq!(read_in(chunk, &stream()), Ok(events.clone()), "{chunk}");
    }
}

#[test]
fn a_picture_counts_when_its_last_byte_is_here() {
    let whole = [beginning(), fragment(true, 300)].concat();
    assert_eq!(read_in(usize::MAX, &whole[..whole.len() - 1]).unwrap().len(), 1);
    assert_eq!(read_in(usize::MAX, &whole).unwrap().len(), 2);
}

#[test]
fn defaults_several_pictures_and_long_headers() {
    let mut stream = beginning();
    stream.extend([&[0, 0, 0, 1][..], b"free", &17_u64.to_be_bytes(), &[9]].concat());
    stream.extend(moof(&[0x3B, 1, 0, 0, 1, 9000, 2, 0x0101_0000], &[5, 3, 0, 0x0200_0000]));
    stream.extend(boxed(*b"mdat", &[0; 6]));
    stream.extend(moof(&[0, 1], &[0xF00, 1, 90_000, 4, 0x0101_0000, 1]));
    stream.extend(boxed(*b"mdat", &[0; 4]));
    let pictures: Vec<(bool, u32, u128)> = read_in(5, &stream)
        .unwrap()
        .into_iter()
        .filter_map(|event| match event {
            Event::Picture(Picture { key, bytes, duration }) => Some((key, bytes, duration.as_millis())),
            Event::Format(_) => None,
        })
        .collect();
    assert_eq!(pictures, [(true, 2, 100), (false, 2, 100), (false, 2, 100), (false, 4, 1000)]);
}

#[test]
fn faults() {
    let large = u32::try_from(CTL_MAX_BOX_BYTES).unwrap() + 9;
    let after = |bytes: &[u8]| [&beginning(), bytes].concat();
    let header = |length: u32, kind: &Kind| [&length.to_be_bytes()[..], kind].concat();
    let length = |kind: &Kind, bytes| Fault::Length { kind: *kind, bytes };
    for (stream, fault) in [
        (b"{\"error\":\"x\"}".to_vec(), Fault::NotMp4),
        (boxed(*b"moov", &[]), Fault::NotMp4),
        (header(7, b"ftyp"), length(b"ftyp", 7)),
        (header(0, b"ftyp"), length(b"ftyp", 0)),
        (after(&header(large, b"moof")), length(b"moof", u64::from(large) - 8)),
        (after(&header(u32::MAX, b"free")), length(b"free", u64::from(u32::MAX) - 8)),
        (after(&[&header(1, b"mdat")[..], &[0xFF; 8]].concat()), Fault::Order(*b"mdat")),
        (after(&[&header(1, b"free")[..], &[0xFF; 8]].concat()), length(b"free", u64::MAX - 16)),
        (after(&[&header(1, b"free")[..], &15_u64.to_be_bytes()].concat()), length(b"free", 15)),
        ([boxed(*b"ftyp", &[]), fragment(true, 1)].concat(), Fault::Order(*b"moof")),
        ([boxed(*b"ftyp", &[]), boxed(*b"moov", &[])].concat(), Fault::Missing(*b"trak")),
        (after(&boxed(*b"moof", &header(9, b"traf"))), length(b"traf", 9)),
        (after(&boxed(*b"moof", &[0, 0, 0])), Fault::Truncated),
        (after(&moof(&[0, 1], &[0x200, 2, 5])), Fault::Truncated),
        (after(&moof(&[0x10, 1, 5], &[0, u32::MAX])), Fault::Pictures(u32::MAX)),
        (after(&[moof(&[0, 1], &[0x200, 1, 5]), boxed(*b"free", &[])].concat()), Fault::Order(*b"free")),
        (
            after(&[moof(&[0, 1], &[0x200, 1, 5]), boxed(*b"mdat", &[0; 6])].concat()),
            Fault::Media { pictures: 5, bytes: 6 },
        ),
    ] {
        assert_eq!(read_in(3, &stream), Err(fault), "{stream:x?}");
        assert!(!fault.to_string().is_empty());
    }
}

#[test]
fn each_cut_of_a_moov_is_a_fault() {
    let stream = beginning();
    let moov = &stream[24 + 8..];
    // The last box, mvex, is not needed.
    for cut in 0..moov.len() - 40 {
        assert!(fields::format(&moov[..cut]).is_err(), "{cut}");
    }
    fields::format(moov).unwrap();
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), begun in any::<bool>()) {
        let prefix = if begun { beginning() } else { Vec::new() };
        let _any = read_in(64, &[prefix, bytes].concat());
    }

    #[test]
    fn boxes_of_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..5) {
        let kinds = [b"moov", b"moof", b"traf", b"tfhd", b"trun"];
        let mut inner = boxed(*kinds[at], &bytes);
        if at > 1 {
            inner = boxed(*b"moof", &if at == 2 { inner } else { boxed(*b"traf", &inner) });
        }
        let _any = read_in(64, &[beginning(), inner].concat());
    }

    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), to in any::<u8>(), chunk in 1_usize..700) {
        let mut stream = stream();
        let at = at.index(stream.len());
        stream[at] = to;
        let _any = read_in(chunk, &stream);
    }
}
