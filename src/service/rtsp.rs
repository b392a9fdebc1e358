//! The RTSP service (RFC 2326): one connection's exchange with one viewer.
//!
//! [`Exchange::handle`] takes an [`Input`] and yields [`Output`]s. Bytes, time, randomness, password and the stream's
//! description come in as arguments. Replies go out as text, and what the viewer is to get as values: set up, started,
//! stopped.
//!
//! Not here: the stream itself, its packets and their clock (`media`), the table of viewers and their number, and the
//! lock-out table (`service::access`).
//!
//! | module | what it is |
//! |---|---|
//! | [`interface`] | what an exchange takes and yields |
//! | [`exchange`] | the exchange |
//! | [`request`] | bytes to requests and interleaved frames |
//! | [`session`] | states by methods |
//! | [`transport`] | the Transport header |
//! | [`digest`] | who may watch, where a password is needed |
//! | [`rejection`] | why a request is refused, and its status |
//! | [`uri`] | which URIs name the stream |

pub mod digest;
pub mod exchange;
pub mod interface;
pub mod rejection;
mod reply;
pub mod request;
pub mod session;
mod token;
pub mod transport;
pub mod uri;

pub use exchange::Exchange;
pub use interface::{Access, Context, FirstPacket, Input, Output, Reason};
pub use rejection::Rejection;
pub use transport::{Ends, Transport};
