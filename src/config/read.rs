//! Reads the beginning of a file. Even if it is the wrong file, reading neither blocks nor exceeds the limit.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::sys::file::open_to_read;

/// Why a file can't be read.
pub(super) enum ReadError {
    /// It is a directory, a pipe, a socket or a device.
    NotRegular,
    /// The system's error.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Opens a regular file. The metadata is that of the opened file, even if the path is replaced meanwhile.
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), ReadError> {
    let file = open_to_read(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(ReadError::NotRegular) }
}

/// The permission bits of a file.
pub(super) fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// Reads at most `limit` bytes of a file.
pub(super) fn beginning(file: File, limit: usize) -> Result<Vec<u8>, ReadError> {
    // The buffer must not be reallocated: the file may contain a password, and a reallocation would leave a copy behind.
    // `read_to_end` needs some spare room at the end.
    let mut bytes = Vec::with_capacity(limit.saturating_add(32));
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
