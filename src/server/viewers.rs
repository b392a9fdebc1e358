//! The viewers: their RTSP exchanges, and which of them get the stream.
//!
//! Not here: RTSP itself (`service::rtsp`), the pictures (`video.rs`), and what viewers share with the clients of other
//! services: places, sockets and deadlines (`connections.rs`).

mod outputs;
mod viewer;

use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::interface::Output;
use super::report::ViewerReport;
use super::video::{Size, Video};
use crate::ids::{ConnId, Peer};
use crate::limits::SENDER_REPORT_EACH;
use crate::media::rtcp;
use crate::media::rtp::FirstPacket;
use crate::service::rtsp::{self, Access, Ends, Exchange, Transport};
use crate::stats::Counter;
use crate::time::Mono;
use viewer::{Stage, Viewer};

/// What an exchange has led to, for other parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A wrong password.
    AuthFailed,
    /// The right password.
    AuthSucceeded,
    /// The ports of another viewer are this one's from now on.
    Replaced(ConnId),
    /// The exchange is over.
    Closed,
}

/// What an exchange asked for, if it is there already.
#[derive(Debug)]
enum Answer {
    Described(String),
    Started(FirstPacket),
}

/// All viewers, in no order.
#[derive(Debug)]
pub struct Viewers {
    list: Vec<Viewer>,
    /// What the secrets of the connections follow from.
    secret: [u8; 32],
    /// Connections so far.
    count: u64,
    ends: Ends,
    /// When the next sender reports are due, while there are viewers that play.
    report_at: Option<Mono>,
    /// An exchange's outputs, emptied after each input; kept to be reused.
    outputs: Vec<rtsp::Output>,
}

impl Viewers {
    /// None yet. `secret` is 32 bytes of the system's randomness.
    pub const fn new(secret: [u8; 32], ends: Ends) -> Self {
        Self { list: Vec::new(), secret, count: 0, ends, report_at: None, outputs: Vec::new() }
    }

    /// Adds a connection.
    pub fn add(&mut self, cx: &Context<'_>, conn: ConnId, peer: Peer) {
        let secret = Sha256::new().chain_update(self.secret).chain_update(self.count.to_be_bytes()).finalize();
        self.count += 1;
        self.list.push(Viewer {
            conn,
            peer,
            exchange: Exchange::new(cx.mono(), secret.into()),
            stage: Stage::Idle,
            describes: false,
            transport: None,
            described: None,
            watches_since: None,
            paused: false,
        });
    }

    /// Forgets a connection.
    pub fn remove(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(at) = self.position(conn) else { return };
        let viewer = self.list.swap_remove(at);
        if viewer.stage == Stage::Plays {
            cx.push(Output::Unwatch(conn));
        }
        if let Some(since) = viewer.watches_since {
            cx.report(ViewerReport::Left { peer: viewer.peer, after: cx.mono().since(since) });
        }
        self.schedule_reports(cx);
    }

    /// Sessions of other viewers than this one, whose own place is its to change.
    fn sessions_beside(&self, at: usize) -> usize {
        let others = self.list.iter().enumerate().filter(|&(other, _)| other != at);
        others.filter(|(_, viewer)| viewer.transport.is_some()).count()
    }

    /// Viewers that get the stream.
    pub fn playing(&self) -> usize {
        self.in_stage(Stage::Plays).count()
    }

    /// Whether any viewer gets pictures, or waits for one.
    pub fn want_pictures(&self) -> bool {
        self.list.iter().any(|viewer| viewer.describes || viewer.stage != Stage::Idle)
    }

    /// The peer of a connection.
    pub fn peer(&self, conn: ConnId) -> Option<Peer> {
        self.position(conn).map(|at| self.list[at].peer)
    }

    /// All connections.
    pub fn all(&self) -> Vec<ConnId> {
        self.list.iter().map(|viewer| viewer.conn).collect()
    }

    /// Those that wait for the description.
    pub fn describing(&self) -> Vec<ConnId> {
        self.list.iter().filter(|viewer| viewer.describes).map(|viewer| viewer.conn).collect()
    }

    /// Those that wait for a key picture.
    pub fn starting(&self) -> Vec<ConnId> {
        self.in_stage(Stage::Starts).collect()
    }

    /// Those whose description has another size than this one.
    pub fn described_otherwise(&self, size: Size) -> Vec<ConnId> {
        let misled = |viewer: &&Viewer| viewer.described.is_some_and(|described| described != size);
        self.list.iter().filter(misled).map(|viewer| viewer.conn).collect()
    }

