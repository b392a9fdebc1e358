//! What the loop's parts share, as one argument.

use std::collections::VecDeque;

use mio::Registry;

use super::agenda::Agenda;
use crate::server::Input;
use crate::stats::Stats;
use crate::time::Mono;

/// Borrowed from the loop for one call.
pub struct Context<'a> {
    /// Where sources of events are registered.
    pub registry: &'a Registry,
    /// What is to be done next.
    pub agenda: &'a mut Agenda,
    /// What the server is to hear of after the outputs at hand, in this order.
    pub inbox: &'a mut VecDeque<Input<'static>>,
    /// The counters.
    pub stats: &'a mut Stats,
    /// The monotonic clock at the beginning of the step.
    pub now: Mono,
}

/// A [`Context`] of a reactor whose other fields stay free to be borrowed.
macro_rules! context {
    ($reactor:expr) => {
        $crate::reactor::context::Context {
            registry: $reactor.poll.registry(),
            agenda: &mut $reactor.agenda,
            inbox: &mut $reactor.inbox,
            stats: $reactor.server.stats_mut(),
            now: $reactor.now.mono,
        }
    };
}

pub(super) use context;
