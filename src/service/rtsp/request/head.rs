//! The head of a request: its line and the headers that the server looks at.

use super::{Fault, Item, is_token};
use crate::limits::RTSP_MAX_URI_BYTES;
use crate::service::rtsp::rejection::Rejection;

/// A method that the server carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// What the server can do.
    Options,
    /// What the stream is.
    Describe,
    /// How to send it.
    Setup,
    /// Send it.
    Play,
    /// Stop sending it for a while.
    Pause,
    /// Read parameters. Without a body, a sign of life.
    GetParameter,
    /// Change parameters. Without a body, a sign of life.
    SetParameter,
    /// End the session.
    Teardown,
}

impl Method {
    /// All of them, in the order in which `Public` lists them.
    pub const ALL: [Self; 8] = [
        Self::Options,
        Self::Describe,
        Self::Setup,
        Self::Play,
        Self::Pause,
        Self::GetParameter,
        Self::SetParameter,
        Self::Teardown,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Options => "OPTIONS",
            Self::Describe => "DESCRIBE",
            Self::Setup => "SETUP",
            Self::Play => "PLAY",
            Self::Pause => "PAUSE",
            Self::GetParameter => "GET_PARAMETER",
            Self::SetParameter => "SET_PARAMETER",
            Self::Teardown => "TEARDOWN",
        }
    }
}

/// The method of a request. Names are case-sensitive (RFC 2326 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// One that the server carries out.
    Known(Method),
    /// One of RFC 2326 that is not for this server: ANNOUNCE, RECORD, REDIRECT.
    NotAllowed,
    /// One that RFC 2326 does not know.
    Unknown,
}

impl Verb {
    fn of(name: &str) -> Self {
        match Method::ALL.into_iter().find(|method| method.name() == name) {
            Some(method) => Self::Known(method),
            None if ["ANNOUNCE", "RECORD", "REDIRECT"].contains(&name) => Self::NotAllowed,
            None => Self::Unknown,
        }
    }
}

/// A request. Of a header that is repeated, the first one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub verb: Verb,
    /// The request URI: characters that a URI may hold (RFC 2396), at most [`RTSP_MAX_URI_BYTES`] of them.
    pub uri: String,
    /// The request's number, which its reply repeats.
    pub cseq: u32,
    /// The session's identifier, without parameters.
    pub session: Option<String>,
    /// The value of the Transport header.
    pub transport: Option<String>,
    /// The value of the Authorization header.
    pub authorization: Option<String>,
    /// The value of the Range header.
    pub range: Option<String>,
    /// The value of the Accept header.
    pub accept: Option<String>,
    /// The value of the Require header.
    pub require: Option<String>,
    /// Whether there is a Scale header.
    pub scale: bool,
    /// Whether it has a body with more in it than white space.
    pub has_body: bool,
}

/// A request that is refused for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bad {
    /// Its number, where that can be read.
    pub cseq: Option<u32>,
    /// Why it is refused.
    pub rejection: Rejection,
}

/// The headers that are looked at.
#[derive(Debug, Default)]
struct Headers<'a> {
    cseq: Option<&'a str>,
    content_length: Option<&'a str>,
    session: Option<&'a str>,
    transport: Option<&'a str>,
    authorization: Option<&'a str>,
    range: Option<&'a str>,
    accept: Option<&'a str>,
    require: Option<&'a str>,
    scale: Option<&'a str>,
    /// Whether a line is no header, or there are two lengths of the body.
    unsound: bool,
}

impl<'a> Headers<'a> {
    /// Reads header lines, as far as they are some.
    fn of(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                found.unsound = true;
                continue;
            };
            let value = value.trim_matches([' ', '\t']);
            if name.is_empty() || !name.bytes().all(is_token) || value.contains(|c: char| c != '\t' && c.is_control()) {
                found.unsound = true;
                continue;
            }
            if let Some(place) = found.place(name) {
                place.get_or_insert(value);
            }
            let is_length = name.eq_ignore_ascii_case("Content-Length");
            found.unsound |= is_length && found.content_length.is_some_and(|length| length != value);
        }
        found
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        let places = [
            ("CSeq", &mut self.cseq),
            ("Content-Length", &mut self.content_length),
            ("Session", &mut self.session),
            ("Transport", &mut self.transport),
            ("Authorization", &mut self.authorization),
            ("Range", &mut self.range),
            ("Accept", &mut self.accept),
            ("Require", &mut self.require),
            ("Scale", &mut self.scale),
        ];
        places.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, place)| place)
    }

    fn number(&self) -> Option<u32> {
        self.cseq.and_then(decimal)
    }
}

/// The `CSeq` of a head that may be cut short.
pub fn cseq(head: &[u8]) -> Option<u32> {
    let whole = head.iter().rposition(|&byte| byte == b'\n')?;
    let text = String::from_utf8_lossy(&head[..=whole]);
    Headers::of(text.lines().skip(1)).number()
}

/// Reads a whole head: the request, and the length of its body in bytes.
pub fn parse(head: &[u8]) -> Result<(Item, usize), Fault> {
    let Ok(text) = str::from_utf8(head) else { return Err(Fault::Malformed(cseq(head))) };
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default();
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let (method, uri, version) = (words.next(), words.next(), words.next());
    if version.is_some_and(|version| version.starts_with("HTTP/")) {
        return Err(Fault::Http);
    }
    let headers = Headers::of(lines);
    let number = headers.number();
    let (Some(method), Some(uri), Some(version), None) = (method, uri, version, words.next()) else {
        return Err(Fault::Malformed(number));
    };
    if headers.unsound || !method.bytes().all(is_token) || !version.starts_with("RTSP/") {
        return Err(Fault::Malformed(number));
    }
    let Some(length) = headers.content_length.map_or(Some(0), decimal) else { return Err(Fault::Malformed(number)) };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let item = match request(method, uri, version, &headers) {
        Ok(request) => Item::Request(Box::new(request)),
        Err(rejection) => Item::Bad(Bad { cseq: number, rejection }),
    };
    Ok((item, length))
}

fn request(method: &str, uri: &str, version: &str, headers: &Headers<'_>) -> Result<Request, Rejection> {
    if version != "RTSP/1.0" {
        return Err(Rejection::Version);
    }
    let cseq = headers.number().ok_or(Rejection::CSeq)?;
    if uri.len() > RTSP_MAX_URI_BYTES {
        return Err(Rejection::UriTooLong);
    }
    // What RFC 2396 section 2.4.3 excludes can't be in a URI; the rest can stand in a header of the reply. Square
    // brackets are for IPv6 addresses (RFC 2732).
    if !uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
        return Err(Rejection::Uri);
    }
    let owned = |value: Option<&str>| value.map(str::to_owned);
    Ok(Request {
        verb: Verb::of(method),
        uri: uri.to_owned(),
        cseq,
        session: headers.session.map(|value| value.split(';').next().unwrap_or_default().trim().to_owned()),
        transport: owned(headers.transport),
        authorization: owned(headers.authorization),
        range: owned(headers.range),
        accept: owned(headers.accept),
        require: owned(headers.require),
        scale: headers.scale.is_some(),
        has_body: false,
    })
}

/// A number of digits alone.
pub fn decimal(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { text.parse().ok() }
}
