use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::service::scram::SALT_BYTES;
use crate::service::scram::client::Client;
use crate::service::scram::keys::Derivation;
use crate::service::scram::tests::{answer, keys};

const START: Mono = Mono::from_nanos(1);

fn peer(last: u8) -> Peer {
    Peer::from(IpAddr::from(Ipv4Addr::new(192, 0, 2, last)))
}

/// A client that has begun, and the answer that it will give.
fn begin(exchanges: &mut Exchanges, now: Mono, peer: Peer, keys: &Keys, random: u8) -> String {
    let client = Client::new([random; NONCE_BYTES]);
    let server_first =
        exchanges.begin(now, peer, keys, client.first().as_bytes(), [random; NONCE_BYTES]).expect("it is well-formed");
    answer(client, b"sesame", &server_first).expect("the server is the right one").0
}

fn finish(exchanges: &mut Exchanges, now: Mono, peer: Peer, keys: &Keys, answer: &str) -> Result<(), Refusal> {
    exchanges.finish(now, peer, keys, answer.as_bytes()).map(|_| ())
}

#[test]
fn an_answer_counts_once() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let answer = begin(&mut exchanges, START, peer(1), &keys, 1);
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &answer), Ok(()));
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &answer), Err(Refusal::NoExchange), "a replay");
    assert!(exchanges.is_empty());
}

#[test]
fn a_wrong_answer_uses_the_exchange_up() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let right = begin(&mut exchanges, START, peer(1), &keys, 1);
    let (without_proof, _) = right.rsplit_once(",p=").unwrap();
    let wrong = format!("{without_proof},p={}", base64::encode(&[0; 32]));
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &wrong), Err(Refusal::WrongProof));
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &right), Err(Refusal::NoExchange));
}

#[test]
fn an_answer_from_elsewhere_or_damaged_does_not_use_it_up() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let answer = begin(&mut exchanges, START, peer(1), &keys, 1);
    assert_eq!(finish(&mut exchanges, START, peer(2), &keys, &answer), Err(Refusal::NoExchange));
    assert_eq!(finish(&mut exchanges, START, Peer::Local, &keys, &answer), Err(Refusal::NoExchange));
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &answer[1..]), Err(Refusal::Malformed));
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &answer), Ok(()));
}

#[test]
fn an_exchange_expires() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let just = Duration::from_nanos(1);
    let early = begin(&mut exchanges, START + just, peer(1), &keys, 1);
    let late = begin(&mut exchanges, START, peer(1), &keys, 2);
    let end = START + SCRAM_TIMEOUT;
    assert_eq!(finish(&mut exchanges, end, peer(1), &keys, &early), Ok(()));
    assert_eq!(finish(&mut exchanges, end, peer(1), &keys, &late), Err(Refusal::NoExchange));
    begin(&mut exchanges, end, peer(1), &keys, 3);
    begin(&mut exchanges, end + SCRAM_TIMEOUT, peer(2), &keys, 4);
    assert_eq!(exchanges.len(), 1, "expired ones make room");
}

#[test]
fn a_change_of_the_password_is_no_failed_attempt() {
    let mut exchanges = Exchanges::default();
    let old = keys(b"sesame");
    let answer = begin(&mut exchanges, START, peer(1), &old, 1);
    let new = Derivation::with(b"other", &[8; SALT_BYTES], 1).unwrap().keys();
    assert_eq!(finish(&mut exchanges, START, peer(1), &new, &answer), Err(Refusal::NoExchange));
}

#[test]
fn another_user_begins_nothing() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    for first in ["n,,n=root,r=abc", "n,,n=ES-IOT,r=abc", "n,,n=es=2Diot,r=abc"] {
        let begun = exchanges.begin(START, peer(1), &keys, first.as_bytes(), [1; NONCE_BYTES]);
        assert_eq!(begun, Err(Refusal::UnknownUser), "{first}");
    }
    assert!(exchanges.is_empty());
}

#[test]
fn one_network_replaces_its_own_exchanges() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let other = begin(&mut exchanges, START, peer(2), &keys, 0);
    let answers: Vec<String> = (1..=5).map(|random| begin(&mut exchanges, START, peer(1), &keys, random)).collect();
    assert_eq!(exchanges.len(), 1 + MAX_LOGINS_PER_NETWORK);
    assert_eq!(finish(&mut exchanges, START, peer(1), &keys, &answers[0]), Err(Refusal::NoExchange));
    for answer in &answers[1..] {
        assert_eq!(finish(&mut exchanges, START, peer(1), &keys, answer), Ok(()));
    }
    assert_eq!(finish(&mut exchanges, START, peer(2), &keys, &other), Ok(()));
}

#[test]
fn the_table_is_bounded_and_the_newest_stay() {
    let (keys, mut exchanges) = (keys(b"sesame"), Exchanges::default());
    let answers: Vec<String> = (0..=u8::MAX).map(|n| begin(&mut exchanges, START, peer(n), &keys, n)).collect();
    assert_eq!(exchanges.len(), MAX_LOGINS);
    for (n, answer) in (0..=u8::MAX).zip(&answers) {
        let is_new = usize::from(n) >= answers.len() - MAX_LOGINS;
        assert_eq!(finish(&mut exchanges, START, peer(n), &keys, answer).is_ok(), is_new, "{n}");
    }
}
