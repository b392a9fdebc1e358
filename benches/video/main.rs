//! Compares the daemon's video service to a floor, the minimum work that one thread can do for the same viewers: CPU time,
//! and the ratio. Then the figures that have no floor: delay, memory, the data stream meanwhile, and what the video costs
//! before it is sent.
//!
//! The exit code is 1 if a target is missed. A quick run is for machines with other load: it shows what it measures, but
//! enforces only what other processes hardly affect. Camera, server and viewers are separate processes (the bench runs itself
//! again, with an argument); only the server's figures count. One daemon serves all runs. It and the floor take turns in the
//! order ABBA, and every figure is the median of its rounds.
//!
//! | variable | effect |
//! |---|---|
//! | `ES_IOT_BENCH_QUICK=1` | one short round, TCP only; no timing target is enforced |
//! | `ES_IOT_BENCH_SECONDS=n` | the length of one run, in seconds; default 3 |
//! | `ES_IOT_BENCH_DAEMON=path` | another build of the daemon |
//!
//! | file | contents |
//! |---|---|
//! | `camera.rs` | the camera |
//! | `floor.rs` | the floor |
//! | `server.rs` | starting the servers |
//! | `viewer.rs` | one viewer: RTSP, and taking the stream apart |
//! | `receiver.rs` | all viewers, and the measurement |
//! | `data.rs` | a client of the data stream |
//! | `library.rs` | parsing and packetising |
//! | `sample.rs` | the figures of one run |
//! | `table.rs` | the figures as text |
//! | `../support` | what the benchmarks share |

mod camera;
mod data;
mod floor;
mod library;
mod receiver;
mod sample;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod viewer;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use receiver::Job;
use sample::Sample;
use server::{Kind, Server};
use support::run::Run;
use support::{daemon, figures, options, proc, run, target};
use table::{Extras, Row};
use viewer::Transport;

/// Viewers of the long run.
const MANY: u32 = 200;
/// Seconds that viewers play before they are measured.
const WARM_UP: u64 = 1;

