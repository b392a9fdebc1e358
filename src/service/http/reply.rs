//! Replies: head and body as frames (RFC 9112 section 4).

use std::fmt::{Display, Write as _};

use super::answer::{Body, Content, Kind, Page, SessionCookie};
use super::interface::SESSION_COOKIE;
use super::rejection::{CHALLENGE, Rejection, Status};
use crate::frame::Frame;

const WRITES: &str = "a String takes every write";

/// Tells a client that its body is wanted.
pub const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// What keeps a browser from doing anything with what it got but show it to the page that asked: no guessing of types, no
/// frame around it, no address of it to other sites, no use by their pages.
const SHIELD: &str = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n";
/// The policy of everything but the page.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// How a reply is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Without its body, since the request was a HEAD.
    pub head_only: bool,
    /// As the last one of the connection.
    pub last: bool,
}

/// The head of a reply that is being written.
struct Head(String);

impl Head {
    fn new(status: Status) -> Self {
        Self(format!("HTTP/1.1 {status}\r\n"))
    }

    /// Adds a header. The value has no line breaks.
    fn header(mut self, name: &str, value: impl Display) -> Self {
        write!(self.0, "{name}: {value}\r\n").expect(WRITES);
        self
    }

    /// The head of something that no browser shows as a page, and no cache keeps.
    fn plain(status: Status) -> Self {
        Self::new(status).header("Cache-Control", "no-store").header("Content-Security-Policy", NOTHING)
    }

    fn end(mut self, last: bool) -> String {
        self.0.push_str(SHIELD);
        self.0.push_str(if last { "Connection: close\r\n\r\n" } else { "\r\n" });
        self.0
    }

    /// The whole reply. A text is in one frame with the head.
    fn with(self, kind: &dyn Display, body: Body, manner: Manner) -> Vec<Frame> {
        let mut head = self.header("Content-Type", kind).header("Content-Length", body.len()).end(manner.last);
        match body {
            _ if manner.head_only => vec![head.into()],
            Body::Text(text) => {
                head.push_str(&text);
                vec![head.into()]
            }
            Body::Shared(shared) => vec![head.into(), shared.into()],
        }
    }
}

/// A reply with content.
pub fn content(content: Content, manner: Manner) -> Vec<Frame> {
    let Content { status, kind, body, session } = content;
    let mut head = Head::plain(status);
    if status == Status::UNAUTHORIZED {
        head = head.header(CHALLENGE.0, CHALLENGE.1);
    }
    if let Some(session) = session {
        head = head.header("Set-Cookie", cookie(&session));
    }
    head.with(&kind, body, manner)
}

/// The page, or the news that the client has it: `known` are the entity tags that it has.
pub fn page(page: Page, known: Option<&str>, manner: Manner) -> Vec<Frame> {
    let Page { gzip, etag, script, style } = page;
    let has = known.is_some_and(|known| matches(known, &etag));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; \
         media-src 'self' blob:; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // Not to be used without asking: after an update of the device, the page has to fit it.
    let head = Head::new(if has { Status::NOT_MODIFIED } else { Status::OK })
        .header("Cache-Control", "no-cache")
        .header("ETag", etag)
        .header("Vary", "Accept-Encoding")
        .header("Content-Security-Policy", policy);
    if has {
        return vec![head.end(manner.last).into()];
    }
    head.header("Content-Encoding", "gzip").with(&"text/html; charset=utf-8", gzip.into(), manner)
}

/// The head of a stream. With `last`, the stream follows, up to the end of the connection.
pub fn stream(kind: &dyn Display, last: bool) -> Frame {
    Head::plain(Status::OK).header("Content-Type", kind).header("Accept-Ranges", "none").end(last).into()
}

/// A refusal, as JSON or as text.
pub fn refusal(rejection: Rejection, json: bool, manner: Manner) -> Vec<Frame> {
    let head = match rejection.header() {
        None => Head::plain(rejection.status()),
        Some((name, value)) => Head::plain(rejection.status()).header(name, value),
    };
    let text = rejection.to_string();
    let (kind, body) = if json {
        let Content { kind, body, .. } = Content::error(rejection.status(), &text);
        (kind, body)
    } else {
        (Kind::Text, Body::Text(text + "\n"))
    };
    head.with(&kind, body, manner)
}

/// Whether a list of entity tags has this one (RFC 9110 section 13.1.2, weak comparison).
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn cookie(session: &SessionCookie) -> String {
    let (value, seconds) = match session {
        SessionCookie::Set { value, lasts } => (value.as_str(), lasts.as_secs()),
        SessionCookie::Clear => ("", 0),
    };
    format!("{SESSION_COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests;
