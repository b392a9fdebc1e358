//! What the server wants done, done as the reactor, the kernel and the disk would.

use es_iot_server::ids::Service;
use es_iot_server::service::rtsp::Transport;

use super::*;
use crate::shadow::login_message;

impl World {
    pub(super) fn apply(&mut self, output: &Output) {
        match *output {
            Output::Offer { conn, .. } => {
                let partly = self.rng.random_bool(0.1);
                if let Some(sent) = self.sockets.get_mut(&conn).map(|socket| socket.offer(partly)) {
                    self.sent(conn, &sent);
                }
            }
            Output::Send { conn, frame: ref packet } => {
                self.ran.answered_reads += u64::from(packet.as_bytes()[2..4] == [2, 0]);
                let sent = self.sockets.get_mut(&conn).map(|socket| {
                    if socket.service == Service::Http {
                        self.people[socket.person].hear(packet.as_bytes());
                    }
                    socket.memory.hear(packet.as_bytes());
                    if socket.stuck {
                        socket.frames.push(packet.clone());
                    }
                    if let Some(message) = login_message(packet.as_bytes()) {
                        socket.server_first = String::from_utf8(message.to_vec()).ok();
                    }
                    socket.send(packet.as_bytes().len())
                });
                if let Some(sent) = sent {
                    self.sent(conn, &sent);
                }
            }
            Output::Pause(conn) => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.paused = true;
                }
            }
            Output::Resume(conn) => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.paused = false;
                    self.later(0, Happening::Act(conn, Act::Send(Vec::new())));
                }
            }
            Output::Finish(conn) => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    (socket.finishing, socket.paused) = (true, false);
                    self.shut_down_if_sent(conn);
                }
            }
            Output::Close(conn) => self.close(conn),
            Output::MakeRoom { descriptors } => {
                let limit = [descriptors, descriptors, 44, 60, 200][self.rng.random_range(0..5)];
                self.followups.push_back(Followup::Room(limit));
            }
            Output::ArmTick(at) => self.tick_due = at.map(Mono::as_nanos),
            Output::Spawn { role, .. } => {
                self.ran.restarts += u64::from(role == Role::Camera);
                match self.children.spawn(&mut self.rng, role) {
                    Ok(plan) => self.follow(plan),
                    Err(errno) => self.spawn_failures.push_back((role, errno)),
                }
            }
            Output::Signal { role, signal } => {
                let plan = self.children.signal(&mut self.rng, role, signal);
                self.follow(plan);
            }
            Output::Store(settings) => self.store(settings),
            Output::Reload => self.later(0, Happening::Reloaded),
            Output::Pictures => self.pictures(),
            Output::Publish { .. } => self.children.publish(),
            Output::Watch { conn, transport, .. } => {
                let now = self.now.mono.as_nanos();
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.streams = matches!(transport, Transport::Tcp { .. }).then_some(now);
                }
            }
            Output::Unwatch(conn) => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    (socket.streams, socket.mp4) = (None, None);
                }
            }
            Output::WatchMp4 { conn, .. } => {
                let now = self.now.mono.as_nanos();
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.mp4 = Some(now);
                }
            }
            Output::WhenSent(conn) => self.later(0, Happening::Sent(conn)),
            Output::Discard(_)
            | Output::LimitUnsent { .. }
            | Output::ReadSource(_)
            | Output::Datagram { .. }
            | Output::SetLogLevel(_)
            | Output::ReopenLog
            | Output::Notify(_)
            | Output::Report(_)
            | Output::CloseListeners
            | Output::Exit => {}
        }
    }

    /// There are new pictures: sockets take them, and so does a publisher, now or a little later.
    fn pictures(&mut self) {
        let now = self.now.mono.as_nanos();
        for (&conn, socket) in &mut self.sockets {
            if !socket.stuck && socket.streams.is_some_and(|noted| now >= noted + 10 * SECOND) {
                socket.streams = Some(now);
                self.followups.push_back(Followup::Took(conn));
            }
            if socket.mp4.is_some() && socket.stuck && !std::mem::replace(&mut socket.told_blocked, true) {
                self.followups.push_back(Followup::Blocked(conn));
            }
        }
        if self.rng.random_bool(0.2) {
            let after = self.rng.random_range(0..400 * MILLI);
            self.later(after, Happening::Published);
        } else if self.children.publishes() {
            let bytes = self.rng.random_range(1..5000);
            self.followups.push_back(Followup::Published(bytes));
        }
    }

    fn store(&mut self, settings: CameraSettings) {
        self.ran.stores += 1;
        let after = match self.rng.random_range(0..20) {
            0 => return,
            1 | 2 => self.rng.random_range(0..30 * SECOND),
            3..8 => self.rng.random_range(0..SECOND),
            _ => self.rng.random_range(0..30 * MILLI),
        };
        let result = if self.rng.random_bool(0.2) { Err(28) } else { Ok(()) };
        self.later(after, Happening::Stored(result, settings));
    }

    fn sent(&mut self, conn: ConnId, sent: &Sent) {
        let socket = self.sockets.get_mut(&conn).expect("it was sent to");
        match sent {
            Sent::Blocked if !std::mem::replace(&mut socket.told_blocked, true) => {
                self.followups.push_back(Followup::Blocked(conn));
            }
            Sent::All | Sent::Blocked => {}
            Sent::Lost => {
                self.close(conn);
                self.followups.push_back(Followup::Lost(conn));
            }
        }
    }

    pub(super) fn shut_down_if_sent(&mut self, conn: ConnId) {
        let socket = self.sockets.get_mut(&conn).expect("it is there");
        if !socket.finishing || socket.unsent > 0 {
            return;
        }
        socket.finishing = false;
        if socket.finished {
            self.followups.push_back(Followup::Finished(conn));
        } else if self.rng.random_bool(0.7) {
            let after = self.rng.random_range(0..1500 * MILLI);
            self.later(after, Happening::Act(conn, Act::HalfClose));
        }
    }

    pub(super) fn close(&mut self, conn: ConnId) {
        if self.sockets.remove(&conn).is_some() {
            self.free.push(conn.slot);
            self.gone.push(conn);
        }
    }
}
