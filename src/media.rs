//! Video: bytes from the camera's pipe to pictures, one ring that holds them, and what is made from them for viewers.
//!
//! ```text
//! pipe -> annexb (NAL units) -> picture (pictures) -> ring (pictures and their RTP packets, once)
//!                                                        |-> ring::PacketCursor:   RTP over TCP or UDP
//!                                                        |-> ring::ByteCursor:     Annex B for a publisher
//!                                                        `-> ring::FragmentCursor: fragmented MP4 for a browser
//! ```
//!
//! `draw` writes the pictures that the daemon draws itself.
//!
//! Pure: time, randomness and bytes are arguments. Memory is bounded by the section "video" of [`crate::limits`].
//! Not here: pipes and sockets (`reactor`), RTSP (`service`), which viewers there are (`server`).

pub mod annexb;
pub mod clock;
pub mod draw;
pub mod endings;
pub mod fmp4;
pub mod format;
pub mod h264;
pub mod picture;
pub mod ring;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod units;

#[cfg(test)]
mod samples;
