//! The walls of `docs/ARCHITECTURE.md`, held: which part of the program may name what.
//!
//! The test reads the source. It is not proof against someone who means to get round it (a macro could), but it fails on
//! every slip, and says where.

mod circles;

use crate::source::paths::paths;
use crate::source::{Parsed, Source, program, starts_with};
use circles::circles;

/// The parts that decide: time, bytes and randomness come in as arguments, and what is to be done goes out as values.
const PURE: [&str; 17] = [
    "wire", "service", "camera", "server", "limits", "stats", "time", "limiter", "bucket", "sorted", "frame", "ids",
    "logging", "os", "listen", "media", "base64",
];

/// The floors of the house, the lowest first: a part names parts below it, never above.
const FLOORS: [&str; 21] = [
    "limits", "os", "ids", "time", "logging", "stats", "bucket", "sorted", "base64", "limiter", "sys", "config",
    "listen", "camera", "media", "wire", "frame", "service", "server", "reactor", "start",
];

/// What a pure part may not name, nor anything below it.
const NOT_PURE: [&str; 29] = [
    "mio",
    "nix",
    "libc",
    "log",
    "syslog",
    "std::env",
    "std::fs",
    "std::os",
    "std::process",
    "std::sync",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::io::Read",
    "std::io::Write",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::net::*",
    "std::time::Instant",
    "std::time::SystemTime",
    "rand::rng",
    "rand::rngs::SysRng",
    "crate::sys",
    "crate::reactor",
    "crate::start",
    "crate::config::load",
];

/// The one file that may count references: to bytes that never change, which many connections send.
const SHARED_BYTES: &str = "frame.rs";

/// Macros that write to a standard stream.
const PRINTING: [&str; 5] = ["print::!", "println::!", "eprint::!", "eprintln::!", "dbg::!"];

/// One broken wall a line.
fn breaches(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut refuse = |what: &str, why: &str| found.push(format!("src/{}: {what}: {why}", source.path));
    let own = part_of(source);
    let within = |part: &str| own == part;
    let pure = PURE.iter().any(|part| within(part));
    for path in paths(&source.words) {
        let is_or_is_in =
            |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        if pure && NOT_PURE.iter().chain(&PRINTING).any(&is_or_is_in) {
            refuse(&path, "a pure part takes it as an argument, or returns what is to be done");
        }
        if pure && (path.ends_with("Instant::now") || path.ends_with("SystemTime::now")) {
            refuse(&path, "time comes in as an argument");
        }
        if within("sys") && ["crate::wire", "crate::service", "crate::server", "crate::camera"].iter().any(is_or_is_in)
        {
            refuse(&path, "sys knows no protocol");
        }
        if !within("reactor") && is_or_is_in(&"mio") {
            refuse(&path, "mio is the reactor's");
        }
        if !within("sys") && ["nix", "libc"].iter().any(is_or_is_in) {
            refuse(&path, "the kernel's interfaces are sys's");
        }
        let counted = path.ends_with("::Rc") && source.path != SHARED_BYTES;
        if let Some(below) = path.strip_prefix("crate::").and_then(|path| path.split("::").next())
            && let (Some(own), Some(other)) = (floor(own), floor(below))
            && other > own
        {
            refuse(&path, "a part names what is on the floors below it");
        }
        if path.ends_with("RefCell") || counted {
            refuse(&path, "one thread and one owner need plain values");
        }
    }
    for at in 0..source.words.len() {
        let words = &source.words[at..];
        if words[0] == "unsafe" && !within("sys") {
            refuse("unsafe", "unsafe is sys's");
        }
        if words[0] == "static" || words[0] == "thread_local" {
            refuse(&words[..words.len().min(3)].join(" "), "no globals");
        }
        if starts_with(words, &["impl", "Server"]) && source.path != "server.rs" {
            refuse("impl Server", "each part has its own state, and server.rs only routes");
        }
        if starts_with(words, &["#", "[", "allow"]) || starts_with(words, &["#", "!", "[", "allow"]) {
            refuse("#[allow]", "use #[expect(.., reason = \"..\")], which says why and ends with its cause");
        }
        if starts_with(words, &["#", "[", "expect"]) || starts_with(words, &["#", "!", "[", "expect"]) {
            let end = words.iter().position(|word| word == "]").unwrap();
            if !words[..end].iter().any(|word| word == "reason") {
                refuse("#[expect]", "it needs a reason");
            }
        }
    }
    found
}

