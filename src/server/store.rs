//! The settings between an update and the disk: coalesced, written one at a time, and confirmed only once kept.
//!
//! An update is in force at once. The camera is restarted and the file written after a quiet moment, so a slider
//! being dragged costs one restart and one write. A client that reads meanwhile wants to know: its reply waits
//! until what it shows is on the disk, or is known not to get there.

use crate::camera::settings::CameraSettings;
use crate::limits::{SETTINGS_LONGEST_BURST, SETTINGS_QUIET, STORE_INTERVAL, STORE_RETRY, WRITE_TIMEOUT};
use crate::server::ConnId;
use crate::time::Mono;

/// How the settings in force stand to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// The file holds them, or there is none and they are the defaults.
    Kept,
    /// The file is to be written, or is being written.
    Pending,
    /// The last try failed; the next is due at this time.
    Failed { retry_at: Mono },
}

/// What a finished or given-up write means for the clients.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// They sent updates that could not be stored.
    pub not_stored: Vec<ConnId>,
    /// Their reads can be answered now.
    pub answer: Vec<ConnId>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Due {
    /// Restart the camera with these.
    Apply(CameraSettings),
    /// Write these to the file.
    Write(CameraSettings),
    /// The write has taken so long that clients are told it failed; it may still succeed.
    GiveUpWaiting,
}

/// The settings in force and what remains to be done with them.
#[derive(Debug)]
pub struct Store {
    current: CameraSettings,
    durability: Durability,
    /// What is being written, and since when.
    writing: Option<(CameraSettings, Mono)>,
    /// When the next write may and shall begin.
    write_at: Option<Mono>,
    last_write: Option<Mono>,
    /// When the camera is to be told.
    apply_at: Option<Mono>,
    burst_began: Mono,
    updaters: Vec<ConnId>,
    readers: Vec<ConnId>,
}

impl Store {
    /// A store whose file agrees with `current`.
    pub const fn new(current: CameraSettings) -> Self {
        Self {
            current,
            durability: Durability::Kept,
            writing: None,
            write_at: None,
            last_write: None,
            apply_at: None,
            burst_began: Mono::from_nanos(0),
            updaters: Vec::new(),
            readers: Vec::new(),
        }
    }

    /// The settings in force.
    pub const fn current(&self) -> &CameraSettings {
        &self.current
    }

    /// Takes an update of a client. Whether it changes anything.
    pub fn update(&mut self, now: Mono, conn: ConnId, settings: CameraSettings) -> bool {
        let changes = settings != self.current;
        if !changes && self.durability == Durability::Kept {
            return false;
        }
        self.current = settings;
        self.durability = Durability::Pending;
        if !self.updaters.contains(&conn) {
            self.updaters.push(conn);
        }
        if self.apply_at.is_none() {
            self.burst_began = now;
        }
        let quiet = (now + SETTINGS_QUIET).min(self.burst_began + SETTINGS_LONGEST_BURST);
        self.apply_at = Some(quiet);
        self.write_at = Some(quiet.max(self.earliest_write()));
        changes
    }

    /// Takes what the file holds after it was reread: the camera is to be told, the file need not be written. An
    /// update that is not in the file, or not yet, is newer than what is, and stays.
    pub fn reread(&mut self, now: Mono, settings: CameraSettings) {
        if self.durability == Durability::Kept && settings != self.current {
            self.current = settings;
            self.apply_at = Some(now);
        }
    }

    /// A client wants to read. Whether it can be answered at once; if not, it waits, and the write is hurried.
    pub fn read(&mut self, now: Mono, conn: ConnId) -> bool {
        if self.durability != Durability::Pending {
            return true;
        }
        self.readers.push(conn);
        self.write_at = Some(now.max(self.earliest_write()));
        false
    }

    /// Forgets a client that is gone.
    pub fn forget(&mut self, conn: ConnId) {
        self.updaters.retain(|&other| other != conn);
        self.readers.retain(|&other| other != conn);
    }

    /// When something is next due.
    pub fn deadline(&self) -> Option<Mono> {
        let write = match self.writing {
            Some((_, since)) if !self.readers.is_empty() || !self.updaters.is_empty() => Some(since + WRITE_TIMEOUT),
            Some(_) => None,
            None => match self.durability {
                Durability::Kept => None,
                Durability::Pending => self.write_at,
                Durability::Failed { retry_at } => Some(retry_at),
            },
        };
        [write, self.apply_at].into_iter().flatten().min()
    }

