//! The viewers: their RTSP exchanges, and which of them get the stream.
//!
//! Not here: RTSP itself (`service::rtsp`), the pictures (`video.rs`), and what viewers share with the clients of other
//! services: places, sockets and deadlines (`connections.rs`).

use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::interface::Output;
use super::report::ViewerReport;
use super::video::{Size, Video};
use crate::frame::Shared;
use crate::ids::{ConnId, Peer};
use crate::limits::SENDER_REPORT_EACH;
use crate::media::rtcp;
use crate::media::rtp::{DOLLAR, FirstPacket, INTERLEAVED_BYTES};
use crate::service::rtsp::{self, Access, Ends, Exchange, Rejection, Transport};
use crate::stats::Counter;
use crate::time::Mono;

/// What of the stream a viewer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Idle,
    /// It waits for a key picture.
    Starts,
    /// It gets the stream.
    Plays,
}

/// One RTSP connection.
#[derive(Debug)]
struct Viewer {
    conn: ConnId,
    peer: Peer,
    exchange: Exchange,
    stage: Stage,
    /// Whether it waits for the description.
    describes: bool,
    /// What its session has set up.
    transport: Option<Transport>,
    /// The size that it was told.
    described: Option<Size>,
    /// When it first got the stream.
    watches_since: Option<Mono>,
    /// Whether reading from it rests.
    paused: bool,
}

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

/// What an exchange asked for, if it can be had at once.
#[derive(Debug)]
enum Answer {
    Described(String),
    Started(FirstPacket),
}

/// All viewers, in no order.
#[derive(Debug)]
pub struct Viewers {
    viewers: Vec<Viewer>,
    /// What the secrets of the connections follow from.
    secret: [u8; 32],
    /// Connections so far.
    count: u64,
    ends: Ends,
    /// When the next sender reports are due, while anybody plays.
    report_at: Option<Mono>,
    /// An exchange's outputs, emptied after each input; kept to be reused.
    outputs: Vec<rtsp::Output>,
}

impl Viewers {
    /// None yet. `secret` is 32 bytes of the system's randomness.
    pub const fn new(secret: [u8; 32], ends: Ends) -> Self {
        Self { viewers: Vec::new(), secret, count: 0, ends, report_at: None, outputs: Vec::new() }
    }

