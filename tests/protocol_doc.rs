//! `docs/PROTOCOL.md` says what the code does.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::limits;
use es_iot_server::wire::packet::encode;
use es_iot_server::wire::{ErrorCode, Id, Kind, Outgoing, auth, data, settings};

const DOCUMENT: &str = include_str!("../docs/PROTOCOL.md");

fn request(id: Id, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(id, Kind::Request, payload, &mut out);
    out
}

/// What the code makes of each vector's title.
fn computed() -> Vec<(&'static str, Vec<u8>)> {
    let update = [0x64, 0x40, 0x0F, 0x0C, 0x0A, 0x7F];
    let updated = CameraSettings {
        shutter: 10_000,
        gain: 64.0,
        awb_red: 1.5,
        awb_blue: 1.2,
        contrast: 1.0,
        brightness: 127.0 / 127.5 - 1.0,
    };
    assert_eq!(settings::decode(update), updated);
    let defaults = CameraSettings::default();
    let bytes = |packet: Outgoing| packet.as_bytes().to_vec();
    vec![
        ("data, value 5 at 0x0000018B23456789 ms", bytes(data::packet(5, 0x0000_018B_2345_6789))),
        ("settings read", request(Id::Settings, &[])),
        ("settings reply, defaults", bytes(settings::reply(&defaults))),
        ("settings update", request(Id::Settings, &settings::encode(&updated))),
        ("settings reply, updated", bytes(settings::reply(&updated))),
        ("settings error 01", bytes(Outgoing::error(Id::Settings, ErrorCode::BadChecksum))),
        ("settings error 02", bytes(Outgoing::error(Id::Settings, ErrorCode::BadLength))),
        ("auth request, 1111", request(Id::Auth, b"1111")),
        ("auth reply, right", bytes(auth::accepted())),
        ("auth reply, wrong", bytes(auth::rejected())),
        ("auth error 05", bytes(Outgoing::error(Id::Auth, ErrorCode::TooManyAttempts))),
    ]
}

#[test]
fn the_vectors_are_what_the_code_sends_and_takes() {
    let block = DOCUMENT.split_once("```vectors\n").expect("a block of vectors").1;
    let block = block.split_once("\n```").expect("its end").0;
    let documented: Vec<(&str, Vec<u8>)> = block
        .lines()
        .map(|line| {
            let (title, hex) = line.split_once("  ").expect("a title, two spaces or more, and the packet");
            let byte = |text: &str| u8::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{text} in {line}"));
            (title, hex.split_whitespace().map(byte).collect())
        })
        .collect();
    assert_eq!(documented, computed());
}

#[test]
fn the_error_codes_are_all_there_in_the_codes_own_words() {
    let rows: Vec<(u8, &str)> = DOCUMENT
        .split_once("\n## Errors")
        .expect("a chapter on errors")
        .1
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `0"))
        .map(|line| {
            let (code, rest) = line.split_once("` | ").expect("a code and its meaning");
            (code.parse().expect("a digit"), rest.split(" | ").next().expect("a meaning"))
        })
        .collect();
    let codes: Vec<_> = (0..=u8::MAX).filter_map(ErrorCode::from_byte).map(|code| (code as u8, code.text())).collect();
    assert_eq!(rows, codes);
}

#[test]
fn the_limits_are_the_codes() {
    let text = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    let seconds = |time: std::time::Duration| time.as_secs();
    for sentence in [
        format!("{} times a second", limits::TICKS_PER_SECOND),
        format!(
            "{} KiB immediately, then {} KiB a second",
            limits::DISCARD_BURST_BYTES / 1024,
            limits::DISCARD_BYTES_PER_SECOND / 1024
        ),
        format!("LEN over {}: error `02`", limits::MAX_REQUEST_PAYLOAD_BYTES),
        format!("The {}th skipped byte in a row", limits::MAX_SKIPPED_BYTES),
        format!("the rest must arrive within {} s", seconds(limits::PACKET_TIMEOUT)),
        format!("within {} s of the connection", seconds(limits::PACKET_TIMEOUT)),
        format!("The server waits up to {} s for the client to close", seconds(limits::LINGER_TIMEOUT)),
        format!("closed when it has taken nothing for {} s", seconds(limits::WRITE_TIMEOUT)),
        format!("no update has arrived for {} ms", limits::SETTINGS_QUIET.as_millis()),
        format!("for {} s at most after the first", seconds(limits::SETTINGS_LONGEST_BURST)),
        format!("No read waits longer than {} s", seconds(limits::WRITE_TIMEOUT)),
        format!("one every {} s; further restarts wait", seconds(limits::APPLY_INTERVAL)),
        format!("delays the write by up to {} s", seconds(limits::APPLY_INTERVAL)),
        format!("after {} s of quiet", seconds(limits::APPLY_INTERVAL * limits::APPLY_BURST)),
        format!("within {} s lock it out for {} s", seconds(limits::FAILURE_WINDOW), seconds(limits::LOCKOUT_FIRST)),
        format!("up to {} minutes", seconds(limits::LOCKOUT_LONGEST) / 60),
        format!("The server remembers failures of {} addresses", limits::MAX_FAILING_ADDRESSES),
        format!("until a quarter of the {} is free", limits::MAX_FAILING_ADDRESSES),
        format!(
            "{} of their attempts are checked, then one every {} s",
            limits::BRAKE_BURST,
            seconds(limits::BRAKE_EACH)
        ),
        format!("but only once in {} minutes", seconds(limits::LOCKOUT_LONGEST) / 60),
        format!("At most {} connections are refused at a time", limits::REFUSED_SLOTS),
        format!("but at most {} each", limits::REQUEST_PLACES),
        format!(
            "The limit is {} s if the connection leaves less than a quarter",
            seconds(limits::PACKET_TIMEOUT_SHORT)
        ),
        format!("The limit is {} s for a packet that begins while", seconds(limits::PACKET_TIMEOUT_SHORT)),
    ] {
        assert!(text.contains(&sentence), "docs/PROTOCOL.md does not say \"{sentence}\"");
    }
    assert_eq!(limits::BRAKE_OFF_ADDRESSES * 4, limits::MAX_FAILING_ADDRESSES * 3, "\"a quarter\"");
    assert_eq!(limits::MAX_FAILURES, 5, "\"Five wrong passwords\"");
    assert_eq!(limits::APPLY_BURST, 3, "\"Three such restarts may follow each other\"");
    assert_eq!(seconds(limits::STORE_RETRY), 60, "\"retries every minute\"");
    let (idle, interval, count) = limits::KEEPALIVE_SECONDS;
    assert_eq!(idle + interval * count, 120, "\"about two minutes\"");
}
