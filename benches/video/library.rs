//! What no system call is part of: from the camera's bytes to pictures, and from these to packets in the ring.

use std::io;

use es_iot_server::limits::VIDEO_BUDGET_BYTES;
use es_iot_server::media::picture::{Assembler, Picture};
use es_iot_server::media::ring::{Identity, Ring};
use es_iot_server::sys::clock;

use super::camera;
use super::support::proc;

/// CPU time in nanoseconds for a megabit of video.
pub struct Cost {
    /// From bytes to pictures.
    pub parsing_ns: u64,
    /// From pictures to packets, with the copy into the ring.
    pub packetising_ns: u64,
}

/// Measures with this many seconds of video.
pub fn cost(seconds: u64) -> io::Result<Cost> {
    let megabits = (seconds * camera::SECOND_BYTES as u64 * 8 / 1_000_000).max(1);
    let parsing = run(seconds, |_| Ok(()))?;
    let mut ring = Ring::new(Ring::capacity_bytes(None, std::time::Duration::from_secs(1)), IDENTITY);
    let both = run(seconds, |picture| ring.push(picture).map(drop).map_err(io::Error::other))?;
    Ok(Cost { parsing_ns: parsing / megabits, packetising_ns: both.saturating_sub(parsing) / megabits })
}

const IDENTITY: Identity = Identity { ssrc: 1, first_sequence: 1, time_offset: 1 };

/// Assembles the pictures as the daemon does, each read at once and the pipe then empty. Returns the CPU time in nanoseconds.
fn run(seconds: u64, mut done: impl FnMut(&Picture<'_>) -> io::Result<()>) -> io::Result<u64> {
    let written = camera::pictures();
    let mut assembler = Assembler::default();
    let before = proc::cpu_ns(std::process::id())?;
    let mut pictures = 0;
    for _ in 0..seconds {
        for picture in &written {
            for chunk in picture.chunks(VIDEO_BUDGET_BYTES) {
                let mut input = chunk;
                while let Some(picture) = assembler.push(clock::mono(), &mut input) {
                    pictures += 1;
                    done(&picture)?;
                }
            }
            if let Some(picture) = assembler.drained(clock::mono()) {
                pictures += 1;
                done(&picture)?;
            }
        }
    }
    let spent = proc::cpu_ns(std::process::id())? - before;
    let wanted = seconds * camera::PER_SECOND as u64;
    if pictures + 1 < wanted {
        return Err(io::Error::other(format!("{pictures} of {wanted} pictures were assembled")));
    }
    Ok(spent)
}
