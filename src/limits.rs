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
/// The same while less than a quarter of the port's places is free: enough for a program, which sends what it has at once.
pub const PACKET_TIMEOUT_SHORT: Duration = Duration::from_secs(1);
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
/// Addresses whose failures are remembered. 1024 entries are about 300 KB at most. A botnet larger than that pushes out the
/// oldest entries that are not locked out, with the brake on.
pub const MAX_FAILING_ADDRESSES: usize = 1024;
/// Entries beyond [`MAX_FAILING_ADDRESSES`] for addresses that the brake is not for: loopback, and those with a grant.
pub const EXEMPT_ADDRESSES: usize = 64;
/// Passwords from new addresses that are looked at as the brake goes on: enough for the people of a site to log in.
pub const BRAKE_BURST: u32 = 20;
/// The time until one more password is looked at while the brake is on: 20 guesses a minute are 29 000 a day, against
/// the 5e20 of a generated password.
pub const BRAKE_EACH: Duration = Duration::from_secs(3);
/// The brake goes off once so few addresses are remembered: at the first free entry it would flap.
pub const BRAKE_OFF_ADDRESSES: usize = MAX_FAILING_ADDRESSES / 4 * 3;
/// Addresses that hold a grant without a connection. Only a right password makes an entry.
pub const MAX_GRANTS: usize = 1024;

// --- settings -------------------------------------------------------------------------------------------------

/// After an update, the quiet time before it is stored and the camera restarted: a slider being dragged sends
/// one every 20 to 100 ms.
pub const SETTINGS_QUIET: Duration = Duration::from_millis(150);
/// The longest an unbroken burst of updates is held back, so that a long drag is still seen.
pub const SETTINGS_LONGEST_BURST: Duration = Duration::from_secs(1);
/// Restarts of the camera for new settings that may follow each other without delay. One change after quiet shows within
/// a second, and so do the next two of someone who looks for the right value.
pub const APPLY_BURST: u32 = 3;
/// How long until one more such restart: a camera takes about a second to start, so updates without end still leave half
/// of the video. Writes of the settings file are limited by the same two numbers, each kind for itself, since flash wears
/// out by writes; a read that waits for such a write waits as long.
pub const APPLY_INTERVAL: Duration = Duration::from_secs(2);
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
/// A pipeline whose video still moves this long after its first was well: the next failure begins again at
/// [`BACKOFF_FIRST`].
pub const BACKOFF_RESET: Duration = Duration::from_secs(30);
/// What a stall's time is longer by while the first picture of a camera is awaited. It comes 0.5 to 1.2 s after the
/// start; a loaded board takes longer.
pub const STARTUP_ALLOWANCE: Duration = Duration::from_secs(5);
/// Pictures that have to fail to come before a pipeline counts as stalled, whatever `camera.stall_seconds` is: one late
/// picture is no stall.
pub const STALL_FRAMES: u32 = 3;
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
/// How much nicer than the daemon its children are (`nice(2)`). A camera with a busy thread for each core otherwise
/// takes the data stream's ticks (docs/PERFORMANCE.md).
pub const CHILD_NICENESS: i32 = 10;
/// Lines of each child's standard error kept for the day they fail.
pub const TAIL_LINES: usize = 20;
/// The longest line of a child's standard error that is kept, in bytes; the rest of it is cut.
pub const MAX_CHILD_LINE_BYTES: usize = 300;
/// Bytes of one child's standard error that one step of the loop reads: a step ends before the next tick is late, though each
/// line may be written to a log.
pub const LINE_STEP_BYTES: usize = 1024;
/// The most video that one turn of the loop moves, in bytes: the capacity of a pipe.
pub const SPLICE_BUDGET_BYTES: usize = 64 * 1024;

// --- the loop -------------------------------------------------------------------------------------------------

