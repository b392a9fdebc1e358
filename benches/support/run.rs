//! Runs: the clients and their measurement are another process, which is the bench itself with an argument.

use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mio::{Events, Poll};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proc;

/// A run in progress.
pub struct Run(Child);

impl Run {
    /// Starts the process. [`report`] is its other end.
    pub fn begin(argument: &str, job: &impl Serialize) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([argument, &serde_json::to_string(job)?]).stdout(Stdio::piped());
        command.spawn().map(Self)
    }

    /// Waits for its end.
    pub fn finish<S: DeserializeOwned>(mut self) -> io::Result<S> {
        let line = proc::first_line(&mut self.0)?;
        self.0.wait()?;
        let measured: Result<S, String> = serde_json::from_str(&line)?;
        measured.map_err(|error| io::Error::other(format!("the clients failed: {error}")))
    }
}

/// Measures in the other process: prints one line with the figures or the error.
pub fn report<J: DeserializeOwned, S: Serialize>(
    job: &str,
    measure: impl FnOnce(&J) -> io::Result<S>,
) -> io::Result<()> {
    let measured = serde_json::from_str(job).map_err(io::Error::from).and_then(|job| measure(&job));
    writeln!(io::stdout(), "{}", serde_json::to_string(&measured.map_err(|error| error.to_string()))?)
}

/// Runs each kind `rounds` times, in the order ABBA. Returns what each had, in the order of `kinds`.
pub fn in_turns<K: Copy, S>(
    kinds: &[K],
    rounds: usize,
    mut run: impl FnMut(K) -> io::Result<S>,
) -> io::Result<Vec<Vec<S>>> {
    let mut samples: Vec<Vec<S>> = kinds.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for at in 0..kinds.len() {
            let at = if round % 2 == 0 { at } else { kinds.len() - 1 - at };
            samples[at].push(run(kinds[at])?);
        }
    }
    Ok(samples)
}

/// Waits for events. Returns whether to look at them: not after an interruption by a signal, which counts as activity.
pub fn poll(poll: &mut Poll, events: &mut Events, most: Option<Duration>) -> io::Result<bool> {
    match poll.poll(events, most) {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
        result => result.map(|()| true),
    }
}
