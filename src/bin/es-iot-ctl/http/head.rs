//! The head of a reply: its status line and headers.

use es_iot_server::limits::{CTL_MAX_HEAD_BYTES, CTL_MAX_HEADERS};

use super::problem::Problem;

/// The parts of a head that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The length of the body; `None`: up to the end of the connection.
    pub length: Option<u64>,
    /// The length of the head itself.
    pub bytes: usize,
}

/// Reads the head at the beginning of `bytes`. `None` if it is not complete yet.
///
/// # Errors
///
/// [`Problem::NotHttp`] for something else, [`Problem::TooLong`] for a head without an end.
pub fn parse(bytes: &[u8]) -> Result<Option<Head>, Problem> {
    let mut headers = [httparse::EMPTY_HEADER; CTL_MAX_HEADERS];
    let mut reply = httparse::Response::new(&mut headers);
    match reply.parse(bytes) {
        Ok(httparse::Status::Complete(count)) if count <= CTL_MAX_HEAD_BYTES => {
            let status = reply.code.filter(|code| (200..600).contains(code)).ok_or(Problem::NotHttp)?;
            Ok(Some(Head { status, length: length(reply.headers)?, bytes: count }))
        }
        Ok(httparse::Status::Partial) if bytes.len() <= CTL_MAX_HEAD_BYTES => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(Problem::TooLong),
        Err(_) => Err(Problem::NotHttp),
    }
}

/// The length of the body. The server never sends transfer codings or two lengths.
fn length(headers: &[httparse::Header<'_>]) -> Result<Option<u64>, Problem> {
    let mut length = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("Transfer-Encoding") {
            return Err(Problem::NotHttp);
        }
        if header.name.eq_ignore_ascii_case("Content-Length") {
            let digits = std::str::from_utf8(header.value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let number = digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(Problem::NotHttp)?;
            if length.replace(number).is_some() {
                return Err(Problem::NotHttp);
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heads() {
        let text = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\ncontent-length: 7\r\n\r\nreason\n";
        let head = Head { status: 503, length: Some(7), bytes: text.len() - 7 };
        assert_eq!(parse(text), Ok(Some(head)));
        for cut in 0..head.bytes {
            assert_eq!(parse(&text[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(Some(Head { status: 200, length: None, bytes: 19 })));
    }

    #[test]
    fn heads_that_the_server_never_sends() {
        for (text, problem) in [
            ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(), Problem::NotHttp),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(), Problem::NotHttp),
            (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(CTL_MAX_HEAD_BYTES)), Problem::TooLong),
            (format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(CTL_MAX_HEADERS + 1)), Problem::TooLong),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(problem), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), prefix in any::<bool>()) {
            let mut text = if prefix { b"HTTP/1.1 200 OK\r\n".to_vec() } else { Vec::new() };
            text.extend(bytes);
            let _any = parse(&text);
        }
    }
}
