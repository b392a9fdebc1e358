//! The table of connections. Slots have generations, so an event for an earlier connection in the slot finds nothing.

use super::connection::Connection;
use super::stream::Stream;
use super::token::{GENERATIONS, MAX_SLOTS};
use crate::ids::ConnId;
use crate::limits::{
    HTTP_LOCAL_PLACES, HTTP_PLACES, MAX_CLIENTS, MAX_VIEWERS, REFUSED_SLOTS, REQUEST_PLACES, RTSP_SPARE_PLACES,
};

const _: () = assert!(
    MAX_CLIENTS as usize
        + 2 * REQUEST_PLACES
        + MAX_VIEWERS as usize
        + RTSP_SPARE_PLACES
        + HTTP_PLACES
        + HTTP_LOCAL_PLACES
        + REFUSED_SLOTS
        <= MAX_SLOTS as usize
);

#[derive(Debug, Default)]
struct Slot {
    generation: u16,
    tenant: Option<Connection<Stream>>,
}

/// The connections.
#[derive(Debug, Default)]
pub struct Table {
    slots: Vec<Slot>,
    free: Vec<u16>,
}

impl Table {
    /// Inserts a connection; `None` if all slots are taken. The server limits the number of connections.
    pub fn insert(&mut self, connection: Connection<Stream>) -> Option<ConnId> {
        let slot = if let Some(slot) = self.free.pop() {
            slot
        } else {
            let slot = u16::try_from(self.slots.len()).ok().filter(|&slot| slot < MAX_SLOTS)?;
            self.slots.push(Slot::default());
            slot
        };
        let entry = self.slots.get_mut(usize::from(slot))?;
        entry.generation = (entry.generation + 1) % GENERATIONS;
        entry.tenant = Some(connection);
        Some(ConnId { slot, generation: entry.generation })
    }

    /// The connection, if it still exists.
    pub fn find(&mut self, conn: ConnId) -> Option<&mut Connection<Stream>> {
        let slot = self.slots.get_mut(usize::from(conn.slot))?;
        if slot.generation == conn.generation { slot.tenant.as_mut() } else { None }
    }

    /// Removes the connection, if it still exists.
    pub fn remove(&mut self, conn: ConnId) -> Option<Connection<Stream>> {
        let slot = self.slots.get_mut(usize::from(conn.slot))?;
        if slot.generation != conn.generation {
            return None;
        }
        let tenant = slot.tenant.take()?;
        self.free.push(conn.slot);
        Some(tenant)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use mio::net::TcpStream;

    use super::*;

    #[test]
    fn an_earlier_connection_in_the_slot_is_not_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || Connection::new(Stream::Tcp(TcpStream::connect(listener.local_addr().unwrap()).unwrap()), 64);
        let mut table = Table::default();
        let first = table.insert(connect()).unwrap();
        assert!(table.remove(first).is_some());
        assert!(table.remove(first).is_none());
        let second = table.insert(connect()).unwrap();
        assert_eq!(second.slot, first.slot);
        assert!(table.find(first).is_none());
        assert!(table.find(second).is_some());
        assert!(table.find(ConnId { slot: 999, generation: 0 }).is_none());
    }
}
