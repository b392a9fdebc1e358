//! Logging in, and signing changes: a client with the library's SCRAM.

use std::sync::atomic::{AtomicU8, Ordering};

use es_iot_server::service::scram::{Change, Client, Expected, Key, NONCE_BYTES, sign};
use serde_json::json;

use crate::client::Http;
use crate::reply::Reply;

/// What a login leaves the client with.
#[derive(Debug)]
pub struct Session {
    /// The header's value, `NAME=VALUE`.
    pub cookie: String,
    key: Key,
    pub counter: u64,
}

/// The first step. Returns client-final, and what to expect for it.
pub fn begin(http: &mut Http, password: &str) -> (String, Expected) {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    let client = Client::new([COUNT.fetch_add(1, Ordering::Relaxed); NONCE_BYTES]);
    let reply = say(http, &client.first()).expect(200);
    let first = message(&reply);
    assert!(first.contains(",i=4096"), "{first}");
    client.answer(password.as_bytes(), first.as_bytes()).unwrap()
}

/// Sends a message of a login.
pub fn say(http: &mut Http, message: &str) -> Reply {
    http.call("POST", "/api/login", &json!({ "message": message }).to_string())
}

fn message(reply: &Reply) -> String {
    let json = reply.json();
    assert_eq!(json.as_object().unwrap().len(), 1);
    json["message"].as_str().unwrap().to_owned()
}

/// Both steps. Returns the last reply and, if it is 200, the session.
pub fn try_log_in(http: &mut Http, password: &str) -> (Reply, Option<Session>) {
    let (last, expected) = begin(http, password);
    let reply = say(http, &last);
    if reply.status != 200 {
        assert!(reply.find("Set-Cookie").is_none(), "{reply:?}");
        return (reply, None);
    }
    let key = expected.check(message(&reply).as_bytes()).expect("the server knows the password too");
    let set = reply.header("Set-Cookie");
    let (cookie, attributes) = set.split_once("; ").unwrap();
    assert!(cookie.starts_with("es_iot_session=") && cookie.len() == "es_iot_session=".len() + 32, "{set}");
    assert_eq!(attributes, "Max-Age=86400; Path=/; HttpOnly; SameSite=Strict");
    let session = Session { cookie: cookie.to_owned(), key, counter: 0 };
    (reply, Some(session))
}

/// Logs in with the password that the daemons of these tests have.
pub fn log_in(http: &mut Http) -> Session {
    let (reply, session) = try_log_in(http, "1111");
    session.unwrap_or_else(|| panic!("{reply:?}"))
}

impl Session {
    /// The value of the header of a signature with the next counter.
    pub fn sign(&mut self, method: &str, path: &str, body: &str) -> String {
        self.counter += 1;
        let change = Change { counter: self.counter, method, path, body: body.as_bytes() };
        format!("{} {}", self.counter, sign(&self.key, &change))
    }

    /// A request with the cookie.
    pub fn get(&self, http: &mut Http, path: &str) -> Reply {
        http.ask("GET", path, &[("Cookie", &self.cookie)], None)
    }

    /// A signed change.
    pub fn call(&mut self, http: &mut Http, method: &str, path: &str, body: &str) -> Reply {
        let signature = self.sign(method, path, body);
        self.call_with(http, (method, path), &signature, body)
    }

    /// A change with this signature; none if it is empty.
    pub fn call_with(&self, http: &mut Http, (method, path): (&str, &str), signature: &str, body: &str) -> Reply {
        let headers =
            [("Content-Type", "application/json"), ("Cookie", &*self.cookie), ("Es-Iot-Signature", signature)];
        http.ask(method, path, &headers, Some(body))
    }
}
