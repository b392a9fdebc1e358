use std::net::{IpAddr, Ipv6Addr};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LASTS: Duration = Duration::from_mins(1);

fn address(text: &str) -> Peer {
    text.parse::<IpAddr>().unwrap().into()
}

fn site(n: u64) -> Peer {
    Peer::Ip(IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64)))
}

fn fail_until_locked(access: &mut Access, now: Mono, peer: Peer) -> Duration {
    let mut stats = Stats::default();
    for _ in 1..MAX_FAILURES {
        assert_eq!(access.failed(now, peer, &mut stats), None);
    }
    access.failed(now, peer, &mut stats).expect("the fifth failure locks out")
}

#[test]
fn lockouts_double_up_to_fifteen_minutes_and_end() {
    let mut access = Access::default();
    let peer = address("192.0.2.1");
    let mut now = Mono::default();
    for expected in [30, 60, 120, 240, 480, 900, 900] {
        let length = fail_until_locked(&mut access, now, peer);
        assert_eq!(length.as_secs(), expected);
        assert_eq!(access.locked_for(now, peer), Some(length));
        assert_eq!(access.locked_for(now, address("192.0.2.2")), None);
        now = now + length;
        assert_eq!(access.locked_for(now, peer), None);
    }
    now = now + LOCKOUT_LONGEST;
    assert_eq!(fail_until_locked(&mut access, now, peer), LOCKOUT_FIRST, "after a quiet time it starts afresh");
}

#[test]
fn slow_failures_do_not_lock_out() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let mut now = Mono::default();
    for _ in 0..100 {
        assert_eq!(access.failed(now, address("192.0.2.1"), &mut stats), None);
        now = now + SECOND * 15;
    }
}

#[test]
fn ipv6_counts_by_64_and_mapped_addresses_as_ipv4() {
    let mut access = Access::default();
    let now = Mono::default();
    fail_until_locked(&mut access, now, address("2001:db8::1"));
    assert!(access.locked_for(now, address("2001:db8::ffff:2")).is_some());
    assert!(access.locked_for(now, address("2001:db8:0:1::1")).is_none());
    fail_until_locked(&mut access, now, address("::ffff:192.0.2.1"));
    assert!(access.locked_for(now, address("192.0.2.1")).is_some());
}

#[test]
fn a_flood_of_addresses_is_bounded_and_keeps_the_locked_out() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let now = Mono::default();
    let locked = address("192.0.2.1");
    fail_until_locked(&mut access, now, locked);
    for n in 0..5_000_u64 {
        access.failed(now + Duration::from_micros(n), site(n), &mut stats);
        assert!(access.sizes(now).0 <= MAX_FAILING_ADDRESSES);
    }
    assert!(access.locked_for(now + SECOND, locked).is_some());
    assert!(stats.count(Counter::AddressesEvicted) > 3_900);
}

#[test]
fn the_brake_goes_on_with_a_full_table_and_off_once_a_quarter_of_it_is_free() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let start = Mono::from_nanos(1_000_000_000);
    let table = MAX_FAILING_ADDRESSES as u64;
    for n in 0..table {
        assert_eq!(access.admit(start, site(n)), Admission::Open);
        access.failed(start + Duration::from_millis(n), site(n), &mut stats);
    }
    assert!(!access.is_braked());
    let now = start + SECOND * 10;
    access.failed(now, site(table), &mut stats);
    assert!(access.is_braked());
    let passed = (0..100).filter(|n| access.admit(now, site(table + 1 + n)) == Admission::Open).count();
    assert_eq!(passed, 19, "and the one that had it go on");
    assert_eq!(access.admit(now + BRAKE_EACH, site(9_999)), Admission::Open, "one more every 3 s");
    assert_eq!(access.admit(now + BRAKE_EACH, site(9_999)), Admission::Braked);
    assert_eq!(access.admit(now, site(table)), Admission::Open, "it has an entry");
    assert_eq!(access.admit(now, address("127.0.0.1")), Admission::Open);
    // The first made room for another. 256 of the rest have to go.
    let room = start + Duration::from_millis(table - BRAKE_OFF_ADDRESSES as u64) + FAILURE_WINDOW;
    let mut looks = 0;
    while let Some(until) = access.next_deadline() {
        assert!(until <= room, "{until:?}");
        access.release_brake(until);
        assert_eq!(access.is_braked(), until < room);
        looks += 1;
    }
    assert!(looks <= 2);
    assert_eq!(access.sizes(now).0, BRAKE_OFF_ADDRESSES);
}

