//! One connection's exchange: its requests in order, one question at a time, its deadlines.

mod asked;
mod state;

use super::answer::Answer;
use super::interface::{Access, Context, Input, Output, Reason};
use super::rejection::Rejection;
use super::reply::{self, CONTINUE, Manner};
use super::request::{Expectation, Parser, Request};
use super::route::{Method, is_api};
use super::rules;
use crate::frame::Frame;
use crate::limits::{
    HTTP_ANSWER_TIMEOUT, HTTP_IDLE_TIMEOUT, HTTP_MAX_REQUESTS, HTTP_MAX_WAITING_BYTES, HTTP_REPLIES_BYTES,
    HTTP_REPLIES_PER_STEP, HTTP_REQUEST_TIMEOUT,
};
use crate::time::Mono;
use asked::Asked;
use state::State;

/// What a connection gets for which there is no place.
pub const TURNED_AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 45\r\n\
    Retry-After: 5\r\nConnection: close\r\n\r\nAll places are taken: try again in a moment.\n";

/// One HTTP connection.
#[derive(Debug)]
pub struct Exchange {
    parser: Parser,
    state: State,
    /// Requests so far.
    requests: u32,
    /// Bytes of replies since all were sent.
    unsent_bytes: usize,
    /// Replies since the last pause.
    replies: u32,
    /// When it last became idle.
    idle_since: Mono,
    /// Since when the client owes the rest of a request, or its first one.
    owes_since: Option<Mono>,
    /// Whether the client has closed its sending side.
    finished: bool,
}

impl Exchange {
    /// A connection taken at `now`.
    pub fn new(now: Mono) -> Self {
        Self {
            parser: Parser::default(),
            state: State::Head,
            requests: 0,
            unsent_bytes: 0,
            replies: 0,
            idle_since: now,
            owes_since: Some(now),
            finished: false,
        }
    }

