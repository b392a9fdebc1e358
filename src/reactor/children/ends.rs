//! The ends of children.

use super::{ROLES, Reactor, unwatch};
use crate::camera::diagnosis::Role;
use crate::os::{Errno, Exit};
use crate::server::Input;
use crate::sys::child;
use crate::sys::errno::EINTR;
use crate::sys::splice::waiting;

impl Reactor<'_> {
    /// Takes in what a child has said and made before its end. No more than waits now: a process that it has left
    /// behind may hold its pipes, and write on for ever.
    fn read_rest(&mut self, role: Role) {
        if role == Role::Camera {
            let left = self.children.video.as_ref().map_or(0, waiting);
            self.pump(left);
        }
        let lines = self.children.slot(role).as_ref().and_then(|running| running.lines.as_ref());
        let left = lines.map_or(0, |lines| waiting(&lines.source));
        self.read_lines(role, left);
        self.end_lines(role);
    }

    /// Reaps whoever has ended, until none is left: SIGCHLD coalesces.
    pub(in crate::reactor) fn reap(&mut self) {
        for role in ROLES {
            let Some(pid) = self.children.slot(role).as_ref().map(|running| running.pid) else { continue };
            let Some(exit) = child::reap(pid) else { continue };
            self.read_rest(role);
            let failure = self.children.slot(role).take().and_then(|it| it.unheard.or(it.refusal.errno().map(Errno)));
            match role {
                Role::Probe => {}
                Role::Camera => unwatch(&self.poll, &mut self.children.video),
                Role::Publisher => {
                    unwatch(&self.poll, &mut self.children.sink);
                    self.look_at_video();
                }
            }
            log::debug!(target: "camera.process", "pid {pid} ended: {exit:?}");
            self.feed(match failure {
                Some(errno) => Input::SpawnFailed { role, errno },
                None => Input::Exited { role, exit },
            });
        }
        self.reap_writer();
    }

    fn reap_writer(&mut self) {
        let Some(exit) = self.children.writer.and_then(child::reap) else { return };
        self.children.writer = None;
        let result = match exit {
            Exit::Code(0) => Ok(()),
            Exit::Code(code) => Err(Errno(code)),
            Exit::Signal(_) => Err(Errno(EINTR)),
        };
        self.feed(Input::Stored { result });
    }
}