/// Connections accepted from one listener in one step.
pub const ACCEPT_BUDGET: usize = 16;
/// Bytes read from one connection at once. The replies to the smallest requests in it fit [`MAX_UNSENT_BYTES`].
pub const READ_CHUNK_BYTES: usize = 1024;
/// Chunks read from one connection in one turn.
pub const READ_BUDGET_CHUNKS: usize = 4;
/// Bytes a second that are read of a connection whose bytes are thrown away: the data port has no requests, and a refused
/// client has had its answer. The kernel's buffers do the rest: they fill up, and the client has to wait.
pub const DISCARD_BYTES_PER_SECOND: u32 = 4 * 1024;
/// Bytes that such a connection may send at once: a greeting, or a request on the wrong port.
pub const DISCARD_BURST_BYTES: u32 = 16 * 1024;
/// Bytes a second that are read of a child's standard error: ffmpeg's progress takes 0.2 KiB of it, and its worst warnings,
/// a few for each frame, 20.
pub const CHILD_BYTES_PER_SECOND: u32 = 64 * 1024;
/// Bytes that a child may print at once: what its pipe holds.
pub const CHILD_BURST_BYTES: u32 = 64 * 1024;
/// How long sources rest that have used up their rate: two wake-ups a second, however many they are.
pub const REST_ROUND: Duration = Duration::from_millis(500);
/// Bytes of replies that wait for a settings or authentication peer; reading from it stops while any wait.
pub const MAX_UNSENT_BYTES: usize = 4096;
/// Events taken from the kernel in one turn.
pub const EVENTS_PER_TURN: usize = 256;
/// Unsent bytes in the kernel above which a subscriber's socket counts as full: four data packets. A slow
/// subscriber then loses old packets here, instead of getting minutes-old ones out of the socket's buffer.
pub const SUBSCRIBER_UNSENT_BYTES: u32 = 64;
/// Places of the settings port, and of the authentication port, unless `server.max_clients` is less: their clients come and
/// go, or are few.
pub const REQUEST_PLACES: usize = 256;
/// Connections that are held while they are told that they are refused; above this they are just closed.
pub const REFUSED_SLOTS: usize = 64;
/// `server.max_clients`, the places of the data port, can't be more: a connection's slot has 14 bits of its token, with
/// room for the places of the other ports and [`REFUSED_SLOTS`].
pub const MAX_CLIENTS: u16 = 15_500;
/// The queue of connections the kernel completes before the server takes them.
pub const LISTEN_BACKLOG: i32 = 1024;
/// How long accepting rests when the process or the system is out of descriptors or memory.
pub const ACCEPT_REST: Duration = Duration::from_millis(500);
/// Descriptors that are not for connections, however low the limit is. About 30 are in use at most: the standard ones,
/// queue, timers, signals, listeners, log and service manager 13, camera and publisher 9, while one of them is started 7,
/// a file that is read 1.
pub const SPARE_DESCRIPTORS: u32 = 40;
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

// --- es-iot-ctl ----------------------------------------------------------------------------------------------

/// How long connecting to an address may take, and then each reply of the data and authentication ports, if `--timeout`
/// does not say otherwise.
pub const CTL_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for all replies of a `get` or `set` together. A `set` reads twice, and the server may let each read wait for
/// its disk for [`WRITE_TIMEOUT`].
pub const CTL_SETTINGS_TIMEOUT: Duration = Duration::from_secs(25);
const _: () = assert!(CTL_SETTINGS_TIMEOUT.as_secs() > 2 * WRITE_TIMEOUT.as_secs());

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

// --- the drawn picture ----------------------------------------------------------------------------------------

/// The narrowest and the lowest picture that is drawn, in pixels: the least that the configuration takes, and room for
/// two lines of ten characters above the clock's code.
pub const DRAWN_SHORTEST_SIDE: u32 = 64;
/// The widest picture that is drawn, in pixels, as in the configuration.
pub const DRAWN_WIDEST: u32 = 4096;
/// The highest picture that is drawn, in pixels, as in the configuration.
pub const DRAWN_TALLEST: u32 = 2160;
/// Pictures a second at most, as in the configuration.
pub const DRAWN_FASTEST: u32 = 120;
/// Characters of a slate's words, or of its host name, that are shown; the rest is cut. The supervisor's longest reason
/// has fewer, and more than this is not legible on a small picture.
pub const SLATE_TEXT_CHARACTERS: usize = 240;