    /// Takes an input, and appends what is to be done.
    pub fn handle(&mut self, context: &Context<'_>, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Bytes(bytes) => self.received(bytes, out),
            Input::Finished => self.finished = true,
            Input::Answer(answer) => self.answered(context, answer, out),
            Input::Sent => self.sent(context.now, out),
            Input::Wakeup => self.wakeup(context, out),
            Input::AccessChanged => self.access_changed(context.access, out),
        }
        self.proceed(context, out);
    }

    /// Whether the connection is not to be read: an answer is pending, or the replies are to be sent first.
    pub const fn waits(&self) -> bool {
        match self.state {
            State::Question(..) | State::Full | State::Last(_) => true,
            State::Head | State::Body(_) | State::Stream(_) | State::Over => false,
        }
    }

    /// When [`Input::Wakeup`] is due; `None` while others have deadlines of their own for what it waits for, and at the end.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::Head | State::Body(_) => Some(match self.owes_since {
                Some(since) => since + HTTP_REQUEST_TIMEOUT,
                None => self.idle_since + HTTP_IDLE_TIMEOUT,
            }),
            State::Question(_, until) => Some(*until),
            State::Full | State::Last(_) | State::Stream(_) | State::Over => None,
        }
    }

    /// The cookie that came with its question or its stream, if one goes on.
    pub fn session(&self) -> Option<&str> {
        match &self.state {
            State::Stream(session) => session.as_deref(),
            State::Question(asked, _) => asked.request.session.as_deref(),
            State::Head | State::Body(_) | State::Full | State::Last(_) | State::Over => None,
        }
    }

    /// Bytes of memory that unread input takes.
    pub const fn memory_bytes(&self) -> usize {
        self.parser.memory_bytes()
    }

    fn received(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        match self.state {
            State::Head | State::Body(_) => {
                self.parser.push(bytes);
                self.unsent_bytes = 0;
            }
            State::Question(..) | State::Full => {
                self.parser.push(bytes);
                if self.parser.waiting_bytes() > HTTP_MAX_WAITING_BYTES {
                    self.close(Reason::Flood, out);
                }
            }
            State::Last(_) | State::Stream(_) | State::Over => {}
        }
    }

    fn sent(&mut self, now: Mono, out: &mut Vec<Output>) {
        (self.unsent_bytes, self.replies) = (0, 0);
        match self.state {
            State::Full => (self.state, self.idle_since) = (State::Head, now),
            State::Last(reason) => self.close(reason, out),
            State::Head | State::Body(_) | State::Question(..) | State::Stream(_) | State::Over => {}
        }
    }

    /// Reads what has come, as far as it can be answered.
    fn proceed(&mut self, context: &Context<'_>, out: &mut Vec<Output>) {
        loop {
            match std::mem::replace(&mut self.state, State::Head) {
                State::Head => match self.parser.head() {
                    Ok(Some(request)) => self.asked(context, request, out),
                    Ok(None) => break,
                    Err(rejection) => self.refuse(context.now, None, rejection, out),
                },
                State::Body(asked) => {
                    let Some(body) = self.parser.body(asked.request.length.unwrap_or(0)) else {
                        self.state = State::Body(asked);
                        break;
                    };
                    self.complete(context, asked, body, out);
                }
                state @ (State::Question(..) | State::Full | State::Last(_) | State::Stream(_) | State::Over) => {
                    self.state = state;
                    return;
                }
            }
        }
        if self.finished {
            self.close(Reason::Finished, out);
        } else if self.mid_request() {
            self.owes_since.get_or_insert(context.now);
        }
    }

    fn mid_request(&self) -> bool {
        matches!(self.state, State::Body(_)) || self.parser.waiting_bytes() > 0
    }

    /// Takes the head of a request.
    fn asked(&mut self, context: &Context<'_>, request: Request, out: &mut Vec<Output>) {
        self.requests += 1;
        match rules::admit(context, &request) {
            Err(rejection) => self.refuse(context.now, Some(&request), rejection, out),
            Ok(route) => {
                let has_body = request.length.is_some_and(|length| length > 0);
                if request.expects == Expectation::Continue && has_body {
                    self.send(CONTINUE.to_owned().into(), out);
                }
                // A body of no length is complete immediately.
                self.state = State::Body(Box::new(Asked { route, request }));
            }
        }
    }

    /// Takes the body of a request, and asks for its answer.
    fn complete(&mut self, context: &Context<'_>, asked: Box<Asked>, body: Vec<u8>, out: &mut Vec<Output>) {
        self.owes_since = None;
        let Asked { route, ref request } = *asked;
        // The session may have ended while the body came.
        if let Err(rejection) = rules::session(context, route, request) {
            return self.refuse_complete(context.now, request, rejection, out);
        }
        if let (Method::Head, Some(stream)) = (request.method, route.stream()) {
            let last = self.is_last(request);
            self.send(reply::stream(&stream.kind(), last), out);
            return self.replied(context.now, last, out);
        }
        out.push(Output::Ask(asked.question(body)));
        self.state = State::Question(asked, context.now + HTTP_ANSWER_TIMEOUT);
    }

    fn answered(&mut self, context: &Context<'_>, answer: Answer, out: &mut Vec<Output>) {
        let State::Question(asked, _) = &self.state else { return };
        let Asked { route, request } = &**asked;
        let manner = self.manner(request);
        let frames = match answer {
            Answer::Content(whole) => reply::content(whole, manner),
            Answer::Page(page) => reply::page(page, request.if_none_match.as_deref(), manner),
            Answer::Stream(kind) => {
                let Some(stream) = route.stream() else { return };
                let session = request.session.clone();
                out.extend([Output::Send(reply::stream(&kind, true)), Output::Stream(stream)]);
                self.parser = Parser::default();
                self.state = State::Stream(session);
                return;
            }
            Answer::Refused(rejection) => {
                return self.refuse_complete(context.now, &request.clone(), rejection, out);
            }
        };
        for frame in frames {
            self.send(frame, out);
        }
        self.replied(context.now, manner.last, out);
    }

    fn wakeup(&mut self, context: &Context<'_>, out: &mut Vec<Output>) {
        if self.deadline().is_none_or(|due| due > context.now) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Head) {
            // What has been asked for was read up to its end.
            State::Question(asked, _) => self.refuse_complete(context.now, &asked.request, asked.without_answer(), out),
            State::Body(asked) => self.refuse(context.now, Some(&asked.request), Rejection::TooSlow, out),
            State::Head if self.mid_request() => self.refuse(context.now, None, Rejection::TooSlow, out),
            State::Head if self.owes_since.is_some() => self.close(Reason::Silent, out),
            State::Head => self.close(Reason::Idle, out),
            state @ (State::Full | State::Last(_) | State::Stream(_) | State::Over) => self.state = state,
        }
    }

    /// Ends a stream, begun or not, whose session has ended. Any other answer is no more than one reply, and the next request
    /// is checked anew.
    fn access_changed(&mut self, access: Access<'_>, out: &mut Vec<Output>) {
        let session = match &self.state {
            State::Stream(session) => session,
            State::Question(asked, _) if asked.route.stream().is_some() => &asked.request.session,
            State::Head | State::Body(_) | State::Question(..) | State::Full | State::Last(_) | State::Over => return,
        };
        if !access.admits(session.as_deref()) {
            self.close(Reason::NotAllowed, out);
        }
    }

    /// Refuses a request. Without one, what came can't be read. One with a body has not been read up to its end.
    fn refuse(&mut self, now: Mono, request: Option<&Request>, rejection: Rejection, out: &mut Vec<Output>) {
        let whole = request.is_some_and(|request| request.length.is_none_or(|length| length == 0));
        self.refuse_with(now, request, rejection, !whole, out);
    }

    /// Refuses a request that has been read up to its end.
    fn refuse_complete(&mut self, now: Mono, request: &Request, rejection: Rejection, out: &mut Vec<Output>) {
        self.refuse_with(now, Some(request), rejection, false, out);
    }

    fn refuse_with(
        &mut self,
        now: Mono,
        request: Option<&Request>,
        rejection: Rejection,
        unread: bool,
        out: &mut Vec<Output>,
    ) {
        self.owes_since = None;
        let closes = unread || rejection.closes();
        let manner = request.map_or(Manner { head_only: false, last: true }, |request| self.manner(request));
        let manner = Manner { last: manner.last || closes, ..manner };
        for frame in reply::refusal(rejection, request.is_some_and(|request| is_api(&request.path)), manner) {
            self.send(frame, out);
        }
        out.push(Output::Refused(rejection));
        if closes {
            self.end(Reason::Refused(rejection), out);
        } else {
            self.replied(now, manner.last, out);
        }
    }

    fn manner(&self, request: &Request) -> Manner {
        Manner { head_only: request.method == Method::Head, last: self.is_last(request) }
    }

    /// Whether a request is the last one of the connection.
    const fn is_last(&self, request: &Request) -> bool {
        request.last || self.requests >= HTTP_MAX_REQUESTS
    }

    fn send(&mut self, frame: Frame, out: &mut Vec<Output>) {
        self.unsent_bytes += frame.as_bytes().len();
        out.push(Output::Send(frame));
    }

    /// Goes on after a reply.
    fn replied(&mut self, now: Mono, last: bool, out: &mut Vec<Output>) {
        self.idle_since = now;
        self.replies += 1;
        let is_enough = self.replies >= HTTP_REPLIES_PER_STEP && self.parser.waiting_bytes() > 0;
        if last {
            self.end(Reason::Done, out);
        } else if is_enough || self.is_long() {
            self.state = State::Full;
            out.push(Output::WhenSent);
        } else {
            self.state = State::Head;
        }
    }

    /// Whether so much is unsent that the client is neither idle nor done before: it has as long as it takes some of it.
    const fn is_long(&self) -> bool {
        self.unsent_bytes > HTTP_REPLIES_BYTES
    }

    /// Ends it after the last reply.
    fn end(&mut self, reason: Reason, out: &mut Vec<Output>) {
        if self.is_long() {
            self.state = State::Last(reason);
            out.push(Output::WhenSent);
        } else {
            self.close(reason, out);
        }
    }

    fn close(&mut self, reason: Reason, out: &mut Vec<Output>) {
        self.parser = Parser::default();
        self.state = State::Over;
        out.push(Output::Close(reason));
    }
}

#[cfg(test)]
mod tests;
