//! Bursts, hurried writes, failures and hanging disks.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;

const A: ConnId = ConnId { slot: 1, generation: 1 };
const B: ConnId = ConnId { slot: 2, generation: 1 };
const PEER: Peer = Peer::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

fn settings(gain: f64) -> CameraSettings {
    CameraSettings { gain, ..CameraSettings::default() }
}

fn applied(settings: CameraSettings) -> Due {
    Due::Apply { settings, by: ChangedBy::Peer(PEER) }
}

fn all_due(store: &mut Store, now: Mono) -> Vec<Due> {
    std::iter::from_fn(|| store.due(now)).collect()
}

fn after(milliseconds: u64) -> Mono {
    Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(milliseconds)
}

#[test]
fn a_burst_is_one_restart_and_one_write() {
    let mut store = Store::new(settings(1.0));
    for step in 0..8_u32 {
        assert!(store.update(after(u64::from(step) * 50), A, PEER, settings(2.0 + f64::from(step))));
        assert_eq!(all_due(&mut store, after(u64::from(step) * 50)), []);
    }
    assert_eq!(store.deadline(), Some(after(350 + 150)));
    assert_eq!(all_due(&mut store, after(500)), [applied(settings(9.0)), Due::Write(settings(9.0))]);
    assert_eq!(store.written(after(510), true), Outcome::default());
    assert!(store.is_settled());
    assert_eq!(store.deadline(), None);
}

#[test]
fn a_burst_that_does_not_end_is_seen_all_the_same_within_the_tokens() {
    let mut store = Store::new(settings(1.0));
    let (mut applied, mut written) = (Vec::new(), Vec::new());
    for step in 0..200_u32 {
        let now = after(u64::from(step) * 100);
        store.update(now, A, PEER, settings(f64::from(step)));
        for due in all_due(&mut store, now) {
            match due {
                Due::Apply { .. } => applied.push(step),
                Due::Write(_) => {
                    written.push(step);
                    store.written(now, true);
                }
                Due::GiveUpWaiting(_) | Due::StillHangs(_) => panic!("no one waits"),
            }
        }
    }
    assert_eq!(applied, [10, 21, 32, 43, 54, 70, 90, 110, 130, 150, 170, 190], "each second, then each 2 s");
    assert_eq!(written, applied);
}

#[test]
fn a_burst_that_ends_where_it_began_costs_no_restart_and_no_token() {
    let mut store = Store::new(settings(1.0));
    for round in 0..10_u32 {
        let now = after(u64::from(round) * 200);
        assert!(store.update(now, A, PEER, settings(2.0)));
        assert!(store.update(now, A, PEER, settings(1.0)));
        let due = all_due(&mut store, now + Duration::from_millis(150));
        assert!(!due.iter().any(|due| matches!(due, Due::Apply { .. })), "{due:?}");
        store.written(now + Duration::from_millis(150), true);
    }
    store.update(after(2000), A, PEER, settings(3.0));
    assert!(all_due(&mut store, after(2150)).contains(&applied(settings(3.0))));
}

#[test]
fn a_hurried_write_waits_for_its_token_and_no_longer() {
    let mut store = Store::new(settings(1.0));
    for gain in 1..=3 {
        store.update(after(0), A, PEER, settings(1.0 + f64::from(gain)));
        assert_eq!(store.read(after(0), A), Reading::Wait);
        assert_eq!(all_due(&mut store, after(0)), [Due::Write(settings(1.0 + f64::from(gain)))]);
        assert_eq!(store.written(after(0), true).answer, [A]);
    }
    store.update(after(0), A, PEER, settings(9.0));
    assert_eq!(store.read(after(0), A), Reading::Wait);
    all_due(&mut store, after(1999));
    assert_eq!(store.deadline(), Some(after(2000)));
    assert_eq!(all_due(&mut store, after(2000)), [Due::Write(settings(9.0))]);
}

#[test]
fn the_last_write_waits_for_no_token() {
    let mut store = Store::new(settings(1.0));
    for gain in 1..=3 {
        store.update(after(0), A, PEER, settings(1.0 + f64::from(gain)));
        store.read(after(0), A);
        all_due(&mut store, after(0));
        store.written(after(0), true);
    }
    store.update(after(0), A, PEER, settings(9.0));
    assert_eq!(store.flush(after(0)), Some(settings(9.0)));
    store.update(after(1), B, PEER, settings(8.0));
    assert_eq!(store.written(after(2), true), Outcome::default());
    assert_eq!(store.flush(after(2)), Some(settings(8.0)));
}

