//! The two timers: one for the data stream's tick, and one for all other deadlines.

use std::io;
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use mio::{Interest, Registry};

use super::token::Token;
use crate::sys::timerfd::Timer;
use crate::time::Mono;

/// Both timers.
#[derive(Debug)]
pub struct Timers {
    tick: Timer,
    deadline: Timer,
    /// When `deadline` fires next.
    armed: Option<Mono>,
}

impl Timers {
    /// Two disarmed timers.
    ///
    /// # Errors
    ///
    /// The kernel is out of descriptors or memory.
    pub fn new(registry: &Registry) -> io::Result<Self> {
        let timers = Self { tick: Timer::new()?, deadline: Timer::new()?, armed: None };
        for (timer, token) in [(&timers.tick, Token::Tick), (&timers.deadline, Token::Deadline)] {
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token.encode(), Interest::READABLE)?;
        }
        Ok(timers)
    }

    /// Sets the timer of the tick, or disarms it.
    ///
    /// # Errors
    ///
    /// The errors of `timerfd_settime(2)`; none for valid times.
    pub fn set_tick(&mut self, at: Option<Mono>) -> io::Result<()> {
        self.tick.set(at)
    }

    /// Sets the timer of the earliest deadline. If the deadline moves later, the timer is left alone: it fires early once and
    /// is then set again.
    ///
    /// # Errors
    ///
    /// As [`Self::set_tick`].
    pub fn wake_at(&mut self, earliest: Option<Mono>) -> io::Result<()> {
        if let Some(at) = earliest
            && self.armed.is_none_or(|armed| at < armed)
        {
            self.deadline.set(Some(at))?;
            self.armed = Some(at);
        }
        Ok(())
    }

    /// Records that the deadline's timer has fired.
    pub fn fired(&mut self) {
        self.armed = None;
    }
}
