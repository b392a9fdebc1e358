//! The viewers: what each connection has set up and waits for, and what follows for it from its requests, from pictures
//! and from time.

mod answers;
mod reader;
mod replies;
mod state;

use std::collections::BTreeMap;

use es_iot_server::ids;
use es_iot_server::server::{ConnId, Service};
use es_iot_server::service::rtsp::Transport;
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::Shadow;
use super::places::on_this_host;
use crate::SECOND;
use reader::Item;
pub use replies::{Due, Says};
use state::{Session, Waiting};
pub use state::{Viewer, Wanted};

/// How long a request may take.
const REQUEST: u64 = 10 * SECOND;
/// How long a viewer may be silent.
const SILENCE: u64 = 75 * SECOND;
/// How long a viewer may take for the password.
const PASSWORD: u64 = 60 * SECOND;
/// How long a DESCRIBE waits for a picture.
const PATIENCE: u64 = 4 * SECOND;

/// Whether an address may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    Open,
    Password,
    LockedOut,
}

/// Something that happens to a viewer.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Bytes(&'a [u8]),
    /// A sign of life.
    Alive,
    /// A picture has come that it waits for.
    Picture,
    /// A time of its own is over.
    Late,
    /// Who may watch has changed.
    Access,
    /// It is ended, though it may hear of it.
    End,
    /// Another connection has its ports now.
    Replaced,
}

impl Shadow {
    pub(super) fn viewer_comes(&mut self, at: u64, conn: ConnId, address: ids::Peer) {
        self.viewers.insert(conn, Viewer::new(at, address));
    }

    /// Its connection ends, and nobody can tell it.
    pub(super) fn viewer_is_gone(&mut self, at: u64, conn: ConnId) {
        if let Some(viewer) = self.viewers.remove(&conn) {
            if viewer.watched {
                self.due(conn, Due::Unwatch);
            }
            self.schedule_reports(at);
        }
    }

    pub(super) fn viewers_that(&self, fits: impl Fn(&Viewer) -> bool) -> Vec<ConnId> {
        self.in_order(self.viewers.iter().filter(|(_, viewer)| fits(viewer)).map(|(&conn, _)| conn))
    }

    /// When a viewer's time is over.
    pub(super) fn viewers_due(&self) -> Option<(u64, ConnId)> {
        self.viewers.iter().map(|(&conn, viewer)| (viewer.due(), conn)).min()
    }

    pub(super) fn late_viewers(&mut self, now: Now) {
        while let Some((_, conn)) = self.viewers_due().filter(|&(due, _)| due <= now.mono.as_nanos()) {
            self.viewer(now, conn, Event::Late);
        }
    }

    pub(super) fn rtcp_came(&mut self, now: Now, from: ids::Peer, port: u16, bytes: &[u8]) {
        let from_here =
            |viewer: &Viewer| viewer.address == from && viewer.ports().is_some_and(|[_, rtcp]| rtcp == port);
        match self.viewers_that(from_here).first() {
            None => self.counters.one(Counter::RtcpStrangers),
            Some(&conn) => {
                self.count_rtcp(bytes);
                self.viewer(now, conn, Event::Alive);
            }
        }
    }

    fn count_rtcp(&mut self, bytes: &[u8]) {
        self.counters.one(Counter::RtcpReceived);
        self.counters.add(Counter::RtcpDamaged, u64::from(bytes.first().is_none_or(|first| first >> 6 != 2)));
    }

    fn watching(&mut self, at: u64, address: ids::Peer) -> Watching {
        let open = self.clients_of(address);
        let granted = self.access.granted(at, address, open);
        let auth = &self.config.auth;
        if !auth.required || granted || (auth.trust_loopback && on_this_host(address)) {
            Watching::Open
        } else if self.access.is_locked_out(at, address) {
            Watching::LockedOut
        } else {
            Watching::Password
        }
    }

    /// Something happens to a viewer, if it is still there.
    pub(super) fn viewer(&mut self, now: Now, conn: ConnId, event: Event<'_>) {
        let Some(mut viewer) = self.viewers.remove(&conn) else { return };
        let at = now.mono.as_nanos();
        let watching = self.watching(at, viewer.address);
        match event {
            Event::Bytes(bytes) => viewer.reader.push(bytes),
            Event::Alive => viewer.heard = at,
            Event::Picture => self.picture_comes(now, conn, &mut viewer),
            Event::Late => self.is_late(now, conn, &mut viewer, watching),
            Event::Access => {
                viewer.outside = (watching != Watching::Open).then_some(at);
                if viewer.outside.is_some() && (viewer.session.is_some() || viewer.waiting.is_some()) {
                    self.end(now, conn, &mut viewer);
                }
            }
            Event::End => self.end(now, conn, &mut viewer),
            Event::Replaced => {
                // What would be said to its ports would reach the other one.
                self.stop(conn, &mut viewer);
                self.end(now, conn, &mut viewer);
            }
        }
        self.read_on(now, conn, &mut viewer, watching);
        self.settle_viewer(now, conn, viewer);
    }

