//! Which viewers are to get the newest pictures, and in which order: round after round, so that none waits behind another.
//!
//! Not here: sending (`connection.rs` for TCP, `datagrams.rs` for UDP), and who is a viewer (`server`).

use crate::ids::ConnId;
use crate::limits::VIEWER_NOTED_EACH;
use crate::media::ring::{PacketCursor, Ring, Start};
use crate::sys::datagram;
use crate::time::Mono;

/// A viewer that gets the stream.
#[derive(Debug)]
pub struct Viewer {
    /// Its RTSP connection.
    pub conn: ConnId,
    /// How the stream gets to it.
    pub way: Way,
    /// When it was last noted that its socket takes the stream.
    noted: Mono,
}

/// How the stream gets to a viewer.
#[derive(Debug)]
pub enum Way {
    /// On its connection, which has its place in the stream.
    Tcp,
    /// As datagrams.
    Udp(Box<Udp>),
}

/// A UDP viewer.
#[derive(Debug)]
pub struct Udp {
    /// Its place in the stream.
    pub cursor: PacketCursor,
    /// Where the datagrams go.
    pub way: datagram::Way,
    /// Whether the kernel does not cut datagrams on the route to it.
    pub uncut: bool,
}

impl Way {
    /// Datagrams this way, from this picture on.
    pub fn udp(ring: &Ring, from: u64, way: datagram::Way) -> Self {
        Self::Udp(Box::new(Udp { cursor: PacketCursor::new(ring, Start::At(from), 0), way, uncut: false }))
    }
}

/// The viewers, and the round that goes on.
#[derive(Debug, Default)]
pub struct Viewers {
    list: Vec<Viewer>,
    /// The next to get something.
    at: usize,
    /// How many are still due in this round.
    due: usize,
}

impl Viewers {
    /// Adds a viewer, in place of what the connection had.
    pub fn add(&mut self, conn: ConnId, way: Way, now: Mono) {
        self.remove(conn);
        self.list.push(Viewer { conn, way, noted: now });
    }

    /// Removes a viewer.
    pub fn remove(&mut self, conn: ConnId) {
        if let Some(at) = self.list.iter().position(|viewer| viewer.conn == conn) {
            self.list.remove(at);
            self.at -= usize::from(at < self.at);
            self.due = self.due.min(self.list.len());
        }
    }

    /// All are due: there is something new, or somebody has more to get.
    pub const fn again(&mut self) {
        self.due = self.list.len();
    }

    /// Whether anybody is due.
    pub const fn are_due(&self) -> bool {
        self.due > 0
    }

    /// The next viewer that is due.
    pub fn next(&mut self) -> Option<&mut Viewer> {
        self.due = self.due.checked_sub(1)?;
        if self.at >= self.list.len() {
            self.at = 0;
        }
        self.at += 1;
        self.list.get_mut(self.at - 1)
    }

    /// A viewer's socket took some of the stream. Returns whether that is to be noted now.
    pub fn took(&mut self, conn: ConnId, now: Mono) -> bool {
        let viewer = self.list.iter_mut().find(|viewer| viewer.conn == conn);
        viewer.is_some_and(|viewer| {
            let due = now.since(viewer.noted) >= VIEWER_NOTED_EACH;
            if due {
                viewer.noted = now;
            }
            due
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn conn(slot: u16) -> ConnId {
        ConnId { slot, generation: 1 }
    }

    fn served(viewers: &mut Viewers, most: usize) -> Vec<u16> {
        (0..most).map_while(|_| viewers.next().map(|viewer| viewer.conn.slot)).collect()
    }

    #[test]
    fn a_round_reaches_everybody_and_a_new_one_begins_where_the_last_one_was_interrupted() {
        let mut viewers = Viewers::default();
        for slot in 0..5 {
            viewers.add(conn(slot), Way::Tcp, Mono::default());
        }
        assert_eq!(served(&mut viewers, 9), [0_u16; 0]);
        viewers.again();
        assert_eq!(served(&mut viewers, 3), [0, 1, 2]);
        viewers.again();
        assert_eq!(served(&mut viewers, 9), [3, 4, 0, 1, 2]);
        assert!(!viewers.are_due());
        viewers.again();
        assert_eq!(served(&mut viewers, 2), [3, 4]);
        viewers.remove(conn(3));
        assert_eq!(served(&mut viewers, 9), [0, 1, 2], "nobody is left out or served twice");
        viewers.again();
        assert_eq!(served(&mut viewers, 9), [4, 0, 1, 2]);
    }

    #[test]
    fn what_a_viewer_takes_is_noted_from_time_to_time() {
        let mut viewers = Viewers::default();
        let start = Mono::from_nanos(1);
        viewers.add(conn(1), Way::Tcp, start);
        assert!(!viewers.took(conn(1), start));
        assert!(viewers.took(conn(1), start + VIEWER_NOTED_EACH));
        assert!(!viewers.took(conn(1), start + VIEWER_NOTED_EACH));
        assert!(!viewers.took(conn(2), start + VIEWER_NOTED_EACH));
    }
}
