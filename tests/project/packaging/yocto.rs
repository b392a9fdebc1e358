//! The Yocto layer: what its recipes compute while `BitBake` parses them, run without `BitBake`, and what its files agree on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{RECIPE, RECIPE_SOURCE, between, checksum, directory, files, holds, read};
use crate::skip::skip;
use crate::source::root;

const BASE: &str = "meta-es-iot/recipes-connectivity/es-iot-server/es-iot-base_git.bb";

const NO_PYTHON: &str = "python3 is missing";

/// Runs the functions of a recipe with a stand-in for `BitBake`: variables from the arguments, and what the recipe sets printed as
/// `NAME=value` lines. A skipped recipe prints `SKIPPED: reason`.
const HARNESS: &str = r#"
import os, re, sys, types
recipe, *settings = sys.argv[1:]
text = open(recipe, encoding='utf-8').read()
class Skip(Exception): pass
class Data:
    def __init__(self):
        self.values = dict(re.findall(r'^(\w+) \?= "([^"]*)"$', text, re.M))
        self.values.update(re.findall(r'^(PV|ES_IOT_INPUTS) = "([^"]*)"$', text, re.M))
        self.values.update(setting.split('=', 1) for setting in settings)
        self.flags = {}
    def getVar(self, name): return self.values.get(name)
    def setVar(self, name, value): self.values[name] = value
    def setVarFlag(self, name, flag, value): self.flags[name, flag] = value
    def appendVarFlag(self, name, flag, value): self.flags[name, flag] = self.flags.get((name, flag), '') + value
bb = types.SimpleNamespace(parse=types.SimpleNamespace(SkipRecipe=Skip))
d = Data()
names = {'bb': bb, 'os': os, 'd': d}
functions = re.findall(r'^(def .*?)(?=^\S)', text, re.M | re.S)
anonymous = re.findall(r'^python \(\) \{\n(.*?)^\}', text, re.M | re.S)
for code in functions + ['def anonymous(d):\n' + body for body in anonymous]:
    exec(code, names)
    if code.startswith('def anonymous'):
        try: names['anonymous'](d)
        except Skip as reason: sys.exit('SKIPPED: %s' % reason)
for name in ('SOURCE_DATE_EPOCH', 'PKGV'):
    if name in d.values: print('%s=%s' % (name, d.values[name]))
for (name, flag), value in d.flags.items(): print('%s[%s]=%s' % (name, flag, value))
if 'es_iot_image_conf' in names: print(names['es_iot_image_conf'](d))
"#;

