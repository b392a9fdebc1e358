//! Bursts, hurried writes, failures and hanging disks.

use std::time::Duration;

use super::*;

const A: ConnId = ConnId { slot: 1, generation: 1 };
const B: ConnId = ConnId { slot: 2, generation: 1 };

fn settings(gain: f64) -> CameraSettings {
    CameraSettings { gain, ..CameraSettings::default() }
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
        assert!(store.update(after(u64::from(step) * 50), A, settings(2.0 + f64::from(step))));
        assert_eq!(all_due(&mut store, after(u64::from(step) * 50)), []);
    }
    assert_eq!(store.deadline(), Some(after(350 + 150)));
    assert_eq!(all_due(&mut store, after(500)), [Due::Apply(settings(9.0)), Due::Write(settings(9.0))]);
    assert_eq!(store.written(after(510), true), Outcome::default());
    assert!(store.is_settled());
    assert_eq!(store.deadline(), None);
}

#[test]
fn a_burst_that_does_not_end_is_seen_all_the_same() {
    let mut store = Store::new(settings(1.0));
    let mut applied = 0;
    for step in 0..100_u32 {
        let now = after(u64::from(step) * 100);
        store.update(now, A, settings(f64::from(step)));
        for due in all_due(&mut store, now) {
            if let Due::Write(_) = due {
                store.written(now, true);
            }
            applied += usize::from(matches!(due, Due::Apply(_)));
        }
    }
    assert!((8..=10).contains(&applied), "once a second for 10 s, not {applied}");
}

#[test]
fn a_read_waits_for_the_disk_and_hurries_it() {
    let mut store = Store::new(settings(1.0));
    assert_eq!(store.read(after(0), A), Reading::Answer);
    store.update(after(0), A, settings(2.0));
    assert_eq!(store.read(after(1), B), Reading::Wait);
    assert_eq!(all_due(&mut store, after(1)), [Due::Write(settings(2.0))]);
    assert_eq!(store.read(after(2), A), Reading::Wait);
    assert_eq!(store.written(after(3), true).answer, [B, A]);
    assert_eq!(store.read(after(4), A), Reading::Answer);
    assert_eq!(all_due(&mut store, after(150)), [Due::Apply(settings(2.0))], "and it is not written again");
}

#[test]
fn an_update_during_a_write_is_written_after_it_and_confirmed_only_then() {
    let mut store = Store::new(settings(1.0));
    store.update(after(0), A, settings(2.0));
    assert_eq!(store.read(after(0), A), Reading::Wait);
    assert_eq!(all_due(&mut store, after(0)), [Due::Write(settings(2.0))]);
    store.update(after(5), B, settings(3.0));
    assert_eq!(store.written(after(10), true), Outcome::default());
    let due = store.deadline().unwrap();
    assert!(due >= after(155));
    assert!(all_due(&mut store, after(250)).contains(&Due::Write(settings(3.0))));
    assert_eq!(store.written(after(260), true).answer, [A]);
}

#[test]
fn a_failed_write_is_told_once_and_tried_again_later() {
    let mut store = Store::new(settings(1.0));
    store.update(after(0), A, settings(2.0));
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
    store.update(after(0), A, settings(2.0));
    store.read(after(0), A);
    all_due(&mut store, after(0));
    all_due(&mut store, after(200));
    assert_eq!(store.deadline(), Some(after(0) + WRITE_TIMEOUT));
    let outcome = Outcome { not_stored: vec![A], answer: vec![A] };
    assert_eq!(all_due(&mut store, after(0) + WRITE_TIMEOUT), [Due::GiveUpWaiting(outcome)]);
    assert_eq!(store.deadline(), None);
    assert_eq!(store.flush(after(20_000)), None, "one write at a time");
    store.update(after(20_000), A, settings(3.0));
    store.update(after(20_000), B, settings(2.0));
    assert_eq!(store.read(after(20_000), A), Reading::AnswerNotStored);
    assert_eq!(store.read(after(20_000), A), Reading::Answer);
    let told = Outcome { not_stored: vec![B], answer: vec![] };
    assert_eq!(all_due(&mut store, after(20_150)), [Due::Apply(settings(2.0)), Due::StillHangs(told)]);
    assert_eq!(store.deadline(), None);
    assert_eq!(store.written(after(30_000), true), Outcome::default());
    assert!(store.is_settled());
}

#[test]
fn an_unchanged_update_costs_nothing() {
    let mut store = Store::new(settings(1.0));
    assert!(!store.update(after(0), A, settings(1.0)));
    assert_eq!(store.deadline(), None);
    assert!(store.is_settled());
}

#[test]
fn a_reread_reaches_the_camera_but_not_the_disk() {
    let mut store = Store::new(settings(1.0));
    store.reread(after(0), settings(4.0));
    assert_eq!(all_due(&mut store, after(0)), [Due::Apply(settings(4.0))]);
    assert!(store.is_settled());
}
