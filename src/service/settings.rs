//! The settings service: one connection's requests, in order.

use super::requests::{Fault, Requests};
use crate::wire::ErrorCode;
use crate::wire::settings::PAYLOAD_BYTES;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Show the settings.
    Read,
    /// Change the settings to these bytes ([`crate::wire::settings::update`]).
    Update([u8; PAYLOAD_BYTES]),
}

/// The next step of a client, `None` when the client has to send more first.
///
/// # Errors
///
/// What is wrong with what it sent. After [`Fault::Refuse`] the conversation goes on.
pub fn next(requests: &mut Requests) -> Result<Option<Step>, Fault> {
    let Some(payload) = requests.next()? else { return Ok(None) };
    if payload.is_empty() {
        return Ok(Some(Step::Read));
    }
    let payload = <[u8; PAYLOAD_BYTES]>::try_from(payload).map_err(|_| Fault::Refuse(ErrorCode::BadLength))?;
    Ok(Some(Step::Update(payload)))
}
