//! The state that the loop's parts share, as one argument.

use std::collections::VecDeque;

use mio::Registry;

use super::agenda::Agenda;
use crate::media::ring::Ring;
use crate::server::Input;
use crate::stats::Stats;
use crate::time::Mono;

/// Borrowed from the loop for one call.
pub struct Context<'a> {
    /// The registry of event sources.
    pub registry: &'a Registry,
    /// The next steps.
    pub agenda: &'a mut Agenda,
    /// Inputs for the server, in order, after the current outputs.
    pub inbox: &'a mut VecDeque<Input<'static>>,
    /// The pictures for viewers and publisher.
    pub ring: &'a Ring,
    /// The counters.
    pub stats: &'a mut Stats,
    /// The monotonic clock at the beginning of the turn, or at its tick.
    pub now: Mono,
}

/// Borrows a [`Context`] from a reactor; its other fields can still be borrowed.
macro_rules! context {
    ($reactor:expr) => {{
        let (ring, stats) = $reactor.server.lend();
        $crate::reactor::context::Context {
            registry: $reactor.poll.registry(),
            agenda: &mut $reactor.agenda,
            inbox: &mut $reactor.inbox,
            ring,
            stats,
            now: $reactor.now.mono,
        }
    }};
}

pub(super) use context;
