//! What each request is answered with (RFC 2326).
#![expect(clippy::similar_names, reason = "RTP and RTCP are called so")]

use es_iot_server::server::ConnId;
use es_iot_server::service::rtsp::Transport;
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::super::Shadow;
use super::reader::Request;
use super::{PATIENCE, Says, Session, Viewer, Waiting, Wanted, Watching};
use crate::SECOND;
use crate::viewer::digest;

const NONCE: u64 = 30 * SECOND;
const METHODS: [&str; 8] =
    ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"];

/// A transport, and how the server repeats it, but for what it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub transport: Transport,
    words: String,
}

/// What a URI names.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Server,
    Stream,
    OtherTrack,
    Nothing,
}

impl Way {
    /// The first usable one of a list. `udp`: the server's port.
    fn choose(list: &str, udp: Option<u16>) -> Option<Self> {
        list.split(',').find_map(|offer| {
            let (name, rest) = offer.split_once(';').unwrap_or((offer, ""));
            let value = |key: &str| rest.split(';').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            let pair = |text: &str| {
                let (first, second) = text.split_once('-').unwrap_or((text, ""));
                let first: u16 = first.parse().ok()?;
                Some((first, if second.is_empty() { first + 1 } else { second.parse().ok()? }))
            };
            if rest.contains("multicast") {
                return None;
            }
            match name {
                "RTP/AVP" | "RTP/AVP/UDP" => {
                    let (rtp, rtcp) = pair(value("client_port")?).filter(|&(rtp, rtcp)| rtp.min(rtcp) >= 1024)?;
                    let here = udp?;
                    let words = format!("{name};unicast;client_port={rtp}-{rtcp};server_port={here}-{}", here + 1);
                    Some(Self { transport: Transport::Udp { rtp, rtcp }, words })
                }
                "RTP/AVP/TCP" => {
                    let (rtp, rtcp) = pair(value("interleaved").unwrap_or("0-1"))?;
                    let (rtp, rtcp) = (u8::try_from(rtp).ok()?, u8::try_from(rtcp).ok()?);
                    let words = format!("{name};unicast;interleaved={rtp}-{rtcp}");
                    Some(Self { transport: Transport::Tcp { rtp, rtcp }, words })
                }
                _ => None,
            }
        })
    }
}

/// The path of a URI, and the URI without what is not repeated.
fn path(uri: &str) -> Option<(Target, String)> {
    if uri == "*" {
        return Some((Target::Server, uri.to_owned()));
    }
    let clean = uri.split('?').next().unwrap_or_default();
    let clean = clean.strip_suffix('/').unwrap_or(clean);
    let path = clean.strip_prefix("rtsp://")?.split_once('/').map_or("", |(_, path)| path);
    let target = match path {
        "" => Target::Server,
        "ES_MTX" | "ES_MTX/trackID=0" => Target::Stream,
        _ if path.starts_with("ES_MTX/") => Target::OtherTrack,
        _ => Target::Nothing,
    };
    Some((target, clean.to_owned()))
}

/// The Range of the reply, or the status.
fn range(request: &Request) -> Result<String, u16> {
    match request.header("range") {
        None | Some("npt=now-") => Ok("npt=now-".into()),
        Some("npt=0.000-") => Ok("npt=0.000-".into()),
        Some(other) if other.starts_with("npt") => Err(457),
        Some(_) => Err(501),
    }
}

