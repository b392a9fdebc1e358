//! The data stream's payload: a one-byte value and the Unix time in milliseconds.

use super::{Id, Kind, Outgoing};

/// The data packet of one tick: `value`, then `unix_ms`, the Unix time in milliseconds, as a big-endian u64.
pub const fn packet(value: u8, unix_ms: u64) -> Outgoing {
    let mut payload = [value; 9];
    let (_, time) = payload.split_at_mut(1);
    time.copy_from_slice(&unix_ms.to_be_bytes());
    Outgoing::new(Id::Data, Kind::Response, payload)
}

/// The value and the Unix time in milliseconds in a data packet's payload; `None` unless it is nine bytes long.
pub fn decode(payload: &[u8]) -> Option<(u8, u64)> {
    let (value, time) = payload.split_first()?;
    Some((*value, u64::from_be_bytes(time.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn value_and_time_survive() {
        for (value, unix_ms) in [(0, 0), (5, golden::DATA_UNIX_MS), (10, 1), (u8::MAX, u64::MAX)] {
            let packet = packet(value, unix_ms);
            assert_eq!(packet.as_bytes()[..6], golden::DATA[..6]);
            assert_eq!(decode(&packet.as_bytes()[6..15]), Some((value, unix_ms)));
        }
    }

    #[test]
    fn payloads_of_any_other_length_are_rejected() {
        for length in (0..20).filter(|&length| length != 9) {
            assert_eq!(decode(&vec![1; length]), None, "{length} bytes");
        }
    }
}
