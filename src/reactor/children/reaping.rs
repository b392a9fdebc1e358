//! Reaps children when the kernel reports their exit, then reads their remaining output step by step.

use mio::unix::SourceFd;
use std::os::fd::AsRawFd;

use super::lines::Reading;
use super::{Children, Piped, ROLES, VideoRead};
use crate::camera::diagnosis::Role;
use crate::limits::LINE_STEP_BYTES;
use crate::os::{Errno, Exit};
use crate::reactor::context::Context;
use crate::reactor::token::Token;
use crate::server::Input;
use crate::sys::child;

/// A child that has ended, with output that is still unread. Only the bytes in its pipes at its exit are read, because a
/// process that it left behind may hold the pipes open and write forever.
#[derive(Debug)]
pub struct Ended {
    role: Role,
    exit: Exit,
    video_left: usize,
    lines_left: usize,
}

impl Children {
    /// Reaps every child that has ended, because SIGCHLD coalesces.
    pub fn reap(&mut self, cx: &mut Context<'_>) {
        for role in ROLES {
            let Some(running) = self.slot(role).as_mut().filter(|running| !running.ended) else { continue };
            let Some(exit) = child::reap(running.pid) else { continue };
            running.ended = true;
            log::debug!(target: "camera.process", "pid {} ended: {exit:?}", running.pid);
            let lines_left = running.lines.as_ref().map_or(0, super::Lines::waiting);
            let video_left = if role == Role::Camera { self.video.waiting() } else { 0 };
            self.ended.push_back(Ended { role, exit, video_left, lines_left });
            cx.agenda.put_off_once(Token::Reaping);
        }
    }

    /// Handles part of the output, or the end, of the first ended child. `None` if none has ended.
    pub fn take_in_ended(&mut self, cx: &mut Context<'_>) -> Option<Piped> {
        let ended = self.ended.front_mut()?;
        let role = ended.role;
        cx.agenda.put_off_once(Token::Reaping);
        if ended.video_left > 0 {
            return Some(Piped::VideoLeft(ended.video_left));
        }
        let most = ended.lines_left.min(LINE_STEP_BYTES);
        if most > 0 {
            let mut complete = Vec::new();
            let lines = self.slot(role).as_mut().and_then(|running| running.lines.as_mut());
            let (length, reading) = lines.map_or((0, Reading::Ended), |lines| lines.read_rest(most, &mut complete));
            if let Some(ended) = self.ended.front_mut() {
                ended.lines_left = if reading == Reading::More { ended.lines_left.saturating_sub(length) } else { 0 };
            }
            return Some(Piped::Lines(role, complete));
        }
        // The child may have died in the middle of a line.
        if let Some(text) = self.close_lines(role, cx) {
            return Some(Piped::Lines(role, vec![text]));
        }
        self.ended.pop_front().map(|ended| Piped::End(self.conclude(&ended, cx)))
    }

    /// Notes what was read of the video that an ended camera has left.
    pub fn took_video_left(&mut self, read: VideoRead) {
        if let Some(ended) = self.ended.front_mut() {
            ended.video_left = match read {
                VideoRead::Bytes(length) => ended.video_left.saturating_sub(length),
                VideoRead::Drained | VideoRead::Ended => 0,
            };
        }
    }

    /// Closes a child's output. Returns an unfinished line.
    pub fn close_lines(&mut self, role: Role, cx: &mut Context<'_>) -> Option<String> {
        let mut lines = self.slot(role).as_mut().and_then(|running| running.lines.take())?;
        let _closing_anyway = cx.registry.deregister(&mut SourceFd(&lines.source().as_raw_fd()));
        lines.line(true)
    }

    fn conclude(&mut self, ended: &Ended, cx: &mut Context<'_>) -> Input<'static> {
        let role = ended.role;
        let failure = self.slot(role).take().and_then(|it| it.watch_failure.or(it.exec_failure.errno().map(Errno)));
        match role {
            Role::Probe => {}
            Role::Camera => self.video.close_source(cx.registry),
            Role::Publisher => self.video.close_sink(cx.registry),
        }
        match failure {
            Some(errno) => Input::SpawnFailed { role, errno },
            None => Input::Exited { role, exit: ended.exit },
        }
    }
}
