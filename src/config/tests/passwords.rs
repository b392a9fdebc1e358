//! Passwords: validation, files, generation, and their absence from errors.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::super::password::{generate, read_file};
use super::{Directory, load_layers, load_text, refusal};

const ALLOWED: &str = "allowed: 1 to 256 printable ASCII characters";

fn password_file(directory: &Directory, content: impl AsRef<[u8]>, mode: u32) -> std::path::PathBuf {
    let path = directory.file("password", content);
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

/// The error for a password file, without its path.
fn file_refusal(path: &Path) -> String {
    let text = read_file(path).unwrap_err().to_string();
    text.strip_prefix(&format!("password file {}: ", path.display())).unwrap().to_owned()
}

#[test]
fn a_password_is_1_to_256_printable_ascii_characters() {
    for good in ["x", "two words", " ~", &"x".repeat(256)] {
        let text = format!(r#"{{"auth": {{"password": "{good}"}}}}"#);
        assert_eq!(load_text(text, &[]).unwrap().config.auth.password.unwrap().reveal(), good.as_bytes());
    }
    for (wrong, problem) in [
        (String::new(), "is empty"),
        ("x".repeat(257), "is too long"),
        ("grün".into(), "has a character outside printable ASCII"),
        ("tab\\t".into(), "has a character outside printable ASCII"),
    ] {
        let text = format!(r#"{{"auth": {{"password": "{wrong}"}}}}"#);
        assert_eq!(refusal(text, &[]), format!("FILE: auth.password: the password {problem}; {ALLOWED}"));
    }
    assert_eq!(
        load_layers(None, &[("AUTH_PASSWORD", "new\nline")], None).unwrap_err().to_string(),
        format!(
            "environment variable AUTH_PASSWORD: auth.password: the password has a character outside printable ASCII; {ALLOWED}"
        )
    );
}

#[test]
fn password_and_password_file_exclude_each_other() {
    assert_eq!(
        refusal(r#"{"auth": {"password": "sesame", "password_file": "/x"}}"#, &[]),
        "FILE: auth.password and auth.password_file are both set; set one of them to null"
    );
}

#[test]
fn no_error_shows_a_password() {
    for text in [
        r#"{"auth": {"password": 73571}}"#,
        r#"{"auth": {"password": ["73571"]}}"#,
        r#"{"auth": {"password": {"is": "73571"}}}"#,
        r#"{"auth": {"password": "73571ä"}}"#,
        r#"{"auth": {"pasword": "73571"}}"#,
        r#"{"auth": {"password": "73571}}"#,
        r#"{"auth": "73571"}"#,
        r#"{"auth": 73571}"#,
        r#"{"password": "73571"}"#,
        "73571",
        "\"73571\"",
        r#"{"camera": {"rtsp_url": "rtsp://ann:73571@host:x/"}}"#,
        r#"{"camera": {"rtsp_url": "http://ann:73571@host/"}}"#,
        r#"{"camera": {"rtsp_url": "rtsp://ann:73571/@host name/"}}"#,
        r#"{"camera": {"publisher": "push rtsp://ann:73571@host/"}}"#,
        r#"{"camera": {"publisher": ["push", "rtsp://ann:73571@host/{x}"]}}"#,
    ] {
        let error = refusal(text, &[]);
        assert!(!error.contains("735"), "{text}\n{error}");
    }
}

#[test]
fn the_first_line_of_a_file_is_the_password() {
    let directory = Directory::new();
    let longest = "x".repeat(256);
    for (content, password) in [
        ("sesame", "sesame"),
        ("sesame\n", "sesame"),
        ("sesame\r\n", "sesame"),
        (" se same \nsecond line\n", " se same "),
        (&longest, &longest),
        (&format!("{longest}\r\nmore"), &longest),
    ] {
        for mode in [0o600, 0o400, 0o640] {
            let path = directory.path("password");
            let _ = fs::remove_file(&path);
            let path = password_file(&directory, content, mode);
            assert_eq!(read_file(&path).unwrap().reveal(), password.as_bytes());
        }
    }
}

#[test]
fn an_invalid_password_in_the_first_line() {
    let directory = Directory::new();
    for (content, problem) in [
        (String::new(), "is empty"),
        ("\n".into(), "is empty"),
        ("\r\nsecond\n".into(), "is empty"),
        ("x".repeat(257), "is too long"),
        ("x".repeat(100_000), "is too long"),
        (format!("{}\n", "x".repeat(257)), "is too long"),
        ("naïve\n".into(), "has a character outside printable ASCII"),
        ("lone\rreturn\n".into(), "has a character outside printable ASCII"),
    ] {
        let path = password_file(&directory, content, 0o600);
        assert_eq!(file_refusal(&path), format!("first line: the password {problem}; {ALLOWED}"));
    }
}

#[test]
fn a_file_that_others_may_read_or_write_is_rejected() {
    let directory = Directory::new();
    for mode in [0o644, 0o602, 0o666, 0o604] {
        let path = password_file(&directory, "sesame", mode);
        let expected = format!("others can read or write it (mode {mode:04o}); run chmod 600 on it");
        assert_eq!(file_refusal(&path), expected);
    }
}

#[test]
fn a_missing_file() {
    let directory = Directory::new();
    assert_eq!(
        file_refusal(&directory.path("gone")),
        "can't be read: No such file or directory (os error 2); create it for the user that runs the server, with \
         chmod 600"
    );
}

#[test]
fn a_pipe_or_a_directory_is_rejected_without_waiting() {
    let directory = Directory::new();
    let fifo = directory.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
    for path in [fifo.as_path(), directory.0.as_path(), Path::new("/dev/null")] {
        assert_eq!(
            file_refusal(path),
            "is not a regular file; put the password in the first line of a regular file, with chmod 600"
        );
    }
}

/// Counts up in the upper bits, so that each drawn character is known.
struct Counting(u32);

impl rand::TryRng for Counting {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.0 = self.0.wrapping_add(1 << 26);
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from(self.try_next_u32()?))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl rand::TryCryptoRng for Counting {}

#[test]
fn a_generated_password_is_12_unambiguous_characters_each_equally_likely() {
    let mut rng = Counting(0);
    let mut counts = [0_u32; 128];
    // 57 passwords of 12 characters draw each of the 57 characters 12 times, if none is favoured.
    for _ in 0..57 {
        let password = generate(&mut rng);
        assert_eq!(password.reveal().len(), 12);
        password.reveal().iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    }
    for byte in 0..128_u8 {
        let expected = byte.is_ascii_alphanumeric() && !b"0O1lI".contains(&byte);
        assert_eq!(counts[usize::from(byte)], if expected { 12 } else { 0 }, "{}", char::from(byte));
    }
}

#[test]
fn two_generated_passwords_differ_and_round_trip_through_a_file() {
    let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
    let (first, second) = (generate(&mut rng), generate(&mut rng));
    assert_ne!(first, second);
    let directory = Directory::new();
    let path = password_file(&directory, first.reveal(), 0o600);
    assert_eq!(read_file(&path).unwrap(), first);
}
