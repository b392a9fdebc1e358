//! From an input to what must follow.

use std::collections::BTreeSet;

use es_iot_server::config::AuthConfig;
use es_iot_server::ids;
use es_iot_server::server::{ConnId, Input, Reloaded, Request, Service};
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::access::Answer;
use super::parser::{Item, Parser};
use super::places::on_this_host;
use super::settings::{Read, Release, reply};
use super::viewers::Event;
use super::web::Happens;
use super::{Peer, Shadow};
use crate::SECOND;

pub(super) fn error(service: Service, code: u8) -> Vec<u8> {
    let id = service as u8;
    let id = [1, 2, 0][usize::from(id)];
    let mut bytes = vec![0, 0xFF, id, 2, 0, 1, code];
    bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
    bytes
}

impl Shadow {
    /// Takes an input before the server does.
    pub fn before(&mut self, now: Now, input: &Input<'_>) {
        let at = now.mono.as_nanos();
        self.settings.input();
        self.look_at_clock(now);
        self.foresee(at, input);
        self.count_input(at, input);
        match input {
            Input::Accepted { conn, service, peer } => self.accept(at, *conn, *service, *peer),
            Input::Received { conn, bytes } => self.received(now, *conn, bytes),
            Input::Took { conn } => {
                self.viewer(now, *conn, Event::Alive);
                self.browser_takes(at, *conn);
            }
            Input::Sent { conn } => self.browser(at, *conn, &Happens::Sent),
            Input::Rtcp { peer, port, bytes } => self.rtcp_came(now, *peer, *port, bytes),
            Input::Finished { conn } => self.finished(at, *conn),
            Input::Lost { conn } => {
                self.remove(at, *conn);
                self.rests.remove(conn);
            }
            Input::Blocked { conn } => {
                if let Some(peer) = self.peers.get_mut(conn).filter(|peer| peer.leaving.is_none()) {
                    peer.blocked.get_or_insert(at);
                }
                self.browser_blocks(at, *conn);
            }
            Input::Unblocked { conn } => self.unblocked(at, *conn),
            Input::Tick { .. } => self.tick(now),
            Input::Wakeup => {
                self.woken = Some(at);
                self.wakeup(now);
            }
            Input::Stored { result } => {
                let release = self.settings.stored(result.is_ok());
                self.release(at, release);
            }
            Input::Room { descriptors } => self.places.limit(*descriptors),
            Input::SpawnFailed { role, .. } | Input::Exited { role, .. } => self.child_is_gone(*role),
            Input::Video { bytes } => self.camera_writes(now, bytes),
            Input::VideoDrained => self.camera_pipe_is_empty(now),
            Input::Signal(Request::Stop) => {
                self.clock.overruled();
                if self.stopping.is_none() {
                    self.report_to_all(now, true);
                }
                self.stopping.get_or_insert(at);
            }
            Input::Reloaded(Ok(fresh)) if self.stopping.is_none() => self.reloaded(now, fresh),
            Input::Reloaded(_)
            | Input::Signal(Request::Reload | Request::Counters)
            | Input::AcceptRests { .. }
            | Input::NotifyFailed { .. }
            | Input::Line { .. }
            | Input::Published { .. } => {}
        }
        if let Input::Reloaded(found) = input {
            let outcome = match found {
                _ if self.stopping.is_some() => Err("the server is stopping".into()),
                Ok(found) => Ok(found.needs_restart.clone()),
                Err(why) => Err(why.clone()),
            };
            self.reload_is_over(at, &outcome);
        }
        self.count_refused_silently(input);
    }

