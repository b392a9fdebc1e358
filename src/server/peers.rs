//! The table of connections and their deadlines.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConnId, Peer, Service};
use crate::service::network::Network;
use crate::service::{auth, settings};
use crate::time::Mono;

/// What a connection is about.
#[derive(Debug)]
pub enum Talk {
    /// Gets the stream; what it sends is thrown away.
    Data,
    /// Reads and updates settings.
    Settings {
        /// What it has sent.
        conversation: settings::Conversation,
        /// Whether its read waits for the disk; it is not listened to meanwhile.
        awaiting: bool,
    },
    /// Tries a password.
    Auth(auth::Conversation),
    /// Has had its last reply; whatever it still sends is thrown away until it closes.
    Leaving,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// Who.
    pub conn: ConnId,
    /// The port it came to.
    pub service: Service,
    /// From where.
    pub address: Peer,
    /// What about.
    pub talk: Talk,
    /// Whether it has closed its sending side.
    pub finished: bool,
    /// Whether its socket takes nothing at the moment (of subscribers, `service::data` knows).
    pub blocked: bool,
    deadline: Option<Mono>,
    /// Whether it has no place: it was refused as it came.
    refused: bool,
}

/// The connections by slot. A slot is never trusted without its generation.
#[derive(Debug, Default)]
pub struct Connections {
    slots: Vec<Option<Connection>>,
    deadlines: BTreeSet<(Mono, ConnId)>,
    clients: usize,
    /// Places taken, by service and origin, until the connection is closed.
    taken: [usize; Service::ALL.len()],
    shares: BTreeMap<(Network, u8), usize>,
    /// Connections that have none.
    refused: usize,
}

impl Connections {
    /// Adds a connection; one that comes in leaving takes no place. One in its slot is replaced: the reactor has told of
    /// its end, or never will.
    pub fn insert(&mut self, conn: ConnId, service: Service, address: Peer, talk: Talk) {
        let slot = usize::from(conn.slot);
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        if let Some(former) = self.slots[slot].as_ref().map(|peer| peer.conn) {
            self.remove(former);
        }
        let refused = matches!(talk, Talk::Leaving);
        if refused {
            self.refused += 1;
        } else {
            self.clients += 1;
            self.taken[service as usize] += 1;
            if let Some(address) = address.address() {
                *self.shares.entry((Network::of(address), service as u8)).or_default() += 1;
            }
        }
        self.slots[slot] =
            Some(Connection { conn, service, address, talk, finished: false, blocked: false, deadline: None, refused });
    }

    /// The connection, if it is still there.
    pub fn find(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.slots.get_mut(usize::from(conn.slot))?.as_mut().filter(|peer| peer.conn == conn)
    }

    /// Takes the connection out of the table.
    pub fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        self.set_deadline(conn, None);
        let peer = self.slots.get_mut(usize::from(conn.slot))?.take_if(|peer| peer.conn == conn)?;
        self.clients -= usize::from(!matches!(peer.talk, Talk::Leaving));
        if peer.refused {
            self.refused -= 1;
        } else {
            self.taken[peer.service as usize] -= 1;
            let key = peer.address.address().map(|address| (Network::of(address), peer.service as u8));
            if let Some(key) = key
                && let Some(share) = self.shares.get_mut(&key)
            {
                *share -= 1;
                if *share == 0 {
                    self.shares.remove(&key);
                }
            }
        }
        Some(peer)
    }

    /// Has the connection leave: it is no client any more, but still there. `None` if it is gone or leaving already.
    pub fn retire(&mut self, conn: ConnId) -> Option<&Connection> {
        let peer = self.slots.get_mut(usize::from(conn.slot))?.as_mut().filter(|peer| peer.conn == conn)?;
        if matches!(peer.talk, Talk::Leaving) {
            return None;
        }
        peer.talk = Talk::Leaving;
        self.clients -= 1;
        Some(peer)
    }

    /// Sets or clears the one deadline of a connection.
    pub fn set_deadline(&mut self, conn: ConnId, deadline: Option<Mono>) {
        let Some(peer) = self.slots.get_mut(usize::from(conn.slot)).and_then(Option::as_mut) else { return };
        if peer.conn != conn {
            return;
        }
        if let Some(old) = std::mem::replace(&mut peer.deadline, deadline) {
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

    /// Connections that are being served: those that leave don't count.
    pub const fn clients(&self) -> usize {
        self.clients
    }

    /// Places of a service that are taken: by connections that are served, or that leave and are not closed yet.
    pub const fn taken(&self, service: Service) -> usize {
        self.taken[service as usize]
    }

    /// Those among them that belong to the origin of `address`.
    pub fn share_of(&self, address: Peer, service: Service) -> usize {
        let key = address.address().map(|address| (Network::of(address), service as u8));
        key.and_then(|key| self.shares.get(&key)).copied().unwrap_or_default()
    }

    /// Connections that were refused as they came, and are not closed yet.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// Served connections of an address.
    pub fn clients_of(&self, address: Peer) -> usize {
        self.iter().filter(|peer| !matches!(peer.talk, Talk::Leaving) && peer.address == address).count()
    }

    /// All connections.
    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.slots.iter().flatten()
    }
}
