//! What a connection is at.

use super::asked::Asked;
use crate::service::http::interface::Reason;
use crate::time::Mono;

/// What a connection is at.
#[derive(Debug)]
pub enum State {
    /// The head of the next request.
    Head,
    /// The body of this one.
    Body(Box<Asked>),
    /// The answer to this one. Requests behind it wait: replies come in their order.
    Question(Box<Asked>, Mono),
    /// Enough replies are made for one step, or unsent; the next request waits.
    Full,
    /// Long replies, the last ones, are unsent. Why it ends then.
    Last(Reason),
    /// A stream, with the session that it was opened in.
    Stream(Option<String>),
    /// It is over.
    Over,
}
