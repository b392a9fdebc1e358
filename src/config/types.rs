//! The validated configuration: the meaning and default of each key.
//!
//! Not here: reading values (`keys`, `value`) and validating them (`rules`).

use std::path::PathBuf;

use crate::logging::LoggingConfig;
use crate::sys::memory::wipe_vec;

/// The whole configuration, validated. `Default` is the built-in layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Addresses, ports and the number of clients.
    pub server: ServerConfig,
    /// The source of the data stream's value.
    pub data: DataConfig,
    /// The source and destination of the video.
    pub camera: CameraConfig,
    /// The password and its scope.
    pub auth: AuthConfig,
    /// The locations of persistent state.
    pub paths: PathsConfig,
    /// The log level and destinations.
    pub logging: LoggingConfig,
}

/// `server`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address or host name to listen on; `::` serves IPv4 and IPv6.
    pub host: String,
    /// Port of the data stream; 0 picks a free port.
    pub data_port: u16,
    /// Port of the camera settings; 0 picks a free port.
    pub settings_port: u16,
    /// Port of the authentication; 0 picks a free port.
    pub auth_port: u16,
    /// Maximum number of connections to the data port, 1 to [`crate::limits::MAX_CLIENTS`]. The settings
    /// and authentication ports have the same maximum, capped at [`crate::limits::REQUEST_PLACES`].
    pub max_clients: u16,
    /// Port of the video (RTSP); 0 picks a free port, `None` serves no video.
    pub rtsp_port: Option<u16>,
    /// The path of the video's URL, without slashes around it.
    pub rtsp_path: String,
    /// Maximum number of RTSP sessions, and likewise of MP4 streams, 1 to [`crate::limits::MAX_VIEWERS`].
    pub max_viewers: u16,
    /// Port of the page and the API (HTTP); 0 picks a free port, `None` serves none over TCP.
    pub http_port: Option<u16>,
    /// Path of the Unix socket for the same, whose clients are trusted as those on this host are; `None` has none.
    pub http_socket: Option<PathBuf>,
    /// Names under which the page may be opened, in addition to addresses, `localhost` and the device's own name.
    pub http_hosts: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".into(),
            data_port: 5000,
            settings_port: 5001,
            auth_port: 5002,
            max_clients: 1024,
            rtsp_port: Some(8554),
            rtsp_path: "ES_MTX".into(),
            max_viewers: 64,
            http_port: Some(8080),
            http_socket: Some("/run/es-iot/http.sock".into()),
            http_hosts: Vec::new(),
        }
    }
}

/// `data`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataConfig {
    /// The source of the value.
    pub source: DataSource,
}

/// `data.source`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DataSource {
    /// A uniform random integer, 0 to 10 inclusive.
    #[default]
    Random,
    /// The decimal number at the start of this file, clamped to 0..=255 and read at each tick.
    File(PathBuf),
}

/// `camera`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraConfig {
    /// The source of the video.
    pub source: CameraSource,
    /// Index of the camera, from 0; `None` leaves the choice to the program, which uses the first.
    pub camera: Option<u32>,
    /// Picture width in pixels: even, 64 to 4096.
    pub width: u32,
    /// Picture height in pixels: even, 64 to 2160.
    pub height: u32,
    /// Frames per second, 1 to 120.
    pub framerate: u32,
    /// The codec. The pipeline supports only H.264.
    pub codec: Codec,
    /// Key frame interval in frames, 1 to 1000.
    pub intra: u32,
    /// Bits per second, 100,000 to 25,000,000; `None` uses the encoder's default.
    pub bitrate: Option<u32>,
    /// Whether to flip the picture vertically. One flip alone gives a mirror image.
    pub vflip: bool,
    /// Whether to flip the picture horizontally. One flip alone gives a mirror image.
    pub hflip: bool,
    /// Rotation in degrees, in addition to the flips: 0 or 180.
    pub rotation: u32,
    /// Additional arguments for the camera program, inserted before `-o -`. Used by [`CameraSource::Auto`] and
    /// [`CameraSource::Rpicam`].
    pub extra_args: Vec<String>,
    /// Where to publish as well: an `rtsp://` or `rtsps://` URL; `None` publishes nowhere.
    pub rtsp_url: Option<String>,
    /// The argv of [`CameraSource::Command`], before placeholders are replaced.
    pub command: Option<Vec<String>>,
    /// The argv of a publisher to use instead of ffmpeg, before `{rtsp_url}` is replaced.
    pub publisher: Option<Vec<String>>,
    /// Seconds without video progress before the pipeline is restarted: 1 to 3600, and at least three frames.
    pub stall_seconds: u32,
    /// Whether viewers see a drawn picture with the reason while the camera delivers none.
    pub slate: bool,
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
            rtsp_url: None,
            command: None,
            publisher: None,
            stall_seconds: 10,
            slate: true,
        }
    }
}

/// `camera.source`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CameraSource {
    /// `rpicam-vid`, else `libcamera-vid`, else no video with a slow re-probe.
    #[default]
    Auto,
    /// `rpicam-vid` or `libcamera-vid`; if neither is installed, that is an error.
    Rpicam,
    /// A moving test picture, drawn by the daemon's own program.
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
    /// Whether the data and settings ports, the video and the page serve only authenticated clients.
    pub required: bool,
    /// Whether the authentication port takes the password itself, beside logins that keep it off the wire.
    pub plain: bool,
    /// Seconds that a grant outlasts an address's last connection, 0 to 86400.
    pub grant_seconds: u32,
    /// Whether loopback counts as authenticated.
    pub trust_loopback: bool,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            password: None,
            password_file: None,
            required: true,
            plain: true,
            grant_seconds: 60,
            trust_loopback: true,
        }
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

    /// The password's bytes, for comparison.
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
    /// The directory for the daemon's persistent state.
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
    /// The path of the camera settings file.
    pub fn camera_settings_file(&self) -> PathBuf {
        self.camera_settings.clone().unwrap_or_else(|| self.state_dir.join("camera_settings.json"))
    }

    /// The path of the generated password's file.
    pub fn generated_password_file(&self) -> PathBuf {
        self.state_dir.join("auth_password")
    }
}
