//! Compares the daemon to a floor, the minimum work that one thread can do for the same clients: CPU time per packet, rate,
//! jitter, memory and wake-ups of both, and their ratios. Then shows the figures that only the daemon has.
//!
//! The exit code is 1 if a target is missed. A quick run is for machines with other load: it shows all figures, but enforces
//! only those that other processes don't affect: memory, wake-ups and the size of the binary. Server, floor and clients are
//! separate processes (the bench runs itself again, with an argument). Daemon and floor take turns in the order ABBA. Every
//! figure is the median of its rounds. Each measurement begins and ends in the quiet time between two ticks.
//!
//! | variable | effect |
//! |---|---|
//! | `ES_IOT_BENCH_QUICK=1` | one round of one second, and short other runs; no timing target is enforced |
//! | `ES_IOT_BENCH_SECONDS=n` | the length of one run, in seconds; default 5 |
//! | `ES_IOT_BENCH_DAEMON=path` | another build of the daemon |
//!
//! | file | contents |
//! |---|---|
//! | `floor.rs` | the floor |
//! | `receiver.rs` | the clients and their measurements |
//! | `process.rs` | starting and stopping the two servers |
//! | `sample.rs` | the figures of one run |
//! | `table.rs` | the figures as text |
//! | `../support` | what the benchmarks share |

mod floor;
mod process;
mod receiver;
mod sample;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use process::{Kind, Running};
use receiver::Job;
use sample::Sample;
use support::daemon::{self, Scratch};
use support::run::Run;
use support::{figures, options, proc, run, target};
use table::Extras;

/// The number of clients of each pair of runs.
const CLIENTS: [usize; 4] = [1, 100, 1000, 2000];

/// The lengths and counts of the runs.
struct Plan {
    /// Whether timing targets are enforced.
    quiet_machine: bool,
    /// Runs of each server for each number of clients. An even number for ABBA, except in a quick run.
    rounds: usize,
    /// The length of one run.
    run: Duration,
    /// The length of the run that measures the rate.
    rate: Duration,
    /// The time to count wake-ups of an idle daemon, of which there should be none.
    idle: Duration,
    /// The number of timed starts of the daemon.
    starts: usize,
}

impl Plan {
    fn from_env() -> Self {
        let seconds = |otherwise| Duration::from_secs(options::seconds().unwrap_or(otherwise));
        if options::is_quick() {
            let idle = Duration::from_secs(2);
            Self { quiet_machine: false, rounds: 1, run: seconds(1), rate: Duration::from_secs(3), idle, starts: 5 }
        } else {
            let idle = Duration::from_secs(10);
            Self { quiet_machine: true, rounds: 6, run: seconds(5), rate: Duration::from_mins(1), idle, starts: 20 }
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [floor::ARGUMENT] => floor::run()?,
        [receiver::ARGUMENT, job] => run::report(job, receiver::measure)?,
        // Ignore `--bench`, which cargo adds, and filters.
        _ => return Ok(options::conclude(bench(&Plan::from_env()))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures and prints everything. Returns the enforced targets that were missed.
fn bench(plan: &Plan) -> io::Result<Vec<String>> {
    let scratch = process::scratch()?;
    println!("{}", target::machine());
    println!("{}", table::HEADING);
    let mut at_1000 = None;
    let mut at_1 = None;
    for clients in CLIENTS {
        match compare(&scratch, plan, clients) {
            Ok((daemon, floor)) => {
                println!("{}", table::pair(clients, &daemon, &floor));
                match clients {
                    1 => at_1 = Some(daemon),
                    1000 => at_1000 = Some((daemon, floor)),
                    _ => {}
                }
            }
            Err(error) => println!("{clients:>7}  skipped: {error}"),
        }
    }
    let extras = Extras {
        rates: rates(&scratch, plan.rate)?,
        idle: idle_wakeups(&scratch, plan.idle)?,
        idle_for: plan.idle,
        binary_bytes: std::fs::metadata(daemon::binary())?.len(),
        start: start_time(&scratch, plan.starts)?,
        starts: plan.starts,
    };
    let targets = table::targets(at_1.as_ref(), at_1000.as_ref(), &extras);
    println!("{}", target::show(&targets));
    let mut missed = target::missed(targets, plan.quiet_machine);
    if plan.quiet_machine && (at_1.is_none() || at_1000.is_none()) {
        missed.push("a run with 1 or 1000 clients was skipped".into());
    }
    Ok(missed)
}

/// Runs both servers in turns, `ABBA`, and returns the medians of each.
fn compare(scratch: &Scratch, plan: &Plan, clients: usize) -> io::Result<(Sample, Sample)> {
    let one_run = |kind| {
        let server = Running::start(scratch, kind)?;
        begin(&server, clients, plan.run)?.finish()
    };
    let samples: Vec<Vec<Sample>> = run::in_turns(&[Kind::Daemon, Kind::Floor], plan.rounds, one_run)?;
    Ok((figures::medians(&samples[0])?, figures::medians(&samples[1])?))
}

/// Starts clients that receive from a server.
fn begin(server: &Running, clients: usize, length: Duration) -> io::Result<Run> {
    Run::begin(receiver::ARGUMENT, &Job { address: server.address.clone(), clients, length, pid: server.pid })
}

/// Measures the daemon and the floor simultaneously over a longer time, so a stall of the machine affects both.
fn rates(scratch: &Scratch, length: Duration) -> io::Result<(Sample, Sample)> {
    let (daemon, floor) = (Running::start(scratch, Kind::Daemon)?, Running::start(scratch, Kind::Floor)?);
    let runs = (begin(&daemon, 100, length)?, begin(&floor, 100, length)?);
    Ok((runs.0.finish()?, runs.1.finish()?))
}

/// Counts the daemon's wake-ups without clients and camera.
fn idle_wakeups(scratch: &Scratch, length: Duration) -> io::Result<u64> {
    let server = Running::start(scratch, Kind::Daemon)?;
    proc::rest(Duration::from_millis(500));
    let before = process::voluntary_switches(server.pid)?;
    proc::rest(length);
    Ok(process::voluntary_switches(server.pid)? - before)
}

/// The median time from before `fork` to the daemon's `READY=1`.
fn start_time(scratch: &Scratch, starts: usize) -> io::Result<Duration> {
    let mut times = (0..starts)
        .map(|_| Running::start(scratch, Kind::Daemon).map(|server| server.started_within))
        .collect::<io::Result<Vec<_>>>()?;
    times.sort_unstable();
    times.get(starts / 2).copied().ok_or_else(|| io::Error::other("no start was timed"))
}
