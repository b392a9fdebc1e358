//! The golden packets, as `vectors.txt` has them: a title, two spaces or more, the bytes. They are in no other file but
//! `docs/PROTOCOL.md`, whose block is compared with that one. The image tests read it too.
//!
//! Read as the tests are compiled: a title or a length that is not the file's is an error of the compiler.

#![allow(dead_code, reason = "each test program uses another part of it")]

/// The file.
pub const TEXT: &str = include_str!("vectors.txt");

/// Value 5 at [`DATA_UNIX_MS`].
pub const DATA: [u8; 16] = packet("data, value 5 at 0x0000018B23456789 ms");
/// The time of [`DATA`].
pub const DATA_UNIX_MS: u64 = 0x0000_018B_2345_6789;
/// The request to read the settings.
pub const READ: [u8; 7] = packet("settings read");
/// The same with a wrong checksum, which no vector is.
pub const DAMAGED_READ: [u8; 7] = [READ[0], READ[1], READ[2], READ[3], READ[4], READ[5], READ[6] ^ 1];
/// The reply with the default settings.
pub const DEFAULTS: [u8; 16] = packet("settings reply, defaults");
/// The request to update the settings.
pub const UPDATE: [u8; 13] = packet("settings update");
/// The reply with the settings of [`UPDATE`].
pub const UPDATED: [u8; 16] = packet("settings reply, updated");
/// Error 01 of the settings port.
pub const BAD_CHECKSUM: [u8; 8] = packet("settings error 01");
/// Error 02 of the settings port.
pub const BAD_LENGTH: [u8; 8] = packet("settings error 02");
/// The request with the password `1111`.
pub const PASSWORD: [u8; 11] = packet("auth request, 1111");
/// The reply to the right password.
pub const READY: [u8; 12] = packet("auth reply, right");
/// The reply to a wrong one.
pub const REJECTED: [u8; 7] = packet("auth reply, wrong");
/// Error 05 of the authentication port.
pub const TOO_MANY_ATTEMPTS: [u8; 8] = packet("auth error 05");

/// The settings in [`DEFAULTS`].
pub const DEFAULT_SETTINGS: [u8; 6] = settings(&DEFAULTS);
/// The settings in [`UPDATE`] and [`UPDATED`].
pub const UPDATED_SETTINGS: [u8; 6] = settings(&UPDATE);

/// The settings in a packet that has them.
const fn settings(packet: &[u8]) -> [u8; 6] {
    [packet[6], packet[7], packet[8], packet[9], packet[10], packet[11]]
}

/// The packet with this title, `N` bytes long.
const fn packet<const N: usize>(title: &str) -> [u8; N] {
    let (text, title) = (TEXT.as_bytes(), title.as_bytes());
    let mut at = 0;
    while !begins(text, at, title) {
        at = end_of_line(text, at) + 1;
        assert!(at < text.len(), "no packet has this title");
    }
    at += title.len();
    let mut bytes = [0; N];
    let mut count = 0;
    while text[at] != b'\n' {
        if text[at] == b' ' {
            at += 1;
        } else {
            bytes[count] = 16 * digit(text[at]) + digit(text[at + 1]);
            count += 1;
            at += 2;
        }
    }
    assert!(count == N, "the packet has another length");
    bytes
}

/// Whether the line at `at` has this title: two spaces are its end.
const fn begins(text: &[u8], at: usize, title: &[u8]) -> bool {
    let mut length = 0;
    while length < title.len() {
        if text[at + length] != title[length] {
            return false;
        }
        length += 1;
    }
    text[at + length] == b' ' && text[at + length + 1] == b' '
}

const fn end_of_line(text: &[u8], mut at: usize) -> usize {
    while text[at] != b'\n' {
        at += 1;
    }
    at
}

const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'A'..=b'F' => character - b'A' + 10,
        _ => panic!("no hexadecimal digit"),
    }
}
