//! Notifications to the service manager, with retries.

use super::context::Context;
use super::errno;
use crate::limits::NOTIFY_RETRY;
use crate::server::{Input, Notice};
use crate::sys::{clock, notify};
use crate::time::Mono;

/// The connection to the service manager, if there is one.
#[derive(Debug)]
pub struct Manager {
    notifier: notify::Notifier,
    /// When to retry unsent messages.
    retry_at: Option<Mono>,
}

impl Manager {
    /// A manager without unsent messages.
    pub const fn new(notifier: notify::Notifier) -> Self {
        Self { notifier, retry_at: None }
    }

    /// Sends a notice. On failure, keeps it and retries later.
    pub fn notify(&mut self, notice: &Notice, cx: &mut Context<'_>) {
        let message = match notice {
            Notice::Ready => notify::READY.to_owned(),
            Notice::Status(text) => notify::status(text),
            Notice::Reloading => notify::reloading(clock::mono()),
            Notice::Stopping => notify::STOPPING.to_owned(),
            Notice::Watchdog => notify::WATCHDOG.to_owned(),
        };
        let had_unsent = self.notifier.has_unsent();
        match self.notifier.send(message) {
            Ok(()) => self.retry_at = None,
            Err(_) if had_unsent => {}
            Err(error) => {
                self.retry_at = Some(cx.now + NOTIFY_RETRY);
                cx.inbox.push_back(Input::NotifyFailed { errno: errno(&error) });
            }
        }
    }

    /// Retries unsent messages, if it is time.
    pub fn retry(&mut self, now: Mono) {
        if self.retry_at.is_some_and(|at| at <= now) {
            let sent = self.notifier.send_rest().is_ok();
            self.retry_at = (!sent).then(|| now + NOTIFY_RETRY);
        }
    }

    /// When [`Self::retry`] is due.
    pub const fn deadline(&self) -> Option<Mono> {
        self.retry_at
    }
}
