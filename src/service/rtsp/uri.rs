//! Request URIs: which of them name the stream, and what replies make of them.
//!
//! Clients reach the server under names that it does not know (another address, a forwarded port), so the URIs in
//! replies are made from the request's own. Password and query are left out.

use crate::media::sdp::CONTROL;

/// What a URI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The server: `*`, or a URI without a path.
    Server,
    /// The presentation, whose only stream is the video.
    Stream,
    /// The video by its control name ([`CONTROL`]), which clients append to Content-Base.
    Track,
    /// Something below the presentation that is not there.
    OtherTrack,
    /// Something else.
    Elsewhere,
}

/// A request URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    scheme: &'static str,
    /// Host and port.
    place: &'a str,
    /// Without slashes around it, and without a query.
    path: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a request URI (RFC 2326 section 3.2): `*`, or an absolute one of the scheme `rtsp`. `rtsps` is taken too, since
    /// a proxy may have undone the TLS. `None`: it is no such URI.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text == "*" {
            return Some(Self { scheme: "rtsp", place: "", path: "" });
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme = ["rtsp", "rtsps"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let place = authority.rsplit('@').next().unwrap_or_default();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte);
        if place.is_empty() || !place.bytes().all(fits) {
            return None;
        }
        Some(Self { scheme, place, path: path.strip_suffix('/').unwrap_or(path) })
    }

    /// What it names, when the stream's path is `stream` (`server.rtsp_path`, without slashes around it).
    pub fn target(self, stream: &str) -> Target {
        if self.path.is_empty() {
            return Target::Server;
        }
        match self.path.strip_prefix(stream) {
            Some("") => Target::Stream,
            Some(below) => match below.strip_prefix('/') {
                Some(CONTROL) => Target::Track,
                Some(_) => Target::OtherTrack,
                None => Target::Elsewhere,
            },
            None => Target::Elsewhere,
        }
    }

    /// The Content-Base of the stream: this URI's place and the stream's path, with a slash at its end.
    pub fn base(self, stream: &str) -> String {
        format!("{}://{}/{stream}/", self.scheme, self.place)
    }

    /// The URI again, without user, password and query: what RTP-Info names.
    pub fn cleaned(self) -> String {
        format!("{}://{}/{}", self.scheme, self.place, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Option<Target> {
        Uri::parse(text).map(|uri| uri.target("ES_MTX"))
    }

    #[test]
    fn the_stream_is_found_with_and_without_a_slash_and_whatever_the_query() {
        for stream in [
            "rtsp://192.0.2.1:8554/ES_MTX",
            "rtsp://192.0.2.1:8554/ES_MTX/",
            "rtsp://192.0.2.1/ES_MTX?transport=tcp",
            "rtsp://192.0.2.1/ES_MTX/?a=/b",
            "RTSP://pi.local:8554/ES_MTX",
            "rtsps://[2001:db8::1]:322/ES_MTX",
            "rtsp://[fe80::1%25eth0]:8554/ES_MTX",
            "rtsp://es-iot:1111@192.0.2.1:8554/ES_MTX",
            // A control name appended to a URI that has a query.
            "rtsp://192.0.2.1/ES_MTX?a=b/trackID=0",
        ] {
            assert_eq!(target(stream), Some(Target::Stream), "{stream}");
        }
        for track in ["rtsp://h/ES_MTX/trackID=0", "rtsp://h/ES_MTX/trackID=0/", "rtsp://h/ES_MTX/trackID=0?x"] {
            assert_eq!(target(track), Some(Target::Track), "{track}");
        }
        for other in ["rtsp://h/ES_MTX/trackID=1", "rtsp://h/ES_MTX/a/b", "rtsp://h/ES_MTX//trackID=0"] {
            assert_eq!(target(other), Some(Target::OtherTrack), "{other}");
        }
        for elsewhere in ["rtsp://h/es_mtx", "rtsp://h/ES_MTX2", "rtsp://h//ES_MTX", "rtsp://h/x/ES_MTX"] {
            assert_eq!(target(elsewhere), Some(Target::Elsewhere), "{elsewhere}");
        }
        for server in ["*", "rtsp://h", "rtsp://h/", "rtsp://h:8554/?x"] {
            assert_eq!(target(server), Some(Target::Server), "{server}");
        }
    }

    #[test]
    fn other_uris_are_refused() {
        for bad in [
            "",
            "/ES_MTX",
            "http://h/ES_MTX",
            "rtspu://h/ES_MTX",
            "rtsp:/h/ES_MTX",
            "rtsp:///ES_MTX",
            "rtsp://h;x/ES_MTX",
        ] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }

    #[test]
    fn replies_repeat_neither_password_nor_query() {
        let uri = Uri::parse("rtsp://es-iot:11@11@pi.local:8554/ES_MTX/trackID=0/?secret").unwrap();
        assert_eq!(uri.base("ES_MTX"), "rtsp://pi.local:8554/ES_MTX/");
        assert_eq!(uri.cleaned(), "rtsp://pi.local:8554/ES_MTX/trackID=0");
    }

    #[test]
    fn a_path_of_several_parts_is_one_stream() {
        let uri = Uri::parse("rtsp://h/cameras/1/trackID=0").unwrap();
        assert_eq!(uri.target("cameras/1"), Target::Track);
        assert_eq!(uri.target("cameras"), Target::OtherTrack);
    }
}
