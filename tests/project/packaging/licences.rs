//! The licences of the crates in the binary are those that the packages name.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{MK, RECIPE, between, holds, read, run};
use crate::skip::skip;
use crate::source::root;

const DOCUMENT: &str = "docs/FIRMWARE.md";
const TEXTS: &str = "docs/THIRD-PARTY-LICENSES.txt";

/// The crates that are linked into the programs.
fn linked() -> Vec<Value> {
    // The crates of this machine's platform have been fetched, for this test itself.
    let platform = format!("--filter-platform={}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--offline", "--locked", "--format-version=1", &platform]).current_dir(root());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let (packages, nodes) = (list(&metadata["packages"]), list(&metadata["resolve"]["nodes"]));
    let package = |id: &Value| packages.iter().find(|package| package["id"] == *id).expect("a package");
    // What a procedural macro needs is not linked, and neither are dependencies of builds and tests.
    let is_macro = |id: &Value| list(&package(id)["targets"]).iter().any(|target| target["kind"][0] == "proc-macro");
    let mut left = vec![metadata["resolve"]["root"].clone()];
    let mut found: Vec<Value> = Vec::new();
    while let Some(id) = left.pop() {
        if found.contains(&id) || is_macro(&id) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id).expect("a node");
        let normal = |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        left.extend(list(&node["deps"]).into_iter().filter(normal).map(|dependency| dependency["pkg"].clone()));
        found.push(id);
    }
    found.iter().map(|id| package(id).clone()).collect()
}

/// A crate's value of a key.
fn text(package: &Value, key: &str) -> String {
    package[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn packages_name_the_licences_of_their_crates() {
    let crates: Vec<_> = linked().iter().map(|package| (text(package, "name"), text(package, "license"))).collect();
    assert!(crates.len() > 20, "{crates:?}");
    // Most let the user choose MIT, which is the daemon's own licence.
    let choice = |licence: &str| licence.split(" OR ").any(|one| one == "MIT");
    let others: Vec<_> = crates.iter().filter(|(_, licence)| !choice(licence)).collect();
    let licences: BTreeSet<&str> = others.iter().map(|(_, licence)| licence.as_str()).collect();

    let named = |text: &str, separator| -> BTreeSet<String> {
        text.split(separator).map(|one| one.split_whitespace().next().unwrap_or_default().to_owned()).collect()
    };
    let wanted: BTreeSet<String> = licences.iter().map(|&licence| licence.to_owned()).chain(["MIT".into()]).collect();
    let recipe = read(RECIPE);
    assert_eq!(named(between(&recipe, "\nLICENSE = \"", "\"").unwrap(), " & "), wanted, "{RECIPE}");
    let make = read(MK);
    assert_eq!(named(between(&make, "\nES_IOT_SERVER_LICENSE = ", "\n").unwrap(), ", "), wanted, "{MK}");
    for (name, licence) in others {
        holds(MK, &[&format!("{licence} ({name})")]);
        holds(DOCUMENT, &[&format!("| `{name}` | {licence} |")]);
    }
}

/// Needs no crate but those of this test, so that it is never skipped.
#[test]
fn the_licence_texts_are_of_the_crates_in_cargo_lock() {
    let document = read(TEXTS);
    let table = between(&document, "\nCrates\n------\n\n", "\n\n").expect("the document has the table");
    let named: BTreeSet<(&str, &str)> = table
        .lines()
        .map(|line| line.split_once(' ').expect("name and version"))
        .map(|(name, rest)| (name, rest.split_whitespace().next().expect("a version")))
        .collect();
    let lock = read("Cargo.lock");
    for (name, version) in &named {
        let entry = format!("\nname = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "{TEXTS} has {name} {version}: run docs/scripts/update-licences");
    }
    for package in linked().iter().filter(|package| package["name"] != "es-iot-server") {
        let (name, version) = (text(package, "name"), text(package, "version"));
        assert!(
            named.contains(&(name.as_str(), version.as_str())),
            "{TEXTS} does not have {name} {version}: run docs/scripts/update-licences"
        );
    }
}

#[test]
fn the_licence_texts_are_what_the_sources_of_the_crates_have() {
    if let Some(output) = run("python3", &["docs/scripts/update-licences", "--check"]) {
        let report = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(3) => skip(format_args!("docs/scripts/update-licences: {report}")),
            code => panic!("{code:?}: {report}"),
        }
    }
}
