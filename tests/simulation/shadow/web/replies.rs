//! What an HTTP client is to be sent, and whether it is.

use es_iot_server::base64;
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::server::{ConnId, Output};
use serde_json::{Value, json};

use super::super::Shadow;
use super::events::Shown;
use crate::scram::Key;

/// Something that it is to get, in order.
#[derive(Debug)]
pub enum Due {
    Reply {
        /// The status; 0 if it is up to the server.
        status: u16,
        /// It is sent without a body.
        head: bool,
        /// It is the last of the connection.
        last: bool,
        says: Says,
    },
    /// The body of the reply before, in a frame of its own.
    File {
        picture: bool,
    },
    TurnedAway,
    Continue,
    WhenSent,
    Discard,
    LimitUnsent,
    WatchMp4(usize),
    Unwatch,
    Shown(Shown),
}

/// What a reply says beside its status.
#[derive(Debug)]
pub enum Says {
    Refused {
        header: Option<(&'static str, &'static str)>,
        json: bool,
    },
    /// An error of the API, with this text if it is known.
    Error(Option<String>),
    Page,
    NotModified,
    Picture,
    Stream {
        video: bool,
    },
    Settings(CameraSettings),
    Status {
        viewers: (usize, usize),
        sessions: usize,
        browsers: usize,
        subscribers: usize,
        settings: CameraSettings,
        requests: u64,
    },
    Metrics {
        requests: u64,
    },
    Health,
    NeedsRestart(Vec<&'static str>),
    /// The answer to the client-first with this number.
    ServerFirst(u64),
    LoggedIn {
        token: u64,
        verifier: Key,
    },
    LoggedOut,
}

impl Due {
    /// How many frames it takes.
    pub fn frames(&self) -> usize {
        let has_file = matches!(self, Self::Reply { head: false, says: Says::Page | Says::Picture, .. });
        if has_file { 2 } else { 1 }
    }
}

impl Shadow {
    /// Takes an output for an HTTP client.
    pub(in super::super) fn web_output(&mut self, conn: ConnId, output: &Output) {
        if let Output::Offer { frame, .. } = output {
            return self.event_offered(conn, frame.as_bytes());
        }
        if matches!(output, Output::Pause(_)) {
            let new = self.resting.insert(conn);
            return self.check(new, || format!("{conn:?} is paused twice"));
        }
        if matches!(output, Output::Resume(_)) {
            let known = self.resting.remove(&conn);
            return self.check(known, || format!("{conn:?} is resumed for no reason"));
        }
        let due = self.web.get_mut(&conn).and_then(std::collections::VecDeque::pop_front);
        let sent = if let Output::Send { frame, .. } = output { frame.as_bytes() } else { &[] };
        let holds = match (output, &due) {
            (Output::WhenSent(_), Some(Due::WhenSent))
            | (Output::Discard(_), Some(Due::Discard))
            | (Output::LimitUnsent { bytes: 1024, .. }, Some(Due::LimitUnsent))
            | (Output::Unwatch(_), Some(Due::Unwatch)) => true,
            (Output::WatchMp4 { from, .. }, Some(Due::WatchMp4(foretold))) => *from == *foretold as u64,
            (Output::Send { .. }, Some(Due::Continue)) => sent == b"HTTP/1.1 100 Continue\r\n\r\n",
            (Output::Send { .. }, Some(Due::File { picture: true })) => sent.starts_with(&[0, 0, 0, 1]),
            (Output::Send { .. }, Some(Due::File { picture: false })) => sent.starts_with(&[0x1F, 0x8B]),
            (Output::Send { .. }, Some(Due::Shown(shown))) => Self::is_shown(&String::from_utf8_lossy(sent), shown),
            (Output::Send { .. }, Some(Due::TurnedAway)) => {
                let text = String::from_utf8_lossy(sent);
                text.starts_with("HTTP/1.1 503 ") && text.contains("\r\nRetry-After: ") && text.contains(": close\r\n")
            }
            (Output::Send { .. }, Some(due @ Due::Reply { .. })) => self.is_web_reply(conn, sent, due),
            _ => false,
        };
        self.check(holds, || {
            let found = (output, String::from_utf8_lossy(sent));
            format!("client {conn:?} gets {found:?}, not {due:?}")
        });
    }

