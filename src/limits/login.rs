//! Logins and sessions.

use std::time::Duration;

use super::MAX_REQUEST_PAYLOAD_BYTES;

/// Iterations of PBKDF2 between the password and the keys of a login: the least that RFC 7677 (section 4) allows. Deriving
/// the keys takes 0.9 ms on a server's processor, or 1.7 ms without its SHA instructions. That is 31 million instructions: an
/// estimated 50 ms on a Raspberry Pi Zero. The page's script derives them at each login.
pub const SCRAM_ITERATIONS: u32 = 4096;
/// The most iterations that a client does for a server: a false one could ask for hours of work.
pub const SCRAM_MOST_ITERATIONS: u32 = 100_000;
/// Iterations of a turn after a change of the password: an estimated 3 ms on a Raspberry Pi Zero, a fourteenth of a tick.
pub const SCRAM_TURN_ITERATIONS: u32 = 256;
/// The interval between these turns. The loop is free for two thirds of it, and 16 turns take a sixth of a second.
pub const SCRAM_TURN_EACH: Duration = Duration::from_millis(10);
/// The longest message of a login, in bytes: it fits a request of the authentication port.
pub const SCRAM_MAX_MESSAGE_BYTES: usize = MAX_REQUEST_PAYLOAD_BYTES as usize;
/// The longest nonce of a client, in bytes. Libraries send 18 to 44.
pub const SCRAM_MAX_NONCE_BYTES: usize = 128;
/// The time from the server's first message to the client's proof. Programs answer within a second, even if
/// they have to derive the keys; no user types in between.
pub const SCRAM_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of logins that have begun, in total; further ones replace the oldest. They take 55 KB at most.
pub const MAX_LOGINS: usize = 64;
/// The same for one network: the browsers of a household that log in at the same moment.
pub const MAX_LOGINS_PER_NETWORK: usize = 4;
/// Maximum number of sessions. Only a right password opens one; further ones replace the one that was unused longest.
pub const MAX_SESSIONS: usize = 64;
/// How long a session lasts, however much it is used: a token that was overheard ends with it.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(24);
/// How long a session lasts without a request.
pub const SESSION_IDLE: Duration = Duration::from_hours(1);
