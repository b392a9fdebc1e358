//! What damaged, cut, joined and foreign bytes do to a connection, and that they do it to no other.

use std::time::Duration;

use crate::golden::{self, READ};
use crate::support::{Daemon, Launch, packet};

const BAD_CHECKSUM: u8 = 1;
const BAD_LENGTH: u8 = 2;
const NOT_VALID_HERE: u8 = 3;

fn daemon() -> Daemon {
    Launch::new().start()
}

#[test]
fn requests_may_come_in_many_segments_or_in_one() {
    let daemon = daemon();
    let mut client = daemon.settings();
    for byte in READ {
        client.send(&[byte]);
    }
    client.settings();

    let many = READ.repeat(100);
    client.send(&many);
    for _ in 0..100 {
        client.settings();
    }

    // Cut across a packet's border, with an answer in between.
    client.send(&[&READ[..], &READ[..3]].concat());
    client.settings();
    client.send(&READ[3..]);
    client.settings();
}

#[test]
fn a_client_that_asks_and_does_not_read_is_held_back_not_closed() {
    const REQUESTS: usize = 60_000;
    let mut daemon = daemon();
    let client = daemon.settings();
    let mut reader = crate::support::Client { stream: client.stream.try_clone().unwrap() };
    // About 1 MB of answers: more than the sockets' buffers take before anyone reads.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut client = client;
            client.send(&READ.repeat(REQUESTS));
        });
        for _ in 0..REQUESTS {
            reader.settings();
        }
    });
    assert_eq!(daemon.counter("peer_overflow"), 0);
}

#[test]
fn a_damaged_packet_is_told_and_the_connection_goes_on() {
    let daemon = daemon();
    let mut client = daemon.settings();
    let mut damaged = packet(2, 1, &[1, 2, 3, 4, 5, 6]);
    damaged[12] ^= 0x40;
    client.send(&[&damaged[..], &READ].concat());
    client.expect_error(2, BAD_CHECKSUM);
    assert_eq!(client.settings(), golden::DEFAULT_SETTINGS);
}

#[test]
fn lengths_that_no_request_has_are_refused() {
    let daemon = daemon();
    let mut client = daemon.settings();
    for length in [1, 5, 7, 256] {
        client.send(&packet(2, 1, &vec![0; length]));
        client.expect_error(2, BAD_LENGTH);
    }
    // From the header alone; what was announced is passed over when it comes.
    for length in [257_u16, 0xFFFF] {
        let [high, low] = length.to_be_bytes();
        client.send(&[0x00, 0xFF, 0x02, 0x01, high, low]);
        client.expect_error(2, BAD_LENGTH);
        client.send(&vec![0xFF; usize::from(length) + 1]);
        client.read();
    }
}

#[test]
fn reserved_ids_and_types_and_other_services_are_refused() {
    let daemon = daemon();
    let mut client = daemon.settings();
    for (id, kind) in [(3, 1), (0xFF, 1), (2, 3), (2, 0xFF), (2, 0), (2, 2), (0, 1), (1, 0)] {
        client.send(&packet(id, kind, &[]));
        client.expect_error(2, NOT_VALID_HERE);
    }
    client.read();
}

#[test]
fn the_authentication_port_closes_after_damage() {
    let daemon = daemon();
    let mut damaged = golden::PASSWORD.to_vec();
    damaged[10] ^= 1;
    let cases = [
        (damaged, BAD_CHECKSUM),
        (packet(2, 1, &[]), NOT_VALID_HERE),
        (packet(0, 0, b"1111"), NOT_VALID_HERE),
        (vec![0x00, 0xFF, 0x00, 0x01, 0x01, 0x01], BAD_LENGTH),
    ];
    for (bytes, code) in cases {
        let mut client = daemon.auth();
        client.send(&bytes);
        client.expect_error(0, code);
        client.expect_end();
    }
}

#[test]
fn bytes_between_packets_are_skipped() {
    let daemon = daemon();
    let mut client = daemon.settings();
    for noise in [&b"hello\r\n\r\n"[..], &[0xFF], &[0x00], &[0x00, 0x00], &[0xAA; 1000]] {
        client.send(&[noise, &READ].concat());
        client.settings();
    }
}

#[test]
fn a_peer_that_speaks_no_protocol_is_closed() {
    let mut daemon = daemon();
    for mut client in [daemon.settings(), daemon.auth()] {
        client.send(&[0xAA; 1025]);
        client.expect_end();
        daemon.await_log("1024 bytes that are not a packet");
    }
    assert_eq!(daemon.counter("peer_lost_sync"), 2);
}

/// Takes the 5 s that a peer has.
#[test]
fn a_packet_begun_must_be_complete_in_five_seconds() {
    let mut daemon = daemon();
    let mut idle = daemon.settings();
    let mut slow = daemon.settings();
    slow.send(&READ[..5]);
    let mut drip = daemon.settings();
    drip.send(&READ[..2]);
    let mut silent = daemon.auth();

    // A byte now and then is no progress that counts.
    drip.expect_silence(Duration::from_secs(2));
    drip.send(&READ[2..4]);

    for client in [&mut slow, &mut drip, &mut silent] {
        client.expect_end();
        daemon.await_log("no complete packet within 5 s");
    }
    idle.read();
    assert_eq!(daemon.counter("peer_too_slow"), 3);
}

#[test]
fn the_others_are_not_disturbed() {
    let mut daemon = daemon();
    let mut subscriber = daemon.data();
    let mut good = daemon.settings();
    let mut bad: Vec<_> = (0..20).map(|_| daemon.settings()).collect();
    for (seed, client) in bad.iter_mut().enumerate() {
        let noise: Vec<u8> =
            (0..3000_usize).map(|n| u8::try_from((n * 7919 + seed * 104_729) % 251).unwrap()).collect();
        client.send(&noise);
    }
    for _ in 0..5 {
        subscriber.data();
        good.read();
    }
    drop(bad);
    good.read();
    assert_eq!(daemon.threads(), 1);
    daemon.stop();
}
