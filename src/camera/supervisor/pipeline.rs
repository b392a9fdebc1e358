//! The children as the supervisor knows them: who is alive, what they said, and how they ended.

use std::collections::VecDeque;

use super::{Action, StopSignal};
use crate::camera::command::base_name;
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
    /// Its last lines, each with its place among the lines of all.
    tail: VecDeque<(u64, String)>,
}

/// The children of one run, and the findings about them.
#[derive(Debug, Default)]
pub struct Pipeline {
    probe: Child,
    camera: Child,
    publisher: Child,
    /// What there is to judge, should they fail.
    pub findings: Findings,
    /// How many lines there were.
    lines: u64,
}

impl Pipeline {
    /// Forgets what the last run left behind.
    pub fn renew(&mut self) {
        self.findings = Findings::default();
        for role in Role::ALL {
            self.child_mut(role).tail.clear();
        }
    }

    /// Starts a child. There must be none of this role.
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

    /// Whether there is such a child.
    pub fn is_alive(&self, role: Role) -> bool {
        self.child(role).alive
    }

    /// Whether there is any child.
    pub fn any_alive(&self) -> bool {
        Role::ALL.into_iter().any(|role| self.is_alive(role))
    }

    /// Takes in a child's end. False when there was none.
    pub fn exited(&mut self, role: Role, exit: Exit) -> bool {
        let child = self.child_mut(role);
        let (was_alive, asked) = (std::mem::take(&mut child.alive), child.asked);
        if was_alive {
            self.findings.exited(role, exit, asked);
        }
        was_alive
    }

    /// Takes in that a child could not be started, and says why. `None` when none was to be.
    pub fn spawn_failed(&mut self, role: Role, errno: i32, text: &str) -> Option<Reason> {
        let child = self.child_mut(role);
        std::mem::take(&mut child.alive).then(|| Reason::of_spawn(role, &child.program, errno, text))
    }

    /// Takes in a line of a camera's or publisher's standard error.
    pub fn line(&mut self, now: Mono, role: Role, text: &str, quiet: bool, out: &mut Vec<Action>) {
        // ffmpeg repeats its URL in some errors. A cut before this could take away what a password is known by.
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

    /// The last lines of this run, oldest first, each with whose it is: those of `guilty`, or of all.
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
