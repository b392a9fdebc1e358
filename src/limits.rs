//! Every cap, budget and time-out in the program, with its unit and its reason.
//!
//! Values that an integrator may change are in `config`. The numbers here guarantee that no peer, child or disk can grow,
//! block or starve the server.

mod http;
mod login;
mod video;

use std::time::Duration;

pub use http::*;
pub use login::*;
pub use video::*;

// --- the wire -------------------------------------------------------------------------------------------------

/// Data packets per second (docs/PROTOCOL.md).
pub const TICKS_PER_SECOND: u64 = 24;
/// The longest payload that a request may announce, in bytes. It is also the longest password.
pub const MAX_REQUEST_PAYLOAD_BYTES: u16 = 256;
/// Consecutive bytes outside a packet before a peer is disconnected.
pub const MAX_SKIPPED_BYTES: usize = 1024;
/// The time a peer has to complete a packet. On the authentication port it starts with the connection.
pub const PACKET_TIMEOUT: Duration = Duration::from_secs(5);
/// The same while less than a quarter of the port's places is free. It is enough for a program, which sends a packet in one
/// piece.
pub const PACKET_TIMEOUT_SHORT: Duration = Duration::from_secs(1);
/// The time a socket may accept no data, while data waits to be sent, before the peer is disconnected.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time a refused peer has to read its refusal and close before the server does. An immediate close would reset the
/// connection, and some systems discard received data on a reset.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

// --- access control -------------------------------------------------------------------------------------------

/// Wrong passwords within [`FAILURE_WINDOW`] before an address is locked out.
pub const MAX_FAILURES: usize = 5;
/// The window in which failures count.
pub const FAILURE_WINDOW: Duration = Duration::from_mins(1);
/// The first lock-out; each further one is twice as long.
pub const LOCKOUT_FIRST: Duration = Duration::from_secs(30);
/// The longest lock-out. An address without attempts for this long after a lock-out has a clean record again.
pub const LOCKOUT_LONGEST: Duration = Duration::from_mins(15);
/// Maximum number of addresses with remembered failures. 1024 entries use at most about 300 KB. A larger botnet evicts the
/// oldest entries that are not locked out, while the brake is on.
pub const MAX_FAILING_ADDRESSES: usize = 1024;
/// Entries beyond [`MAX_FAILING_ADDRESSES`] for addresses exempt from the brake: loopback and those with a grant.
pub const EXEMPT_ADDRESSES: usize = 64;
/// Passwords from new addresses to check right after the brake goes on: enough for the users of a site to log in.
pub const BRAKE_BURST: u32 = 20;
/// The interval between further password checks while the brake is on. 20 guesses a minute are 29,000 a day, out of
/// more than 5e20 generated passwords.
pub const BRAKE_EACH: Duration = Duration::from_secs(3);
/// The brake goes off when this few addresses are remembered. Releasing it at the first free entry would make it flap.
pub const BRAKE_OFF_ADDRESSES: usize = MAX_FAILING_ADDRESSES / 4 * 3;
/// Maximum number of grants held by addresses without a connection. Only a right password creates one.
pub const MAX_GRANTS: usize = 1024;

// --- settings -------------------------------------------------------------------------------------------------

/// The quiet time after an update before it is stored and the camera restarted. A dragged slider sends an update every 20
/// to 100 ms.
pub const SETTINGS_QUIET: Duration = Duration::from_millis(150);
/// The longest time an unbroken burst of updates is held back, so that a long drag shows an effect.
pub const SETTINGS_LONGEST_BURST: Duration = Duration::from_secs(1);
/// Camera restarts for new settings that may follow each other without delay. The first change after a quiet time shows
/// within a second, as do the next two while a user searches for the right value.
pub const APPLY_BURST: u32 = 3;
/// The interval between further such restarts. A camera takes about a second to start, so endless updates still leave half
/// of the video. The same two numbers separately limit writes of the settings file, because writes wear out flash. A read
/// that waits for such a write is delayed as long.
pub const APPLY_INTERVAL: Duration = Duration::from_secs(2);
/// The interval between retries of a failed write of the settings file.
pub const STORE_RETRY: Duration = Duration::from_mins(1);

/// The longest accepted camera settings file, in bytes. A valid one has about 150.
pub const MAX_SETTINGS_FILE_BYTES: u64 = 16 * 1024;

// --- the camera -----------------------------------------------------------------------------------------------

