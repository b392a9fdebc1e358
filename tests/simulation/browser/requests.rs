//! Requests of all kinds, right and wrong.

use rand::RngExt;
use rand::rngs::SmallRng;

use super::{Ask, Body, Cookie, HERE, Sign};

pub fn reload(rng: &mut SmallRng) -> Ask {
    Ask { sign: sign(rng), ..Ask::json("POST", "/api/reload", Body::Text("{}".into())) }
}

/// A logout.
pub fn logout(rng: &mut SmallRng) -> Ask {
    Ask { sign: sign(rng), ..Ask::json("POST", "/api/logout", Body::Text("{}".into())) }
}

fn sign(rng: &mut SmallRng) -> Sign {
    use Sign::{Again, None, Right, Rubbish, Wrong};
    [Right, Right, Right, None, Wrong, Again, Rubbish][rng.random_range(0..7)]
}

pub fn change(rng: &mut SmallRng) -> Ask {
    let body = match rng.random_range(0..14) {
        0 => "{\"gain\":300}".to_owned(),
        1 => "{\"brightness\":-2}".to_owned(),
        2 => "{\"iso\":100}".to_owned(),
        3 => "[1]".to_owned(),
        4 => "{\"gain\":".to_owned(),
        5 => "{\"gain\":\"high\"}".to_owned(),
        6 => "{}".to_owned(),
        7 => format!("{{\"shutter\":{},\"contrast\":1.5}}", rng.random_range(1..4) * 10_000),
        _ => format!("{{\"gain\":{}.5}}", rng.random_range(0..20)),
    };
    Ask { sign: sign(rng), ..Ask::json("PUT", "/api/settings", Body::Text(body)) }
}

pub fn request(rng: &mut SmallRng) -> Ask {
    let mut ask = match rng.random_range(0..32) {
        0..3 => Ask::get("/"),
        3..5 => Ask::get("/api/settings"),
        5..7 => Ask::get("/api/status"),
        7 => Ask::get("/metrics"),
        8..10 => Ask::get("/healthz"),
        10 | 11 => Ask::get("/snapshot.h264"),
        12..16 => change(rng),
        16 => reload(rng),
        17 => Ask::json("POST", "/api/login", Body::First),
        18 => Ask::json("POST", "/api/login", Body::Final),
        19 => Ask::json("POST", "/api/login", Body::Again),
        20 => logout(rng),
        21 => Ask::new("HEAD", ["/", "/video.mp4", "/events", "/api/status", "/snapshot.h264"][rng.random_range(0..5)]),
        22 => Ask::get(["/favicon.ico", "/api/", "/index.html"][rng.random_range(0..3)]),
        23 => Ask::new(["POST", "DELETE", "PUT"][rng.random_range(0..3)], "/api/status").with("Content-Length: 0"),
        24 => Ask::get("/api/login"),
        25 => Ask::get("/").with("If-None-Match: *"),
        26 => Ask::get("/").with("Accept-Encoding: identity"),
        27 => Ask::get("http://192.0.2.9/api/settings?x=1"),
        28 => {
            let message = ["y,,n=es-iot,r=x", "n,,n=root,r=x", "hello", "c=biws,r=x,p=x"][rng.random_range(0..4)];
            Ask::json("POST", "/api/login", Body::Text(format!("{{\"message\":\"{message}\"}}")))
        }
        29 => Ask::json("POST", "/api/login", Body::Text("{}".into())),
        30 => Ask::get("/video.mp4"),
        _ => Ask::get("/events"),
    };
    match rng.random_range(0..40) {
        0 => ask.host = "attacker.example",
        1 => ask.host = "cam.example",
        2 => ask.host = ["pi", "PI.local:8080", "localhost", "[::1]:80"][rng.random_range(0..4)],
        3 => ask.host = "",
        4 => ask.host = "h:x",
        5 => ask = ask.with("Origin: http://attacker.example"),
        6 => ask = ask.with(format!("Origin: http://{HERE}")),
        7 => ask = ask.with("Connection: close"),
        8 => ask.version = "HTTP/1.0",
        9 => ask.version = ["HTTP/2.0", "HTTP/1.2"][rng.random_range(0..2)],
        10 => ask = ask.with("Expect: 100-continue"),
        11 => ask = ask.with("Expect: miracles"),
        12 | 13 => ask.cookie = Cookie::None,
        14 => ask.cookie = Cookie::MadeUp,
        15 => ask = ask.with("Content-Length: 5000"),
        16 => ask = ask.with("Transfer-Encoding: chunked"),
        17 => ask = ask.with("Content-Length: x"),
        18 => ask = ask.with("no header"),
        19 => ask.headers.retain(|header| !header.starts_with("Content-Type")),
        20 => ask = ask.with("Content-Length: 50"),
        _ => {}
    }
    ask
}
