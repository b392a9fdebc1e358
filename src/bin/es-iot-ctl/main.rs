//! The client: runs one command, prints the result to standard output, and returns an exit code for scripts.
//!
//! Not here: the packets, which are in the library's `wire`, shared with the daemon.

mod arguments;
mod auth;
mod camera;
mod connection;
mod failure;
mod help;
mod http;
mod reload;
mod settings;
mod status;
mod text;
mod video;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let done = Arguments::parse(std::env::args_os()).and_then(|arguments| run(&arguments));
    match done {
        // The reader has left, as in `es-iot-ctl watch | head -1`. That is a normal end.
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Watch { count } => watch::run(arguments, *count),
        Command::Read => camera::read(arguments),
        Command::Set(assignments) => camera::set(arguments, assignments),
        Command::Auth { password_file, plain } => auth::run(arguments, password_file.as_deref(), *plain),
        Command::Status => status::run(arguments),
        Command::Video { count } => video::run(arguments, *count),
        Command::Reload => reload::run(arguments),
        Command::Help => print(help::HELP),
        Command::Version => print(concat!("es-iot-ctl ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

/// Prints to standard output without buffering.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::output)
}
