//! The three services of the real binary over real sockets: what docs/PROTOCOL.md promises a client.

use std::fs;

use crate::golden;
use crate::support::{Client, Launch, due, follows, packet, side_by_side, until};
use serde_json::json;

#[test]
fn the_golden_vectors_hold_on_all_three_ports() {
    let daemon = Launch::new().start();

    let mut settings = daemon.settings();
    settings.send(&golden::READ);
    settings.expect(&golden::DEFAULTS);
    settings.send(&golden::UPDATE);
    settings.send(&golden::READ);
    settings.expect(&golden::UPDATED);
    settings.send(&golden::DAMAGED_READ);
    settings.expect(&golden::BAD_CHECKSUM);
    settings.send(&packet(2, 1, &[7]));
    settings.expect(&golden::BAD_LENGTH);

    let mut auth = daemon.auth();
    auth.send(&golden::PASSWORD);
    auth.expect(&golden::READY);
    auth.expect_end();

    let mut auth = daemon.auth();
    auth.send(&packet(0, 1, b"1112"));
    auth.expect(&golden::REJECTED);
    auth.expect_end();

    let mut data = daemon.data();
    let (value, unix_ms) = data.data();
    assert!(value <= 10, "{value}");
    assert!(unix_ms > 1_700_000_000_000, "{unix_ms}");
}

#[test]
fn the_stream_keeps_to_the_schedule() {
    let mut daemon = Launch::new().start();
    let mut client = daemon.data();
    let packets: Vec<(u8, u64)> = (0..49).map(|_| client.data()).collect();
    let stamps: Vec<u64> = packets.iter().map(|packet| packet.1).collect();
    let skipped = daemon.counter("ticks_skipped");
    // 44 ticks after the first, whatever each one's delay was, and as many more as were skipped between them.
    let span = due(&stamps[44..]) - due(&stamps[..5]);
    let expected = 44_000 - 40 * 24..=(44 + skipped) * 1000 + 40 * 24;
    assert!(expected.contains(&span), "{span} 24ths of a millisecond, not {expected:?}, with {skipped} skipped");
    assert!(packets.is_sorted_by(|a, b| follows(*a, *b)), "no packet twice, none in a burst: {packets:?}");
}

#[test]
fn a_subscriber_may_close_its_sending_side_or_send_anything() {
    let daemon = Launch::new().start();
    let mut silent = daemon.data();
    silent.finish();
    let mut noisy = daemon.data();
    noisy.send(&[0x55; 4096]);
    noisy.send(&packet(1, 1, &[]));
    for client in [&mut silent, &mut noisy] {
        for _ in 0..5 {
            client.data();
        }
    }
}

#[test]
fn every_subscriber_gets_the_same_packet_of_a_tick() {
    let daemon = Launch::new().start();
    let mut clients: Vec<Client> = (0..20).map(|_| daemon.data()).collect();
    // From a stamp on that all have seen.
    let newest = clients.iter_mut().map(Client::data).map(|(_, stamp)| stamp).max().unwrap();
    let mut first = None;
    for client in &mut clients {
        let seen = loop {
            let seen = client.data();
            if seen.1 > newest {
                break (seen, client.data());
            }
        };
        assert_eq!(*first.get_or_insert(seen), seen);
    }
}

#[test]
fn a_request_is_answered_although_the_client_has_finished() {
    let daemon = Launch::new().start();
    let mut client = daemon.settings();
    client.send(&packet(2, 1, &[]));
    client.finish();
    assert_eq!(client.settings(), golden::DEFAULT_SETTINGS);
    client.expect_end();

    // Also one whose answer has to wait for the disk.
    let mut client = daemon.settings();
    client.update([1, 2, 3, 4, 5, 6]);
    client.send(&packet(2, 1, &[]));
    client.finish();
    assert_eq!(client.settings(), [1, 2, 3, 4, 5, 6]);
    client.expect_end();
}

#[test]
fn every_byte_of_every_setting_survives() {
    // The bytes run through all values in each field; every 17th is looked at. The fourth write in a row waits 2 s, so
    // no daemon gets a fourth.
    let bytes: Vec<u8> = (0..=255).step_by(17).collect();
    side_by_side(bytes.chunks(3), |bytes| {
        let daemon = Launch::new().start();
        let mut client = daemon.settings();
        for byte in bytes {
            let settings = [0, 1, 2, 3, 4, 5].map(|field| byte.wrapping_add(field));
            client.update(settings);
            assert_eq!(client.read(), settings);
        }
    });
}

/// Reads the stream until this value comes.
#[track_caller]
fn await_value(subscriber: &mut Client, value: u8) {
    until(|| subscriber.data().0 == value);
}

#[test]
fn the_value_may_come_from_a_file_that_comes_and_goes() {
    let launch = Launch::new();
    let file = launch.dir.join("sensor");
    // Whole at every moment, as a file that the kernel makes up is.
    let write = |text| {
        let new = file.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &file).unwrap();
    };
    write("42 millidegrees\n");
    let mut daemon = launch.set("data.source", json!({ "file": file })).start();
    let mut subscriber = daemon.data();
    assert_eq!(subscriber.data().0, 42);
    write("51234\n");
    await_value(&mut subscriber, 255);
    write("-7");
    await_value(&mut subscriber, 0);
    write(" 17");
    await_value(&mut subscriber, 17);

    fs::remove_file(&file).unwrap();
    let line = daemon.await_log("data ERROR");
    assert!(line.contains("sensor") && line.contains("17, is sent meanwhile"), "{line}");
    for _ in 0..10 {
        assert_eq!(subscriber.data().0, 17);
    }
    fs::create_dir(&file).unwrap();
    for _ in 0..10 {
        assert_eq!(subscriber.data().0, 17);
    }
    fs::remove_dir(&file).unwrap();
    write("18");
    await_value(&mut subscriber, 18);
    daemon.await_log("can be read again");
    assert_eq!(daemon.log().matches("cannot read data.source").count(), 1, "once per change");
}

/// A pipe that nobody writes to, or a device that has nothing to say, must not stop the loop.
#[test]
fn a_source_that_would_block_does_not() {
    let launch = Launch::new();
    let pipe = launch.dir.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut daemon = launch.set("data.source", json!({ "file": pipe })).start();
    let mut subscriber = daemon.data();
    for _ in 0..5 {
        subscriber.data();
    }
    daemon.settings().read();
    daemon.await_log("data ERROR");
}
