//! Video allocates nothing once it runs: a clip again and again, viewers of every kind, and an allocator that counts.

#[path = "support/allocations.rs"]
mod allocations;

use allocations::allocations;
use es_iot_server::media::picture::Assembler;
use es_iot_server::media::ring::{ByteCursor, FragmentCursor, Framing, Identity, PacketCursor, Parts, Ring, Start};
use es_iot_server::time::Mono;

const CLIP: &[u8] = include_bytes!("stand-in/clip.h264");
/// Small enough to go round several times with each round of the clip.
const RING_BYTES: usize = 16 * 1024;

#[test]
fn running_video_allocates_nothing() {
    let mut assembler = Assembler::default();
    let mut ring = Ring::new(RING_BYTES, Identity { ssrc: 1, first_sequence: 2, time_offset: 3 });
    let mut tcp = PacketCursor::new(&ring, Start::NextKey, 4);
    let mut slow = PacketCursor::new(&ring, Start::NextKey, 0);
    let mut udp = PacketCursor::new(&ring, Start::NextKey, 0);
    let mut publisher = ByteCursor::new(&ring, Start::NextKey);
    let mut browser = FragmentCursor::new(&ring, Start::NewestKey, Framing::Chunked);
    let mut slow_browser = FragmentCursor::new(&ring, Start::NewestKey, Framing::Plain);
    let (mut now, mut sent, mut lost, mut fragments) = (0, 0, 0, 0);
    let mut round = || {
        for mut bytes in CLIP.chunks(1000) {
            now += 10_000_000;
            while let Some(picture) = assembler.push(Mono::from_nanos(now), &mut bytes) {
                ring.push(&picture).expect("the clip's pictures are small");
                while tcp.pending(&ring) {
                    let mut parts = Parts::default();
                    tcp.frames(&ring, &mut parts);
                    // In two writes, so that the rest of a frame is kept.
                    let bytes = parts.bytes().div_ceil(2);
                    tcp.wrote(&ring, bytes);
                    sent += bytes;
                }
                let mut parts = Parts::default();
                slow.frames(&ring, &mut parts);
                let bytes = parts.bytes().min(100);
                slow.wrote(&ring, bytes);
                lost += slow.take_lost();
                let mut parts = Parts::default();
                let group = udp.datagrams(&ring, &mut parts);
                udp.sent(&ring, group.datagrams);
                let mut parts = Parts::default();
                publisher.annexb(&ring, &mut parts);
                let bytes = parts.bytes();
                publisher.wrote(&ring, bytes);
                // In several writes, so that the rest of a fragment is kept.
                while browser.pending(&ring) {
                    let mut parts = Parts::default();
                    browser.fragment(&ring, &mut parts);
                    let bytes = parts.bytes().div_ceil(2);
                    browser.wrote(&ring, bytes);
                    fragments += u64::from(!browser.mid_fragment());
                }
                let mut parts = Parts::default();
                slow_browser.fragment(&ring, &mut parts);
                let bytes = parts.bytes().min(100);
                slow_browser.wrote(&ring, bytes);
                lost += slow_browser.take_lost();
            }
        }
    };
    round();
    round();
    assert_eq!(allocations(|| (0..10).for_each(|_| round())), 0);
    assert!(sent > 11 * CLIP.len() && lost > 200, "{sent} bytes were sent, {lost} pictures lost");
    assert!(fragments > 11 * 96, "{fragments} fragments were sent");
}
