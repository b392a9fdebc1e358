//! Reports byte for byte, and whatever strangers send.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const REPORT: SenderReport =
    SenderReport { ssrc: 0x0102_0304, unix_ms: 946_684_800_250, rtp_time: 0xAABB_CCDD, packets: 1000, octets: 70_000 };

fn all(bytes: &[u8]) -> Vec<Result<Heard, Damage>> {
    heard(bytes, REPORT.ssrc).collect()
}

#[test]
fn a_sender_report() {
    let mut out = Vec::new();
    sender_report(&REPORT, "es@iot", &mut out);
    let expected = [
        &[0x80, 200, 0, 6, 1, 2, 3, 4, 0xBC, 0x17, 0xC2, 0x00, 0x40, 0, 0, 0][..],
        &[0xAA, 0xBB, 0xCC, 0xDD, 0, 0, 0x03, 0xE8, 0, 1, 0x11, 0x70],
        // Six letters, and four zeros: one ends the items, three pad.
        &[0x81, 202, 0, 4, 1, 2, 3, 4, 1, 6, b'e', b's', b'@', b'i', b'o', b't', 0, 0, 0, 0],
    ];
    assert_eq!(out, expected.concat());
    let report = Heard::Report { from: REPORT.ssrc, reception: None };
    assert_eq!(all(&out), [Ok(report), Ok(Heard::Other(202))]);
}

#[test]
fn a_goodbye_is_a_compound_packet() {
    for length in 0..300 {
        let mut out = Vec::new();
        goodbye(&REPORT, &"x".repeat(length), &mut out);
        assert_eq!(out.len() % 4, 0);
        assert!(out.ends_with(&[0x81, 203, 0, 1, 1, 2, 3, 4]));
        let report = Heard::Report { from: REPORT.ssrc, reception: None };
        assert_eq!(all(&out), [Ok(report), Ok(Heard::Other(202)), Ok(Heard::Goodbye)], "a CNAME of {length} bytes");
    }
}

/// A receiver report with a block on another source and one on ours.
fn receiver_report() -> Vec<u8> {
    let mut out = vec![0x82, 201, 0, 13, 0, 0, 0, 9];
    for ssrc in [[7, 7, 7, 7], [1, 2, 3, 4]] {
        out.extend_from_slice(&ssrc);
        out.extend_from_slice(&[0x40, 0xFF, 0xFF, 0xFE, 0, 1, 0x02, 0x03, 0, 0, 0, 90, 0, 0, 0, 5, 0, 0, 0, 6]);
    }
    out
}

#[test]
fn a_receiver_report() {
    let reception = Reception {
        lost_256ths: 64,
        lost: -2,
        highest_sequence: 0x0001_0203,
        jitter_ticks: 90,
        last_report: 5,
        since_last_report: 6,
    };
    assert_eq!(all(&receiver_report()), [Ok(Heard::Report { from: 9, reception: Some(reception) })]);
    let stranger: Vec<_> = heard(&receiver_report(), 0xFFFF_FFFF).collect();
    assert_eq!(stranger, [Ok(Heard::Report { from: 9, reception: None })]);
}

#[test]
fn damage_ends_the_reading() {
    let good = receiver_report();
    for cut in 1..good.len() {
        assert_eq!(all(&good[..cut]), [Err(Damage::Truncated)]);
    }
    assert_eq!(all(&[]), []);
    assert_eq!(all(&[0x41, 201, 0, 0]), [Err(Damage::Version(1))]);
    // More blocks than there is room for, a report without a source, a BYE without its sources.
    assert_eq!(all(&[0x9F, 201, 0, 1, 0, 0, 0, 9]), [Err(Damage::Short(201))]);
    assert_eq!(all(&[0x80, 200, 0, 0]), [Err(Damage::Short(200))]);
    assert_eq!(all(&[0x82, 203, 0, 1, 0, 0, 0, 9]), [Err(Damage::Short(203))]);
    let behind = [&good[..], &[0x80, 200, 0, 0], &good].concat();
    assert_eq!(all(&behind).len(), 2, "nothing is read behind damage");
}

proptest! {
    #[test]
    fn strangers_can_send_anything(bytes in vec(any::<u8>(), 0..200), start in 0_usize..80) {
        let items = all(&bytes);
        prop_assert!(items.len() <= bytes.len() / 4 + 1);
        let mut changed = [receiver_report(), receiver_report()].concat();
        let end = changed.len().min(start + bytes.len());
        if start < end {
            changed[start..end].copy_from_slice(&bytes[..end - start]);
        }
        prop_assert!(all(&changed).len() <= changed.len() / 4);
    }
}
