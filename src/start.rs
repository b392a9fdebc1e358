//! The path from the command line to the running loop, and the errors of a start.
//!
//! Not here: the loop (`reactor`) and its decisions (`server`).

mod arguments;
mod error;
mod prepare;
mod test_camera;

use std::io::Write;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

use rand::TryRng;

pub use arguments::{Arguments, Command};
pub use error::StartError;
pub use test_camera::test_camera;

use crate::config::{self, Config, Level, Loaded, LoggingConfig, Sources};
use crate::ids::Service;
use crate::limits::SPARE_DESCRIPTORS;
use crate::listen::{Address, Listener, listeners};
use crate::reactor::{self, Listening, Resources};
use crate::server::{Reloaded, Server, Setup};
use crate::sys::datagram::Pair;
use crate::sys::log::Handle;
use crate::sys::notify::Notifier;
use crate::sys::signalfd::{self, Signals};
use crate::sys::socket::Bound;
use crate::sys::{clock, file, limits, log as syslog, memory, socket};

/// Runs the daemon until it is stopped.
///
/// # Errors
///
/// [`StartError`], after it has been logged.
pub fn serve(arguments: &Arguments) -> Result<(), StartError> {
    memory::keep_private().map_err(StartError::internal("protecting the process memory"))?;
    signalfd::block().map_err(StartError::internal("blocking signals"))?;
    let sources = sources(arguments);
    let loaded = config::load(&sources).map_err(StartError::from);
    let opened = loaded.and_then(|loaded| Ok((syslog::init(&loaded.config.logging)?, loaded)));
    let (log, loaded) = opened.map_err(|error| match syslog::init(&LoggingConfig::default()) {
        // The configured log is unknown or can't be opened, so log to the default one, where people look first.
        Ok(log) => logged(error, &log),
        Err(_) => error,
    })?;
    serve_logged(sources, loaded, &log).map_err(|error| logged(error, &log))
}

/// The sources of the configuration: this command line and the process's environment.
fn sources(arguments: &Arguments) -> Sources<'static> {
    Sources::of_process(arguments.config.clone(), arguments.overlays.clone(), arguments.log_level)
}

/// Logs the error that prevents or ends the daemon.
fn logged(error: StartError, log: &Handle) -> StartError {
    log.write(Level::Critical, error.logger(), format_args!("{error}"));
    if log.uses_stderr() { error.logged() } else { error }
}

fn serve_logged(mut sources: Sources<'_>, loaded: Loaded, log: &Handle) -> Result<(), StartError> {
    let Loaded { config, file, overlays } = loaded;
    let config = &config;
    keep(&mut sources, file);
    log.write(
        Level::Info,
        "server",
        format_args!("es-iot-server {} starts, logging to {}", env!("CARGO_PKG_VERSION"), log.describe()),
    );
    if !overlays.is_empty() {
        log.write(Level::Info, "server", format_args!("the configuration includes {}", list(&overlays)));
    }
    // Enough for the start; the server requests more for its clients. Children get the original limit.
    let (child_descriptors, _) = limits::raise_descriptors(SPARE_DESCRIPTORS)
        .map_err(StartError::internal("raising the limit on open files"))?;
    prepare::state_dir(config)?;
    let password = prepare::password(config, log)?;
    let settings = prepare::settings(config, log);
    let listening = bind(config, log)?;
    let signals = Signals::new().map_err(StartError::internal("opening the signal descriptor"))?;
    let notifier = Notifier::from_env(|name| std::env::var_os(name), std::process::id());
    let no_randomness = |error| StartError::Internal {
        doing: "reading random bytes from the system",
        error: std::io::Error::other(error),
    };
    let seed = rand::rngs::SysRng.try_next_u64().map_err(no_randomness)?;
    let mut secret = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut secret).map_err(no_randomness)?;
    let datagrams = bind_datagrams(&listening, log);
    let udp_port = datagrams.as_ref().map(Pair::port);
    let watchdog = notifier.watchdog_interval();
    let is_persistent = prepare::is_persistent(&config.paths);
    let setup = Setup { settings, password, seed, watchdog, secret, host: host_name(), udp_port, is_persistent };
    let server = Server::new(config.clone(), setup, clock::now());
    warn(config, log);
    let mut reload = || {
        let fresh = reread(&mut sources, config)?;
        warn(&fresh.config, log);
        Ok(fresh)
    };
    let resources = Resources {
        listening,
        datagrams,
        signals,
        log: log.clone(),
        notifier,
        settings_file: config.paths.camera_settings_file(),
        child_descriptors,
        reload: &mut reload,
    };
    reactor::run(server, resources)?;
    log.write(Level::Info, "server", format_args!("stopped"));
    Ok(())
}

