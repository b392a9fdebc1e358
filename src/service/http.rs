//! The HTTP service (RFC 9110, RFC 9112): one connection's exchange with one client.
//!
//! [`Exchange::handle`] takes an [`Input`] and yields [`Output`]s. A request that passes every rule becomes a [`Question`];
//! other parts answer it, and the reply is framed here. A stream's bytes go out on the connection unframed, so that the
//! pictures of the ring and the shared values can be sent from where they are.
//!
//! Not here: what the answers are made of (status, settings), the streams and their pace, sessions and how a client
//! gets one, and the table of connections.
//!
//! Decided:
//!
//! * A stream is delimited by the end of its connection (RFC 9112 section 6.3), not chunked: it has no end to mark, and each
//!   picture is one system call without framing. Requests behind a stream are not read.
//! * A request that is refused before its body was read closes the connection. The client learns the reason, and no body is
//!   read for nothing.
//! * `Expect: 100-continue` is answered whether or not the body has begun to arrive, so that timing changes nothing.
//! * HTTP/1.0 clients get one reply a connection.
//! * The page is stored compressed. A client without `Accept-Encoding` gets it so, as RFC 9110 section 12.5.3 has it; one
//!   that rules gzip out gets 406.
//! * There is no `Date`: a device without a battery for its clock doesn't know it (RFC 9110 section 6.6.1), and nothing is
//!   cached by time.
//!
//! | module | what it is |
//! |---|---|
//! | [`interface`] | what an exchange takes and yields |
//! | [`answer`] | what other parts answer |
//! | [`exchange`] | the exchange |
//! | [`request`] | bytes to requests |
//! | [`route`] | paths and methods |
//! | `rules` | which requests are refused |
//! | [`host`] | `Host` and `Origin` |
//! | [`rejection`] | why a request is refused, and its status |
//! | [`mod@page`] | the page |

pub mod answer;
pub mod exchange;
pub mod host;
pub mod interface;
pub mod page;
pub mod rejection;
mod reply;
pub mod request;
pub mod route;
mod rules;

pub use answer::{Answer, Body, Content, Kind, Page, SessionCookie};
pub use exchange::Exchange;
pub use host::Hosts;
pub use interface::{Access, Call, Context, Input, Output, Question, Reason, Stream};
pub use rejection::{Rejection, Status};
