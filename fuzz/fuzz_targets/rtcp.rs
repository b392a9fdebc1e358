//! RTCP from strangers: any datagram is read in as many steps as it can have packets, and nothing panics.
//!
//! `cargo +nightly fuzz run rtcp`

#![no_main]

use es_iot_server::media::rtcp::{Heard, heard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let items: Vec<_> = heard(input, 0x0102_0304).collect();
    assert!(items.len() <= input.len().div_ceil(4));
    let damaged = items.iter().position(Result::is_err);
    assert!(damaged.is_none_or(|at| at + 1 == items.len()), "something was read behind damage");
    for item in items.into_iter().flatten() {
        let Heard::Report { reception: Some(reception), .. } = item else { continue };
        assert!((-0x80_0000..0x80_0000).contains(&reception.lost));
    }
});
