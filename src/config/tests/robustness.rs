//! Damaged files: each one loads or fails with a one-line error.

use super::super::file::ConfigFile;
use super::super::layers::Draft;

const SEED: u64 = 0x5eed_cafe_f00d_0001;
const ROUNDS: u32 = 20_000;
/// The password in the files. It consists of digits so that even a part of it is recognized.
const PASSWORD: &str = "73571";

/// Xorshift (Marsaglia, 2003), to damage files the same way in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Changes, removes, duplicates or moves a few bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    const PIECES: [&[u8]; 12] =
        [b"{", b"}", b"[", b"]", b"\"", b",", b":", b"null", b"-1", b"1e999", b"\\u0000", b"\xff"];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let to = (at + 1 + random.below(12)).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] = b' ' + u8::try_from(random.below(95)).unwrap(),
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            3 => bytes.extend_from_within(at..to),
            _ => drop(bytes.splice(at..to, PIECES[random.below(PIECES.len())].iter().copied())),
        }
        if bytes.is_empty() {
            bytes.push(b'{');
        }
    }
}

#[test]
fn a_damaged_file_loads_or_fails_with_a_one_line_error() {
    let default = include_str!("../../../config/server.json");
    let original = default.replace("\"password\": null", &format!("\"password\": \"{PASSWORD}\""));
    assert_ne!(original, default);
    let mut random = Random(SEED);
    let (mut read, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let mut bytes = original.clone().into_bytes();
        damage(&mut bytes, &mut random);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let file = ConfigFile { path: "FILE".into(), text, mode: 0o640 };
        let text = &file.text;
        let mut draft = Draft::default();
        match file.apply(&mut draft).and_then(|()| draft.finish()) {
            Ok(config) => {
                read += 1;
                assert!(!config.to_json_masked().contains(&PASSWORD[..3]), "seed {SEED:#x}, round {round}:\n{text}");
            }
            Err(error) => {
                refused += 1;
                let line = error.to_string();
                let is_good = !line.contains(char::is_control) && !line.contains(PASSWORD) && line.len() < 1000;
                assert!(is_good, "seed {SEED:#x}, round {round}: {line}\n{text}");
            }
        }
    }
    assert!(read > 100 && refused > 1000, "{read} loaded and {refused} rejected: the damage tests nothing");
}
