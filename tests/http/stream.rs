//! The events as a browser reads them.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client::Http;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub kind: String,
    pub data: Value,
}

impl Event {
    /// Value and Unix time in milliseconds, if it is one of a value.
    pub fn value(&self) -> Option<(u8, u64)> {
        (self.kind == "value").then(|| {
            let keys: Vec<&String> = self.data.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["time", "value"], "{self:?}");
            let number = |key: &str| self.data[key].as_u64().unwrap();
            (u8::try_from(number("value")).unwrap(), number("time"))
        })
    }
}

/// A client of the events.
#[derive(Debug)]
pub struct Listener(pub Http);

impl Listener {
    pub fn connect(port: SocketAddr) -> Self {
        Self::over(Http::connect(port))
    }

    pub fn over(mut http: Http) -> Self {
        let text = http.compose("GET", "/events", &[], None);
        http.send(&text);
        let head = http.head().expect(200);
        assert_eq!(head.header("Content-Type"), "text/event-stream");
        assert!(head.closes() && head.find("Content-Length").is_none(), "{head:?}");
        Self(http)
    }

    /// The next event.
    pub fn next(&mut self) -> Event {
        self.try_next().expect("an event")
    }

    /// The next event, whole; `None` at the end of the connection.
    pub fn try_next(&mut self) -> Option<Event> {
        loop {
            let buffer = &mut self.0.buffer;
            if let Some(end) = buffer.windows(2).position(|at| at == b"\n\n") {
                let bytes: Vec<u8> = buffer.drain(..end + 2).collect();
                let text = str::from_utf8(&bytes).unwrap().strip_suffix("\n\n").unwrap();
                let lines: Vec<&str> = text.split('\n').collect();
                let [kind, data] = lines[..] else { panic!("two lines: {text:?}") };
                let kind = kind.strip_prefix("event: ").unwrap_or_else(|| panic!("{text:?}")).to_owned();
                let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("{text:?}"));
                assert!(["value", "status", "settings"].contains(&&*kind), "{text:?}");
                return Some(Event { kind, data: serde_json::from_str(data).unwrap() });
            }
            if !self.0.read_more() {
                return None;
            }
        }
    }

    /// The next event of a kind. Others are passed over.
    pub fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next();
            if event.kind == kind {
                return event.data;
            }
        }
    }

    /// The next value and its time. Others are passed over.
    pub fn value(&mut self) -> (u8, u64) {
        loop {
            if let Some(value) = self.next().value() {
                return value;
            }
        }
    }

    /// Events until one fulfils a condition, with it.
    pub fn until(&mut self, mut is_it: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next();
            let found = is_it(&event);
            events.push(event);
            if found {
                return events;
            }
        }
    }
}