/// The time from SIGINT, the camera's clean stop, to SIGKILL. rpicam-vid checks for SIGINT only when a frame arrives.
pub const STOP_GRACE: Duration = Duration::from_millis(1500);
/// The time from SIGKILL to reporting a child stuck in the kernel (a camera in an uninterruptible wait).
pub const KILL_GRACE: Duration = Duration::from_secs(1);
/// The first wait after a pipeline failure; each further one is twice as long.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait after a pipeline failure.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(30);
/// A pipeline whose video still moves this long after its first video counts as healthy: the next failure waits
/// [`BACKOFF_FIRST`].
pub const BACKOFF_RESET: Duration = Duration::from_secs(30);
/// Added to the stall time until a camera's first picture. The first picture takes 0.5 to 1.2 s after the start, and
/// longer on a loaded board.
pub const STARTUP_ALLOWANCE: Duration = Duration::from_secs(5);
/// Missing pictures before a pipeline counts as stalled, whatever `camera.stall_seconds` is. A single late picture is not
/// a stall.
pub const STALL_FRAMES: u32 = 3;
/// The time video must move before the log reports it as running. Without an RTSP server, ffmpeg accepts some video and
/// fails within a second. An error line older than this, with video moving since, is not the cause of a failure.
pub const RUNNING_PROOF: Duration = Duration::from_secs(3);
/// The interval between searches for a missing camera program.
pub const REPROBE: Duration = Duration::from_mins(1);
/// The time-out of `rpicam-vid --help`, after which the program counts as one without libav.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// The smallest step of the wall clock, between two checks, that restarts the pipeline. Video causes many checks a second,
/// and slewing is far slower: 0.5 ms a second (`adjtimex(2)`), or at most 83 ms with chrony (`chrony.conf(5)`,
/// `maxslewrate`).
pub const CLOCK_STEP: Duration = Duration::from_secs(1);
/// A wall clock before 2025-01-01, in milliseconds since 1970, is not set. No device ran this software before that day, and a
/// Pi has no clock with a battery: it begins in 1970, or where its kernel or init does.
pub const CLOCK_SET_FROM_MS: u64 = 1_735_689_600_000;
/// The interval between looks at a clock that is not set, while nothing else happens.
pub const CLOCK_CHECK: Duration = Duration::from_secs(10);
/// The nice value that children get on top of the daemon's (`nice(2)`). A camera with a busy thread per core would
/// otherwise delay the data stream's ticks (docs/PERFORMANCE.md).
pub const CHILD_NICENESS: i32 = 10;
/// The last lines of each child's standard error to keep for a failure report.
pub const TAIL_LINES: usize = 20;
/// The longest kept line of a child's standard error, in bytes. Longer lines are truncated.
pub const MAX_CHILD_LINE_BYTES: usize = 300;
/// Bytes of one child's standard error to read in one step of the loop. Each line may be logged, and a step must end before
/// the next tick is late.
pub const LINE_STEP_BYTES: usize = 1024;
/// The most video to read in one step of the loop, in bytes: several pictures of 10 Mbit/s.
pub const VIDEO_BUDGET_BYTES: usize = 64 * 1024;
/// The capacity of the camera's pipe, in bytes, if the system grants it (`fs.pipe-max-size`; pipe(7)): a picture then arrives
/// whole, and the empty pipe shows its end.
pub const VIDEO_PIPE_BYTES: usize = 1024 * 1024;

// --- the loop -------------------------------------------------------------------------------------------------

/// Connections to accept from one listener in one step.
pub const ACCEPT_BUDGET: usize = 16;
/// Bytes to read from one connection in one call. The replies to that many of the smallest requests fit
/// [`MAX_UNSENT_BYTES`].
pub const READ_CHUNK_BYTES: usize = 1024;
/// Chunks to read from one connection in one turn.
pub const READ_BUDGET_CHUNKS: usize = 4;
/// Bytes per second to read from a connection whose input is discarded: the data port has no requests, and a refused client
/// has its answer. A faster client fills the kernel's buffers and has to wait.
pub const DISCARD_BYTES_PER_SECOND: u32 = 4 * 1024;
/// Bytes that such a connection may send in a burst: a greeting, or a request on the wrong port.
pub const DISCARD_BURST_BYTES: u32 = 16 * 1024;
/// Bytes per second to read from a child's standard error. ffmpeg's progress output needs 0.2 KiB, and its worst warnings,
/// a few per frame, 20 KiB.
pub const CHILD_BYTES_PER_SECOND: u32 = 64 * 1024;
/// Bytes that a child may print in a burst: the capacity of its pipe.
pub const CHILD_BURST_BYTES: u32 = 64 * 1024;
/// The pause for sources that have used up their rate: two wake-ups per second, whatever their number.
pub const REST_ROUND: Duration = Duration::from_millis(500);
/// Maximum number of unsent reply bytes for a settings or authentication peer. While there are any, reading from it stops.
pub const MAX_UNSENT_BYTES: usize = 4096;
/// Maximum number of events per turn.
pub const EVENTS_PER_TURN: usize = 256;
/// Unsent bytes in the kernel above which a subscriber's socket counts as full: four data packets. Old packets for a slow
/// subscriber are then dropped here, instead of arriving minutes late from the socket's buffer.
pub const SUBSCRIBER_UNSENT_BYTES: u32 = 64;
/// Maximum number of connections to the settings port and to the authentication port, unless `server.max_clients` is less.
/// Their clients are few or short-lived.
pub const REQUEST_PLACES: usize = 256;
/// Maximum number of refused connections that are kept open to deliver the refusal. Further ones are closed immediately.
pub const REFUSED_SLOTS: usize = 64;
/// The upper limit of `server.max_clients`. A connection's slot has 14 bits of its token, which must also cover the places
/// of the other ports and [`REFUSED_SLOTS`].
pub const MAX_CLIENTS: u16 = 15_300;
/// The length of the kernel's queue of connections that are complete but not yet accepted.
pub const LISTEN_BACKLOG: i32 = 1024;
/// How long the start waits for the listener of a Unix socket that exists already. One with room in its queue answers
/// immediately.
pub const SOCKET_CHECK_TIMEOUT: Duration = Duration::from_millis(100);
/// The pause before accepting again when the process or the system is out of descriptors or memory.
pub const ACCEPT_REST: Duration = Duration::from_millis(500);
/// Descriptors reserved for other uses than connections. At most about 35 are in use: 18 for the standard streams, event
/// queue, timers, signals, listeners, UDP ports, log and service manager; 9 for camera and publisher; 7 while one of them is being
/// started; 1 for a file being read.
pub const SPARE_DESCRIPTORS: u32 = 40;
/// The time from SIGTERM to the exit: both stages of stopping the camera, and the last write of the settings.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// TCP keep-alive: idle time in seconds, interval in seconds, and number of probes. A silent peer is dropped after their
/// total, 120 s.
pub const KEEPALIVE_SECONDS: (u32, u32, u32) = (60, 10, 6);

