//! Every cap, budget and time-out in the program, with its unit and its reason.
//!
//! What an integrator may change is configuration and lives in `config`; these are the numbers that keep the
//! promise that nothing a peer, a child or a disk does can grow, block or starve the server.

use std::time::Duration;

// --- the wire -------------------------------------------------------------------------------------------------

/// Data packets in a second (docs/PROTOCOL.md).
pub const TICKS_PER_SECOND: u64 = 24;
/// The longest payload a request may announce, in bytes: the longest password, with room to spare.
pub const MAX_REQUEST_PAYLOAD_BYTES: u16 = 256;
/// Bytes in a row that are no packet before a peer is given up.
pub const MAX_SKIPPED_BYTES: usize = 1024;
/// How long a peer may take to complete a packet it has begun, and on the authentication port to send it at all.
pub const PACKET_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a socket may take nothing while something waits to be sent, before its peer is closed.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a refused peer has to read its refusal and close, before the server does: closing at once would
/// reset the connection, and some systems throw away what was received before a reset.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

// --- who may speak --------------------------------------------------------------------------------------------

/// Wrong passwords within [`FAILURE_WINDOW`] before an address is locked out.
pub const MAX_FAILURES: usize = 5;
/// How far back failures count.
pub const FAILURE_WINDOW: Duration = Duration::from_mins(1);
/// The first lock-out; each further one doubles.
pub const LOCKOUT_FIRST: Duration = Duration::from_secs(30);
/// The longest lock-out. An address that keeps still for this long after one starts afresh.
pub const LOCKOUT_LONGEST: Duration = Duration::from_mins(15);
/// Addresses whose failures are remembered. 1024 entries are about 100 KB; a botnet larger than that pushes out
/// the entries that are oldest and not locked out first.
pub const MAX_FAILING_ADDRESSES: usize = 1024;
/// Addresses that hold a grant without a connection. Only a right password makes an entry.
pub const MAX_GRANTS: usize = 1024;

// --- settings -------------------------------------------------------------------------------------------------

/// After an update, the quiet time before it is stored and the camera restarted: a slider being dragged sends
/// one every 20 to 100 ms.
pub const SETTINGS_QUIET: Duration = Duration::from_millis(150);
/// The longest an unbroken burst of updates is held back, so that a long drag is still seen.
pub const SETTINGS_LONGEST_BURST: Duration = Duration::from_secs(1);
/// The least time between two writes of the settings file: flash wears out by writes.
pub const STORE_INTERVAL: Duration = Duration::from_millis(250);
/// How long until a failed write of the settings file is tried again.
pub const STORE_RETRY: Duration = Duration::from_mins(1);

/// The longest camera settings file that is read, in bytes; a good one has about 150.
pub const MAX_SETTINGS_FILE_BYTES: u64 = 16 * 1024;

// --- the camera -----------------------------------------------------------------------------------------------

/// From SIGINT, the camera's clean stop, to SIGKILL (rpicam-vid looks at SIGINT only when a frame arrives).
pub const STOP_GRACE: Duration = Duration::from_millis(1500);
/// From SIGKILL to saying that the kernel does not let a child go (a camera in an uninterruptible wait).
pub const KILL_GRACE: Duration = Duration::from_secs(1);
/// The first wait after a failed pipeline; each further one doubles.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait after a failed pipeline.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(30);
/// A pipeline that ran this long was well: the next failure begins again at [`BACKOFF_FIRST`].
pub const BACKOFF_RESET: Duration = Duration::from_secs(30);
/// How long video has to move before the log says that it runs: ffmpeg finds out within a second that there is no
/// RTSP server, after it has taken some video. What a child said longer ago than this, while video moves on, is not
/// what ends it.
pub const RUNNING_PROOF: Duration = Duration::from_secs(3);
/// How often a missing camera program is looked for again.
pub const REPROBE: Duration = Duration::from_mins(1);
/// How long `rpicam-vid --help` may take before it is taken for one without libav.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How much the wall clock has to be set by, between two looks at it, for the pipeline to be restarted. Slewing stays
/// far below, since video has it looked at many times a second: 0.5 ms a second (`adjtimex(2)`), with chrony at most
/// 83 (`chrony.conf(5)`, `maxslewrate`).
pub const CLOCK_STEP: Duration = Duration::from_secs(1);
/// Lines of the children's standard error kept for the day they fail.
pub const TAIL_LINES: usize = 20;
/// The longest line of a child's standard error that is kept, in bytes; the rest of it is cut.
pub const MAX_CHILD_LINE_BYTES: usize = 300;
/// Bytes of one child's standard error that one turn of the loop reads.
pub const LINE_BUDGET_BYTES: usize = 16 * 1024;
/// The most video that one turn of the loop moves, in bytes: the capacity of a pipe.
pub const SPLICE_BUDGET_BYTES: usize = 64 * 1024;

// --- the loop -------------------------------------------------------------------------------------------------

