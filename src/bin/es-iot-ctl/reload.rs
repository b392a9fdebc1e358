//! `reload`.

use serde_json::Value;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::http::{Problem, Reply, Request, one_line};

/// Has the server reread its configuration, and prints which changes need a restart.
///
/// # Errors
///
/// The server can't be reached or refuses, or its configuration has an error.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (peer, body) = Reply::to(arguments, Request::Post("/api/reload"))?.accepted()?.body()?;
    let Some(keys) = needs_restart(&body) else { return Err(Failure::Http { peer, problem: Problem::NotOurs }) };
    if arguments.json {
        return crate::print(&String::from_utf8_lossy(&body));
    }
    crate::print(&match keys.as_slice() {
        [] => "the configuration is in force\n".to_owned(),
        [key] => format!("the configuration is in force, but {key} changes at the next start\n"),
        keys => format!("the configuration is in force, but these change at the next start: {}\n", keys.join(", ")),
    })
}

fn needs_restart(body: &[u8]) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("needs_restart")?.as_array()?.iter().map(|key| key.as_str().map(one_line)).collect()
}
