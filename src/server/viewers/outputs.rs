//! What follows from an exchange's outputs.

use super::viewer::{Stage, Viewer};
use super::{Answer, Step, Viewers};
use crate::ids::ConnId;
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::report::ViewerReport;
use crate::server::video::Video;
use crate::service::rtsp::{self, Reason, Rejection, Transport};
use crate::stats::Counter;

impl Viewers {
    /// Does what an exchange asks for. Returns the answer, if it needs one and that is there already.
    pub(super) fn carry_out(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        video: &Video,
        output: rtsp::Output,
        steps: &mut Vec<Step>,
    ) -> Option<Answer> {
        let viewer = &mut self.list[at];
        let (conn, peer) = (viewer.conn, viewer.peer);
        match output {
            rtsp::Output::Reply(text) => {
                // Replies come in order: it waits for no description any more, even if a request behind it waits.
                viewer.describes = false;
                cx.send(conn, text);
            }
            rtsp::Output::Describe => match video.describe(cx.config, peer) {
                None => viewer.describes = true,
                Some((sdp, size)) => {
                    viewer.described = Some(size);
                    return Some(Answer::Described(sdp));
                }
            },
            rtsp::Output::SetUp(transport) => {
                cx.bump(Counter::RtspSessions);
                viewer.transport = Some(transport);
                steps.extend(self.rivals(at).map(Step::Replaced));
            }
            rtsp::Output::Start => {
                viewer.stage = Stage::Starts;
                return video.slate_at_hand(cx.mono()).map(Answer::Started);
            }
            rtsp::Output::Begin => self.begin(cx, at, video),
            rtsp::Output::Stop => viewer.stop(cx),
            rtsp::Output::SessionOver => {
                viewer.stop(cx);
                viewer.transport = None;
            }
            rtsp::Output::Rtcp(bytes) => Self::hear(cx, video, &bytes),
            rtsp::Output::FrameDropped => cx.bump(Counter::RtspFramesDropped),
            rtsp::Output::AuthFailed => steps.push(Step::AuthFailed),
            rtsp::Output::AuthSucceeded => steps.push(Step::AuthSucceeded),
            rtsp::Output::Refused(rejection) => {
                cx.bump(counter(rejection));
                cx.report(ViewerReport::Refused { peer, rejection });
            }
            rtsp::Output::Close(reason) => {
                // Where a replaced viewer's goodbye goes, its successor listens.
                if viewer.stage == Stage::Plays && reason != Reason::Replaced {
                    viewer.say_goodbye(cx, video);
                }
                viewer.stop(cx);
                viewer.transport = None;
                if let Some(counter) = counter_of_close(reason) {
                    cx.bump(counter);
                }
                cx.report(ViewerReport::Closed { peer, reason });
                steps.push(Step::Closed);
            }
        }
        None
    }

    /// Begins to send to a viewer whose PLAY has been answered: a sender report, then the stream from the newest key picture,
    /// whose first packet the answer names.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, at: usize, video: &Video) {
        let viewer = &mut self.list[at];
        let (Some(transport), Some(from)) = (viewer.transport, video.ring().newest_key()) else { return };
        let mut report = Vec::new();
        video.report(cx, false, &mut report);
        viewer.send_rtcp(cx, &report);
        cx.push(Output::Watch { conn: viewer.conn, transport, from });
        viewer.stage = Stage::Plays;
        if viewer.watches_since.is_none() {
            viewer.watches_since = Some(cx.mono());
            cx.report(ViewerReport::Watches { peer: viewer.peer, transport });
        }
    }

    /// Other viewers that have one of the same UDP ports of the same address.
    fn rivals(&self, at: usize) -> impl Iterator<Item = ConnId> {
        let ports = |viewer: &Viewer| match viewer.transport {
            Some(Transport::Udp { rtp, rtcp }) => Some([rtp, rtcp]),
            Some(Transport::Tcp { .. }) | None => None,
        };
        let viewer = &self.list[at];
        let wanted = ports(viewer);
        let collides = move |other: &&Viewer| {
            let (has, wanted) = (ports(other).into_iter().flatten(), wanted.unwrap_or_default());
            other.conn != viewer.conn && other.peer == viewer.peer && has.into_iter().any(|port| wanted.contains(&port))
        };
        self.list.iter().filter(collides).map(|other| other.conn)
    }
}

/// The counter of a refusal: one for each group of statuses.
const fn counter(rejection: Rejection) -> Counter {
    match rejection.status().code {
        401 | 403 => Counter::RtspUnauthorized,
        404 => Counter::RtspNotFound,
        454 | 455 | 459 => Counter::RtspWrongState,
        461 => Counter::RtspTransport,
        503 => Counter::RtspUnavailable,
        _ => Counter::RtspBadRequest,
    }
}

/// The counter of a connection that the server ends; `None` where a refused request, a reload or the camera is the cause.
const fn counter_of_close(reason: Reason) -> Option<Counter> {
    match reason {
        Reason::NotRtsp | Reason::Http | Reason::Flood => Some(Counter::PeerLostSync),
        Reason::Silent | Reason::Idle | Reason::SessionTimeout | Reason::NoPassword => Some(Counter::PeerTooSlow),
        Reason::Refused(_) | Reason::Replaced | Reason::SizeChanged | Reason::NotAllowed => None,
    }
}
