//! Logins: any bytes in place of each message. What is read keeps to its bounds, nothing but the right proof logs in, and no
//! message logs in twice.
//!
//! The first byte chooses the message that the rest replaces, or is laid over from the second byte's place on.
//! `cargo +nightly fuzz run scram`

#![no_main]

use std::sync::LazyLock;

use es_iot_server::ids::Peer;
use es_iot_server::limits::{MAX_LOGINS_PER_NETWORK, SCRAM_MAX_MESSAGE_BYTES, SCRAM_MAX_NONCE_BYTES};
use es_iot_server::service::scram::message::{ClientFinal, ClientFirst, ServerFinal, ServerFirst};
use es_iot_server::service::scram::{Client, Derivation, Exchange, Exchanges, Keys, Refusal, Token};
use es_iot_server::time::Mono;
use libfuzzer_sys::fuzz_target;

const NOW: Mono = Mono::from_nanos(1);
const PASSWORD: &[u8] = b"sesame";

/// A whole login that is right. Deriving keys for each input would be most of the work.
struct Right {
    keys: Keys,
    first: Vec<u8>,
    last: Vec<u8>,
    server_final: Vec<u8>,
}

static RIGHT: LazyLock<Right> = LazyLock::new(|| {
    let keys = Derivation::new(PASSWORD, [7; 32]).expect("a password").keys();
    let client = Client::new([1; 18]);
    let first = client.first().into_bytes();
    let (exchange, server_first) = Exchange::begin(NOW, &keys, &first, [2; 18]).expect("a client's message");
    let (last, _) = client.answer(PASSWORD, server_first.as_bytes()).expect("the server's message");
    let server_final = exchange.finish(NOW, &keys, last.as_bytes()).expect("the right proof").message.into_bytes();
    Right { keys, first, last: last.into_bytes(), server_final }
});

fn read(message: &[u8]) {
    if let Ok(first) = ClientFirst::parse(message) {
        assert!(!first.user.is_empty() && (1..=SCRAM_MAX_NONCE_BYTES).contains(&first.nonce.len()));
        assert!(message.ends_with(first.bare.as_bytes()));
    }
    if let Ok(first) = ServerFirst::parse(message) {
        assert!(!first.nonce.is_empty() && !first.salt.is_empty() && first.iterations > 0);
        assert_eq!(first.text.as_bytes(), message);
    }
    if let Ok(last) = ClientFinal::parse(message) {
        assert!(message.starts_with(last.without_proof.as_bytes()) && last.without_proof.contains(last.nonce));
    }
    if let Ok(ServerFinal::Error(reason)) = ServerFinal::parse(message) {
        assert!(!reason.is_empty());
    }
    let read = ClientFirst::parse(message).is_ok()
        || ServerFirst::parse(message).is_ok()
        || ClientFinal::parse(message).is_ok()
        || ServerFinal::parse(message).is_ok();
    assert!(!read || message.len() <= SCRAM_MAX_MESSAGE_BYTES);
    if let Some(token) = std::str::from_utf8(message).ok().and_then(Token::parse) {
        assert_eq!(token.to_string().as_bytes(), message);
    }
}

fuzz_target!(|input: &[u8]| {
    let [choice, place, rest @ ..] = input else { return };
    let right = &*RIGHT;
    let damaged = |message: &[u8]| {
        if choice & 1 == 0 {
            return rest.to_vec();
        }
        let mut laid_over = message.to_vec();
        let at = usize::from(*place).min(laid_over.len());
        let end = laid_over.len().min(at + rest.len());
        laid_over.splice(at..end, rest.iter().copied());
        laid_over
    };

    read(rest);
    for message in [&right.first, &right.last, &right.server_final] {
        read(&damaged(message));
    }

    let mut exchanges = Exchanges::default();
    let changed_first = damaged(&right.first);
    for n in 0..6 {
        let begun = exchanges.begin(NOW, Peer::Local, &right.keys, &changed_first, [n; 18]);
        assert!(!matches!(begun, Err(Refusal::WrongProof | Refusal::NoExchange)));
    }
    assert!(exchanges.len() <= MAX_LOGINS_PER_NETWORK);

    let mut exchanges = Exchanges::default();
    exchanges.begin(NOW, Peer::Local, &right.keys, &right.first, [2; 18]).expect("a client's message");
    let changed = damaged(&right.last);
    let came_in = exchanges.finish(NOW, Peer::Local, &right.keys, &changed).is_ok();
    assert_eq!(came_in, changed == right.last);
    let again = exchanges.finish(NOW, Peer::Local, &right.keys, &changed);
    assert!(!came_in || again == Err(Refusal::NoExchange));
});
