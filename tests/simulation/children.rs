//! Camera, publisher and probe: they start or don't, talk, make video, stall, crash and ignore signals.

use std::collections::BTreeMap;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::supervisor::StopSignal;
use rand::RngExt;
use rand::rngs::SmallRng;

use crate::film::Film;
use crate::{MILLI, SECOND};

#[derive(Debug, Clone, Copy)]
pub enum Deed {
    Say(&'static str),
    /// It writes a picture, and goes on to every so many nanoseconds.
    Film(u64),
    /// It takes no more video.
    Hang,
    Die(Exit),
    /// It turns out that its program can't be executed: the error number.
    Refuse(i32),
}

#[derive(Debug)]
struct Child {
    number: u64,
    ignores_interrupt: bool,
    hangs: bool,
    /// The stream has begun for it.
    begun: bool,
    film: Film,
}

/// How well the children of a run are, so that some live long enough for what takes its time.
#[derive(Debug)]
struct Mood {
    longest_life: u64,
    silent: f64,
    hangs: f64,
    falters: f64,
    clueless: f64,
}

#[derive(Debug)]
pub struct Children {
    mood: Mood,
    alive: BTreeMap<u8, Child>,
    number: u64,
}

/// What a child does, how long from now.
pub type Plan = Vec<(u64, Role, u64, Deed)>;

impl Children {
    /// `calm`: they mostly live long, and don't fall silent.
    pub fn new(rng: &mut SmallRng, calm: bool) -> Self {
        let mut mood = Mood {
            longest_life: [60, 60, 150, 1000][rng.random_range(0..4)] * SECOND,
            silent: [0.0, 0.2, 0.6][rng.random_range(0..3)],
            hangs: [0.0, 0.2, 0.6][rng.random_range(0..3)],
            falters: [0.0, 0.0, 0.02][rng.random_range(0..3)],
            clueless: [0.0, 0.7, 1.0][rng.random_range(0..3)],
        };
        if calm {
            (mood.longest_life, mood.silent, mood.hangs, mood.falters) = (150 * SECOND, 0.0, 0.0, 0.0);
        }
        Self { mood, alive: BTreeMap::new(), number: 0 }
    }

    /// Whether a camera that films stops doing so.
    pub fn falters(&self, rng: &mut SmallRng) -> bool {
        rng.random_bool(self.mood.falters)
    }

    /// Starts a child, or not: the error number.
    pub fn spawn(&mut self, rng: &mut SmallRng, role: Role) -> Result<Plan, i32> {
        assert!(!self.alive.contains_key(&(role as u8)), "a second {role:?}");
        if rng.random_bool(0.05) {
            return Err([11, 12, 24][rng.random_range(0..3)]);
        }
        self.number += 1;
        let number = self.number;
        let (ignores_interrupt, film) = (rng.random_bool(0.2), Film::new(rng));
        self.alive.insert(role as u8, Child { number, ignores_interrupt, hangs: false, begun: false, film });
        let mut plan = Vec::new();
        if rng.random_bool(0.05) {
            // Soon, or as late as a disk that sleeps has it.
            let within = [MILLI, 10 * SECOND][rng.random_range(0..2)];
            let errno = [2, 5, 8, 13][rng.random_range(0..4)];
            return Ok(vec![(rng.random_range(0..within), role, number, Deed::Refuse(errno))]);
        }
        let (silent, clueless) = (rng.random_bool(self.mood.silent), rng.random_bool(self.mood.clueless));
        let (hangs, unplugged) = (rng.random_bool(self.mood.hangs), rng.random_bool(0.03));
        let longest_life = if rng.random_bool(0.2) { 10 * SECOND } else { self.mood.longest_life };
        let every = rng.random_range(200..500) * MILLI;
        let mut later = |within: u64, deed| plan.push((rng.random_range(0..within), role, number, deed));
        match role {
            Role::Probe => {
                later(MILLI, Deed::Say("  --low-latency  --libav-format"));
                later(7 * SECOND, Deed::Die(Exit::Code(0)));
            }
            Role::Camera if unplugged => {
                later(SECOND, Deed::Say("ERROR: *** no cameras available ***"));
                later(2 * SECOND, Deed::Die(Exit::Code(255)));
            }
            Role::Camera => {
                if !clueless {
                    later(SECOND, Deed::Say("Camera frontend has timed out!"));
                }
                if !silent {
                    later(2 * SECOND, Deed::Film(every));
                }
                later(longest_life, Deed::Die(Exit::Code(1)));
            }
            Role::Publisher => {
                if !clueless {
                    later(SECOND, Deed::Say("Connection refused"));
                }
                if hangs {
                    later(40 * SECOND, Deed::Hang);
                }
                later(longest_life, Deed::Die(Exit::Signal(13)));
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

    /// What the camera writes at once: mostly one picture.
    pub fn film(&mut self, rng: &mut SmallRng) -> Vec<u8> {
        let pictures = if rng.random_bool(0.05) { 2 } else { 1 };
        let Some(camera) = self.alive.get_mut(&(Role::Camera as u8)) else { return Vec::new() };
        (0..pictures).flat_map(|_| camera.film.next(rng)).copied().collect()
    }

    /// The stream begins for the publisher.
    pub fn publish(&mut self) {
        if let Some(publisher) = self.alive.get_mut(&(Role::Publisher as u8)) {
            publisher.begun = true;
        }
    }

    /// Whether there is a publisher that takes video.
    pub fn publishes(&self) -> bool {
        self.alive.get(&(Role::Publisher as u8)).is_some_and(|publisher| publisher.begun && !publisher.hangs)
    }

    pub fn hang(&mut self, role: Role) {
        if let Some(child) = self.alive.get_mut(&(role as u8)) {
            child.hangs = true;
        }
    }

    pub fn reap(&mut self, role: Role) {
        self.alive.remove(&(role as u8));
    }
}
