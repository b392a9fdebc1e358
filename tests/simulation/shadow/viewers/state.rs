//! What a viewer has set up and waits for.

use es_iot_server::ids;
use es_iot_server::server::ConnId;
use es_iot_server::service::rtsp::Transport;

use super::answers::Way;
use super::reader::Reader;
use super::{PASSWORD, REQUEST, SILENCE};
use crate::shadow::video::Size;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Description,
    KeyPicture,
}

#[derive(Debug)]
pub struct Waiting {
    pub wanted: Wanted,
    pub cseq: u32,
    pub until: u64,
    /// Content-Base, or the Range of the reply.
    pub words: String,
}

#[derive(Debug)]
pub struct Session {
    /// The number of its identifier.
    pub token: u64,
    pub way: Way,
    pub uri: String,
    pub plays: bool,
}

#[derive(Debug)]
pub struct Viewer {
    pub address: ids::Peer,
    pub reader: Reader,
    /// Since when it has not been let in.
    pub outside: Option<u64>,
    /// The number of the nonce that can be answered, and until when.
    pub challenge: Option<(u64, u64)>,
    pub session: Option<Session>,
    pub waiting: Option<Waiting>,
    pub heard: u64,
    /// Since when it owes a request, or the rest of one.
    pub owes: Option<u64>,
    /// The size that it was told.
    pub told: Option<Size>,
    pub watched: bool,
    pub paused: bool,
    pub over: bool,
    /// Others whose ports it has taken over.
    pub replaces: Vec<ConnId>,
}

impl Viewer {
    pub fn new(at: u64, address: ids::Peer) -> Self {
        Self {
            address,
            reader: Reader::default(),
            outside: Some(at),
            challenge: None,
            session: None,
            waiting: None,
            heard: at,
            owes: Some(at),
            told: None,
            watched: false,
            paused: false,
            over: false,
            replaces: Vec::new(),
        }
    }

    pub fn waits_for(&self) -> Option<&Wanted> {
        self.waiting.as_ref().map(|waiting| &waiting.wanted)
    }

    pub fn wants_pictures(&self) -> bool {
        self.waiting.is_some() || self.watched
    }

    /// The way that the stream goes to it.
    pub fn gets_stream(&self) -> Option<Transport> {
        self.session.as_ref().filter(|_| self.watched).map(|session| session.way.transport)
    }

    /// The stream ends, though its session may go on.
    pub fn stream_ends(&mut self) {
        self.watched = false;
    }

    /// Whether its description names another size.
    pub fn is_misled(&self, size: Size) -> bool {
        self.told.is_some_and(|told| told != size)
    }

    pub fn due(&self) -> u64 {
        let waiting = self.waiting.as_ref().map(|waiting| waiting.until);
        let request = self.owes.map(|since| since + REQUEST);
        let password = self.outside.map(|since| since + PASSWORD);
        [waiting, request, password, Some(self.heard + SILENCE)].into_iter().flatten().min().expect("the last is one")
    }

    pub fn ports(&self) -> Option<[u16; 2]> {
        match self.session.as_ref()?.way.transport {
            Transport::Udp { rtp, rtcp } => Some([rtp, rtcp]),
            Transport::Tcp { .. } => None,
        }
    }
}
