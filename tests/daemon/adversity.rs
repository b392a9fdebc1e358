//! Peers that are slow, many or in a hurry, and a process short of descriptors: the others notice nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Client, Daemon, Launch, due, follows, packet, pass, skip};

const FEW: usize = 6;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

/// Reads `count` packets and a few before and after them, and returns how many ticks were missed among them, from the time
/// stamps.
fn missed_ticks(subscriber: &mut Client, count: u64) -> u64 {
    let begin = due(&[(); FEW].map(|()| subscriber.data().1));
    for _ in 0..count {
        subscriber.data();
    }
    let end = due(&[(); FEW].map(|()| subscriber.data().1));
    ((end - begin + 500) / 1000).saturating_sub(count + FEW as u64)
}

/// Ticks that the daemon itself missed, because the machine was busy.
fn skipped(daemon: &mut Daemon) -> u64 {
    daemon.counter("ticks_skipped")
}

/// Takes the 10 s that a subscriber's socket has, after its buffers are full.
#[test]
fn a_subscriber_that_reads_nothing_is_closed_and_the_others_are_not_disturbed() {
    let mut daemon = Launch::new().start();
    let mut good = daemon.data();
    // The smallest window the kernel gives: a few dozen packets of 16 bytes fill it.
    let slow = Client::connect_with("127.0.0.1", Some(1), daemon.data_port());
    let missed = missed_ticks(&mut good, 24 * 8);
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    let line = daemon.await_log("it took no data for 10 s");
    assert!(line.contains("WARNING"), "{line}");
    assert_eq!(daemon.counter("peer_stuck"), 1);
    good.data();
    drop(slow);
}

/// Takes the 10 s that a socket has.
#[test]
fn a_client_that_asks_and_never_reads_is_closed() {
    let mut daemon = Launch::new().start();
    let mut deaf = Client::connect_with("127.0.0.1", Some(1), daemon.settings_port());
    let mut subscriber = daemon.data();
    let requests = packet(2, 1, &[]).repeat(1000);
    // Until the answers, and then the requests, fill every buffer; and on until it is closed.
    while deaf.stream.write_all(&requests).is_ok() {}
    daemon.await_log("it took no data for 10 s");
    let counted = daemon.counter("peer_stuck") + daemon.counter("peer_overflow") * 100;
    assert_eq!(counted, 1, "stuck, and not for want of room");
    subscriber.data();
}

#[test]
fn a_slow_subscriber_loses_whole_packets_and_gets_the_newest() {
    let mut daemon = Launch::new().start();
    let mut good = daemon.data();
    let mut slow = Client::connect_with("127.0.0.1", Some(1), daemon.data_port());
    while daemon.counter("data_dropped") < 24 {
        good.data();
        if daemon.counter("peer_stuck") > 0 {
            // Ten seconds went by without 24 ticks: the machine stood still, and the subscriber is closed.
            assert!(skipped(&mut daemon) > 200);
            return skip("the machine is too busy");
        }
    }
    let (_, newest) = good.data();
    let mut gap = 0;
    let mut last = slow.data();
    while last.1 < newest {
        let next = slow.data();
        assert!(follows(last, next), "in order, none twice");
        gap = gap.max(next.1 - last.1);
        last = next;
    }
    assert!(gap >= 900, "about a second is missing, not {gap} ms");
    assert!(last.1 < newest + 1000, "and it is in the present again");
}

/// Raises the test's own limit on descriptors, as far as it goes.
fn may_open(descriptors: u64) -> bool {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if soft < descriptors && setrlimit(Resource::RLIMIT_NOFILE, descriptors.min(hard), hard).is_err() {
        return false;
    }
    hard >= descriptors
}

#[test]
fn a_thousand_idle_connections_cost_memory_but_no_packets() {
    const IDLE: usize = 1000;
    if !may_open(8 * 1024) {
        return skip("the limit on open descriptors is too low");
    }
    let mut daemon = Launch::new().set("server.max_clients", 4000).start();
    let before = daemon.status("VmRSS");
    let port = |n: usize| if n.is_multiple_of(4) { daemon.settings_port() } else { daemon.data_port() };
    let idle: Vec<TcpStream> = (0..IDLE).map(|n| TcpStream::connect(port(n)).unwrap()).collect();
    let mut subscriber = daemon.data();
    let missed = missed_ticks(&mut subscriber, 24);
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    assert_eq!(daemon.counter("clients"), IDLE as u64 + 1);
    let after = daemon.status("VmRSS");
    println!("{IDLE} idle connections: RSS {before} kB before, {after} kB with them");
    assert!(after - before < 2 * IDLE as u64, "more than 2 kB a connection");
    daemon.settings().read();
    drop(idle);
    assert_eq!(daemon.threads(), 1);
}

