//! Sources whose bytes nobody needs are read no faster than a rate. One that has used its bucket up rests: it is not read,
//! whatever epoll says, until the next round. All that rest come back together, so that many cost no more wake-ups than
//! one.

use super::Reactor;
use super::token::Token;
use crate::bucket::Rate;
use crate::limits::{
    CHILD_BURST_BYTES, CHILD_BYTES_PER_SECOND, DISCARD_BURST_BYTES, DISCARD_BYTES_PER_SECOND, REST_ROUND,
};
use crate::time::Mono;

/// For connections whose bytes are thrown away.
pub(super) const DISCARDED: Rate = Rate::per_second(DISCARD_BYTES_PER_SECOND, DISCARD_BURST_BYTES);
/// For what a child prints.
pub(super) const CHILD_LINES: Rate = Rate::per_second(CHILD_BYTES_PER_SECOND, CHILD_BURST_BYTES);

/// What rests. Each has a flag of its own, so that it is here once.
#[derive(Debug, Default)]
pub(super) struct Resting {
    tokens: Vec<Token>,
    until: Option<Mono>,
}

impl Resting {
    /// When the next round begins, `None` when nothing rests.
    pub(super) const fn until(&self) -> Option<Mono> {
        self.until
    }
}

impl Reactor<'_> {
    /// Has a source rest. The caller has set its flag.
    pub(super) fn rest(&mut self, token: Token) {
        self.resting.tokens.push(token);
        self.resting.until.get_or_insert(self.now.mono + REST_ROUND);
    }

    /// Goes on with all that rest, if it is time.
    pub(super) fn end_rest(&mut self) {
        if self.resting.until.is_none_or(|until| self.now.mono < until) {
            return;
        }
        self.resting.until = None;
        for token in std::mem::take(&mut self.resting.tokens) {
            match token {
                Token::Conn(conn) => {
                    if let Some(connection) = self.table.find(conn) {
                        connection.resting = false;
                        self.queue(conn);
                    }
                }
                Token::Pipe(pipe, generation) => {
                    if self.children.end_rest(pipe, generation) {
                        self.leave_over(token);
                    }
                }
                Token::Tick | Token::Timer | Token::Signals | Token::Listener(_) => {}
            }
        }
    }
}
