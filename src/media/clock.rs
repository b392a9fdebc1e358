//! The clocks of RTP: the monotonic clock as 90 kHz time, and the wall clock as NTP time for sender reports.

use crate::time::Mono;

/// Ticks of an H.264 RTP time stamp in a second (RFC 6184, section 8.2.1).
const TICKS_PER_SECOND: u64 = 90_000;
/// Seconds from NTP's start (1900) to Unix's (1970), as RFC 5905 has them.
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

/// `mono` in ticks of 90 kHz, rounded down.
pub const fn ticks(mono: Mono) -> u64 {
    let nanos = mono.as_nanos();
    let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    whole * TICKS_PER_SECOND + part * TICKS_PER_SECOND / 1_000_000_000
}

/// The RTP time stamp of `ticks`: 32 bits that wrap, after an `offset` that is random (RFC 3550, section 5.1).
#[expect(clippy::cast_possible_truncation, reason = "time stamps wrap")]
pub const fn rtp_time(ticks: u64, offset: u32) -> u32 {
    (ticks as u32).wrapping_add(offset)
}

/// Unix time in milliseconds as a 64-bit NTP time stamp: seconds since 1900, which wrap in 2036, and their fraction in
/// 2^-32 s (RFC 3550, section 4).
pub const fn ntp(unix_ms: u64) -> u64 {
    let (seconds, ms) = (unix_ms / 1000 + NTP_TO_UNIX_SECONDS, unix_ms % 1000);
    (seconds << 32) | ((ms << 32) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_are_ticks_that_wrap() {
        for (nanos, expected) in [(0, 0), (11_111, 0), (11_112, 1), (1_000_000_000, 90_000), (1_500_000_000, 135_000)] {
            assert_eq!(ticks(Mono::from_nanos(nanos)), expected, "{nanos} ns");
        }
        assert_eq!(ticks(Mono::from_nanos(u64::MAX)), 1_660_206_966_633_859);
        assert_eq!(rtp_time(90_000, 5), 90_005);
        assert_eq!(rtp_time(u64::from(u32::MAX), 2), 1);
        assert_eq!(rtp_time(1 << 32, 7), 7);
    }

    #[test]
    fn ntp_time() {
        assert_eq!(ntp(0), 0x83AA_7E80_0000_0000);
        // 2000-01-01, a quarter of a second after midnight.
        assert_eq!(ntp(946_684_800_250), 0xBC17_C200_4000_0000);
        // The 32 bits of seconds end on 2036-02-07 at 06:28:16.
        assert_eq!(ntp(2_085_978_496_000), 0);
        let _ = ntp(u64::MAX);
    }
}
