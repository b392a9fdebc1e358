//! The repository against itself: shipped configuration, documents, counters, dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::source::{program, root};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{self, Sources};
use es_iot_server::stats::Counter;
use serde_json::Value;

/// Lines of a source file above which it is two files.
const MOST_LINES: usize = 350;

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of the project by their path from its root: those that git knows, or, where there is no git (an unpacked
/// archive), all but what is built.
pub fn files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    if let Ok(Output { status, stdout, .. }) = listed
        && status.success()
        && root().join(".git").exists()
    {
        let names = String::from_utf8(stdout).unwrap();
        return names
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .filter(|path| root().join(path).is_file())
            .collect();
    }
    let mut found = Vec::new();
    walk(Path::new(""), &mut found);
    found
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = directory.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !["target", "VENDOR", ".git", "corpus", "artifacts"].iter().any(|name| path.ends_with(name)) {
                walk(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// The daemon with an environment that says nothing.
fn daemon(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_es-iot-server"));
    for variable in ["SERVER_HOST", "DATA_PORT", "SETTINGS_PORT", "AUTH_PORT", "AUTH_PASSWORD", "LOG_LEVEL"] {
        command.env_remove(variable);
    }
    command.args(arguments).current_dir(root()).output().unwrap()
}

/// Each key of a configuration, dotted.
fn keys(configuration: &Value) -> Vec<String> {
    let sections = configuration.as_object().unwrap();
    sections
        .iter()
        .flat_map(|(section, keys)| keys.as_object().unwrap().keys().map(move |key| format!("{section}.{key}")))
        .collect()
}

// --- what is shipped ------------------------------------------------------------------------------------------

#[test]
fn the_daemon_takes_every_shipped_configuration() {
    let mut checked = Vec::new();
    for entry in fs::read_dir(root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "json") || name == "camera_settings.json" {
            continue;
        }
        let output = daemon(&["--check-config", "--config", path.to_str().unwrap()]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        checked.push(name);
    }
    assert!(["server.json", "demo.json"].iter().all(|name| checked.iter().any(|done| done == name)), "{checked:?}");
}

#[test]
fn a_wrong_configuration_is_refused() {
    let scratch = std::env::temp_dir().join(format!("es-iot-project-{}.json", std::process::id()));
    fs::write(&scratch, r#"{"camera": {"framerate": 0}}"#).unwrap();
    let output = daemon(&["--check-config", "--config", scratch.to_str().unwrap()]);
    fs::remove_file(&scratch).unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("camera.framerate is 0; allowed: a whole number from 1 to 120")
    );
}

#[test]
fn the_shipped_camera_settings_are_the_defaults() {
    assert_eq!(CameraSettings::from_json(&read("config/camera_settings.json")), Ok(CameraSettings::default()));
}

#[test]
fn the_shipped_configuration_has_every_key_at_its_default() {
    let nothing = Sources {
        config_file: None,
        overlays: Vec::new(),
        log_level: None,
        env: &|_| None,
        default_file: "/nonexistent".into(),
    };
    let defaults: Value = serde_json::from_str(&config::load(&nothing).unwrap().config.to_json_masked()).unwrap();
    assert_eq!(json("config/server.json"), defaults);
}

// --- counters -------------------------------------------------------------------------------------------------

/// The counters that some words name, other than for reading their count.
fn counted(words: &[String]) -> BTreeSet<&str> {
    let named = words.windows(5).filter(|five| five[2] == "Counter" && five[3] == "::" && five[0..2] != ["count", "("]);
    named.map(|five| five[4].as_str()).collect()
}

#[test]
fn somebody_increments_every_counter() {
    let program = program();
    let elsewhere = program.iter().filter(|source| source.path != "stats.rs");
    let counted: BTreeSet<&str> = elsewhere.flat_map(|source| counted(&source.words)).collect();
    let idle: Vec<String> = Counter::ALL
        .iter()
        .map(|counter| format!("{counter:?}"))
        .filter(|name| !counted.contains(name.as_str()))
        .collect();
    assert!(idle.is_empty(), "nobody increments {}", idle.join(", "));
}

#[test]
fn reading_a_counter_does_not_count_as_incrementing_it() {
    let words = crate::source::Parsed::of("fn f() { stats.count(Counter::Ticks); stats.bump(Counter::Closed) }").words;
    assert_eq!(counted(&words).into_iter().collect::<Vec<_>>(), ["Closed"]);
}

// --- dependencies ---------------------------------------------------------------------------------------------

fn version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// What Yocto 6.0 has; `cargo metadata` for the platform that this test was built for.
#[test]
fn no_dependency_needs_a_newer_rust_than_we_promise() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let about = String::from_utf8(Command::new(rustc).arg("-vV").output().unwrap().stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let needs = |package: &Value| package["rust_version"].as_str().map(version);
    let ours = packages.iter().find(|package| package["name"] == "es-iot-server").and_then(needs).unwrap();
    assert!(ours <= (1, 94, 0), "rust-version is {ours:?}");
    assert!(packages.len() > 10, "{} packages", packages.len());
    for package in packages {
        assert!(needs(package).is_none_or(|theirs| theirs <= ours), "{} needs {:?}", package["name"], needs(package));
    }
}

#[test]
fn the_lock_file_is_committed() {
    assert!(read("Cargo.lock").contains("name = \"es-iot-server\""));
    assert!(!read(".gitignore").lines().any(|line| line.trim().ends_with("Cargo.lock")));
    if root().join(".git").exists() {
        let known =
            Command::new("git").args(["ls-files", "--error-unmatch", "Cargo.lock"]).current_dir(root()).output();
        assert!(known.is_ok_and(|output| output.status.success()), "git does not know Cargo.lock");
    }
}

// --- documents ------------------------------------------------------------------------------------------------

/// The contents of a document's blocks of shell commands.
fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match &mut block {
            Some(inside) if line == "```" => {
                blocks.push(inside.trim_end().to_owned());
                block = None;
            }
            Some(inside) => inside.extend([line, "\n"]),
            None if line == "```sh" => block = Some(String::new()),
            None => {}
        }
    }
    blocks
}

/// The first runs the server, the second its tests; `.ci/run` takes the second from there.
#[test]
fn the_readme_begins_with_two_commands() {
    let readme = read("README.md");
    let blocks = shell_blocks(&readme);
    let [run, test, ..] = &blocks[..] else { panic!("README.md has not two commands") };
    assert!(run.lines().count() == 1 && test.lines().count() == 1, "{run}\n{test}");
    let script = run.split_whitespace().last().unwrap();
    assert!(run.contains(&format!("sh {script}")) && root().join(script).is_file(), "{run}");
    assert!(test.starts_with("cargo test"), "{test}");
    let ends = readme.find(&format!("```sh\n{test}\n```")).unwrap();
    assert!(readme[..ends].lines().count() < 30, "the two commands come first");
}

#[test]
fn every_relative_link_leads_somewhere() {
    let (mut links, mut broken) = (0, Vec::new());
    for document in files().iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = read(document.to_str().unwrap());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path =
                root().join(if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) });
            let leads = path.exists() && (anchor.is_empty() || has_heading(&path, anchor));
            if !leads {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(links > 5, "only {links} links were found");
}

