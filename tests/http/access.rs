//! Who may do what, where a password is required.

use nix::sys::signal::Signal;

use crate::camera::{guarded, test_camera};
use crate::client::Http;
use crate::movie::Movie;
use crate::session::{begin, log_in, say, try_log_in};
use crate::stream::Listener;
use crate::support::{Client, Daemon, packet};

const GUARDED: [&str; 7] =
    ["/video.mp4", "/snapshot.h264", "/events", "/api/settings", "/api/status", "/metrics", "/healthz"];
const TOO_MANY_ATTEMPTS: u8 = 5;
const PUT: (&str, &str) = ("PUT", "/api/settings");

fn fail_five_times(source: &str, daemon: &Daemon) {
    let mut http = Http::connect_from(source, daemon.http_port());
    for _ in 0..5 {
        let (reply, _) = try_log_in(&mut http, "wrong");
        assert_eq!((reply.status, reply.error().as_str()), (401, "wrong password"));
    }
}

#[test]
fn without_a_session_there_is_only_the_page() {
    let mut daemon = guarded().start();
    let mut http = Http::connect(daemon.http_port());
    for path in GUARDED {
        let reply = http.get(path).expect(401);
        assert_eq!(reply.header("WWW-Authenticate"), "Cookie realm=\"es-iot-server\"");
        let text = if path.starts_with("/api/") { reply.error() } else { reply.text() };
        assert!(text.starts_with("log in first"), "{text}");
        http.ask("HEAD", path, &[], None).expect(401);
    }
    http.get("/").expect(200);
    http.get("/none").expect(404);
    // A body that is refused is not read, so that the connection ends.
    for (method, path) in [("PUT", "/api/settings"), ("POST", "/api/logout"), ("POST", "/api/reload")] {
        let mut http = Http::connect(daemon.http_port());
        assert!(http.call(method, path, "{}").expect(401).closes());
    }
    for cookie in ["es_iot_session=", "es_iot_session=x", "es_iot_session=00000000000000000000000000000000", "other=1"]
    {
        http.ask("GET", "/api/status", &[("Cookie", cookie)], None).expect(401);
    }
    assert_eq!(daemon.counter("http_unauthorized"), 7 * 2 + 3 + 4);
}

#[test]
fn a_session_opens_everything_to_the_client_that_has_the_cookie() {
    let launch = guarded();
    let mut daemon = launch.start();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let mut session = log_in(&mut http);
    for path in ["/snapshot.h264", "/api/settings", "/metrics", "/healthz"] {
        session.get(&mut http, path).expect(200);
    }
    assert_eq!(session.get(&mut http, "/api/status").expect(200).json()["sessions"], 1);
    // Not to its connection, and not to its address.
    http.get("/api/status").expect(401);
    Http::connect(port).get("/api/status").expect(401);
    Client::connect(daemon.settings_port()).expect_error(2, 4);
    // From anywhere, and among other cookies.
    let mut other = Http::connect_from("127.0.0.9", port);
    session.get(&mut other, "/api/status").expect(200);
    let cookies = format!("a=b; {}; es_iot_session_2=x", session.cookie);
    other.ask("GET", "/api/status", &[("Cookie", &cookies)], None).expect(200);
    let cookie = session.cookie.clone();
    Movie::over(Http::connect(port).with("Cookie", &cookie)).pictures(10);
    Listener::over(Http::connect(port).with("Cookie", &cookie)).value();
    assert_eq!(session.call(&mut http, "PUT", "/api/settings", "{\"gain\": 2}").expect(200).json()["gain"], 2.0);
    assert_eq!(daemon.counter("auth_accepted"), 1);
    let token = cookie.split('=').nth(1).unwrap();
    assert!(!daemon.log().contains(token), "no cookie is logged");
}

