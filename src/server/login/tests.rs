//! Logins over HTTP from begin to end, with what damages, delays and repeats them.

use std::net::IpAddr;

use super::*;
use crate::config::Config;
use crate::limits::{FAILURE_WINDOW, LOCKOUT_FIRST, MAX_FAILURES, SCRAM_ITERATIONS, SCRAM_TIMEOUT, SESSION_IDLE};
use crate::server::context::Journal;
use crate::server::interface::Output;
use crate::service::http::Body;
use crate::service::http::route::Route;
use crate::service::scram::{Client, Expected, Key, sign};
use crate::stats::Stats;
use crate::time::Now;

const PASSWORD: &str = "sesame";
const START: Mono = Mono::from_nanos(1_000_000_000);

struct Rig {
    now: Mono,
    config: Config,
    stats: Stats,
    journal: Journal,
    out: Vec<Output>,
    auth: Auth,
    login: Login,
    /// Logins so far: each client has its own nonce.
    clients: u8,
}

impl Rig {
    fn new() -> Self {
        let password = Secret::new(PASSWORD);
        Self {
            now: START,
            config: Config::default(),
            stats: Stats::default(),
            journal: Journal::default(),
            out: Vec::new(),
            login: Login::new(&password, [1; 32]),
            auth: Auth::new(password),
            clients: 0,
        }
    }

    fn post(&mut self, peer: Peer, body: &str) -> Answer {
        let Self { now, config, stats, journal, out, auth, login, .. } = self;
        let now = Now { mono: *now, unix_ms: 0 };
        let mut cx = Context { now, config, stats, journal, out };
        login.post(&mut cx, auth, peer, body.as_bytes())
    }

    /// Status, the text of `message` or `error`, and the cookie.
    fn say(&mut self, peer: Peer, message: &str) -> (u16, String, Option<String>) {
        read(self.post(peer, &serde_json::json!({ "message": message }).to_string()))
    }

    /// The proof for a login that begins now.
    fn proof(&mut self, peer: Peer, password: &str) -> (String, Expected) {
        self.clients += 1;
        let client = Client::new([self.clients; NONCE_BYTES]);
        let (status, server_first, _) = self.say(peer, &client.first());
        assert_eq!(status, 200, "{server_first}");
        client.answer(password.as_bytes(), server_first.as_bytes()).unwrap()
    }

    /// A login with the right password: its cookie and its key.
    fn log_in(&mut self, peer: Peer) -> (String, Key) {
        let (proof, expected) = self.proof(peer, PASSWORD);
        let (status, server_final, cookie) = self.say(peer, &proof);
        assert_eq!(status, 200, "{server_final}");
        (cookie.expect("a session"), expected.check(server_final.as_bytes()).unwrap())
    }

    fn count(&self, counter: Counter) -> u64 {
        self.stats.count(counter)
    }

    fn lines(&self) -> Vec<String> {
        let line = |output: &Output| {
            let Output::Report(report) = output else { panic!("{output:?}") };
            report.to_string()
        };
        self.out.iter().map(line).collect()
    }
}