    fn is_web_reply(&mut self, conn: ConnId, bytes: &[u8], due: &Due) -> bool {
        let Due::Reply { status, head, last, says } = due else { return false };
        let Ok(text) = str::from_utf8(bytes) else { return false };
        let Some((first, body)) = text.split_once("\r\n\r\n") else { return false };
        let mut lines = first.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
        let header = |wanted: &str| headers.iter().find(|(name, _)| *name == wanted).map(|&(_, value)| value);
        let begins =
            line.starts_with(&format!("HTTP/1.1 {status} ")) || (*status == 0 && line.starts_with("HTTP/1.1 "));
        let shielded = header("X-Content-Type-Options") == Some("nosniff")
            && header("X-Frame-Options") == Some("DENY")
            && header("Referrer-Policy") == Some("no-referrer")
            && header("Content-Security-Policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
            && !first.contains("Access-Control-");
        let closes = header("Connection") == last.then_some("close");
        let is_page = matches!(says, Says::Page | Says::NotModified);
        let cached = header("Cache-Control") == Some(if is_page { "no-cache" } else { "no-store" });
        let cookie = header("Set-Cookie");
        let sets = matches!(says, Says::LoggedIn { .. } | Says::LoggedOut);
        let in_a_file = matches!(says, Says::Page | Says::Picture);
        let length = header("Content-Length").map(str::parse::<usize>);
        let long = if matches!(says, Says::NotModified | Says::Stream { .. }) {
            length.is_none() && body.is_empty()
        } else if *head {
            matches!(length, Some(Ok(_))) && body.is_empty()
        } else if in_a_file {
            matches!(length, Some(Ok(length)) if length > 0) && body.is_empty()
        } else {
            length == Some(Ok(body.len()))
        };
        let kind = header("Content-Type").unwrap_or_default().to_owned();
        if !(begins && shielded && closes && cached && long) || cookie.is_some() != sets {
            return false;
        }
        if in_a_file && !head {
            self.web.entry(conn).or_default().push_front(Due::File { picture: matches!(says, Says::Picture) });
        }
        if *head && !matches!(says, Says::Stream { .. }) {
            return true;
        }
        let parsed: Value = serde_json::from_str(body).unwrap_or_default();
        let is_json = kind == "application/json" && body.ends_with('\n');
        let message = parsed["message"].as_str().unwrap_or_default();
        match says {
            Says::Refused { header: wanted, json } => {
                let has = wanted
                    .is_none_or(|(name, value)| header(name).is_some_and(|found| value.is_empty() || found == value));
                let error = if *json { is_json && parsed["error"].is_string() } else { kind.starts_with("text/plain") };
                has && error
            }
            Says::Error(text) => {
                let error = parsed["error"].as_str().unwrap_or_default();
                is_json && !error.is_empty() && text.as_deref().is_none_or(|text| text == error)
            }
            Says::Page => kind.starts_with("text/html") && header("Content-Encoding") == Some("gzip"),
            Says::NotModified => header("ETag").is_some(),
            Says::Picture => kind == "video/h264",
            Says::Stream { video: false } => kind == "text/event-stream",
            Says::Stream { video: true } if *head && !last => kind == "video/mp4",
            Says::Stream { video: true } => kind.starts_with("video/mp4"),
            Says::Settings(settings) => is_json && serde_json::from_value(parsed).ok() == Some(*settings),
            Says::Status { viewers, sessions, browsers, subscribers, settings, requests } => {
                parsed["viewers"] == json!({ "rtsp": viewers.0, "http": viewers.1 })
                    && parsed["sessions"] == json!(sessions)
                    && parsed["clients"]["http"] == json!(browsers)
                    && parsed["subscribers"] == json!(subscribers)
                    && parsed["settings"] == json!(settings)
                    && parsed["counters"]["http_requests"] == json!(requests)
                    && is_json
            }
            Says::Metrics { requests } => {
                kind.starts_with("text/plain; version=0.0.4")
                    && body.lines().any(|line| line == format!("es_iot_http_requests_total {requests}"))
            }
            Says::Health if line.starts_with("HTTP/1.1 200 ") => body == "ok\n",
            Says::Health => line.starts_with("HTTP/1.1 503 ") && body.len() > 1 && body.ends_with('\n'),
            Says::NeedsRestart(keys) => is_json && parsed == json!({ "needs_restart": keys }),
            Says::ServerFirst(number) => is_json && self.sessions.answered(*number, message),
            Says::LoggedIn { token, verifier } => {
                let right = message == format!("v={}", base64::encode(verifier));
                let value = cookie.and_then(|cookie| cookie.strip_prefix("es_iot_session=")).unwrap_or_default();
                let (value, rest) = value.split_once("; ").unwrap_or_default();
                let kept = rest == "Max-Age=86400; Path=/; HttpOnly; SameSite=Strict";
                right && kept && self.is_token(*token, value)
            }
            Says::LoggedOut => {
                body == "{}\n" && cookie.is_some_and(|cookie| cookie.starts_with("es_iot_session=; Max-Age=0; "))
            }
        }
    }
}
