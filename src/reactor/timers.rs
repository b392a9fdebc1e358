//! The two timers: the data stream's tick, and one for every other deadline.

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
    /// Two timers that are not armed.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    pub fn new(registry: &Registry) -> io::Result<Self> {
        let timers = Self { tick: Timer::new()?, deadline: Timer::new()?, armed: None };
        for (timer, token) in [(&timers.tick, Token::Tick), (&timers.deadline, Token::Deadline)] {
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token.encode(), Interest::READABLE)?;
        }
        Ok(timers)
    }

    /// Wakes the loop for the tick, or not at all.
    ///
    /// # Errors
    ///
    /// What `timerfd_settime(2)` reports; never, for the times that the server gives.
    pub fn set_tick(&mut self, at: Option<Mono>) -> io::Result<()> {
        self.tick.set(at)
    }

    /// Wakes the loop at the earliest deadline. A deadline that moves away is not chased: the timer fires early once, and is
    /// set anew then.
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

    /// Notes that the deadline's timer has fired.
    pub fn fired(&mut self) {
        self.armed = None;
    }
}
