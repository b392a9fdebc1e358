//! What happens to the server: the plan of a run, and each happening's way into it.

use es_iot_server::ids::Service;

use super::*;

impl World {
    /// Draws the whole run but for what follows from the server's doing.
    pub(super) fn plan(&mut self) {
        let calm = self.calm;
        let span = self.rng.random_range(if calm { 120..400 } else { 5..120 }) * SECOND;
        let stop = self.rng.random_range(span / 2..span);
        self.later(stop, Happening::Signal(Request::Stop));
        let any_time = |world: &mut Self, most: u32, happening: &dyn Fn(&mut Self) -> Happening| {
            for _ in 0..world.rng.random_range(0..most) {
                let (after, happening) = (world.rng.random_range(0..span), happening(world));
                world.later(after, happening);
            }
        };
        any_time(self, if calm { 30 } else { 300 }, &|world| {
            Happening::Connect(client::any(&mut world.rng, world.password.as_bytes()))
        });
        any_time(self, if calm { 20 } else { 60 }, &|world| Happening::Connect(viewer::any(&mut world.rng)));
        any_time(self, if calm { 10 } else { 100 }, &|world| Happening::Connect(browser::any(&mut world.rng)));
        if self.rng.random_bool(0.15) {
            let hoards = self.rng.random_range(0..span);
            for nth in 0..9 {
                let hoarder = browser::hoarder(&mut self.rng);
                self.later(hoards + nth * 700 * MILLI, Happening::Connect(hoarder));
            }
        }
        if self.rng.random_bool(0.05) {
            let (after, insistent) = (self.rng.random_range(0..span / 2), browser::insistent(&mut self.rng));
            self.later(after, Happening::Connect(insistent));
        }
        if self.rng.random_bool(0.15) {
            let begins = self.rng.random_range(0..span / 2);
            for (after, client) in browser::faithful(&mut self.rng) {
                self.later(begins + after, Happening::Connect(client));
            }
            for _ in 0..2 {
                let (after, sleeps) = (self.rng.random_range(0..span / 2), self.rng.random_range(3500..3700));
                self.later(begins + after, Happening::Sleep(sleeps));
            }
        }
        any_time(self, 6, &|world| Happening::Connect(login::any(&mut world.rng)));
        any_time(self, 20, &|_| Happening::Stale);
        any_time(self, 20, &|_| Happening::EarlyTick);
        any_time(self, 20, &|_| Happening::EarlyWakeup);
        any_time(self, if calm { 2 } else { 8 }, &|_| Happening::WallJump);
        any_time(self, 3, &|_| Happening::AcceptRests);
        any_time(self, 3, &|_| Happening::NotifyFails);
        any_time(self, if calm { 1 } else { 4 }, &|_| Happening::Signal(Request::Reload));
        any_time(self, 4, &|_| Happening::Signal(Request::Counters));
        // Who guesses on and on, to be locked out for longer and longer.
        if self.rng.random_bool(0.2) {
            for guess in 0..200 {
                let guesser = client::guesser(guess % 30 == 29);
                self.later(guess * 600 * MILLI, Happening::Connect(guesser));
            }
        }
        // Settings that change on and on, or now and then, whatever becomes of the camera meanwhile.
        if calm || self.rng.random_bool(0.7) {
            let fastest = if calm { 3 } else { 0 };
            let every = [500 * MILLI, SECOND, 3 * SECOND, 5 * SECOND, 25 * SECOND][self.rng.random_range(fastest..5)];
            for _ in 0..2 {
                let (after, lasts) = (self.rng.random_range(0..span / 2), self.rng.random_range(span / 4..span));
                let tuner = client::tuner(&mut self.rng, every, lasts);
                self.later(after, Happening::Connect(tuner));
            }
        }
        // A flood: many at one moment, of one kind.
        for _ in 0..self.rng.random_range(0..3) {
            let (after, flooder) = (self.rng.random_range(0..span), self.flooder());
            for _ in 0..self.rng.random_range(2..40) {
                self.later(after, Happening::Connect(flooder.clone()));
            }
        }
    }

