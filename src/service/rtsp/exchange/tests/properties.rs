//! What holds for any dialogue, any bytes and any cuts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::viewer::Viewer;
use super::*;
use crate::cuts::cut;
use crate::limits::{RTSP_MAX_HEAD_BYTES, RTSP_MAX_WAITING_BYTES};

/// A request of a dialogue, or a frame. `FIRST` is the first session's identifier.
fn part() -> impl Strategy<Value = String> {
    let request = (
        select(vec![
            "OPTIONS",
            "DESCRIBE",
            "SETUP",
            "SETUP",
            "PLAY",
            "PLAY",
            "PAUSE",
            "GET_PARAMETER",
            "TEARDOWN",
            "RECORD",
        ]),
        select(vec![URI, "rtsp://192.0.2.1:8554/ES_MTX/trackID=0", "*", "rtsp://h/other"]),
        select(vec!["", "Session: FIRST\r\n", "Session: other\r\n"]),
        select(vec!["", "Range: npt=0-\r\n", "Content-Length: 3\r\n\r\nabc", "Content-Length: 3\r\nX: y\r\n"]),
        select(vec![TCP, UDP, "Transport: RTP/AVP;multicast"]),
    );
    prop_oneof![
        8 => request.prop_map(|(method, uri, session, more, transport)| {
            match more.split_once("\r\n\r\n") {
                Some((length, body)) => {
                    format!("{method} {uri} RTSP/1.0\r\nCSeq: 5\r\n{transport}\r\n{session}{length}\r\n\r\n{body}")
                }
                None if more.contains("Length") => format!("{method} {uri} RTSP/1.0\r\nCSeq: 5\r\n{more}\r\nabc"),
                None => format!("{method} {uri} RTSP/1.0\r\nCSeq: 5\r\n{transport}\r\n{session}{more}\r\n"),
            }
        }),
        2 => select(vec!["$\x01\x00\x04RTCP", "$\x00\x00\x00", "\r\n"]).prop_map(str::to_owned),
    ]
}

/// The session identifier that a connection of a [`Rig`] gives first.
fn first_id() -> String {
    Rig::new().set_up(TCP)["Session: ".len()..].to_owned()
}

proptest! {
    #[test]
    fn any_chunking_of_a_dialogue_gives_the_same(parts in vec(part(), 0..12), cuts in vec(any::<Index>(), 0..20)) {
        let dialogue = parts.concat().replace("FIRST", &first_id());
        let whole = Rig::new().send(&dialogue);
        let mut rig = Rig::new();
        let pieces: Vec<Output> = cut(dialogue.as_bytes(), &cuts).into_iter().flat_map(|piece| rig.send(piece)).collect();
        prop_assert_eq!(&pieces, &whole);
        let mut viewer = Viewer::default();
        for output in &whole {
            viewer.follow(output);
        }
    }

    #[test]
    fn every_request_of_a_dialogue_has_one_reply(parts in vec(part(), 0..12)) {
        let requests = parts.iter().filter(|part| part.contains("RTSP/1.0")).count();
        let outputs = Rig::new().send(parts.concat());
        prop_assert_eq!(replies(&outputs).len(), requests);
    }

    #[test]
    fn no_bytes_panic_or_grow_it(
        pieces in vec(prop_oneof![vec(any::<u8>(), 0..600), part().prop_map(String::into_bytes)], 0..30),
        ready in any::<bool>(),
        steps in vec(0..20_u64, 30),
    ) {
        let mut rig = Rig { ready, ..Rig::new() };
        let mut viewer = Viewer::default();
        for (piece, step) in pieces.iter().zip(steps) {
            let mut outputs = Vec::new();
            if !rig.exchange.waits() {
                outputs.extend(rig.send(piece));
            }
            rig.after(Duration::from_secs(step));
            for _ in 0..3 {
                if rig.exchange.deadline().is_some_and(|due| due <= rig.now) {
                    outputs.extend(rig.input(Input::Wakeup));
                }
            }
            prop_assert!(rig.exchange.deadline().is_none_or(|due| due > rig.now), "it spins");
            for output in &outputs {
                viewer.follow(output);
            }
            // A Vec that grows doubles.
            prop_assert!(rig.exchange.memory_bytes() <= 2 * (RTSP_MAX_HEAD_BYTES + RTSP_MAX_WAITING_BYTES));
        }
    }
}
