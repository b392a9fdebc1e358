//! Camera, publisher and probe: they start or don't, talk, make video, stall, crash and ignore signals.

use std::collections::BTreeMap;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::supervisor::StopSignal;
use rand::RngExt;
use rand::rngs::SmallRng;

use crate::{MILLI, SECOND};

#[derive(Debug, Clone, Copy)]
pub enum Deed {
    Say(&'static str),
    /// Video moves, and goes on moving every so many nanoseconds.
    Film(u64),
    Die(Exit),
    /// It turns out that its program can't be executed: the error number.
    Refuse(i32),
}

#[derive(Debug)]
struct Child {
    number: u64,
    ignores_interrupt: bool,
}

#[derive(Debug, Default)]
pub struct Children {
    alive: BTreeMap<u8, Child>,
    number: u64,
}

/// What a child does, how long from now.
pub type Plan = Vec<(u64, Role, u64, Deed)>;

impl Children {
    /// Starts a child, or not: the error number.
    pub fn spawn(&mut self, rng: &mut SmallRng, role: Role) -> Result<Plan, i32> {
        assert!(!self.alive.contains_key(&(role as u8)), "a second {role:?}");
        if rng.random_bool(0.05) {
            return Err([11, 12, 24][rng.random_range(0..3)]);
        }
        self.number += 1;
        let number = self.number;
        self.alive.insert(role as u8, Child { number, ignores_interrupt: rng.random_bool(0.2) });
        let mut plan = Vec::new();
        if rng.random_bool(0.05) {
            // Soon, or as late as a disk that sleeps has it.
            let within = [MILLI, 10 * SECOND][rng.random_range(0..2)];
            let errno = [2, 5, 8, 13][rng.random_range(0..4)];
            return Ok(vec![(rng.random_range(0..within), role, number, Deed::Refuse(errno))]);
        }
        let mut later = |within: u64, deed| plan.push((rng.random_range(0..within), role, number, deed));
        match role {
            Role::Probe => {
                later(MILLI, Deed::Say("  --low-latency  --libav-format"));
                later(7 * SECOND, Deed::Die(Exit::Code(0)));
            }
            Role::Camera => {
                later(SECOND, Deed::Say("Camera frontend has timed out!"));
                later(2 * SECOND, Deed::Film(300 * MILLI));
                later(60 * SECOND, Deed::Die(Exit::Code(1)));
            }
            Role::Publisher => {
                later(SECOND, Deed::Say("Connection refused"));
                later(60 * SECOND, Deed::Die(Exit::Signal(13)));
            }
        }
        Ok(plan)
    }

    pub fn signal(&self, rng: &mut SmallRng, role: Role, signal: StopSignal) -> Plan {
        let Some(child) = self.alive.get(&(role as u8)) else { return Vec::new() };
        let within = match signal {
            StopSignal::Interrupt if child.ignores_interrupt => return Vec::new(),
            StopSignal::Interrupt => 1800 * MILLI,
            StopSignal::Kill if rng.random_bool(0.1) => 5 * SECOND,
            StopSignal::Kill => 20 * MILLI,
        };
        let exit = if signal == StopSignal::Kill { Exit::Signal(9) } else { Exit::Code(0) };
        // Often at one moment, so that two deaths are told in one turn.
        let after = if rng.random_bool(0.5) { within / 2 } else { rng.random_range(0..within) };
        vec![(after, role, child.number, Deed::Die(exit))]
    }

    pub fn is(&self, role: Role, number: u64) -> bool {
        self.alive.get(&(role as u8)).is_some_and(|child| child.number == number)
    }

    pub fn films(&self) -> bool {
        self.alive.contains_key(&(Role::Camera as u8)) && self.alive.contains_key(&(Role::Publisher as u8))
    }

    pub fn reap(&mut self, role: Role) {
        self.alive.remove(&(role as u8));
    }
}
