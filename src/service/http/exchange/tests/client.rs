//! A client by the server's reckoning. The fuzz target includes this file too.

use super::{Frame, HTTP_MAX_HEAD_BYTES, Output, Question, Stream};

/// What may follow the outputs so far.
#[derive(Debug, Default)]
pub struct Client {
    /// What is asked and not answered.
    asked: Option<Question>,
    streams: bool,
    over: bool,
}

impl Client {
    /// Takes note that the question was answered.
    pub fn answered(&mut self) -> Option<Question> {
        self.asked.take()
    }

    /// Takes the next output, and panics if it may not come now.
    pub fn follow(&mut self, output: &Output) {
        assert!(!self.over, "{output:?} after the end");
        assert!(!self.streams || matches!(output, Output::Close(_)), "{output:?} in a stream");
        match output {
            Output::Send(Frame::Text(text)) => {
                assert!(text.starts_with("HTTP/1.1 ") && text.len() < 2 * HTTP_MAX_HEAD_BYTES, "{text}");
                let (head, body) = text.split_once("\r\n\r\n").expect("a head has an end");
                assert!(head.bytes().filter(|byte| *byte == b'\n').count() == head.matches("\r\n").count(), "{head}");
                let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
                let fits = length.is_some_and(|length| length.parse() == Ok(body.len()));
                assert!(body.is_empty() || fits, "{text}");
            }
            Output::Send(Frame::Shared(_)) => {}
            Output::Send(Frame::Packet(_)) => panic!("{output:?}"),
            Output::Ask(question) => {
                assert!(self.asked.replace(question.clone()).is_none(), "two questions");
            }
            Output::Stream(Stream::Video | Stream::Events) => self.streams = true,
            Output::Close(_) => self.over = true,
            // After a while, a question is no longer waited for.
            Output::Refused(_) => self.asked = None,
            Output::WhenSent => {}
        }
    }
}
