use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::cuts::cut;
use crate::limits::{HTTP_MAX_HEADERS, HTTP_MAX_TOKEN_BYTES};
use crate::service::http::route::Method;

fn read(text: impl AsRef<[u8]>) -> Result<Option<Request>, Rejection> {
    let mut parser = Parser::default();
    parser.push(text.as_ref());
    parser.head()
}

/// A GET with these header lines.
fn with(lines: &str) -> Result<Request, Rejection> {
    read(format!("GET / HTTP/1.1\r\n{lines}\r\n")).map(|request| request.expect("it is whole"))
}

#[test]
fn what_a_request_has() {
    let text = "PUT /api/settings?x=/y HTTP/1.1\r\nhost: H:8080\r\nCONTENT-LENGTH: 07\r\nContent-Type:application/json \t\r\n\
        Origin: http://h\r\nExpect: 100-Continue\r\nConnection: x, Close\r\nAccept-Encoding: br\r\nIf-None-Match: \"1\"\r\n\
        If-None-Match: \"2\"\r\nCookie: a=\u{c3}\u{a9}; es_iot_session=s1; b=2\r\nEs-Iot-Signature: 1:ff\r\nX: \u{ff}\r\n\r\n";
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let expected = Request {
        method: Method::Put,
        path: "/api/settings".into(),
        old: false,
        host: Some("H:8080".into()),
        origin: Some("http://h".into()),
        content_type: Some("application/json".into()),
        length: Some(7),
        expects: Expectation::Continue,
        last: true,
        gzip: false,
        if_none_match: Some("\"1\",\"2\"".into()),
        session: Some("s1".into()),
        signature: Some("1:ff".into()),
    };
    assert_eq!(read(bytes), Ok(Some(expected)));
}

