//! Key pictures that are sent as files. Clients that ask for the same picture share its bytes.

use crate::frame::Shared;
use crate::limits::HTTP_SNAPSHOTS;
use crate::media::ring::Ring;

/// Those that clients may still be taking.
#[derive(Debug, Default)]
pub struct Snapshots {
    /// The number of the newest one.
    number: u64,
    list: Vec<Shared>,
}

impl Snapshots {
    /// The newest key picture; `None` if there is none, or clients hold too many different ones.
    pub fn newest(&mut self, ring: &Ring) -> Option<Shared> {
        let number = ring.newest_key()?;
        if number == self.number
            && let Some(newest) = self.list.last()
        {
            return Some(newest.clone());
        }
        self.list.retain(|snapshot| !snapshot.is_unique());
        if self.list.len() >= HTTP_SNAPSHOTS {
            return None;
        }
        let snapshot = Shared::new(ring.snapshot()?);
        self.number = number;
        self.list.push(snapshot.clone());
        Some(snapshot)
    }
}
