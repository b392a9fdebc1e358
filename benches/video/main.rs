//! Compares the daemon's video, by RTSP and by HTTP, to a floor, the minimum work that one thread can do for the same viewers: CPU time,
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
//! | `ES_IOT_BENCH_QUICK=1` | one short round, without UDP; no timing target is enforced |
//! | `ES_IOT_BENCH_SECONDS=n` | the length of one run, in seconds; default 3 |
//! | `ES_IOT_BENCH_DAEMON=path` | another build of the daemon |
//!
//! | file | contents |
//! |---|---|
//! | `camera.rs` | the camera |
//! | `floor.rs` | the floor |
//! | `server.rs` | starting the servers |
//! | `viewer.rs` | one viewer: RTSP and HTTP |
//! | `taken.rs` | what a viewer has got |
//! | `receiver.rs` | all viewers, and the measurement |
//! | `data.rs` | a client of the data stream |
//! | `page.rs` | the weight of the page |
//! | `library.rs` | parsing and packetising |
//! | `sample.rs` | the figures of one run |
//! | `table.rs` | the figures as text |
//! | `../support` | what the benchmarks share |

mod camera;
mod data;
mod floor;
mod library;
mod page;
mod receiver;
mod sample;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod taken;
mod viewer;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use receiver::Job;
use sample::Sample;
use server::{Kind, Server};
use support::run::Run;
use support::{daemon, figures, options, proc, run, target};
use table::{Data, Extras, Row};
use viewer::Transport;

/// Viewers of the long run.
const MANY: u32 = 200;
/// Pages of the run with pages.
const PAGES: u32 = 20;
/// Seconds that viewers play before they are measured.
const WARM_UP: u64 = 1;

/// The lengths and counts of the runs.
struct Plan {
    /// Whether timing targets are enforced.
    quiet_machine: bool,
    /// The numbers of viewers of each transport.
    viewers: &'static [(Transport, &'static [u32])],
    /// Runs of each server for each number of viewers.
    rounds: usize,
    /// The length of one run, in seconds.
    run: u64,
    /// The length of the run with [`MANY`] viewers, in seconds.
    long: u64,
    /// The length of the run with [`PAGES`] pages, in seconds.
    pages: u64,
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
                viewers: &[(Transport::Tcp, &[1, 50]), (Transport::Mp4, &[20])],
                rounds: 1,
                run: run(1),
                long: 3,
                pages: 2,
                data: Duration::ZERO,
                settle: Duration::from_secs(2),
                other: &[],
                parsed: 500,
            }
        } else {
            Self {
                quiet_machine: true,
                viewers: &[
                    (Transport::Tcp, &[1, 50, MANY]),
                    (Transport::Udp, &[1, 50, MANY]),
                    (Transport::Mp4, &[1, 20, 50]),
                ],
                rounds: 2,
                run: run(3),
                long: 40,
                pages: 20,
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
        [floor::ARGUMENT, job] => floor::run(job)?,
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
    for &(transport, counts) in plan.viewers {
        for &viewers in counts {
            rows.extend(compare(&daemon, plan, transport, viewers)?);
        }
    }
    other(plan);
    let wants_data = !plan.data.is_zero();
    let alone = wants_data.then(|| data::receive(daemon.data()?, plan.data)).transpose()?;
    let (pages, data_with_pages) = with_data(&daemon, Transport::Page, PAGES, plan.pages, wants_data)?;
    let (long, data_with_many) = with_data(&daemon, Transport::Tcp, MANY, plan.long, wants_data)?;
    let pages = Row { transport: Transport::Page, viewers: PAGES, kind: Kind::Daemon, sample: pages };
    println!("{}", table::row(&pages));
    let extras = Extras {
        pages,
        page: page::weigh(daemon.address(Transport::Page))?,
        long,
        long_of: (MANY, plan.long),
        data: alone.zip(data_with_pages.zip(data_with_many)).map(|(alone, (pages, many))| Data { alone, pages, many }),
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
    let (address, is_floor, pids) = (server.address(transport).to_owned(), server.is_floor, server.pids.clone());
    Run::begin(receiver::ARGUMENT, &Job { address, is_floor, transport, viewers, warm_up: WARM_UP, seconds, pids })
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

/// A longer run, and the data stream during it.
fn with_data(
    server: &Server,
    transport: Transport,
    viewers: u32,
    seconds: u64,
    wants_data: bool,
) -> io::Result<(Sample, Option<data::Stream>)> {
    let run = begin(server, transport, viewers, seconds)?;
    let data = wants_data.then(|| {
        // Until all viewers play.
        proc::rest(Duration::from_secs(WARM_UP + 1));
        data::receive(server.data()?, Duration::from_secs(seconds))
    });
    let sample = run.finish()?;
    Ok((sample, data.transpose()?))
}