fn has_heading(document: &Path, anchor: &str) -> bool {
    fs::read_to_string(document).unwrap().lines().any(|line| line.starts_with('#') && slug(line) == anchor)
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_key_is_documented() {
    let keys = keys(&json("config/server.json"));
    assert_eq!(keys.len(), 40, "a key was added or removed: document it in README.md and docs/OPERATIONS.md");
    for document in ["README.md", "docs/OPERATIONS.md"] {
        let text = read(document);
        for key in &keys {
            assert!(text.contains(&format!("`{key}`")), "{document} does not document {key}");
        }
    }
}

#[test]
fn every_counter_is_documented_and_no_other() {
    let operations = read("docs/OPERATIONS.md");
    let (_, section) = operations.split_once("\n## Counters\n").expect("OPERATIONS.md has the section");
    let rows = section.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    let counters: Vec<&str> = Counter::ALL.iter().map(|counter| counter.name()).collect();
    assert_eq!(documented, counters);
}

/// What is logged in more than one word is quoted as the source has it.
#[test]
fn troubleshooting_quotes_real_log_lines() {
    let source: String = files()
        .iter()
        .filter(|path| path.starts_with("src") && path.extension().is_some_and(|e| e == "rs"))
        .map(|path| read(path.to_str().unwrap()))
        .collect();
    // String literals go on after a backslash and a line's end.
    let source = source.replace("\\\n", "\n").split_whitespace().collect::<Vec<_>>().join(" ");
    let document = read("docs/TROUBLESHOOTING.md");
    let (mut quoted, mut invented) = (0, Vec::new());
    for row in document.lines().filter(|line| line.starts_with("| `")) {
        let line = row.trim_start_matches("| `").split('`').next().unwrap();
        // What stands for a value, and what may be left out.
        for part in line.split(['…', '{', '}']).map(str::trim).filter(|part| part.contains(' ')) {
            quoted += 1;
            if !source.contains(part) {
                invented.push(part);
            }
        }
    }
    assert!(invented.is_empty(), "TROUBLESHOOTING.md quotes what nothing in src says: {invented:#?}");
    assert!(quoted > 10, "only {quoted} lines are quoted");
}

#[test]
fn the_changelog_has_this_version() {
    let changelog = read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line.starts_with(concat!("## [", env!("CARGO_PKG_VERSION"), "]"))));
    assert!(changelog.contains("\n## [Unreleased]"));
}

