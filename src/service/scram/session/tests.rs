use std::time::Duration;

use proptest::prelude::*;

use super::*;

const START: Mono = Mono::from_nanos(1);
const PUT: Change<'static> = Change { counter: 1, method: "PUT", path: "/api/settings", body: b"{\"gain\":2}" };

fn key(byte: u8) -> Key {
    Key::new([byte; 32])
}

fn one() -> (Sessions, Token) {
    let mut sessions = Sessions::default();
    let token = sessions.open(START, key(1), [1; 16]);
    (sessions, token)
}

#[test]
fn a_token_is_32_digits() {
    let (_, token) = one();
    assert_eq!(token.to_string(), "01".repeat(16));
    assert_eq!(Token::parse(&token.to_string()), Some(token));
    assert_eq!(format!("{token:?}"), "\"***\"");
    assert!(Token::parse("0123456789abcdef0123456789abcdef").is_some());
    for text in [
        "",
        "01",
        &"01".repeat(15),
        &"01".repeat(17),
        &"0".repeat(31),
        &"0G".repeat(16),
        &"0A".repeat(16),
        &"é".repeat(16),
    ] {
        assert_eq!(Token::parse(text), None, "{text:?}");
    }
}

#[test]
fn the_signature_is_the_documented_one() {
    // HMAC-SHA-256 by Python's hmac and base64, key 32 times 01, of "1\nPUT\n/api/settings\n{\"gain\":2}".
    assert_eq!(sign(&key(1), &PUT), "/+/Mlp9sbrNwdQG9MgTdmkLgB03W6q7MnpxVwqUhn6E=");
}

#[test]
fn a_change_is_taken_once_and_in_order() {
    let (mut sessions, token) = one();
    let mut verify = |counter| {
        let change = Change { counter, ..PUT };
        sessions.verify(START, &token, &change, &sign(&key(1), &change))
    };
    assert_eq!(verify(0), Err(Unsigned::Counter), "the first is at least 1");
    assert_eq!(verify(1), Ok(()));
    assert_eq!(verify(1), Err(Unsigned::Counter), "a replay");
    assert_eq!(verify(1_800_000_000_000), Ok(()), "a client may count by the time");
    assert_eq!(verify(2), Err(Unsigned::Counter));
    assert_eq!(verify(u64::MAX), Ok(()));
    assert_eq!(verify(u64::MAX), Err(Unsigned::Counter));
}

#[test]
fn only_the_signature_of_this_change_in_this_session_is_right() {
    let (mut sessions, token) = one();
    let other = sessions.open(START, key(2), [2; 16]);
    let right = sign(&key(1), &PUT);
    for wrong in [
        Change { counter: 2, ..PUT },
        Change { counter: 11, ..PUT },
        Change { method: "POST", ..PUT },
        Change { method: "put", ..PUT },
        Change { path: "/api/settings?", ..PUT },
        Change { body: b"{\"gain\":3}", ..PUT },
        Change { body: b"", ..PUT },
    ] {
        assert_eq!(sessions.verify(START, &token, &wrong, &right), Err(Unsigned::Signature), "{wrong:?}");
    }
    assert_eq!(sessions.verify(START, &other, &PUT, &right), Err(Unsigned::Signature));
    for wrong in ["", "AAAA", &right[1..], &format!("{right}\n"), &right.to_lowercase(), &sign(&key(3), &PUT)] {
        assert_eq!(sessions.verify(START, &token, &PUT, wrong), Err(Unsigned::Signature), "{wrong:?}");
    }
    assert_eq!(sessions.verify(START, &Token([9; 16]), &PUT, &right), Err(Unsigned::NoSession));
    assert_eq!(sessions.verify(START, &token, &PUT, &right), Ok(()), "a refused change leaves nothing behind");
}

