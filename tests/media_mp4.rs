//! Drawn and real H.264 as fragmented MP4: decoded by ffmpeg, and compared with what was drawn or sent, bit for bit.
//!
//! Skipped where there is no ffmpeg.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../src/media/fmp4/tests/boxes.rs"]
mod boxes;
#[path = "support/ffmpeg.rs"]
mod ffmpeg;
#[path = "support/skip.rs"]
mod skip;

use boxes::{Part, chunks, parts};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::limits::RING_MOST_BYTES;
use es_iot_server::media::draw::{Format, TestCamera};
use es_iot_server::media::h264::{Sps, without_reordering};
use es_iot_server::media::picture::{Assembler, Picture};
use es_iot_server::media::ring::{FragmentCursor, Framing, Identity, Parts, Ring, Start};
use es_iot_server::media::units;
use es_iot_server::time::Mono;
use skip::skip;

const CLIP: &[u8] = include_bytes!("stand-in/clip.h264");
/// Between two pictures.
const STEP_MS: u64 = 42;

/// A camera whose pictures go into a ring, and a viewer that takes each as it comes.
struct Viewed {
    assembler: Assembler,
    ring: Ring,
    viewer: FragmentCursor,
    /// What the viewer got, without the chunks' frames.
    mp4: Vec<u8>,
    pictures: u64,
}

impl Viewed {
    fn new() -> Self {
        let ring = Ring::new(RING_MOST_BYTES, Identity { ssrc: 1, first_sequence: 2, time_offset: 3 });
        let viewer = FragmentCursor::new(&ring, Start::NewestKey, Framing::Chunked);
        Self { assembler: Assembler::default(), ring, viewer, mp4: Vec::new(), pictures: 0 }
    }

    fn push_all(&mut self, pictures: &[Vec<u8>]) {
        for picture in pictures {
            self.push(picture);
        }
    }

    /// A camera writes a picture.
    fn push(&mut self, mut picture: &[u8]) {
        let Self { assembler, ring, viewer, mp4, pictures } = self;
        let now = Mono::from_nanos(*pictures * STEP_MS * 1_000_000);
        *pictures += 1;
        assert!(assembler.push(now, &mut picture).is_none());
        ring.push(&assembler.finish().unwrap()).unwrap();
        while viewer.pending(ring) {
            let mut parts = Parts::default();
            viewer.fragment(ring, &mut parts);
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            viewer.wrote(ring, bytes.len());
            mp4.extend(chunks(&bytes).concat());
        }
    }
}

/// The pictures of a stream, each in Annex B, with parameter sets before key pictures.
fn pictures(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut assembler = Assembler::default();
    let mut pictures = Vec::new();
    let annexb = |picture: Picture| {
        let units = units::ranges(picture.units).map(|unit| [&[0, 0, 0, 1], &picture.units[unit]].concat());
        units.collect::<Vec<_>>().concat()
    };
    while let Some(picture) = assembler.push(Mono::default(), &mut stream) {
        pictures.push(annexb(picture));
    }
    pictures.extend(assembler.finish().map(annexb));
    pictures
}

/// A test camera's stream of `count` pictures, and the planes of each.
fn drawn(width: u32, height: u32, count: u64) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut camera = TestCamera::new(Format::new(width, height, 24).unwrap(), 10);
    let (mut pictures, mut planes) = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut picture = Vec::new();
        let ms = 77_000 + number * STEP_MS;
        camera.picture(ms, 1_795_700_000_000 + ms, &CameraSettings::default(), &mut picture);
        camera.append_planes(&mut planes);
        pictures.push(picture);
    }
    (pictures, planes)
}

/// The planes of what ffmpeg shows, in which it finds nothing to complain of.
fn shown(format: &str, stream: &[u8]) -> Option<Vec<u8>> {
    let arguments = format!(
        "-hide_banner -v warning -xerror -err_detect explode -f {format} -i - \
         -f rawvideo -pix_fmt yuv420p -fps_mode passthrough -"
    );
    let output = ffmpeg::run("ffmpeg", &arguments, stream)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    Some(output.stdout)
}