    fn accept(&mut self, at: u64, conn: ConnId, service: Service, address: ids::Peer) {
        if self.stopping.is_some() {
            self.closes.insert(conn);
            return;
        }
        let full = self.no_place(service, address);
        let open = self.clients_of(address);
        let may_use = self.may_use(at, service, address, open);
        let refused = full || !may_use;
        if refused && self.too_many_refused() {
            self.closes.insert(conn);
            return;
        }
        let peer = Peer {
            service,
            address,
            accepted: at,
            refused,
            patience: 0,
            leaving: None,
            parser: Parser::default(),
            login: None,
            todo: std::collections::VecDeque::new(),
            awaiting: false,
            blocked: None,
            owes: None,
        };
        self.peers.insert(conn, peer);
        self.peers.get_mut(&conn).expect("just inserted").patience = self.patience(service);
        if refused && matches!(service, Service::Rtsp | Service::Http) {
            if service == Service::Http {
                self.turn_browser_away(conn, address);
            } else {
                self.turn_viewer_away(conn, address);
            }
            self.peers.get_mut(&conn).expect("just inserted").leaving = Some(at);
            self.finishes.insert(conn);
        } else if refused {
            self.send(conn, error(service, if full { 6 } else { 4 }));
            if full && self.has_free_place(service, address) {
                self.counters.share_taken();
            }
            self.peers.get_mut(&conn).expect("just inserted").leaving = Some(at);
            self.finishes.insert(conn);
        } else if service == Service::Data && self.subscribers().len() == 1 && self.listeners() == 0 {
            self.pass_ticks(at);
        } else if service == Service::Rtsp {
            self.viewer_comes(at, conn, address);
        } else if service == Service::Http {
            self.browser_comes(at, conn, address);
        }
    }

    fn may_use(&mut self, at: u64, service: Service, address: ids::Peer, open: usize) -> bool {
        let granted = self.access.granted(at, address, open);
        let auth = &self.config.auth;
        // Viewers are asked for the password, request by request.
        let asks = matches!(service, Service::Auth | Service::Rtsp | Service::Http);
        asks || !auth.required || granted || (auth.trust_loopback && on_this_host(address))
    }

    fn received(&mut self, now: Now, conn: ConnId, bytes: &[u8]) {
        let at = now.mono.as_nanos();
        if self.viewers.contains_key(&conn) {
            return self.viewer(now, conn, Event::Bytes(bytes));
        }
        if self.browsers.contains_key(&conn) {
            return self.browser(at, conn, &Happens::Bytes(bytes));
        }
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.leaving.is_some() || peer.service == Service::Data {
            return;
        }
        let awaiting = peer.awaiting;
        let items = peer.parser.push(bytes);
        peer.todo.extend(items);
        self.check(!awaiting, || format!("{conn:?} is read from while it waits: the model of the reactor is wrong"));
        if self.peers[&conn].service == Service::Settings { self.go_on(at, conn) } else { self.authenticate(at, conn) }
    }

    fn go_on(&mut self, at: u64, conn: ConnId) {
        let mut another = false;
        while let Some(item) = self.peers.get_mut(&conn).and_then(|peer| peer.todo.pop_front()) {
            another = true;
            self.counters.came(&item);
            match item {
                Item::Packet { id: 2, kind: 1, payload } if payload.is_empty() => {
                    match self.settings.read(at, conn) {
                        Read::Waits => {
                            let peer = self.peers.get_mut(&conn).expect("it is there");
                            (peer.awaiting, peer.owes) = (true, None);
                            self.pauses.insert(conn);
                            return;
                        }
                        Read::Shown { not_stored: true } => self.send(conn, error(Service::Settings, 7)),
                        Read::Shown { not_stored: false } => {}
                    }
                    self.send(conn, reply(&self.settings.current));
                }
                Item::Packet { id: 2, kind: 1, payload } if payload.len() == 6 => {
                    let address = self.peers[&conn].address;
                    self.settings.update(at, conn, address, &payload);
                }
                Item::Packet { id: 2, kind: 1, .. } | Item::TooLong => self.send(conn, error(Service::Settings, 2)),
                Item::Packet { .. } => self.send(conn, error(Service::Settings, 3)),
                Item::BadChecksum => self.send(conn, error(Service::Settings, 1)),
                Item::LostSync => {
                    self.closes.insert(conn);
                    return self.remove(at, conn);
                }
            }
        }
        let patience = self.patience(Service::Settings);
        let peer = self.peers.get_mut(&conn).expect("it is there");
        if !peer.parser.mid_packet() {
            peer.owes = None;
        } else if another || peer.owes.is_none() {
            (peer.owes, peer.patience) = (Some(at), patience);
        }
    }