impl Shadow {
    pub(super) fn answer(
        &mut self,
        now: Now,
        conn: ConnId,
        viewer: &mut Viewer,
        watching: Watching,
        request: &Request,
    ) {
        let cseq = Some(request.cseq);
        if !METHODS.contains(&&request.method[..]) {
            let known = ["ANNOUNCE", "RECORD", "REDIRECT"].contains(&&request.method[..]);
            let header = if known { "Allow" } else { "Public" };
            let says = Says::Headers(vec![(header, METHODS.join(", "))]);
            return self.refuse(conn, if known { 405 } else { 501 }, cseq, says);
        }
        if let Some(feature) = request.header("require") {
            return self.refuse(conn, 551, cseq, Says::Headers(vec![("Unsupported", feature.to_owned())]));
        }
        if viewer.outside.is_some()
            && request.method != "OPTIONS"
            && !self.lets_in(now, conn, viewer, watching, request)
        {
            return;
        }
        if let Err(status) = self.carry_out(now, conn, viewer, request) {
            let says = if status == 455 { Says::Headers(vec![("Allow", String::new())]) } else { Says::Little };
            self.refuse(conn, status, cseq, says);
        }
    }

    /// Whether it may ask at all; if not, it is told.
    fn lets_in(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer, watching: Watching, request: &Request) -> bool {
        let (at, cseq) = (now.mono.as_nanos(), Some(request.cseq));
        let answer = match watching {
            Watching::Open => {
                viewer.outside = None;
                return true;
            }
            Watching::LockedOut => {
                self.refuse(conn, 403, cseq, Says::Headers(vec![("Retry-After", String::new())]));
                self.end(now, conn, viewer);
                return false;
            }
            Watching::Password => request.header("authorization"),
        };
        let mut stale = false;
        if let Some(answer) = answer {
            let value = |key: &str| Some(answer.split_once(&format!("{key}=\""))?.1.split_once('"')?.0);
            let [user, realm, nonce, uri, response] =
                ["username", "realm", "nonce", "uri", "response"].map(|key| value(key).unwrap_or_default());
            let password = String::from_utf8_lossy(self.password.reveal()).into_owned();
            let sha = answer.contains("algorithm=SHA-256");
            if digest(sha, [user, realm, &password, &request.method, uri, nonce]) != response {
                self.counters.one(Counter::AuthRejected);
                self.access.fail(at, viewer.address);
                let token = self.challenge(at, viewer);
                self.refuse(conn, 401, cseq, Says::Challenge { token, stale });
                self.end(now, conn, viewer);
                return false;
            }
            let known = viewer.challenge.filter(|&(_, until)| at < until);
            if known.is_some_and(|(token, _)| self.tokens.get(&token).is_some_and(|known| known == nonce)) {
                viewer.challenge = None;
                self.counters.one(Counter::AuthAccepted);
                self.access.forgive(at, viewer.address);
                viewer.outside = None;
                return true;
            }
            stale = true;
        }
        let token = self.challenge(at, viewer);
        self.refuse(conn, 401, cseq, Says::Challenge { token, stale });
        false
    }

    /// The nonce of a challenge: the one before, while it is good for more than half its life.
    fn challenge(&mut self, at: u64, viewer: &mut Viewer) -> u64 {
        let fresh = viewer.challenge.filter(|&(_, until)| until > at + NONCE / 2);
        let (token, until) = fresh.unwrap_or_else(|| (self.new_token(), at + NONCE));
        viewer.challenge = Some((token, until));
        token
    }

