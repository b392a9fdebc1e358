//! Files: the ones that must survive a power cut, and the ones that are read while the loop runs.

use std::ffi::CString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, Pid, fork, getpid};

use super::fork::{close_descriptors, die_with};

mod links;

/// Replaces `path`, or the file that it links to, by a file with `contents`, whole or not at all: a temporary file in
/// the same directory, fsync, rename, fsync of the directory. Mode is that of a new file, before the umask.
///
/// A link is followed, and stays, since an integrator who links a file of the state directory to another partition
/// expects it to be there. That is safe: the state directory is the daemon's own, so a link in it was made by someone
/// who may write there or is root, and it leads nowhere that the daemon could not write without it. A path outside
/// may lie in a directory like `/tmp`; `file/links.rs` holds the kernel's rule for those.
///
/// # Errors
///
/// The directory is missing, read-only or full, or a link leads in a circle (ELOOP), to a directory (EISDIR), or to
/// something else that is no file (EINVAL). The old file is then as it was.
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

/// Has a rename in `directory` last over a power cut.
///
/// Some file systems (CIFS, FUSE, 9p, depending on the server behind them) have no such call for a directory and refuse
/// it, with EINVAL (fsync(2)) or ENOTSUP. The rename has succeeded, and there is no more that could be done, so that is
/// no failure. Any other error is: EIO means that the rename may be lost.
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

/// Does what [`replace`] does, in a child process: fsync on an SD card can take seconds, and the loop must not.
/// The child's exit code is 0, or the error number. It dies with this process: one left behind could rename its
/// temporary file while the next server is writing to it.
///
/// # Errors
///
/// The system is out of processes or memory.
pub fn replace_in_child(path: &Path, contents: &[u8], mode: u32) -> io::Result<Pid> {
    let parent = getpid();
    // SAFETY: the program has one thread, so no lock can be held by another one in the copy.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            close_descriptors(None);
            let code = match die_with(parent).map_err(io::Error::from).and_then(|()| replace(path, contents, mode)) {
                Ok(()) => 0,
                Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
            };
            // SAFETY: ends the copy without running what the original has registered for its own exit.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Moves a damaged file out of the way, to the first free of `path.bad`, `path.bad.1`, `path.bad.2`, ... Of a link, that
/// is the file it leads to; the link stays, as [`replace`] leaves it. Returns where the file is now.
///
/// # Errors
///
/// The directory is read-only, a hundred damaged files are there already, or a link leads to no file.
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

/// Makes sure that `directory` is there and can be written to.
///
/// # Errors
///
/// It can't be made, is no directory, or takes no files.
pub fn ensure_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
    let probe = directory.join(".es-iot-probe");
    // Exclusively: nothing is opened that was there before, nor what a link of that name leads to (open(2), O_EXCL).
    let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe).map(drop);
    match make() {
        // A start that was killed has left it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&probe).and_then(|()| make()),
        outcome => outcome,
    }?;
    let _best_effort = fs::remove_file(&probe);
    Ok(())
}

/// Opens a file for reading without waiting. fifo(7): opening a pipe for reading waits for a writer unless `O_NONBLOCK`
/// is given; for a regular file it changes nothing (open(2)).
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
/// It can't be read, is longer than `most` bytes, or is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open_to_read(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// A file that is read at every tick, which allocates nothing: its path is kept as the kernel takes it. The standard
/// library copies a long one to the heap at each call.
#[derive(Debug)]
pub struct Reread(Option<CString>);

impl Reread {
    /// The file at `path`, which need not be there. A path with a NUL names no file.
    pub fn new(path: PathBuf) -> Self {
        Self(CString::new(path.into_os_string().into_vec()).ok())
    }

    /// Reads the beginning of the file into `buffer`, without waiting: what a sensor's file in `/sys` holds now.
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

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/proc` is a directory that can't be synchronised, as fsync(2) has it for what does not support it.
    #[test]
    fn a_directory_that_cannot_be_synchronised_is_no_failure_and_one_that_is_missing_is() {
        let refused = File::open("/proc").unwrap().sync_all().unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EINVAL));
        sync_directory(Path::new("/proc")).unwrap();
        assert_eq!(sync_directory(Path::new("/proc/0")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
