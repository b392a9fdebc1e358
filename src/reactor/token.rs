//! The source of an event, encoded in the number that epoll returns.
//!
//! A 32-bit Pi has only 32 bits: 3 for the kind, 14 for the slot, 15 for the generation.

use mio::Token as MioToken;

use crate::ids::{ConnId, ListenerId};

const SLOT_BITS: u32 = 14;
const GENERATION_BITS: u32 = 15;
const KIND_SHIFT: u32 = SLOT_BITS + GENERATION_BITS;

/// Slots are below this.
pub const MAX_SLOTS: u16 = 1 << SLOT_BITS;
/// Generations are below this, and wrap to 0.
pub const GENERATIONS: u16 = 1 << GENERATION_BITS;

/// A source of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// The 24 Hz timer.
    Tick,
    /// The timer of all other deadlines.
    Deadline,
    /// The signals.
    Signals,
    /// A listener.
    Listener(ListenerId),
    /// A connection.
    Conn(ConnId),
    /// A pipe of a child, with the generation of that child.
    Pipe(Pipe, u16),
    /// Children that have ended, with unread output. Only the loop schedules this; the kernel never reports it.
    Reaping,
    /// The UDP port of the stream, which takes datagrams again.
    Rtp,
    /// The UDP port of the viewers' reports.
    Rtcp,
    /// Viewers that are still to get the newest pictures. Only the loop schedules this.
    Viewers,
}

/// A child's pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipe {
    /// The camera's standard output.
    Video,
    /// The publisher's standard input.
    Publisher,
    /// The camera's standard error.
    CameraLines,
    /// The publisher's standard error.
    PublisherLines,
    /// The probe's output.
    ProbeLines,
}

const PIPES: [Pipe; 5] = [Pipe::Video, Pipe::Publisher, Pipe::CameraLines, Pipe::PublisherLines, Pipe::ProbeLines];

impl Token {
    /// The number for epoll.
    pub fn encode(self) -> MioToken {
        let (kind, slot, generation) = match self {
            Self::Tick => (0, 0, 0),
            Self::Deadline => (1, 0, 0),
            Self::Signals => (2, 0, 0),
            Self::Listener(ListenerId(index)) => (3, index.into(), 0),
            Self::Conn(conn) => (4, conn.slot, conn.generation),
            Self::Pipe(pipe, generation) => (5, pipe as u16, generation),
            Self::Reaping => (6, 0, 0),
            Self::Rtp => (7, 0, 0),
            Self::Rtcp => (7, 1, 0),
            Self::Viewers => (7, 2, 0),
        };
        let bits = kind << KIND_SHIFT | u32::from(slot) << GENERATION_BITS | u32::from(generation);
        MioToken(bits as usize)
    }

    /// The source of an event; `None` for a number that [`Token::encode`] never returns.
    pub fn decode(token: MioToken) -> Option<Self> {
        let bits = u32::try_from(token.0).ok()?;
        let slot = u16::try_from(bits >> GENERATION_BITS & u32::from(MAX_SLOTS - 1)).ok()?;
        let generation = u16::try_from(bits & u32::from(GENERATIONS - 1)).ok()?;
        match bits >> KIND_SHIFT {
            0 => Some(Self::Tick),
            1 => Some(Self::Deadline),
            2 => Some(Self::Signals),
            3 => u8::try_from(slot).ok().map(|index| Self::Listener(ListenerId(index))),
            4 => Some(Self::Conn(ConnId { slot, generation })),
            5 => PIPES.get(usize::from(slot)).map(|&pipe| Self::Pipe(pipe, generation)),
            6 => Some(Self::Reaping),
            7 => [Self::Rtp, Self::Rtcp, Self::Viewers].get(usize::from(slot)).copied(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_fit_32_bits() {
        let conn = |slot, generation| Token::Conn(ConnId { slot, generation });
        let mut tokens = vec![Token::Tick, Token::Deadline, Token::Signals, Token::Reaping];
        tokens.extend([Token::Rtp, Token::Rtcp, Token::Viewers]);
        tokens.extend([0, 1, u8::MAX].map(|index| Token::Listener(ListenerId(index))));
        tokens.extend(PIPES.map(|pipe| Token::Pipe(pipe, 0)));
        tokens.extend(PIPES.map(|pipe| Token::Pipe(pipe, GENERATIONS - 1)));
        tokens.extend([conn(0, 0), conn(MAX_SLOTS - 1, GENERATIONS - 1), conn(1, 0), conn(0, 1)]);
        for (at, &token) in tokens.iter().enumerate() {
            assert!(u32::try_from(token.encode().0).is_ok());
            assert_eq!(Token::decode(token.encode()), Some(token));
            assert!(tokens[..at].iter().all(|other| other.encode() != token.encode()));
        }
    }

    #[test]
    fn unknown_numbers_decode_to_none() {
        assert_eq!(Token::decode(MioToken(7 << KIND_SHIFT | 3 << GENERATION_BITS)), None);
        assert_eq!(Token::decode(MioToken(3 << KIND_SHIFT | 256 << GENERATION_BITS)), None);
        assert_eq!(Token::decode(MioToken(usize::MAX)), None);
    }
}
