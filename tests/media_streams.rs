//! Real H.264 through the video's whole pure part: bytes, pictures, the ring, RTP packets, and a receiver that gets
//! back what a decoder shows as if nothing had happened.
//!
//! What needs ffmpeg is skipped where there is none.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../src/media/rtp/tests/depacketise.rs"]
mod depacketise;
#[path = "support/ffmpeg.rs"]
mod ffmpeg;
#[path = "support/skip.rs"]
mod skip;

use std::time::Duration;

use depacketise::Depacketiser;
use es_iot_server::media::picture::Assembler;
use es_iot_server::media::ring::{ByteCursor, Identity, PacketCursor, Parts, Ring, Start};
use es_iot_server::time::Mono;
use ffmpeg::run;
use skip::skip;

const CLIP: &[u8] = include_bytes!("stand-in/clip.h264");

/// What ffmpeg writes to its standard output, or `None` if there is no ffmpeg.
fn ffmpeg(arguments: &str, input: &[u8]) -> Option<Vec<u8>> {
    let output = run("ffmpeg", &format!("-hide_banner -loglevel error -nostdin {arguments}"), input)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments}: {complaints}");
    Some(output.stdout)
}

/// What a stream became.
struct Passed {
    /// Pictures, and key pictures among them.
    pictures: (u64, u64),
    /// Profile, width and height.
    video: (u8, u32, u32),
    /// What a receiver of RTP over TCP makes of it, as Annex B.
    tcp: Vec<u8>,
    /// The same over UDP.
    udp: Vec<u8>,
    /// What a publisher reads.
    publisher: Vec<u8>,
}

/// Passes `stream` through, in chunks of `chunk` bytes, with readers that take each picture as it comes.
fn pass(stream: &[u8], chunk: usize) -> Passed {
    let mut assembler = Assembler::default();
    let mut ring = Ring::new(
        Ring::capacity_bytes(None, Duration::from_secs(1)),
        Identity { ssrc: 1, first_sequence: 65_000, time_offset: 9 },
    );
    let mut tcp = (PacketCursor::new(&ring, Start::NextKey, 2), Depacketiser::default());
    let mut udp = (PacketCursor::new(&ring, Start::NextKey, 0), Depacketiser::default());
    let mut publisher = (ByteCursor::new(&ring, Start::NextKey), Vec::new());
    let mut read = |ring: &Ring| {
        while tcp.0.pending(ring) {
            let mut parts = Parts::default();
            tcp.0.frames(ring, &mut parts);
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            tcp.0.wrote(ring, bytes.len());
            tcp.1.frames(2, &bytes);
        }
        while udp.0.pending(ring) {
            let mut parts = Parts::default();
            let group = udp.0.datagrams(ring, &mut parts);
            parts.chunks(2).for_each(|pair| udp.1.packet(&[&pair[0][..], &pair[1]].concat()));
            udp.0.sent(ring, group.datagrams);
        }
        while publisher.0.pending(ring) {
            let mut parts = Parts::default();
            publisher.0.annexb(ring, &mut parts);
            let written = parts.bytes();
            publisher.1.extend(parts.iter().flat_map(|part| part.iter().copied()));
            publisher.0.wrote(ring, written);
        }
    };
    for (at, mut bytes) in stream.chunks(chunk).enumerate() {
        let now = Mono::from_nanos(at as u64 * 1_000_000);
        while let Some(picture) = assembler.push(now, &mut bytes) {
            ring.push(&picture).unwrap();
            read(&ring);
        }
    }
    ring.push(&assembler.finish().unwrap()).unwrap();
    read(&ring);
    let counts = assembler.counts();
    let dropped = [counts.without_key, counts.incomplete, counts.too_large, counts.wrong_cuts, counts.rubbish_bytes];
    assert_eq!((dropped, counts.units_too_long, counts.bad_parameter_sets), ([0; 5], 0, 0));
    assert!(tcp.1.gaps.is_empty() && udp.1.gaps.is_empty());
    assert_eq!(tcp.1.pictures.len() as u64, counts.pictures);
    let video = ring.format().unwrap().1.video();
    Passed {
        pictures: (counts.pictures, counts.key_pictures),
        video: (video.profile, video.width, video.height),
        tcp: annexb(&tcp.1),
        udp: annexb(&udp.1),
        publisher: publisher.1,
    }
}

fn annexb(receiver: &Depacketiser) -> Vec<u8> {
    let units = receiver.pictures.iter().flat_map(|picture| &picture.units);
    units.flat_map(|unit| [&[0, 0, 0, 1], &unit[..]].concat()).collect()
}

