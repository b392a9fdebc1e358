//! The fields of boxes (ISO/IEC 14496-12 8; `avcC`: ISO/IEC 14496-15 5.3.3.1).

use std::time::Duration;

use es_iot_server::limits::CTL_MAX_FRAGMENT_PICTURES;
use es_iot_server::media::h264::Sps;

use super::{Fault, Format, Kind, Picture};

/// Bytes of an `avc1` before its boxes.
const AVC1_BYTES: usize = 78;
/// Bytes of a `stsd` before its entries: version, flags and their number.
const STSD_BYTES: usize = 8;
/// `sample_is_non_sync_sample`.
const NOT_KEY: u32 = 0x0001_0000;

/// Type and length of the box with this header; `None` if more bytes are needed.
pub fn header(bytes: &[u8]) -> Option<(Kind, u64)> {
    let mut rest = bytes;
    let length = u32_of(&mut rest).ok()?;
    let kind = *take(&mut rest).ok()?;
    if length == 1 { Some((kind, u64_of(&mut rest).ok()?)) } else { Some((kind, length.into())) }
}

/// The format that a `moov` describes.
pub fn format(moov: &[u8]) -> Result<Format, Fault> {
    let media = path(moov, &[*b"trak", *b"mdia"])?;
    let timescale = timescale(child(media, *b"mdhd")?)?;
    let entries = path(media, &[*b"minf", *b"stbl", *b"stsd"])?.get(STSD_BYTES..).ok_or(Fault::Truncated)?;
    let record = child(child(entries, *b"avc1")?.get(AVC1_BYTES..).ok_or(Fault::Truncated)?, *b"avcC")?;
    // Version, profile, compatibility, level, length of lengths; then the number of SPSs. Without one, what follows is none.
    let mut sets = record.get(5..).ok_or(Fault::Truncated)?;
    let [_reserved_and_count] = *take(&mut sets)?;
    let length = u16::from_be_bytes(*take(&mut sets)?);
    let sps = Sps::parse(sets.get(..length.into()).ok_or(Fault::Truncated)?).map_err(Fault::Sps)?;
    Ok(Format { codec: sps.codec(), width: sps.width, height: sps.height, timescale })
}

/// The timescale of a `mdhd`: behind two times, of 32 bits or, in version 1, of 64.
fn timescale(mdhd: &[u8]) -> Result<u32, Fault> {
    let times = if mdhd.first() == Some(&1) { 16 } else { 8 };
    let mut rest = mdhd.get(4 + times..).ok_or(Fault::Truncated)?;
    Some(u32_of(&mut rest)?).filter(|timescale| *timescale != 0).ok_or(Fault::Timescale)
}

/// The pictures of a `moof`.
pub fn pictures(moof: &[u8], timescale: u32) -> Result<Vec<Picture>, Fault> {
    let track = child(moof, *b"traf")?;
    let defaults = Sample::defaults(child(track, *b"tfhd")?)?;
    let rest = &mut child(track, *b"trun")?;
    let flags = u32_of(rest)?;
    let count = u32_of(rest)?;
    if count > CTL_MAX_FRAGMENT_PICTURES {
        return Err(Fault::Pictures(count));
    }
    if flags & 1 != 0 {
        u32_of(rest)?; // data_offset
    }
    let first_flags = if flags & 4 == 0 { None } else { Some(u32_of(rest)?) };
    let mut pictures = Vec::new();
    for at in 0..count {
        let mut sample = Sample { flags: first_flags.filter(|_| at == 0).unwrap_or(defaults.flags), ..defaults };
        sample.duration = optional(rest, flags & 0x100)?.unwrap_or(sample.duration);
        sample.bytes = optional(rest, flags & 0x200)?.unwrap_or(sample.bytes);
        sample.flags = optional(rest, flags & 0x400)?.unwrap_or(sample.flags);
        optional(rest, flags & 0x800)?; // sample_composition_time_offset
        pictures.push(sample.picture(timescale));
    }
    Ok(pictures)
}

/// A picture in a fragment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    duration: u32,
    bytes: u32,
    flags: u32,
}

impl Sample {
    /// The defaults of a `tfhd`.
    fn defaults(mut tfhd: &[u8]) -> Result<Self, Fault> {
        let rest = &mut tfhd;
        let present = u32_of(rest)?;
        u32_of(rest)?; // track_ID
        if present & 1 != 0 {
            u64_of(rest)?; // base_data_offset
        }
        optional(rest, present & 2)?; // sample_description_index
        let duration = optional(rest, present & 8)?.unwrap_or(0);
        let bytes = optional(rest, present & 0x10)?.unwrap_or(0);
        let flags = optional(rest, present & 0x20)?.unwrap_or(0);
        Ok(Self { duration, bytes, flags })
    }

    /// The timescale is above zero.
    fn picture(self, timescale: u32) -> Picture {
        let nanoseconds = u64::from(self.duration) * 1_000_000_000 / u64::from(timescale.max(1));
        let duration = Duration::from_nanos(nanoseconds);
        Picture { key: self.flags & NOT_KEY == 0, bytes: self.bytes, duration }
    }
}

/// The body of the box at the end of a path of boxes.
fn path<'a>(mut body: &'a [u8], kinds: &[Kind]) -> Result<&'a [u8], Fault> {
    for &kind in kinds {
        body = child(body, kind)?;
    }
    Ok(body)
}

/// The body of the first box of a kind in a body.
fn child(mut body: &[u8], wanted: Kind) -> Result<&[u8], Fault> {
    while !body.is_empty() {
        let (kind, bytes) = header(body).ok_or(Fault::Truncated)?;
        let head = if body.starts_with(&[0, 0, 0, 1]) { 16 } else { 8 };
        let fits = usize::try_from(bytes).ok().filter(|bytes| (head..=body.len()).contains(bytes));
        let (here, after) = body.split_at(fits.ok_or(Fault::Length { kind, bytes })?);
        if kind == wanted {
            return Ok(&here[head..]);
        }
        body = after;
    }
    Err(Fault::Missing(wanted))
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Fault> {
    let (here, after) = rest.split_first_chunk().ok_or(Fault::Truncated)?;
    *rest = after;
    Ok(here)
}

fn u32_of(rest: &mut &[u8]) -> Result<u32, Fault> {
    Ok(u32::from_be_bytes(*take(rest)?))
}

fn u64_of(rest: &mut &[u8]) -> Result<u64, Fault> {
    Ok(u64::from_be_bytes(*take(rest)?))
}

/// A field that is there if a flag is set.
fn optional(rest: &mut &[u8], flag: u32) -> Result<Option<u32>, Fault> {
    if flag == 0 { Ok(None) } else { u32_of(rest).map(Some) }
}
