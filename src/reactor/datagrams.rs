//! The UDP ports: the stream to viewers, and their reports.
//!
//! All viewers share one pair of ports. A pair each would cost two descriptors a viewer and gain nothing: a viewer is known by
//! its own address and ports.

use std::io;

use mio::unix::SourceFd;
use mio::{Interest, Registry};

use super::context::Context;
use super::token::Token;
use super::viewers::Udp;
use crate::bucket::{Bucket, Rate};
use crate::ids::Peer;
use crate::limits::{PICTURES_PER_STEP, RTCP_BURST, RTCP_PER_SECOND};
use crate::media::ring::Parts;
use crate::stats::Counter;
use crate::sys::datagram::{Pair, Route, SendFailure};

/// The rate limit for reading reports.
const REPORTS: Rate = Rate::per_second(RTCP_PER_SECOND, RTCP_BURST);

/// Both ports.
#[derive(Debug)]
pub struct Datagrams {
    pair: Pair,
    /// Whether the socket is full; it is then registered with epoll. At other times it is not: each datagram that leaves
    /// would be an event.
    is_full: bool,
    /// The rate limit's tokens.
    bucket: Bucket,
    /// Whether reading is paused until the next round.
    resting: bool,
}

impl Datagrams {
    /// Registers the port of the reports.
    ///
    /// # Errors
    ///
    /// Registering failed.
    pub fn new(pair: Pair, registry: &Registry) -> io::Result<Self> {
        let [_, rtcp] = pair.descriptors();
        registry.register(&mut SourceFd(&rtcp), Token::Rtcp.encode(), Interest::READABLE)?;
        Ok(Self { pair, is_full: false, bucket: Bucket::default(), resting: false })
    }

    /// Sends a viewer what is new for it, up to [`PICTURES_PER_STEP`] calls. Returns whether there is more.
    pub fn stream(&mut self, viewer: &mut Udp, cx: &mut Context<'_>) -> bool {
        // A key picture takes two calls: its parameter sets are short.
        for _ in 0..2 * PICTURES_PER_STEP {
            if self.is_full {
                return false;
            }
            let mut parts = Parts::default();
            let group = viewer.cursor.datagrams(cx.ring, &mut parts);
            if group.datagrams == 0 {
                cx.stats.add(Counter::ViewerPicturesLost, viewer.cursor.take_lost());
                return false;
            }
            match self.send(&viewer.route, &mut viewer.uncut, &parts, group.segment_bytes) {
                Ok(sent) => viewer.cursor.sent(cx.ring, sent.unwrap_or(group.datagrams)),
                Err(SendFailure::WouldBlock) => {
                    let [rtp, _] = self.pair.descriptors();
                    // Without its event, the next picture is the next try.
                    self.is_full =
                        cx.registry.register(&mut SourceFd(&rtp), Token::Rtp.encode(), Interest::WRITABLE).is_ok();
                    return false;
                }
                Err(SendFailure::NoSegments | SendFailure::Refused) => {
                    cx.stats.add(Counter::DatagramsFailed, u64::from(group.datagrams));
                    viewer.cursor.sent(cx.ring, group.datagrams);
                }
            }
        }
        true
    }

    /// Sends a group of datagrams; returns how many left, `None` if all did.
    fn send(
        &self,
        route: &Route,
        uncut: &mut bool,
        parts: &Parts<'_>,
        segment: usize,
    ) -> Result<Option<u32>, SendFailure> {
        if !*uncut {
            let segment = u16::try_from(segment).unwrap_or(u16::MAX);
            match self.pair.send_cut(route, parts, segment) {
                Err(SendFailure::NoSegments) => *uncut = true,
                result => return result.map(|()| None),
            }
        }
        self.pair.send_each(route, parts).map(|sent| u32::try_from(sent).ok())
    }

    /// The socket takes datagrams again.
    pub fn unblocked(&mut self, registry: &Registry) {
        if std::mem::take(&mut self.is_full) {
            let [rtp, _] = self.pair.descriptors();
            let _closed = registry.deregister(&mut SourceFd(&rtp));
        }
    }

    /// Sends a report. One that the system refuses is lost, like one that the network loses.
    pub fn send_rtcp(&self, route: &Route, bytes: &[u8], cx: &mut Context<'_>) {
        if self.pair.send_rtcp(route, bytes).is_err() {
            cx.stats.bump(Counter::DatagramsFailed);
        }
    }

    /// Reading resumes.
    pub const fn rested(&mut self) {
        self.resting = false;
    }

    /// Reads a report, within the rate limit: its length, and where it came from.
    pub fn receive(&mut self, buffer: &mut [u8], cx: &mut Context<'_>) -> Option<(usize, Peer, u16)> {
        if self.resting {
            return None;
        }
        if self.bucket.tokens(REPORTS, cx.now) == 0 {
            self.resting = true;
            cx.agenda.rest(Token::Rtcp, cx.now);
            return None;
        }
        let (length, from) = self.pair.receive_rtcp(buffer)?;
        self.bucket.take(REPORTS, cx.now, 1);
        Some((length, Peer::from(from.ip()), from.port()))
    }
}
