//! A stand-in for `rpicam-vid`, for tests on machines without a camera.
//!
//! It takes exactly the options that the daemon passes and refuses others as the real one does, plays H.264 from a
//! fixture in real time, and looks at SIGINT only when a frame arrives. Like the real one it has no SIGTERM handler,
//! writes in a thread that the signal does not reach, so that no frame arrives while that is stuck, and aborts when its
//! reader goes away.
//!
//! `ES_STANDIN` chooses faults, separated by commas, some with a number: `crash:48`. The first line of the file named
//! by `ES_STANDIN_FILE`, if it can be read, is used in its place, so that a test can change it between two starts.
//! `ES_STANDIN_LOG` names a file that gets one line an event: `help PID`, `start PID ARGV...`, `stop PID REASON`.
//!
//! | fault | behaviour |
//! |---|---|
//! | `absent` | no camera is connected |
//! | `busy`, `busy-acquire` | another process has the camera, in both wordings |
//! | `no-encoder`, `no-encoder-v4l2` | wrong build, wrong board |
//! | `silent:N` | hangs after N frames (0): no frames, so no SIGINT either |
//! | `timeout-loop:N` | the same, complaining for ever |
//! | `crash:N`, `exit:N` | aborts, or exits with 1, after N frames (0) |
//! | `ignore-sigint` | plays on |
//! | `exit-during-stop` | exits with 1 on SIGINT |
//! | `slow-stop:MS` | takes this long (1000) to stop, without frames |
//! | `flood-stderr:N` | N lines (100) on standard error with each frame |
//! | `cameras:N` | so many cameras are connected (1) |
//! | `libav` | knows `--low-latency` and `--libav-format`, and insists on the latter |
//! | `help-hang` | `--help` never ends |
//! | `startup:MS` | first frame after this long (500) |

#![expect(clippy::disallowed_methods, reason = "a program of its own: it waits, reads the clock and exits")]

mod options;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use options::{FLAGS, Options, VALUES, parse};

/// 96 frames of ffmpeg's testsrc2, 160x120, baseline, a key frame with SPS and PPS every 24, one slice a frame.
const CLIP: &[u8] = include_bytes!("clip.h264");

/// The faults chosen for this start.
struct Faults(Vec<(String, Option<u64>)>);

impl Faults {
    fn chosen() -> Self {
        let of_file = std::env::var_os("ES_STANDIN_FILE").and_then(|path| std::fs::read_to_string(path).ok());
        let text = of_file.or_else(|| std::env::var("ES_STANDIN").ok()).unwrap_or_default();
        let words = text.lines().next().unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
        Self(words.map(Self::word).collect())
    }

