//! The settings between an update and the disk, by what a client may rely on.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::ids::Peer;
use es_iot_server::server::ConnId;

use crate::{MILLI, SECOND};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Yes,
    NotYet,
    /// The disk refused them, and who sent them was told.
    No,
}

#[derive(Debug)]
pub struct Settings {
    pub current: CameraSettings,
    /// What was in force before, in the course of the last input.
    before: Vec<CameraSettings>,
    /// What the camera was told last.
    pub applied: CameraSettings,
    in_file: CameraSettings,
    pub kept: Kept,
    pub in_flight: Option<(CameraSettings, u64)>,
    /// That write took 10 s, and clients do not wait for it any more.
    hung: bool,
    pub writes: Tokens,
    restarts: Tokens,
    /// When the camera was last handed new settings, and by whom: the last updater, or none for the file.
    pub handed: Option<(u64, Option<Peer>)>,
    pub updaters: Vec<ConnId>,
    pub readers: Vec<ConnId>,
    waiting_since: u64,
    apply_at: Option<u64>,
    by: Option<Peer>,
    burst_began: u64,
}

/// What may happen three times at once, and over any longer span once more each 2 s.
#[derive(Debug, Default)]
pub struct Tokens(Vec<u64>);

impl Tokens {
    /// Whether there is one. Written as the rule for every span that would end now.
    pub fn allow(&self, now: u64) -> bool {
        (1..=self.0.len() as u64).zip(self.0.iter().rev()).all(|(since, &at)| since < 3 + (now - at) / (2 * SECOND))
    }

    pub fn take(&mut self, now: u64) {
        self.0.push(now);
    }
}

#[derive(Debug)]
pub enum Read {
    Shown { not_stored: bool },
    Waits,
}

/// Whom a finished or given-up write concerns.
#[derive(Debug, Default)]
pub struct Release {
    pub not_stored: Vec<ConnId>,
    pub answered: Vec<ConnId>,
}

impl Release {
    pub fn is_empty(&self) -> bool {
        self.not_stored.is_empty() && self.answered.is_empty()
    }
}

