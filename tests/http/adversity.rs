//! Clients that are slow or send rubbish: they hold no place for long, and all others have what they had.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Http;
use crate::stream::Listener;
use crate::support::{Launch, pass, turn, until, while_data_flows};

const SLOW: usize = 15;
const ROUNDS: usize = 5;

#[test]
fn slow_requests_end_after_ten_seconds_and_delay_no_tick() {
    let _turn = turn();
    let mut daemon = Launch::new().http().start();
    let port = daemon.http_port();
    let mut listener = Listener::connect(port);
    let began = Instant::now();
    let (slow, silent) = while_data_flows(&mut daemon, |_| {
        let mut slow: Vec<Http> = (0..SLOW).map(|_| Http::connect(port)).collect();
        let mut silent: Vec<Http> = (0..SLOW).map(|_| Http::connect(port)).collect();
        for (at, http) in slow.iter_mut().enumerate() {
            match at % 3 {
                // A head, one byte after the other.
                0 => http.send("GET /healthz HTTP/1.1\r\nX: "),
                // A body.
                1 => http.send("PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"),
                // The second request of a connection.
                _ => {
                    http.get("/healthz").expect(200);
                    http.send("G");
                }
            }
        }
        while began.elapsed() < Duration::from_secs(8) {
            pass(Duration::from_millis(250));
            for http in &mut slow {
                http.send(" ");
            }
        }
        for http in &mut slow {
            let reply = http.reply().expect(408);
            assert!(reply.closes(), "{reply:?}");
            http.expect_end();
        }
        for http in &mut silent {
            http.expect_end();
        }
        let took = began.elapsed();
        assert!((Duration::from_secs(10)..Duration::from_secs(15)).contains(&took), "{took:?}");
        (slow.len() as u64, silent.len() as u64)
    });
    assert_eq!((daemon.counter("http_bad_request"), daemon.counter("peer_too_slow")), (slow, silent));
    listener.value();
    until(|| Http::connect(port).json("/api/status")["clients"]["http"] == 2);
}

#[test]
fn rubbish_without_an_end_is_cut_off_and_delays_no_tick() {
    let _turn = turn();
    let mut daemon = Launch::new().http().start();
    let port = daemon.http_port();
    let mut listener = Listener::connect(port);
    let put = "PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let beginnings = [
        ("\x16\x03\x01\x02\0\x01\0\x01".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_owned(), 431),
        ("GET /".to_owned(), 414),
        (format!("{put}Content-Length: 99999999999999999999\r\n\r\n"), 413),
        (format!("{put}Transfer-Encoding: chunked\r\n\r\n"), 411),
    ];
    while_data_flows(&mut daemon, |_| {
        thread::scope(|scope| {
            for (beginning, status) in &beginnings {
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        let mut http = Http::connect(port);
                        http.send(beginning);
                        // It goes on, as long as it can.
                        let rubbish = vec![b'x'; 64 * 1024];
                        http.try_send(&rubbish);
                        assert!(http.reply().expect(*status).closes());
                        let sent = (0..10_000).take_while(|_| http.try_send(&rubbish)).count();
                        assert!(sent < 10_000, "{status}: it is never closed");
                    }
                });
            }
        });
    });
    listener.value();
    assert_eq!(daemon.counter("http_bad_request"), (ROUNDS * beginnings.len()) as u64);
    until(|| Http::connect(port).json("/api/status")["clients"]["http"] == 2);
}

#[test]
fn every_byte_has_an_answer_wherever_it_is() {
    let daemon = Launch::new().http().start();
    let templates: [(&[u8], &[u8]); 5] = [
        (b"G", b"T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"GET /heal", b"hz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHo", b"t: localhost\r\n\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: local", b"ost\r\n\r\n"),
        (b"PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{", b"}"),
    ];
    for (before, after) in templates {
        for byte in 0..=255_u8 {
            let mut http = Http::connect(daemon.http_port());
            http.send([before, &[byte], after].concat());
            let reply = http.reply();
            assert!([200, 400, 404, 405, 421].contains(&reply.status), "byte {byte:#04X}: {reply:?}");
        }
    }
}