/// The NAL units that pass: slices and SEI as they are, parameter sets only where they change.
fn essence(stream: &[u8]) -> Vec<&[u8]> {
    let mut units: Vec<&[u8]> = Vec::new();
    let (mut at, mut from) = (0, None);
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            units.extend(from.map(|from| &stream[from..at]));
            (at, from) = (at + 3, Some(at + 3));
        } else {
            at += 1;
        }
    }
    units.extend(from.map(|from| &stream[from..]));
    let (mut sps, mut pps) = (&[][..], &[][..]);
    let trimmed = units.iter().map(|unit| &unit[..unit.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1)]);
    trimmed
        .filter(|unit| match unit[0] & 31 {
            1 | 5 | 6 => true,
            7 => std::mem::replace(&mut sps, unit) != *unit,
            8 => std::mem::replace(&mut pps, unit) != *unit,
            _ => false,
        })
        .collect()
}

/// Passes `stream` through in chunks of `chunk` bytes, and checks that everybody gets its units.
fn check(stream: &[u8], chunk: usize, what: &str) -> Passed {
    let passed = pass(stream, chunk);
    let expected = essence(stream);
    for (way, out) in [("TCP", &passed.tcp), ("UDP", &passed.udp), ("the publisher", &passed.publisher)] {
        assert!(essence(out) == expected, "{what}, chunks of {chunk}: {way} gets other units");
    }
    passed
}

/// A hash of all pictures that a decoder makes of a stream.
fn shown(stream: &[u8]) -> Option<Vec<u8>> {
    ffmpeg("-f h264 -xerror -err_detect explode -i - -f md5 -", stream)
}

#[test]
fn the_clip() {
    for chunk in [1, 611, 4096, 65_536] {
        let passed = check(CLIP, chunk, "the clip");
        assert_eq!(passed.pictures, (96, 4));
        assert_eq!(passed.video, (66, 160, 120));
        assert_eq!(shown(&passed.udp), shown(CLIP));
    }
    if shown(CLIP).is_none() {
        skip("ffmpeg is not installed: what a decoder shows was not compared");
    }
}

#[test]
fn what_x264_writes() {
    let profiles = [("baseline", 66), ("main", 77), ("high", 100)];
    for (at, (width, height)) in [(160, 120), (322, 182), (640, 480), (1280, 720)].into_iter().enumerate() {
        for (number, (profile, idc)) in profiles.into_iter().enumerate() {
            let slices = [1, 4, 3][(at + number) % 3];
            let tune = if number == 0 { "-tune zerolatency" } else { "" };
            let delimiters = if (at + number) % 2 == 0 { "-bsf:v h264_metadata=aud=insert" } else { "" };
            let arguments = format!(
                "-f lavfi -i testsrc2=size={width}x{height}:rate=24 -frames:v 20 -pix_fmt yuv420p -c:v libx264 -preset veryfast \
                 -profile:v {profile} {tune} -g 8 -x264-params slices={slices}:scenecut=0:threads=1 {delimiters} -f h264 -"
            );
            let Some(stream) = ffmpeg(&arguments, &[]) else { return skip("ffmpeg is not installed") };
            let passed = check(&stream, 1000 + 777 * at, &arguments);
            assert_eq!((passed.pictures, passed.video), ((20, 3), (idc, width, height)), "{arguments}");
            assert_eq!(shown(&passed.tcp), shown(&stream), "{arguments}");
        }
    }
}

#[test]
fn what_else_there_is() {
    for (kind, idc, options) in [
        ("interlaced", 100, "-profile:v high -x264-params keyint=8:scenecut=0:threads=1:tff=1"),
        ("4:2:2", 122, "-pix_fmt yuv422p -x264-params keyint=8:scenecut=0:threads=1:cqm=jvt"),
        ("4:4:4", 244, "-pix_fmt yuv444p -x264-params keyint=8:scenecut=0:threads=1"),
        (
            "repeated parameter sets",
            100,
            "-x264-params keyint=8:scenecut=0:threads=1:repeat-headers=1:nal-hrd=cbr:filler=1 -b:v 400k -maxrate 400k -bufsize 400k",
        ),
    ] {
        let arguments = format!(
            "-f lavfi -i testsrc2=size=322x180:rate=24 -frames:v 20 -pix_fmt yuv420p -c:v libx264 -preset veryfast {options} -f h264 -"
        );
        let Some(stream) = ffmpeg(&arguments, &[]) else { return skip("ffmpeg is not installed") };
        let passed = check(&stream, 4096, kind);
        assert_eq!((passed.pictures, passed.video), ((20, 3), (idc, 322, 180)), "{kind}");
        assert_eq!(shown(&passed.tcp), shown(&stream), "{kind}");
    }
}