    fn read_on(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer, watching: Watching) {
        while !viewer.over
            && viewer.waiting.is_none()
            && let Some(item) = viewer.reader.next()
        {
            viewer.owes = None;
            match item {
                Item::Request(request) => {
                    viewer.heard = now.mono.as_nanos();
                    self.answer(now, conn, viewer, watching, &request);
                }
                Item::Bad { status, cseq, ends } => {
                    viewer.heard = now.mono.as_nanos();
                    self.refuse(conn, status, cseq, Says::Little);
                    if ends {
                        self.end(now, conn, viewer);
                    }
                }
                Item::Foreign { http } => {
                    let says = if http { Says::Http } else { Says::Little };
                    self.due(conn, Due::Reply { status: 400, cseq: None, says });
                    self.counters.one(Counter::PeerLostSync);
                    self.end(now, conn, viewer);
                }
                Item::Frame { channel, payload } => {
                    let transport = viewer.session.as_ref().map(|session| session.way.transport);
                    if matches!(transport, Some(Transport::Tcp { rtcp, .. }) if rtcp == channel) {
                        viewer.heard = now.mono.as_nanos();
                        self.count_rtcp(&payload);
                    } else {
                        self.counters.one(Counter::RtspFramesDropped);
                    }
                }
                Item::LongFrame => self.counters.one(Counter::RtspFramesDropped),
            }
        }
        if viewer.waiting.is_some() {
            viewer.owes = None;
        } else if viewer.reader.is_within() {
            viewer.owes.get_or_insert(now.mono.as_nanos());
        }
    }

    /// After all that an input brought about for a viewer: the stream begins, reading rests or goes on, others are replaced.
    fn settle_viewer(&mut self, now: Now, conn: ConnId, mut viewer: Viewer) {
        let at = now.mono.as_nanos();
        if viewer.paused != viewer.waiting.is_some() {
            viewer.paused = !viewer.paused;
            if viewer.paused {
                self.pauses.insert(conn)
            } else {
                self.resumes.insert(conn)
            };
        }
        let (replaces, over) = (std::mem::take(&mut viewer.replaces), viewer.over);
        if !over {
            self.viewers.insert(conn, viewer);
        }
        self.schedule_reports(at);
        for other in replaces {
            self.viewer(now, other, Event::Replaced);
        }
        if over {
            self.leave(at, conn);
        }
    }

    /// What it waits for is there.
    fn picture_comes(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer) {
        let Some(Waiting { wanted, cseq, words, .. }) = viewer.waiting.take() else { return };
        match (wanted, &mut viewer.session) {
            (Wanted::Description, _) => {
                viewer.told = self.video.describes();
                let kind = ("Content-Type", "application/sdp".to_owned());
                self.reply(conn, cseq, Says::Headers(vec![("Content-Base", words), kind]));
            }
            (Wanted::KeyPicture, Some(session)) => {
                session.plays = true;
                let from = self.video.newest_key.expect("a key picture to begin with");
                let (token, uri, way) = (session.token, session.uri.clone(), session.way.transport);
                self.reply(conn, cseq, Says::Plays { token, uri, from, range: words });
                self.due(conn, Due::Report { now, pictures: self.video.pictures(), bye: false, way });
                self.due(conn, Due::Watch { way, from });
                self.watches += 1;
                viewer.watched = true;
            }
            (Wanted::KeyPicture, None) => unreachable!("who waits for it has a session"),
        }
    }

    fn is_late(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer, watching: Watching) {
        let at = now.mono.as_nanos();
        if let Some(waiting) = viewer.waiting.take_if(|waiting| waiting.until <= at) {
            self.refuse(conn, 503, Some(waiting.cseq), Says::Little);
        } else if viewer.outside.is_some_and(|since| at >= since + PASSWORD) {
            viewer.outside = None;
            if watching != Watching::Open {
                self.counters.one(Counter::PeerTooSlow);
                self.end(now, conn, viewer);
            }
        } else if at >= viewer.heard + SILENCE {
            self.counters.one(Counter::PeerTooSlow);
            self.end(now, conn, viewer);
        } else if viewer.owes.is_some_and(|since| at >= since + REQUEST) {
            if viewer.reader.is_within() {
                self.refuse(conn, 408, viewer.reader.cseq(), Says::Little);
            } else {
                self.counters.one(Counter::PeerTooSlow);
            }
            self.end(now, conn, viewer);
        }
    }

    /// The server ends it, with a BYE if it gets the stream.
    fn end(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer) {
        if let Some(way) = viewer.gets_stream() {
            self.due(conn, Due::Report { now, pictures: self.video.pictures(), bye: true, way });
        }
        self.stop(conn, viewer);
        (viewer.session, viewer.waiting, viewer.over) = (None, None, true);
    }

    /// It gets the stream no longer.
    fn stop(&mut self, conn: ConnId, viewer: &mut Viewer) {
        if std::mem::take(&mut viewer.watched) {
            self.due(conn, Due::Unwatch);
        }
        if let Some(session) = &mut viewer.session {
            session.plays = false;
        }
    }

    fn due(&mut self, conn: ConnId, due: Due) {
        self.said.entry(conn).or_default().push_back(due);
    }

    fn reply(&mut self, conn: ConnId, cseq: u32, says: Says) {
        self.due(conn, Due::Reply { status: 200, cseq: Some(cseq), says });
    }

    fn refuse(&mut self, conn: ConnId, status: u16, cseq: Option<u32>, says: Says) {
        self.counters.one(match status {
            401 | 403 => Counter::RtspUnauthorized,
            404 => Counter::RtspNotFound,
            454 | 455 | 459 => Counter::RtspWrongState,
            461 => Counter::RtspTransport,
            503 => Counter::RtspUnavailable,
            _ => Counter::RtspBadRequest,
        });
        self.due(conn, Due::Reply { status, cseq, says });
    }

    /// A connection for which there is no place.
    pub(super) fn turn_viewer_away(&mut self, conn: ConnId, address: ids::Peer) {
        self.due(conn, Due::Reply { status: 503, cseq: None, says: Says::Little });
        self.counters.one(Counter::RefusedFull);
        if self.has_free_place(Service::Rtsp, address) {
            self.counters.share_taken();
        }
    }

    pub(super) fn new_token(&mut self) -> u64 {
        self.made += 1;
        self.made
    }
}

/// What the server made up for viewers, by number.
pub type Tokens = BTreeMap<u64, String>;
