//! What to do about a file that can't be written.

use std::io::{Error, ErrorKind};

use crate::os::Errno;

/// What a person can do about a settings file that can't be written.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list of kinds is open")]
pub fn advice(errno: Errno) -> &'static str {
    match Error::from_raw_os_error(errno.0).kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on its disk",
        ErrorKind::ReadOnlyFilesystem => "mount its disk writable",
        ErrorKind::NotFound => "make its directory, or the one that it links to",
        ErrorKind::PermissionDenied => "let this user write to its directory, or to the one that it links to",
        ErrorKind::IsADirectory => "move the directory of this name away, or what it links to",
        ErrorKind::InvalidInput => "it links to something that is no file: link it to a file",
        _ => "check the disk, and where it links to if it is a link",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_advice() {
        for (errno, part) in [
            (2, "make its directory"),
            (5, "check the disk"),
            (13, "let this user write"),
            (21, "the directory of this name"),
            (22, "link it to a file"),
            (28, "make room"),
            (30, "mount"),
            (40, "where it links to"),
            (122, "make room"),
        ] {
            assert!(advice(Errno(errno)).contains(part), "{errno}: {}", advice(Errno(errno)));
        }
    }
}
