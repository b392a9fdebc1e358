//! Which viewers are to get the newest pictures, and in which order: round after round, so that none waits behind another.
//!
//! Not here: sending (`connection.rs` for TCP, `datagrams.rs` for UDP), and who is a viewer (`server`).

use crate::ids::ConnId;
use crate::media::ring::{PacketCursor, Ring, Start};
use crate::sys::datagram;

/// A viewer that gets the stream.
#[derive(Debug)]
pub struct Viewer {
    /// Its RTSP connection.
    pub conn: ConnId,
    /// How the stream gets to it.
    pub way: Way,
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
    pub route: datagram::Route,
    /// Whether the kernel does not cut datagrams on the route to it.
    pub uncut: bool,
}

impl Way {
    /// Datagrams on this route, from this picture on.
    pub fn udp(ring: &Ring, from: u64, route: datagram::Route) -> Self {
        Self::Udp(Box::new(Udp { cursor: PacketCursor::new(ring, Start::At(from), 0), route, uncut: false }))
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
    pub fn add(&mut self, conn: ConnId, way: Way) {
        self.remove(conn);
        self.list.push(Viewer { conn, way });
    }

    /// Removes a viewer.
    pub fn remove(&mut self, conn: ConnId) {
        if let Some(at) = self.list.iter().position(|viewer| viewer.conn == conn) {
            self.list.remove(at);
            self.at -= usize::from(at < self.at);
            self.due = self.due.min(self.list.len());
        }
    }

    /// All are due: there is something new, or a viewer has more to get.
    pub const fn again(&mut self) {
        self.due = self.list.len();
    }

    /// Whether any viewer is due.
    pub const fn are_due(&self) -> bool {
        self.due > 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Viewer> {
        self.list.iter()
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
            viewers.add(conn(slot), Way::Tcp);
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
        assert_eq!(served(&mut viewers, 9), [0, 1, 2], "no viewer is left out or served twice");
        viewers.again();
        assert_eq!(served(&mut viewers, 9), [4, 0, 1, 2]);
    }
}