#[test]
fn targets() {
    for (target, host, path) in [
        ("/", "h", "/"),
        ("/?", "h", "/"),
        ("/a?b?c", "h", "/a"),
        ("//x/y", "h", "//x/y"),
        ("http://other:81/a?b", "other:81", "/a"),
        ("HTTP://other", "other", "/"),
        ("http://other?x", "other", "/"),
        ("http:///", "", "/"),
        ("*", "h", "*"),
    ] {
        let request = read(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")).unwrap().unwrap();
        assert_eq!((request.host.as_deref(), request.path.as_str()), (Some(host), path), "{target}");
    }
    for target in ["h:80", "https://h/", "ftp://h/", "x", "?", "http:/x", "/é", "*?x", "/\u{80}"] {
        let result = read(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert_eq!(result, Err(Rejection::Malformed), "{target}");
    }
}

#[test]
fn versions() {
    let of = |version: &str| read(format!("GET / {version}\r\n\r\n")).map(|request| request.unwrap().old);
    assert_eq!((of("HTTP/1.1"), of("HTTP/1.0")), (Ok(false), Ok(true)));
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"] {
        assert_eq!(of(version), Err(Rejection::Version), "{version}");
    }
    for version in ["RTSP/1.0", "HTTP/11", "HTTP/1.11", "HTTP/1", "http/1.1", "HTTP/1.1 ", " HTTP/1.1", "SIP/2.0", "X"]
    {
        assert_eq!(of(version), Err(Rejection::Malformed), "{version}");
    }
    assert_eq!(read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Err(Rejection::Version), "HTTP/2 without asking");
}

#[test]
fn connections_end_when_asked() {
    for (line, last) in [
        ("", false),
        ("Connection: keep-alive\r\n", false),
        ("Connection: Upgrade, HTTP2-Settings\r\n", false),
        ("Connection: close\r\n", true),
        ("Connection: keep-alive\r\nConnection: x ,CLOSE\r\n", true),
    ] {
        assert_eq!(with(line).unwrap().last, last, "{line}");
    }
    let old = read("GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n").unwrap().unwrap();
    assert_eq!((old.last, old.expects), (true, Expectation::None));
}

#[test]
fn who_takes_gzip() {
    for (value, takes) in [
        ("gzip", true),
        ("gzip, deflate, br, zstd", true),
        ("deflate, GZIP;q=0.5", true),
        ("x-gzip", true),
        ("*", true),
        ("br;q=1.0, *;q=0.1", true),
        ("gzip;q=0.001", true),
        ("", false),
        ("identity", false),
        ("br, deflate", false),
        ("gzip;q=0", false),
        ("gzip; q=0.000, *", false),
        ("*;q=0", false),
        ("gzipped", false),
    ] {
        assert_eq!(with(&format!("Accept-Encoding: {value}\r\n")).unwrap().gzip, takes, "{value}");
    }
    assert!(with("").unwrap().gzip, "RFC 9110 section 12.5.3: without the header, any coding is acceptable");
}

#[test]
fn cookies_and_signatures() {
    let longest = "s".repeat(HTTP_MAX_TOKEN_BYTES);
    for (line, session) in [
        ("Cookie: es_iot_session=a", Some("a")),
        ("Cookie: x=1;es_iot_session=a;y", Some("a")),
        ("Cookie: x=1\r\nCookie: es_iot_session=a", Some("a")),
        ("Cookie: es_iot_session=a; es_iot_session=b", Some("a")),
        (&format!("Cookie: es_iot_session={longest}"), Some(&*longest)),
        (&format!("Cookie: es_iot_session={longest}s"), None),
        ("Cookie: es_iot_session=", None),
        ("Cookie: es_iot_session=\u{e9}", None),
        ("Cookie: xes_iot_session=a", None),
        ("Cookie: es_iot_sessions=a", None),
        ("Cookie: es_iot_session", None),
    ] {
        assert_eq!(with(&format!("{line}\r\n")).unwrap().session.as_deref(), session, "{line}");
    }
    let signature = |value: &str| with(&format!("es-iot-signature: {value}\r\n")).unwrap().signature;
    assert_eq!(signature(&longest), Some(longest.clone()));
    assert_eq!(signature(&format!("{longest}s")), None);
    assert_eq!(signature("7 c2lnbmVk").as_deref(), Some("7 c2lnbmVk"), "a counter and a signature");
}

/// What smuggling is made of: forms that programs read differently.
#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    use Rejection::{Chunked, Malformed};
    for (lines, rejection) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", Malformed),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", Malformed),
        ("Content-Length: 1, 1\r\n", Malformed),
        ("Content-Length: +1\r\n", Malformed),
        ("Content-Length: -1\r\n", Malformed),
        ("Content-Length: 0x1\r\n", Malformed),
        ("Content-Length: 1 1\r\n", Malformed),
        ("Content-Length: 1.0\r\n", Malformed),
        ("Content-Length:\r\n", Malformed),
        ("Content-Length: \u{661}\r\n", Malformed),
        ("Content-Length : 1\r\n", Malformed),
        ("Content-Length\t: 1\r\n", Malformed),
        (" Content-Length: 1\r\n", Malformed),
        ("X: 1\r\n Content-Length: 1\r\n", Malformed),
        ("X: 1\r\n\tfolded\r\n", Malformed),
        ("X: 1\r\n \r\n", Malformed),
        ("Transfer-Encoding: chunked\r\n", Chunked),
        ("transfer-encoding: identity\r\n", Chunked),
        ("Transfer-Encoding:\r\n", Chunked),
        ("Transfer-Encoding: gzip, chunked\r\n", Chunked),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", Chunked),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Malformed),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", Malformed),
        ("Transfer-Encoding : chunked\r\n", Malformed),
        ("X: a\nContent-Length: 1\r\n", Malformed),
        ("X: a\rContent-Length: 1\r\n", Malformed),
        ("X: a\r\r\n", Malformed),
        ("X: a\0b\r\n", Malformed),
        ("X\0: a\r\n", Malformed),
        ("X: a\u{b}\r\n", Malformed),
        ("X: a\u{7f}\r\n", Malformed),
        ("X\r\n", Malformed),
        (": a\r\n", Malformed),
        ("X Y: a\r\n", Malformed),
        ("X\u{e9}: a\r\n", Malformed),
        ("\"X\": a\r\n", Malformed),
        ("Host: a\r\nHost: a\r\n", Malformed),
        ("Host: a\r\nhOST: b\r\n", Malformed),
        ("Host: \u{e9}\r\n", Malformed),
        ("Origin: http://a\r\nOrigin: http://b\r\n", Malformed),
        ("Content-Type: a/b\r\nContent-Type: application/json\r\n", Malformed),
    ] {
        assert_eq!(with(lines), Err(rejection), "{lines:?}");
    }
    let old = read("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(old, Err(Malformed), "HTTP/1.0 knows no transfer codings (RFC 9112 section 6.1)");
}

