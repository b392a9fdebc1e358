//! What HTTP clients do: browsers, programs, and what only looks like them.
//!
//! Behind the connections there are a few people. Each has one cookie, one key and one login at a time, whichever connection
//! they come on.

mod requests;
mod scripts;

use es_iot_server::base64;
use rand::RngExt;
use rand::rngs::SmallRng;

use crate::scram::{Key, Login, signature};
pub use scripts::{any, early, faithful, hoarder, insistent};

/// How many people there are.
pub const PEOPLE: usize = 3;
const HERE: &str = "192.0.2.9:8080";
/// A client-final that answers nothing.
const MADE_UP: &str = "c=biws,r=made-up,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A request's body.
#[derive(Debug, Clone)]
enum Body {
    None,
    Text(String),
    /// Begins a login.
    First,
    /// Answers the server's challenge.
    Final,
    /// The last such answer once more.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cookie {
    Mine,
    None,
    MadeUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Right,
    /// For another body.
    Wrong,
    /// The last one once more.
    Again,
    /// Not like a signature.
    Rubbish,
}

/// A request that is written once cookie and key are known.
#[derive(Debug, Clone)]
pub struct Ask {
    method: &'static str,
    target: &'static str,
    version: &'static str,
    host: &'static str,
    headers: Vec<String>,
    body: Body,
    cookie: Cookie,
    sign: Sign,
}

/// What a person keeps in mind.
#[derive(Debug, Clone, Default)]
pub struct Person {
    number: usize,
    /// It does not know the password.
    guesses: bool,
    logins: u32,
    first_bare: String,
    server_first: Option<String>,
    last_final: Option<String>,
    /// The key, if its login succeeds.
    coming: Option<Key>,
    cookie: Option<String>,
    key: Option<Key>,
    counter: u64,
    last_signature: Option<String>,
}

/// All people of a run.
pub fn people(rng: &mut SmallRng) -> Vec<Person> {
    let person = |number| Person { number, guesses: rng.random_bool(0.25), ..Person::default() };
    (0..PEOPLE).map(person).collect()
}

impl Person {
    /// Takes note of a reply.
    pub fn hear(&mut self, frame: &[u8]) {
        let Ok(text) = str::from_utf8(frame) else { return };
        let between = |before: &str, after: &str| Some(text.split_once(before)?.1.split_once(after)?.0.to_owned());
        if let Some(message) = between("\r\n\r\n{\"message\":\"", "\"").filter(|message| message.starts_with("r=")) {
            self.server_first = Some(message);
        }
        // Who logs out keeps the cookie all the same, and tries.
        if let Some(value) = between("\r\nSet-Cookie: es_iot_session=", ";").filter(|value| !value.is_empty()) {
            (self.cookie, self.key, self.counter) = (Some(value), self.coming.take(), 0);
        }
    }

    /// Writes a request.
    pub fn write(&mut self, ask: &Ask, password: &str) -> Vec<u8> {
        let body = match &ask.body {
            Body::None => String::new(),
            Body::Text(text) => text.clone(),
            Body::First => {
                self.logins += 1;
                self.first_bare = format!("n=es-iot,r=nonce-{}-{}", self.number, self.logins);
                self.server_first = None;
                format!("{{\"message\":\"n,,{}\"}}", self.first_bare)
            }
            Body::Final => self.answer(password),
            Body::Again => format!("{{\"message\":\"{}\"}}", self.last_final.as_deref().unwrap_or(MADE_UP)),
        };
        let Ask { method, target, version, .. } = ask;
        let mut lines = vec![format!("{method} {target} {version}")];
        if !ask.host.is_empty() {
            lines.push(format!("Host: {}", ask.host));
        }
        match (ask.cookie, &self.cookie) {
            (Cookie::Mine, Some(cookie)) => lines.push(format!("Cookie: theme=dark; es_iot_session={cookie}")),
            (Cookie::MadeUp, _) => lines.push("Cookie: es_iot_session=0123456789abcdef0123456789abcdef".into()),
            (Cookie::Mine | Cookie::None, _) => {}
        }
        if let Some(signature) = self.sign(ask, &body) {
            lines.push(format!("Es-Iot-Signature: {signature}"));
        }
        lines.extend(ask.headers.iter().cloned());
        let has_length = ask
            .headers
            .iter()
            .any(|header| header.starts_with("Content-Length") || header.starts_with("Transfer-Encoding"));
        if matches!(*method, "PUT" | "POST") && !has_length {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        (lines.join("\r\n") + "\r\n\r\n" + &body).into_bytes()
    }

    fn answer(&mut self, password: &str) -> String {
        let message = self.server_first.take().and_then(|server_first| {
            let nonce = server_first.split(',').next()?;
            let without_proof = format!("c=biws,{nonce}");
            let login = Login::new(password, &self.first_bare, &server_first, &without_proof)?;
            let mut proof = login.proof;
            proof[7] ^= u8::from(self.guesses);
            self.coming = Some(login.signing);
            Some(format!("{without_proof},p={}", base64::encode(&proof)))
        });
        let message = message.unwrap_or_else(|| MADE_UP.into());
        self.last_final = Some(message.clone());
        format!("{{\"message\":\"{message}\"}}")
    }

    fn sign(&mut self, ask: &Ask, body: &str) -> Option<String> {
        let key = self.key?;
        match ask.sign {
            Sign::None => return None,
            Sign::Again => return self.last_signature.clone(),
            Sign::Rubbish => return Some("1".into()),
            Sign::Right | Sign::Wrong => self.counter += 1,
        }
        let signed = if ask.sign == Sign::Wrong { "{}" } else { body };
        self.last_signature = Some(signature(&key, self.counter, ask.method, ask.target, signed));
        self.last_signature.clone()
    }
}

impl Ask {
    fn new(method: &'static str, target: &'static str) -> Self {
        let (headers, body) = (Vec::new(), Body::None);
        Self { method, target, version: "HTTP/1.1", host: HERE, headers, body, cookie: Cookie::Mine, sign: Sign::None }
    }

    fn get(target: &'static str) -> Self {
        Self::new("GET", target)
    }

    fn json(method: &'static str, target: &'static str, body: Body) -> Self {
        Self { body, ..Self::new(method, target) }.with("Content-Type: application/json")
    }

    fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }
}
