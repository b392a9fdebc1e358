//! Passwords: validating one, reading one from its file, and generating one.
//!
//! Not here: storing the generated password (`sys::file`), and comparing passwords (`service::auth`).

use std::path::Path;

use rand::CryptoRng;

use super::read::{self, ReadError};
use super::{ConfigError, PasswordFileProblem, PasswordProblem, Secret};
use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::sys::memory::wipe_vec;

/// The longest password, in bytes: it is the payload of the authentication request.
const MAX_BYTES: usize = MAX_REQUEST_PAYLOAD_BYTES as usize;

/// The length of a generated password: 12 characters out of 57 have over 69 bits of entropy.
const GENERATED_CHARS: usize = 12;

/// Letters and digits without `0` `O` `1` `l` `I`, which are easily confused.
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Read and write permission for others (chmod(1)), which a file with a password must not grant.
pub(super) const OTHERS: u32 = 0o006;

/// Accepts 1 to 256 printable ASCII characters, including spaces.
///
/// # Errors
///
/// [`PasswordProblem`] for the first broken rule.
pub fn check(password: &[u8]) -> Result<Secret, PasswordProblem> {
    match password {
        [] => Err(PasswordProblem::Empty),
        _ if password.len() > MAX_BYTES => Err(PasswordProblem::TooLong),
        _ if !password.iter().all(|byte| matches!(byte, b' '..=b'~')) => Err(PasswordProblem::NotPrintable),
        _ => Ok(Secret::new(password.iter().map(|byte| char::from(*byte)).collect::<String>())),
    }
}

/// Reads the password from the first line of a file, without its `\n` or `\r\n`.
///
/// # Errors
///
/// [`ConfigError::PasswordFile`] if the file can't be read, is not a regular file or may be read or written by others, or
/// if [`check`] rejects its first line.
pub fn read_file(path: &Path) -> Result<Secret, ConfigError> {
    first_line(path).map_err(|problem| ConfigError::PasswordFile { path: path.into(), problem })
}

/// Generates a password with `rng`: 12 letters and digits, each equally likely.
pub fn generate(rng: &mut impl CryptoRng) -> Secret {
    let mut password = String::with_capacity(GENERATED_CHARS);
    while password.len() < GENERATED_CHARS {
        // The upper 6 bits are 0 to 63. Rejecting 57 to 63 keeps all characters equally likely.
        let number = (rng.next_u32() >> 26) as usize;
        password.extend(ALPHABET.get(number).map(|byte| char::from(*byte)));
    }
    Secret::new(password)
}

fn first_line(path: &Path) -> Result<Secret, PasswordFileProblem> {
    let (file, metadata) = read::open_regular(path)?;
    let mode = read::mode(&metadata);
    if mode & OTHERS != 0 {
        return Err(PasswordFileProblem::Exposed(mode));
    }
    // At most the longest password and its line end.
    let mut bytes = read::beginning(file, MAX_BYTES + b"\r\n".len())?;
    let line = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]),
        None => &bytes,
    };
    let checked = check(line);
    wipe_vec(&mut bytes);
    checked.map_err(PasswordFileProblem::FirstLine)
}

impl From<ReadError> for PasswordFileProblem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotRegular => Self::NotRegular,
            ReadError::Io(error) => Self::Unreadable(error.to_string()),
        }
    }
}