/// Checks everything that a start would read, and prints the result.
///
/// # Errors
///
/// [`StartError`] for the first mistake.
pub fn check_config(arguments: &Arguments) -> Result<(), StartError> {
    let sources = sources(arguments);
    let loaded = config::load(&sources)?;
    prepare::check_permissions(&loaded.config)?;
    prepare::check_password(&loaded.config)?;
    prepare::read_settings(&loaded.config)?;
    if let Some(path) = &loaded.config.logging.file {
        syslog::check_file(path)?;
    }
    for warning in config::warnings(&loaded.config) {
        print(&format!("warning: {warning}\n"))?;
    }
    let Loaded { file, overlays, .. } = loaded;
    print(&match (file, overlays.as_slice()) {
        (Some(path), []) => format!("{}: configuration is valid\n", path.display()),
        (Some(path), some) => format!("{} with {}: configuration is valid\n", path.display(), list(some)),
        (None, []) => "no configuration file; the defaults and the environment are valid\n".to_owned(),
        (None, some) => format!("no configuration file; the defaults, {} and the environment are valid\n", list(some)),
    })
}

/// The overlays, in words.
fn list(overlays: &[PathBuf]) -> String {
    let paths: Vec<String> = overlays.iter().map(|path| path.display().to_string()).collect();
    let plural = if paths.len() == 1 { "" } else { "s" };
    format!("overlay{plural} {}", paths.join(", "))
}

/// Logs the settings that have no effect.
fn warn(config: &Config, log: &Handle) {
    for warning in config::warnings(config) {
        log.write(Level::Warning, "server", format_args!("{warning}"));
    }
}

/// Prints the effective configuration.
///
/// # Errors
///
/// [`StartError`] if it is invalid.
pub fn print_config(arguments: &Arguments) -> Result<(), StartError> {
    let sources = sources(arguments);
    print(&config::load(&sources)?.config.to_json_masked())
}

/// Prints to standard output. A closed standard output is not an error.
fn print(text: &str) -> Result<(), StartError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(StartError::Internal { doing: "writing to standard output", error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a file that was read mandatory at a reload. Falling back to the defaults could open access that the file had
/// closed.
fn keep(sources: &mut Sources<'_>, file: Option<PathBuf>) {
    sources.config_file = file.or(sources.config_file.take());
}

/// Rereads everything, for SIGHUP.
fn reread(sources: &mut Sources<'_>, started_with: &Config) -> Result<Box<Reloaded>, String> {
    let mut reread = || -> Result<Reloaded, StartError> {
        let Loaded { config, file, .. } = config::load(sources)?;
        keep(sources, file);
        let password = prepare::known_password(&config, &started_with.paths)?;
        let settings = prepare::read_settings(started_with)?;
        let needs_restart = started_with.changes_needing_restart(&config);
        let is_persistent = prepare::is_persistent(&started_with.paths);
        Ok(Reloaded { config, password, settings, needs_restart, is_persistent })
    };
    reread().map(Box::new).map_err(|error| error.to_string())
}

/// Binds the listeners, in order.
fn bind(config: &Config, log: &Handle) -> Result<Vec<Listening>, StartError> {
    listeners(config).iter().filter_map(|listener| bind_one(listener, log).transpose()).collect()
}

/// Binds a listener. A Unix socket is for the convenience of programs on this host, so the daemon starts without it if need be.
fn bind_one(listener: &Listener, log: &Handle) -> Result<Option<Listening>, StartError> {
    let Listener { service, address, limits } = listener;
    let name = service.name();
    let socket = match address {
        Address::Tcp { host, port, key } => {
            let bound = (host.as_str(), *port).to_socket_addrs().and_then(|mut addresses| {
                let address = addresses.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
                let socket = socket::listener(address, limits.kernel_unsent_bytes)?;
                let address = socket.local_addr()?;
                log.write(Level::Info, "tcp", format_args!("{name} port is {address}"));
                Ok(Bound::Tcp(socket))
            });
            bound.map_err(|error| StartError::Bind { host: host.clone(), port: *port, key, error })?
        }
        Address::Unix { path, mode } => {
            let directory = path.parent().map_or(Ok(()), file::ensure_directory);
            match directory.and_then(|()| socket::unix_listener(path, *mode)) {
                Ok(socket) => {
                    log.write(Level::Info, "tcp", format_args!("{name} socket is {}", path.display()));
                    Bound::Unix(socket)
                }
                Err(error) => {
                    let text =
                        format_args!("no {name} socket {}: {error}; es-iot-ctl uses TCP instead", path.display());
                    log.write(Level::Warning, "tcp", text);
                    return Ok(None);
                }
            }
        }
    };
    Ok(Some(Listening { socket, service: *service, most_unsent: limits.unsent_bytes }))
}

/// Binds the UDP ports of the video, on the address of its listener. Without them, the video is served over TCP only.
fn bind_datagrams(listening: &[Listening], log: &Handle) -> Option<Pair> {
    let rtsp = listening.iter().find(|listening| listening.service == Service::Rtsp)?;
    let Bound::Tcp(listener) = &rtsp.socket else { return None };
    match listener.local_addr().and_then(|address| Pair::bind(address.ip())) {
        Ok(pair) => {
            let port = pair.port();
            let text = format_args!("rtsp sends datagrams from the UDP ports {port} and {}", port + 1);
            log.write(Level::Info, "tcp", text);
            Some(pair)
        }
        Err(error) => {
            let text = format_args!("no UDP ports for the video: {error}; it is served over TCP only");
            log.write(Level::Warning, "tcp", text);
            None
        }
    }
}

/// The name of this device, as the kernel has it.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