#[test]
fn a_flood_of_connections_leaves_nothing_behind() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    subscriber.data();
    let descriptors = daemon.descriptors();
    for round in 0..5000 {
        let port = [daemon.data_port(), daemon.settings_port(), daemon.auth_port()][round % 3];
        drop(TcpStream::connect(port).unwrap());
    }
    let missed = missed_ticks(&mut subscriber, 24);
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    daemon.settings().read();
    // Those that are still in the queue, or have their second to close, are on the way out.
    let settled = (0..20).any(|_| {
        pass(Duration::from_millis(500));
        daemon.descriptors() <= descriptors + 1
    });
    assert!(settled, "{} descriptors, {descriptors} before", daemon.descriptors());
    assert!(daemon.log().lines().count() < 100, "the log is bounded");
}

#[test]
fn a_flood_of_bytes_does_not_hold_up_the_stream() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    let mut floods: Vec<Client> = (0..4).map(|_| daemon.data()).collect();
    let missed = std::thread::scope(|scope| {
        for flood in &mut floods {
            // Until its buffers are full: the server reads on, but slowly.
            flood.stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
            scope.spawn(|| while flood.stream.write_all(&[0xFF; 16 * 1024]).is_ok() {});
        }
        missed_ticks(&mut subscriber, 24)
    });
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    daemon.settings().read();
    for flood in &mut floods {
        flood.data();
    }
}

#[test]
fn a_storm_of_signals_is_taken_in_its_stride() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    for _ in 0..200 {
        for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGCHLD, Signal::SIGPIPE] {
            daemon.signal(signal);
        }
    }
    let missed = missed_ticks(&mut subscriber, 24);
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    daemon.stop();
}

#[test]
fn a_flood_of_wrong_passwords_is_held_down() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    let mut wrong = 0;
    for _ in 0..500 {
        wrong += u32::from(daemon.try_password("127.0.0.2", "guess") == packet(0, 2, &[]));
    }
    assert_eq!(wrong, 5, "the rest is told that it was too many");
    let missed = missed_ticks(&mut subscriber, 12);
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    let log = daemon.log();
    assert!(log.lines().count() < 60, "the log is bounded: {log}");
    assert!(!log.contains("guess"));
}

#[test]
fn out_of_descriptors_it_rests_serves_whom_it_has_and_recovers() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    let mut client = daemon.settings();
    client.read();
    daemon.limit_descriptors(Some(daemon.descriptors() as libc::rlim_t));
    let waiting: Vec<TcpStream> = (0..16).map(|_| TcpStream::connect(daemon.settings_port()).unwrap()).collect();
    daemon.await_log("cannot take connections");

    let before = daemon.cpu_ticks();
    let missed = missed_ticks(&mut subscriber, 48);
    let used = daemon.cpu_ticks() - before;
    assert!(missed <= skipped(&mut daemon), "{missed} ticks missed");
    assert!(used < 50, "it spins: {used} of 200 clock ticks");
    client.read();

    drop(waiting);
    daemon.limit_descriptors(None);
    // In the queue behind those that are gone; answered when the rest is over.
    assert_eq!(daemon.settings().read(), client.read());
    subscriber.data();
}

#[test]
fn settings_are_kept_also_when_no_descriptor_is_left() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.read();
    daemon.limit_descriptors(Some(daemon.descriptors() as libc::rlim_t));
    let _waiting: Vec<TcpStream> = (0..16).map(|_| TcpStream::connect(daemon.settings_port()).unwrap()).collect();
    daemon.await_log("cannot take connections");
    client.update([9, 9, 9, 9, 9, 9]);
    assert_eq!(client.read(), [9; 6]);
    assert!(launch.settings_file().exists());
}

#[test]
fn one_thread_and_no_wake_up_when_nobody_is_there() {
    let daemon = Launch::new().start();
    let mut client = daemon.data();
    client.data();
    drop(client);
    daemon.settings().read();
    assert_eq!(daemon.threads(), 1);
    let is_quiet = |_: &i32| {
        let before = daemon.status("voluntary_ctxt_switches");
        pass(Duration::from_secs(1));
        daemon.status("voluntary_ctxt_switches") == before
    };
    assert_eq!((0..10).filter(is_quiet).take(2).count(), 2, "it wakes up with nobody there");
}
