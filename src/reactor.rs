//! The event loop: the only `mio`. It reads, within budgets, tells the server, and applies what the server wants
//! done, one output at a time.
//!
//! | file | what |
//! |---|---|
//! | `token.rs` | what an event is about |
//! | `connection.rs` | one connection's bytes on the way out |
//! | `table.rs` | the connections by slot and generation |
//! | `sockets.rs` | accepting, reading, writing |
//! | `resting.rs` | sources that are read no faster than a rate |
//! | `children.rs` | camera, publisher, probe: their pipes and their ends |
//! | `apply.rs` | one exhaustive `match` over the outputs |
//!
//! Not here: any decision (`server`).

mod apply;
mod children;
mod connection;
mod error;
mod resting;
mod sockets;
mod table;
mod token;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll};

use crate::limits::EVENTS_PER_TURN;
use crate::server::{Input, Output, Reloaded, Request, Server, Service};
use crate::stats::Counter;
use crate::sys::clock;
use crate::sys::file::Reread;
use crate::sys::limits::Limit;
use crate::sys::log::Handle;
use crate::sys::notify::Notifier;
use crate::sys::signalfd::{Signal, Signals};
use crate::sys::timerfd::Timer;
use crate::time::{Mono, Now};
use children::Children;
pub use error::ReactorError;
use error::kernel;
use resting::Resting;
use sockets::Followup;
use table::Table;
use token::Token;

/// Bytes of the data source's file that are looked at: a decimal number is at its start.
const SOURCE_BYTES: usize = 64;

/// What the loop needs of the outside world.
pub struct Outside<'a> {
    /// The bound listeners, in the order of [`Service::ALL`].
    pub listeners: [std::net::TcpListener; 3],
    /// The signals, blocked since the start of the program.
    pub signals: Signals,
    /// The log.
    pub log: Handle,
    /// The service manager.
    pub notifier: Notifier,
    /// Where the camera settings are kept.
    pub settings_file: PathBuf,
    /// The soft limit on descriptors that children get.
    pub child_descriptors: Limit,
    /// Rereads configuration, password and camera settings.
    pub reload: &'a mut dyn FnMut() -> Result<Box<Reloaded>, String>,
}

/// The loop's state.
struct Reactor<'a> {
    server: Server,
    now: Now,
    poll: Poll,
    listeners: [Option<mio::net::TcpListener>; 3],
    /// Accepting rests until then.
    rest_until: Option<Mono>,
    table: Table,
    /// Sources with something left over from a turn in which their budget was used up.
    ready: VecDeque<Token>,
    resting: Resting,
    tick_timer: Timer,
    tick_due: Option<Mono>,
    timer: Timer,
    timer_armed: Option<Mono>,
    signals: Signals,
    children: Children,
    source: Option<Reread>,
    outputs: Vec<Output>,
    followups: VecDeque<Followup>,
    settings_file: PathBuf,
    log: Handle,
    notifier: Notifier,
    /// When the service manager is told again what it did not take.
    notify_at: Option<Mono>,
    reload: &'a mut dyn FnMut() -> Result<Box<Reloaded>, String>,
    leaving: bool,
    failure: Option<ReactorError>,
}

/// Runs the server until it is told to stop. Children that are left are killed.
///
/// # Errors
///
/// [`ReactorError`] when the loop can't go on. What peers, children and disks do never is a reason.
pub fn run(server: Server, outside: Outside<'_>) -> Result<Server, ReactorError> {
    let mut events = Events::with_capacity(EVENTS_PER_TURN);
    let mut reactor = Reactor::new(server, outside)?;
    let mut outputs = Vec::new();
    reactor.server.start(reactor.now, &mut outputs);
    reactor.outputs = outputs;
    reactor.settle();
    while !reactor.leaving {
        if let Err(failure) = reactor.turn(&mut events) {
            reactor.failure = Some(failure);
            break;
        }
    }
    reactor.children.kill_all();
    reactor.failure.map_or(Ok(reactor.server), Err)
}

impl<'a> Reactor<'a> {
    fn new(server: Server, outside: Outside<'a>) -> Result<Self, ReactorError> {
        let poll = Poll::new().map_err(kernel("making the event queue"))?;
        let tick_timer = Timer::new().map_err(kernel("making the tick timer"))?;
        let timer = Timer::new().map_err(kernel("making the timer"))?;
        let registry = poll.registry();
        for (source, token) in [
            (std::os::fd::AsRawFd::as_raw_fd(&tick_timer), Token::Tick),
            (std::os::fd::AsRawFd::as_raw_fd(&timer), Token::Timer),
            (std::os::fd::AsRawFd::as_raw_fd(&outside.signals), Token::Signals),
        ] {
            registry
                .register(&mut SourceFd(&source), token.encode(), Interest::READABLE)
                .map_err(kernel("watching timers and signals"))?;
        }
        let mut listeners = outside.listeners.map(mio::net::TcpListener::from_std);
        for (listener, service) in listeners.iter_mut().zip(Service::ALL) {
            registry
                .register(listener, Token::Listener(service).encode(), Interest::READABLE)
                .map_err(kernel("watching the listeners"))?;
        }
        let children = Children::new(outside.child_descriptors).map_err(kernel("opening /dev/null"))?;
        Ok(Self {
            server,
            now: clock::now(),
            poll,
            listeners: listeners.map(Some),
            rest_until: None,
            table: Table::default(),
            ready: VecDeque::new(),
            resting: Resting::default(),
            tick_timer,
            tick_due: None,
            timer,
            timer_armed: None,
            signals: outside.signals,
            children,
            source: None,
            outputs: Vec::new(),
            followups: VecDeque::new(),
            settings_file: outside.settings_file,
            log: outside.log,
            notifier: outside.notifier,
            notify_at: None,
            reload: outside.reload,
            leaving: false,
            failure: None,
        })
    }