#[test]
fn a_change_is_signed_and_can_be_sent_once() {
    let daemon = guarded().start();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let mut session = log_in(&mut http);
    let body = "{\"gain\": 2}";
    let wrong = "1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for signature in ["", "x", "1", "1 ", "-1 AAAA", wrong, &"9".repeat(200)] {
        let reply = session.call_with(&mut http, PUT, signature, body).expect(403);
        assert!(reply.error().starts_with("the change is not signed"), "{signature}");
    }
    // A signature of another change: body, path, method.
    let of_another = session.sign("PUT", "/api/settings", "{\"gain\": 3}");
    session.call_with(&mut http, PUT, &of_another, body).expect(403);
    let of_another = session.sign("PUT", "/api/login", body);
    session.call_with(&mut http, PUT, &of_another, body).expect(403);
    let of_another = session.sign("POST", "/api/settings", body);
    session.call_with(&mut http, PUT, &of_another, body).expect(403);
    let mut other = log_in(&mut http);
    let of_another = other.sign("PUT", "/api/settings", body);
    session.call_with(&mut http, PUT, &of_another, body).expect(403);
    assert_eq!(session.get(&mut http, "/api/settings").json()["gain"], 1.0, "nothing has changed");

    let signature = session.sign("PUT", "/api/settings", body);
    session.call_with(&mut http, PUT, &signature, body).expect(200);
    session.call_with(&mut http, PUT, &signature, body).expect(403);
    session.counter -= 2;
    let earlier = session.sign("PUT", "/api/settings", body);
    session.call_with(&mut http, PUT, &earlier, body).expect(403);
    session.counter = u64::from(u32::MAX);
    session.call(&mut http, "PUT", "/api/settings", body).expect(200);
    // What is wrong in a signed change is explained.
    let reply = session.call(&mut http, "PUT", "/api/settings", "{\"gain\": 300}").expect(400);
    assert_eq!(reply.error(), "gain is 300; allowed: 0 to 255");
}

#[test]
fn a_login_is_refused_with_a_reason() {
    let mut daemon = guarded().start();
    let mut http = Http::connect(daemon.http_port());
    let login = |http: &mut Http, body: &str| http.call("POST", "/api/login", body);
    for body in ["", "{}", "[]", "{\"message\": 1}", "{\"message\": \"x\", \"more\": 1}", "{\"message\": null}", "x"] {
        assert_eq!(login(&mut http, body).expect(400).error(), "the body must be {\"message\": \"...\"}");
    }
    for message in [
        "",
        "n,,",
        "n,,n=admin,r=abcdefgh",
        "y,,n=es-iot,r=abcdefgh",
        "p=tls-unique,,n=es-iot,r=x",
        "c=biws,r=x,p=AAAA",
        "\0",
    ] {
        let reply = say(&mut http, message).expect(400);
        assert!(!reply.error().is_empty(), "{message}");
    }
    // An answer that belongs to no login, and one that is given twice.
    let (last, _) = begin(&mut http, "1111");
    say(&mut http, &last).expect(200);
    let reply = say(&mut http, &last).expect(400);
    assert!(reply.error().contains("begin again"), "{}", reply.error());
    assert!(daemon.counter("logins_refused") >= 15);
    assert_eq!(daemon.counter("auth_rejected"), 0, "none of these is a wrong password");
}

#[test]
fn wrong_proofs_lock_an_address_out_of_every_port() {
    let mut daemon = guarded().start();
    fail_five_times("127.0.0.2", &daemon);
    daemon.await_log("127.0.0.2 is locked out for 30 s");
    let mut http = Http::connect_from("127.0.0.2", daemon.http_port());
    let (reply, _) = try_log_in(&mut http, "1111");
    let reply = reply.expect(429);
    let wait: u64 = reply.header("Retry-After").parse().unwrap();
    assert!((20..=31).contains(&wait), "{reply:?}");
    assert!(reply.error().starts_with("too many wrong passwords: try again in "), "{}", reply.error());
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), packet(0, 2, &[TOO_MANY_ATTEMPTS]));
    let mut rtsp = Http::connect_from("127.0.0.2", daemon.rtsp_port());
    rtsp.send(format!("DESCRIBE rtsp://{}/ES_MTX RTSP/1.0\r\nCSeq: 1\r\n\r\n", daemon.rtsp_port()));
    rtsp.fill(12);
    assert!(rtsp.buffer.starts_with(b"RTSP/1.0 403"), "{}", String::from_utf8_lossy(&rtsp.buffer));
    // And the other way round; no other address is concerned.
    for _ in 0..5 {
        daemon.try_password("127.0.0.3", "wrong");
    }
    let (reply, _) = try_log_in(&mut Http::connect_from("127.0.0.3", daemon.http_port()), "1111");
    reply.expect(429);
    log_in(&mut Http::connect_from("127.0.0.4", daemon.http_port()));
    assert_eq!(daemon.counter("auth_rejected"), 10);
    assert!(daemon.counter("auth_locked_out") >= 2);
}

