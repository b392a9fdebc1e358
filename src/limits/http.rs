//! The limits of HTTP clients.

use std::time::Duration;

use super::WRITE_TIMEOUT;

/// Connections to the HTTP port. An open page holds two, its picture and its events, and a browser keeps one or two more
/// for a while.
pub const HTTP_PLACES: usize = 160;
/// Connections beside those, to the Unix socket: a status can be had while strangers hold all others.
pub const HTTP_LOCAL_PLACES: usize = 8;
/// Reply bytes that may be unsent to one client: a picture of the largest size, behind the replies before it.
pub const HTTP_MAX_UNSENT_BYTES: usize = super::MAX_PICTURE_BYTES + 2 * HTTP_REPLIES_BYTES;
/// Different snapshots that are held for clients that have not taken them yet: at most 4 MiB.
pub const HTTP_SNAPSHOTS: usize = 4;
/// How long a client may take nothing of what it asked for, a reply or a stream.
pub const HTTP_TAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Unsent bytes in the kernel above which the socket of a reader of the events counts as full: a second of values. Older
/// ones are lost here, instead of arriving late.
pub const EVENTS_KERNEL_UNSENT_BYTES: u32 = 1024;
/// How often it is looked whether a status event is due. People notice no delay of this length.
pub const HTTP_STATUS_EACH: Duration = Duration::from_millis(200);
/// Bytes of begun fragments that are kept for slow viewers of `/video.mp4`, all together; at more than that, the viewer that
/// needs them is closed.
pub const HTTP_MAX_KEPT_BYTES: usize = 4 * super::MAX_PICTURE_BYTES;
/// The longest name in `server.http_hosts`, in bytes: the longest of DNS (RFC 1035, section 2.3.4).
pub const MAX_HOST_NAME_BYTES: usize = 253;
/// The longest head of a request (request line and headers), in bytes. A browser's has about 700, and cookies of other
/// services on the same host come with it.
pub const HTTP_MAX_HEAD_BYTES: usize = 8 * 1024;
/// The largest page, in bytes before compression. What is in it is read, checked and maintained by hand, and compressed it takes
/// 0.12 s on a link of 1 Mbit/s.
pub const HTTP_MAX_PAGE_BYTES: usize = 40_000;
/// The most headers of a request. A browser sends about 15, behind proxies about 10 more.
pub const HTTP_MAX_HEADERS: usize = 64;
/// The longest body of a request, in bytes. All six settings take about 150.
pub const HTTP_MAX_BODY_BYTES: usize = 4 * 1024;
/// The longest session cookie and the longest signature that are looked at, in bytes: 256 bits and a counter in
/// hexadecimal digits fit.
pub const HTTP_MAX_TOKEN_BYTES: usize = 128;
/// How long a request may take to be complete, and the first one of a connection to begin.
pub const HTTP_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept between requests. Prometheus asks every 15 s in many installations; a place is scarcer
/// than a handshake.
pub const HTTP_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the other parts have for an answer. Settings may wait [`WRITE_TIMEOUT`](super::WRITE_TIMEOUT) for the disk.
pub const HTTP_ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests on one connection, as in nginx: a client that never closes its connection has to compete for a place again.
pub const HTTP_MAX_REQUESTS: u32 = 1000;
/// Bytes that may wait behind a request whose answer is pending; the connection is not read meanwhile.
pub const HTTP_MAX_WAITING_BYTES: usize = 16 * 1024;
/// Replies after which further requests of the same client wait for the next step of the loop. The status is the most work,
/// an estimated millisecond on a Raspberry Pi Zero.
pub const HTTP_REPLIES_PER_STEP: u32 = 4;
/// Bytes of replies after which further requests wait until the replies are sent. With one more reply, the largest of
/// which is a picture, this is the most that is unsent.
pub const HTTP_REPLIES_BYTES: usize = 32 * 1024;

const _: () = assert!(HTTP_ANSWER_TIMEOUT.as_secs() > WRITE_TIMEOUT.as_secs());
