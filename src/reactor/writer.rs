//! Writes the settings file in a child process, because `fsync` on an SD card can take longer than many ticks.

use std::path::PathBuf;

use super::context::Context;
use super::errno;
use crate::os::{Errno, Exit};
use crate::server::Input;
use crate::sys::child::{self, Pid};
use crate::sys::errno::EINTR;
use crate::sys::file::replace_in_child;

/// Mode of the settings file, before the umask. The file contains no secret.
const MODE: u32 = 0o644;

/// The file, and the process that is writing it.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    running: Option<Pid>,
}

impl Writer {
    /// A writer without a running process.
    pub const fn new(path: PathBuf) -> Self {
        Self { path, running: None }
    }

    /// Starts replacing the file's contents with `text`. The server waits for [`Input::Stored`] before the next write.
    pub fn store(&mut self, text: &str, cx: &mut Context<'_>) {
        match replace_in_child(&self.path, text.as_bytes(), MODE) {
            Ok(pid) => self.running = Some(pid),
            Err(error) => cx.inbox.push_back(Input::Stored { result: Err(errno(&error)) }),
        }
    }

    /// The result of the write, if it has ended.
    pub fn reap(&mut self) -> Option<Input<'static>> {
        let exit = child::reap(self.running?)?;
        self.running = None;
        let result = match exit {
            Exit::Code(0) => Ok(()),
            Exit::Code(code) => Err(Errno(code)),
            Exit::Signal(_) => Err(Errno(EINTR)),
        };
        Some(Input::Stored { result })
    }
}
