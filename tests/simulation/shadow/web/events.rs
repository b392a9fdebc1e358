//! The events: the value of each tick, and state and settings when they change.

use std::collections::BTreeSet;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::server::{ConnId, Output, Server};
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;
use serde_json::Value;

use super::super::Shadow;
use super::super::video::Size;
use super::{Browser, Due};
use crate::MILLI;

/// How often it is looked whether something has changed.
const LOOK_EACH: u64 = 200 * MILLI;

/// The camera's state, and the reason why there is no picture: up to the server.
pub type Mood = (String, Option<String>);

/// What makes an event if it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    mood: Mood,
    /// Whether the picture is the camera's, and its size.
    picture: Option<(bool, Size)>,
    viewers: (usize, usize),
    settings: CameraSettings,
}

#[derive(Debug, Default)]
pub struct Events {
    /// When to look next, while there are listeners.
    due: Option<u64>,
    last: Option<Shown>,
    /// Moods before and after the input.
    moods: [Mood; 2],
    /// The mood of the first state that the server sends for it.
    sent: Option<Mood>,
    /// Who is to be offered the tick's value now.
    pub round: BTreeSet<ConnId>,
    /// The tick's wall clock and its value, once that is known.
    pub tick: Option<(u64, Option<u8>)>,
}

impl Events {
    pub fn due(&self) -> Option<u64> {
        self.due
    }

    pub fn nobody_listens(&mut self) {
        (self.due, self.last) = (None, None);
    }
}

/// The data of an event of this kind at the front, and what comes behind it.
fn event<'a>(text: &'a str, kind: &str) -> Option<(Value, &'a str)> {
    let rest = text.strip_prefix(&format!("event: {kind}\ndata: "))?;
    let (data, rest) = rest.split_once("\n\n")?;
    Some((serde_json::from_str(data).ok()?, rest))
}

fn mood(status: &Value) -> Option<Mood> {
    let camera = &status["camera"];
    Some((camera["state"].as_str()?.to_owned(), camera["reason"].as_str().map(str::to_owned)))
}

impl Shadow {
    /// The server's mood after an input.
    pub(super) fn sense(&mut self, now: Now, server: &Server, outputs: &[Output]) {
        let camera = server.status(now.mono).camera;
        let [_, before] = std::mem::take(&mut self.events.moods);
        self.events.moods = [before, (camera.state.to_owned(), camera.reason)];
        self.events.sent = outputs.iter().find_map(|output| {
            let Output::Send { frame, .. } = output else { return None };
            mood(&event(str::from_utf8(frame.as_bytes()).ok()?, "status")?.0)
        });
    }

    /// Whether the camera runs, before and after the input.
    pub(super) fn runs_well(&self) -> bool {
        self.events.moods.iter().all(|(state, _)| state == "running")
    }

    pub(in super::super) fn listeners(&self) -> usize {
        self.browsers.values().filter(|browser| browser.listens()).count()
    }

    /// Somebody listens from now on.
    pub(super) fn listening_begins(&mut self, at: u64) {
        if self.listeners() == 1 && self.subscribers().is_empty() {
            self.pass_ticks(at);
        }
        let [before, after] = &self.events.moods;
        let known = self.events.last.as_ref().map(|last| &last.mood).filter(|mood| *mood == before);
        // It may come in the middle of an input that changes the mood, even several times.
        let mood = if before == after { after } else { self.events.sent.as_ref().or(known).unwrap_or(after) };
        self.look_at_state(at, mood.clone());
    }

    pub(in super::super) fn events_may_be_due(&mut self, at: u64) {
        if self.events.due.is_some_and(|due| due <= at) {
            self.look_at_state(at, self.events.moods[1].clone());
        }
    }

    fn look_at_state(&mut self, at: u64, (state, reason): Mood) {
        let well = state == "running" && self.camera_moves(at);
        // It may have stopped since the mood was looked at. The words are the server's.
        let reason = reason.or_else(|| self.events.sent.as_ref()?.1.clone());
        self.events.due = Some(at + LOOK_EACH);
        let rtsp = self.viewers.values().filter(|viewer| viewer.gets_stream().is_some()).count();
        let http = self.browsers.values().filter(|browser| browser.watches()).count();
        let shown = Shown {
            mood: (state, reason.filter(|_| !well)),
            picture: self.video.describes().map(|size| (self.video.live, size)),
            viewers: (rtsp, http),
            settings: self.settings.current,
        };
        let changed = self.events.last.as_ref() != Some(&shown);
        self.events.last = Some(shown);
        let conns: Vec<ConnId> = self.browsers.keys().copied().collect();
        for conn in conns {
            let browser = self.browsers.get_mut(&conn).expect("it is there");
            browser.missed |= changed && browser.listens();
            self.make_up(conn);
        }
    }

    /// It gets the newest state, if it has missed one and its socket takes it.
    pub(super) fn make_up(&mut self, conn: ConnId) {
        let Some(Browser { missed, blocked: None, .. }) = self.browsers.get_mut(&conn) else { return };
        if std::mem::take(missed) {
            let shown = self.events.last.clone().expect("something to miss");
            self.web_due(conn, Due::Shown(shown));
        }
    }

    /// Each listener is to be offered the value of a tick.
    pub(in super::super) fn value_is_due(&mut self, unix_ms: u64) {
        self.events.tick = Some((unix_ms, None));
        let listeners = self.browsers.iter().filter(|(_, browser)| browser.listens());
        let (blocked, free): (Vec<_>, Vec<_>) = listeners.partition(|(_, browser)| browser.blocked.is_some());
        self.events.round = free.into_iter().map(|(&conn, _)| conn).collect();
        self.counters.add(Counter::EventsLost, blocked.len() as u64);
    }

    /// A value is offered: to a listener, or in a packet.
    pub(in super::super) fn value_is(&mut self, value: u8) -> bool {
        let Some((_, known)) = &mut self.events.tick else { return false };
        *known.get_or_insert(value) == value
    }

    pub(in super::super) fn event_offered(&mut self, conn: ConnId, bytes: &[u8]) {
        let awaited = self.events.round.remove(&conn);
        let text = String::from_utf8_lossy(bytes);
        let found = event(&text, "value").filter(|(_, rest)| rest.is_empty()).map(|(data, _)| data);
        let value = found.as_ref().and_then(|data| u8::try_from(data["value"].as_u64()?).ok());
        let same = value.is_some_and(|value| value <= 10 && self.value_is(value));
        let time = self.events.tick.map(|(unix_ms, _)| unix_ms);
        let timed = found.as_ref().is_some_and(|data| data["time"].as_u64() == time);
        self.values += 1;
        self.check(awaited && same && timed, || {
            format!("{conn:?} is offered {text:?}: awaited {awaited}, value {same}, {time:?} {timed}")
        });
    }

    /// Whether this is the foretold state.
    pub(super) fn is_shown(text: &str, shown: &Shown) -> bool {
        let Some((status, rest)) = event(text, "status") else { return false };
        let Some((settings, "")) = event(rest, "settings") else { return false };
        let video = &status["video"];
        let size = |name: &str| video[name].as_u64().and_then(|side| u32::try_from(side).ok());
        let picture = size("width").zip(size("height")).map(|size| (video["source"] == "camera", size));
        let viewers = &status["viewers"];
        picture == shown.picture
            && mood(&status) == Some(shown.mood.clone())
            && (viewers["rtsp"].as_u64(), viewers["http"].as_u64())
                == (Some(shown.viewers.0 as u64), Some(shown.viewers.1 as u64))
            && serde_json::from_value(settings).ok() == Some(shown.settings)
    }
}
