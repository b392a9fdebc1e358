//! One connection as the reactor and the kernel hold it.

use std::collections::VecDeque;

use es_iot_server::frame::Frame;
use es_iot_server::limits::{HTTP_MAX_UNSENT_BYTES, MAX_UNSENT_BYTES, RTSP_MAX_UNSENT_BYTES};
use es_iot_server::server::{ConnId, Service};

use crate::viewer::Memory;

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as in the kernel")]
pub struct Socket {
    pub service: Service,
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
    /// What a viewer has in mind.
    pub memory: Memory,
    /// What it has still to write of what it has begun.
    pub rest: Vec<u8>,
    /// The stream goes over it, and the server was last told so then that it does.
    pub streams: Option<u64>,
    /// The same for MP4.
    pub mp4: Option<u64>,
    /// When the server was last told that it takes a little of a reply.
    pub took: u64,
    /// The server is to be told when all is sent.
    pub notify_sent: bool,
    /// Frames that wait, whose bytes may be shared.
    pub frames: Vec<Frame>,
    /// Who is behind it, over HTTP.
    pub person: usize,
    /// The server's part of its login.
    pub server_first: Option<String>,
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
    Took(ConnId),
    Sent(ConnId),
}

pub enum Sent {
    All,
    Blocked,
    Lost,
}

impl Socket {
    pub fn new(service: Service, memory: Memory, person: usize) -> Self {
        Self {
            service,
            unsent: 0,
            stuck: false,
            told_blocked: false,
            paused: false,
            finished: false,
            finishing: false,
            inbox: VecDeque::new(),
            half_closed: false,
            reset: false,
            memory,
            rest: Vec::new(),
            streams: None,
            mp4: None,
            took: 0,
            notify_sent: false,
            frames: Vec::new(),
            person,
            server_first: None,
        }
    }

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
        let most = match self.service {
            Service::Rtsp => RTSP_MAX_UNSENT_BYTES,
            Service::Http => HTTP_MAX_UNSENT_BYTES,
            Service::Data | Service::Settings | Service::Auth => MAX_UNSENT_BYTES,
        };
        if self.reset || self.unsent + bytes > most {
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