/// What a recipe computes with these settings; `None` without python3.
fn parse(recipe: &str, settings: &[&str]) -> Option<String> {
    let recipe = root().join(recipe);
    let mut arguments = vec!["-c", HARNESS, recipe.to_str().unwrap()];
    arguments.extend(settings);
    let output = Command::new("python3").args(&arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

fn git(dir: &Path, arguments: &[&str]) -> Output {
    let mut git = Command::new("git");
    git.arg("-C").arg(dir).args(["-c", "user.name=test", "-c", "user.email=test@test.invalid"]).args(arguments);
    git.env("GIT_COMMITTER_DATE", "1700000000 +0100").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    git.output().expect("git runs")
}

/// A directory with what the recipes look at.
fn checkout(name: &str) -> PathBuf {
    let dir = directory("yocto", name);
    fs::write(dir.join("Cargo.lock"), "[[package]]\nname = \"es-iot-server\"\n").unwrap();
    fs::create_dir(dir.join("src")).unwrap();
    dir
}

fn inputs(recipe: &str) -> Vec<String> {
    let text = read(recipe);
    between(&text, "\nES_IOT_INPUTS = \"", "\"").unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn tasks_depend_on_the_sources_and_on_nothing_else_in_the_checkout() {
    for recipe in [RECIPE, BASE] {
        let inputs = inputs(recipe);
        for input in &inputs {
            assert!(root().join(input).exists(), "{recipe}: {input} does not exist");
            assert!(!["build", "layers", "target", ".git", "."].contains(&input.as_str()), "{recipe}: {input}");
        }
        let text = read(recipe);
        for used in text.split("${S}/").skip(1) {
            let used = used.split([' ', '"']).next().unwrap();
            let known = inputs.iter().any(|input| Path::new(used).starts_with(input)) || used == "Cargo.lock";
            assert!(known, "{recipe}: {used} is used, but not in ES_IOT_INPUTS");
        }
    }
    let inputs = inputs(RECIPE);
    for input in ["Cargo.toml", "Cargo.lock", "build.rs", "src"] {
        assert!(inputs.iter().any(|one| one == input), "{input}");
    }
    let page = between(&read("build.rs"), "const PAGE: &str = \"", "\"").unwrap().to_owned();
    assert!(page.starts_with("src/"), "build.rs reads {page}, which is not in ES_IOT_INPUTS");

    // A build directory in the checkout, as kas has it.
    let dir = checkout("inputs");
    fs::create_dir_all(dir.join("build/tmp")).unwrap();
    let top = format!("EXTERNALSRC={}", dir.display());
    let settings = [top.as_str(), "ES_IOT_INPUTS=Cargo.lock src build.rs", "SOURCE_DATE_EPOCH_FALLBACK=1", "PV=1+git"];
    let Some(before) = parse(RECIPE_SOURCE, &settings) else { return skip(NO_PYTHON) };
    let dir = dir.display();
    let wanted = format!("do_compile[file-checksums]={dir}/Cargo.lock:True {dir}/src:True {dir}/build.rs:False\n");
    assert!(before.contains(&wanted), "{before}");
}

#[test]
fn time_and_version_are_those_of_the_commit() {
    let dir = checkout("commit");
    let top = format!("EXTERNALSRC={}", dir.display());
    let settings = [top.as_str(), "ES_IOT_INPUTS=src", "SOURCE_DATE_EPOCH_FALLBACK=1302044400", "PV=0.1.0+git"];
    git(&dir, &["init", "-q"]);
    git(&dir, &["add", "-A"]);
    let commit = git(&dir, &["commit", "-q", "-m", "test"]);
    assert!(commit.status.success(), "{}", String::from_utf8_lossy(&commit.stderr));
    // A younger file, in the checkout and in .git.
    fs::write(dir.join("src/younger"), "").unwrap();
    fs::write(dir.join(".git/younger"), "").unwrap();
    let Some(found) = parse(RECIPE_SOURCE, &settings) else { return skip(NO_PYTHON) };
    assert!(found.contains("SOURCE_DATE_EPOCH=1700000000\n"), "{found}");
    // UTC, so that a build machine's time zone does not matter.
    assert!(found.contains("PKGV=0.1.0+git20231114221320+"), "{found}");

    // An archive without .git. The directory is not within this repository.
    let dir = std::env::temp_dir().join(format!("es-iot-yocto-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("Cargo.lock"), "name = \"es-iot-server\"\n").unwrap();
    let top = format!("EXTERNALSRC={}", dir.display());
    let found = parse(RECIPE_SOURCE, &[&top, settings[1], settings[2], settings[3]]).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    assert!(found.contains("SOURCE_DATE_EPOCH=1302044400\n") && found.contains("PKGV=0.1.0+git0\n"), "{found}");
}

#[test]
fn a_layer_without_its_repository_is_reported_while_parsing() {
    let dir = directory("yocto", "alone");
    let top = format!("EXTERNALSRC={}", dir.display());
    let Some(found) = parse(RECIPE_SOURCE, &[&top]) else { return skip(NO_PYTHON) };
    let wanted = format!("SKIPPED: {}/Cargo.lock is not the Cargo.lock of es-iot-server.", dir.display());
    assert!(found.contains(&wanted) && found.contains("ES_IOT_GIT_URI"), "{found}");
    fs::write(dir.join("Cargo.lock"), "name = \"another\"\n").unwrap();
    let found = parse(RECIPE_SOURCE, &[&top]).unwrap();
    assert!(found.contains("is not the Cargo.lock of es-iot-server"), "{found}");
}

#[test]
fn a_source_from_git_needs_a_commit() {
    let uri = "ES_IOT_GIT_URI=git://git.example.com/es-iot-server.git;protocol=https;branch=main";
    let Some(found) = parse(RECIPE_SOURCE, &["EXTERNALSRC=", uri, "SRCREV=INVALID"]) else { return skip(NO_PYTHON) };
    assert!(found.contains("SKIPPED: ES_IOT_GIT_URI is set: ES_IOT_SRCREV must be a commit"), "{found}");
    let found =
        parse(RECIPE_SOURCE, &["EXTERNALSRC=", uri, "SRCREV=0123456789abcdef0123456789abcdef01234567"]).unwrap();
    assert_eq!(found, "", "BitBake's own fetcher does the rest");
}

#[test]
fn invalid_settings_are_reported_while_parsing() {
    let Some(found) = parse(RECIPE, &["ES_IOT_CAMERA_SOURCE=rpicam-vid"]) else { return skip(NO_PYTHON) };
    assert_eq!(found, "SKIPPED: ES_IOT_CAMERA_SOURCE is \"rpicam-vid\"; allowed: auto, rpicam, test, none\n");
    for source in ["auto", "rpicam", "test", "none"] {
        assert_eq!(parse(RECIPE, &[&format!("ES_IOT_CAMERA_SOURCE={source}")]).unwrap(), "", "{source}");
    }
    assert!(parse(RECIPE, &["ES_IOT_PASSWORD=it's"]).unwrap().contains("SKIPPED: ES_IOT_PASSWORD"));

    for setting in [
        "ES_IOT_HOSTNAME=-a",
        "ES_IOT_HOSTNAME=a.b",
        "ES_IOT_NTP_SERVER=a;b",
        "ES_IOT_SYSLOG_SERVER=a b",
        "ES_IOT_RTSP_URL=http://a/b",
        "ES_IOT_RTSP_URL=rtsp://a/\"b",
        "ES_IOT_RTSP_URL=rtsp://a b",
        "ES_IOT_LOG_LEVEL=LOUD",
        "ES_IOT_OVERLAY=relative.json",
        "ES_IOT_OVERLAY=/no/such/file",
    ] {
        let found = parse(BASE, &[setting]).unwrap();
        assert!(found.starts_with(&format!("SKIPPED: {} ", setting.split_once('=').unwrap().0)), "{setting}: {found}");
    }
}

#[test]
fn settings_of_the_build_are_the_lines_of_image_conf() {
    let overlay = directory("yocto", "settings").join("overlay.json");
    fs::write(&overlay, "{}").unwrap();
    let overlay_setting = format!("ES_IOT_OVERLAY={}", overlay.display());
    let settings = [
        "ES_IOT_HOSTNAME=camera-1",
        "ES_IOT_NTP_SERVER=192.0.2.1 ntp.example.com",
        "ES_IOT_SYSLOG_SERVER=192.0.2.1:514",
        "ES_IOT_RTSP_URL=rtsp://user:pa$$word@192.0.2.1:8554/ES_MTX",
        "ES_IOT_LOG_LEVEL=DEBUG",
    ];
    let Some(found) = parse(BASE, &[&settings[..], &[overlay_setting.as_str()]].concat()) else {
        return skip(NO_PYTHON);
    };
    for setting in settings {
        let line = setting.strip_prefix("ES_IOT_").unwrap();
        assert!(found.contains(&format!("{line}\n")), "{line}: {found}");
    }
    assert!(found.contains(&format!("do_install[file-checksums]= {}:True\n", overlay.display())), "{found}");
    // The names are those that es-iot-card knows.
    for name in ["HOSTNAME", "NTP_SERVER", "SYSLOG_SERVER", "RTSP_URL", "LOG_LEVEL"] {
        holds("config/base/image.conf", &[&format!("\n#{name}=")]);
        holds(BASE, &[&format!("\nES_IOT_{name} ?= \"\"\n")]);
        holds("meta-es-iot/README.md", &[&format!("`ES_IOT_{name}`")]);
    }
}

#[test]
fn every_file_of_the_base_is_installed() {
    let text = read(BASE);
    for path in files(&root().join("config/base")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(&format!("config/base/{name} ")), "{BASE}: config/base/{name}");
    }
}

#[test]
fn notices_of_the_crates_are_in_the_image() {
    if let Some(md5) = checksum("md5sum", "docs/THIRD-PARTY-LICENSES.txt") {
        holds(RECIPE, &[&format!("LIC_FILES_CHKSUM += \"file://docs/THIRD-PARTY-LICENSES.txt;md5={md5}\"")]);
    }
    holds(RECIPE, &["${S}/LICENSE ${S}/docs/THIRD-PARTY-LICENSES.txt ${D}${datadir}/es-iot/\n"]);
}
