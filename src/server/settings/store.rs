//! The settings between an update and the disk: coalesced, written one at a time, and confirmed only once kept.
//!
//! An update is in force immediately. The camera is restarted and the file written after a quiet moment, so a slider being
//! dragged costs one restart and one write; both are limited by a token bucket each. A client that reads meanwhile wants
//! to know: its reply waits until what it shows is on the disk, or is known not to get there. A write that hangs is
//! waited for once: from then on, until it returns, reads are answered immediately.

mod restart;

use crate::bucket::{Bucket, Rate};
use crate::camera::settings::{CameraSettings, ChangedBy};
use crate::ids::{ConnId, Peer};
use crate::limits::{APPLY_BURST, APPLY_INTERVAL, STORE_RETRY, WRITE_TIMEOUT};
use crate::time::Mono;
use restart::Restart;

/// How often clients may have the camera restarted, and likewise the file written.
const CHANGES: Rate = Rate { burst: APPLY_BURST, each: APPLY_INTERVAL };

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
#[derive(Debug, PartialEq)]
pub enum Due {
    /// Restart the camera with these.
    Apply {
        /// The settings in force.
        settings: CameraSettings,
        /// What changed them.
        by: ChangedBy,
    },
    /// Write these to the file.
    Write(CameraSettings),
    /// Clients have waited so long that they are answered as if the write had failed; it may still succeed.
    GiveUpWaiting(Outcome),
    /// Updates that came while that write still hangs.
    StillHangs(Outcome),
}

/// What becomes of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It is answered now.
    Answer,
    /// The same, after error `07` for the client's updates.
    AnswerNotStored,
    /// It waits for the disk.
    Wait,
}

/// A write under way.
#[derive(Debug, Clone, Copy)]
struct Writing {
    settings: CameraSettings,
    since: Mono,
    /// Whether clients are no longer to wait for it.
    given_up: bool,
}

/// The settings in force and what remains to be done with them.
#[derive(Debug)]
pub struct Store {
    current: CameraSettings,
    /// What the file holds, as far as is known.
    in_file: CameraSettings,
    durability: Durability,
    writing: Option<Writing>,
    /// When the next write shall begin, if there is a token for it.
    write_at: Option<Mono>,
    write_tokens: Bucket,
    /// Whether the last writes are under way, which wait for no token.
    stopping: bool,
    restart: Restart,
    updaters: Vec<ConnId>,
    readers: Vec<ConnId>,
    /// Since when the first of the readers waits, while there are any.
    waiting_since: Mono,
}

impl Store {
    /// A store whose file agrees with `current`.
    pub fn new(current: CameraSettings) -> Self {
        Self {
            current,
            in_file: current,
            durability: Durability::Kept,
            writing: None,
            write_at: None,
            write_tokens: Bucket::default(),
            stopping: false,
            restart: Restart::new(current),
            updaters: Vec::new(),
            readers: Vec::new(),
            waiting_since: Mono::from_nanos(0),
        }
    }

    /// The settings in force.
    pub const fn current(&self) -> &CameraSettings {
        &self.current
    }

    /// Takes an update of a client at `peer`. Whether it changes anything.
    pub fn update(&mut self, now: Mono, conn: ConnId, peer: Peer, settings: CameraSettings) -> bool {
        let changes = settings != self.current;
        if !changes && self.durability == Durability::Kept {
            return false;
        }
        self.current = settings;
        self.durability = Durability::Pending;
        if !self.updaters.contains(&conn) {
            self.updaters.push(conn);
        }
        self.write_at = Some(self.restart.updated(now, ChangedBy::Peer(peer), changes));
        changes
    }

    /// Takes what the file holds after it was reread: the camera is to take it, the file need not be written, and clients
    /// that waited for the disk wait no more. A file that holds what was written last, or is being written, changes
    /// nothing: an update that is not in it yet is newer.
    pub fn reread(&mut self, now: Mono, settings: CameraSettings) -> Outcome {
        if settings == self.in_file || self.writing.is_some_and(|writing| writing.settings == settings) {
            return Outcome::default();
        }
        self.in_file = settings;
        if settings != self.current {
            self.current = settings;
            self.restart.reread(now);
        }
        if self.writing.is_some() {
            // That write replaces the file, so it has to be put right afterwards.
            self.durability = Durability::Pending;
            self.write_at = Some(now);
            return Outcome::default();
        }
        self.durability = Durability::Kept;
        self.write_at = None;
        self.release(false)
    }

