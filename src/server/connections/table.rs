//! The table of connections, the places that they take, and their deadlines.
//!
//! Not here: what follows from a connection's end (`connections.rs`).

use std::collections::BTreeSet;

use super::conversation::Conversation;
use crate::ids::{ConnId, Peer, Service};
use crate::service::network::Network;
use crate::sorted::SortedMap;
use crate::time::Mono;

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// Its id.
    pub conn: ConnId,
    /// The service it came for.
    pub service: Service,
    /// Its other end.
    pub peer: Peer,
    /// What it is about.
    pub conversation: Conversation,
    /// Whether it has closed its sending side.
    pub finished: bool,
    /// Whether its socket takes nothing at the moment (for subscribers, `service::data` keeps this).
    pub blocked: bool,
    deadline: Option<Mono>,
    /// Whether it has no place: it was refused as it came.
    refused: bool,
}

/// Whose places: those of a network at a service.
type Share = (Network, u8);

/// None for a local peer.
fn share(peer: Peer, service: Service) -> Option<Share> {
    peer.address().map(|address| (Network::of(address), service as u8))
}

/// The connections by slot. A slot is never trusted without its generation.
#[derive(Debug, Default)]
pub struct Table {
    slots: Vec<Option<Connection>>,
    deadlines: BTreeSet<(Mono, ConnId)>,
    /// Places taken, until the connection is closed.
    taken: [usize; Service::ALL.len()],
    /// The same by network and service.
    shares: SortedMap<Share, usize>,
    /// Connections that have none.
    refused: usize,
}

impl Table {
    /// Adds a connection. One whose conversation is over already takes no place. A former one in its slot is replaced:
    /// the reactor has reported its end, or never will.
    pub fn insert(&mut self, conn: ConnId, service: Service, peer: Peer, conversation: Conversation) {
        let slot = usize::from(conn.slot);
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        if let Some(former) = self.slots[slot].as_ref().map(|former| former.conn) {
            self.remove(former);
        }
        let refused = conversation.is_over();
        if refused {
            self.refused += 1;
        } else {
            self.taken[service as usize] += 1;
            if let Some(share) = share(peer, service) {
                *self.shares.or_default(share) += 1;
            }
        }
        self.slots[slot] = Some(Connection {
            conn,
            service,
            peer,
            conversation,
            finished: false,
            blocked: false,
            deadline: None,
            refused,
        });
    }

    /// The connection, if it is still there.
    pub fn find(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.slots.get_mut(usize::from(conn.slot))?.as_mut().filter(|found| found.conn == conn)
    }

    /// Takes the connection out of the table.
    pub fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        self.set_deadline(conn, None);
        let connection = self.slots.get_mut(usize::from(conn.slot))?.take_if(|found| found.conn == conn)?;
        if connection.refused {
            self.refused -= 1;
            return Some(connection);
        }
        self.taken[connection.service as usize] -= 1;
        if let Some(share) = share(connection.peer, connection.service)
            && let Some(count) = self.shares.get_mut(&share)
        {
            *count -= 1;
            if *count == 0 {
                self.shares.remove(&share);
            }
        }
        Some(connection)
    }

    /// Ends the conversation of a connection: it is no client any more, but still there. `None` if it is gone or its
    /// conversation is over already.
    pub fn finish(&mut self, conn: ConnId) -> Option<&Connection> {
        let connection = self.find(conn).filter(|connection| !connection.conversation.is_over())?;
        connection.conversation = Conversation::Over;
        Some(connection)
    }

    /// Sets or clears the one deadline of a connection.
    pub fn set_deadline(&mut self, conn: ConnId, deadline: Option<Mono>) {
        let Some(connection) = self.find(conn) else { return };
        let old = std::mem::replace(&mut connection.deadline, deadline);
        if let Some(old) = old {
            self.deadlines.remove(&(old, conn));
        }
        if let Some(new) = deadline {
            self.deadlines.insert((new, conn));
        }
    }

    /// The deadline of a connection.
    pub fn deadline_of(&mut self, conn: ConnId) -> Option<Mono> {
        self.find(conn)?.deadline
    }

    /// The earliest deadline of all.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// The connection whose deadline has been passed the longest, if any has; its deadline is cleared.
    pub fn overdue(&mut self, now: Mono) -> Option<ConnId> {
        let &(at, conn) = self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.set_deadline(conn, None);
        Some(conn)
    }

    /// Connections whose conversation goes on.
    pub fn clients(&self) -> usize {
        self.iter().count()
    }

    /// Places of a service that are taken: by clients, and by connections that are over and not closed yet.
    pub const fn taken(&self, service: Service) -> usize {
        self.taken[service as usize]
    }

    /// Those among them that belong to the network of `peer`; a local peer has none.
    pub fn share_of(&self, peer: Peer, service: Service) -> usize {
        share(peer, service).and_then(|share| self.shares.get(&share)).copied().unwrap_or_default()
    }

    /// Connections that were refused as they came, and are not closed yet.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// The connections whose conversation goes on.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().flatten().filter(|connection| !connection.conversation.is_over())
    }
}