#[test]
fn no_bytes_move_from_one_part_to_the_next() {
    let (mut sessions, token) = one();
    let signature = sign(&key(1), &Change { path: "/a", body: b"b\nc", ..PUT });
    for moved in
        [Change { path: "/a\nb", body: b"c", ..PUT }, Change { method: "PUT\n/a", path: "b", body: b"c", ..PUT }]
    {
        assert_eq!(sessions.verify(START, &token, &moved, &signature), Err(Unsigned::Signature), "{moved:?}");
    }
}

proptest! {
    #[test]
    fn any_changed_bit_of_the_signature_or_the_body_fails(
        body in prop::collection::vec(any::<u8>(), 1..100),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let (mut sessions, token) = one();
        let change = Change { body: &body, ..PUT };
        let signature = sign(&key(1), &change);
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        let other = Change { body: &changed, ..PUT };
        prop_assert_eq!(sessions.verify(START, &token, &other, &signature), Err(Unsigned::Signature));
        let mut damaged = base64::decode(&signature).unwrap();
        damaged[at.index(32)] ^= 1 << bit;
        let damaged = base64::encode(&damaged);
        prop_assert_eq!(sessions.verify(START, &token, &change, &damaged), Err(Unsigned::Signature));
        prop_assert_eq!(sessions.verify(START, &token, &change, &signature), Ok(()));
    }
}

#[test]
fn an_unused_session_ends() {
    let (mut sessions, token) = one();
    assert_eq!(sessions.count(START), 1);
    let end = START + SESSION_IDLE;
    assert_eq!(sessions.count(end), 0);
    assert!(!sessions.touch(end, &token));
    assert_eq!(sessions.verify(end, &token, &PUT, &sign(&key(1), &PUT)), Err(Unsigned::NoSession));
    // A request and a change each make it last.
    let (mut sessions, token) = one();
    let before = Mono::from_nanos(end.as_nanos() - 1);
    assert!(sessions.touch(before, &token));
    assert_eq!(
        sessions.verify(Mono::from_nanos((before + SESSION_IDLE).as_nanos() - 1), &token, &PUT, &sign(&key(1), &PUT)),
        Ok(())
    );
    assert!(sessions.touch(before + SESSION_IDLE, &token));
}

#[test]
fn a_session_in_use_ends_too() {
    let (mut sessions, token) = one();
    let step = SESSION_IDLE / 2;
    let mut now = START;
    while now < START + SESSION_LIFETIME {
        assert!(sessions.touch(now, &token));
        now = now + step;
    }
    assert!(!sessions.touch(now, &token));
}

#[test]
fn the_table_is_bounded_and_the_longest_unused_makes_room() {
    let mut sessions = Sessions::default();
    let tokens: Vec<Token> = (0..MAX_SESSIONS)
        .map(|n| sessions.open(START + Duration::from_secs(n as u64), key(1), (n as u128).to_be_bytes()))
        .collect();
    let now = START + Duration::from_secs(1000);
    assert!(sessions.touch(now, &tokens[0]));
    sessions.open(now, key(1), [0xFF; 16]);
    assert_eq!(sessions.count(now), MAX_SESSIONS);
    let open: Vec<bool> = tokens.iter().map(|token| sessions.touch(now, token)).collect();
    assert_eq!(open.iter().position(|open| !open), Some(1), "the second was unused longest");
    assert_eq!(open.iter().filter(|open| !**open).count(), 1);
    // Ended sessions go first.
    let later = now + SESSION_IDLE;
    sessions.open(later, key(1), [0xFE; 16]);
    assert_eq!(sessions.open.len(), 1);
}

#[test]
fn sessions_are_ended() {
    let (mut sessions, token) = one();
    let other = sessions.open(START, key(2), [2; 16]);
    sessions.close(&token);
    assert!(!sessions.touch(START, &token) && sessions.touch(START, &other), "logged out");
    sessions.clear();
    assert_eq!(sessions.count(START), 0, "another password");
    assert!(!sessions.touch(START, &other));
}