    /// A client wants to read. While any waits, a write waits only for its token.
    pub fn read(&mut self, now: Mono, conn: ConnId) -> Reading {
        if self.durability != Durability::Pending {
            return Reading::Answer;
        }
        if self.hangs() {
            let updated = self.updaters.iter().position(|&other| other == conn);
            return updated.map_or(Reading::Answer, |at| {
                self.updaters.remove(at);
                Reading::AnswerNotStored
            });
        }
        if self.readers.is_empty() {
            self.waiting_since = now;
        }
        self.readers.push(conn);
        Reading::Wait
    }

    /// Forgets a client that is gone.
    pub fn remove(&mut self, conn: ConnId) {
        self.updaters.retain(|&other| other != conn);
        self.readers.retain(|&other| other != conn);
    }

    /// When something is next due.
    pub fn deadline(&self) -> Option<Mono> {
        let apply = self.restart.deadline(&self.current);
        [self.write_due(), apply, self.patience_ends()].into_iter().flatten().min()
    }

    fn write_due(&self) -> Option<Mono> {
        let at = match (self.writing, self.durability) {
            (Some(_), _) | (None, Durability::Kept) => None,
            (None, Durability::Pending) if !self.readers.is_empty() => Some(self.waiting_since),
            (None, Durability::Pending) => self.write_at,
            (None, Durability::Failed { retry_at }) => Some(retry_at),
        }?;
        Some(if self.stopping { at } else { at.max(self.write_tokens.ready_at(CHANGES)) })
    }

    /// When clients have waited long enough: for a write that hangs, or for one that is never of the newest
    /// settings, because they change faster than the disk writes. For a write that was given up already, an update waits
    /// until the camera takes it, so that a burst of them is one error.
    fn patience_ends(&self) -> Option<Mono> {
        if self.readers.is_empty() && self.updaters.is_empty() {
            return None;
        }
        let hangs = self.writing.and_then(|writing| {
            if writing.given_up {
                (!self.restart.is_pending()).then_some(writing.since)
            } else {
                Some(writing.since + WRITE_TIMEOUT)
            }
        });
        let starves = (!self.readers.is_empty()).then(|| self.waiting_since + WRITE_TIMEOUT);
        [hangs, starves].into_iter().flatten().min()
    }

    /// Whether a write is under way that clients were let wait for long enough.
    fn hangs(&self) -> bool {
        self.writing.is_some_and(|writing| writing.given_up)
    }

    /// The next thing that is due, if any is. Call until there is none.
    pub fn due(&mut self, now: Mono) -> Option<Due> {
        if let Some(by) = self.restart.due(now, &self.current) {
            return Some(Due::Apply { settings: self.current, by });
        }
        if self.patience_ends().is_some_and(|at| at <= now) {
            let outcome = self.release(true);
            if self.hangs() {
                return Some(Due::StillHangs(outcome));
            }
            if let Some(writing) = &mut self.writing {
                writing.given_up = writing.since + WRITE_TIMEOUT <= now;
            }
            return Some(Due::GiveUpWaiting(outcome));
        }
        let may_write =
            self.write_due().is_some_and(|at| at <= now) && (self.stopping || self.write_tokens.try_take(CHANGES, now));
        may_write.then(|| Due::Write(self.write(now)))
    }

    /// Begins to write immediately what is not kept yet: the server is stopping.
    pub fn flush(&mut self, now: Mono) -> Option<CameraSettings> {
        self.stopping = true;
        if self.durability == Durability::Kept || self.writing.is_some() { None } else { Some(self.write(now)) }
    }

    /// Whether nothing is being written and nothing is left to be.
    pub fn is_settled(&self) -> bool {
        self.writing.is_none() && self.durability != Durability::Pending
    }

    /// A write is over. Returns the clients that it concerns.
    pub fn written(&mut self, now: Mono, kept: bool) -> Outcome {
        let Some(Writing { settings, .. }) = self.writing.take() else { return Outcome::default() };
        if !kept {
            self.durability = Durability::Failed { retry_at: now + STORE_RETRY };
            return self.release(true);
        }
        self.in_file = settings;
        if settings != self.current {
            self.write_at.get_or_insert(now);
            return Outcome::default();
        }
        self.durability = Durability::Kept;
        self.release(false)
    }

    fn write(&mut self, now: Mono) -> CameraSettings {
        self.writing = Some(Writing { settings: self.current, since: now, given_up: false });
        self.write_at = None;
        self.durability = Durability::Pending;
        self.current
    }

    fn release(&mut self, failed: bool) -> Outcome {
        let not_stored = std::mem::take(&mut self.updaters);
        Outcome { not_stored: if failed { not_stored } else { Vec::new() }, answer: std::mem::take(&mut self.readers) }
    }
}

#[cfg(test)]
mod tests;