    /// Carries a request out, or returns the status that it is refused with.
    fn carry_out(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer, request: &Request) -> Result<(), u16> {
        let method = &request.method[..];
        let own = match (request.header("session"), &viewer.session) {
            (None, _) => Some(false),
            (Some(id), Some(session)) if self.tokens.get(&session.token).is_some_and(|known| known == id) => Some(true),
            (Some(_), _) => None,
        };
        let (target, uri) = path(&request.uri).ok_or(400_u16)?;
        match (method, target) {
            ("OPTIONS", _) | (_, Target::Stream) | ("GET_PARAMETER" | "SET_PARAMETER", Target::Server) => {}
            ("SETUP", Target::OtherTrack) if own == Some(true) => return Err(459),
            (_, Target::Server | Target::OtherTrack | Target::Nothing) => return Err(404),
        }
        let own = own.ok_or(454_u16)?;
        let plays = viewer.session.as_ref().is_some_and(|session| session.plays);
        let token = viewer.session.as_ref().map_or(0, |session| session.token);
        let says = match method {
            "OPTIONS" => Says::Headers(vec![("Public", METHODS.join(", "))]),
            "DESCRIBE" => {
                let base = uri.strip_suffix("/trackID=0").unwrap_or(&uri);
                return self.describe(now, conn, viewer, request, format!("{base}/"));
            }
            "SETUP" if own && plays => return Err(455),
            "SETUP" => return self.set_up(conn, viewer, request, own, uri),
            "GET_PARAMETER" | "SET_PARAMETER" if request.has_body => return Err(451),
            "GET_PARAMETER" | "SET_PARAMETER" if !own => Says::Little,
            "GET_PARAMETER" | "SET_PARAMETER" => Says::Session { token, headers: Vec::new() },
            _ if !own => return Err(454),
            "PLAY" if !plays => return self.play(now, conn, viewer, request),
            "PLAY" => Says::Session { token, headers: vec![("Range", range(request)?)] },
            "PAUSE" if !plays => return Err(455),
            "PAUSE" => {
                self.stop(conn, viewer);
                Says::Session { token, headers: Vec::new() }
            }
            _ => {
                self.stop(conn, viewer);
                viewer.session = None;
                Says::Little
            }
        };
        self.reply(conn, request.cseq, says);
        Ok(())
    }

    fn describe(
        &mut self,
        now: Now,
        conn: ConnId,
        viewer: &mut Viewer,
        request: &Request,
        base: String,
    ) -> Result<(), u16> {
        if request.header("accept").is_some_and(|kind| kind != "application/sdp") {
            return Err(406);
        }
        let until = now.mono.as_nanos() + PATIENCE;
        viewer.waiting = Some(Waiting { wanted: Wanted::Description, cseq: request.cseq, until, words: base });
        if self.video.describes().is_some() {
            self.picture_comes(now, conn, viewer);
        }
        Ok(())
    }

    /// Begins at the slate that is shown, or waits for the camera's next key picture.
    fn play(&mut self, now: Now, conn: ConnId, viewer: &mut Viewer, request: &Request) -> Result<(), u16> {
        let (until, words) = (now.mono.as_nanos() + self.play_patience(), range(request)?);
        viewer.waiting = Some(Waiting { wanted: Wanted::KeyPicture, cseq: request.cseq, until, words });
        if self.video.slate_at_hand(now.mono.as_nanos()) {
            self.picture_comes(now, conn, viewer);
        }
        Ok(())
    }

    fn set_up(
        &mut self,
        conn: ConnId,
        viewer: &mut Viewer,
        request: &Request,
        own: bool,
        uri: String,
    ) -> Result<(), u16> {
        let list = request.header("transport").ok_or(400_u16)?;
        let way = Way::choose(list, self.udp_port).ok_or(461_u16)?;
        let others = self.viewers.values().filter(|other| other.session.is_some()).count();
        if viewer.session.is_none() && others >= usize::from(self.config.server.max_viewers) {
            return Err(503);
        }
        let before = viewer.session.as_ref().map(|session| session.token).filter(|_| own);
        if before.is_none() {
            self.stop(conn, viewer);
        }
        let token = before.unwrap_or_else(|| self.new_token());
        self.counters.one(Counter::RtspSessions);
        let words = format!("{};ssrc={:08X};mode=\"PLAY\"", way.words, self.video.ssrc);
        viewer.session = Some(Session { token, way, uri, plays: false });
        let ports = viewer.ports().unwrap_or_default();
        let collides = |other: &Viewer| {
            other.address == viewer.address
                && other.ports().is_some_and(|has| has.iter().any(|port| ports.contains(port)))
        };
        viewer.replaces.extend(self.viewers_that(collides));
        self.reply(conn, request.cseq, Says::Session { token, headers: vec![("Transport", words)] });
        Ok(())
    }
}