#[test]
fn what_is_no_request() {
    for (text, rejection) in [
        ("\x16\x03\x01\x02", Rejection::NotHttp),
        (" GET / HTTP/1.1\r\n\r\n", Rejection::NotHttp),
        ("\0", Rejection::NotHttp),
        (":", Rejection::NotHttp),
        ("GET / HTTP/1.1\n", Rejection::Malformed),
        ("GET /\r\n\r\n", Rejection::Malformed),
        ("GET\r\n\r\n", Rejection::Malformed),
        ("GET  / HTTP/1.1\r\n\r\n", Rejection::Malformed),
        ("GET /  HTTP/1.1\r\n\r\n", Rejection::Malformed),
        ("GET / /x HTTP/1.1\r\n\r\n", Rejection::Malformed),
        ("GET\t/ HTTP/1.1\r\n\r\n", Rejection::Malformed),
        ("GET / HTTP/1.1\rX", Rejection::Malformed),
        ("G(T / HTTP/1.1\r\n\r\n", Rejection::Malformed),
        ("GET / HTTP/1.1 x\r\n\r\n", Rejection::Malformed),
    ] {
        assert_eq!(read(text), Err(rejection), "{text:?}");
    }
}

#[test]
fn limits_of_a_head() {
    // A head of this many bytes, in its line or in a header.
    let head = |bytes: usize, line: &str| {
        let text = format!("GET /{line} HTTP/1.1\r\nX: \r\n\r\n");
        let filler = "x".repeat(bytes - text.len());
        if line == "?" {
            text.replace('?', &format!("?{filler}"))
        } else {
            text.replace("X: ", &format!("X: {filler}"))
        }
    };
    for line in ["", "?"] {
        assert!(matches!(read(head(HTTP_MAX_HEAD_BYTES, line)), Ok(Some(_))), "{line}");
        assert_eq!(read(head(HTTP_MAX_HEAD_BYTES + 1, line)), Err(Rejection::HeadTooLong), "{line}");
    }
    let line = |bytes: usize| format!("GET /{}", "x".repeat(bytes - 5));
    assert_eq!(read(line(HTTP_MAX_HEAD_BYTES)), Ok(None));
    assert_eq!(read(line(HTTP_MAX_HEAD_BYTES + 1)), Err(Rejection::TargetTooLong));
    assert!(with(&"X: y\r\n".repeat(HTTP_MAX_HEADERS)).is_ok());
    assert_eq!(with(&"X: y\r\n".repeat(HTTP_MAX_HEADERS + 1)), Err(Rejection::HeadTooLong));
    let endless = with("Content-Length: 99999999999999999999999\r\n").unwrap();
    assert_eq!(endless.length, Some(usize::MAX));
}

#[test]
fn between_requests_it_holds_no_memory() {
    let mut parser = Parser::default();
    parser.push(b"\r\n\r\nPUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n");
    assert_eq!(parser.head().unwrap().unwrap().length, Some(3));
    assert_eq!((parser.body(9), parser.waiting_bytes()), (None, 5));
    assert_eq!(parser.body(3), Some(b"abc".to_vec()));
    assert_eq!((parser.head(), parser.memory_bytes()), (Ok(None), 0));
}

proptest! {
    #[test]
    fn any_cuts_of_any_head_give_the_same(
        text in "(\r\n){0,2}[A-Z]{1,4} [/a-z?*:]{0,6} HTTP/1.[01]\r\n([a-zA-Z-]{1,3} ?: ?[a-z\t\u{80}]{0,9}(\r\n|\r|\n)){0,4}\r\nabc",
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let whole = read(&text);
        let mut parser = Parser::default();
        let mut found = Ok(None);
        for piece in cut(text.as_bytes(), &cuts) {
            parser.push(piece);
            if found == Ok(None) {
                found = parser.head();
            }
        }
        prop_assert_eq!(found, whole);
    }
}
