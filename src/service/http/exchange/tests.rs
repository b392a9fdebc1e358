//! Conversations with a scripted server behind them.

mod access;
mod client;
mod clients;
mod deadlines;
mod flow;
mod hosts;
mod properties;
mod routes;
mod streams;

use std::time::Duration;

use super::*;
use crate::frame::Shared;
use crate::limits::HTTP_MAX_HEAD_BYTES;
use crate::service::http::answer::{Content, Kind, Page};
use crate::service::http::host::Hosts;
use crate::service::http::interface::{Call, Question, Stream};

const SESSION: &str = "5e551011";
const HOST: &str = "Host: es-iot-7.local:8080";
const JSON: &str = "Content-Type: application/json";

/// The session that this test's server knows.
fn known(cookie: &str) -> bool {
    cookie == SESSION
}

/// A connection, and the server at its moment.
struct Rig {
    exchange: Exchange,
    now: Mono,
    access: Access<'static>,
    hosts: Hosts<'static>,
    /// Whether answers come as soon as they are asked for.
    ready: bool,
    /// What a snapshot has.
    snapshot: Shared,
}

impl Rig {
    fn new() -> Self {
        let now = Mono::from_nanos(5_000_000_000);
        let hosts = Hosts::Named { own: "es-iot-7", listed: &[] };
        let snapshot = Shared::new(vec![0, 0, 0, 1]);
        Self { exchange: Exchange::new(now), now, access: Access::Open, hosts, ready: true, snapshot }
    }

    fn input(&mut self, input: Input<'_>) -> Vec<Output> {
        let (mut todo, mut all) = (Vec::new(), Vec::new());
        let context = Context { now: self.now, access: self.access, hosts: self.hosts };
        self.exchange.handle(&context, input, &mut todo);
        while !todo.is_empty() {
            for output in std::mem::take(&mut todo) {
                if self.ready
                    && let Output::Ask(question) = &output
                {
                    let answer = answer(question, &self.snapshot);
                    self.exchange.handle(&context, Input::Answer(answer), &mut todo);
                } else if self.ready && output == Output::WhenSent {
                    self.exchange.handle(&context, Input::Sent, &mut todo);
                }
                all.push(output);
            }
        }
        all
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Output> {
        self.input(Input::Bytes(bytes.as_ref()))
    }

    /// Sends a request with these headers beside `Host`, and `Content-Length` if there is a body or the method has one.
    fn request(&mut self, method: &str, path: &str, headers: &[&str], body: &str) -> Vec<Output> {
        self.send(request(method, path, headers, body))
    }

    /// Sends a request, and returns its reply.
    fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Text {
        only_reply(&self.request(method, path, headers, ""))
    }

    fn after(&mut self, span: Duration) -> &mut Self {
        self.now = self.now + span;
        self
    }
}

fn request(method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let length = format!("Content-Length: {}", body.len());
    let length = (!body.is_empty() || ["PUT", "POST"].contains(&method)).then_some(length.as_str());
    let line = format!("{method} {path} HTTP/1.1");
    let lines: Vec<&str> = [line.as_str(), HOST].into_iter().chain(headers.iter().copied()).chain(length).collect();
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

fn answer(question: &Question, snapshot: &Shared) -> Answer {
    let json = |text: &str| Answer::Content(Content::new(Kind::Json, text.to_owned()));
    match question {
        Question::Page => Answer::Page(Page {
            gzip: Shared::new(b"compressed".to_vec()),
            etag: "\"e1\"".into(),
            script: "SCRIPT".into(),
            style: "STYLE".into(),
        }),
        Question::Video => Answer::Stream(Kind::Mp4("avc1.64001F".into())),
        Question::Events => Answer::Stream(Kind::Events),
        Question::Snapshot => Answer::Content(Content::new(Kind::H264, snapshot.clone())),
        Question::Settings => json("{\"gain\":1}"),
        Question::Update(call) => json(str::from_utf8(&call.body).unwrap_or("?")),
        Question::Status => json("{\"up\":1}"),
        Question::Metrics => Answer::Content(Content::new(Kind::Metrics, "es_iot_up 1\n".to_owned())),
        Question::Health => Answer::Content(Content::new(Kind::Text, "ok\n".to_owned())),
        Question::Login(_) => json("{\"login\":1}"),
        Question::Logout(_) => json("{\"logout\":1}"),
        Question::Reload(_) => json("{\"reload\":1}"),
    }
}

/// A reply, with its body as far as it is text.
#[derive(Debug, Clone, PartialEq)]
struct Text(String);

impl Text {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n").expect("a reply has a head");
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

/// The replies, each with its body.
fn replies(outputs: &[Output]) -> Vec<Text> {
    let mut all: Vec<Text> = Vec::new();
    for output in outputs {
        if let Output::Send(Frame::Text(text)) = output {
            all.push(Text(text.as_ref().into()));
        } else if let Output::Send(frame) = output {
            all.last_mut().unwrap().0.push_str(&String::from_utf8_lossy(frame.as_bytes()));
        }
    }
    all
}

fn only_reply(outputs: &[Output]) -> Text {
    match &replies(outputs)[..] {
        [reply] => reply.clone(),
        other => panic!("{other:?} of {outputs:?}"),
    }
}

fn statuses(outputs: &[Output]) -> Vec<u16> {
    replies(outputs).iter().map(Text::status).collect()
}

fn questions(outputs: &[Output]) -> Vec<Question> {
    let asked = |output: &Output| if let Output::Ask(question) = output { Some(question.clone()) } else { None };
    outputs.iter().filter_map(asked).collect()
}

fn closed(outputs: &[Output]) -> Option<Reason> {
    outputs.iter().find_map(|output| if let Output::Close(reason) = output { Some(*reason) } else { None })
}

#[test]
fn the_length_of_the_reply_to_those_turned_away_is_right() {
    let (head, body) = TURNED_AWAY.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
}