fn read(answer: Answer) -> (u16, String, Option<String>) {
    let Content { status, kind, body, session } = match answer {
        Answer::Content(content) => content,
        Answer::Refused(rejection) => return (rejection.status().code, rejection.to_string(), None),
        Answer::Page(_) | Answer::Stream(_) => panic!("{answer:?}"),
    };
    let Body::Text(text) = body else { panic!("{body:?}") };
    assert!(kind == Kind::Json && text.ends_with("}\n"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = value.as_object().unwrap().values().next().map_or("", |value| value.as_str().unwrap()).to_owned();
    let cookie = session.map(|session| match session {
        SessionCookie::Set { value, .. } => value,
        SessionCookie::Clear => "cleared".into(),
    });
    (status.code, text, cookie)
}

fn peer(last: u8) -> Peer {
    IpAddr::from([192, 0, 2, last]).into()
}

fn call(cookie: &str, signature: impl Into<Option<String>>, body: &str) -> Call {
    Call { body: body.into(), session: Some(cookie.into()), signature: signature.into() }
}

fn signed(key: &Key, counter: u64, (method, path): (&str, &str), body: &str) -> String {
    let change = Change { counter, method, path, body: body.as_bytes() };
    format!("{counter} {}", sign(key, &change))
}

#[test]
fn a_right_proof_opens_a_session_and_gives_no_grant() {
    let mut rig = Rig::new();
    rig.config.auth.required = true;
    let (cookie, _) = rig.log_in(peer(1));
    assert!(rig.login.is_open(rig.now, &cookie) && rig.login.count(rig.now) == 1);
    for other in ["", "0", &"0".repeat(32), &cookie.to_uppercase(), &cookie[1..]] {
        assert!(!rig.login.is_open(rig.now, other), "{other:?}");
    }
    assert_eq!((rig.count(Counter::AuthAccepted), rig.count(Counter::LoginsRefused)), (1, 0));
    assert_eq!(rig.lines(), ["192.0.2.1 gave the right password"]);
    assert_eq!(rig.auth.sizes(rig.now), (0, 0), "no grant");
    let other = rig.log_in(peer(1));
    assert_ne!(cookie, other.0);
}

#[test]
fn wrong_proofs_lock_out_as_wrong_passwords_do() {
    let mut rig = Rig::new();
    for _ in 0..MAX_FAILURES {
        let (proof, _) = rig.proof(peer(1), "wrong");
        assert_eq!(rig.say(peer(1), &proof), (401, "wrong password".into(), None));
        assert_eq!(rig.say(peer(1), &proof).0, 400, "each login is answered once");
    }
    assert_eq!(rig.count(Counter::AuthRejected), MAX_FAILURES as u64);
    assert_eq!(rig.lines().last().unwrap(), "192.0.2.1 is locked out for 30 s after too many wrong passwords");
    let (proof, _) = rig.proof(peer(1), PASSWORD);
    rig.now = rig.now + LOCKOUT_FIRST / 2;
    let (status, text, _) = rig.say(peer(1), &proof);
    assert_eq!((status, text.as_str()), (429, "too many wrong passwords: try again in 16 s"));
    assert_eq!((rig.count(Counter::AuthLockedOut), rig.count(Counter::AuthRejected)), (1, MAX_FAILURES as u64));
    rig.log_in(peer(2));
    rig.now = rig.now + LOCKOUT_FIRST;
    rig.log_in(peer(1));
}

#[test]
fn only_wrong_proofs_count() {
    let mut rig = Rig::new();
    let body = "the body must be {\"message\": \"...\"}";
    for damaged in ["", "{", "[]", "{}", "{\"message\":1}", "{\"message\":\"n,,\",\"x\":1}", "\"n,,\""] {
        assert_eq!(read(rig.post(peer(1), damaged)), (400, body.into(), None), "{damaged:?}");
    }
    for (message, text) in [
        ("", "the message is not valid SCRAM"),
        ("n,,n=es-iot", "the message is not valid SCRAM"),
        ("n,,n=admin,r=abc", "the user name is not es-iot"),
        ("y,,n=es-iot,r=abc", "channel binding is not supported: begin with n,,"),
        ("c=biws,r=abc", "the message is not valid SCRAM"),
    ] {
        assert_eq!(rig.say(peer(1), message), (400, text.into(), None), "{message:?}");
    }
    let (right, _) = rig.proof(peer(1), PASSWORD);
    let begin_again = "the login has expired or was answered before: begin again";
    assert_eq!(rig.say(peer(2), &right), (400, begin_again.into(), None), "it is not that network's");
    rig.now = rig.now + SCRAM_TIMEOUT;
    assert_eq!(rig.say(peer(1), &right), (400, begin_again.into(), None));
    assert_eq!((rig.count(Counter::AuthRejected), rig.count(Counter::LoginsRefused)), (0, 14));
    assert_eq!(rig.auth.sizes(rig.now), (0, 0));
}

#[test]
fn what_is_no_attempt_takes_none_from_the_brake() {
    let mut rig = Rig::new();
    // The table of failures is full, and the brake on.
    for network in 0..=1024_u16 {
        let [high, low] = network.to_be_bytes();
        let peer = IpAddr::from([198, 18, high, low]).into();
        let Rig { now, config, stats, journal, out, auth, .. } = &mut rig;
        let now = Now { mono: *now, unix_ms: 0 };
        let mut cx = Context { now, config, stats, journal, out };
        if auth.admit(&mut cx, peer).is_ok() {
            auth.failed(&mut cx, peer);
        }
    }
    for _ in 0..100 {
        assert_eq!(rig.say(peer(1), "c=biws,r=x,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").0, 400);
    }
    rig.log_in(peer(1));
    // Logins are attempts like any other: 19 were left, one was the login above.
    let (answered, braked): (Vec<u8>, Vec<u8>) = (2..=22).partition(|&last| {
        let (proof, _) = rig.proof(peer(last), "wrong");
        rig.say(peer(last), &proof).0 == 401
    });
    assert_eq!((answered.len(), braked.len()), (18, 3));
    assert_eq!(rig.count(Counter::AuthBraked), 3);
    rig.now = rig.now + FAILURE_WINDOW;
    rig.log_in(peer(3));
}

#[test]
fn changes_are_signed_and_none_can_be_sent_again() {
    let mut rig = Rig::new();
    let (cookie, key) = rig.log_in(peer(1));
    let put = ("PUT", Route::Settings.path());
    let body = "{\"gain\":2}";
    let right = call(&cookie, signed(&key, 1, put, body), body);
    let verify = |rig: &mut Rig, call: &Call| rig.login.verify(rig.now, put, call);
    assert_eq!(verify(&mut rig, &right), Ok(()));
    assert_eq!(verify(&mut rig, &right), Err(Rejection::Unsigned), "sent again");
    assert_eq!(verify(&mut rig, &call(&cookie, signed(&key, 7, put, body), body)), Ok(()));
    assert_eq!(verify(&mut rig, &call(&cookie, signed(&key, 6, put, body), body)), Err(Rejection::Unsigned));
    assert_eq!(verify(&mut rig, &call(&cookie, signed(&key, 8, put, body), "{\"gain\":3}")), Err(Rejection::Unsigned));
    let logout = ("POST", Route::Logout.path());
    assert_eq!(verify(&mut rig, &call(&cookie, signed(&key, 8, logout, body), body)), Err(Rejection::Unsigned));
    let good = signed(&key, 8, put, body);
    for (damaged, why) in [
        (None, "none"),
        (Some(String::new()), "empty"),
        (Some(good.replace(' ', "")), "no space"),
        (Some(good.replace(' ', "  ")), "two spaces"),
        (Some(format!("0{good}")), "a leading zero"),
        (Some(format!("+{good}")), "a sign"),
        (Some(format!(" {good}")), "a space before"),
        (Some(format!("{good} ")), "a space behind"),
        (Some(good.replace("8 ", "9 ")), "another counter"),
        (Some(good.replace("8 ", "18446744073709551616 ")), "too large"),
    ] {
        assert_eq!(verify(&mut rig, &call(&cookie, damaged, body)), Err(Rejection::Unsigned), "{why}");
    }
    let stranger = call(&"0".repeat(32), Some(good.clone()), body);
    assert_eq!(verify(&mut rig, &stranger), Err(Rejection::NoSession));
    assert_eq!(verify(&mut rig, &Call { session: None, ..stranger }), Err(Rejection::NoSession));
    assert_eq!(verify(&mut rig, &call(&cookie, Some(good), body)), Ok(()), "what was refused has changed nothing");
}

#[test]
fn a_session_ends_with_its_time_a_logout_and_a_full_table() {
    let mut rig = Rig::new();
    assert_eq!(rig.login.deadline(), None, "nothing wakes an idle server up");
    let (idle, _) = rig.log_in(peer(1));
    let (used, _) = rig.log_in(peer(1));
    assert_eq!(rig.login.deadline(), Some(START + SESSION_IDLE));
    assert!(!rig.login.due(rig.now));
    rig.now = START + SESSION_IDLE / 2;
    assert!(rig.login.touch(rig.now, &used) && !rig.login.touch(rig.now, "0"));
    rig.now = START + SESSION_IDLE;
    assert!(!rig.login.is_open(rig.now, &idle) && rig.login.is_open(rig.now, &used));
    assert!(rig.login.due(rig.now) && !rig.login.due(rig.now), "reported once");
    assert_eq!(rig.login.deadline(), Some(rig.now + SESSION_IDLE / 2));

    let (left, _) = rig.log_in(peer(1));
    let answer = rig.login.logout(rig.now, &call(&left, None, "{}"));
    assert_eq!(read(answer), (200, String::new(), Some("cleared".into())));
    assert!(!rig.login.is_open(rig.now, &left) && rig.login.is_open(rig.now, &used));
    assert_eq!(rig.login.deadline(), Some(rig.now));
    assert!(rig.login.due(rig.now) && rig.login.deadline() > Some(rig.now));
    rig.login.logout(rig.now, &call(&left, None, "{}"));
    assert!(!rig.login.due(rig.now), "a second logout ends nothing");

    rig.now = rig.now + Duration::from_secs(1);
    for _ in 1..MAX_SESSIONS {
        rig.log_in(peer(2));
    }
    assert!(!rig.login.due(rig.now) && rig.login.is_open(rig.now, &used));
    rig.log_in(peer(2));
    assert!(rig.login.due(rig.now) && !rig.login.is_open(rig.now, &used), "it was unused longest");
    assert_eq!(rig.login.count(rig.now), MAX_SESSIONS);
}

#[test]
fn a_new_password_ends_all_sessions_and_its_keys_come_in_short_turns() {
    let mut rig = Rig::new();
    let (cookie, _) = rig.log_in(peer(1));
    let (proof, _) = rig.proof(peer(1), PASSWORD);
    rig.login.set_password(rig.now, &Secret::new("new"));
    assert!(!rig.login.is_open(rig.now, &cookie));
    let mut turns = 0;
    while rig.login.keys().is_none() {
        let (status, text, _) = rig.say(peer(1), &proof);
        assert_eq!((status, text.as_str()), (503, "the password has just changed: try again in a second"));
        assert_eq!(rig.say(peer(1), "n,,n=es-iot,r=abc").0, 503);
        assert!(rig.login.deadline() <= Some(rig.now), "turn {turns} is due");
        assert_eq!(rig.login.due(rig.now), turns == 0, "the sessions' end is reported once");
        assert!(!rig.login.due(rig.now), "the next turn is not due yet");
        turns += 1;
        rig.now = rig.now + SCRAM_TURN_EACH;
    }
    assert_eq!(turns, SCRAM_ITERATIONS / SCRAM_TURN_ITERATIONS);
    assert_eq!(rig.login.deadline(), None);
    assert_eq!(rig.say(peer(1), &proof).0, 400, "a login that began with the old password");
    let (old, _) = rig.proof(peer(1), PASSWORD);
    assert_eq!(rig.say(peer(1), &old).0, 401);
    let (new, expected) = rig.proof(peer(1), "new");
    let (status, server_final, _) = rig.say(peer(1), &new);
    assert_eq!(status, 200);
    expected.check(server_final.as_bytes()).unwrap();
}

#[test]
fn no_random_bytes_come_twice_and_no_secret_is_shown() {
    let mut random = Random { secret: [3; 32], count: 0 };
    let drawn: std::collections::BTreeSet<[u8; 16]> = (0..1000).map(|_| random.draw()).collect();
    assert_eq!(drawn.len(), 1000);
    let shown = format!("{:?}", Login::new(&Secret::new(PASSWORD), [3; 32]));
    assert!(!shown.contains("3, 3") && !shown.contains(PASSWORD), "{shown}");
}
