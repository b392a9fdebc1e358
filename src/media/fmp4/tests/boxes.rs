//! A reader of fragmented MP4 that knows nothing of the writer, and of the chunks of an HTTP response.
//!
//! It panics on what is not as ISO/IEC 14496-12 and 14496-15 want it. The tests in `tests/` include it as well.

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `ftyp` and `moov`.
    Initialisation(Initialisation),
    /// `moof` and `mdat`.
    Sample(Sample),
}

/// What an initialisation segment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialisation {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Width and height.
    pub size: (u16, u16),
    /// The SPS.
    pub sps: Vec<u8>,
    /// The PPSs.
    pub pps: Vec<Vec<u8>>,
}

/// What a fragment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its number.
    pub sequence: u32,
    /// Its time, in the track's ticks.
    pub decode_time: u64,
    /// Its duration, in the track's ticks.
    pub duration: u32,
    /// Whether it is a sync sample.
    pub key: bool,
    /// The content of `mdat`.
    pub data: Vec<u8>,
}

/// The parts of a whole stream.
pub fn parts(stream: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut boxes = Boxes(stream);
    while let Some(first) = boxes.next() {
        let second = boxes.next().expect("boxes come in pairs");
        let bytes = [first.bytes, second.bytes].concat();
        parts.push(match (first.kind, second.kind) {
            (b"ftyp", b"moov") => {
                assert_eq!(first.body, b"iso6\0\0\0\x01iso6avc1");
                Part::Initialisation(initialisation(bytes, second.body))
            }
            (b"moof", b"mdat") => {
                // The offset is from the beginning of the moof.
                let offset = first.bytes.len() + (second.bytes.len() - second.body.len());
                Part::Sample(sample(bytes, first.body, second.body, offset))
            }
            (first, second) => panic!("{:?} and {:?}", String::from_utf8_lossy(first), String::from_utf8_lossy(second)),
        });
    }
    parts
}

struct Box<'a> {
    kind: &'a [u8; 4],
    body: &'a [u8],
    bytes: &'a [u8],
}

/// Boxes, one after the other, up to the end of the bytes.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Box<'a>;

    fn next(&mut self) -> Option<Box<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (bytes, after) = self.0.split_at(u32_at(self.0, 0) as usize);
        self.0 = after;
        Some(Box { kind: bytes[4..8].try_into().unwrap(), body: &bytes[8..], bytes })
    }
}

/// The bodies of the boxes in `body`, which have to be of these kinds.
fn children<'a, const N: usize>(body: &'a [u8], kinds: [&[u8; 4]; N]) -> [&'a [u8]; N] {
    let found: Vec<Box> = Boxes(body).collect();
    assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), kinds);
    std::array::from_fn(|at| found[at].body)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// All of a body as numbers of 32 bits.
fn numbers(body: &[u8]) -> Vec<u32> {
    assert!(body.len().is_multiple_of(4));
    (0..body.len()).step_by(4).map(|at| u32_at(body, at)).collect()
}

fn initialisation(bytes: Vec<u8>, moov: &[u8]) -> Initialisation {
    let [mvhd, trak, mvex] = children(moov, [b"mvhd", b"trak", b"mvex"]);
    assert_eq!(numbers(mvhd)[..5], [0, 0, 0, 1000, 0]);
    let [trex] = children(mvex, [b"trex"]);
    assert_eq!(numbers(trex), [0, 1, 1, 0, 0, 0]);
    let [tkhd, mdia] = children(trak, [b"tkhd", b"mdia"]);
    let tkhd = numbers(tkhd);
    assert_eq!(tkhd[..6], [3, 0, 0, 1, 0, 0]);
    let [header, hdlr, minf] = children(mdia, [b"mdhd", b"hdlr", b"minf"]);
    assert_eq!(numbers(header), [0, 0, 0, 90_000, 0, 0x55C4_0000]);
    assert_eq!(&hdlr[8..12], b"vide");
    let [_vmhd, dinf, stbl] = children(minf, [b"vmhd", b"dinf", b"stbl"]);
    let [dref] = children(dinf, [b"dref"]);
    let [url] = children(&dref[8..], [b"url "]);
    assert_eq!(url, [0, 0, 0, 1]);
    let [stsd, tables @ ..] = children(stbl, [b"stsd", b"stts", b"stsc", b"stsz", b"stco"]);
    assert_eq!(tables.map(|table| table.iter().filter(|&&byte| byte != 0).count()), [0; 4]);
    let [avc1] = children(&stsd[8..], [b"avc1"]);
    let size = (u16_at(avc1, 24), u16_at(avc1, 26));
    assert_eq!([tkhd[19], tkhd[20]], [u32::from(size.0) << 16, u32::from(size.1) << 16]);
    let [record] = children(&avc1[78..], [b"avcC"]);
    assert_eq!((record[0], record[4], record[5]), (1, 0xFF, 0xE1));
    let mut rest = &record[6..];
    let sps = set(&mut rest);
    assert_eq!(sps[1..4], record[1..4]);
    let (&count, mut rest) = rest.split_first().unwrap();
    let pps = (0..count).map(|_| set(&mut rest)).collect();
    assert!(rest.is_empty());
    Initialisation { bytes, size, sps, pps }
}

/// Takes a parameter set from the front of `bytes`, where its length is before it.
fn set(bytes: &mut &[u8]) -> Vec<u8> {
    let (unit, after) = bytes[2..].split_at(u16_at(bytes, 0).into());
    *bytes = after;
    unit.to_vec()
}

fn sample(bytes: Vec<u8>, moof: &[u8], data: &[u8], data_offset: usize) -> Sample {
    let [mfhd, traf] = children(moof, [b"mfhd", b"traf"]);
    let [tfhd, tfdt, trun] = children(traf, [b"tfhd", b"tfdt", b"trun"]);
    assert_eq!(numbers(tfhd), [0x02_0000, 1]);
    let [0x0100_0000, time_high, time_low] = numbers(tfdt)[..] else { panic!("tfdt {tfdt:?}") };
    let [0x0701, 1, offset, duration, size, flags] = numbers(trun)[..] else { panic!("trun {trun:?}") };
    assert_eq!((offset as usize, size as usize), (data_offset, data.len()));
    let key = match flags {
        0x0200_0000 => true,
        0x0101_0000 => false,
        _ => panic!("sample flags {flags:#x}"),
    };
    let [0, sequence] = numbers(mfhd)[..] else { panic!("mfhd {mfhd:?}") };
    let decode_time = u64::from(time_high) << 32 | u64::from(time_low);
    Sample { bytes, sequence, decode_time, duration, key, data: data.to_vec() }
}

/// The contents of the chunks of a response (RFC 9112, section 7.1).
pub fn chunks(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    while !stream.is_empty() {
        let line = stream.windows(2).position(|at| at == b"\r\n").expect("a size has a line");
        let size = usize::from_str_radix(std::str::from_utf8(&stream[..line]).unwrap(), 16).unwrap();
        let (content, after) = stream[line + 2..].split_at(size);
        assert!(size > 0 && after.starts_with(b"\r\n"), "a chunk of {size} bytes");
        chunks.push(content);
        stream = &after[2..];
    }
    chunks
}
