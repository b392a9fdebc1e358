//! The event loop: the only `mio`. It takes one bounded step after the other, the tick before any, feeds the server, and
//! applies what the server wants done, one output at a time.
//!
//! | file | what |
//! |---|---|
//! | `agenda.rs` | which step comes next: the tick first |
//! | `steps.rs` | one step of each source of work |
//! | `apply.rs` | one exhaustive `match` over the outputs |
//! | `sockets.rs` | listeners and connections; `table.rs`, `connection.rs`, `stream.rs` are theirs |
//! | `children.rs` | camera, publisher and probe: their pipes and their ends |
//! | `writer.rs` | the process that writes the settings file |
//! | `timers.rs` | the tick's timer, and the one of every other deadline |
//! | `manager.rs` | the service manager |
//! | `token.rs` | what an event is about |
//! | `context.rs` | what these parts share |
//!
//! Not here: any decision (`server`).

mod agenda;
mod apply;
mod children;
mod connection;
mod context;
mod error;
mod manager;
mod sockets;
mod steps;
mod stream;
mod table;
mod timers;
mod token;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll};

use crate::ids::Service;
use crate::limits::EVENTS_PER_TURN;
use crate::os::Errno;
use crate::server::{Input, Output, Reloaded, Server};
use crate::sys::clock;
use crate::sys::file::Reread;
use crate::sys::limits::Limit;
use crate::sys::log::Handle;
use crate::sys::notify::Notifier;
use crate::sys::signalfd::Signals;
use crate::sys::socket::Bound;
use crate::time::Now;
use agenda::Agenda;
use children::Children;
pub use error::ReactorError;
use error::kernel;
use manager::Manager;
use sockets::Sockets;
use timers::Timers;
use token::Token;
use writer::Writer;

/// A bound listener and what its connections have in common.
#[derive(Debug)]
pub struct Listening {
    /// The socket.
    pub socket: Bound,
    /// What it serves.
    pub service: Service,
    /// The most bytes that may wait to be sent on one of its connections.
    pub most_unsent: usize,
}

/// What the loop is given.
pub struct Resources<'a> {
    /// The bound listeners, in the order of the list that the server has.
    pub listening: Vec<Listening>,
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

/// The loop: the server, the parts that own their kernel objects, and what is between them.
struct Reactor<'a> {
    server: Server,
    now: Now,
    poll: Poll,
    agenda: Agenda,
    /// What the server wants done.
    outputs: Vec<Output>,
    /// What doing it brought about.
    inbox: VecDeque<Input<'static>>,
    sockets: Sockets,
    children: Children,
    writer: Writer,
    timers: Timers,
    manager: Manager,
    signals: Signals,
    /// The data source's file, if it is one.
    source: Option<Reread>,
    log: Handle,
    reload: &'a mut dyn FnMut() -> Result<Box<Reloaded>, String>,
    /// Why the loop ends, once it does.
    ending: Option<Result<(), ReactorError>>,
}

/// Runs the server until it is asked to stop. Children that are left are killed.
///
/// # Errors
///
/// [`ReactorError`] when the loop can't go on. What peers, children and disks do never is a reason.
pub fn run(server: Server, resources: Resources<'_>) -> Result<Server, ReactorError> {
    let mut events = Events::with_capacity(EVENTS_PER_TURN);
    let mut reactor = Reactor::new(server, resources)?;
    reactor.server.start(reactor.now, &mut reactor.outputs);
    reactor.settle();
    let outcome = loop {
        if let Some(ending) = reactor.ending.take() {
            break ending;
        }
        if let Err(failure) = reactor.turn(&mut events) {
            break Err(failure);
        }
    };
    reactor.children.kill_all();
    outcome.map(|()| reactor.server)
}

impl<'a> Reactor<'a> {
    fn new(server: Server, resources: Resources<'a>) -> Result<Self, ReactorError> {
        let poll = Poll::new().map_err(kernel("making the event queue"))?;
        let registry = poll.registry();
        let timers = Timers::new(registry).map_err(kernel("making the timers"))?;
        let signals = resources.signals;
        registry
            .register(&mut SourceFd(&signals.as_raw_fd()), Token::Signals.encode(), Interest::READABLE)
            .map_err(kernel("watching the signals"))?;
        let sockets = Sockets::new(resources.listening, registry).map_err(kernel("watching the listeners"))?;
        let children = Children::new(resources.child_descriptors).map_err(kernel("opening /dev/null"))?;
        Ok(Self {
            server,
            now: clock::now(),
            poll,
            agenda: Agenda::default(),
            outputs: Vec::new(),
            inbox: VecDeque::new(),
            sockets,
            children,
            writer: Writer::new(resources.settings_file),
            timers,
            manager: Manager::new(resources.notifier),
            signals,
            source: None,
            log: resources.log,
            reload: resources.reload,
            ending: None,
        })
    }

    /// One turn: waits for events, then takes the steps they call for.
    fn turn(&mut self, events: &mut Events) -> Result<(), ReactorError> {
        let deadlines = [
            self.server.next_wakeup(),
            self.sockets.accept_deadline(),
            self.manager.deadline(),
            self.agenda.rest_ends(),
        ];
        self.timers.wake_at(deadlines.into_iter().flatten().min()).map_err(kernel("arming the timer"))?;
        let timeout = self.agenda.has_leftovers().then_some(Duration::ZERO);
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result.map_err(kernel("waiting for events"))?,
        }
        self.now = clock::now();
        self.agenda.begin_turn(self.now.mono);
        for event in events.iter() {
            if let Some(token) = Token::decode(event.token()) {
                let writable = event.is_writable() || event.is_error() || event.is_write_closed();
                self.agenda.add_event(token, writable, event.is_error());
            }
        }
        while self.ending.is_none()
            && let Some(step) = self.agenda.next(clock::mono())
        {
            if step == agenda::Step::Tick {
                self.now = clock::now();
            }
            self.step(step);
        }
        Ok(())
    }

    /// Hands the server an input, and does what follows.
    fn feed(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outputs);
        self.settle();
    }

    /// Ends the loop with an error: something it can't do without failed.
    fn fail(&mut self, failure: ReactorError) {
        self.ending.get_or_insert(Err(failure));
    }

    /// Applies outputs, and hands the server what came of them, until nothing is left.
    fn settle(&mut self) {
        loop {
            let mut outputs = std::mem::take(&mut self.outputs);
            for output in outputs.drain(..) {
                self.apply(output);
            }
            self.outputs = outputs;
            let Some(input) = self.inbox.pop_front() else { return };
            self.server.handle(self.now, input, &mut self.outputs);
        }
    }
}

/// The number of an I/O error; `EIO` for one that the standard library made up.
fn errno(error: &io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(crate::sys::errno::EIO))
}
