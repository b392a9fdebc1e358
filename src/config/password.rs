//! Passwords: what one may be, reading one from its file, and making one up.
//!
//! Not here: keeping the one made up (`sys::file`), and comparing (`service::auth`).

use std::path::Path;

use rand::CryptoRng;

use super::read::{self, ReadError};
use super::{ConfigError, PasswordFileProblem, PasswordProblem, Secret};
use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::sys::memory::wipe_vec;

/// The longest password, in bytes: the authentication request's payload carries it as it is.
const MAX_BYTES: usize = MAX_REQUEST_PAYLOAD_BYTES as usize;

/// Characters of a generated password: 12 of 57 are 69 bits.
const GENERATED_CHARS: usize = 12;

/// Letters and digits without `0` `O` `1` `l` `I`, which people mistake for one another.
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Read and write for others (chmod(1)): what a file with a password must not permit.
pub(super) const OTHERS: u32 = 0o006;

/// Takes 1 to 256 printable ASCII characters; a space is one.
///
/// # Errors
///
/// [`PasswordProblem`] for the first rule that is broken.
pub fn check(password: &[u8]) -> Result<Secret, PasswordProblem> {
    match password {
        [] => Err(PasswordProblem::Empty),
        _ if password.len() > MAX_BYTES => Err(PasswordProblem::TooLong),
        _ if !password.iter().all(|byte| matches!(byte, b' '..=b'~')) => Err(PasswordProblem::NotPrintable),
        _ => Ok(Secret::new(password.iter().map(|byte| char::from(*byte)).collect::<String>())),
    }
}

/// Reads the password from a file's first line, without its `\n` or `\r\n`.
///
/// # Errors
///
/// [`ConfigError::PasswordFile`] when the file can't be read, is no regular file, may be read or written by others,
/// or its first line is no password that [`check`] takes.
pub fn read_file(path: &Path) -> Result<Secret, ConfigError> {
    first_line(path).map_err(|problem| ConfigError::PasswordFile { path: path.into(), problem })
}

/// Makes a password from the system's randomness: 12 letters and digits, each equally likely.
pub fn generate(rng: &mut impl CryptoRng) -> Secret {
    let mut password = String::with_capacity(GENERATED_CHARS);
    while password.len() < GENERATED_CHARS {
        // The upper 6 bits are 0 to 63. Throwing away 57 to 63 instead of wrapping them keeps all equally likely.
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
    // The longest password, its line's end, and no more.
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