    /// The next thing that is due, if any is. Call until there is none.
    pub fn due(&mut self, now: Mono) -> Option<Due> {
        if self.apply_at.is_some_and(|at| at <= now) {
            self.apply_at = None;
            return Some(Due::Apply(self.current));
        }
        if self.deadline().is_none_or(|at| at > now) {
            return None;
        }
        match self.writing {
            Some((settings, _)) => {
                self.writing = Some((settings, now));
                Some(Due::GiveUpWaiting)
            }
            None => self.write(now),
        }
    }

    /// Begins to write at once what is not kept yet: the server is stopping.
    pub fn flush(&mut self, now: Mono) -> Option<Due> {
        if self.durability == Durability::Kept || self.writing.is_some() { None } else { self.write(now) }
    }

    /// Whether nothing is being written and nothing is left to be.
    pub fn is_settled(&self) -> bool {
        self.writing.is_none() && self.durability != Durability::Pending
    }

    /// A write is over. Says whom that concerns.
    pub fn written(&mut self, now: Mono, kept: bool) -> Outcome {
        let Some((settings, _)) = self.writing.take() else { return Outcome::default() };
        if !kept {
            self.durability = Durability::Failed { retry_at: now + STORE_RETRY };
            return self.release(true);
        }
        if settings != self.current {
            self.write_at = self.write_at.map(|at| at.max(self.earliest_write())).or(Some(self.earliest_write()));
            return Outcome::default();
        }
        self.durability = Durability::Kept;
        self.release(false)
    }

    /// A write does not end: clients are told as if it had failed.
    pub fn give_up_waiting(&mut self) -> Outcome {
        self.release(true)
    }

    fn write(&mut self, now: Mono) -> Option<Due> {
        self.writing = Some((self.current, now));
        self.last_write = Some(now);
        self.write_at = None;
        self.durability = Durability::Pending;
        Some(Due::Write(self.current))
    }

    fn release(&mut self, failed: bool) -> Outcome {
        let not_stored = std::mem::take(&mut self.updaters);
        Outcome { not_stored: if failed { not_stored } else { Vec::new() }, answer: std::mem::take(&mut self.readers) }
    }