/// Connections accepted from one listener in one turn.
pub const ACCEPT_BUDGET: usize = 64;
/// Bytes read from one connection at once. The replies to the smallest requests in it fit [`MAX_UNSENT_BYTES`].
pub const READ_CHUNK_BYTES: usize = 1024;
/// Chunks read from one connection in one turn.
pub const READ_BUDGET_CHUNKS: usize = 4;
/// Bytes of replies that wait for a settings or authentication peer; reading from it stops while any wait.
pub const MAX_UNSENT_BYTES: usize = 4096;
/// Events taken from the kernel in one turn.
pub const EVENTS_PER_TURN: usize = 256;
/// Unsent bytes in the kernel above which a subscriber's socket counts as full: four data packets. A slow
/// subscriber then loses old packets here, instead of getting minutes-old ones out of the socket's buffer.
pub const SUBSCRIBER_UNSENT_BYTES: u32 = 64;
/// Connections beyond `server.max_clients` that are held while they are told so; above this they are just closed.
pub const REFUSED_SLOTS: usize = 64;
/// `server.max_clients` can't be more: a connection's slot has 14 bits of its token, with room for [`REFUSED_SLOTS`].
pub const MAX_CLIENTS: u16 = 16_000;
/// The queue of connections the kernel completes before the server takes them.
pub const LISTEN_BACKLOG: i32 = 1024;
/// How long accepting rests when the process or the system is out of descriptors or memory.
pub const ACCEPT_REST: Duration = Duration::from_millis(500);
/// Descriptors beside those of clients and [`REFUSED_SLOTS`]: listeners, timers, log, pipes, children.
pub const SPARE_DESCRIPTORS: u32 = 64;
/// How long after SIGTERM everything is over: the camera's two stages and the settings' last write.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// Time from the beginning of a silent peer connection's keep-alive probes to its end, in seconds: idle, interval, count.
pub const KEEPALIVE_SECONDS: (u32, u32, u32) = (60, 10, 6);

/// How long until the service manager is told again what it did not take: its queue may be as short as 10 messages of
/// all units (`net.unix.max_dgram_qlen`), and a unit that is not ready in time is killed.
pub const NOTIFY_RETRY: Duration = Duration::from_secs(1);

// --- the configuration ----------------------------------------------------------------------------------------

/// The largest configuration file, in bytes: the shipped one has 1 KB. It ends a reading of the wrong file early.
pub const MAX_CONFIG_BYTES: usize = 64 * 1024;

// --- the log --------------------------------------------------------------------------------------------------

/// The longest line that is logged, in bytes: syslog daemons cut at 1 to 8 KiB.
pub const MAX_LOG_LINE_BYTES: usize = 1000;
/// Lines that one kind of event may log in [`LOG_WINDOW`]; the rest is counted.
pub const LOG_BURST: u32 = 10;
/// The window of [`LOG_BURST`].
pub const LOG_WINDOW: Duration = Duration::from_secs(10);
/// The least time between two attempts to reach a log target that is gone.
pub const LOG_RECONNECT: Duration = Duration::from_secs(1);
/// The least time between two lines that say how many lines a log target lost: a target that takes one line now
/// and then shall not spend each on that.
pub const LOG_LOSS_NOTICE: Duration = Duration::from_secs(1);
/// The longest logger name in the log, in bytes; the rest of it is cut.
pub const MAX_LOGGER_NAME_BYTES: usize = 64;
/// Kinds of events whose lines are limited each for itself; any more share one count.
pub const LOG_KINDS: usize = 64;

// --- RTSP -----------------------------------------------------------------------------------------------------

/// The longest head of a request (request line and headers), in bytes; that of a real client has about 300.
pub const RTSP_MAX_HEAD_BYTES: usize = 8 * 1024;
/// The longest body of a request, in bytes. Bodies are counted off, not kept.
pub const RTSP_MAX_BODY_BYTES: usize = 4 * 1024;
/// The longest URI, in bytes: replies repeat parts of it up to twice.
pub const RTSP_MAX_URI_BYTES: usize = 1024;
/// The longest interleaved frame of a client that is kept, in bytes: a compound RTCP packet fits an Ethernet frame.
/// Longer ones are counted off.
pub const RTSP_MAX_FRAME_BYTES: usize = 2 * 1024;
/// Bytes that may wait behind a request whose reply is pending; the connection is not read meanwhile.
pub const RTSP_MAX_WAITING_BYTES: usize = 16 * 1024;
/// How long a request may take to be complete, and the first one of a connection to begin.
pub const RTSP_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a session lasts without a sign of life: the `timeout` of the Session header, RFC 2326's default. Clients
/// send something at half of it.
pub const RTSP_SESSION_TIMEOUT: Duration = Duration::from_mins(1);
/// How much later the session is ended: networks delay, and some clients send at the last moment.
pub const RTSP_SESSION_GRACE: Duration = Duration::from_secs(15);
/// How long DESCRIBE waits for the parameter sets of the stream. VLC and Frigate give up after 10 s, Home Assistant
/// after 5 s.
pub const RTSP_DESCRIBE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long PLAY waits for the next key picture. Camera and slate have one a second.
pub const RTSP_PLAY_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a Digest challenge can be answered: programs answer within milliseconds, and one that asks a person for the
/// password is challenged again (`stale=true`) and answers that without asking.
pub const RTSP_NONCE_LIFETIME: Duration = Duration::from_secs(30);
