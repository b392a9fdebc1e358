//! A one-shot timer on `CLOCK_MONOTONIC` at an absolute time, as a descriptor.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::time::Mono;

/// The timer. Setting it clears an earlier expiration, so it never has to be read.
#[derive(Debug)]
pub struct Timer {
    fd: TimerFd,
}

impl Timer {
    /// A timer that is not armed.
    ///
    /// # Errors
    ///
    /// The kernel is out of descriptors or memory.
    pub fn new() -> std::io::Result<Self> {
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        Ok(Self { fd })
    }

    /// Sets the timer to fire at `at`, immediately if that is past, or disarms it.
    ///
    /// # Errors
    ///
    /// None for a valid time (`timerfd_settime(2)`).
    pub fn set(&self, at: Option<Mono>) -> std::io::Result<()> {
        match at {
            // A time of zero would disarm it.
            Some(at) => {
                let at = TimeSpec::from_duration(std::time::Duration::from_nanos(at.as_nanos().max(1)));
                self.fd.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => self.fd.unset()?,
        }
        Ok(())
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}
