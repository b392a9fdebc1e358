//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use es_iot_server::config::ServerConfig;
use lexopt::ValueExt;

use crate::failure::Failure;
use crate::settings::Assignment;

/// The commands.
const COMMANDS: [&str; 7] = ["watch", "get", "set", "auth", "status", "video", "reload"];

/// The client's command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// The command to run.
    pub command: Command,
    /// `--host`, a name or an address without brackets.
    pub host: String,
    /// Whether `--host` is given.
    pub host_given: bool,
    /// `--data-port`
    pub data_port: u16,
    /// `--settings-port`
    pub settings_port: u16,
    /// `--auth-port`
    pub auth_port: u16,
    /// `--http-port`, if given.
    pub http_port: Option<u16>,
    /// `--socket`, if given.
    pub socket: Option<PathBuf>,
    /// `--json`
    pub json: bool,
    /// `--timeout`, if given.
    pub timeout: Option<Duration>,
}

/// The command to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `watch`, for this many packets.
    Watch { count: Option<u64> },
    /// `get`
    Read,
    /// `set`, with at least one assignment.
    Set(Vec<Assignment>),
    /// `auth`
    Auth { password_file: Option<PathBuf>, plain: bool },
    /// `status`
    Status,
    /// `video`, for this many pictures.
    Video { count: Option<u64> },
    /// `reload`
    Reload,
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// The parts of the command, in any order.
#[derive(Default)]
struct Words {
    name: Option<String>,
    rest: Vec<String>,
    count: Option<u64>,
    password_file: Option<PathBuf>,
    plain: bool,
    /// Whether `--socket` is given.
    socket: bool,
}

impl Arguments {
    /// Parses the command line; the program's name comes first.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] for an invalid command line.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        use lexopt::Arg::{Long, Short, Value};

        let mut parser = lexopt::Parser::from_iter(arguments);
        let ServerConfig { data_port, settings_port, auth_port, .. } = ServerConfig::default();
        let mut parsed = Self {
            command: Command::Help,
            host: "localhost".to_owned(),
            host_given: false,
            data_port,
            settings_port,
            auth_port,
            http_port: None,
            socket: None,
            json: false,
            timeout: None,
        };
        let mut words = Words::default();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Long("help") | Short('h') => return Ok(Self { command: Command::Help, ..parsed }),
                Long("version") | Short('V') => return Ok(Self { command: Command::Version, ..parsed }),
                Long("host") => (parsed.host, parsed.host_given) = (host(&mut parser)?, true),
                Long("data-port") => parsed.data_port = port(&mut parser, "--data-port")?,
                Long("settings-port") => parsed.settings_port = port(&mut parser, "--settings-port")?,
                Long("auth-port") => parsed.auth_port = port(&mut parser, "--auth-port")?,
                Long("http-port") => parsed.http_port = Some(port(&mut parser, "--http-port")?),
                Long("socket") => parsed.socket = Some(parser.value().map_err(usage)?.into()),
                Long("json") => parsed.json = true,
                Long("timeout") => parsed.timeout = Some(timeout(&mut parser)?),
                Long("count") => words.count = Some(count(&mut parser)?),
                Long("password-file") => words.password_file = Some(parser.value().map_err(usage)?.into()),
                Long("plain") => words.plain = true,
                Value(word) => words.push(word.string().map_err(usage)?),
                Short(_) | Long(_) => return Err(usage(argument.unexpected())),
            }
        }
        words.socket = parsed.socket.is_some();
        parsed.command = words.command()?;
        if parsed.socket.is_some() && (parsed.host_given || parsed.http_port.is_some()) {
            return Err(Failure::Usage("--socket excludes --host and --http-port".to_owned()));
        }
        Ok(parsed)
    }
}

impl Words {
    fn push(&mut self, word: String) {
        match self.name {
            None => self.name = Some(word),
            Some(_) => self.rest.push(word),
        }
    }

