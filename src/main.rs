//! The daemon: parses the arguments, runs the command, and maps an error to an exit code.

use std::process::ExitCode;

use es_iot_server::start::{Arguments, Command, check_config, print_config, serve, test_camera};

fn main() -> ExitCode {
    let done = Arguments::parse(std::env::args_os()).and_then(|arguments| match arguments.command {
        Command::Serve => serve(&arguments),
        Command::CheckConfig => check_config(&arguments),
        Command::PrintConfig => print_config(&arguments),
        Command::TestCamera(picture) => test_camera(&picture),
        Command::Help | Command::Version => arguments.print(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code())
        }
    }
}