/// Asserts that both are the same pictures of `size` bytes.
fn assert_same(shown: &[u8], drawn: &[u8], size: usize, what: &str) {
    assert_eq!((shown.len() / size, shown.len()), (drawn.len() / size, drawn.len()), "{what}: pictures are missing");
    let wrong: Vec<usize> =
        (0..).zip(shown.chunks(size).zip(drawn.chunks(size))).filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    assert!(wrong.is_empty(), "{what}: pictures {wrong:?} are not what was drawn");
}

#[test]
fn drawn_pictures_are_shown_exactly() {
    for (width, height, count) in [(64, 64, 60), (322, 242, 30), (640, 480, 50), (1920, 1080, 12)] {
        let (pictures, planes) = drawn(width, height, count);
        let mut viewed = Viewed::new();
        viewed.push_all(&pictures);
        let Some(shown) = shown("mp4", &viewed.mp4) else { return skip("ffmpeg is not installed") };
        assert_same(&shown, &planes, (width * height * 3 / 2) as usize, &format!("{width}x{height}"));
    }
}

#[test]
fn ffprobe_reads_what_was_meant() {
    let mut viewed = Viewed::new();
    viewed.push_all(&drawn(642, 482, 21).0);
    let arguments = "-v warning -f mp4 -i - -show_streams -show_packets -of compact=nk=0";
    let Some(output) = ffmpeg::run("ffprobe", arguments, &viewed.mp4) else { return skip("ffprobe is not installed") };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let shown = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "|codec_tag_string=avc1|",
        "|width=642|",
        "|height=482|",
        "|has_b_frames=0|",
        "|is_avc=true|",
        "|nal_length_size=4|",
        "|time_base=1/90000|",
        "|start_pts=0|",
    ] {
        assert!(shown.contains(expected), "there is no {expected} in {shown}");
    }
    let packets: Vec<&str> = shown.lines().filter(|line| line.starts_with("packet|")).collect();
    assert_eq!(packets.len(), 21);
    for (number, packet) in packets.iter().enumerate() {
        let time = if number == 0 { 0 } else { 3750 + 3780 * (number - 1) };
        let flags = if number % 10 == 0 { "K_" } else { "__" };
        for expected in [format!("|pts={time}|"), format!("|dts={time}|"), format!("|flags={flags}")] {
            assert!(packet.contains(&expected), "packet {number} has no {expected}: {packet}");
        }
    }
}

#[test]
fn a_stream_goes_on_in_another_format() {
    let mut viewed = Viewed::new();
    let mut all = Vec::new();
    for (width, height, count) in [(640, 480, 15), (320, 240, 25), (320, 240, 5), (642, 480, 12)] {
        let (pictures, planes) = drawn(width, height, count);
        viewed.push_all(&pictures);
        all.push((width, height, planes));
    }
    // The third has the second's format, so that nothing has to be said anew.
    let third = all.remove(2);
    all[1].2.extend(third.2);
    // ffmpeg reads one `moov` only. A browser reads each, so that one from there on has to be a stream of its own.
    let mut streams: Vec<Vec<u8>> = Vec::new();
    let mut time = 0;
    for part in parts(&viewed.mp4) {
        match part {
            Part::Initialisation(initialisation) => streams.push(initialisation.bytes),
            Part::Sample(sample) => {
                assert_eq!(sample.decode_time, time, "time goes on");
                time += u64::from(sample.duration);
                streams.last_mut().unwrap().extend(sample.bytes);
            }
        }
    }
    assert_eq!(streams.len(), all.len());
    for (stream, (width, height, planes)) in streams.iter().zip(&all) {
        let Some(shown) = shown("mp4", stream) else { return skip("ffmpeg is not installed") };
        assert_same(&shown, planes, (width * height * 3 / 2) as usize, &format!("{width}x{height}"));
    }
}

/// 640x480 as the test camera's, without its VUI: baseline, level 3, one reference frame, `frame_num` of 8 bits.
const WITHOUT_VUI: [u8; 9] = [0x67, 0x42, 0xC0, 0x1E, 0x95, 0xA0, 0x28, 0x0F, 0x64];