    fn authenticate(&mut self, at: u64, conn: ConnId) {
        let peer = self.peers.get_mut(&conn).expect("it is there");
        let Some(item) = peer.todo.pop_front() else { return };
        let in_login = peer.login.is_some();
        let address = peer.address;
        self.counters.came(&item);
        let packet = match item {
            Item::Packet { id: 0, kind: 3, payload } => match self.login(at, conn, &payload) {
                (packet, true) => {
                    self.send(conn, packet);
                    return self.authenticate(at, conn);
                }
                (packet, false) => packet,
            },
            Item::Packet { id: 0, kind: 1, payload } if self.config.auth.plain && !in_login => {
                let right = payload == self.password.reveal();
                let lasts = u64::from(self.config.auth.grant_seconds) * SECOND;
                match self.access.attempt(at, address, right, lasts) {
                    Answer::Ready => crate::golden::READY.to_vec(),
                    Answer::Wrong => crate::golden::REJECTED.to_vec(),
                    Answer::LockedOut => error(Service::Auth, 5),
                }
            }
            Item::Packet { .. } => error(Service::Auth, 3),
            Item::BadChecksum => error(Service::Auth, 1),
            Item::TooLong => error(Service::Auth, 2),
            Item::LostSync => {
                self.closes.insert(conn);
                return self.remove(at, conn);
            }
        };
        self.send(conn, packet);
        self.leave(at, conn);
    }

    fn finished(&mut self, at: u64, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.leaving.is_some() {
            self.closes.insert(conn);
            self.remove(at, conn);
        } else if peer.service == Service::Http {
            self.browser(at, conn, &Happens::Finished);
        } else if peer.service != Service::Data {
            self.leave(at, conn);
        }
    }

    fn unblocked(&mut self, at: u64, conn: ConnId) {
        self.rests.remove(&conn);
        let Some(peer) = self.peers.get_mut(&conn).filter(|peer| peer.leaving.is_none()) else { return };
        let was = peer.blocked.take().is_some();
        match peer.service {
            Service::Data => {
                if was && self.ticked.is_some() {
                    self.round.insert(conn);
                }
            }
            Service::Settings => {
                peer.owes = (!peer.awaiting && peer.parser.mid_packet()).then_some(at);
                let patience = self.patience(Service::Settings);
                self.peers.get_mut(&conn).expect("it is there").patience = patience;
            }
            Service::Http => self.browser_unblocks(conn),
            Service::Auth => {
                let patience = self.patience(Service::Auth);
                let peer = self.peers.get_mut(&conn).expect("it is there");
                (peer.accepted, peer.patience) = (at, patience);
            }
            Service::Rtsp => {}
        }
    }

    fn tick(&mut self, now: Now) {
        let at = now.mono.as_nanos();
        let due = at >= self.tick_time(self.next_tick);
        self.pass_ticks(at);
        if !due {
            return;
        }
        let (blocked, free): (Vec<_>, Vec<_>) =
            self.subscribers().into_iter().partition(|conn| self.peers[conn].blocked.is_some());
        if !blocked.is_empty() || !free.is_empty() {
            (self.ticked, self.packet) = (Some(now.unix_ms), None);
        }
        self.value_is_due(now.unix_ms);
        self.round = free.into_iter().collect::<BTreeSet<_>>();
        let stuck = |conn: &ConnId| self.peers[conn].blocked.is_some_and(|since| at >= since + 10 * SECOND);
        self.stuck = blocked.into_iter().filter(stuck).collect();
    }

    fn wakeup(&mut self, now: Now) {
        let at = now.mono.as_nanos();
        let overdue: Vec<ConnId> =
            self.peers.iter().filter(|(_, peer)| peer.overdue(at)).map(|(&conn, _)| conn).collect();
        for conn in overdue {
            self.counters.overdue(&self.peers[&conn]);
            self.closes.insert(conn);
            self.remove(at, conn);
        }
        self.late_viewers(now);
        self.late_browsers(at);
        self.settings_due(at);
        let stalls = self.stall_shows(at);
        self.sessions_may_be_due(at);
        self.pipe_is_quiet(now, stalls);
        self.slate_may_be_due(now);
        self.reports_may_be_due(now);
        self.events_may_be_due(at);
    }

    /// What a released client has sent behind its read may be due as well.
    fn settings_due(&mut self, at: u64) {
        loop {
            self.settings.apply(at);
            let release = self.settings.give_up(at);
            if release.is_empty() {
                return;
            }
            self.release(at, release);
        }
    }

