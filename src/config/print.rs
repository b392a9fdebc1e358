//! The configuration as JSON, for people: in the order of the documentation, and without passwords.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::{CameraConfig, Config, DataSource, LogSink, LogTarget, LoggingConfig, mask, rules};

/// What a password is shown as.
const MASK: &str = "***";

impl Config {
    /// The configuration as pretty JSON with a newline at the end: what `--print-config` prints. Passwords are
    /// `***`, also those in URLs. Without a password it reads back as the same configuration.
    ///
    /// # Panics
    ///
    /// Never: strings, numbers and lists of them are always JSON.
    pub fn to_json_masked(&self) -> String {
        let mut text = serde_json::to_string_pretty(&view(self)).expect("strings, numbers and lists are always JSON");
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct View<'a> {
    server: ServerView<'a>,
    data: DataView,
    camera: CameraView,
    auth: AuthView<'a>,
    paths: PathsView<'a>,
    logging: LoggingView<'a>,
}

#[derive(Serialize)]
struct ServerView<'a> {
    host: &'a str,
    data_port: u16,
    settings_port: u16,
    auth_port: u16,
    max_clients: u16,
}

#[derive(Serialize)]
struct DataView {
    source: Value,
}

#[derive(Serialize)]
struct CameraView {
    source: &'static str,
    camera: Option<u32>,
    width: u32,
    height: u32,
    framerate: u32,
    codec: &'static str,
    intra: u32,
    bitrate: Option<u32>,
    vflip: bool,
    hflip: bool,
    rotation: u32,
    extra_args: Vec<String>,
    rtsp_url: String,
    command: Option<Vec<String>>,
    publisher: Option<Vec<String>>,
    stall_seconds: u32,
}

#[derive(Serialize)]
struct AuthView<'a> {
    password: Option<&'static str>,
    password_file: Option<Cow<'a, str>>,
    required: bool,
    grant_seconds: u32,
    trust_loopback: bool,
}

#[derive(Serialize)]
struct PathsView<'a> {
    state_dir: Cow<'a, str>,
    camera_settings: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct LoggingView<'a> {
    level: &'static str,
    target: Value,
    file: Option<Cow<'a, str>>,
}

fn view(config: &Config) -> View<'_> {
    let Config { server, data, camera, auth, paths, logging } = config;
    View {
        server: ServerView {
            host: &server.host,
            data_port: server.data_port,
            settings_port: server.settings_port,
            auth_port: server.auth_port,
            max_clients: server.max_clients,
        },
        data: DataView {
            source: match &data.source {
                DataSource::Random => json!("random"),
                DataSource::File(path) => json!({ "file": path.to_string_lossy() }),
            },
        },
        camera: camera_view(camera),
        auth: AuthView {
            password: auth.password.as_ref().map(|_| MASK),
            password_file: optional_path(auth.password_file.as_ref()),
            required: auth.required,
            grant_seconds: auth.grant_seconds,
            trust_loopback: auth.trust_loopback,
        },
        paths: PathsView {
            state_dir: paths.state_dir.to_string_lossy(),
            camera_settings: optional_path(paths.camera_settings.as_ref()),
        },
        logging: logging_view(logging),
    }
}

fn camera_view(camera: &CameraConfig) -> CameraView {
    let arguments = |arguments: &Vec<String>| arguments.iter().map(|it| mask::url_passwords(it)).collect();
    let argv = |argv: &Option<Vec<String>>| argv.as_ref().map(arguments);
    CameraView {
        source: camera.source.name(),
        camera: camera.camera,
        width: camera.width,
        height: camera.height,
        framerate: camera.framerate,
        codec: rules::name_of(&rules::CODECS, camera.codec),
        intra: camera.intra,
        bitrate: camera.bitrate,
        vflip: camera.vflip,
        hflip: camera.hflip,
        rotation: camera.rotation,
        extra_args: arguments(&camera.extra_args),
        rtsp_url: mask::url_passwords(&camera.rtsp_url),
        command: argv(&camera.command),
        publisher: argv(&camera.publisher),
        stall_seconds: camera.stall_seconds,
    }
}

fn logging_view(logging: &LoggingConfig) -> LoggingView<'_> {
    let sink = |sink: &LogSink| rules::name_of(&rules::LOG_SINKS, *sink);
    LoggingView {
        level: logging.level.name(),
        target: match &logging.target {
            LogTarget::Auto => json!("auto"),
            LogTarget::Named(sinks) if sinks.len() == 1 => json!(sink(&sinks[0])),
            LogTarget::Named(sinks) => sinks.iter().map(sink).collect(),
        },
        file: optional_path(logging.file.as_ref()),
    }
}

fn optional_path(path: Option<&PathBuf>) -> Option<Cow<'_, str>> {
    path.map(PathBuf::as_path).map(Path::to_string_lossy)
}
