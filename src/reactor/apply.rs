//! Applies the server's outputs.

use super::Reactor;
use super::context::context;
use super::error::kernel;
use crate::logging::Level;
use crate::server::{Input, Output};
use crate::sys::file::Reread;
use crate::sys::limits;

impl Reactor<'_> {
    /// Applies one output.
    pub(super) fn apply(&mut self, output: Output) {
        match output {
            Output::Offer { conn, frame } => self.sockets.offer(conn, frame, &mut context!(self)),
            Output::Send { conn, frame } => self.sockets.send(conn, frame, &mut context!(self)),
            Output::WhenSent(conn) => self.sockets.notify_when_sent(conn, &mut context!(self)),
            Output::Discard(conn) => self.sockets.discard(conn),
            Output::LimitUnsent { conn, bytes } => self.sockets.limit_unsent(conn, bytes),
            Output::WatchMp4 { conn, from } => self.sockets.watch_mp4(conn, from, &mut context!(self)),
            Output::Watch { conn, transport, from } => {
                self.sockets.watch(conn, transport, from, &mut context!(self));
            }
            Output::Unwatch(conn) => self.sockets.unwatch(conn, &mut context!(self)),
            Output::Datagram { conn, port, bytes } => {
                self.sockets.send_rtcp(conn, port, bytes.as_bytes(), &mut context!(self));
            }
            Output::Publish { from } => self.children.begin_publishing(from, &context!(self)),
            Output::Pictures => {
                self.sockets.pictures(&mut context!(self));
                self.publish();
            }
            Output::Pause(conn) => self.sockets.pause(conn, true, &mut context!(self)),
            Output::Resume(conn) => self.sockets.pause(conn, false, &mut context!(self)),
            Output::Finish(conn) => self.sockets.finish(conn, &mut context!(self)),
            Output::Close(conn) => self.sockets.close(conn, &mut context!(self)),
            Output::CloseListeners => self.sockets.close_listeners(self.poll.registry()),
            Output::MakeRoom { descriptors } => match limits::raise_descriptors(descriptors) {
                Ok((_, now)) => {
                    self.inbox.push_back(Input::Room { descriptors: u32::try_from(now).unwrap_or(u32::MAX) });
                }
                Err(error) => self.fail(kernel("raising the limit on open files")(error)),
            },
            Output::ArmTick(at) => {
                self.agenda.set_tick(at);
                if let Err(error) = self.timers.set_tick(at) {
                    self.fail(kernel("arming the tick")(error));
                }
            }
            Output::ReadSource(path) => self.source = path.map(Reread::new),
            Output::Spawn { role, argv } => self.children.spawn(role, &argv, &mut context!(self)),
            Output::Signal { role, signal } => self.children.signal(role, signal, &mut context!(self)),
            Output::Store(settings) => self.writer.store(&settings.to_json(), &mut context!(self)),
            Output::Reload => {
                let found = (self.reload)();
                self.inbox.push_back(Input::Reloaded(found));
            }
            Output::SetLogLevel(level) => self.log.set_level(level),
            Output::ReopenLog => {
                if let Err(error) = self.log.reopen_file() {
                    self.log.write(Level::Error, "server", format_args!("{error}"));
                }
            }
            Output::Notify(notice) => self.manager.notify(&notice, &mut context!(self)),
            Output::Report(report) => report.line(|line| {
                if line.requested {
                    return self.log.answer(line.level, line.logger, line.text);
                }
                self.log.write(line.level, line.logger, line.text);
                for detail in report.details() {
                    self.log.write(line.level, line.logger, format_args!("  {detail}"));
                }
            }),
            Output::Exit => self.ending = Some(Ok(())),
        }
    }
}