/// What an update makes of `s`: only what it shows otherwise than a read would is changed.
fn updated(mut s: CameraSettings, bytes: &[u8]) -> CameraSettings {
    for (field, &byte) in bytes.iter().enumerate() {
        if reply(&s)[6 + field] == byte {
            continue;
        }
        let value = f64::from(byte);
        match field {
            0 => s.shutter = u32::from(byte) * 100,
            1 => s.gain = value,
            2 => s.awb_red = value / 10.0,
            3 => s.awb_blue = value / 10.0,
            4 => s.contrast = value / 10.0,
            _ => s.brightness = value / 127.5 - 1.0,
        }
    }
    s
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn byte(value: f64) -> u8 {
    (value + 1e-6).floor().clamp(0.0, 255.0) as u8
}

pub fn reply(s: &CameraSettings) -> Vec<u8> {
    let shutter = u8::try_from((s.shutter / 100).min(255)).expect("clamped");
    let (red, blue, contrast) = (byte(s.awb_red * 10.0), byte(s.awb_blue * 10.0), byte(s.contrast * 10.0));
    let brightness = byte((s.brightness + 1.0) * 127.5);
    let mut bytes = vec![0, 0xFF, 2, 0, 0, 9, shutter, byte(s.gain), red, blue, contrast, brightness, 0, 0, 0];
    bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
    bytes
}

impl Settings {
    pub fn new(current: CameraSettings) -> Self {
        Self {
            current,
            before: Vec::new(),
            applied: current,
            in_file: current,
            kept: Kept::Yes,
            in_flight: None,
            hung: false,
            writes: Tokens::default(),
            restarts: Tokens::default(),
            handed: None,
            by: None,
            updaters: Vec::new(),
            readers: Vec::new(),
            waiting_since: 0,
            apply_at: None,
            burst_began: 0,
        }
    }

    /// An input comes.
    pub fn input(&mut self) {
        self.before.clear();
    }

    /// Whether they are in force, or were in the course of the last input: a change may come behind what a write is due to.
    pub fn were_in_force(&self, settings: &CameraSettings) -> bool {
        self.before.iter().chain([&self.current]).any(|known| known == settings)
    }

    pub fn update(&mut self, now: u64, conn: ConnId, peer: Peer, bytes: &[u8]) {
        self.change(now, conn, peer, updated(self.current, bytes));
    }

    pub fn change(&mut self, now: u64, conn: ConnId, peer: Peer, settings: CameraSettings) {
        if settings == self.current && self.kept == Kept::Yes {
            return;
        }
        if settings != self.current || self.apply_at.is_none() {
            self.by = Some(peer);
        }
        self.before.push(self.current);
        self.current = settings;
        self.kept = Kept::NotYet;
        if !self.updaters.contains(&conn) {
            self.updaters.push(conn);
        }
        if self.apply_at.is_none() {
            self.burst_began = now;
        }
        self.apply_at = Some((now + 150 * MILLI).min(self.burst_began + SECOND));
    }

    /// Whether a read has to wait; if not, whether an error comes first.
    pub fn read(&mut self, now: u64, conn: ConnId) -> Read {
        if self.kept != Kept::NotYet {
            return Read::Shown { not_stored: false };
        }
        if self.hung {
            let not_stored = self.updaters.contains(&conn);
            self.updaters.retain(|&other| other != conn);
            return Read::Shown { not_stored };
        }
        if self.readers.is_empty() {
            self.waiting_since = now;
        }
        self.readers.push(conn);
        Read::Waits
    }

    pub fn forget(&mut self, conn: ConnId) {
        self.updaters.retain(|&other| other != conn);
        self.readers.retain(|&other| other != conn);
    }

    pub fn apply(&mut self, now: u64) {
        if self.apply_at.is_none_or(|at| at > now) {
            return;
        }
        if self.current != self.applied {
            if self.by.is_some() && !self.restarts.allow(now) {
                return;
            }
            if self.by.is_some() {
                self.restarts.take(now);
            }
            self.handed = Some((now, self.by));
        }
        (self.apply_at, self.applied) = (None, self.current);
    }

    pub fn stored(&mut self, ok: bool) -> Release {
        let Some((settings, _)) = self.in_flight.take() else { return Release::default() };
        self.hung = false;
        if !ok {
            self.kept = Kept::No;
            return self.release(true);
        }
        self.in_file = settings;
        if settings != self.current {
            return Release::default();
        }
        self.kept = Kept::Yes;
        self.release(false)
    }

    /// Clients have waited 10 s; or the write has hung for longer, and the camera has taken what they sent.
    pub fn give_up(&mut self, now: u64) -> Release {
        let waiters = !self.readers.is_empty() || !self.updaters.is_empty();
        let hangs = waiters && self.in_flight.is_some_and(|(_, since)| since + 10 * SECOND <= now);
        let starves = !self.readers.is_empty() && self.waiting_since + 10 * SECOND <= now;
        let in_burst = self.hung && self.apply_at.is_some();
        if (!hangs && !starves) || in_burst {
            return Release::default();
        }
        self.hung |= hangs;
        self.release(true)
    }

    pub fn reread(&mut self, now: u64, found: CameraSettings) -> Release {
        if found == self.in_file || self.in_flight.is_some_and(|(settings, _)| settings == found) {
            return Release::default();
        }
        self.in_file = found;
        if found != self.current {
            (self.current, self.apply_at, self.by) = (found, Some(now), None);
        }
        if self.in_flight.is_some() {
            self.kept = Kept::NotYet;
            return Release::default();
        }
        self.kept = Kept::Yes;
        self.release(false)
    }

    fn release(&mut self, failed: bool) -> Release {
        let not_stored = std::mem::take(&mut self.updaters);
        let not_stored = if failed { not_stored } else { Vec::new() };
        Release { not_stored, answered: std::mem::take(&mut self.readers) }
    }
}
