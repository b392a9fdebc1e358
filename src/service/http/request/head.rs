//! The head of a request: its line and the headers that the server looks at.

use httparse::{EMPTY_HEADER, Error, Header, Status};

use crate::limits::{HTTP_MAX_HEADERS, HTTP_MAX_TOKEN_BYTES};
use crate::service::http::interface::{SESSION_COOKIE, SIGNATURE_HEADER};
use crate::service::http::rejection::Rejection;
use crate::service::http::route::Method;

/// What a client waits for before it sends the body (RFC 9110 section 10.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Nothing.
    None,
    /// `100 Continue`.
    Continue,
    /// Something that this server does not know.
    Unknown,
}

/// A request, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path of the target, as it was sent, without the query.
    pub path: String,
    /// Whether it is an HTTP/1.0 request.
    pub old: bool,
    /// What was asked for: the authority of the target or of `Host`.
    pub host: Option<String>,
    /// The value of `Origin`.
    pub origin: Option<String>,
    /// The value of `Content-Type`.
    pub content_type: Option<String>,
    /// The value of `Content-Length`, at most `usize::MAX`.
    pub length: Option<usize>,
    /// What the client waits for.
    pub expects: Expectation,
    /// Whether the client wants no further reply on this connection.
    pub last: bool,
    /// Whether the client takes gzip.
    pub gzip: bool,
    /// The values of `If-None-Match`, separated by commas.
    pub if_none_match: Option<String>,
    /// The value of the cookie [`SESSION_COOKIE`], if it is not too long.
    pub session: Option<String>,
    /// The value of [`SIGNATURE_HEADER`], if it is not too long.
    pub signature: Option<String>,
}

/// Reads a whole head, of lines that end with CR LF.
pub fn parse(head: &[u8]) -> Result<Request, Rejection> {
    let mut places = [EMPTY_HEADER; HTTP_MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut places);
    match parsed.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(Status::Complete(_) | Status::Partial) => return Err(Rejection::Malformed),
        Err(Error::TooManyHeaders) => return Err(Rejection::HeadTooLong),
        Err(Error::Version) => return Err(version(head)),
        Err(Error::HeaderName | Error::HeaderValue | Error::NewLine | Error::Status | Error::Token) => {
            return Err(Rejection::Malformed);
        }
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(Rejection::Malformed);
    };
    let headers = Headers(parsed.headers);
    let (authority, path) = split_target(target).ok_or(Rejection::Malformed)?;
    let old = minor == 0;
    let length = length(&headers, old)?;
    // RFC 9112 section 3.2.2: the authority of the target counts, but Host must be sound all the same.
    let host = headers.only("Host")?;
    Ok(Request {
        method: Method::of(method),
        path: path.to_owned(),
        old,
        host: authority.or(host).map(str::to_owned),
        origin: headers.only("Origin")?.map(str::to_owned),
        content_type: headers.only("Content-Type")?.map(str::to_owned),
        length,
        expects: if old { Expectation::None } else { expectation(&headers) },
        last: old || headers.items("Connection").any(|item| item.eq_ignore_ascii_case(b"close")),
        gzip: takes_gzip(&headers),
        if_none_match: headers.joined("If-None-Match"),
        session: cookie(&headers).and_then(token),
        signature: headers.only(SIGNATURE_HEADER)?.and_then(|value| printable(value.as_bytes())),
    })
}

/// What a line without a version that is supported is: HTTP of another version (RFC 9112 section 2.3), or no request.
fn version(head: &[u8]) -> Rejection {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    match words[..] {
        [_, [_, ..], [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']] => Rejection::Version,
        _ => Rejection::Malformed,
    }
}

/// Authority, if there is one, and path of a target (RFC 9112 section 3.2).
fn split_target(target: &str) -> Option<(Option<&str>, &str)> {
    const SCHEME: &str = "http://";
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let whole = target.split('?').next().unwrap_or_default();
    if whole.starts_with('/') || target == "*" {
        return Some((None, whole));
    }
    let scheme = whole.get(..SCHEME.len())?;
    let rest = scheme.eq_ignore_ascii_case(SCHEME).then(|| &whole[SCHEME.len()..])?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((Some(authority), if path.is_empty() { "/" } else { path }))
}

/// The length of the body (RFC 9112 section 6). Whatever leaves room for two readings is refused.
fn length(headers: &Headers<'_, '_>, old: bool) -> Result<Option<usize>, Rejection> {
    let length = headers.only("Content-Length")?;
    if headers.values("Transfer-Encoding").next().is_some() {
        return Err(if old || length.is_some() { Rejection::Malformed } else { Rejection::Chunked });
    }
    let Some(digits) = length else { return Ok(None) };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rejection::Malformed);
    }
    Ok(Some(digits.parse().unwrap_or(usize::MAX)))
}

fn expectation(headers: &Headers<'_, '_>) -> Expectation {
    let mut items = headers.items("Expect").peekable();
    if items.peek().is_none() {
        Expectation::None
    } else if items.all(|item| item.eq_ignore_ascii_case(b"100-continue")) {
        Expectation::Continue
    } else {
        Expectation::Unknown
    }
}

/// Whether gzip is acceptable (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &Headers<'_, '_>) -> bool {
    if headers.values("Accept-Encoding").next().is_none() {
        return true;
    }
    let (mut named, mut any) = (None, None);
    for item in headers.items("Accept-Encoding") {
        let mut parts = item.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or_default();
        let zero = parts.any(|part| match part {
            [b'q' | b'Q', b'=', weight @ ..] => weight.iter().all(|byte| matches!(byte, b'0' | b'.')),
            _ => false,
        });
        if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
            named.get_or_insert(!zero);
        } else if coding == b"*" {
            any.get_or_insert(!zero);
        }
    }
    named.or(any).unwrap_or(false)
}

/// The value of the session's cookie. Other cookies are those of other services on the same host.
fn cookie<'a>(headers: &Headers<'a, '_>) -> Option<&'a [u8]> {
    let pairs = headers.values("Cookie").flat_map(|value| value.split(|&byte| byte == b';'));
    pairs.map(<[u8]>::trim_ascii).find_map(|pair| pair.strip_prefix(SESSION_COOKIE.as_bytes())?.strip_prefix(b"="))
}

fn token(value: &[u8]) -> Option<String> {
    printable(value).filter(|token| !token.contains(' '))
}

/// A text that is not too long, of printable ASCII characters and spaces.
fn printable(value: &[u8]) -> Option<String> {
    let fits =
        !value.is_empty() && value.len() <= HTTP_MAX_TOKEN_BYTES && value.iter().all(|b| matches!(b, b' '..=b'~'));
    if fits { str::from_utf8(value).ok().map(str::to_owned) } else { None }
}

/// All headers of a request.
struct Headers<'a, 'h>(&'h [Header<'a>]);

impl<'a> Headers<'a, '_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }

    /// The value of a header that may come once.
    fn only(&self, name: &str) -> Result<Option<&'a str>, Rejection> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) if value.is_ascii() => str::from_utf8(value).map(Some).or(Err(Rejection::Malformed)),
            (Some(_), _) => Err(Rejection::Malformed),
        }
    }

    /// The items of a header that is a list.
    fn items(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let items = self.values(name).flat_map(|value| value.split(|&byte| byte == b','));
        items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
    }

    /// All values of a header that is a list.
    fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.values(name).map(String::from_utf8_lossy).collect();
        if values.is_empty() { None } else { Some(values.join(",")) }
    }
}
