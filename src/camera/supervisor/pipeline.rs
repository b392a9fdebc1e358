//! The supervisor's record of the children: which are alive, their last lines, and how they ended.

use std::collections::VecDeque;

use super::{Action, StopSignal};
use crate::camera::command::{base_name, shown};
use crate::camera::diagnosis::{Exit, Findings, Reason, Role};
use crate::camera::report::Report;
use crate::config::mask_url_passwords;
use crate::limits;
use crate::time::Mono;

/// One child.
#[derive(Debug, Default)]
struct Child {
    alive: bool,
    /// Whether it was signalled.
    asked: bool,
    program: String,
    /// Its last lines, each numbered across all children.
    tail: VecDeque<(u64, String)>,
}

/// The children of one run, and the findings about them.
#[derive(Debug, Default)]
pub struct Pipeline {
    probe: Child,
    camera: Child,
    publisher: Child,
    /// The evidence for a diagnosis.
    pub findings: Findings,
    /// The number of lines so far.
    lines: u64,
}

impl Pipeline {
    /// Clears the record of the last run.
    pub fn renew(&mut self) {
        self.findings = Findings::default();
        for role in Role::ALL {
            self.child_mut(role).tail.clear();
        }
    }

    /// Starts a child. No child with this role may be alive.
    pub fn spawn(&mut self, role: Role, argv: Vec<String>, out: &mut Vec<Action>) {
        debug_assert!(!self.is_alive(role), "a second {role:?}");
        let program = argv.first().cloned().unwrap_or_default();
        *self.child_mut(role) = Child { alive: true, asked: false, program, tail: VecDeque::new() };
        out.push(Action::Spawn { role, argv });
    }

    /// Signals a child if it is alive.
    pub fn signal(&mut self, role: Role, signal: StopSignal, out: &mut Vec<Action>) {
        let child = self.child_mut(role);
        if child.alive {
            child.asked = true;
            out.push(Action::Signal { role, signal });
        }
    }

    /// Whether this child is alive.
    pub fn is_alive(&self, role: Role) -> bool {
        self.child(role).alive
    }

    /// Whether any child is alive.
    pub fn any_alive(&self) -> bool {
        Role::ALL.into_iter().any(|role| self.is_alive(role))
    }

    /// Records a child's end. False if the child was not alive.
    pub fn exited(&mut self, role: Role, exit: Exit) -> bool {
        let child = self.child_mut(role);
        let (was_alive, asked) = (std::mem::take(&mut child.alive), child.asked);
        if was_alive {
            self.findings.exited(role, exit, asked);
        }
        was_alive
    }

    /// Records that a child could not be started and returns the reason. `None` if no start was pending.
    pub fn spawn_failed(&mut self, role: Role, errno: i32, text: &str) -> Option<Reason> {
        let child = self.child_mut(role);
        std::mem::take(&mut child.alive).then(|| Reason::of_spawn(role, &shown(&child.program), errno, text))
    }

    /// Records a line of the camera's or publisher's standard error.
    pub fn line(&mut self, now: Mono, role: Role, text: &str, quiet: bool, out: &mut Vec<Action>) {
        // ffmpeg includes its URL in some errors. Truncating first could make a password unrecognizable.
        let text = mask_url_passwords(text);
        let text = text[..text.floor_char_boundary(limits::MAX_CHILD_LINE_BYTES)].trim_end();
        let name = base_name(&self.child(role).program).to_owned();
        let logger = format!("camera.{name}");
        self.lines += 1;
        let line = (self.lines, format!("{} {name}: {text}", role.name()));
        let tail = &mut self.child_mut(role).tail;
        if tail.len() == limits::TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
        out.push(Action::Report(Report::ChildLine { logger, role, text: text.to_owned(), quiet }));
        self.findings.line(now, role, text);
    }

    /// The last lines of this run, of `guilty` or of all children, oldest first, each with the name of its child.
    pub fn take_tail(&mut self, guilty: Option<Role>) -> Vec<String> {
        let mut lines = Vec::new();
        for role in Role::ALL {
            let tail = std::mem::take(&mut self.child_mut(role).tail);
            if guilty.is_none_or(|guilty| guilty == role) {
                lines.extend(tail);
            }
        }
        lines.sort_unstable();
        let surplus = lines.len().saturating_sub(limits::TAIL_LINES);
        lines.drain(surplus..).map(|(_, line)| line).collect()
    }

    fn child(&self, role: Role) -> &Child {
        match role {
            Role::Probe => &self.probe,
            Role::Camera => &self.camera,
            Role::Publisher => &self.publisher,
        }
    }

    fn child_mut(&mut self, role: Role) -> &mut Child {
        match role {
            Role::Probe => &mut self.probe,
            Role::Camera => &mut self.camera,
            Role::Publisher => &mut self.publisher,
        }
    }
}