    fn reloaded(&mut self, now: Now, fresh: &Reloaded) {
        let at = now.mono.as_nanos();
        self.clock.overruled();
        let rule = |auth: &AuthConfig| (auth.required, auth.trust_loopback);
        let changes = rule(&self.config.auth) != rule(&fresh.config.auth) || self.password != fresh.password;
        // Its size follows from the key-frame interval.
        let new_ring = self.config.camera.framerate != fresh.config.camera.framerate;
        self.config.auth = fresh.config.auth.clone();
        self.config.server.max_viewers = fresh.config.server.max_viewers;
        self.config.server.http_hosts.clone_from(&fresh.config.server.http_hosts);
        self.config.camera = fresh.config.camera.clone();
        self.places.set(&fresh.config.server);
        if fresh.password != self.password {
            self.password = fresh.password.clone();
            self.access.revoke();
            self.sessions.password_changed(at);
            self.keys.change(at);
        }
        let open: Vec<ConnId> =
            self.peers.iter().filter(|(_, peer)| peer.leaving.is_none()).map(|(&conn, _)| conn).collect();
        let judged = |shadow: &mut Self, conn: &ConnId| {
            let (service, address) = (shadow.peers[conn].service, shadow.peers[conn].address);
            let open = shadow.clients_of(address);
            !shadow.may_use(at, service, address, open)
        };
        let refused: Vec<ConnId> = open.into_iter().filter(|conn| judged(self, conn)).collect();
        for conn in refused {
            self.send(conn, error(self.peers[&conn].service, 4));
            self.leave(at, conn);
        }
        for conn in self.viewers_that(|_| changes) {
            self.viewer(now, conn, Event::Access);
        }
        if changes {
            self.access_changes(at);
        }
        if let Some(settings) = fresh.settings {
            let release = self.settings.reread(at, settings);
            self.release(at, release);
            self.settings_due(at);
        }
        if new_ring {
            self.ring_is_new();
        }
    }

    fn release(&mut self, at: u64, release: Release) {
        let settings = self.settings.current;
        for &conn in release.not_stored.iter().filter(|conn| !self.browsers.contains_key(conn)).collect::<Vec<_>>() {
            self.send(conn, error(Service::Settings, 7));
        }
        for &conn in release.answered.iter().filter(|conn| !self.browsers.contains_key(conn)).collect::<Vec<_>>() {
            self.peers.get_mut(&conn).expect("who waits is there").awaiting = false;
            self.send(conn, reply(&self.settings.current));
        }
        for conn in release.answered {
            if self.browsers.contains_key(&conn) {
                let ok = !release.not_stored.contains(&conn);
                self.browser(at, conn, &Happens::Stored { ok, settings });
                continue;
            }
            self.go_on(at, conn);
            if self.peers.get(&conn).is_some_and(|peer| !peer.awaiting) {
                self.resumes.insert(conn);
            }
        }
    }

    fn send(&mut self, conn: ConnId, packet: Vec<u8>) {
        self.counters.sent(&packet);
        self.sends.entry(conn).or_default().push_back(packet);
    }

    pub(super) fn leave(&mut self, at: u64, conn: ConnId) {
        self.finishes.insert(conn);
        self.ended(at, conn);
        self.peers.get_mut(&conn).expect("it is there").leaving = Some(at);
    }

    pub(super) fn remove(&mut self, at: u64, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.leaving.is_none() {
            self.ended(at, conn);
        }
        self.counters.one(Counter::Closed);
        self.peers.remove(&conn);
    }

    fn ended(&mut self, at: u64, conn: ConnId) {
        let address = self.peers[&conn].address;
        self.settings.forget(conn);
        self.viewer_is_gone(at, conn);
        self.browser_is_gone(conn);
        self.access.closed(at, address, u64::from(self.config.auth.grant_seconds) * SECOND);
    }

    pub(super) fn subscribers(&self) -> Vec<ConnId> {
        let streamed = |peer: &Peer| peer.service == Service::Data && peer.leaving.is_none();
        self.peers.iter().filter(|(_, peer)| streamed(peer)).map(|(&conn, _)| conn).collect()
    }

    pub(super) fn pass_ticks(&mut self, at: u64) {
        while self.tick_time(self.next_tick) <= at {
            self.next_tick += 1;
        }
    }
}

impl Peer {
    /// Whether its time is over.
    fn overdue(&self, at: u64) -> bool {
        if let Some(since) = self.leaving {
            return at >= since + SECOND;
        }
        match self.service {
            Service::Data | Service::Rtsp | Service::Http => false,
            Service::Auth => match self.blocked {
                Some(since) => at >= since + 10 * SECOND,
                None => at >= self.accepted + self.patience,
            },
            Service::Settings => match self.blocked {
                Some(since) => at >= since + 10 * SECOND,
                None => self.owes.is_some_and(|since| at >= since + self.patience),
            },
        }
    }
}