#[test]
fn a_log_out_ends_the_streams_of_its_session() {
    let mut daemon = guarded().start();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let (mut session, other) = (log_in(&mut http), log_in(&mut http));
    let with = |cookie: &str| Http::connect(port).with("Cookie", cookie);
    let (mut movie, mut listener) = (Movie::over(with(&session.cookie)), Listener::over(with(&session.cookie)));
    let (mut movie_2, mut listener_2) = (Movie::over(with(&other.cookie)), Listener::over(with(&other.cookie)));
    movie.pictures(5);
    listener.value();
    movie_2.pictures(5);
    listener_2.value();
    let reply = session.call(&mut http, "POST", "/api/logout", "{}").expect(200);
    assert_eq!(reply.json(), serde_json::json!({}));
    assert_eq!(reply.header("Set-Cookie"), "es_iot_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");
    // Each ends after a whole picture, or a whole event.
    while movie.try_picture().is_some() {}
    while listener.try_next().is_some() {}
    assert!(listener.0.buffer.is_empty());
    session.get(&mut http, "/api/status").expect(401);
    movie_2.pictures(24);
    listener_2.value();
    assert_eq!(other.get(&mut http, "/api/status").expect(200).json()["sessions"], 1);
    daemon.await_log("its session has ended");
}

#[test]
fn another_password_ends_sessions_and_their_streams() {
    let mut launch = guarded();
    let daemon = launch.start();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let session = log_in(&mut http);
    let with = || Http::connect(port).with("Cookie", &session.cookie);
    let (mut movie, mut listener) = (Movie::over(with()), Listener::over(with()));
    movie.pictures(5);
    listener.value();
    launch.change("auth.password", "2222");
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    while movie.try_picture().is_some() {}
    while listener.try_next().is_some() {}
    session.get(&mut http, "/api/status").expect(401);
    // The keys of the new one are derived in a moment.
    let mut open = None;
    crate::support::until(|| {
        let reply = say(&mut http, "n,,n=es-iot,r=abcdefghijklmnop");
        if reply.status != 503 {
            reply.expect(200);
            open = try_log_in(&mut http, "2222").1;
        }
        open.is_some()
    });
    open.unwrap().get(&mut http, "/api/status").expect(200);
    let (reply, _) = try_log_in(&mut http, "1111");
    reply.expect(401);
}

#[test]
fn a_rule_that_is_tightened_ends_streams_without_a_session() {
    let mut launch = test_camera().set("auth.required", false).set("auth.trust_loopback", false);
    let daemon = launch.start();
    let port = daemon.http_port();
    let (mut movie, mut listener) = (Movie::watch(port), Listener::connect(port));
    let mut unix = Movie::over(Http::unix(&launch.http_socket()));
    let mut idle = Http::connect(port);
    idle.get("/healthz").expect(200);
    movie.pictures(5);
    listener.value();
    launch.change("auth.required", true);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    while movie.try_picture().is_some() {}
    while listener.try_next().is_some() {}
    idle.get("/healthz").expect(401);
    while unix.try_picture().is_some() {}
}

#[test]
fn a_grant_of_the_authentication_port_opens_http() {
    let daemon = guarded().start();
    Http::connect_from("127.0.0.5", daemon.http_port()).get("/api/status").expect(401);
    daemon.try_password("127.0.0.5", "1111");
    let mut http = Http::connect_from("127.0.0.5", daemon.http_port());
    http.get("/api/status").expect(200);
    // Nothing to sign with, and no need to.
    http.put("{\"gain\": 2}").expect(200);
    Movie::over(Http::connect_from("127.0.0.5", daemon.http_port())).pictures(3);
    Http::connect_from("127.0.0.6", daemon.http_port()).get("/api/status").expect(401);
}

#[test]
fn the_unix_socket_is_trusted_as_loopback_is() {
    let launch = test_camera().set("auth.required", true);
    let daemon = launch.start();
    for mut http in [Http::unix(&launch.http_socket()), Http::connect(daemon.http_port())] {
        http.get("/api/status").expect(200);
        http.put("{}").expect(200);
        http.call("POST", "/api/logout", "{}").expect(200);
        http.call("POST", "/api/reload", "{}").expect(200);
    }
}