/// The lengths and counts of the runs.
struct Plan {
    /// Whether timing targets are enforced.
    quiet_machine: bool,
    /// The numbers of viewers, over TCP and over UDP.
    viewers: [&'static [u32]; 2],
    /// Runs of each server for each number of viewers.
    rounds: usize,
    /// The length of one run, in seconds.
    run: u64,
    /// The length of the run with [`MANY`] viewers, in seconds.
    long: u64,
    /// The length of the run that measures the data stream without viewers.
    data: Duration,
    /// The time from the daemon's start until it is measured. It has to see some pictures before it trusts an empty pipe, and
    /// the ring's memory costs more while it is used for the first time.
    settle: Duration,
    /// The number of viewers of the other server; none if it is not run.
    other: &'static [u32],
    /// Seconds of video that are parsed and packetised.
    parsed: u64,
}

impl Plan {
    fn from_env() -> Self {
        let run = |otherwise| options::seconds().unwrap_or(otherwise);
        if options::is_quick() {
            Self {
                quiet_machine: false,
                viewers: [&[1, 50], &[]],
                rounds: 1,
                run: run(1),
                long: 3,
                data: Duration::ZERO,
                settle: Duration::from_secs(2),
                other: &[],
                parsed: 500,
            }
        } else {
            Self {
                quiet_machine: true,
                viewers: [&[1, 50, MANY], &[1, 50, MANY]],
                rounds: 2,
                run: run(3),
                long: 40,
                data: Duration::from_secs(20),
                settle: Duration::from_secs(10),
                other: &[1, 50],
                parsed: 4000,
            }
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [camera::ARGUMENT] => camera::run()?,
        [floor::ARGUMENT, transport, source, viewers] => {
            floor::run(Transport::of(transport), source, viewers.parse().map_err(io::Error::other)?)?;
        }
        [receiver::ARGUMENT, job] => run::report(job, receiver::measure)?,
        // Ignore `--bench`, which cargo adds, and filters.
        _ => return Ok(options::conclude(bench(&Plan::from_env()))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures and prints everything. Returns the enforced targets that were missed.
fn bench(plan: &Plan) -> io::Result<Vec<String>> {
    let scratch = server::scratch()?;
    println!("{}", target::machine());
    println!("{}", table::HEADING);
    let daemon = Server::daemon(&scratch)?;
    proc::rest(plan.settle);
    let mut rows = Vec::new();
    for (transport, counts) in [Transport::Tcp, Transport::Udp].into_iter().zip(plan.viewers) {
        for &viewers in counts {
            rows.extend(compare(&daemon, plan, transport, viewers)?);
        }
    }
    other(plan);
    let (long, data) = long(&daemon, plan)?;
    let extras = Extras {
        long,
        long_of: (MANY, plan.long),
        data,
        cost: library::cost(plan.parsed)?,
        binary_bytes: std::fs::metadata(daemon::binary())?.len(),
    };
    println!("{}", table::show_extras(&extras));
    let targets = table::targets(&rows, &extras);
    println!("{}", target::show(&targets));
    Ok(target::missed(targets, plan.quiet_machine))
}

/// Runs the daemon and its floors in turns, ABBA, and returns the medians of each.
fn compare(daemon: &Server, plan: &Plan, transport: Transport, viewers: u32) -> io::Result<Vec<Row>> {
    // What the camera's pipe costs shows with one viewer.
    let kinds: &[Kind] =
        if viewers == 1 { &[Kind::Daemon, Kind::Floor, Kind::PipedFloor] } else { &[Kind::Daemon, Kind::Floor] };
    let samples = run::in_turns(kinds, plan.rounds, |kind| match kind {
        Kind::Daemon => one_run(daemon, transport, viewers, plan.run),
        Kind::Floor | Kind::PipedFloor | Kind::Other => {
            one_run(&Server::start(kind, transport, viewers)?, transport, viewers, plan.run)
        }
    })?;
    let mut rows = Vec::new();
    for (&kind, samples) in kinds.iter().zip(&samples) {
        let row = Row { transport, viewers, kind, sample: figures::medians(samples)? };
        println!("{}", table::row(&row));
        rows.push(row);
    }
    println!("{}", table::ratio_row(&rows[0], &rows[1]));
    Ok(rows)
}

fn one_run(server: &Server, transport: Transport, viewers: u32, seconds: u64) -> io::Result<Sample> {
    begin(server, transport, viewers, seconds)?.finish()
}

/// Starts viewers of a server.
fn begin(server: &Server, transport: Transport, viewers: u32, seconds: u64) -> io::Result<Run> {
    let Server { address, path, pids, .. } = server;
    let (address, path) = (address.clone(), path.map(str::to_owned));
    Run::begin(
        receiver::ARGUMENT,
        &Job { address, path, transport, viewers, warm_up: WARM_UP, seconds, pids: pids.clone() },
    )
}

/// Shows the figures of the other server, if it is installed.
fn other(plan: &Plan) {
    if plan.other.is_empty() {
        return;
    }
    if let Some(missing) = server::other_is_missing() {
        println!("{}: skipped, {missing}", Kind::Other.name());
        return;
    }
    for transport in [Transport::Tcp, Transport::Udp] {
        for &viewers in plan.other {
            let server = Server::start(Kind::Other, transport, viewers);
            match server.and_then(|server| one_run(&server, transport, viewers, plan.run)) {
                Ok(sample) => println!("{}", table::row(&Row { transport, viewers, kind: Kind::Other, sample })),
                Err(error) => println!("{} {viewers:>6}  {}: {error}", transport.name(), Kind::Other.name()),
            }
        }
    }
}

/// The run with many viewers, and the data stream before and during it.
fn long(server: &Server, plan: &Plan) -> io::Result<(Sample, Option<(data::Stream, data::Stream)>)> {
    let address = server.data.as_deref().ok_or_else(|| io::Error::other("the daemon has no data stream"))?;
    let wanted = !plan.data.is_zero();
    let alone = wanted.then(|| data::receive(address, plan.data)).transpose()?;
    let run = begin(server, Transport::Tcp, MANY, plan.long)?;
    let meanwhile = wanted.then(|| {
        // Until all viewers play.
        proc::rest(Duration::from_secs(WARM_UP + 1));
        data::receive(address, Duration::from_secs(plan.long))
    });
    let sample = run.finish()?;
    Ok((sample, alone.zip(meanwhile.transpose()?)))
}
