//! One connection as the reactor and the kernel hold it.

use std::collections::VecDeque;

use es_iot_server::limits::MAX_UNSENT_BYTES;
use es_iot_server::server::ConnId;

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as in the kernel")]
pub struct Socket {
    /// Packets that wait to be sent.
    pub unsent: usize,
    /// The client takes nothing.
    pub stuck: bool,
    /// The server was told so.
    pub told_blocked: bool,
    pub paused: bool,
    pub finished: bool,
    pub finishing: bool,
    /// What the client has sent and the reactor has not read.
    pub inbox: VecDeque<u8>,
    pub half_closed: bool,
    pub reset: bool,
}

/// What the server has to be told afterwards.
#[derive(Debug)]
pub enum Followup {
    Lost(ConnId),
    Blocked(ConnId),
    Unblocked(ConnId),
    Finished(ConnId),
    Room(u32),
    Published(u64),
}

pub enum Sent {
    All,
    Blocked,
    Lost,
}

impl Socket {
    pub fn may_read(&self) -> bool {
        !self.paused && !self.finished && self.unsent == 0
    }

    pub fn offer(&mut self, partly: bool) -> Sent {
        if self.reset {
            return Sent::Lost;
        }
        if !self.stuck {
            return Sent::All;
        }
        // A socket that fills up within a packet: the rest of it follows by itself.
        if partly && self.unsent == 0 && !self.told_blocked {
            self.unsent = 7;
            return Sent::All;
        }
        Sent::Blocked
    }

    pub fn send(&mut self, bytes: usize) -> Sent {
        if self.reset || self.unsent + bytes > MAX_UNSENT_BYTES {
            assert!(self.reset, "more waits for a client than is allowed");
            return Sent::Lost;
        }
        if !self.stuck {
            return Sent::All;
        }
        self.unsent += bytes;
        Sent::Blocked
    }
}
