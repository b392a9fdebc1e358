//! The HTTP exchange: requests mixed with rubbish. However they are cut, the same comes out; nothing panics or spins,
//! memory stays bounded, and there is one question at a time.
//!
//! The first byte chooses the access rule and whether answers are late, the second how many bytes after it are the lengths
//! of pieces. The rest makes the stream: a byte chooses a method and a path or raw bytes, the next one the headers.
//! `cargo +nightly fuzz run http`

#![no_main]

#[path = "../../src/service/http/exchange/tests/client.rs"]
mod client;
mod pieces;

use std::time::Duration;

use client::Client;
use es_iot_server::frame::{Frame, Shared};
use es_iot_server::limits::{HTTP_MAX_HEAD_BYTES, HTTP_MAX_WAITING_BYTES};
use es_iot_server::service::http::{
    Access, Answer, Content, Context, Exchange, Hosts, Input, Kind, Output, Page, Question, Rejection, Stream,
};
use es_iot_server::time::Mono;
use libfuzzer_sys::fuzz_target;
use pieces::pieces;

const METHODS: [&str; 4] = ["GET", "HEAD", "PUT", "POST"];
const PATHS: [&str; 8] = [
    "/", "/video.mp4", "/snapshot.h264", "/events", "/api/settings", "/api/login?x", "http://localhost/api/status", "/x",
];
const LINES: [&str; 8] = [
    "Content-Type: application/json\r\n",
    "Expect: 100-continue\r\n",
    "Cookie: es_iot_session=1\r\n",
    "Origin: http://localhost\r\n",
    "If-None-Match: \"1\"\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 1\r\n",
    "Connection: close\r\n",
];

struct Rig {
    exchange: Exchange,
    now: Mono,
    access: Access<'static>,
    all: Vec<Output>,
    client: Client,
}

impl Rig {
    fn new(choice: u8) -> Self {
        let now = Mono::from_nanos(1);
        let access = if choice & 1 == 0 { Access::Open } else { Access::Session(&|cookie| cookie == "1") };
        Self { exchange: Exchange::new(now), now, access, all: Vec::new(), client: Client::default() }
    }

    fn feed(&mut self, input: Input<'_>, answer: bool) {
        let hosts = Hosts::Named { own: "h", listed: &[] };
        let context = Context { now: self.now, access: self.access, hosts };
        let mut todo = Vec::new();
        self.exchange.handle(&context, input, &mut todo);
        while !todo.is_empty() {
            for output in std::mem::take(&mut todo) {
                self.client.follow(&output);
                if answer && let Output::Ask(question) = &output {
                    self.client.answered();
                    self.exchange.handle(&context, Input::Answer(answer_to(question)), &mut todo);
                }
                if output == Output::WhenSent {
                    self.exchange.handle(&context, Input::Sent, &mut todo);
                } else {
                    self.all.push(output);
                }
            }
        }
    }

    fn pass(&mut self, seconds: u8) {
        self.now = self.now + Duration::from_secs(u64::from(seconds % 32));
        for _ in 0..3 {
            if self.exchange.deadline().is_some_and(|due| due <= self.now) {
                self.feed(Input::Wakeup, false);
            }
        }
        assert!(self.exchange.deadline().is_none_or(|due| due > self.now), "it spins");
    }
}

fn answer_to(question: &Question) -> Answer {
    match question {
        Question::Page => Answer::Page(Page {
            gzip: Shared::new(vec![1; 9000]),
            etag: "\"1\"".into(),
            script: "s".into(),
            style: "t".into(),
        }),
        Question::Video | Question::Events => Answer::Stream(Kind::Events),
        Question::Snapshot => Answer::Refused(Rejection::NoPicture),
        Question::Update(call) | Question::Login(call) | Question::Logout(call) | Question::Reload(call) => {
            Answer::Content(Content::new(Kind::Text, call.body.len().to_string()))
        }
        Question::Settings | Question::Status | Question::Metrics | Question::Health => {
            Answer::Content(Content::new(Kind::Json, "{}".to_owned()))
        }
    }
}

/// The stream that bytes stand for.
fn stream(mut bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let [what, how, rest @ ..] = bytes {
        bytes = rest;
        let (piece, behind) = rest.split_at(rest.len().min(usize::from(how % 16)));
        if what & 64 == 0 {
            let method = METHODS[usize::from(what & 3)];
            let lines = LINES.iter().enumerate().filter(|(bit, _)| how >> bit & 1 == 1).map(|(_, line)| *line);
            let head = format!(
                "{method} {} HTTP/1.{}\r\nHost: localhost\r\n{}",
                PATHS[usize::from(what >> 2 & 7)],
                1 - (what >> 7),
                lines.collect::<String>(),
            );
            stream.extend(head.into_bytes());
            if what & 32 == 0 {
                stream.extend(b"\r\n");
            } else {
                stream.extend(format!("Content-Length: {}\r\n\r\n", piece.len()).into_bytes());
                stream.extend(piece);
                bytes = behind;
            }
        } else {
            stream.extend(piece);
            bytes = behind;
        }
    }
    stream
}

fuzz_target!(|input: &[u8]| {
    let [choice, count, rest @ ..] = input else { return };
    let (lengths, rest) = rest.split_at(rest.len().min(usize::from(*count)));
    let stream = stream(rest);

    if choice & 128 == 0 {
        // However it is cut, the same comes out.
        let mut whole = Rig::new(*choice);
        whole.feed(Input::Bytes(&stream), true);
        let mut cut = Rig::new(*choice);
        for piece in pieces(&stream, lengths) {
            cut.feed(Input::Bytes(piece), true);
        }
        assert_eq!(cut.all, whole.all);
    } else {
        // Time passes, answers come late, unasked or not at all, and a peer is read while it should not be.
        let mut rig = Rig::new(*choice);
        for (at, piece) in stream.chunks(100).enumerate() {
            let how = lengths.get(at).copied().unwrap_or_default();
            rig.feed(Input::Bytes(piece), how & 128 != 0);
            rig.pass(how & 31);
            match how >> 5 & 3 {
                0 => {
                    let answer = rig.client.answered().map_or(Answer::Stream(Kind::Events), |asked| answer_to(&asked));
                    rig.feed(Input::Answer(answer), false);
                }
                1 => rig.feed(Input::Sent, false),
                2 => rig.feed(Input::AccessChanged, false),
                _ if how & 1 == 0 => rig.feed(Input::Finished, false),
                _ => rig.access = Access::Session(&|_| false),
            }
            // A Vec that grows doubles.
            assert!(rig.exchange.memory_bytes() <= 2 * (HTTP_MAX_HEAD_BYTES + HTTP_MAX_WAITING_BYTES));
        }
    }
});