    fn word(word: &str) -> (String, Option<u64>) {
        let (name, number) = word.split_once(':').map_or((word, None), |(name, number)| (name, number.parse().ok()));
        (name.to_owned(), number)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The fault's number, `default` when it has none.
    fn number(&self, name: &str, default: u64) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, number)| number.unwrap_or(default))
    }

    fn after(&self, name: &str, frame: u64) -> bool {
        self.number(name, 0).is_some_and(|number| frame >= number)
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_sigint(_: i32) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

fn main() {
    // SAFETY: the handler only stores to an atomic, which is async-signal-safe.
    unsafe { signal(Signal::SIGINT, SigHandler::Handler(on_sigint)) }.expect("SIGINT can be handled");
    let faults = Faults::chosen();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = parse(&arguments, faults.has("libav")).unwrap_or_else(|why| fail(&why));
    if options.help {
        help(&faults);
    }
    log(&format!("start {} {}", process::id(), arguments.join(" ")));
    refuse_to_start(&faults, &options);
    play(&faults, &options);
}

fn help(faults: &Faults) -> ! {
    log(&format!("help {}", process::id()));
    println!("Valid options are:");
    for (name, text) in FLAGS {
        println!("  {name:30} {text}");
    }
    for (name, _) in VALUES {
        println!("  {name} arg");
    }
    if faults.has("libav") {
        println!("  --libav-format arg             Override the output format used by libav");
        println!("  --low-latency [=arg(=1)] (=0)  Enables the libav/libx264 low latency presets");
    }
    if faults.has("help-hang") {
        hang();
    }
    process::exit(0);
}

fn refuse_to_start(faults: &Faults, options: &Options) {
    let refusals = [
        ("absent", "no cameras available"),
        ("busy-acquire", "failed to acquire camera /base/soc/i2c0mux/i2c@1/imx219@10"),
        ("no-encoder", "Unable to find an appropriate H.264 codec"),
        ("no-encoder-v4l2", "failed to open V4L2 H264 encoder"),
    ];
    if faults.has("busy") {
        eprintln!("[0:00:01.000000] [1] ERROR Camera camera.cpp:1023 Pipeline handler in use by another process");
        fail("failed to acquire camera /base/soc/i2c0mux/i2c@1/imx219@10");
    }
    if let Some((_, text)) = refusals.iter().find(|(fault, _)| faults.has(fault)) {
        fail(text);
    }
    if options.camera >= faults.number("cameras", 1).unwrap_or(1) {
        fail("selected camera is not available");
    }
    if faults.has("libav") && !options.libav_format {
        fail("libav: unable to determine output format of '-'");
    }
}

fn play(faults: &Faults, options: &Options) -> ! {
    let units = access_units();
    let startup = Duration::from_millis(faults.number("startup", 500).unwrap_or(500));
    let begun = Instant::now() + startup;
    let (frames, written) = writer();
    for frame in 0_u64.. {
        #[expect(clippy::cast_precision_loss, reason = "2^52 frames take a while")]
        let due = begun + Duration::from_secs_f64(frame as f64 / options.framerate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if frame > 0 {
            written.recv().expect("the writer ends the process or goes on");
        }
        misbehave(faults, frame);
        if INTERRUPTED.load(Ordering::Relaxed) && !faults.has("ignore-sigint") {
            stop(faults);
        }
        if options.timeout_ms > 0 && begun.elapsed() >= Duration::from_millis(options.timeout_ms) {
            leave(0, "timeout");
        }
        let unit = units[usize::try_from(frame).unwrap_or_default() % units.len()];
        frames.send(unit).expect("the writer ends the process or goes on");
    }
    unreachable!("there is always a next frame");
}

/// The thread that writes: where frames go, and what comes back once one is written.
fn writer() -> (SyncSender<&'static [u8]>, Receiver<()>) {
    let ((frames, to_write), (written, done)) = (sync_channel::<&[u8]>(1), sync_channel(1));
    let interrupt = SigSet::from(Signal::SIGINT);
    interrupt.thread_block().expect("SIGINT can be blocked");
    thread::spawn(move || {
        // Not through the standard library's buffer, which ends at each byte that is a line feed.
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned().expect("standard output is open"));
        for unit in to_write {
            if output.write_all(unit).and_then(|()| output.flush()).is_err() {
                eprintln!("terminate called after throwing an instance of 'std::runtime_error'");
                eprintln!("  what():  failed to write output bytes");
                log(&format!("stop {} reader-gone", process::id()));
                process::abort();
            }
            written.send(()).expect("frames are made until the process ends");
        }
    });
    interrupt.thread_unblock().expect("SIGINT can be let through");
    (frames, done)
}

/// What goes wrong when this frame is due.
fn misbehave(faults: &Faults, frame: u64) {
    if faults.after("crash", frame) {
        log(&format!("stop {} crash", process::id()));
        process::abort();
    }
    if faults.after("exit", frame) {
        leave(1, "exit");
    }
    if faults.after("silent", frame) {
        hang();
    }
    while faults.after("timeout-loop", frame) {
        eprintln!(
            "[0:00:01.000000] [1] WARN V4L2 v4l2_videodevice.cpp:2007 Dequeue timer of 1000000.00us has expired!"
        );
        eprintln!("ERROR: *** Device timeout detected, attempting a restart!!! ***");
        thread::sleep(Duration::from_millis(500));
    }
    for line in 0..faults.number("flood-stderr", 100).unwrap_or_default() {
        eprintln!("frame {frame}, line {line}: nothing to see here, and it goes on and on and on");
    }
}

fn stop(faults: &Faults) -> ! {
    if let Some(wait) = faults.number("slow-stop", 1000) {
        thread::sleep(Duration::from_millis(wait));
    }
    if faults.has("exit-during-stop") {
        leave(1, "sigint");
    }
    leave(0, "sigint")
}

fn hang() -> ! {
    loop {
        thread::sleep(Duration::from_hours(1));
    }
}

/// Refuses as rpicam-apps do.
fn fail(text: &str) -> ! {
    eprintln!("ERROR: *** {text} ***");
    leave(255, "error")
}

fn leave(code: i32, reason: &str) -> ! {
    log(&format!("stop {} {reason}", process::id()));
    process::exit(code)
}

/// Appends one line with a single write, so that lines of two processes don't mix.
fn log(line: &str) {
    let Some(path) = std::env::var_os("ES_STANDIN_LOG") else { return };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        eprintln!("ES_STANDIN_LOG: {error}");
    }
}

/// The fixture cut into access units: each ends with its slice (NAL unit types 1 and 5, H.264 table 7-1).
fn access_units() -> Vec<&'static [u8]> {
    let mut units = Vec::new();
    let (mut begin, mut has_slice) = (0, false);
    for at in 0..CLIP.len().saturating_sub(3) {
        if CLIP[at..at + 3] != [0, 0, 1] {
            continue;
        }
        let start = if at > 0 && CLIP[at - 1] == 0 { at - 1 } else { at };
        if has_slice {
            units.push(&CLIP[begin..start]);
            begin = start;
        }
        has_slice = matches!(CLIP[at + 3] & 31, 1 | 5);
    }
    units.push(&CLIP[begin..]);
    units
}
