//! A reader of the protocol that shares no code with the server's: it keeps bytes in a queue and looks at them again
//! from the front each time.

use std::collections::VecDeque;

/// What a client's bytes ask for, or what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Packet { id: u8, kind: u8, payload: Vec<u8> },
    BadChecksum,
    TooLong,
    LostSync,
}

#[derive(Debug, Default)]
pub struct Parser {
    bytes: VecDeque<u8>,
    to_discard: usize,
    skipped: usize,
    lost: bool,
}

impl Parser {
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        self.bytes.extend(bytes);
        let mut items = Vec::new();
        while !self.lost
            && let Some(item) = self.next()
        {
            items.push(item);
        }
        items
    }

    /// Whether a packet has begun and not ended.
    pub fn mid_packet(&self) -> bool {
        !self.lost && (self.to_discard > 0 || !self.bytes.is_empty())
    }

    fn next(&mut self) -> Option<Item> {
        while self.to_discard > 0 && self.bytes.pop_front().is_some() {
            self.to_discard -= 1;
        }
        loop {
            let first = *self.bytes.front()?;
            if first == 0x00 {
                match self.bytes.get(1) {
                    Some(0xFF) => break,
                    Some(_) => {}
                    None => return None,
                }
            }
            self.bytes.pop_front();
            self.skipped += 1;
            if self.skipped == 1024 {
                self.lost = true;
                return Some(Item::LostSync);
            }
        }
        self.skipped = 0;
        let length = usize::from(*self.bytes.get(4)?) << 8 | usize::from(*self.bytes.get(5)?);
        if length > 256 {
            self.bytes.drain(..6);
            self.to_discard = length + 1;
            return Some(Item::TooLong);
        }
        if self.bytes.len() < length + 7 {
            return None;
        }
        let packet: Vec<u8> = self.bytes.drain(..length + 7).collect();
        if packet.iter().fold(0, |sum, byte| sum ^ byte) != 0 {
            return Some(Item::BadChecksum);
        }
        Some(Item::Packet { id: packet[2], kind: packet[3], payload: packet[6..length + 6].to_vec() })
    }
}
