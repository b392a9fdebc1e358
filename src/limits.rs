//! Every cap, budget and time-out in the program, with its unit and its reason.
//!
//! Values that an integrator may change are in `config`. The numbers here guarantee that no peer, child or disk can grow,
//! block or starve the server.

mod http;

pub use http::*;

use std::time::Duration;

mod login;

pub use login::*;

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

// --- the drawn picture ----------------------------------------------------------------------------------------

/// The narrowest and the lowest picture that is drawn and that the configuration takes, in pixels: room for two lines of
/// ten characters above the clock's code.
pub const DRAWN_SHORTEST_SIDE: u32 = 64;
/// The widest picture that is drawn and that the configuration takes, in pixels: the widest of level 5.1, the highest that
/// H.264 hardware decoders commonly support.
pub const DRAWN_WIDEST: u32 = 4096;
/// The highest picture that is drawn and that the configuration takes, in pixels.
pub const DRAWN_TALLEST: u32 = 2160;
/// Pictures a second at most, drawn or configured.
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
/// Bytes that an MP4 viewer keeps allocated for the rest of a fragment, for the next time: most pictures of 10 Mbit/s. The
/// room for a larger one, up to [`MAX_PICTURE_BYTES`], is freed once it has been written.
pub const FRAGMENT_REST_KEPT_BYTES: usize = 64 * 1024;
/// Parts of one `writev` or `sendmsg`. A datagram has two: 64 datagrams, or 89 KB; a frame has two or three, unless all of
/// the newest picture's are one. Linux takes 1024 (`IOV_MAX`).
pub const GATHER_PARTS: usize = 128;
/// Datagrams of one `sendmsg` with `UDP_SEGMENT` (`UDP_MAX_SEGMENTS` was 64 until Linux 6.9).
pub const GROUP_DATAGRAMS: usize = 64;
/// Bytes of the datagrams of one such `sendmsg`: the longest UDP payload over IPv4.
pub const GROUP_BYTES: usize = 65_507;

/// The upper limit of `server.max_viewers`: their connections must fit a token's slots beside those of the other services.
pub const MAX_VIEWERS: u16 = 250;
/// Connections to the RTSP port beside those of `server.max_viewers` sessions: clients that ask for a description first,
/// probes, and viewers that come back before their old connection has ended.
pub const RTSP_SPARE_PLACES: usize = 32;
/// Unsent bytes of one viewer in the kernel above which its socket counts as full: a second of 2 Mbit/s, or a large key
/// picture. Without it, a viewer that stops reading holds 4 MB of kernel memory and sees old video later.
pub const VIEWER_KERNEL_UNSENT_BYTES: u32 = 256 * 1024;
/// Unsent bytes of replies to one RTSP client: a description and several short replies. Its requests rest meanwhile.
pub const RTSP_MAX_UNSENT_BYTES: usize = 32 * 1024;
/// Viewers to send to in one step of the loop. Each usually gets one picture with one system call: about 0.2 ms.
pub const VIEWERS_PER_STEP: usize = 16;
/// Pictures to send to one viewer in one step: one that was held up catches up, and does not hold up the others.
pub const PICTURES_PER_STEP: usize = 4;
/// How often it is noted that a viewer's socket takes the stream: several times in [`RTSP_SESSION_TIMEOUT`].
pub const VIEWER_NOTED_EACH: Duration = Duration::from_secs(10);
/// The interval between sender reports. RFC 3550 recommends 5 s for small sessions.
pub const SENDER_REPORT_EACH: Duration = Duration::from_secs(5);
/// Datagrams per second to read from the RTCP port: viewers send one a second at most, and everything else is from strangers.
pub const RTCP_PER_SECOND: u32 = 1000;
/// Datagrams that may arrive there in a burst.
pub const RTCP_BURST: u32 = 500;
/// Datagrams to read from the RTCP port in one step.
pub const RTCP_BUDGET: usize = 16;
/// Pairs of UDP ports to try: half of the ports that the kernel picks are odd, and the next one may be in use.
pub const UDP_PAIR_TRIES: usize = 64;
/// Pictures over which the status measures rate and bit rate: two seconds at the default rate.
pub const MEASURED_PICTURES: usize = 49;
/// The time without a picture from the camera until viewers see the slate.
pub const SLATE_AFTER: Duration = Duration::from_secs(1);
/// Pictures a second while the slate is shown: one is drawn, the others repeat it with some 30 bytes each. With one a second,
/// ffmpeg looks at the stream for half a minute before it shows anything, and programs built on it give up.
pub const SLATE_PICTURES_PER_SECOND: u32 = 10;

/// The longest `server.rtsp_path`, in bytes: replies and URIs repeat it.
pub const MAX_STREAM_PATH_BYTES: usize = 128;

// --- RTSP -----------------------------------------------------------------------------------------------------

/// The longest head of a request (request line and headers), in bytes; that of a real client has about 300.
pub const RTSP_MAX_HEAD_BYTES: usize = 8 * 1024;
/// The longest body of a request, in bytes. Bodies are counted off, not kept.
pub const RTSP_MAX_BODY_BYTES: usize = 4 * 1024;
/// The longest URI, in bytes: replies repeat parts of it.
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
/// How much longer than a key-frame interval PLAY waits for the next key picture: for a camera that starts, or the slate.
pub const RTSP_PLAY_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest key-frame interval that PLAY waits for. Clients are less patient than that.
pub const LONGEST_KEY_INTERVAL: Duration = Duration::from_secs(30);
/// How long a Digest challenge can be answered: programs answer within milliseconds, and one that asks a person for the
/// password is challenged again (`stale=true`) and answers that without asking.
pub const RTSP_NONCE_LIFETIME: Duration = Duration::from_secs(30);

// --- HTTP: limits/http.rs -------------------------------------------------------------------------------------

const _: () = assert!(HTTP_ANSWER_TIMEOUT.as_secs() > WRITE_TIMEOUT.as_secs());