    fn flooder(&mut self) -> Client {
        match self.rng.random_range(0..10) {
            0..3 => viewer::any(&mut self.rng),
            3..5 => browser::any(&mut self.rng),
            _ => client::any(&mut self.rng, b"1111"),
        }
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connect(client) => self.connect(client),
            Happening::Act(conn, act) => self.act(conn, act),
            Happening::Child(role, number, deed) => self.child(role, number, deed),
            Happening::Stored(result, settings) => {
                if result.is_ok() {
                    self.file = settings;
                }
                self.feed(Input::Stored { result: result.map_err(Errno) });
            }
            Happening::Reloaded => self.reloaded(),
            Happening::Signal(request) => self.feed(Input::Signal(request)),
            Happening::Stale => self.stale(),
            Happening::EarlyTick => self.tick(),
            Happening::EarlyWakeup => self.feed(Input::Wakeup),
            Happening::AcceptRests => self.feed(Input::AcceptRests { errno: Errno(24) }),
            Happening::NotifyFails => self.feed(Input::NotifyFailed { errno: Errno(11) }),
            Happening::Published => {
                if self.children.publishes() {
                    self.feed(Input::Published { bytes: 1 });
                }
            }
            Happening::Sent(conn) => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.notify_sent = socket.unsent > 0;
                    if socket.unsent == 0 {
                        self.feed(Input::Sent { conn });
                    }
                }
            }
            Happening::Rtcp(peer, port, bytes) => self.feed(Input::Rtcp { peer, port, bytes }),
            Happening::Sleep(seconds) => {
                if self.shadow.stopping.is_none() {
                    self.now.mono = Mono::from_nanos(self.now.mono.as_nanos() + seconds * SECOND);
                    self.now.unix_ms += seconds * 1000;
                }
            }
            Happening::WallJump => {
                let anywhere = self.rng.random::<u64>() >> 2;
                let nearby = (self.now.unix_ms + self.rng.random_range(0..4000)).saturating_sub(2000);
                self.now.unix_ms = if self.rng.random_bool(0.5) { anywhere } else { nearby };
            }
        }
    }

    fn connect(&mut self, client: Client) {
        let server = &self.config.server;
        let listens = match (client.service, client.peer) {
            (Service::Http, Peer::Local) => server.http_socket.is_some(),
            (Service::Http, Peer::Ip(_)) => server.http_port.is_some(),
            _ => true,
        };
        if self.shadow.stopping.is_some() || !listens {
            return;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.generations.push(32_766);
            u16::try_from(self.generations.len() - 1).expect("few slots")
        });
        let generation = &mut self.generations[usize::from(slot)];
        *generation = (*generation + 1) % (1 << 15);
        let conn = ConnId { slot, generation: *generation };
        self.sockets.insert(conn, Socket::new(client.service, client.memory, client.person));
        for (after, act) in client.script {
            self.later(after, Happening::Act(conn, act));
        }
        for (after, port, bytes) in client.datagrams {
            self.later(after, Happening::Rtcp(client.peer, port, bytes));
        }
        self.feed(Input::Accepted { conn, service: client.service, peer: client.peer });
    }

    fn act(&mut self, conn: ConnId, act: Act) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        match act {
            Act::Send(_) | Act::Ask(..) | Act::Browse(..) | Act::Prove { .. } | Act::Rest
                if socket.half_closed || socket.reset => {}
            Act::Send(bytes) => {
                if !bytes.is_empty() {
                    socket.inbox.extend(socket.rest.drain(..));
                }
                socket.inbox.extend(bytes);
            }
            Act::Ask(asks, cut) => {
                socket.inbox.extend(socket.rest.drain(..));
                let bytes: Vec<u8> = asks.iter().flat_map(|ask| socket.memory.write(ask, self.password)).collect();
                self.write(conn, &bytes, cut);
            }
            Act::Prove { nonce, answer, cut } => {
                if let Some(server_first) = socket.server_first.take() {
                    let bytes = login::answer(nonce, answer, &server_first, self.password, &mut self.last_proof);
                    self.write(conn, &bytes, cut);
                }
            }
            Act::Browse(asks, cut) => {
                socket.inbox.extend(socket.rest.drain(..));
                let person = &mut self.people[socket.person];
                let bytes: Vec<u8> = asks.iter().flat_map(|ask| person.write(ask, self.password)).collect();
                let (first, after) = cut.map_or((bytes.len(), 0), |(part, after)| (bytes.len() * part / 1000, after));
                socket.inbox.extend(&bytes[..first]);
                socket.rest = bytes[first..].to_vec();
                if first < bytes.len() {
                    self.later(after, Happening::Act(conn, Act::Rest));
                }
            }
            Act::Rest => socket.inbox.extend(socket.rest.drain(..)),
            Act::HalfClose => socket.half_closed = true,
            Act::Reset => {
                (socket.reset, socket.stuck) = (true, false);
                socket.inbox.clear();
                if socket.unsent > 0 || socket.told_blocked {
                    self.close(conn);
                    return self.feed(Input::Lost { conn });
                }
            }
            Act::Stick => socket.stuck = true,
            Act::Trickle => {
                let now = self.now.mono.as_nanos();
                let noted = socket.mp4.or((socket.unsent > 0).then_some(socket.took));
                if socket.stuck && socket.told_blocked && noted.is_some_and(|noted| now >= noted + 10 * SECOND) {
                    (socket.mp4, socket.took) = (socket.mp4.and(Some(now)), now);
                    self.followups.push_back(Followup::Took(conn));
                    return self.settle();
                }
            }
            Act::Loosen => {
                socket.stuck = false;
                socket.unsent = 0;
                socket.frames.clear();
                if std::mem::take(&mut socket.told_blocked) {
                    self.followups.push_back(Followup::Unblocked(conn));
                }
                if std::mem::take(&mut socket.notify_sent) {
                    self.followups.push_back(Followup::Sent(conn));
                }
                self.shut_down_if_sent(conn);
                self.settle();
            }
        }
        self.read(conn);
    }

    /// Writes all of it, or so many of a thousand bytes first and the rest so much later.
    fn write(&mut self, conn: ConnId, bytes: &[u8], cut: Option<(usize, u64)>) {
        let socket = self.sockets.get_mut(&conn).expect("it is there");
        let (first, after) = cut.map_or((bytes.len(), 0), |(part, after)| (bytes.len() * part / 1000, after));
        socket.inbox.extend(&bytes[..first]);
        socket.rest = bytes[first..].to_vec();
        if first < bytes.len() {
            self.later(after, Happening::Act(conn, Act::Rest));
        }
    }

    /// Reads as the reactor does: while it may, in chunks.
    fn read(&mut self, conn: ConnId) {
        for _ in 0..4 {
            let most = if self.rng.random_bool(0.2) { self.rng.random_range(1..40) } else { 1024 };
            let Some(socket) = self.sockets.get_mut(&conn).filter(|socket| socket.may_read()) else { return };
            if socket.reset {
                self.close(conn);
                return self.feed(Input::Lost { conn });
            }
            if socket.inbox.is_empty() {
                if socket.half_closed {
                    socket.finished = true;
                    self.feed(Input::Finished { conn });
                }
                return;
            }
            let length = most.min(socket.inbox.len());
            let bytes: Vec<u8> = socket.inbox.drain(..length).collect();
            self.feed(Input::Received { conn, bytes: &bytes });
        }
        // The rest is for a later turn.
        self.later(0, Happening::Act(conn, Act::Send(Vec::new())));
    }

    fn child(&mut self, role: Role, number: u64, deed: Deed) {
        if !self.children.is(role, number) {
            return;
        }
        match deed {
            Deed::Say(text) => self.feed(Input::Line { role, text }),
            Deed::Film(every) => {
                self.film();
                if !self.children.falters(&mut self.rng) {
                    self.later(every, Happening::Child(role, number, Deed::Film(every)));
                }
            }
            Deed::Hang => self.children.hang(role),
            Deed::Die(exit) => {
                self.children.reap(role);
                self.feed(Input::Exited { role, exit });
            }
            Deed::Refuse(errno) => {
                self.children.reap(role);
                self.feed(Input::SpawnFailed { role, errno: Errno(errno) });
            }
        }
    }

    /// The camera writes, and the reactor reads: in any pieces, and mostly up to where the pipe is empty.
    fn film(&mut self) {
        let bytes = self.children.film(&mut self.rng);
        let most = if self.rng.random_bool(0.2) { self.rng.random_range(1..=bytes.len()) } else { bytes.len() };
        for piece in bytes.chunks(most) {
            self.feed(Input::Video { bytes: piece });
        }
        if self.rng.random_bool(0.95) {
            self.feed(Input::VideoDrained);
        }
    }

    fn reloaded(&mut self) {
        if self.rng.random_bool(0.2) {
            return self.feed(Input::Reloaded(Err("no such file".into())));
        }
        if self.rng.random_bool(0.3) {
            self.file.gain = f64::from(self.rng.random_range(0..30_u8)) + 0.5;
        }
        if self.rng.random_bool(0.3) {
            self.password = if self.password == "1111" { "2222" } else { "1111" };
            self.log_in_early();
        }
        if self.rng.random_bool(0.6) {
            self.config = config(&mut self.rng, &self.config);
        }
        let fresh = Reloaded {
            config: self.config.clone(),
            password: Secret::new(self.password),
            settings: Some(self.file),
            needs_restart: if self.rng.random_bool(0.3) { vec!["server.data_port"] } else { Vec::new() },
            is_persistent: true,
        };
        self.feed(Input::Reloaded(Ok(Box::new(fresh))));
    }

    /// Clients that log in while the keys of a new password are derived, or just afterwards.
    fn log_in_early(&mut self) {
        for _ in 0..self.rng.random_range(0..3) {
            let after = self.rng.random_range(0..200 * MILLI);
            let client =
                if self.rng.random_bool(0.5) { login::any(&mut self.rng) } else { browser::early(&mut self.rng) };
            self.later(after, Happening::Connect(client));
        }
    }

    /// Events for a connection that is gone; its slot may have a new tenant.
    fn stale(&mut self) {
        let Some(&conn) = self.gone.last() else { return };
        self.feed(Input::Received { conn, bytes: &crate::golden::READ });
        self.feed(Input::Finished { conn });
        self.feed(Input::Blocked { conn });
        self.feed(Input::Unblocked { conn });
        self.feed(Input::Lost { conn });
        self.feed(Input::Took { conn });
        self.feed(Input::Sent { conn });
        let never = ConnId { slot: 16_000, generation: 3 };
        self.feed(Input::Received { conn: never, bytes: &[1] });
    }
}