    fn earliest_write(&self) -> Mono {
        self.last_write.map_or(Mono::default(), |at| at + STORE_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const A: ConnId = ConnId { slot: 1, generation: 1 };
    const B: ConnId = ConnId { slot: 2, generation: 1 };

    fn settings(gain: f64) -> CameraSettings {
        CameraSettings { gain, ..CameraSettings::default() }
    }

    fn all_due(store: &mut Store, now: Mono) -> Vec<Due> {
        std::iter::from_fn(|| store.due(now)).collect()
    }

    fn after(milliseconds: u64) -> Mono {
        Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_is_one_restart_and_one_write() {
        let mut store = Store::new(settings(1.0));
        for step in 0..8_u64 {
            assert!(store.update(after(step * 50), A, settings(2.0 + step as f64)));
            assert_eq!(all_due(&mut store, after(step * 50)), []);
        }
        assert_eq!(store.deadline(), Some(after(350 + 150)));
        assert_eq!(all_due(&mut store, after(500)), [Due::Apply(settings(9.0)), Due::Write(settings(9.0))]);
        assert_eq!(store.written(after(510), true), Outcome::default());
        assert!(store.is_settled());
        assert_eq!(store.deadline(), None);
    }

    #[test]
    fn a_burst_that_does_not_end_is_seen_all_the_same() {
        let mut store = Store::new(settings(1.0));
        let mut applied = 0;
        for step in 0..100_u64 {
            store.update(after(step * 100), A, settings(step as f64));
            for due in all_due(&mut store, after(step * 100)) {
                if let Due::Write(_) = due {
                    store.written(after(step * 100), true);
                }
                applied += usize::from(matches!(due, Due::Apply(_)));
            }
        }
        assert!((8..=10).contains(&applied), "once a second for 10 s, not {applied}");
    }

    #[test]
    fn a_read_waits_for_the_disk_and_hurries_it() {
        let mut store = Store::new(settings(1.0));
        assert!(store.read(after(0), A));
        store.update(after(0), A, settings(2.0));
        assert!(!store.read(after(1), B));
        assert_eq!(all_due(&mut store, after(1)), [Due::Write(settings(2.0))]);
        assert!(!store.read(after(2), A));
        assert_eq!(store.written(after(3), true).answer, [B, A]);
        assert!(store.read(after(4), A));
        assert_eq!(all_due(&mut store, after(150)), [Due::Apply(settings(2.0))], "and it is not written again");
    }

    #[test]
    fn an_update_during_a_write_is_written_after_it_and_confirmed_only_then() {
        let mut store = Store::new(settings(1.0));
        store.update(after(0), A, settings(2.0));
        assert!(!store.read(after(0), A));
        assert_eq!(all_due(&mut store, after(0)), [Due::Write(settings(2.0))]);
        store.update(after(5), B, settings(3.0));
        assert_eq!(store.written(after(10), true), Outcome::default());
        let due = store.deadline().unwrap();
        assert!(due >= after(155));
        assert!(all_due(&mut store, after(250)).contains(&Due::Write(settings(3.0))));
        assert_eq!(store.written(after(260), true).answer, [A]);
    }

    #[test]
    fn a_failed_write_is_told_once_and_tried_again_later() {
        let mut store = Store::new(settings(1.0));
        store.update(after(0), A, settings(2.0));
        assert!(!store.read(after(0), B));
        all_due(&mut store, after(0));
        assert_eq!(store.written(after(1), false), Outcome { not_stored: vec![A], answer: vec![B] });
        assert!(store.read(after(2), A), "known not to be kept: no reason to wait");
        all_due(&mut store, after(200));
        assert_eq!(store.deadline(), Some(after(1) + STORE_RETRY));
        assert_eq!(all_due(&mut store, after(1) + STORE_RETRY), [Due::Write(settings(2.0))]);
        assert_eq!(store.written(after(61_000), true), Outcome::default());
        assert!(store.is_settled());
    }

    #[test]
    fn a_write_that_hangs_is_given_up_by_clients_but_never_doubled() {
        let mut store = Store::new(settings(1.0));
        store.update(after(0), A, settings(2.0));
        store.read(after(0), A);
        all_due(&mut store, after(0));
        all_due(&mut store, after(200));
        assert_eq!(store.deadline(), Some(after(0) + WRITE_TIMEOUT));
        assert_eq!(all_due(&mut store, after(0) + WRITE_TIMEOUT), [Due::GiveUpWaiting]);
        assert_eq!(store.give_up_waiting(), Outcome { not_stored: vec![A], answer: vec![A] });
        assert_eq!(store.deadline(), None);
        assert_eq!(store.flush(after(20_000)), None, "one write at a time");
        assert_eq!(store.written(after(30_000), true), Outcome::default());
        assert!(store.is_settled());
    }

    #[test]
    fn an_unchanged_update_costs_nothing() {
        let mut store = Store::new(settings(1.0));
        assert!(!store.update(after(0), A, settings(1.0)));
        assert_eq!(store.deadline(), None);
        assert!(store.is_settled());
    }

    #[test]
    fn a_reread_does_not_undo_what_is_not_kept_yet() {
        let mut store = Store::new(settings(1.0));
        store.update(after(0), A, settings(2.0));
        assert!(!store.read(after(0), B));
        store.reread(after(1), settings(1.0));
        assert_eq!(store.current(), &settings(2.0));
        assert_eq!(all_due(&mut store, after(1)), [Due::Write(settings(2.0))]);
        store.reread(after(2), settings(1.0));
        assert_eq!(store.written(after(3), false).answer, [B]);
        store.reread(after(4), settings(1.0));
        assert_eq!(store.current(), &settings(2.0));
    }

    #[test]
    fn a_reread_reaches_the_camera_but_not_the_disk() {
        let mut store = Store::new(settings(1.0));
        store.reread(after(0), settings(4.0));
        assert_eq!(all_due(&mut store, after(0)), [Due::Apply(settings(4.0))]);
        assert!(store.is_settled());
    }
}
