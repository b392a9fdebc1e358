//! Reading the beginning of a file that may be the wrong one: nothing hangs, and nothing grows.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sys::file::open_to_read;

/// Why there are no bytes.
pub(super) enum ReadError {
    /// It is a directory, a pipe, a socket or a device.
    NotRegular,
    /// The system says no.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a regular file, and describes what was opened, not what may have taken its name since.
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), ReadError> {
    let file = open_to_read(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(ReadError::NotRegular) }
}

/// The permission bits of a file.
pub(super) fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// At most `limit` bytes of a file.
pub(super) fn beginning(file: File, limit: usize) -> Result<Vec<u8>, ReadError> {
    // Never moved while it grows: it may be a password, and what is moved leaves a copy behind. `read_to_end` wants some room
    // at the end.
    let mut bytes = Vec::with_capacity(limit.saturating_add(32));
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
