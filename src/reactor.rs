//! The event loop, and the only `mio`. It runs one bounded step at a time, with a due tick before any other step. Each step
//! feeds the server, and the server's outputs are applied one by one.
//!
//! | file | contents |
//! |---|---|
//! | `agenda.rs` | the order of steps, the tick first |
//! | `steps.rs` | one step for each source of work |
//! | `apply.rs` | one exhaustive `match` over the outputs |
//! | `sockets.rs` | listeners and connections, with `table.rs`, `connection.rs` and `stream.rs` |
//! | `viewers.rs`, `datagrams.rs` | the stream to its viewers, over TCP and UDP |
//! | `children.rs` | camera, publisher and probe: pipes and reaping |
//! | `writer.rs` | the process that writes the settings file |
//! | `timers.rs` | the timer for the tick, and one for all other deadlines |
//! | `manager.rs` | the service manager |
//! | `token.rs` | the sources of events |
//! | `context.rs` | the state that these parts share |
//!
//! Not here: decisions (`server`).

mod agenda;
mod apply;
mod children;
mod connection;
mod context;
mod datagrams;
mod error;
mod manager;
mod sockets;
mod steps;
mod stream;
mod table;
mod timers;
mod token;
mod viewers;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll};

use crate::ids::Service;
use crate::limits::{EVENTS_PER_TURN, VIDEO_BUDGET_BYTES};
use crate::os::Errno;
use crate::server::{Input, Output, Reloaded, Server};
use crate::sys::clock;
use crate::sys::datagram::Pair;
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

/// A bound listener, with the service and the limit of its connections.
#[derive(Debug)]
pub struct Listening {
    /// The socket.
    pub socket: Bound,
    /// Its service.
    pub service: Service,
    /// Maximum number of unsent bytes per connection.
    pub most_unsent: usize,
}

/// The loop's resources.
pub struct Resources<'a> {
    /// The bound listeners, in the order of the server's list.
    pub listening: Vec<Listening>,
    /// The UDP ports of the stream.
    pub datagrams: Option<Pair>,
    /// The signals, which have been blocked since the program's start.
    pub signals: Signals,
    /// The log.
    pub log: Handle,
    /// The service manager.
    pub notifier: Notifier,
    /// The path of the camera settings file.
    pub settings_file: PathBuf,
    /// The soft limit on descriptors for children.
    pub child_descriptors: Limit,
    /// Rereads configuration, password and camera settings.
    pub reload: &'a mut dyn FnMut() -> Result<Box<Reloaded>, String>,
}

/// The loop: the server, the parts that own the kernel objects, and the queues between them.
struct Reactor<'a> {
    server: Server,
    now: Now,
    poll: Poll,
    agenda: Agenda,
    /// The server's outputs.
    outputs: Vec<Output>,
    /// The inputs that result from applying outputs.
    inbox: VecDeque<Input<'static>>,
    sockets: Sockets,
    children: Children,
    /// What was last read from the camera; kept to be reused.
    video_buffer: Vec<u8>,
    writer: Writer,
    timers: Timers,
    manager: Manager,
    signals: Signals,
    /// The data source's file, if the source is a file.
    source: Option<Reread>,
    log: Handle,
    reload: &'a mut dyn FnMut() -> Result<Box<Reloaded>, String>,
    /// Why the loop ends, once it does.
    ending: Option<Result<(), ReactorError>>,
}

/// Runs the server until it exits, then kills any remaining children.
///
/// # Errors
///
/// [`ReactorError`] if the loop can't continue. No peer, child or disk can cause that.
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
        let poll = Poll::new().map_err(kernel("creating the event queue"))?;
        let registry = poll.registry();
        let timers = Timers::new(registry).map_err(kernel("creating the timers"))?;
        let signals = resources.signals;
        registry
            .register(&mut SourceFd(&signals.as_raw_fd()), Token::Signals.encode(), Interest::READABLE)
            .map_err(kernel("registering the signals"))?;
        let sockets = Sockets::new(resources.listening, resources.datagrams, registry)
            .map_err(kernel("registering the listeners"))?;
        Ok(Self {
            server,
            now: clock::now(),
            poll,
            agenda: Agenda::default(),
            outputs: Vec::new(),
            inbox: VecDeque::new(),
            sockets,
            children: Children::new(resources.child_descriptors),
            video_buffer: vec![0; VIDEO_BUDGET_BYTES],
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

    /// One turn: waits for events, then runs the resulting steps.
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

    /// Feeds the server an input and applies the outputs.
    fn feed(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outputs);
        self.settle();
    }

    /// Ends the loop with an error.
    fn fail(&mut self, failure: ReactorError) {
        self.ending.get_or_insert(Err(failure));
    }

    /// Applies outputs, and feeds the server the resulting inputs, until there are none.
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

/// The errno of an I/O error; `EIO` if it has none.
fn errno(error: &io::Error) -> Errno {
    Errno(crate::sys::errno::of(error))
}
