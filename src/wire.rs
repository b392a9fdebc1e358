//! The wire protocol: bytes to values and back. Pure and stateless but for the decoder's unfinished packet.
//!
//! `docs/PROTOCOL.md` is the specification. Not here: what a packet means for a connection (`service`), who may
//! send it (`service::access`), and sockets (`reactor`).

pub mod auth;
pub mod data;
pub mod packet;
pub mod settings;

pub use packet::{Damage, Decoder, ErrorCode, Id, Kind, Outgoing, Packet};
