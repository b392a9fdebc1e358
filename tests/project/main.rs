//! What needs no running daemon: the wire's bytes, the documents, the packages, the source, the stand-in.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../golden/vectors.rs"]
mod golden;
mod packaging;
mod packets;
#[path = "../support/stand_in.rs"]
mod program;
mod protocol_doc;
mod readme;
mod repository;
#[path = "../support/skip.rs"]
mod skip;
mod source;
mod stand_in;
mod walls;
