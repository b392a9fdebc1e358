//! The validated configuration: what each key means and its default.
//!
//! Not here: how a value gets into it (`file`, `layers`), nor what it may be (`rules`).

use std::path::PathBuf;

use crate::logging::LoggingConfig;
use crate::sys::memory::wipe_vec;

/// The whole configuration, validated. `Default` is the built-in layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Addresses, ports and the number of clients.
    pub server: ServerConfig,
    /// Where the data stream's value comes from.
    pub data: DataConfig,
    /// What makes the video and where it goes.
    pub camera: CameraConfig,
    /// The password and who needs it.
    pub auth: AuthConfig,
    /// Where state lives.
    pub paths: PathsConfig,
    /// How much is logged, and where.
    pub logging: LoggingConfig,
}

/// `server`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address or name to listen on; `::` serves IPv4 and IPv6.
    pub host: String,
    /// Port of the data stream; 0 takes a free one.
    pub data_port: u16,
    /// Port of the camera settings; 0 takes a free one.
    pub settings_port: u16,
    /// Port of the authentication; 0 takes a free one.
    pub auth_port: u16,
    /// Places of the data port, 1 to [`crate::limits::MAX_CLIENTS`]. The other ports have as many each, but at most
    /// [`crate::limits::REQUEST_PLACES`].
    pub max_clients: u16,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { host: "0.0.0.0".into(), data_port: 5000, settings_port: 5001, auth_port: 5002, max_clients: 1024 }
    }
}

/// `data`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataConfig {
    /// Where the value comes from.
    pub source: DataSource,
}

/// `data.source`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DataSource {
    /// A uniform random integer, 0 to 10 inclusive.
    #[default]
    Random,
    /// The decimal number at the start of this file, clamped to 0..=255, read once a tick.
    File(PathBuf),
}

/// `camera`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraConfig {
    /// What makes the video.
    pub source: CameraSource,
    /// Which camera, counted from 0; `None` leaves it to the program, which takes the first.
    pub camera: Option<u32>,
    /// Picture width in pixels: even, 64 to 4096.
    pub width: u32,
    /// Picture height in pixels: even, 64 to 2160.
    pub height: u32,
    /// Frames per second, 1 to 120.
    pub framerate: u32,
    /// The codec; the pipeline carries H.264 only, so `h264`.
    pub codec: Codec,
    /// Frames from one key frame to the next, 1 to 1000.
    pub intra: u32,
    /// Bits per second, 100,000 to 25,000,000; `None` is the encoder's own default.
    pub bitrate: Option<u32>,
    /// Whether top and bottom are exchanged, which alone gives a mirror's picture.
    pub vflip: bool,
    /// Whether left and right are exchanged, which alone gives a mirror's picture.
    pub hflip: bool,
    /// Degrees that the picture is turned by, besides the flips: 0 or 180.
    pub rotation: u32,
    /// Further arguments of the camera program, before its last, for [`CameraSource::Auto`] and
    /// [`CameraSource::Rpicam`].
    pub extra_args: Vec<String>,
    /// Where the publisher sends the stream: `rtsp://` or `rtsps://`.
    pub rtsp_url: String,
    /// The argv of [`CameraSource::Command`], placeholders not yet replaced.
    pub command: Option<Vec<String>>,
    /// The argv of a publisher in ffmpeg's place, `{rtsp_url}` not yet replaced.
    pub publisher: Option<Vec<String>>,
    /// Seconds without video progress after which the pipeline is restarted, 1 to 3600, and three frames or more.
    pub stall_seconds: u32,
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self {
            source: CameraSource::Auto,
            camera: None,
            width: 640,
            height: 480,
            framerate: 24,
            codec: Codec::H264,
            intra: 24,
            bitrate: None,
            vflip: true,
            hflip: false,
            rotation: 0,
            extra_args: Vec::new(),
            rtsp_url: "rtsp://localhost:8554/ES_MTX".into(),
            command: None,
            publisher: None,
            stall_seconds: 10,
        }
    }
}

/// `camera.source`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CameraSource {
    /// `rpicam-vid`, else `libcamera-vid`, else no video, with a slow re-probe.
    #[default]
    Auto,
    /// `rpicam-vid` or `libcamera-vid`; that there is none is an error.
    Rpicam,
    /// A moving test pattern made by ffmpeg.
    Test,
    /// `camera.command`.
    Command,
    /// No video.
    None,
}

impl CameraSource {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Rpicam, Self::Test, Self::Command, Self::None];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Rpicam => "rpicam",
            Self::Test => "test",
            Self::Command => "command",
            Self::None => "none",
        }
    }
}

/// `camera.codec`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// H.264, Annex B.
    #[default]
    H264,
}

/// `auth`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// The password itself.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Whether the data and settings ports serve only addresses that have authenticated.
    pub required: bool,
    /// Seconds that a grant outlives an address's last connection, 0 to 86400.
    pub grant_seconds: u32,
    /// Whether loopback counts as authenticated.
    pub trust_loopback: bool,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { password: None, password_file: None, required: false, grant_seconds: 60, trust_loopback: true }
    }
}

/// A password. Neither `Debug` nor `Display` shows it, and dropping it wipes its memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for comparing.
    pub fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe_vec(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"***\"")
    }
}

/// `paths`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathsConfig {
    /// The directory for what the daemon keeps.
    pub state_dir: PathBuf,
    /// The camera settings file; `None` is `camera_settings.json` in the state directory.
    pub camera_settings: Option<PathBuf>,
}

impl Default for PathsConfig {
    fn default() -> Self {
        Self { state_dir: "/var/lib/es-iot".into(), camera_settings: None }
    }
}

impl PathsConfig {
    /// Where the camera settings are kept.
    pub fn camera_settings_file(&self) -> PathBuf {
        self.camera_settings.clone().unwrap_or_else(|| self.state_dir.join("camera_settings.json"))
    }

    /// Where a generated password is kept.
    pub fn generated_password_file(&self) -> PathBuf {
        self.state_dir.join("auth_password")
    }
}
