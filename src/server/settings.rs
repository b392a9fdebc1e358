//! The camera settings in force: updates, reads, and the file that keeps them.
//!
//! Not here: the clients' connections (`connections.rs`) and the camera (`pipeline.rs`).

mod store;

use super::context::Context;
use super::interface::Output;
use super::report::SettingsReport;
use crate::camera::settings::CameraSettings;
use crate::ids::{ConnId, Peer};
use crate::os::Errno;
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire;
use store::{Due, Store};
pub use store::{Outcome, Reading};

/// What follows from time or a write, for other parts.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// The camera is to take these.
    Apply(CameraSettings),
    /// Clients need not wait any longer.
    Settle(Outcome),
}

/// The settings, and whether their file gets written.
#[derive(Debug)]
pub struct Settings {
    store: Store,
    /// Whether the last write failed, or hangs.
    failing: bool,
}

impl Settings {
    /// Settings that agree with their file.
    pub fn new(current: CameraSettings) -> Self {
        Self { store: Store::new(current), failing: false }
    }

    /// The settings in force.
    pub const fn current(&self) -> &CameraSettings {
        self.store.current()
    }

    /// Takes an update from a client.
    pub fn update(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        peer: Peer,
        payload: [u8; wire::settings::PAYLOAD_BYTES],
    ) {
        let settings = wire::settings::update(self.current(), payload);
        self.change(cx, conn, peer, settings);
    }

    /// Takes new settings from a client.
    pub fn change(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, settings: CameraSettings) {
        cx.bump(Counter::SettingsUpdated);
        self.store.update(cx.mono(), conn, peer, settings);
    }

    /// What becomes of a client's read.
    pub fn read(&mut self, cx: &Context<'_>, conn: ConnId) -> Reading {
        self.store.read(cx.mono(), conn)
    }

    /// Forgets a client that is gone.
    pub fn remove(&mut self, conn: ConnId) {
        self.store.remove(conn);
    }

    /// Takes what a reload has found in the file.
    pub fn reread(&mut self, cx: &Context<'_>, found: CameraSettings) -> Outcome {
        self.store.reread(cx.mono(), found)
    }

    /// When [`Self::due`] has something to do.
    pub fn deadline(&self) -> Option<Mono> {
        self.store.deadline()
    }

    /// The next effect that is due, if any is. Call until there is none.
    pub fn due(&mut self, cx: &mut Context<'_>) -> Option<Effect> {
        while let Some(due) = self.store.due(cx.mono()) {
            match due {
                Due::Apply { settings, by } => {
                    cx.report(SettingsReport::Applied { settings, by });
                    return Some(Effect::Apply(settings));
                }
                Due::Write(settings) => cx.push(Output::Store(settings)),
                Due::GiveUpWaiting(outcome) => {
                    self.failing = true;
                    cx.report(SettingsReport::StoreHangs { path: cx.config.paths.camera_settings_file() });
                    return Some(Effect::Settle(outcome));
                }
                Due::StillHangs(outcome) => return Some(Effect::Settle(outcome)),
            }
        }
        None
    }

    /// A write of the file is over.
    pub fn written(&mut self, cx: &mut Context<'_>, result: Result<(), Errno>) -> Outcome {
        let path = cx.config.paths.camera_settings_file();
        match result {
            Ok(()) => {
                cx.bump(Counter::SettingsStored);
                if std::mem::take(&mut self.failing) {
                    cx.report(SettingsReport::StoreRecovered { path });
                }
            }
            Err(errno) => {
                cx.bump(Counter::StoreFailed);
                self.failing = true;
                cx.report(SettingsReport::StoreFailed { path, errno });
            }
        }
        self.store.written(cx.mono(), result.is_ok())
    }

    /// Writes immediately what is not kept yet: the server is stopping.
    pub fn flush(&mut self, cx: &mut Context<'_>) {
        if let Some(settings) = self.store.flush(cx.mono()) {
            cx.push(Output::Store(settings));
        }
    }

    /// Whether nothing is being written and nothing is left to be.
    pub fn is_settled(&self) -> bool {
        self.store.is_settled()
    }
}
