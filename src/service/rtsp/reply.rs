//! Replies as text (RFC 2326 section 7).

use std::fmt::{Display, Write as _};

use crate::service::status::Status;

const WRITES: &str = "a String takes every write";

/// What an HTTP client gets. It is about to be closed.
pub const HTTP: &str = "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain\r\nContent-Length: 69\r\n\
    Connection: close\r\n\r\nThis port is for RTSP over TCP or UDP. There is no tunnel over HTTP.\n";

/// A reply that is being written.
#[derive(Debug)]
pub struct Reply(String);

impl Reply {
    /// A reply to the request of this number.
    pub fn new(status: Status, cseq: Option<u32>) -> Self {
        let reply = Self(format!("RTSP/1.0 {status}\r\n"));
        match cseq {
            Some(cseq) => reply.header("CSeq", cseq),
            None => reply,
        }
    }

    /// Adds a header. The value has no line breaks.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        write!(self.0, "{name}: {value}\r\n").expect(WRITES);
        self
    }

    /// The whole reply.
    pub fn end(mut self) -> String {
        self.0.push_str("\r\n");
        self.0
    }

    /// The whole reply, with a body.
    pub fn body(self, kind: &str, body: &str) -> String {
        let mut text = self.header("Content-Type", kind).header("Content-Length", body.len()).end();
        text.push_str(body);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_http_answer_is_right() {
        let (head, body) = HTTP.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }

    #[test]
    fn a_reply_has_its_number_first_and_its_body_last() {
        let reply =
            Reply::new(Status::OK, Some(7)).header("Content-Base", "rtsp://h/s/").body("application/sdp", "v=0\r\n");
        let expected = "RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Base: rtsp://h/s/\r\nContent-Type: application/sdp\r\n\
            Content-Length: 5\r\n\r\nv=0\r\n";
        assert_eq!(reply, expected);
        assert_eq!(Reply::new(Status::OK, None).end(), "RTSP/1.0 200 OK\r\n\r\n");
    }
}
