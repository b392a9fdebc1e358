//! What docs/MIGRATING.md promises to sites that keep the clients of the original program.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::golden::{READY, UPDATE, UPDATED_SETTINGS};
use crate::support::{Client, Daemon, Launch, packet};

const DOCUMENT: &str = include_str!("../../docs/MIGRATING.md");
const README: &str = include_str!("../../README.md");
/// Not trusted here, so that it stands for a host on the network.
const HOST: &str = "127.0.0.2";
const NOT_AUTHENTICATED: u8 = 4;
const NOT_VALID_HERE: u8 = 3;

fn launch() -> Launch {
    Launch::new().set("auth.trust_loopback", false)
}

fn is_refused(daemon: &Daemon) {
    for (id, port) in [(1, daemon.data_port()), (2, daemon.settings_port())] {
        let mut client = Client::connect_from(HOST, port);
        client.expect_error(id, NOT_AUTHENTICATED);
        client.expect_end();
    }
}

fn is_served(daemon: &Daemon) {
    Client::connect_from(HOST, daemon.data_port()).data();
    let mut client = Client::connect_from(HOST, daemon.settings_port());
    client.send(&UPDATE);
    assert_eq!(client.read(), UPDATED_SETTINGS);
}

#[test]
fn clients_that_give_the_password_first_work_as_they_are() {
    let mut daemon = launch().start();
    is_refused(&daemon);
    // Step 7: why it gets no data.
    daemon.await_log(&format!("refused {HOST} on the data port: not authenticated"));
    assert_eq!(daemon.try_password(HOST, "1111"), READY);
    is_served(&daemon);
}

#[test]
fn one_key_lets_in_clients_that_never_give_it_and_log_and_documents_name_it() {
    let block = DOCUMENT.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    let file: Value = serde_json::from_str(block).unwrap();
    let [(section, keys)] = &file.as_object().unwrap().iter().collect::<Vec<_>>()[..] else { panic!("{file}") };
    let [(key, value)] = &keys.as_object().unwrap().iter().collect::<Vec<_>>()[..] else { panic!("{file}") };
    let name = format!("{section}.{key}");

    let mut launch = launch();
    let mut daemon = launch.start();
    daemon.await_log(&format!("set {name} to {value}"));
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&format!("set `{name}` to {value}")), "README.md does not name the key");
    for link in ["docs/MIGRATING.md", "docs/SECURITY.md"] {
        assert!(README.contains(&format!("]({link})")), "README.md does not link {link}");
    }
    is_refused(&daemon);
    launch.change(&name, (*value).clone());
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    let warning = "the data and settings ports, the video and the page are open to everyone who can reach them";
    daemon.await_log(warning);
    daemon.await_log("configuration reread");
    is_served(&daemon);
    launch.start().await_log(warning);
}

#[test]
fn the_last_step_refuses_clients_that_send_the_password_itself_and_names_them() {
    let mut launch = launch();
    let mut daemon = launch.start();
    launch.change("auth.plain", false);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.try_password(HOST, "1111"), packet(0, 2, &[NOT_VALID_HERE]));
    daemon.await_log(&format!("refused {HOST} on the auth port: it sent the password itself"));
    is_refused(&daemon);
}

#[test]
fn the_settings_file_with_the_keys_of_the_document_is_taken_over() {
    let (_, row) = DOCUMENT.split_once("| settings file | `camera_settings.json`, with the keys `").unwrap();
    let keys: Vec<&str> = row.split_once("` |").unwrap().0.split("`, `").collect();
    let values = [20000.into(), 3.into(), 1.5.into(), 1.25.into(), 1.5.into(), 0.25.into()];
    assert_eq!(keys.len(), values.len());
    let file: serde_json::Map<String, Value> = keys.into_iter().map(str::to_owned).zip(values).collect();

    let launch = launch();
    let mut daemon = launch.start();
    std::fs::write(launch.settings_file(), Value::from(file).to_string()).unwrap();
    let checked = launch.command().arg("--check-config").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.try_password(HOST, "1111"), READY);
    assert_eq!(Client::connect_from(HOST, daemon.settings_port()).read(), [200, 3, 15, 12, 15, 159]);
}
