//! Those of video: the drawn picture, the stream, RTSP.

use std::time::Duration;

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
