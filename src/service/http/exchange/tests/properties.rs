//! What holds for any dialogue, any bytes and any cuts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::client::Client;
use super::*;
use crate::cuts::cut;
use crate::limits::HTTP_MAX_WAITING_BYTES;

/// A request of a dialogue.
fn part() -> impl Strategy<Value = String> {
    let paths = vec!["/", "/healthz", "/api/settings", "/api/login", "/nothing", "/snapshot.h264", "/api/status?x"];
    let lines = vec![
        JSON,
        "Expect: 100-continue",
        "Cookie: es_iot_session=5e551011",
        "Origin: null",
        "Accept-Encoding: gzip, br",
        "If-None-Match: \"e1\"",
        "X: \u{e9}",
    ];
    let sound = (
        select(vec!["GET", "GET", "HEAD", "PUT", "POST", "DELETE"]),
        select(paths),
        vec(select(lines), 0..3),
        select(vec!["", "{}", "{\"gain\":2}"]),
    );
    prop_oneof![
        8 => sound.prop_map(|(method, path, headers, body)| {
            request(method, path, &headers, if ["PUT", "POST"].contains(&method) { body } else { "" })
        }),
        1 => Just("\r\n".to_owned()),
    ]
}

/// A request that ends the dialogue.
fn last() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(request("GET", "/events", &[], "")),
        Just(request("GET", "/healthz", &["Connection: close"], "")),
        Just("GET / HTTP/1.1\r\nHost : x\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_owned()),
        Just("GET / HTTP/1.1\nHost: x\n\n".to_owned()),
        Just("GET / HTTP/1.1\r\nX: \0\r\n\r\n".to_owned()),
        Just(format!("GET /{}", "x".repeat(9000))),
        Just(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(9000))),
        Just(request("PUT", "/api/settings", &["Transfer-Encoding: chunked"], "0\r\n\r\n")),
        Just("\u{16}\u{3}\u{1}".to_owned()),
    ]
}

/// What goes out, without the marks of when.
fn seen(outputs: Vec<Output>) -> Vec<Output> {
    outputs.into_iter().filter(|output| *output != Output::WhenSent).collect()
}

proptest! {
    #[test]
    fn any_chunking_of_a_dialogue_gives_the_same(
        parts in vec(part(), 0..12),
        last in last(),
        cuts in vec(any::<Index>(), 0..20),
        locked in any::<bool>(),
    ) {
        let rig = || Rig { access: if locked { Access::Session(&known) } else { Access::Open }, ..Rig::new() };
        let dialogue = parts.concat() + &last;
        let whole = seen(rig().send(&dialogue));
        let mut rig = rig();
        let pieces: Vec<Output> = cut(dialogue.as_bytes(), &cuts).into_iter().flat_map(|piece| rig.send(piece)).collect();
        prop_assert_eq!(&seen(pieces), &whole);
        let mut client = Client::default();
        for output in &whole {
            client.follow(output);
            client.answered();
        }
    }

    #[test]
    fn every_request_that_is_read_has_one_reply(parts in vec(part(), 0..12)) {
        let outputs = Rig::new().send(parts.concat());
        let found = statuses(&outputs).iter().filter(|status| **status != 100).count();
        let requests = parts.iter().filter(|part| part.contains("HTTP/1.1")).count();
        prop_assert!(found == requests || (found < requests && closed(&outputs).is_some()), "{found} of {requests}");
    }

    #[test]
    fn no_bytes_panic_or_grow_it(
        pieces in vec(prop_oneof![vec(any::<u8>(), 0..600), part().prop_map(String::into_bytes)], 0..30),
        ready in any::<bool>(),
        steps in vec(0..20_u64, 30),
    ) {
        let mut rig = Rig { ready, ..Rig::new() };
        let mut client = Client::default();
        for (piece, step) in pieces.iter().zip(steps) {
            let mut outputs = rig.send(piece);
            rig.after(Duration::from_secs(step));
            for _ in 0..3 {
                if rig.exchange.deadline().is_some_and(|due| due <= rig.now) {
                    outputs.extend(rig.input(Input::Wakeup));
                }
            }
            prop_assert!(rig.exchange.deadline().is_none_or(|due| due > rig.now), "it spins");
            for output in &outputs {
                client.follow(output);
                if ready {
                    client.answered();
                }
            }
            // A Vec that grows doubles.
            prop_assert!(rig.exchange.memory_bytes() <= 2 * (HTTP_MAX_HEAD_BYTES + HTTP_MAX_WAITING_BYTES));
        }
    }
}