// --- the tree -------------------------------------------------------------------------------------------------

#[test]
fn no_source_file_is_long() {
    for path in files().iter().filter(|path| path.starts_with("src") && path.extension().is_some_and(|e| e == "rs")) {
        let lines = read(path.to_str().unwrap()).lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines, more than {MOST_LINES}: make it two", path.display());
    }
}

/// The names of tests that return early, other than by `return skip(reason)`: such a test passes, and tried nothing.
fn silent_returns(text: &str) -> Vec<String> {
    let words = crate::source::words(text);
    let mut found = Vec::new();
    for at in 0..words.len() {
        if !crate::source::starts_with(&words[at..], &["#", "[", "test", "]"]) {
            continue;
        }
        let body = &words[at..at + crate::source::item_length(&words[at..])];
        let name = body.iter().skip_while(|word| *word != "fn").nth(1).unwrap();
        let returns = |at: usize| body[at] == "return" && !crate::source::starts_with(&body[at + 1..], &["skip", "("]);
        if (0..body.len()).any(returns) {
            found.push(name.clone());
        }
    }
    found
}

#[test]
fn a_test_that_tries_nothing_is_counted_as_skipped() {
    for (text, silent) in [
        ("#[test] fn t() { if no() { return; } }", true),
        ("#[test] #[ignore] fn t() { let Some(x) = y() else { return }; }", true),
        ("#[test] fn t() { if no() { return eprintln!(\"skipped\"); } }", true),
        ("#[test] fn t() { if no() { return skip(\"no root\"); } }", false),
        ("fn helper() { return; }", false),
    ] {
        assert_eq!(silent_returns(text).len(), usize::from(silent), "{text}");
    }
    let sources = files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let silent: Vec<String> = sources
        .flat_map(|path| {
            let tests = silent_returns(&read(path.to_str().unwrap()));
            tests.into_iter().map(move |test| format!("{}: {test}", path.display()))
        })
        .collect();
    assert!(silent.is_empty(), "these return without skip(reason) of tests/support/skip.rs: {silent:#?}");
}

#[test]
fn nothing_names_a_developers_directories() {
    // Put together here, so that this file does not hold them itself.
    let homes = ["/wo-rk/", "/ho-me/", "/Us-ers/", "/tm-p/target"].map(|path| path.replace('-', ""));
    for path in files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let home = homes.iter().find(|home| line.contains(home.as_str()));
            assert!(home.is_none(), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn the_housekeeping_files_are_there() {
    for file in [
        "LICENSE",
        "rustfmt.toml",
        "clippy.toml",
        ".cargo/config.toml",
        ".editorconfig",
        ".gitattributes",
        ".ci/run",
        "config/demo.sh",
    ] {
        assert!(root().join(file).is_file(), "there is no {file}");
    }
}