    /// One turn: wait, tick, then everything else within its budget.
    fn turn(&mut self, events: &mut Events) -> Result<(), ReactorError> {
        self.arm_timer().map_err(kernel("arming the timer"))?;
        let timeout = if self.ready.is_empty() { None } else { Some(std::time::Duration::ZERO) };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result.map_err(kernel("waiting for events"))?,
        }
        self.now = clock::now();
        self.tick_if_due();
        for event in events.iter() {
            self.tick_if_due();
            match Token::decode(event.token()) {
                // The tick itself is done above, by its time.
                Some(Token::Tick) => {}
                Some(Token::Timer) => self.timer_fired(),
                Some(Token::Signals) => self.signals_waiting(),
                Some(Token::Listener(service)) => self.accept(service),
                Some(Token::Conn(conn)) => {
                    let writable = event.is_writable() || event.is_error() || event.is_write_closed();
                    self.connection_event(conn, writable, event.is_error());
                }
                Some(Token::Pipe(pipe, generation)) => self.pipe_event(pipe, generation),
                None => {}
            }
            if self.leaving {
                return Ok(());
            }
        }
        self.take_up_leftovers();
        Ok(())
    }

    /// Notes that a listener or pipe has something left over. (Connections have a flag of their own: there are many.)
    fn leave_over(&mut self, token: Token) {
        if !self.ready.contains(&token) {
            self.ready.push_back(token);
        }
    }

    /// Goes on with what was left over, once each.
    fn take_up_leftovers(&mut self) {
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else { return };
            self.tick_if_due();
            match token {
                Token::Listener(service) => self.accept(service),
                Token::Conn(conn) => self.read_on(conn),
                Token::Pipe(pipe, generation) => self.pipe_event(pipe, generation),
                Token::Tick | Token::Timer | Token::Signals => {}
            }
            if self.leaving {
                return;
            }
        }
    }

    /// The tick goes first: whatever the peers do, a due packet is sent before another peer is read.
    fn tick_if_due(&mut self) {
        let Some(due) = self.tick_due else { return };
        let mono = clock::mono();
        if mono < due {
            return;
        }
        self.now = Now { mono, unix_ms: clock::unix_ms() };
        self.tick_due = None;
        let mut buffer = [0; SOURCE_BYTES];
        let reading = self.source.as_ref().map(|file| file.start(&mut buffer).map_err(|error| sockets::errno(&error)));
        self.server.handle(self.now, Input::Tick { reading }, &mut self.outputs);
        self.settle();
    }

    fn timer_fired(&mut self) {
        self.timer_armed = None;
        if self.rest_until.is_some_and(|until| until <= self.now.mono) {
            self.rest_until = None;
            for service in Service::ALL {
                self.leave_over(Token::Listener(service));
            }
        }
        if self.notify_at.is_some_and(|at| at <= self.now.mono) {
            self.notify_again();
        }
        self.end_rest();
        self.feed(Input::Wakeup);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "signalfd reports only what it was asked for")]
    fn signals_waiting(&mut self) {
        while let Some(signal) = self.signals.next() {
            match signal {
                Signal::SIGTERM | Signal::SIGINT => self.feed(Input::Signal(Request::Stop)),
                Signal::SIGHUP => self.feed(Input::Signal(Request::Reload)),
                Signal::SIGUSR1 => {
                    let lost = self.log.lines_lost();
                    self.server.stats_mut().set(Counter::LinesLost, lost);
                    self.feed(Input::Signal(Request::Counters));
                }
                Signal::SIGCHLD => self.reap(),
                _ => {}
            }
        }
    }

    /// Has the one timer fire at the earliest deadline. A deadline that moves away is not chased: the timer fires
    /// early once, and is set anew then.
    fn arm_timer(&mut self) -> io::Result<()> {
        let wanted = [self.server.next_wakeup(), self.rest_until, self.notify_at, self.resting.until()]
            .into_iter()
            .flatten()
            .min();
        let Some(at) = wanted else { return Ok(()) };
        if self.timer_armed.is_none_or(|armed| at < armed) {
            self.timer.set(Some(at))?;
            self.timer_armed = Some(at);
        }
        Ok(())
    }

    /// Tells the server, and does what follows.
    fn feed(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outputs);
        self.settle();
    }

    /// Ends the loop with an error: something it can't do without failed.
    fn fail(&mut self, doing: &'static str, error: io::Error) {
        self.failure = Some(ReactorError::Kernel { doing, error });
        self.leaving = true;
    }

    /// Applies outputs, and tells the server what came of them, until nothing is left.
    fn settle(&mut self) {
        loop {
            let mut outputs = std::mem::take(&mut self.outputs);
            for output in outputs.drain(..) {
                self.apply(output);
            }
            self.outputs = outputs;
            let Some(followup) = self.followups.pop_front() else { return };
            self.server.handle(self.now, followup.into_input(), &mut self.outputs);
        }
    }
}
