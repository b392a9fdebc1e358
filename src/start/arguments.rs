//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::StartError;
use crate::camera::test_picture::{TEST_CAMERA_OPTION, TestPicture, TestPictureError};
use crate::config::{ALLOWED_LEVELS, Level};

const HELP: &str = "\
Camera daemon: a 24 Hz data stream, camera settings and authentication over TCP,
the camera's video over RTSP, and a page and an API over HTTP.

Usage: es-iot-server [OPTIONS]

The daemon stays in the foreground. SIGTERM stops it, SIGHUP rereads the
configuration, SIGUSR1 logs the counters.

Clients on the network need the password. If the configuration has none, the
first start generates one: auth_password in paths.state_dir (/var/lib/es-iot).

Options:
      --config FILE      configuration file (/etc/es-iot/server.json)
      --overlay FILE     JSON file with only the keys to change in it; may be
                         repeated, later ones override earlier ones
      --check-config     validate configuration, camera settings and password
                         file, then exit: 0 if valid, 78 if not
      --print-config     print the effective configuration as JSON, then exit
      --log-level LEVEL  TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL
  -V, --version          print the version
  -h, --help             print this help

Environment: SERVER_HOST, DATA_PORT, SETTINGS_PORT, AUTH_PORT, RTSP_PORT,
HTTP_PORT, AUTH_PASSWORD, LOG_LEVEL. They override the configuration file and
its overlays. CONFIG_OVERLAY: overlays, separated by colons, before --overlay.

Exit codes: 0 stopped on request, 64 wrong usage, 69 a port can't be bound,
70 internal error, 73 state directory can't be used, 78 invalid configuration.
";

/// The daemon's command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// The command to run.
    pub command: Command,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--overlay`, each
    pub overlays: Vec<PathBuf>,
    /// `--log-level`
    pub log_level: Option<Level>,
}

/// The command to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Command {
    /// Run the daemon.
    Serve,
    /// `--check-config`
    CheckConfig,
    /// `--print-config`
    PrintConfig,
    /// `--test-camera`, not in the help: be the camera of the source `test`.
    TestCamera(TestPicture),
    /// `--help`
    Help,
    /// `--version`
    Version,
}

impl Arguments {
    /// Parses the command line; the program's name comes first.
    ///
    /// # Errors
    ///
    /// [`StartError::Usage`] for an invalid command line, [`StartError::TestCamera`] for one of the test camera.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, StartError> {
        use lexopt::prelude::*;

        let mut parser = lexopt::Parser::from_iter(arguments);
        let mut parsed = Self { command: Command::Serve, config: None, overlays: Vec::new(), log_level: None };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("config") => parsed.config = Some(path("--config", parser.value()?)?),
                Long("overlay") => parsed.overlays.push(path("--overlay", parser.value()?)?),
                Long("log-level") => parsed.log_level = Some(level(&parser.value()?)?),
                Long("check-config") => parsed.command = Command::CheckConfig,
                Long("print-config") => parsed.command = Command::PrintConfig,
                Long("help") | Short('h') => parsed.command = Command::Help,
                Long("version") | Short('V') => parsed.command = Command::Version,
                Long(TEST_CAMERA_OPTION) => {
                    let words = parser.raw_args()?.map(|word| word.to_string_lossy().into_owned());
                    parsed.command = Command::TestCamera(TestPicture::parse(words)?);
                }
                Short(_) | Long(_) | Value(_) => return Err(argument.unexpected().into()),
            }
            if matches!(parsed.command, Command::Help | Command::Version) {
                break;
            }
        }
        Ok(parsed)
    }

    /// Prints the help or the version.
    ///
    /// # Errors
    ///
    /// Standard output can't be written to.
    pub fn print(&self) -> Result<(), StartError> {
        match self.command {
            Command::Help => super::print(HELP),
            Command::Version => super::print(concat!("es-iot-server ", env!("CARGO_PKG_VERSION"), "\n")),
            Command::Serve | Command::CheckConfig | Command::PrintConfig | Command::TestCamera(_) => Ok(()),
        }
    }
}

impl From<lexopt::Error> for StartError {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<TestPictureError> for StartError {
    fn from(error: TestPictureError) -> Self {
        Self::TestCamera(error.to_string())
    }
}

fn path(option: &str, value: OsString) -> Result<PathBuf, lexopt::Error> {
    if value.is_empty() {
        return Err(format!("{option} is empty; it needs the path of a JSON file").into());
    }
    Ok(value.into())
}

fn level(value: &OsStr) -> Result<Level, lexopt::Error> {
    let text = value.to_string_lossy();
    text.parse().map_err(|()| format!("--log-level is {text:?}; allowed: {ALLOWED_LEVELS}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::command;
    use crate::camera::settings::CameraSettings;
    use crate::config::{CameraConfig, CameraSource};

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        let all = std::iter::once("es-iot-server").chain(arguments.iter().copied()).map(OsString::from);
        Arguments::parse(all).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        let parsed = parse(&["--config", "a.json", "--log-level=debug", "--check-config"]).unwrap();
        assert_eq!(parsed.command, Command::CheckConfig);
        assert_eq!(parsed.config, Some("a.json".into()));
        assert_eq!(parsed.log_level, Some(Level::Debug));
        let parsed = parse(&["--overlay", "a.json", "--overlay=b.json"]).unwrap();
        assert_eq!(parsed.overlays, [PathBuf::from("a.json"), PathBuf::from("b.json")]);
        assert_eq!(parse(&["-h", "--nonsense"]).unwrap().command, Command::Help);
    }

    #[test]
    fn wrong_usage_is_reported() {
        for (arguments, part) in [
            (&["--nonsense"][..], "--nonsense"),
            (&["--config"], "--config"),
            (&["file.json"], "file.json"),
            (&["--config", ""], "--config"),
            (&["--overlay"], "--overlay"),
            (&["--overlay", ""], "--overlay"),
            (&["--log-level", "loud"], "\"loud\"; allowed: DEBUG,"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(part) && error.contains("--help"), "{error}");
        }
    }

    /// The command line that the supervisor writes is the one that the program reads.
    #[test]
    fn the_test_camera_gets_what_the_supervisor_passes() {
        let least = CameraSettings { gain: 0.0, brightness: -1.0, ..CameraSettings::default() };
        let most = CameraSettings { shutter: 1_000_000, gain: 255.0, contrast: 25.5, brightness: 1.0, ..least };
        for (width, height, framerate, intra) in [(64, 64, 1, 1), (640, 480, 24, 24), (4096, 2160, 120, 1000)] {
            for settings in [CameraSettings::default(), least, most] {
                let source = CameraSource::Test;
                let config = CameraConfig { source, width, height, framerate, intra, ..CameraConfig::default() };
                let argv = command::camera(&config, &settings, "", false);
                let parsed = Arguments::parse(argv.into_iter().map(OsString::from)).unwrap();
                let picture = TestPicture { width, height, framerate, intra, settings };
                let command = Command::TestCamera(picture);
                assert_eq!(parsed, Arguments { command, config: None, overlays: Vec::new(), log_level: None });
            }
        }
    }

    #[test]
    fn the_test_camera_is_hidden_and_its_wrong_arguments_are_reported() {
        assert!(!HELP.contains(TEST_CAMERA_OPTION));
        for (arguments, part) in [
            (&["--test-camera"][..], "width is missing"),
            (&["--test-camera=width=640"], "--test-camera"),
            (&["--test-camera", "--help"], "\"--help\" is not width"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_help_fits_a_terminal() {
        assert!(HELP.lines().all(|line| line.len() <= 80));
    }
}
