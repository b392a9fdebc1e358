//! Resolves a path that may be a symbolic link.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// The longest chain of links to follow, the same as the kernel's (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Resolves `path`: itself, or the target of its chain of links. Neither the file nor its directory has to exist; creating
/// the file reports that.
///
/// # Errors
///
/// ELOOP for a chain longer than 40 links or a loop; EISDIR or EINVAL if a link leads to a directory or to another
/// non-regular file; EACCES for a link that may not be followed; or the kernel's error on the way.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for followed in 0..=MOST_LINKS {
        let found = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(place),
            found => found?,
        };
        if !found.is_symlink() {
            // Renaming a file over a device or a pipe would remove it.
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

/// Whether `user` may follow a link owned by `owner` in a directory with this owner and mode. In a sticky, world-writable
/// directory such as `/tmp`, where anyone could have planted the link, it must belong to the user or to the directory's
/// owner. That is the kernel's rule (proc(5), `/proc/sys/fs/protected_symlinks`). The kernel does not apply it to links
/// that a program resolves itself.
const fn may_follow(owner: u32, directory: (u32, u32), user: u32) -> bool {
    const SHARED: u32 = 0o1002;
    let (directory_owner, mode) = directory;
    mode & SHARED != SHARED || owner == user || owner == directory_owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_users_link_in_a_shared_directory_is_not_followed() {
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
    fn a_path_that_is_no_link_is_its_own_target() {
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