    /// Notes the size in the description that a viewer gets.
    pub fn describe(&mut self, conn: ConnId, size: Size) {
        if let Some(at) = self.position(conn) {
            (self.list[at].described, self.list[at].describes) = (Some(size), false);
        }
    }

    /// The connection of the UDP viewer whose RTCP comes from here.
    pub fn by_rtcp_port(&self, peer: Peer, port: u16) -> Option<ConnId> {
        let fits = |viewer: &&Viewer| {
            viewer.peer == peer && matches!(viewer.transport, Some(Transport::Udp { rtcp, .. }) if rtcp == port)
        };
        self.list.iter().find(fits).map(|viewer| viewer.conn)
    }

    /// When [`rtsp::Input::Wakeup`] is due for a connection.
    pub fn deadline_of(&self, conn: ConnId) -> Option<Mono> {
        self.position(conn).and_then(|at| self.list[at].exchange.deadline())
    }

    /// When [`Self::send_reports`] is due.
    pub const fn report_deadline(&self) -> Option<Mono> {
        self.report_at
    }

    /// Hands an exchange an input, and does what follows from it. Returns what concerns other parts.
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        (access, video): (Access<'_>, &Video),
        input: rtsp::Input<'_>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(at) = self.position(conn) else {
            cx.bump(Counter::StaleEvents);
            return steps;
        };
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut sdp;
        let mut input = input;
        loop {
            let room = self.sessions_beside(at) < usize::from(cx.config.server.max_viewers);
            let (path, ends) = (&cx.config.server.rtsp_path[..], self.ends);
            let key_interval = video.key_interval(&cx.config.camera);
            let context = rtsp::Context { now: cx.mono(), access, path, ends, room, key_interval };
            self.list[at].exchange.handle(&context, input, &mut outputs);
            let mut answer = None;
            for output in outputs.drain(..) {
                answer = answer.or(self.carry_out(cx, at, video, output, &mut steps));
            }
            input = match answer {
                None => break,
                Some(Answer::Started(first)) => rtsp::Input::Started(first),
                Some(Answer::Described(text)) => {
                    sdp = text;
                    rtsp::Input::Described(&sdp)
                }
            };
        }
        self.outputs = outputs;
        let viewer = &mut self.list[at];
        viewer.describes &= viewer.exchange.waits();
        if viewer.exchange.waits() != viewer.paused {
            viewer.paused = !viewer.paused;
            cx.push(if viewer.paused { Output::Pause(conn) } else { Output::Resume(conn) });
        }
        self.schedule_reports(cx);
        steps
    }

    /// Reads an RTCP packet of a UDP viewer, or of a TCP viewer's frame.
    pub fn hear(cx: &mut Context<'_>, video: &Video, bytes: &[u8]) {
        cx.bump(Counter::RtcpReceived);
        let damaged = rtcp::heard(bytes, video.ring().ssrc()).any(|packet| packet.is_err());
        if damaged {
            cx.bump(Counter::RtcpDamaged);
        }
    }

    /// Sends a sender report to every viewer that gets the stream.
    pub fn send_reports(&mut self, cx: &mut Context<'_>, video: &Video) {
        let mut report = Vec::new();
        video.report(cx, false, &mut report);
        for viewer in self.list.iter().filter(|viewer| viewer.stage == Stage::Plays) {
            viewer.send_rtcp(cx, &report);
        }
        self.report_at = None;
        self.schedule_reports(cx);
    }

    /// Ends the stream for every viewer that gets it.
    pub fn say_goodbye(&mut self, cx: &mut Context<'_>, video: &Video) {
        for viewer in self.list.iter_mut().filter(|viewer| viewer.stage == Stage::Plays) {
            viewer.say_goodbye(cx, video);
            viewer.stop(cx);
        }
        self.schedule_reports(cx);
    }

    fn schedule_reports(&mut self, cx: &Context<'_>) {
        if self.playing() == 0 {
            self.report_at = None;
        } else {
            self.report_at.get_or_insert(cx.mono() + SENDER_REPORT_EACH);
        }
    }

    fn in_stage(&self, stage: Stage) -> impl Iterator<Item = ConnId> {
        self.list.iter().filter(move |viewer| viewer.stage == stage).map(|viewer| viewer.conn)
    }

    fn position(&self, conn: ConnId) -> Option<usize> {
        self.list.iter().position(|viewer| viewer.conn == conn)
    }
}
