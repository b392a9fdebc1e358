//! What the loop does next, one bounded step at a time. A due tick comes before every step: this is the one place that
//! decides, so no source of work can forget it.
//!
//! Not here: doing the steps (`steps.rs`).

use std::collections::VecDeque;

use super::token::Token;
use crate::limits::REST_ROUND;
use crate::time::Mono;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The data stream's tick is due.
    Tick,
    /// Something happened at this source.
    Event {
        /// The source.
        token: Token,
        /// Whether it takes bytes again, or is broken.
        writable: bool,
        /// Whether it is broken.
        broken: bool,
    },
    /// This source has something left over from an earlier step, whose budget was used up.
    Leftover(Token),
    /// This source has rested and is read again.
    Rested(Token),
}

/// The steps of this turn and those of later ones.
#[derive(Debug, Default)]
pub struct Agenda {
    tick: Option<Mono>,
    events: VecDeque<Step>,
    /// Sources with something left over; the first `due` of them belong to this turn.
    leftovers: VecDeque<Token>,
    due: usize,
    /// Sources that are read no faster than a rate, and have used it up. All come back together, so that many cost no
    /// more wake-ups than one.
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

    /// Continues with a source in the next turn. The caller makes sure that it is not put off already.
    pub fn put_off(&mut self, token: Token) {
        self.leftovers.push_back(token);
    }

    /// Continues with a source in the next turn, once. Looks through the list: for the few sources without a flag of
    /// their own.
    pub fn put_off_once(&mut self, token: Token) {
        if !self.leftovers.contains(&token) {
            self.leftovers.push_back(token);
        }
    }

    /// Lets a source rest until the next round. The caller has a flag for it.
    pub fn rest(&mut self, token: Token, now: Mono) {
        self.resting.push(token);
        self.rest_ends.get_or_insert(now + REST_ROUND);
    }

    /// When resting sources come back, `None` when none rests.
    pub const fn rest_ends(&self) -> Option<Mono> {
        self.rest_ends
    }

    /// Whether the next turn has something to do, whatever the kernel reports.
    pub fn has_leftovers(&self) -> bool {
        !self.leftovers.is_empty()
    }

    /// Begins a turn: what was put off until now belongs to it, and resting sources come back if it is time.
    pub fn begin_turn(&mut self, now: Mono) {
        self.due = self.leftovers.len();
        if self.rest_ends.is_some_and(|at| at <= now) {
            self.rest_ends = None;
            self.events.extend(self.resting.drain(..).map(Step::Rested));
        }
    }

    /// The next step of this turn at `now`; `None` when the turn is over.
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
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)), "a tick comes once");
        agenda.set_tick(Some(NOW));
        assert_eq!(agenda.next(NOW), Some(Step::Tick));
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Signals)));
        assert_eq!(agenda.next(NOW), None);
    }

    #[test]
    fn what_is_put_off_waits_for_the_next_turn() {
        let mut agenda = Agenda::default();
        agenda.put_off_once(Token::Deadline);
        agenda.put_off_once(Token::Deadline);
        agenda.begin_turn(NOW);
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)));
        agenda.put_off_once(Token::Deadline);
        assert_eq!(agenda.next(NOW), None, "else one busy source would keep the loop from the kernel's events");
        assert!(agenda.has_leftovers());
        agenda.begin_turn(NOW);
        assert_eq!(agenda.next(NOW), Some(Step::Leftover(Token::Deadline)));
        assert!(!agenda.has_leftovers());
    }

    #[test]
    fn what_rests_comes_back_together_and_not_before_its_time() {
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
