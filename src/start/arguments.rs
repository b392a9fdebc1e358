//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::StartError;
use crate::config::{ALLOWED_LEVELS, Level};

const HELP: &str = "\
Camera daemon: a 24 Hz data stream, camera settings and authentication over TCP,
and the camera's video over RTSP.

Usage: es-iot-server [OPTIONS]

The daemon stays in the foreground. SIGTERM stops it, SIGHUP rereads the
configuration, SIGUSR1 logs the counters.

Options:
      --config FILE      configuration file (/etc/es-iot/server.json)
      --check-config     validate configuration, camera settings and password
                         file, then exit: 0 if valid, 78 if not
      --print-config     print the effective configuration as JSON, then exit
      --log-level LEVEL  TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL
  -V, --version          print the version
  -h, --help             print this help

Environment: SERVER_HOST, DATA_PORT, SETTINGS_PORT, AUTH_PORT, RTSP_PORT,
AUTH_PASSWORD, LOG_LEVEL. They override the configuration file.

Exit codes: 0 stopped on request, 64 wrong usage, 69 a port can't be bound,
70 internal error, 73 state directory can't be used, 78 invalid configuration.
";

/// The daemon's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The command to run.
    pub command: Command,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--log-level`
    pub log_level: Option<Level>,
}

/// The command to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Run the daemon.
    Serve,
    /// `--check-config`
    CheckConfig,
    /// `--print-config`
    PrintConfig,
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
    /// [`StartError::Usage`] for an invalid command line.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, StartError> {
        Self::read(lexopt::Parser::from_iter(arguments)).map_err(|error| StartError::Usage(error.to_string()))
    }

    fn read(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;

        let mut parsed = Self { command: Command::Serve, config: None, log_level: None };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("config") => parsed.config = Some(path(parser.value()?)?),
                Long("log-level") => parsed.log_level = Some(level(&parser.value()?)?),
                Long("check-config") => parsed.command = Command::CheckConfig,
                Long("print-config") => parsed.command = Command::PrintConfig,
                Long("help") | Short('h') => parsed.command = Command::Help,
                Long("version") | Short('V') => parsed.command = Command::Version,
                Short(_) | Long(_) | Value(_) => return Err(argument.unexpected()),
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
            Command::Serve | Command::CheckConfig | Command::PrintConfig => Ok(()),
        }
    }
}

fn path(value: OsString) -> Result<PathBuf, lexopt::Error> {
    if value.is_empty() { Err("--config is empty; it needs the path of a JSON file".into()) } else { Ok(value.into()) }
}

fn level(value: &OsStr) -> Result<Level, lexopt::Error> {
    let text = value.to_string_lossy();
    text.parse().map_err(|()| format!("--log-level is {text:?}; allowed: {ALLOWED_LEVELS}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(parse(&["-h", "--nonsense"]).unwrap().command, Command::Help);
    }

    #[test]
    fn wrong_usage_is_reported() {
        for (arguments, part) in [
            (&["--nonsense"][..], "--nonsense"),
            (&["--config"], "--config"),
            (&["file.json"], "file.json"),
            (&["--config", ""], "--config"),
            (&["--log-level", "loud"], "\"loud\"; allowed: DEBUG,"),
        ] {
            let error = parse(arguments).unwrap_err();
            assert!(error.contains(part) && error.contains("--help"), "{error}");
        }
    }

    #[test]
    fn the_help_fits_a_terminal() {
        assert!(HELP.lines().all(|line| line.len() <= 80));
    }
}