/// The interval between retries of a notification to the service manager. Its queue may be limited to 10 messages from all
/// units (`net.unix.max_dgram_qlen`), and a unit that is not ready in time is killed.
pub const NOTIFY_RETRY: Duration = Duration::from_secs(1);

// --- the configuration ----------------------------------------------------------------------------------------

/// The largest configuration file, in bytes. The shipped one has 1 KB; the limit catches a wrong file early.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;

// --- es-iot-ctl ----------------------------------------------------------------------------------------------

/// The default of `--timeout`: for connecting to an address, and for each reply of the data and authentication ports.
pub const CTL_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for all replies of a `get` or `set` together. A `set` reads twice, and the server may delay each read by up to
/// [`WRITE_TIMEOUT`] for its disk.
pub const CTL_SETTINGS_TIMEOUT: Duration = Duration::from_secs(25);
const _: () = assert!(CTL_SETTINGS_TIMEOUT.as_secs() > 2 * WRITE_TIMEOUT.as_secs());
/// The same for an HTTP reply, or for each picture of the video. The server answers within [`HTTP_ANSWER_TIMEOUT`].
pub const CTL_HTTP_TIMEOUT: Duration = Duration::from_secs(20);
const _: () = assert!(CTL_HTTP_TIMEOUT.as_secs() > HTTP_ANSWER_TIMEOUT.as_secs());
/// The longest head of an HTTP reply, in bytes. The server's have less than 1 KiB.
pub const CTL_MAX_HEAD_BYTES: usize = 8 * 1024;
/// The most headers of an HTTP reply. The server sends about ten.
pub const CTL_MAX_HEADERS: usize = 32;
/// The longest body of an HTTP reply other than the video, in bytes. A status has about 3 KiB.
pub const CTL_MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest `moov` or `moof`, and the longest box of a kind that is skipped, in bytes. The server's have less than 2 KiB.
pub const CTL_MAX_BOX_BYTES: usize = 64 * 1024;
/// The most pictures in a fragment of MP4. The server's have one.
pub const CTL_MAX_FRAGMENT_PICTURES: u32 = 256;

// --- the log --------------------------------------------------------------------------------------------------

/// The longest log line, in bytes. Syslog daemons truncate at 1 to 8 KiB.
pub const MAX_LOG_LINE_BYTES: usize = 1000;
/// Lines that one kind of event may log per [`LOG_WINDOW`]. Further lines are only counted.
pub const LOG_BURST: u32 = 10;
/// The window of [`LOG_BURST`].
pub const LOG_WINDOW: Duration = Duration::from_secs(10);
/// The minimum interval between attempts to reconnect to a log target.
pub const LOG_RECONNECT: Duration = Duration::from_secs(1);
/// The minimum interval between reports of lines lost at a log target. Otherwise a target that accepts only an occasional
/// line would get nothing but reports.
pub const LOG_LOSS_NOTICE: Duration = Duration::from_secs(1);
/// The longest logger name in the log, in bytes. Longer names are truncated.
pub const MAX_LOGGER_NAME_BYTES: usize = 64;
/// Kinds of events with their own rate limit. Any further kinds share one.
pub const LOG_KINDS: usize = 64;