#[test]
fn a_table_of_locked_out_addresses_takes_a_few_more_of_those_that_are_not_braked() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let now = Mono::default();
    for n in 0..MAX_FAILING_ADDRESSES as u64 {
        fail_until_locked(&mut access, now, site(n));
    }
    for n in 0..200_u8 {
        let local = Peer::Ip(IpAddr::from([127, 0, 0, n]));
        access.failed(now, local, &mut stats);
        access.failed(now, site(5_000 + u64::from(n)), &mut stats);
    }
    assert_eq!(access.sizes(now).0, MAX_FAILING_ADDRESSES + EXEMPT_ADDRESSES);
    assert!(access.locked_for(now, site(0)).is_some());
    let open = (200..=255).filter(|&n| access.admit(now, Peer::Ip(IpAddr::from([127, 0, 1, n]))) == Admission::Open);
    assert!(open.count() < BRAKE_BURST as usize, "the brake is for these, too");
}

#[test]
fn a_right_password_forgives_its_own_address_once_in_a_while() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let (one, other) = (address("2001:db8::1"), address("2001:db8::2"));
    let mut now = Mono::default();
    let fail = |access: &mut Access, now, peer| access.failed(now, peer, &mut Stats::default());
    fail(&mut access, now, one);
    fail(&mut access, now, one);
    access.succeeded(now, other, 0, LASTS, &mut stats);
    fail(&mut access, now, other);
    access.succeeded(now, other, 0, LASTS, &mut stats);
    assert_eq!([fail(&mut access, now, other), fail(&mut access, now, other)], [None; 2], "one is forgiven");
    access.succeeded(now, one, 0, LASTS, &mut stats);
    assert_eq!(fail(&mut access, now, other), Some(LOCKOUT_FIRST), "none of these");
    now = now + LOCKOUT_LONGEST;
    fail(&mut access, now, one);
    access.succeeded(now, one, 0, LASTS, &mut stats);
    assert_eq!([(); 4].map(|()| fail(&mut access, now, one)), [None; 4]);
    assert_eq!(fail(&mut access, now, one), Some(LOCKOUT_FIRST * 2), "a lock-out is never forgiven");
}

#[test]
fn a_grant_lasts_while_a_connection_is_open_and_a_while_after() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let peer = address("192.0.2.1");
    let now = Mono::default();
    assert!(!access.granted(now, peer));
    access.succeeded(now, peer, 1, LASTS, &mut stats);
    access.opened(now, peer);
    access.closed(now, peer, LASTS);
    let later = now + LASTS * 100;
    assert!(access.granted(later, peer));
    access.closed(later, peer, LASTS);
    assert!(access.granted(later + SECOND * 59, peer));
    assert!(!access.granted(later + LASTS, peer));
    access.opened(later + LASTS, peer);
    assert!(!access.granted(later + LASTS, peer), "an ended grant is not revived by a connection");
}

#[test]
fn grants_are_bounded_and_those_in_use_stay() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let now = Mono::default();
    let in_use = address("192.0.2.1");
    access.succeeded(now, in_use, 1, LASTS, &mut stats);
    for n in 0..5000_u32 {
        access.succeeded(now, Peer::Ip(IpAddr::V4((0x0a00_0000 + n).into())), 0, LASTS, &mut stats);
    }
    assert!(access.sizes(now).1 <= MAX_GRANTS);
    assert!(access.granted(now, in_use));
    assert_eq!(stats.count(Counter::GrantsEvicted), 5001 - MAX_GRANTS as u64);
    access.revoke_grants();
    assert!(!access.granted(now, in_use));
}

#[test]
fn a_local_peer_is_never_locked_out_or_braked_and_holds_a_grant_like_others() {
    let mut access = Access::default();
    let mut stats = Stats::default();
    let now = Mono::default();
    for _ in 0..100 {
        assert_eq!(access.admit(now, Peer::Local), Admission::Open);
        assert_eq!(access.failed(now, Peer::Local, &mut stats), None);
    }
    assert_eq!(access.sizes(now), (0, 0));
    assert!(!access.granted(now, Peer::Local));
    access.succeeded(now, Peer::Local, 0, LASTS, &mut stats);
    assert!(access.granted(now, Peer::Local));
    assert!(!access.granted(now + LASTS, Peer::Local));
}
