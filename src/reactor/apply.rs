//! What the server wants done, done.

use super::Reactor;
use super::sockets::{Followup, errno};
use crate::config::Level;
use crate::limits::NOTIFY_RETRY;
use crate::server::{Notice, Output, Service};
use crate::sys::file::Reread;
use crate::sys::{clock, limits, notify};

impl Reactor<'_> {
    /// Does one thing.
    pub(super) fn apply(&mut self, output: Output) {
        match output {
            Output::Offer { conn, packet } => self.offer(conn, packet),
            Output::Send { conn, frame } => self.send(conn, frame),
            Output::Pause(conn) => {
                if let Some(connection) = self.table.find(conn) {
                    connection.paused = true;
                }
            }
            Output::Resume(conn) => {
                if let Some(connection) = self.table.find(conn) {
                    connection.paused = false;
                }
                self.queue(conn);
            }
            Output::Finish(conn) => self.finish(conn),
            Output::Close(conn) => self.close(conn),
            Output::MakeRoom { descriptors } => match limits::raise_descriptors(descriptors) {
                Ok((_, now)) => self.followups.push_back(Followup::Room(u32::try_from(now).unwrap_or(u32::MAX))),
                Err(error) => self.fail("raising the limit on open files", error),
            },
            Output::ArmTick(at) => {
                self.tick_due = at;
                if let Err(error) = self.tick_timer.set(at) {
                    self.fail("arming the tick", error);
                }
            }
            Output::ReadSource(path) => self.source = path.map(Reread::new),
            Output::Spawn { role, argv } => self.spawn(role, &argv),
            Output::Signal { role, signal } => self.signal(role, signal),
            Output::Store(settings) => self.store(&settings.to_json()),
            Output::Reload => {
                let found = (self.reload)();
                self.followups.push_back(Followup::Reloaded(found));
            }
            Output::SetLogLevel(level) => self.log.set_level(level),
            Output::ReopenLog => {
                if let Err(error) = self.log.reopen_file() {
                    self.log.write(Level::Error, "server", format_args!("{error}"));
                }
            }
            Output::Notify(notice) => self.notify(&notice),
            Output::Report(report) if report.is_an_answer() => {
                self.log.answer(report.level(), report.logger(), format_args!("{report}"));
            }
            Output::Report(report) => {
                self.log.write(report.level(), report.logger(), format_args!("{report}"));
                for line in report.details() {
                    self.log.write(report.level(), report.logger(), format_args!("  {line}"));
                }
            }
            Output::CloseListeners => self.close_listeners(),
            Output::Exit => self.leaving = true,
        }
    }

    fn close_listeners(&mut self) {
        for service in Service::ALL {
            if let Some(mut listener) = self.listeners[service as usize].take() {
                let _closing_anyway = self.poll.registry().deregister(&mut listener);
            }
        }
    }

    fn notify(&mut self, notice: &Notice) {
        let message = match notice {
            Notice::Ready => notify::READY.to_owned(),
            Notice::Status(text) => notify::status(text),
            Notice::Reloading => notify::reloading(clock::mono()),
            Notice::Stopping => notify::STOPPING.to_owned(),
            Notice::Watchdog => notify::WATCHDOG.to_owned(),
        };
        let was_told_all = !self.notifier.has_unsent();
        match self.notifier.send(message) {
            Ok(()) => self.notify_at = None,
            Err(error) if was_told_all => {
                self.notify_at = Some(self.now.mono + NOTIFY_RETRY);
                self.followups.push_back(Followup::NotTold(errno(&error)));
            }
            Err(_) => {}
        }
    }

    /// Tells the service manager what it did not take before.
    pub(super) fn notify_again(&mut self) {
        let told = self.notifier.send_rest().is_ok();
        self.notify_at = (!told).then(|| self.now.mono + NOTIFY_RETRY);
    }
}
