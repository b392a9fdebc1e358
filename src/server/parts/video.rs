//! The ways of the video: from the camera to the pictures, to the viewers and back to the supervisor.

use super::Parts;
use crate::camera::diagnosis::Role;
use crate::camera::supervisor::Event;
use crate::ids::{ConnId, Peer};
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::report::CloseReason;
use crate::server::video::{Arrival, Progress, Video};
use crate::server::viewers::{Step, Viewers};
use crate::service::rtsp;
use crate::stats::Counter;

impl Parts {
    /// Hands a viewer's exchange an input, and the other parts what follows.
    pub fn rtsp(&mut self, cx: &mut Context<'_>, conn: ConnId, input: rtsp::Input<'_>) {
        let Some(peer) = self.viewers.peer(conn) else { return };
        let access = self.auth.watching(cx, peer);
        let steps = self.viewers.handle(cx, conn, (access, &self.video), input);
        self.connections.wake_at(conn, self.viewers.deadline_of(conn));
        for step in steps {
            match step {
                Step::AuthFailed => self.auth.viewer_failed(cx, peer),
                Step::AuthSucceeded => self.auth.viewer_succeeded(cx, peer),
                Step::Replaced(other) => self.rtsp(cx, other, rtsp::Input::End(rtsp::Reason::Replaced)),
                Step::Closed => {
                    let departed = self.connections.finish(cx, conn, CloseReason::Done);
                    self.departed(cx, departed);
                }
            }
        }
    }

    /// Another password or rule is in force. At no other time are viewers to give a password that they have given already.
    pub fn access_changed(&mut self, cx: &mut Context<'_>) {
        for conn in self.viewers.all() {
            self.rtsp(cx, conn, rtsp::Input::AccessChanged);
        }
        self.sessions_changed(cx);
    }

    /// An RTCP packet came by UDP.
    pub fn rtcp(&mut self, cx: &mut Context<'_>, peer: Peer, port: u16, bytes: &[u8]) {
        let Some(conn) = self.viewers.by_rtcp_port(peer, port) else { return cx.bump(Counter::RtcpStrangers) };
        Viewers::hear(cx, &self.video, bytes);
        self.rtsp(cx, conn, rtsp::Input::Alive);
    }

    /// The camera wrote.
    pub fn video(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) {
        let before = self.video.progress();
        let mut is_new = false;
        while let Some(arrival) = self.video.take(cx, &mut bytes) {
            self.arrived(cx, arrival);
            is_new = true;
        }
        if is_new {
            cx.push(Output::Pictures);
        }
        self.note_progress(cx, before);
    }

    /// The camera's pipe is empty, or has been for a while: `complete` yields the picture that this completes, if it does.
    pub fn complete(
        &mut self,
        cx: &mut Context<'_>,
        complete: impl FnOnce(&mut Video, &mut Context<'_>) -> Option<Arrival>,
    ) {
        let before = self.video.progress();
        if let Some(arrival) = complete(&mut self.video, cx) {
            self.arrived(cx, arrival);
            cx.push(Output::Pictures);
        }
        self.note_progress(cx, before);
    }

    /// Without a publisher, a picture of the camera is the pipeline's progress. With one, that is only a picture that it can't be
    /// given, as it would need the pictures before.
    fn note_progress(&mut self, cx: &mut Context<'_>, before: Progress) {
        let now = self.video.progress();
        let given = if self.pipeline.is_publishing() { 0 } else { now.pictures - before.pictures };
        let pictures = given + now.held_back - before.held_back;
        if pictures > 0 {
            self.pipeline.handle(cx, Event::Video { bytes: pictures });
        }
    }

    /// Video went to the publisher. A slate is no progress of the camera.
    pub fn published(&mut self, cx: &mut Context<'_>, bytes: u64) {
        cx.stats.add(Counter::PublishedBytes, bytes);
        if self.video.is_live() {
            self.pipeline.handle(cx, Event::Video { bytes });
        }
    }

    /// There is no picture of the camera, and a viewer wants one.
    pub fn slate_due(&mut self, cx: &mut Context<'_>) {
        let words = self.pipeline.why_no_picture();
        if let Some(arrival) = self.video.show_slate(cx, &words) {
            self.arrived(cx, arrival);
            cx.push(Output::Pictures);
        }
    }

    /// A picture is in the ring: viewers that waited for it are answered.
    fn arrived(&mut self, cx: &mut Context<'_>, arrival: Arrival) {
        if let Some(size) = arrival.resized {
            for conn in self.viewers.described_otherwise(size) {
                self.rtsp(cx, conn, rtsp::Input::End(rtsp::Reason::SizeChanged));
            }
        }
        for conn in self.viewers.describing() {
            let peer = self.viewers.peer(conn);
            if let Some((sdp, size)) = peer.and_then(|peer| self.video.describe(cx.config, peer)) {
                self.viewers.describe(conn, size);
                self.rtsp(cx, conn, rtsp::Input::Described(&sdp));
            }
        }
        if arrival.key
            && let Some(first) = self.video.ring().first_packet(arrival.number)
        {
            for conn in self.viewers.starting() {
                self.rtsp(cx, conn, rtsp::Input::Started(first));
            }
        }
        if arrival.key {
            self.key_picture(cx);
        }
        // Its first parameter sets are those that it declares, so it does not begin with a slate.
        if arrival.key && self.video.is_live() && self.pipeline.take_waiting_publisher() {
            cx.push(Output::Publish { from: arrival.number });
        }
        if arrival.resumed {
            self.viewers.send_reports(cx, &self.video);
        }
    }

    /// A child could not be started, or has ended.
    pub fn child_ended(&mut self, cx: &mut Context<'_>, role: Role, event: Event<'_>) {
        if role == Role::Camera {
            self.video.camera_ended();
        }
        self.pipeline.handle(cx, event);
    }
}
