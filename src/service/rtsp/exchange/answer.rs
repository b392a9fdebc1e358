//! What a request is answered with.

use super::{Exchange, Pending, Session, Waiting};
use crate::limits::{RTSP_DESCRIBE_TIMEOUT, RTSP_PLAY_TIMEOUT, RTSP_SESSION_TIMEOUT};
use crate::service::rtsp::digest::{Asked, Verdict};
use crate::service::rtsp::interface::{Access, Context, FirstPacket, Output};
use crate::service::rtsp::rejection::Rejection;
use crate::service::rtsp::reply::Reply;
use crate::service::rtsp::request::{Method, Request, Verb};
use crate::service::rtsp::session::{Act, Named, act, allowed};
use crate::service::rtsp::transport::{self, Chosen};
use crate::service::rtsp::uri::{Target, Uri};
use crate::service::status::Status;

/// The longest start of a range that is repeated, in bytes.
const LONGEST_RANGE_START: usize = 32;

impl Session {
    fn header(&self) -> String {
        format!("{};timeout={}", self.id, RTSP_SESSION_TIMEOUT.as_secs())
    }

    /// The reply to a PLAY. `first`: what is sent from now on begins with this packet.
    pub(super) fn play_reply(&self, cseq: u32, range: &str, scale: bool, first: Option<FirstPacket>) -> String {
        let mut reply = Reply::new(Status::OK, Some(cseq)).header("Session", self.header()).header("Range", range);
        if scale {
            // RFC 2326 section 12.34: a request's Scale is answered with the real one.
            reply = reply.header("Scale", "1.0");
        }
        if let Some(FirstPacket { seq, rtptime }) = first {
            reply = reply.header("RTP-Info", format_args!("url={};seq={seq};rtptime={rtptime}", self.uri));
        }
        reply.end()
    }
}

impl Exchange {
    /// Answers a request, or notes that its answer is pending.
    pub(super) fn answer(&mut self, context: &Context<'_>, request: &Request, out: &mut Vec<Output>) {
        let result = self.admit(context, request, out).and_then(|method| self.carry_out(context, method, request, out));
        if let Err(rejection) = result {
            self.refuse_request(context, request, rejection, out);
        }
    }

    /// Checks what does not depend on the session: the method, which is returned, and who asks.
    fn admit(&mut self, context: &Context<'_>, request: &Request, out: &mut Vec<Output>) -> Result<Method, Rejection> {
        let method = match request.verb {
            Verb::Known(method) => method,
            Verb::NotAllowed => return Err(Rejection::MethodNotAllowed),
            Verb::Unknown => return Err(Rejection::UnknownMethod),
        };
        if request.require.is_some() {
            return Err(Rejection::Required);
        }
        // Clients ask for the methods before they have a password to offer.
        if self.outside_since.is_none() || method == Method::Options {
            return Ok(method);
        }
        match (context.access, &request.authorization) {
            (Access::Open, _) => {}
            (Access::LockedOut(_), _) => return Err(Rejection::LockedOut),
            (Access::Password(_), None) => return Err(Rejection::NotAuthenticated),
            (Access::Password(password), Some(answer)) => {
                let asked = Asked { method: method.name(), uri: &request.uri, stream: context.path };
                match self.challenges.check(context.now, password, asked, answer) {
                    Verdict::Right => out.push(Output::AuthSucceeded),
                    Verdict::Stale => return Err(Rejection::StaleNonce),
                    Verdict::Unusable => return Err(Rejection::NotAuthenticated),
                    Verdict::Wrong => {
                        out.push(Output::AuthFailed);
                        return Err(Rejection::WrongPassword);
                    }
                }
            }
        }
        self.outside_since = None;
        Ok(method)
    }

    fn carry_out(
        &mut self,
        context: &Context<'_>,
        method: Method,
        request: &Request,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let named = match (&request.session, &self.session) {
            (None, _) => Named::None,
            (Some(id), Some(session)) if *id == session.id => Named::Own,
            (Some(_), _) => Named::Other,
        };
        let uri = Uri::parse(&request.uri).ok_or(Rejection::Uri)?;
        find(method, uri.target(context.path), named)?;
        let ok = Reply::new(Status::OK, Some(request.cseq));
        let reply = match act(self.state(), method, named) {
            Act::Refuse(rejection) => return Err(rejection),
            Act::List => ok.header("Public", names(Method::ALL.into_iter())).end(),
            Act::Parameters if request.has_body => return Err(Rejection::Parameter),
            Act::Parameters => match (&self.session, named) {
                (Some(session), Named::Own) => ok.header("Session", session.header()).end(),
                (Some(_) | None, Named::Own | Named::None | Named::Other) => ok.end(),
            },
            Act::Describe => return self.describe(context, request, uri, out),
            Act::Begin | Act::Change => return self.set_up(context, request, (uri, named), out),
            Act::Start => return self.start(context, request, out),
            Act::GoOn => {
                let range = range(request.range.as_deref())?;
                let session = self.session.as_ref().ok_or(Rejection::NoSession)?;
                session.play_reply(request.cseq, &range, request.scale, None)
            }
            Act::Stop => {
                let session = self.session.as_mut().ok_or(Rejection::NoSession)?;
                session.playing = false;
                out.push(Output::Stop);
                ok.header("Session", session.header()).end()
            }
            Act::End => {
                self.session = None;
                out.push(Output::SessionOver);
                ok.end()
            }
        };
        out.push(Output::Reply(reply));
        Ok(())
    }

