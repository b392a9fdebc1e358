//! Files: atomic replacement that survives a power cut, and reads while the loop runs.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, Pid, fork, getpid};

use super::errno;
use super::fork::{close_descriptors, die_with};

mod links;

/// Atomically replaces `path`, or the file it links to: writes a temporary file in the same directory, fsyncs it, renames
/// it, and fsyncs the directory. `mode` is the new file's mode, before the umask.
///
/// A link is followed and kept, because an integrator may link a file of the state directory to another partition. That is
/// safe: only root and users with write access to the state directory can create a link there, and it gives the daemon
/// no access that it lacks otherwise. For paths in directories like `/tmp`, `file/links.rs` applies the kernel's rule.
///
/// # Errors
///
/// The directory is missing, read-only or full, or a link is part of a loop (ELOOP) or leads to a directory (EISDIR) or
/// to another non-regular file (EINVAL). The old file is then unchanged.
pub fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let path = links::target(path)?;
    let directory = parent(&path);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(".tmp");
    let temporary = directory.join(name);
    let written = write_whole(&temporary, contents, mode).and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _best_effort = fs::remove_file(&temporary);
        return written;
    }
    sync_directory(directory)
}

/// Makes a rename in `directory` survive a power cut.
///
/// Some file systems (CIFS, FUSE, 9p, depending on their server) can't fsync a directory and return EINVAL (fsync(2)) or
/// ENOTSUP. The rename has succeeded and nothing more can be done, so these are ignored. Any other error is returned: EIO
/// means that the rename may be lost.
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => Ok(()),
        synchronised => synchronised,
    }
}

fn write_whole(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let flags = OFlag::O_NOFOLLOW.bits();
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).custom_flags(flags).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Runs [`replace`] in a child process: fsync on an SD card can take seconds, and the loop must not block. The child's exit
/// code is 0 or the errno. The child dies with this process; an orphan could rename its temporary file while the next
/// server is writing to it.
///
/// # Errors
///
/// The system is out of processes or memory.
pub fn replace_in_child(path: &Path, contents: &[u8], mode: u32) -> io::Result<Pid> {
    let parent = getpid();
    // SAFETY: the program has one thread, so no other thread can hold a lock that the child needs.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            close_descriptors(None);
            let code = match die_with(parent).map_err(io::Error::from).and_then(|()| replace(path, contents, mode)) {
                Ok(()) => 0,
                Err(error) => errno::of(&error),
            };
            // SAFETY: exits the child without running the exit handlers of the parent.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Moves a damaged file out of the way, to the first free name of `path.bad`, `path.bad.1`, `path.bad.2`, ... For a link,
/// moves the file it leads to and keeps the link, as [`replace`] does. Returns the new path.
///
/// # Errors
///
/// The directory is read-only, it already contains a hundred damaged files, or a link does not lead to a file.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let path = links::target(path)?;
    for n in 0..100 {
        let mut name = path.as_os_str().to_owned();
        name.push(if n == 0 { ".bad".to_owned() } else { format!(".bad.{n}") });
        let free = PathBuf::from(name);
        if fs::symlink_metadata(&free).is_err() {
            fs::rename(&path, &free)?;
            return Ok(free);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Creates `directory` if it is missing, and checks that it is writable.
///
/// # Errors
///
/// It can't be created, is not a directory, or is not writable.
pub fn ensure_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
    let probe = directory.join(".es-iot-probe");
    // O_EXCL: opens neither an existing file nor the target of a link with that name (open(2)).
    let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe).map(drop);
    match make() {
        // Left behind by a start that was killed.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&probe).and_then(|()| make()),
        outcome => outcome,
    }?;
    let _best_effort = fs::remove_file(&probe);
    Ok(())
}

/// Opens a file for reading without waiting. Opening a pipe for reading waits for a writer unless `O_NONBLOCK` is set
/// (fifo(7)); on a regular file the flag has no effect (open(2)).
///
/// # Errors
///
/// It can't be opened.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// Reads a small text file.
///
/// # Errors
///
/// It can't be read, is longer than `most` bytes, or is not valid UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open_to_read(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// A file that is read at every tick without allocating. Its path is stored as a C string; the standard library would copy
/// a long path to the heap on each call.
#[derive(Debug)]
pub struct Reread(Option<CString>);

impl Reread {
    /// The file at `path`, which need not exist. A path that contains a NUL names no file.
    pub fn new(path: PathBuf) -> Self {
        Self(CString::new(path.into_os_string().into_vec()).ok())
    }

    /// Reads the beginning of the file, such as a sensor's file in `/sys`, into `buffer` without waiting.
    ///
    /// # Errors
    ///
    /// It can't be opened or read.
    pub fn start<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let path = self.0.as_deref().ok_or(io::ErrorKind::InvalidInput)?;
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_LARGEFILE;
        let length = File::from(open(path, flags, Mode::empty())?).read(buffer)?;
        Ok(&buffer[..length])
    }
}

/// The directory that a path is in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/proc` is a directory that does not support fsync(2).
    #[test]
    fn a_directory_without_fsync_is_accepted_and_a_missing_one_is_not() {
        let refused = File::open("/proc").unwrap().sync_all().unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EINVAL));
        sync_directory(Path::new("/proc")).unwrap();
        assert_eq!(sync_directory(Path::new("/proc/0")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
