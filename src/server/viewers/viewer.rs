//! One viewer.

use crate::frame::Shared;
use crate::ids::{ConnId, Peer};
use crate::media::rtp::{DOLLAR, INTERLEAVED_BYTES};
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::video::{Size, Video};
use crate::service::rtsp::{Exchange, Transport};
use crate::time::Mono;

/// What of the stream a viewer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing.
    Idle,
    /// It waits for a key picture.
    Starts,
    /// It gets the stream.
    Plays,
}

/// One RTSP connection.
#[derive(Debug)]
pub struct Viewer {
    /// Its connection.
    pub conn: ConnId,
    /// Its other end.
    pub peer: Peer,
    /// Its conversation.
    pub exchange: Exchange,
    /// What it gets.
    pub stage: Stage,
    /// Whether it waits for the description.
    pub describes: bool,
    /// Whether the stream is being sent: it was told to begin, and not to end.
    pub streamed: bool,
    /// What its session has set up.
    pub transport: Option<Transport>,
    /// The size that it was told.
    pub described: Option<Size>,
    /// When it first got the stream.
    pub watches_since: Option<Mono>,
    /// Whether reading from it rests.
    pub paused: bool,
}

impl Viewer {
    /// Stops the stream, if it gets it, and what it waits for.
    pub fn stop(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Idle;
        if std::mem::take(&mut self.streamed) {
            cx.push(Output::Unwatch(self.conn));
        }
    }

    /// Tells it that the stream ends.
    pub fn say_goodbye(&self, cx: &mut Context<'_>, video: &Video) {
        let mut goodbye = Vec::new();
        video.report(cx, true, &mut goodbye);
        self.send_rtcp(cx, &goodbye);
    }

    /// Sends an RTCP packet the way that the session has set up.
    pub fn send_rtcp(&self, cx: &mut Context<'_>, packet: &[u8]) {
        match self.transport {
            None => {}
            Some(Transport::Tcp { rtcp, .. }) => {
                let mut frame = Vec::with_capacity(INTERLEAVED_BYTES + packet.len());
                frame.extend_from_slice(&[DOLLAR, rtcp]);
                // A report has some 60 bytes, and a host name at most 64 more.
                frame.extend_from_slice(&u16::try_from(packet.len()).unwrap_or(u16::MAX).to_be_bytes());
                frame.extend_from_slice(packet);
                cx.send(self.conn, Shared::new(frame));
            }
            Some(Transport::Udp { rtcp, .. }) => {
                cx.push(Output::Datagram { conn: self.conn, port: rtcp, bytes: Shared::new(packet.to_vec()) });
            }
        }
    }
}
