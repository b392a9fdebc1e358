//! Clients that log in without sending the password.

use es_iot_server::base64;
use es_iot_server::ids::Service;
use es_iot_server::service::scram::NONCE_BYTES;
use rand::RngExt;
use rand::rngs::SmallRng;

use crate::SECOND;
use crate::client::{Act, Client, packet, peer};
use crate::scram::Login;

/// How a client answers server-first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With the proof of the password that is right when it answers.
    Right,
    /// With that of another one.
    Wrong,
    /// With the proof of an earlier login of any client.
    Stale,
    /// With half of a proof.
    Half,
    /// With the password itself.
    Password,
}

/// A login that answers like this.
pub fn any(rng: &mut SmallRng) -> Client {
    let answer = match rng.random_range(0..10) {
        0..4 => Answer::Right,
        4..6 => Answer::Wrong,
        6..8 => Answer::Stale,
        8 => Answer::Half,
        _ => Answer::Password,
    };
    let nonce = rng.random();
    let mut client = Client::new(Service::Auth, peer(rng));
    let begun = rng.random_range(0..SECOND);
    client.script.push((begun, Act::Send(packet(0, 3, format!("n,,{}", first_bare(nonce)).as_bytes()))));
    if rng.random_bool(0.2) {
        client.script.push((0, Act::Stick));
        client.script.push((begun + rng.random_range(0..12 * SECOND), Act::Loosen));
    }
    let cut = rng.random_bool(0.3).then(|| (rng.random_range(0..1000), rng.random_range(0..6 * SECOND)));
    let longest = if rng.random_bool(0.1) { 7 * SECOND } else { SECOND };
    let answered = begun + rng.random_range(0..longest);
    client.script.push((answered, Act::Prove { nonce, answer, cut }));
    // The same once more, where the connection has ended.
    if rng.random_bool(0.2) {
        client.script.push((answered + SECOND, Act::Prove { nonce, answer: Answer::Stale, cut: None }));
    }
    let end = if rng.random_bool(0.5) { Act::Reset } else { Act::HalfClose };
    client.script.push((answered + rng.random_range(0..9 * SECOND), end));
    client
}

fn first_bare(nonce: [u8; NONCE_BYTES]) -> String {
    format!("n=es-iot,r={}", base64::encode(&nonce))
}

/// The packet with which a client answers. `last` is the proof of the last login, and afterwards this one's.
pub fn answer(
    nonce: [u8; NONCE_BYTES],
    answer: Answer,
    server_first: &str,
    password: &str,
    last: &mut String,
) -> Vec<u8> {
    let prove = |password: &str| {
        let without_proof = format!("c=biws,{}", server_first.split(',').next().expect("a nonce"));
        let login = Login::new(password, &first_bare(nonce), server_first, &without_proof).expect("a salt");
        format!("{without_proof},p={}", base64::encode(&login.proof))
    };
    let text = match answer {
        Answer::Right => prove(password),
        Answer::Wrong => prove("guess"),
        Answer::Stale => last.clone(),
        Answer::Half => "c=biws,r=abc,p=AAAA".to_owned(),
        Answer::Password => return packet(0, 1, password.as_bytes()),
    };
    last.clone_from(&text);
    packet(0, 3, text.as_bytes())
}
