//! Client and server together: the RFC's example, every password, and every way to damage a message.

use proptest::prelude::*;

use super::*;
use crate::ids::Peer;
use crate::time::Mono;

/// RFC 7677, section 3: user `user`, password `pencil`.
const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                     p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const NOW: Mono = Mono::from_nanos(1);

#[test]
fn the_server_speaks_as_in_the_rfcs_example() {
    let salt = crate::base64::decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = Derivation::with(b"pencil", &salt, 4096).unwrap().keys();
    let (exchange, server_first) =
        Exchange::begin_as("user", NOW, &keys, FIRST.as_bytes(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap();
    assert_eq!(server_first, SERVER_FIRST);
    assert_eq!(exchange.finish(NOW, &keys, FINAL.as_bytes()).unwrap().message, SERVER_FINAL);
}

#[test]
fn the_client_speaks_as_in_the_rfcs_example() {
    let client = Client::with("user", "rOprNGfwEbeRWgbNEkqO".into());
    assert_eq!(client.first(), FIRST);
    let (client_final, expected) = client.answer(b"pencil", SERVER_FIRST.as_bytes()).unwrap();
    assert_eq!(client_final, FINAL);
    assert!(expected.check(SERVER_FINAL.as_bytes()).is_ok());
}

/// Keys that cost little: both sides' least number of iterations is one.
pub(super) fn keys(password: &[u8]) -> Keys {
    Derivation::with(password, &[7; SALT_BYTES], 1).unwrap().keys()
}

pub(super) fn answer(client: Client, password: &[u8], server_first: &str) -> Result<(String, Expected), Untrusted> {
    client.answer_to(password, server_first.as_bytes(), 1)
}

/// A login, each of whose messages may be changed on its way. Whether it succeeds for both sides.
fn login(password: &[u8], known: &[u8], mut change: impl FnMut(usize, String) -> Vec<u8>) -> bool {
    let keys = keys(known);
    let client = Client::new([1; NONCE_BYTES]);
    let mut exchanges = Exchanges::default();
    let first = change(0, client.first());
    let Ok(server_first) = exchanges.begin(NOW, Peer::Local, &keys, &first, [2; NONCE_BYTES]) else { return false };
    let Ok((client_final, expected)) = client.answer_to(password, &change(1, server_first), 1) else { return false };
    let Ok(login) = exchanges.finish(NOW, Peer::Local, &keys, &change(2, client_final)) else { return false };
    expected.check(&change(3, login.message)).is_ok_and(|signing| signing == login.signing)
}

fn password() -> impl Strategy<Value = String> {
    "[ -~]{1,256}"
}

proptest! {
    #[test]
    fn both_sides_agree_on_any_password(password in password()) {
        prop_assert!(login(password.as_bytes(), password.as_bytes(), |_, message| message.into_bytes()));
    }

    #[test]
    fn another_password_fails(password in password(), other in password()) {
        prop_assume!(password != other);
        prop_assert!(!login(other.as_bytes(), password.as_bytes(), |_, message| message.into_bytes()));
    }

    #[test]
    fn any_changed_byte_fails(which in 0..4_usize, at in any::<prop::sample::Index>(), bits in 1..=255_u8) {
        let damaged = login(b"sesame", b"sesame", |number, message| {
            let mut bytes = message.into_bytes();
            if number == which {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            bytes
        });
        prop_assert!(!damaged);
    }
}

#[test]
fn any_truncated_or_extended_message_fails() {
    for which in 0..4 {
        let mut lengths = 0..;
        let mut most = 1;
        for length in lengths.by_ref().take_while(|length| *length < 300) {
            let ok = login(b"sesame", b"sesame", |number, message| {
                let mut bytes = message.into_bytes();
                if number == which {
                    most = bytes.len();
                    bytes.truncate(length);
                }
                bytes
            });
            assert_eq!(ok, length >= most, "message {which}, {length} of {most} bytes");
        }
        for more in ["\0", " ", ",", "=", "\n", ",x", ",x=", "A", ",r=1", ",p=1"] {
            let ok = login(b"sesame", b"sesame", |number, message| {
                if number == which { format!("{message}{more}").into_bytes() } else { message.into_bytes() }
            });
            assert!(!ok, "message {which} with {more:?}");
        }
    }
}

#[test]
fn a_client_gives_a_false_server_nothing() {
    let client = || Client::with(USER, "abc".into());
    let answer = |server_first: &str| answer_of(client(), server_first);
    assert_eq!(answer("r=abcdef,s=AAAA,i=4095"), Err(Untrusted::Iterations(4095)), "easy to guess");
    assert_eq!(answer("r=abcdef,s=AAAA,i=100001"), Err(Untrusted::Iterations(100_001)), "a waste of time");
    assert_eq!(answer("r=abc,s=AAAA,i=4096"), Err(Untrusted::Nonce), "nothing of the server's");
    assert_eq!(answer("r=xabcdef,s=AAAA,i=4096"), Err(Untrusted::Nonce));
    assert_eq!(answer("r=abcdef,s=,i=4096"), Err(Untrusted::Malformed));
    assert_eq!(answer("e=unknown-user"), Err(Untrusted::Refused("unknown-user".into())));
    assert!(answer("r=abcdef,s=AAAA,i=4096").is_ok());
    assert_eq!(client().answer("ä".as_bytes(), b"r=abcdef,s=AAAA,i=4096").err(), Some(Untrusted::Password));

    let check = |server_final: &str| {
        let (_, expected) = answer_of_full(client(), "r=abcdef,s=AAAA,i=4096");
        expected.check(server_final.as_bytes()).err()
    };
    let zeros = crate::base64::encode(&[0; 32]);
    assert_eq!(check(&format!("v={zeros}")), Some(Untrusted::Signature));
    assert_eq!(check("e=invalid-proof"), Some(Untrusted::WrongPassword));
    assert_eq!(check("e=other-error"), Some(Untrusted::Refused("other-error".into())));
    assert_eq!(check("v=AAAA"), Some(Untrusted::Malformed));
}

fn answer_of(client: Client, server_first: &str) -> Result<String, Untrusted> {
    client.answer(b"sesame", server_first.as_bytes()).map(|(message, _)| message)
}

fn answer_of_full(client: Client, server_first: &str) -> (String, Expected) {
    client.answer(b"sesame", server_first.as_bytes()).unwrap()
}

#[test]
fn the_longest_messages_fit_a_request_of_the_authentication_port() {
    let keys = Derivation::new(b"sesame", [0xFF; SALT_BYTES]).unwrap().keys();
    let client = Client::with(USER, "x".repeat(crate::limits::SCRAM_MAX_NONCE_BYTES));
    let (exchange, server_first) = Exchange::begin(NOW, &keys, client.first().as_bytes(), [0xFF; NONCE_BYTES]).unwrap();
    let (client_final, expected) = client.answer(b"sesame", server_first.as_bytes()).unwrap();
    assert_eq!((server_first.len(), client_final.len()), (208, 208));
    let login = exchange.finish(NOW, &keys, client_final.as_bytes()).unwrap();
    assert_eq!(expected.check(login.message.as_bytes()).unwrap(), login.signing);
}

#[test]
fn no_two_logins_have_the_same_signing_key() {
    let keys = keys(b"sesame");
    let signing = |random: u8| {
        let client = Client::new([1; NONCE_BYTES]);
        let (exchange, server_first) =
            Exchange::begin(NOW, &keys, client.first().as_bytes(), [random; NONCE_BYTES]).unwrap();
        let (client_final, _) = answer(client, b"sesame", &server_first).unwrap();
        exchange.finish(NOW, &keys, client_final.as_bytes()).unwrap().signing
    };
    assert!(signing(1) == signing(1) && signing(1) != signing(2));
}
