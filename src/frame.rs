//! The unit of output on a connection. A frame is written in one piece if the socket accepts it, and never interleaved with
//! another.
//!
//! Not here: the contents (`wire`, `service`) and sending (`reactor::connection`).

use std::rc::Rc;

use crate::wire::Outgoing;

/// One unit of output to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A packet of the binary protocol, stored by value.
    Packet(Outgoing),
    /// A text for one peer, such as the header of a reply.
    Text(Box<str>),
    /// Bytes shared by many peers.
    Shared(Shared),
}

impl Frame {
    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Packet(packet) => packet.as_bytes(),
            Self::Text(text) => text.as_bytes(),
            Self::Shared(shared) => shared.as_bytes(),
        }
    }
}

impl From<Outgoing> for Frame {
    fn from(packet: Outgoing) -> Self {
        Self::Packet(packet)
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::Text(text.into_boxed_str())
    }
}

impl From<Shared> for Frame {
    fn from(shared: Shared) -> Self {
        Self::Shared(shared)
    }
}

/// A range of immutable bytes. Clones share the bytes, which are freed with the last clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared {
    bytes: Rc<[u8]>,
    start: usize,
    end: usize,
}

impl Shared {
    /// Wraps `bytes`.
    pub fn new(bytes: impl Into<Rc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { start: 0, end: bytes.len(), bytes }
    }

    /// The bytes from `start` to `end`, without copying; `None` if the range is not within these bytes.
    pub fn part(&self, start: usize, end: usize) -> Option<Self> {
        let (start, end) = (self.start.checked_add(start)?, self.start.checked_add(end)?);
        (start <= end && end <= self.end).then(|| Self { bytes: Rc::clone(&self.bytes), start, end })
    }

    /// Whether there is no other clone of it or its parts.
    pub fn is_unique(&self) -> bool {
        Rc::strong_count(&self.bytes) == 1
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} bytes)", self.end - self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bytes_are_not_copied_and_parts_stay_within_them() {
        let whole = Shared::new(b"0123456789".to_vec());
        let part = whole.part(2, 8).unwrap();
        assert_eq!(part.as_bytes(), b"234567");
        assert_eq!(part.part(1, 3).unwrap().as_bytes(), b"34");
        assert_eq!(part.as_bytes().as_ptr(), whole.as_bytes()[2..].as_ptr());
        assert!(!whole.is_unique() && Shared::new(*b"x").is_unique());
        assert_eq!(part.part(0, 7), None, "a part can't reach beyond its own end");
        assert_eq!((part.part(3, 2), part.part(usize::MAX, usize::MAX)), (None, None));
    }
}
