//! `get` and `set`.

use es_iot_server::wire::{ErrorCode, Id};

use crate::arguments::Arguments;
use crate::connection::{Connection, Message};
use crate::failure::{Failure, Refusal};
use crate::settings::{Assignment, Bytes, Key, text};

/// The payload of a read.
const READ: &[u8] = &[];

/// Prints the settings.
///
/// # Errors
///
/// The server can't be reached or refuses.
pub fn read(arguments: &Arguments) -> Result<(), Failure> {
    let mut connection = Connection::open(arguments, Id::Settings)?;
    let bytes = ask(&mut connection)?;
    crate::print(&text(bytes, arguments.json))
}

/// Changes some settings, keeps the others, then reads and prints the result. The server answers this read only after the
/// settings are stored or storing them has failed.
///
/// # Errors
///
/// The server can't be reached, refuses, or could not store the settings.
pub fn set(arguments: &Arguments, assignments: &[Assignment]) -> Result<(), Failure> {
    let mut connection = Connection::open(arguments, Id::Settings)?;
    let mut wanted = ask(&mut connection)?;
    for Assignment { key, byte } in assignments {
        wanted[*key as usize] = *byte;
    }
    connection.send(&[&wanted, READ]).map_err(unconfirmed)?;
    let mut not_stored = None;
    let reported = loop {
        match connection.receive(None).map_err(unconfirmed)? {
            Some(Message::Response(payload)) => break first_six(&connection, &payload)?,
            // Expected once, for the update, before the reply to the read.
            Some(Message::Error(Refusal::Code(ErrorCode::NotStored))) if not_stored.is_some() => {
                return Err(connection.repeated());
            }
            Some(Message::Error(refusal @ Refusal::Code(ErrorCode::NotStored))) => not_stored = Some(refusal),
            Some(Message::Error(refusal)) => return Err(connection.refused(refusal)),
            Some(Message::Login(_)) => return Err(connection.not_ours()),
            None => {}
        }
    };
    // Settings that are not stored are a worse failure than a closed standard output.
    let printed = crate::print(&text(reported, arguments.json));
    if let Some(refusal) = not_stored {
        return Err(connection.refused(refusal));
    }
    let differs = |assignment: &&Assignment| reported[assignment.key as usize] != assignment.byte;
    let other: Vec<&str> = assignments.iter().filter(differs).map(|assignment| assignment.key.name()).collect();
    if !other.is_empty() {
        return Err(Failure::Overwritten { keys: other.join(", ") });
    }
    printed
}

fn ask(connection: &mut Connection) -> Result<Bytes, Failure> {
    connection.send(&[READ])?;
    let payload = connection.response()?;
    first_six(connection, &payload)
}

/// The first six bytes of a reply. Three reserved bytes must follow.
fn first_six(connection: &Connection, payload: &[u8]) -> Result<Bytes, Failure> {
    match payload.first_chunk::<{ Key::ALL.len() }>() {
        Some(bytes) if payload.len() == bytes.len() + 3 => Ok(*bytes),
        Some(_) | None => Err(connection.not_ours()),
    }
}

/// After the update was sent, a time-out or the end of the connection leaves open whether it was applied.
fn unconfirmed(failure: Failure) -> Failure {
    if let Failure::Silent { peer, timeout } = failure {
        Failure::Unconfirmed { peer, timeout: Some(timeout) }
    } else if let Failure::Closed { peer } | Failure::Lost { peer, .. } = failure {
        Failure::Unconfirmed { peer, timeout: None }
    } else {
        failure
    }
}