    fn command(self) -> Result<Command, Failure> {
        let name = self.name.as_deref().unwrap_or_default();
        let wrong = |what: String| Err(Failure::Usage(what));
        if name.is_empty() {
            return wrong(format!("no command given; use {}", list(&COMMANDS, "or")));
        }
        let (count, password_file) = (self.count.is_some(), self.password_file.is_some());
        for (given, option, commands) in [
            (count, "--count", &["watch", "video"][..]),
            (password_file, "--password-file", &["auth"]),
            (self.plain, "--plain", &["auth"]),
            (self.socket, "--socket", &["status", "video", "reload"]),
        ] {
            if given && COMMANDS.contains(&name) && !commands.contains(&name) {
                return wrong(format!("{option} is only for {}", list(commands, "and")));
            }
        }
        if name != "set"
            && COMMANDS.contains(&name)
            && let Some(word) = self.rest.first()
        {
            return wrong(format!("{name} does not take {word:?}"));
        }
        match name {
            "watch" => Ok(Command::Watch { count: self.count }),
            "get" => Ok(Command::Read),
            "set" => Assignment::all(&self.rest).map(Command::Set),
            "auth" => Ok(Command::Auth { password_file: self.password_file, plain: self.plain }),
            "status" => Ok(Command::Status),
            "video" => Ok(Command::Video { count: self.count }),
            "reload" => Ok(Command::Reload),
            _ => wrong(format!("unknown command {name:?}; use {}", list(&COMMANDS, "or"))),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn usage(error: lexopt::Error) -> Failure {
    Failure::Usage(error.to_string())
}

/// Words as an enumeration, such as `a, b and c`.
fn list(words: &[&str], last: &str) -> String {
    match words.split_last() {
        Some((word, before)) if !before.is_empty() => format!("{} {last} {word}", before.join(", ")),
        Some(_) | None => words.concat(),
    }
}

fn text(parser: &mut lexopt::Parser) -> Result<String, Failure> {
    parser.value().and_then(ValueExt::string).map_err(usage)
}

fn host(parser: &mut lexopt::Parser) -> Result<String, Failure> {
    let given = text(parser)?;
    let bare = given.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&given);
    // One colon comes before a port, as in `camera.local:5001`; an IPv6 address has at least two.
    if bare.is_empty() || bare.contains(['/', '[', ']']) || bare.matches(':').count() == 1 {
        return Err(Failure::Usage(format!("--host is {given:?}; allowed: a name or an address, without a port")));
    }
    Ok(bare.to_owned())
}

/// A number that `fits`; `allowed` describes such numbers.
fn number<T: FromStr>(
    parser: &mut lexopt::Parser,
    option: &str,
    allowed: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<T, Failure> {
    let given = text(parser)?;
    let number = given.parse().ok().filter(fits);
    number.ok_or_else(|| Failure::Usage(format!("{option} is {given:?}; allowed: {allowed}")))
}

fn port(parser: &mut lexopt::Parser, option: &str) -> Result<u16, Failure> {
    number(parser, option, "1 to 65535", |port| *port != 0)
}

fn count(parser: &mut lexopt::Parser) -> Result<u64, Failure> {
    number(parser, "--count", "a whole number from 1", |count| *count != 0)
}

fn timeout(parser: &mut lexopt::Parser) -> Result<Duration, Failure> {
    let fits = |seconds: &f64| (0.01..=3600.0).contains(seconds);
    number(parser, "--timeout", "0.01 to 3600 seconds", fits).map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::HELP;
    use es_iot_server::limits::{CTL_HTTP_TIMEOUT, CTL_SETTINGS_TIMEOUT, CTL_TIMEOUT};

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        let all = std::iter::once("es-iot-ctl").chain(arguments.iter().copied()).map(OsString::from);
        Arguments::parse(all).map_err(|failure| {
            assert_eq!(failure.exit_code(), 2);
            failure.to_string()
        })
    }

    #[test]
    fn options_may_precede_or_follow_the_command() {
        let before = parse(&["--host", "[::1]", "--json", "--count=3", "--data-port", "7", "watch"]).unwrap();
        let after = parse(&["watch", "--count", "3", "--data-port=7", "--json", "--host=::1"]).unwrap();
        assert_eq!(before, after);
        assert_eq!(before.command, Command::Watch { count: Some(3) });
        assert_eq!((before.host.as_str(), before.data_port, before.settings_port), ("::1", 7, 5001));
        assert_eq!(parse(&["get", "--timeout", "0.5"]).unwrap().timeout, Some(Duration::from_millis(500)));
        assert_eq!(parse(&["auth", "-h", "--nonsense"]).unwrap().command, Command::Help);
        assert_eq!(parse(&["-V"]).unwrap().command, Command::Version);
        let auth = parse(&["auth", "--password-file", "-"]).unwrap().command;
        assert_eq!(auth, Command::Auth { password_file: Some("-".into()), plain: false });
        let plain = parse(&["--plain", "auth"]).unwrap().command;
        assert_eq!(plain, Command::Auth { password_file: None, plain: true });
    }

    #[test]
    fn the_help_fits_a_terminal() {
        let seconds = |time: Duration| format!("({}", time.as_secs());
        for timeout in [CTL_TIMEOUT, CTL_SETTINGS_TIMEOUT, CTL_HTTP_TIMEOUT] {
            assert!(HELP.contains(&seconds(timeout)));
        }
        let ServerConfig { http_port, http_socket, .. } = ServerConfig::default();
        assert!(HELP.contains(&format!("({})", http_port.unwrap())));
        assert!(HELP.contains(http_socket.unwrap().to_str().unwrap()));
        for line in HELP.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
