//! The whole pure server under a virtual clock, with clients, children, a disk and signals that do whatever they like,
//! all drawn from a seed; `shadow` foretells what the server has to do.
//!
//! `ES_IOT_SIM_SEED=n` replays one seed and prints every input, `ES_IOT_SIM_SEEDS=count` runs more than usual, with
//! `--release` ten times as fast. Every panic names its seed.

mod browser;
mod children;
mod client;
mod film;
#[path = "../golden/vectors.rs"]
mod golden;
mod login;
mod scram;
mod shadow;
mod socket;
mod viewer;
mod world;

use world::World;

/// In nanoseconds, as all times here.
pub const SECOND: u64 = 1_000_000_000;
/// A millisecond.
pub const MILLI: u64 = 1_000_000;
/// How many seeds a normal run tries.
const SEEDS: u64 = 200;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn the_server_does_what_the_shadow_foretells() {
    match variable("ES_IOT_SIM_SEED") {
        Some(seed) => println!("{:?}", World::new(seed, true).run()),
        None => run_all(variable("ES_IOT_SIM_SEEDS").unwrap_or(SEEDS)),
    }
}

fn run_all(seeds: u64) {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let every = |first: u64| {
        let mut ran = world::Ran::default();
        for seed in (first..seeds).step_by(processors) {
            ran.add(&World::new(seed, false).run());
        }
        ran
    };
    let mut total = world::Ran::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..processors as u64).map(|first| scope.spawn(move || every(first))).collect();
        for worker in workers {
            total.add(&worker.join().expect("its panic names the seed"));
        }
    });
    println!("{total:?}");
    assert!(total.stalls > 40 && total.hidden_stalls > 8, "too few stalls among settings changes: {total:?}");
    assert!(total.failures > 300 && total.recoveries > 10, "too few failures, or too far between: {total:?}");
    assert!(total.kills > 300, "children that are too obedient: {total:?}");
    assert!(total.clock_restarts > 30, "too steady a clock: {total:?}");
    assert!(total.answered_reads > 100 && total.restarts > 100 && total.ticks > 10_000, "too tame: {total:?}");
    assert!(total.watches > 300 && total.slates > 500, "too few viewers: {total:?}");
    assert!(total.requests > 3000 && total.mp4 > 100 && total.web_logins > 100, "too few browsers: {total:?}");
    assert!(total.values > 10_000 && total.values_lost > 100, "too few listeners: {total:?}");
    assert!(total.logins > 20, "too few logins: {total:?}");
    assert!(total.refusals > 100 && total.lost_places > 50, "viewers that are too welcome: {total:?}");
}