#[test]
fn a_read_waits_for_the_disk_and_hurries_it() {
    let mut store = Store::new(settings(1.0));
    assert_eq!(store.read(after(0), A), Reading::Answer);
    store.update(after(0), A, PEER, settings(2.0));
    assert_eq!(store.read(after(1), B), Reading::Wait);
    assert_eq!(all_due(&mut store, after(1)), [Due::Write(settings(2.0))]);
    assert_eq!(store.read(after(2), A), Reading::Wait);
    assert_eq!(store.written(after(3), true).answer, [B, A]);
    assert_eq!(store.read(after(4), A), Reading::Answer);
    assert_eq!(all_due(&mut store, after(150)), [applied(settings(2.0))], "and it is not written again");
}

#[test]
fn an_update_during_a_write_is_written_after_it_and_confirmed_only_then() {
    let mut store = Store::new(settings(1.0));
    store.update(after(0), A, PEER, settings(2.0));
    assert_eq!(store.read(after(0), A), Reading::Wait);
    assert_eq!(all_due(&mut store, after(0)), [Due::Write(settings(2.0))]);
    store.update(after(5), B, PEER, settings(3.0));
    assert_eq!(store.written(after(10), true), Outcome::default());
    assert_eq!(all_due(&mut store, after(10)), [Due::Write(settings(3.0))], "a read waits for it");
    assert_eq!(store.written(after(20), true).answer, [A]);
}

#[test]
fn a_failed_write_is_told_once_and_tried_again_later() {
    let mut store = Store::new(settings(1.0));
    store.update(after(0), A, PEER, settings(2.0));
    assert_eq!(store.read(after(0), B), Reading::Wait);
    all_due(&mut store, after(0));
    assert_eq!(store.written(after(1), false), Outcome { not_stored: vec![A], answer: vec![B] });
    assert_eq!(store.read(after(2), A), Reading::Answer, "known not to be kept: no reason to wait");
    all_due(&mut store, after(200));
    assert_eq!(store.deadline(), Some(after(1) + STORE_RETRY));
    assert_eq!(all_due(&mut store, after(1) + STORE_RETRY), [Due::Write(settings(2.0))]);
    assert_eq!(store.written(after(61_000), true), Outcome::default());
    assert!(store.is_settled());
}

#[test]
fn a_write_that_hangs_is_given_up_by_clients_but_never_doubled() {
    let mut store = Store::new(settings(1.0));
    store.update(after(0), A, PEER, settings(2.0));
    store.read(after(0), A);
    all_due(&mut store, after(0));
    all_due(&mut store, after(200));
    assert_eq!(store.deadline(), Some(after(0) + WRITE_TIMEOUT));
    let outcome = Outcome { not_stored: vec![A], answer: vec![A] };
    assert_eq!(all_due(&mut store, after(0) + WRITE_TIMEOUT), [Due::GiveUpWaiting(outcome)]);
    assert_eq!(store.deadline(), None);
    assert_eq!(store.flush(after(20_000)), None, "one write at a time");
    store.update(after(20_000), A, PEER, settings(3.0));
    store.update(after(20_000), B, PEER, settings(2.0));
    assert_eq!(store.read(after(20_000), A), Reading::AnswerNotStored);
    assert_eq!(store.read(after(20_000), A), Reading::Answer);
    let refused = Outcome { not_stored: vec![B], answer: vec![] };
    assert_eq!(all_due(&mut store, after(20_150)), [Due::StillHangs(refused)]);
    assert_eq!(store.deadline(), None);
    assert_eq!(store.written(after(30_000), true), Outcome::default());
    assert!(store.is_settled());
}

#[test]
fn an_unchanged_update_costs_nothing() {
    let mut store = Store::new(settings(1.0));
    assert!(!store.update(after(0), A, PEER, settings(1.0)));
    assert_eq!(store.deadline(), None);
    assert!(store.is_settled());
}

#[test]
fn a_reread_reaches_the_camera_but_not_the_disk() {
    let mut store = Store::new(settings(1.0));
    store.reread(after(0), settings(4.0));
    assert_eq!(all_due(&mut store, after(0)), [Due::Apply { settings: settings(4.0), by: ChangedBy::File }]);
    assert!(store.is_settled());
}