#[test]
fn an_sps_that_got_a_vui_is_decoded() {
    let (pictures, planes) = drawn(640, 480, 40);
    let mut viewed = Viewed::new();
    for picture in &pictures {
        let units = picture.windows(4).enumerate().filter(|(_, at)| *at == [0, 0, 0, 1]).map(|(at, _)| at);
        let mut units: Vec<&[u8]> =
            units.clone().zip(units.skip(1).chain([picture.len()])).map(|(from, to)| &picture[from + 4..to]).collect();
        if units[0][0] == WITHOUT_VUI[0] {
            units[0] = &WITHOUT_VUI;
        }
        viewed.push(&units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect::<Vec<u8>>());
    }
    let Some(Part::Initialisation(first)) = parts(&viewed.mp4).into_iter().next() else { panic!("no beginning") };
    assert_eq!(first.sps, *without_reordering(&WITHOUT_VUI));
    assert!(Sps::parse(&first.sps).unwrap().has_vui);
    let Some(shown) = shown("mp4", &viewed.mp4) else { return skip("ffmpeg is not installed") };
    assert_same(&shown, &planes, 640 * 480 * 3 / 2, "without a VUI");
    let arguments = "-v warning -f mp4 -i - -show_streams -of compact=nk=0";
    let Some(output) = ffmpeg::run("ffprobe", arguments, &viewed.mp4) else { return skip("ffprobe is not installed") };
    let probed = String::from_utf8(output.stdout).unwrap();
    assert!(probed.contains("|has_b_frames=0|") && output.stderr.is_empty(), "{probed}");
    // A decoder that writes what it read: ffmpeg's own parser has the fields where they were meant to be.
    let traced = "-hide_banner -nostdin -f mp4 -i - -c copy -bsf:v trace_headers -frames:v 1 -f null -";
    let output = ffmpeg::run("ffmpeg", traced, &viewed.mp4).unwrap();
    let trace = String::from_utf8_lossy(&output.stderr);
    for (field, value) in
        [("bitstream_restriction_flag", 1), ("max_num_reorder_frames", 0), ("max_dec_frame_buffering", 1)]
    {
        let line = trace.lines().find(|line| line.contains(field)).unwrap_or_else(|| panic!("no {field}: {trace}"));
        assert!(line.ends_with(&format!("= {value}")), "{line}");
    }
}

#[test]
fn real_video_is_shown_as_it_was_sent() {
    let mut viewed = Viewed::new();
    viewed.push_all(&pictures(CLIP));
    assert_eq!(viewed.pictures, 96);
    let Some(expected) = shown("h264", CLIP) else { return skip("ffmpeg is not installed") };
    assert_same(&shown("mp4", &viewed.mp4).unwrap(), &expected, 160 * 120 * 3 / 2, "the clip");
    let snapshot = viewed.ring.snapshot().unwrap();
    assert_same(
        &shown("h264", &snapshot).unwrap(),
        &expected[72 * 28_800..73 * 28_800],
        28_800,
        "the last key picture",
    );

    for (profile, slices) in [("baseline", 1), ("main", 4), ("high", 3)] {
        let arguments = format!(
            "-hide_banner -v error -nostdin -f lavfi -i testsrc2=size=322x182:rate=24 -frames:v 30 -pix_fmt yuv420p \
             -c:v libx264 -preset veryfast -tune zerolatency -profile:v {profile} -g 8 \
             -x264-params slices={slices}:scenecut=0:threads=1 -bsf:v h264_metadata=aud=insert -f h264 -"
        );
        let stream = ffmpeg::run("ffmpeg", &arguments, &[]).unwrap().stdout;
        let mut viewed = Viewed::new();
        viewed.push_all(&pictures(&stream));
        assert_eq!(viewed.pictures, 30, "{profile}");
        let expected = shown("h264", &stream).unwrap();
        assert_same(&shown("mp4", &viewed.mp4).unwrap(), &expected, 322 * 182 * 3 / 2, profile);
    }
}
