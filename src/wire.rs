//! The wire protocol: encoding and decoding. Pure, and stateless except for the decoder's unfinished packet.
//!
//! `docs/PROTOCOL.md` is the specification. Not here: what a packet means for a connection (`service`), access control
//! (`service::access`), and sockets (`reactor`).

pub mod auth;
pub mod data;
pub mod packet;
pub mod settings;

pub use packet::{Damage, Decoder, ErrorCode, Id, Kind, Outgoing, Packet};
