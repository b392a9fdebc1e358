//! From the command line to the running loop, and the errors that a start can end with.
//!
//! Not here: the loop (`reactor`) and what it does (`server`).

mod arguments;
mod error;
mod prepare;

use std::io::Write;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use rand::TryRng;

pub use arguments::{Arguments, Command};
pub use error::StartError;

use crate::config::{self, Config, Level, Loaded, LoggingConfig, Sources};
use crate::limits::{SPARE_DESCRIPTORS, SUBSCRIBER_UNSENT_BYTES};
use crate::reactor::{self, Outside};
use crate::server::{Reloaded, Server, Service, Setup};
use crate::sys::log::Handle;
use crate::sys::notify::Notifier;
use crate::sys::signalfd::{self, Signals};
use crate::sys::{clock, limits, log as syslog, memory, socket};

/// Runs the daemon until it is told to stop.
///
/// # Errors
///
/// [`StartError`], after it has been logged.
pub fn serve(arguments: &Arguments) -> Result<(), StartError> {
    memory::keep_private().map_err(StartError::internal("keeping the memory private"))?;
    signalfd::block().map_err(StartError::internal("blocking signals"))?;
    let sources = Sources::of_process(arguments.config.clone(), arguments.log_level);
    let loaded = config::load(&sources).map_err(StartError::from);
    let opened = loaded.and_then(|loaded| Ok((syslog::init(&loaded.config.logging)?, loaded)));
    let (log, loaded) = opened.map_err(|error| match syslog::init(&LoggingConfig::default()) {
        // The log that was asked for is not known, or can't be had: the default one is where people look.
        Ok(log) => told(error, &log),
        Err(_) => error,
    })?;
    serve_logged(sources, loaded, &log).map_err(|error| told(error, &log))
}

/// Logs why there is no daemon (any more).
fn told(error: StartError, log: &Handle) -> StartError {
    log.write(Level::Critical, error.logger(), format_args!("{error}"));
    if log.uses_stderr() { error.told() } else { error }
}

fn serve_logged(mut sources: Sources<'_>, loaded: Loaded, log: &Handle) -> Result<(), StartError> {
    let Loaded { config, file } = loaded;
    let config = &config;
    keep(&mut sources, file);
    log.write(
        Level::Info,
        "server",
        format_args!("es-iot-server {} starts, logging to {}", env!("CARGO_PKG_VERSION"), log.describe()),
    );
    // Enough for the start; the server asks for what its clients take. Children expect the limit that was there.
    let (child_descriptors, _) = limits::raise_descriptors(SPARE_DESCRIPTORS)
        .map_err(StartError::internal("raising the limit on open files"))?;
    prepare::state_dir(config)?;
    let password = prepare::password(config, log)?;
    let settings = prepare::settings(config, log);
    let listeners = bind(config, log)?;
    let signals = Signals::new().map_err(StartError::internal("taking signals"))?;
    let notifier = Notifier::from_env(|name| std::env::var_os(name), std::process::id());
    let seed = rand::rngs::SysRng.try_next_u64().map_err(|error| StartError::Internal {
        doing: "reading the system's randomness",
        error: std::io::Error::other(error),
    })?;
    let setup = Setup { settings, password, seed, watchdog: notifier.watchdog_interval() };
    let server = Server::new(config.clone(), setup, clock::now());
    warn(config, log);
    let mut reload = || {
        let fresh = reread(&mut sources, config)?;
        warn(&fresh.config, log);
        Ok(fresh)
    };
    let outside = Outside {
        listeners,
        signals,
        log: log.clone(),
        notifier,
        settings_file: config.paths.camera_settings_file(),
        child_descriptors,
        reload: &mut reload,
    };
    reactor::run(server, outside)?;
    log.write(Level::Info, "server", format_args!("stopped"));
    Ok(())
}

/// Checks all that a start would read, and says so.
///
/// # Errors
///
/// [`StartError`] for the first thing that is wrong.
pub fn check_config(arguments: &Arguments) -> Result<(), StartError> {
    let sources = Sources::of_process(arguments.config.clone(), arguments.log_level);
    let loaded = config::load(&sources)?;
    prepare::check_permissions(&loaded.config)?;
    prepare::check_password(&loaded.config)?;
    prepare::read_settings(&loaded.config)?;
    if let Some(path) = &loaded.config.logging.file {
        syslog::check_file(path)?;
    }
    for warning in config::warnings(&loaded.config) {
        say(&format!("warning: {warning}\n"))?;
    }
    say(&match loaded.file {
        Some(path) => format!("{}: configuration is valid\n", path.display()),
        None => "no configuration file; the defaults and the environment are valid\n".to_owned(),
    })
}

/// Logs what the configuration sets and does not use.
fn warn(config: &Config, log: &Handle) {
    for warning in config::warnings(config) {
        log.write(Level::Warning, "server", format_args!("{warning}"));
    }
}

/// Prints the effective configuration.
///
/// # Errors
///
/// [`StartError`] when it is not valid.
pub fn print_config(arguments: &Arguments) -> Result<(), StartError> {
    let sources = Sources::of_process(arguments.config.clone(), arguments.log_level);
    let mut text = config::load(&sources)?.config.to_json_masked();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    say(&text)
}

/// Prints to standard output; that nobody reads it is no error.
fn say(text: &str) -> Result<(), StartError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(StartError::Internal { doing: "writing to standard output", error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A file that was there once has to be there at a reload: the defaults instead would open what the file had closed.
fn keep(sources: &mut Sources<'_>, file: Option<PathBuf>) {
    sources.config_file = file.or(sources.config_file.take());
}

/// Rereads everything, for SIGHUP.
fn reread(sources: &mut Sources<'_>, started_with: &Config) -> Result<Box<Reloaded>, String> {
    let mut reread = || -> Result<Reloaded, StartError> {
        let Loaded { config, file } = config::load(sources)?;
        keep(sources, file);
        let password = prepare::known_password(&config, &started_with.paths)?;
        let settings = prepare::read_settings(started_with)?;
        let needs_restart = started_with.changes_needing_restart(&config);
        Ok(Reloaded { config, password, settings, needs_restart })
    };
    reread().map(Box::new).map_err(|error| error.to_string())
}

/// Binds the three ports.
fn bind(config: &Config, log: &Handle) -> Result<[TcpListener; 3], StartError> {
    let bind_one = |service: Service| {
        let (port, key) = match service {
            Service::Data => (config.server.data_port, "server.data_port"),
            Service::Settings => (config.server.settings_port, "server.settings_port"),
            Service::Auth => (config.server.auth_port, "server.auth_port"),
        };
        let host = config.server.host.as_str();
        let bound = (host, port).to_socket_addrs().and_then(|mut addresses| {
            let address = addresses.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
            let unsent = (service == Service::Data).then_some(SUBSCRIBER_UNSENT_BYTES);
            let listener = socket::listener(address, unsent)?;
            let address = listener.local_addr()?;
            log.write(Level::Info, "tcp", format_args!("{} port is {address}", service.name()));
            Ok(listener)
        });
        bound.map_err(|error| StartError::Bind { host: host.to_owned(), port, key, error })
    };
    Ok([bind_one(Service::Data)?, bind_one(Service::Settings)?, bind_one(Service::Auth)?])
}
