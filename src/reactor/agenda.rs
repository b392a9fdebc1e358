//! Chooses the loop's next bounded step. A due tick comes before every other step. The order is decided only here, so no
//! source of work can bypass it.
//!
//! Not here: running the steps (`steps.rs`).

use std::collections::VecDeque;

use super::token::Token;
use crate::limits::REST_ROUND;
use crate::time::Mono;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The data stream's tick is due.
    Tick,
    /// An event occurred at this source.
    Event {
        /// The source.
        token: Token,
        /// Whether it is writable or broken.
        writable: bool,
        /// Whether it is broken.
        broken: bool,
    },
    /// This source has work left over from an earlier step that used up its budget.
    Leftover(Token),
    /// This source's pause is over.
    Rested(Token),
}

/// The steps of this turn and of later turns.
#[derive(Debug, Default)]
pub struct Agenda {
    tick: Option<Mono>,
    events: VecDeque<Step>,
    /// Sources with leftover work; the first `due` of them belong to this turn.
    leftovers: VecDeque<Token>,
    due: usize,
    /// Sources that have reached their rate limit. They all resume together, so many cause no more wake-ups than one.
    resting: Vec<Token>,
    rest_ends: Option<Mono>,
}

impl Agenda {
    /// Schedules the tick, or cancels it.
    pub fn set_tick(&mut self, at: Option<Mono>) {
        self.tick = at;
    }

    /// Adds an event of this turn.
    pub fn add_event(&mut self, token: Token, writable: bool, broken: bool) {
        self.events.push_back(Step::Event { token, writable, broken });
    }

    /// Continues with a source in the next turn. The caller ensures that the source is not on the list already.
    pub fn put_off(&mut self, token: Token) {
        self.leftovers.push_back(token);
    }

    /// Continues with a source in the next turn, unless it is on the list already. Searches the list, so this is for the few
    /// sources without their own flag.
    pub fn put_off_once(&mut self, token: Token) {
        if !self.leftovers.contains(&token) {
            self.leftovers.push_back(token);
        }
    }

    /// Pauses a source until the next round. The caller keeps a flag for it.
    pub fn rest(&mut self, token: Token, now: Mono) {
        self.resting.push(token);
        self.rest_ends.get_or_insert(now + REST_ROUND);
    }

    /// When paused sources resume; `None` if none is paused.
    pub const fn rest_ends(&self) -> Option<Mono> {
        self.rest_ends
    }

    /// Whether the next turn has work regardless of events.
    pub fn has_leftovers(&self) -> bool {
        !self.leftovers.is_empty()
    }

    /// Begins a turn, which includes the leftovers so far. Paused sources resume if it is time.
    pub fn begin_turn(&mut self, now: Mono) {
        self.due = self.leftovers.len();
        if self.rest_ends.is_some_and(|at| at <= now) {
            self.rest_ends = None;
            self.events.extend(self.resting.drain(..).map(Step::Rested));
        }
    }

    /// The next step of this turn at `now`; `None` if the turn is over.
    pub fn next(&mut self, now: Mono) -> Option<Step> {
        if self.tick.is_some_and(|at| at <= now) {
            self.tick = None;
            return Some(Step::Tick);
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        self.due = self.due.checked_sub(1)?;
        self.leftovers.pop_front().map(Step::Leftover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono::from_nanos(1000);

    fn event(token: Token) -> Step {
        Step::Event { token, writable: true, broken: false }
    }

    #[test]
    fn a_due_tick_comes_before_every_step() {
        let mut agenda = Agenda::default();
        agenda.put_off(Token::Deadline);
        agenda.put_off(Token::Signals);
        agenda.begin_turn(NOW);
        agenda.add_event(Token::Deadline, true, false);
        agenda.set_tick(Some(NOW));
        assert_eq!(agenda.next(Mono::from_nanos(999)), Some(event(Token::Deadline)));
        assert_eq!(agenda.next(NOW), Some(Step::Tick));
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)), "a tick is due only once");
        agenda.set_tick(Some(NOW));
        assert_eq!(agenda.next(NOW), Some(Step::Tick));
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Signals)));
        assert_eq!(agenda.next(NOW), None);
    }

    #[test]
    fn leftovers_wait_for_the_next_turn() {
        let mut agenda = Agenda::default();
        agenda.put_off_once(Token::Deadline);
        agenda.put_off_once(Token::Deadline);
        agenda.begin_turn(NOW);
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)));
        agenda.put_off_once(Token::Deadline);
        assert_eq!(agenda.next(NOW), None, "a busy source must not keep the loop from polling");
        assert!(agenda.has_leftovers());
        agenda.begin_turn(NOW);
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)));
        assert!(!agenda.has_leftovers());
    }

    #[test]
    fn paused_sources_resume_together_and_not_early() {
        let mut agenda = Agenda::default();
        agenda.rest(Token::Deadline, NOW);
        agenda.rest(Token::Signals, Mono::from_nanos(2000));
        let end = NOW + REST_ROUND;
        assert_eq!(agenda.rest_ends(), Some(end));
        agenda.begin_turn(Mono::from_nanos(end.as_nanos() - 1));
        assert_eq!(agenda.next(end), None);
        agenda.begin_turn(end);
        assert_eq!(agenda.next(end), Some(Step::Rested(Token::Deadline)));
        assert_eq!(agenda.next(end), Some(Step::Rested(Token::Signals)));
        assert_eq!((agenda.next(end), agenda.rest_ends()), (None, None));
    }
}