/// The part of the program that a file belongs to: the first name of its path, such as `sys`.
fn part_of(source: &Source) -> &str {
    let first = source.path.split('/').next().unwrap_or(&source.path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// On which floor a part is; none for the roots of the crate and the client.
fn floor(part: &str) -> Option<usize> {
    FLOORS.iter().position(|name| *name == part)
}

fn breaches_of(path: &str, text: &str) -> Vec<String> {
    breaches(&Source { path: path.into(), words: Parsed::of(text).words })
}

#[test]
fn the_walls_hold() {
    let program = program();
    assert!(program.len() > 50, "only {} files were found", program.len());
    for part in program.iter().map(part_of) {
        assert!(floor(part).is_some() || ["lib", "main", "bin"].contains(&part), "src/{part} is on no floor");
    }
    for part in FLOORS {
        assert!(program.iter().any(|source| part_of(source) == part), "there is no src/{part}");
    }
    let found: Vec<String> = program.iter().flat_map(breaches).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The map of docs/ARCHITECTURE.md has every part, in the order of the floors.
#[test]
fn the_map_is_that_of_the_tree() {
    let document = std::fs::read_to_string(crate::source::root().join("docs/ARCHITECTURE.md")).unwrap();
    let map = document.split_once("## The map").unwrap().1.split_once("\n\nWithin").unwrap().0;
    let rows = map.lines().filter(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    let expected: Vec<&str> = FLOORS.into_iter().chain(["main", "bin"]).collect();
    assert_eq!(named, expected);
}

#[test]
fn no_import_goes_round_in_a_circle() {
    assert_eq!(circles(&program()), Vec::<Vec<String>>::new());
    let of = |files: &[(&str, &str)]| {
        let source = |&(path, text): &(&str, &str)| Source { path: String::from(path), words: Parsed::of(text).words };
        circles(&files.iter().map(source).collect::<Vec<_>>())
    };
    let rules = ("config/rules.rs", "use super::value::Whole;");
    assert_eq!(of(&[("config/value.rs", "use super::rules;"), rules]), [["config::rules", "config::value"]]);
    assert_eq!(of(&[("config/value.rs", "use crate::os::Errno;"), rules, ("os.rs", "")]), Vec::<Vec<String>>::new());
    let handed_on = [
        ("server.rs", "mod interface; pub use interface::Errno;"),
        ("server/interface.rs", "use crate::service::data::Source;"),
        ("service/data.rs", "use crate::server::Errno;"),
    ];
    assert_eq!(of(&handed_on), [["server::interface", "service::data"]]);
}

#[test]
fn the_test_would_fail() {
    for (path, text, part) in [
        ("server.rs", "use std::{net::{IpAddr, TcpStream}, fs};", "std::net::TcpStream"),
        ("server/connections.rs", "use std::{net::{IpAddr, TcpStream}, fs};", "std::fs"),
        ("wire/packet.rs", "use std::net; fn f(s: net::UdpSocket) {}", "std::net::UdpSocket"),
        ("wire/packet.rs", "use std::net as n; fn f(s: n::TcpListener) {}", "std::net::TcpListener"),
        ("wire/packet.rs", "use std::net::*;", "std::net::*"),
        ("camera/supervisor.rs", "fn f() { let now = std::time::Instant::now(); }", "std::time::Instant::now"),
        ("camera/supervisor.rs", "use tokio::time::Instant; fn f() { Instant::now(); }", "Instant::now"),
        ("service/data.rs", "fn f() { std::thread::sleep(x) }", "std::thread::sleep"),
        ("service/data.rs", "fn f() { println!(\"x\") }", "println"),
        ("limiter.rs", "use crate::sys::clock;", "crate::sys::clock"),
        ("stats.rs", "fn f() { std::env::var(\"X\") }", "std::env::var"),
        ("server.rs", "fn f() { log::info!(\"x\") }", "log::info"),
        ("sys/socket.rs", "use crate::{limits, wire::Id};", "crate::wire::Id"),
        ("sys/socket.rs", "fn f() -> crate::server::Errno {}", "crate::server::Errno"),
        ("start.rs", "use mio::Poll;", "mio::Poll"),
        ("wire.rs", "use crate::service::data::Schedule;", "crate::service"),
        ("config/types.rs", "use crate::camera::settings::CameraSettings;", "crate::camera"),
        ("sys/log.rs", "fn f(c: &crate::config::Config) {}", "crate::config::Config"),
        ("reactor.rs", "fn f() { nix::libc::EIO }", "nix::libc::EIO"),
        ("config/read.rs", "use libc;", "libc"),
        ("reactor.rs", "fn f() { unsafe { g() } }", "unsafe"),
        ("config.rs", "static mut COUNT: u32 = 0;", "static mut COUNT"),
        ("server/stream.rs", "impl Server { fn tick(&mut self) {} }", "impl Server"),
        ("config.rs", "#[allow(dead_code)] fn f() {}", "#[allow]"),
        ("config.rs", "#![allow(dead_code)]", "#[allow]"),
        ("config.rs", "#[expect(dead_code)] fn f() {}", "#[expect]"),
        ("config.rs", "use std::rc::Rc; struct S { s: Rc<std::cell::RefCell<u8>> }", "std::cell::RefCell"),
        ("wire/data.rs", "/* no end of it */ use\nstd :: fs\n;", "std::fs"),
        ("wire/data.rs", "fn f() { let c = '\"'; std::fs::read(c) }", "std::fs::read"),
        ("wire/data.rs", "fn f<'a>(x: &'a str) { let c = '\\''; std::fs::read(x) }", "std::fs::read"),
        ("wire/data.rs", "fn f() { r#\"a \" b\"#; std::fs::read(x) }", "std::fs::read"),
        ("wire/data.rs", "#[cfg(test)] mod tests { } use std::fs;", "std::fs"),
    ] {
        let found = breaches_of(path, text);
        assert!(found.iter().any(|breach| breach.contains(part)), "{path}: {text}: {found:?}");
    }
}

#[test]
fn the_test_would_pass() {
    for (path, text) in [
        ("server.rs", "use std::net::{IpAddr, SocketAddr}; use std::io; fn f(e: io::Error) { e.kind(); }"),
        ("server.rs", "// use std::fs;\n/// [`std::fs::read`]\nfn f() { let s = \"std::fs\"; }"),
        ("server.rs", "#[cfg(test)]\nmod tests { use std::fs; fn f() { if a { b() } } }\nfn g() {}"),
        ("server.rs", "#[cfg(test)] use std::fs;"),
        ("server.rs", "impl Server { fn handle(&mut self) {} }"),
        ("server.rs", "fn f(s: &'static str) { let log = 1; if log != 2 {} }"),
        ("server.rs", "use std::time::Duration; mod process; fn f() { process::run() }"),
        ("sys/child.rs", "use nix::unistd::Pid; fn f() { unsafe { libc::close(3) } }"),
        ("reactor.rs", "use mio::{Events, Poll}; #[expect(lint, reason = \"x\")] fn f() {}"),
    ] {
        assert_eq!(breaches_of(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn files_of_tests_are_told_apart() {
    let program = program();
    assert!(program.iter().all(|source| !source.path.contains("tests")), "a file of tests counts as the program");
    assert!(program.iter().any(|source| source.path == "camera/supervisor.rs"));
    assert_eq!(Parsed::of("#[cfg(test)]\nmod soak;\nmod table;").test_modules, ["soak"]);
}