    fn describe(
        &mut self,
        context: &Context<'_>,
        request: &Request,
        uri: Uri<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        if !request.accept.as_deref().is_none_or(takes_sdp) {
            return Err(Rejection::NotAcceptable);
        }
        let what = Pending::Describe { base: uri.base(context.path) };
        self.waiting = Some(Waiting { cseq: request.cseq, until: context.now + RTSP_DESCRIBE_TIMEOUT, what });
        out.push(Output::Describe);
        Ok(())
    }

    fn set_up(
        &mut self,
        context: &Context<'_>,
        request: &Request,
        (uri, named): (Uri<'_>, Named),
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let list = request.transport.as_deref().ok_or(Rejection::NoTransport)?;
        let chosen = transport::choose(list, context.ends).ok_or(Rejection::Transport)?;
        if self.session.is_none() && !context.room {
            return Err(Rejection::Full);
        }
        let Chosen { transport, .. } = chosen;
        let (before, id) = match (self.session.take(), named) {
            (Some(session), Named::Own) => (None, session.id),
            (before, Named::Own | Named::None | Named::Other) => (before, self.tokens.next()),
        };
        if before.is_some() {
            out.push(Output::SessionOver);
        }
        out.push(Output::SetUp(transport));
        let session = self.session.insert(Session { id, transport, uri: uri.cleaned(), playing: false });
        let reply = Reply::new(Status::OK, Some(request.cseq)).header("Session", session.header());
        out.push(Output::Reply(reply.header("Transport", chosen).end()));
        Ok(())
    }

    fn start(&mut self, context: &Context<'_>, request: &Request, out: &mut Vec<Output>) -> Result<(), Rejection> {
        let what = Pending::Play { range: range(request.range.as_deref())?, scale: request.scale };
        let until = context.now + RTSP_PLAY_TIMEOUT + context.key_interval;
        self.waiting = Some(Waiting { cseq: request.cseq, until, what });
        out.push(Output::Start);
        Ok(())
    }

    fn refuse_request(
        &mut self,
        context: &Context<'_>,
        request: &Request,
        rejection: Rejection,
        out: &mut Vec<Output>,
    ) {
        let mut headers = Vec::new();
        let every = || names(Method::ALL.into_iter());
        match rejection {
            Rejection::NotAuthenticated | Rejection::StaleNonce | Rejection::WrongPassword => {
                let stale = rejection == Rejection::StaleNonce;
                let challenges = self.challenges.challenge(context.now, stale, &mut self.tokens);
                headers.extend(challenges.map(|challenge| ("WWW-Authenticate", challenge)));
            }
            Rejection::MethodNotAllowed => headers.push(("Allow", every())),
            Rejection::UnknownMethod => headers.push(("Public", every())),
            Rejection::WrongState => headers.push(("Allow", names(allowed(self.state())))),
            Rejection::Required => headers.extend(request.require.clone().map(|features| ("Unsupported", features))),
            Rejection::LockedOut => {
                if let Access::LockedOut(left) = context.access {
                    headers.push(("Retry-After", (left.as_secs() + 1).to_string()));
                }
            }
            Rejection::Malformed
            | Rejection::CSeq
            | Rejection::Uri
            | Rejection::NoTransport
            | Rejection::NotFound
            | Rejection::NotAcceptable
            | Rejection::TooSlow
            | Rejection::BodyTooLong
            | Rejection::UriTooLong
            | Rejection::HeadTooLong
            | Rejection::Parameter
            | Rejection::NoSession
            | Rejection::Range
            | Rejection::OneStream
            | Rejection::Transport
            | Rejection::RangeUnit
            | Rejection::NoPicture
            | Rejection::Full
            | Rejection::Version => {}
        }
        self.refuse(Some(request.cseq), rejection, &headers, out);
    }
}

/// Whether a method can be applied to what a URI names. With one stream, presentation and stream are as good as one
/// (RFC 2326 section 14.3 asks servers to be forgiving there), so 460 does not occur.
fn find(method: Method, target: Target, named: Named) -> Result<(), Rejection> {
    match (method, target) {
        (Method::Options, _) => Ok(()),
        (_, Target::Stream | Target::Track) => Ok(()),
        (Method::GetParameter | Method::SetParameter, Target::Server) => Ok(()),
        // RFC 2326 section 10.4: a SETUP that names a session joins it, or is answered with 459.
        (Method::Setup, Target::OtherTrack) if named == Named::Own => Err(Rejection::OneStream),
        (_, Target::Server | Target::OtherTrack | Target::Elsewhere) => Err(Rejection::NotFound),
    }
}

fn names(methods: impl Iterator<Item = Method>) -> String {
    methods.map(Method::name).collect::<Vec<_>>().join(", ")
}

/// Whether an Accept header lets SDP through (RFC 2326 section 12.1).
fn takes_sdp(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        ["application/sdp", "application/*", "*/*"].iter().any(|known| known.eq_ignore_ascii_case(kind))
    })
}

/// The Range of the reply to a PLAY: from now, or from the start that was asked for, which clients match with theirs.
/// Either way it is live. The end that was asked for is left out, since the stream has none.
fn range(asked: Option<&str>) -> Result<String, Rejection> {
    let Some(asked) = asked else { return Ok("npt=now-".into()) };
    let (unit, range) = asked.split_once('=').ok_or(Rejection::Range)?;
    if !unit.trim().eq_ignore_ascii_case("npt") {
        return Err(Rejection::RangeUnit);
    }
    let start = range.split_once('-').ok_or(Rejection::Range)?.0.trim();
    // RFC 2326 section 3.6: seconds, or hours, minutes and seconds.
    let is_time = start.starts_with(|c: char| c.is_ascii_digit())
        && start.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
    if start.len() > LONGEST_RANGE_START || !(is_time || start == "now") {
        return Err(Rejection::Range);
    }
    Ok(format!("npt={start}-"))
}
