//! Where a file is that may be a symbolic link.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// The most links in a row that are followed: as many as the kernel does (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// `path`, or where it leads if it is a link, by however many steps. There need not be a file yet, nor its directory:
/// whatever makes the file finds out.
///
/// # Errors
///
/// A circle (ELOOP), a directory (EISDIR) or anything else that is no file (EINVAL) at the end of a link; a link that may
/// not be followed (EACCES); or what the kernel says on the way.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for followed in 0..=MOST_LINKS {
        let found = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(place),
            found => found?,
        };
        if !found.is_symlink() {
            // A rename onto a device or a pipe would remove it.
            return match (followed, found.is_file(), found.is_dir()) {
                (0, ..) | (_, true, _) => Ok(place),
                (_, false, true) => Err(io::Error::from_raw_os_error(libc::EISDIR)),
                (_, false, false) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
            };
        }
        let directory = fs::metadata(super::parent(&place))?;
        if !may_follow(found.uid(), (directory.uid(), directory.mode()), geteuid().as_raw()) {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        place = super::parent(&place).join(fs::read_link(&place)?);
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

/// Whether a link of `owner` in a directory of that owner and mode may be followed by `user`. In a sticky directory
/// that everyone may write to, such as `/tmp`, only if it is the user's own, or the directory's owner's: anyone could have
/// planted it. That is the kernel's rule (proc(5), `/proc/sys/fs/protected_symlinks`), which does not see links that are
/// followed by hand.
const fn may_follow(owner: u32, directory: (u32, u32), user: u32) -> bool {
    const SHARED: u32 = 0o1002;
    let (directory_owner, mode) = directory;
    mode & SHARED != SHARED || owner == user || owner == directory_owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_a_stranger_planted_in_a_shared_directory_is_not_followed() {
        const ROOT: u32 = 0;
        const DAEMON: u32 = 100;
        const STRANGER: u32 = 1000;
        for (owner, directory, followed) in [
            (STRANGER, (ROOT, 0o41777), false),
            (DAEMON, (ROOT, 0o41777), true),
            (ROOT, (ROOT, 0o41777), true),
            (ROOT, (DAEMON, 0o41777), false),
            (STRANGER, (STRANGER, 0o41777), true),
            (STRANGER, (ROOT, 0o40777), true),
            (ROOT, (DAEMON, 0o40750), true),
        ] {
            assert_eq!(may_follow(owner, directory, DAEMON), followed, "{owner} in {directory:?}");
        }
    }

    #[test]
    fn what_is_no_link_is_where_it_is() {
        for path in ["/proc/self/status", "/proc/self", "/no/such/file", "/dev/null", "Cargo.toml"] {
            let found = target(Path::new(path));
            if path == "/proc/self" {
                assert_eq!(found.unwrap_err().raw_os_error(), Some(libc::EISDIR), "a link to a directory");
            } else {
                assert_eq!(found.unwrap(), Path::new(path));
            }
        }
    }
}
