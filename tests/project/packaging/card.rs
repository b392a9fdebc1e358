//! The settings on the card reach the daemon: under either init, as overlays in its environment.

use std::fs;
use std::process::Command;

use super::{DAEMON, DEFAULTS, INIT, UNIT, between, holds, read};

/// Written at the boot, before the daemon starts; absent without an image's card.
const ENVIRONMENT: &str = "/run/es-iot-card/environment";

#[test]
fn the_unit_reads_the_cards_environment_after_the_defaults() {
    let unit = read(UNIT);
    let files: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("EnvironmentFile=")).collect();
    assert_eq!(files, [format!("-{DEFAULTS}"), format!("-{ENVIRONMENT}")]);
    holds(UNIT, &[&format!("\nExecStart={DAEMON} ")]);
    // The daemon reads the overlays themselves, beside that file. ProtectSystem=strict leaves /run readable.
    for hidden in ["InaccessiblePaths=", "TemporaryFileSystem=", "RootDirectory=", "RootImage="] {
        assert!(!unit.lines().any(|line| line.starts_with(hidden)), "{hidden}");
    }
}

#[test]
fn the_init_script_reads_the_cards_environment_after_the_defaults() {
    holds(INIT, &[&format!("\nCARD_ENVIRONMENT=\"{ENVIRONMENT}\"\n")]);
    let script = read(INIT);
    let settings = between(&script, "\nunset ", "\nset +a\n").expect("the lines that read the settings");
    let scratch = std::env::temp_dir().join(format!("es-iot-card-{}", std::process::id()));
    fs::create_dir(&scratch).unwrap();
    let [defaults, card] = ["defaults", "card"].map(|name| scratch.join(name));
    let settings = settings.replace("/etc/default/$DAEMON", defaults.to_str().unwrap());
    let printed = || {
        let program = format!("unset {settings}\nset +a\nenv");
        let mut shell = Command::new("sh");
        shell.args(["-c", &program]).env("CARD_ENVIRONMENT", &card).env("CONFIG_OVERLAY", "/the/shell's");
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.strip_prefix("CONFIG_OVERLAY=")).map(str::to_owned)
    };
    let seen = [
        printed(),
        fs::write(&defaults, "CONFIG_OVERLAY=/etc/es-iot/overlay.json\n").map(|()| printed()).unwrap(),
        fs::write(&card, "CONFIG_OVERLAY=/run/es-iot-card/server.json\n").map(|()| printed()).unwrap(),
    ];
    fs::remove_dir_all(&scratch).unwrap();
    assert_eq!(seen, [None, Some("/etc/es-iot/overlay.json".into()), Some("/run/es-iot-card/server.json".into())]);
}
