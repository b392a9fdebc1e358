//! `auth`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

use es_iot_server::config::{Secret, password};
use es_iot_server::limits::MAX_REQUEST_PAYLOAD_BYTES;
use es_iot_server::service::scram::{Client, NONCE_BYTES};
use es_iot_server::sys::terminal;
use es_iot_server::wire::auth::READY;
use es_iot_server::wire::{ErrorCode, Id};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::arguments::Arguments;
use crate::connection::{Connection, Message};
use crate::failure::{Failure, Refusal};

/// Logs in and prints the outcome. Reads the password before connecting, because the server waits only a few
/// seconds for it. The password itself is sent only with `--plain`: a fallback would let an attacker on the path obtain it.
///
/// # Errors
///
/// The password can't be read, the server can't be reached or rejects it, or does not know it.
pub fn run(arguments: &Arguments, password_file: Option<&Path>, plain: bool) -> Result<(), Failure> {
    let password = match password_file.filter(|path| path.as_os_str() != "-") {
        Some(path) => from_file(path),
        None => from_stdin(&arguments.host),
    }?;
    let mut connection = Connection::open(arguments, Id::Auth)?;
    let ended = if plain { send(&mut connection, &password) } else { log_in(&mut connection, &password) };
    let (outcome, failure) = match ended? {
        None => ("ready".to_owned(), None),
        Some(Refusal::Bare) => ("wrong password".to_owned(), Some(Failure::WrongPassword)),
        Some(refusal) => (refusal.to_string(), Some(connection.refused(refusal))),
    };
    let printed = if arguments.json {
        crate::print(&format!("{}\n", serde_json::json!({ "outcome": outcome })))
    } else if failure.is_none() {
        crate::print(&format!("{outcome}\n"))
    } else {
        Ok(())
    };
    failure.map_or(printed, Err)
}

/// Sends the password itself. Returns the server's refusal, if it refuses.
fn send(connection: &mut Connection, password: &Secret) -> Result<Option<Refusal>, Failure> {
    connection.send(&[password.reveal()])?;
    match connection.receive(None)? {
        Some(Message::Response(payload)) if payload == READY => Ok(None),
        Some(Message::Error(Refusal::Code(ErrorCode::NotValidHere))) => {
            Err(Failure::NoPlain { peer: connection.peer() })
        }
        Some(Message::Error(refusal)) => Ok(Some(refusal)),
        Some(Message::Response(_) | Message::Login(_)) | None => Err(connection.not_ours()),
    }
}

/// Proves to the server that this client knows the password, and checks the server's proof. Returns the server's refusal, if it
/// refuses.
fn log_in(connection: &mut Connection, password: &Secret) -> Result<Option<Refusal>, Failure> {
    let mut random = [0; NONCE_BYTES];
    SysRng.try_fill_bytes(&mut random).map_err(|error| Failure::System {
        doing: "reading random bytes from the system",
        error: io::Error::other(error),
    })?;
    let untrusted = |connection: &Connection, why| Failure::Untrusted { peer: connection.peer(), why };
    let client = Client::new(random);
    connection.send_login(&client.first())?;
    let server_first = match connection.receive(None)? {
        Some(Message::Login(message)) => message,
        Some(Message::Error(Refusal::Code(ErrorCode::NotValidHere))) => {
            return Err(Failure::NoLogin { peer: connection.peer() });
        }
        Some(Message::Error(refusal)) => return Ok(Some(refusal)),
        Some(Message::Response(_)) | None => return Err(connection.not_ours()),
    };
    let answered = client.answer(password.reveal(), &server_first);
    let (client_final, expected) = answered.map_err(|why| untrusted(connection, why))?;
    connection.send_login(&client_final)?;
    match connection.receive(None)? {
        Some(Message::Login(server_final)) => {
            expected.check(&server_final).map_err(|why| untrusted(connection, why))?;
            Ok(None)
        }
        Some(Message::Error(refusal)) => Ok(Some(refusal)),
        Some(Message::Response(_)) | None => Err(connection.not_ours()),
    }
}

fn from_file(path: &Path) -> Result<Secret, Failure> {
    let shown = path.display();
    let line = File::open(path)
        .and_then(|file| first_line(BufReader::new(file)))
        .map_err(|error| Failure::Password(format!("the password file {shown} can't be read: {error}")))?;
    check(&line, &format!("the first line of {shown}"))
}

/// Prompts if standard input is a terminal; otherwise reads its first line.
fn from_stdin(host: &str) -> Result<Secret, Failure> {
    let stdin = io::stdin();
    let line = if stdin.is_terminal() {
        let prompt = || {
            let mut stderr = io::stderr();
            write!(stderr, "Password for {host}: ").and_then(|()| stderr.flush())
        };
        terminal::read_unseen(stdin.as_fd(), prompt)
    } else {
        first_line(stdin.lock())
    };
    let line = line.map_err(|error| Failure::Password(format!("the password can't be read: {error}")))?;
    check(&line, "standard input")
}

/// Reads the first line, but only as much of a long one as shows that it is too long.
fn first_line(input: impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(u64::from(MAX_REQUEST_PAYLOAD_BYTES) + 2).read_until(b'\n', &mut line)?;
    Ok(line)
}

fn check(line: &[u8], what: &str) -> Result<Secret, Failure> {
    let line = match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    };
    password::check(line).map_err(|problem| Failure::Password(format!("{what}: {problem}")))
}
