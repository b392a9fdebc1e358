//! `docs/PROTOCOL.md` says what the code does.

use es_iot_server::limits;
use es_iot_server::wire::ErrorCode;

use crate::golden;

const DOCUMENT: &str = include_str!("../../docs/PROTOCOL.md");

#[test]
fn its_packets_are_the_golden_ones() {
    let block = DOCUMENT.split_once("```vectors\n").expect("a block of vectors").1;
    let block = block.split_once("```\n").expect("its end").0;
    assert_eq!(block, golden::TEXT);
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
        format!("the iterations (`i=`) are at least {}", limits::SCRAM_ITERATIONS),
        format!("1 to {} random printable characters", limits::SCRAM_MAX_NONCE_BYTES),
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