    /// Adds a connection.
    pub fn add(&mut self, cx: &Context<'_>, conn: ConnId, peer: Peer) {
        let secret = Sha256::new().chain_update(self.secret).chain_update(self.count.to_be_bytes()).finalize();
        self.count += 1;
        self.viewers.push(Viewer {
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
        let viewer = self.viewers.swap_remove(at);
        if viewer.stage == Stage::Plays {
            cx.push(Output::Unwatch(conn));
        }
        if let Some(since) = viewer.watches_since {
            cx.report(ViewerReport::Left { peer: viewer.peer, after: cx.mono().since(since) });
        }
        self.schedule_reports(cx);
    }

    /// Sessions.
    pub fn sessions(&self) -> usize {
        self.viewers.iter().filter(|viewer| viewer.transport.is_some()).count()
    }

    /// Viewers that get the stream.
    pub fn playing(&self) -> usize {
        self.in_stage(Stage::Plays).count()
    }

    /// Whether anybody gets pictures, or waits for one.
    pub fn want_pictures(&self) -> bool {
        self.viewers.iter().any(|viewer| viewer.describes || viewer.stage != Stage::Idle)
    }

    /// The peer of a connection.
    pub fn peer(&self, conn: ConnId) -> Option<Peer> {
        self.position(conn).map(|at| self.viewers[at].peer)
    }

    /// All connections.
    pub fn all(&self) -> Vec<ConnId> {
        self.viewers.iter().map(|viewer| viewer.conn).collect()
    }

    /// Those that wait for the description.
    pub fn describing(&self) -> Vec<ConnId> {
        self.viewers.iter().filter(|viewer| viewer.describes).map(|viewer| viewer.conn).collect()
    }

    /// Those that wait for a key picture.
    pub fn starting(&self) -> Vec<ConnId> {
        self.in_stage(Stage::Starts).collect()
    }

    /// Those with a session that were told another size than this one.
    pub fn told_otherwise(&self, size: Size) -> Vec<ConnId> {
        let misled = |viewer: &&Viewer| viewer.transport.is_some() && viewer.described.is_some_and(|told| told != size);
        self.viewers.iter().filter(misled).map(|viewer| viewer.conn).collect()
    }

    /// Notes the size that a viewer is told.
    pub fn tell(&mut self, conn: ConnId, size: Size) {
        if let Some(at) = self.position(conn) {
            (self.viewers[at].described, self.viewers[at].describes) = (Some(size), false);
        }
    }

    /// The connection of the UDP viewer whose RTCP comes from here.
    pub fn by_rtcp_port(&self, peer: Peer, port: u16) -> Option<ConnId> {
        let fits = |viewer: &&Viewer| {
            viewer.peer == peer && matches!(viewer.transport, Some(Transport::Udp { rtcp, .. }) if rtcp == port)
        };
        self.viewers.iter().find(fits).map(|viewer| viewer.conn)
    }

    /// When [`rtsp::Input::Wakeup`] is due for a connection.
    pub fn deadline_of(&self, conn: ConnId) -> Option<Mono> {
        self.position(conn).and_then(|at| self.viewers[at].exchange.deadline())
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
            let room = self.sessions() < usize::from(cx.config.server.max_viewers);
            let (path, ends) = (&cx.config.server.rtsp_path[..], self.ends);
            let context = rtsp::Context { now: cx.mono(), access, path, ends, room };
            let viewer = &mut self.viewers[at];
            if matches!(input, rtsp::Input::Started(_)) && viewer.stage == Stage::Starts {
                viewer.stage = Stage::Plays;
            }
            let played = viewer.stage == Stage::Plays && !matches!(input, rtsp::Input::Started(_));
            viewer.exchange.handle(&context, input, &mut outputs);
            let mut answer = None;
            for output in outputs.drain(..) {
                answer = answer.or(self.carry_out(cx, at, video, output, &mut steps));
            }
            if !played && self.viewers[at].stage == Stage::Plays {
                self.begin(cx, at, video);
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
        let viewer = &mut self.viewers[at];
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
        for viewer in self.viewers.iter().filter(|viewer| viewer.stage == Stage::Plays) {
            viewer.send_rtcp(cx, &report);
        }
        self.report_at = None;
        self.schedule_reports(cx);
    }

    /// Tells every viewer that gets the stream that it ends.
    pub fn say_goodbye(&self, cx: &mut Context<'_>, video: &Video) {
        for viewer in self.viewers.iter().filter(|viewer| viewer.stage == Stage::Plays) {
            viewer.say_goodbye(cx, video);
        }
    }

    /// Does what an exchange asks for. Returns the answer, if it needs one and that can be had at once.
    fn carry_out(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        video: &Video,
        output: rtsp::Output,
        steps: &mut Vec<Step>,
    ) -> Option<Answer> {
        let viewer = &mut self.viewers[at];
        let (conn, peer) = (viewer.conn, viewer.peer);
        match output {
            rtsp::Output::Reply(text) => cx.send(conn, text),
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
                steps.extend(self.rival(at).map(Step::Replaced));
            }
            rtsp::Output::Start => {
                viewer.stage = Stage::Starts;
                return video.slate_at_hand().map(Answer::Started);
            }
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
                if viewer.stage == Stage::Plays {
                    viewer.say_goodbye(cx, video);
                }
                viewer.stop(cx);
                viewer.transport = None;
                cx.report(ViewerReport::Closed { peer, reason });
                steps.push(Step::Closed);
            }
        }
        None
    }

    /// Begins to send to a viewer whose PLAY has just been answered: a sender report, then the stream from the newest key
    /// picture, whose packet the answer names.
    fn begin(&mut self, cx: &mut Context<'_>, at: usize, video: &Video) {
        let viewer = &mut self.viewers[at];
        let (Some(transport), Some(from)) = (viewer.transport, video.ring().newest_key()) else { return };
        let mut report = Vec::new();
        video.report(cx, false, &mut report);
        viewer.send_rtcp(cx, &report);
        cx.push(Output::Watch { conn: viewer.conn, transport, from });
        if viewer.watches_since.is_none() {
            viewer.watches_since = Some(cx.mono());
            cx.report(ViewerReport::Watches { peer: viewer.peer, transport });
        }
    }

    /// Another viewer that has the same UDP ports of the same address.
    fn rival(&self, at: usize) -> Option<ConnId> {
        let ports = |viewer: &Viewer| match viewer.transport {
            Some(Transport::Udp { rtp, rtcp }) => Some([rtp, rtcp]),
            Some(Transport::Tcp { .. }) | None => None,
        };
        let viewer = &self.viewers[at];
        let wanted = ports(viewer)?;
        let collides = |other: &&Viewer| {
            other.conn != viewer.conn
                && other.peer == viewer.peer
                && ports(other).is_some_and(|has| has.iter().any(|port| wanted.contains(port)))
        };
        self.viewers.iter().find(collides).map(|other| other.conn)
    }

    fn schedule_reports(&mut self, cx: &Context<'_>) {
        if self.playing() == 0 {
            self.report_at = None;
        } else {
            self.report_at.get_or_insert(cx.mono() + SENDER_REPORT_EACH);
        }
    }

    fn in_stage(&self, stage: Stage) -> impl Iterator<Item = ConnId> {
        self.viewers.iter().filter(move |viewer| viewer.stage == stage).map(|viewer| viewer.conn)
    }

    fn position(&self, conn: ConnId) -> Option<usize> {
        self.viewers.iter().position(|viewer| viewer.conn == conn)
    }
}

impl Viewer {
    fn stop(&mut self, cx: &mut Context<'_>) {
        if std::mem::replace(&mut self.stage, Stage::Idle) == Stage::Plays {
            cx.push(Output::Unwatch(self.conn));
        }
    }

    fn say_goodbye(&self, cx: &mut Context<'_>, video: &Video) {
        let mut goodbye = Vec::new();
        video.report(cx, true, &mut goodbye);
        self.send_rtcp(cx, &goodbye);
    }

    /// Sends an RTCP packet the way that the session has set up.
    fn send_rtcp(&self, cx: &mut Context<'_>, packet: &[u8]) {
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
