//! The data stream's payload: one byte value and the Unix time in milliseconds.

use super::{Id, Kind, Outgoing};

/// The data packet of one tick: `value`, and `unix_ms`, the Unix time in milliseconds, as a big-endian u64.
pub const fn packet(value: u8, unix_ms: u64) -> Outgoing {
    let [a, b, c, d, e, f, g, h] = unix_ms.to_be_bytes();
    Outgoing::new(Id::Data, Kind::Response, [value, a, b, c, d, e, f, g, h])
}

/// Value and Unix time in milliseconds of a data packet's payload, `None` when it is not nine bytes long.
pub fn decode(payload: &[u8]) -> Option<(u8, u64)> {
    let (value, time) = payload.split_first()?;
    Some((*value, u64::from_be_bytes(time.try_into().ok()?)))
}