// --- video ----------------------------------------------------------------------------------------------------

/// The longest NAL unit, in bytes. A key picture of 1080p at 25 Mbit/s has 300 to 700 KB, and may be one slice.
pub const MAX_UNIT_BYTES: usize = 768 * 1024;
/// The largest picture with its parameter sets, in bytes, as the ring holds it: half of the smallest ring.
pub const MAX_PICTURE_BYTES: usize = 1024 * 1024;
/// Slices and SEI units a picture. 1080p has 68 rows of macroblocks, and encoders seldom make more than a slice a row.
pub const MAX_PICTURE_UNITS: u32 = 128;
/// The longest SPS or PPS, in bytes. Every scaling list and a full HRD make about 900.
pub const MAX_PARAMETER_SET_BYTES: usize = 1024;
/// PPSs remembered beside the SPS. Encoders in cameras write one, a few hardware encoders two or three.
pub const MAX_PPS: usize = 4;
/// Pictures in a row that end where the pipe was drained before a drain closes a picture.
pub const DRAIN_TRUST_PICTURES: u32 = 8;
/// Each wrong cut at a drain makes [`DRAIN_TRUST_PICTURES`] four times as many, up to this: 45 minutes at 24 pictures a
/// second.
pub const DRAIN_TRUST_MOST_PICTURES: u32 = 65_536;
/// The shortest quiet time that closes a picture: a busy machine held a writer up for 3 ms in 1 of 60 pictures.
pub const QUIET_LEAST: Duration = Duration::from_millis(10);
/// The quiet time of an unknown writer. A block of 32 KiB, the largest that is common, has 13 pictures at 0.5 Mbit/s.
pub const QUIET_FIRST: Duration = Duration::from_secs(1);
/// The longest quiet time. In effect none: the next picture comes first.
pub const QUIET_LONGEST: Duration = Duration::from_mins(1);
/// Pictures without a long gap inside after which the quiet time is halved.
pub const QUIET_HALVED_AFTER_PICTURES: u32 = 16;
/// The longest RTP payload, in bytes: with the headers of RTP, UDP and IPv6, 1460 of Ethernet's 1500, so that a tunnel
/// still fits.
pub const MAX_RTP_PAYLOAD_BYTES: usize = 1400;
/// The smallest ring, in bytes: any picture, and room for the one before it.
pub const RING_LEAST_BYTES: usize = 2 * MAX_PICTURE_BYTES;
/// The largest ring, in bytes: two seconds of 32 Mbit/s. A Raspberry Pi Zero has 512 MB for everything.
pub const RING_MOST_BYTES: usize = 8 * 1024 * 1024;
/// What the ring is sized for if no bit rate is configured, in bits a second: the default of a Raspberry Pi's encoder.
pub const RING_ASSUMED_BITS_PER_SECOND: u32 = 10_000_000;
/// Pictures in the ring: two key-frame intervals of x264's default, 250. They count when pictures are tiny.
pub const RING_PICTURES: usize = 512;
/// Packets in the ring, which take 28 bytes each: a full ring of full packets has 6000.
pub const RING_PACKETS: usize = 16 * 1024;
/// Pictures that a viewer may be behind before it goes on at a newer key picture: a second at the default rate.
pub const VIEWER_BEHIND_PICTURES: u64 = 24;
/// Parts of one `writev` or `sendmsg`. Two a packet: 64 packets, or 89 KB. Linux takes 1024 (`IOV_MAX`).
pub const GATHER_PARTS: usize = 128;
/// Datagrams of one `sendmsg` with `UDP_SEGMENT` (`UDP_MAX_SEGMENTS` was 64 until Linux 6.9).
pub const GROUP_DATAGRAMS: usize = 64;
/// Bytes of the datagrams of one such `sendmsg`: the longest UDP payload over IPv4.
pub const GROUP_BYTES: usize = 65_507;
