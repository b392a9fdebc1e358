//! What happens to the server and what it has done: the whole surface between the pure half and the kernel.

use std::path::PathBuf;
use std::time::Duration;

use super::report::Report;
use crate::camera::diagnosis::Role;
use crate::camera::settings::CameraSettings;
use crate::camera::supervisor::StopSignal;
use crate::config::{Config, Level, Secret};
use crate::frame::{Frame, Shared};
use crate::ids::{ConnId, Peer, Service};
use crate::os::{Errno, Exit};
use crate::service::rtsp::Transport;
use crate::time::Mono;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: reread configuration and camera settings.
    Reload,
    /// SIGUSR1: log the counters.
    Counters,
}

/// What a reload found.
#[derive(Debug, Clone, PartialEq)]
pub struct Reloaded {
    /// The configuration, validated.
    pub config: Config,
    /// The password in force.
    pub password: Secret,
    /// The camera settings file, `None` when there is none.
    pub settings: Option<CameraSettings>,
    /// Keys that differ from the running configuration but take effect only at the next start.
    pub needs_restart: Vec<&'static str>,
    /// Whether the state directory survives a restart of the device.
    pub is_persistent: bool,
}

/// Something happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A listener took a connection.
    Accepted {
        /// The slot it was given.
        conn: ConnId,
        /// The listener's service.
        service: Service,
        /// The other end.
        peer: Peer,
    },
    /// Accepting rests for a moment, since descriptors or memory have run out.
    AcceptRests {
        /// What ran out.
        errno: Errno,
    },
    /// A peer sent bytes.
    Received {
        /// From whom.
        conn: ConnId,
        /// What arrived, of any length but zero.
        bytes: &'a [u8],
    },
    /// A peer closed its sending side. It may still read.
    Finished {
        /// Which.
        conn: ConnId,
    },
    /// A connection failed (reset, timed out). The reactor has closed it.
    Lost {
        /// Which.
        conn: ConnId,
    },
    /// The socket did not take a packet: an offered one was refused, a sent one waits.
    Blocked {
        /// Which.
        conn: ConnId,
    },
    /// A blocked socket takes packets again, and nothing waits for it any more.
    Unblocked {
        /// Which.
        conn: ConnId,
    },
    /// All frames are sent: asked for by [`Output::WhenSent`].
    Sent {
        /// To whom.
        conn: ConnId,
    },
    /// The 24 Hz timer fired.
    Tick {
        /// What the data source's file holds, or why it could not be read; `None` when the source is no file.
        reading: Option<Result<&'a [u8], Errno>>,
    },
    /// Something in the timer table may be due.
    Wakeup,
    /// A child could not be started. This follows [`Output::Spawn`] immediately, or, when only its program could not be
    /// executed, takes the place of [`Input::Exited`]: until then it counts as alive, and may be signalled.
    SpawnFailed {
        /// Which.
        role: Role,
        /// Why.
        errno: Errno,
    },
    /// A line of a child's standard error (or, of the probe, any output).
    Line {
        /// Whose.
        role: Role,
        /// The line without its end, control characters and all. If it was cut, its URLs' passwords are masked
        /// already: the server could not know them any more.
        text: &'a str,
    },
    /// The camera wrote video.
    Video {
        /// What was read, of any length but zero.
        bytes: &'a [u8],
    },
    /// The camera's pipe is empty: all that was in it has been an [`Input::Video`].
    VideoDrained,
    /// Video went to the publisher.
    Published {
        /// How much.
        bytes: u64,
    },
    /// A viewer's socket has taken some of the stream. This comes at most every
    /// [`VIEWER_NOTED_EACH`](crate::limits::VIEWER_NOTED_EACH), if it does.
    Took {
        /// Which.
        conn: ConnId,
    },
    /// A datagram came to the RTCP port.
    Rtcp {
        /// From whom.
        peer: Peer,
        /// From which port.
        port: u16,
        /// What arrived.
        bytes: &'a [u8],
    },
    /// A child was reaped. Its last lines came before.
    Exited {
        /// Which.
        role: Role,
        /// How it ended.
        exit: Exit,
    },
    /// A write of the settings file is over.
    Stored {
        /// Whether it is on the disk.
        result: Result<(), Errno>,
    },
    /// A signal arrived.
    Signal(Request),
    /// The reload asked for by [`Output::Reload`] is over: what was found, or why nothing changes.
    Reloaded(Result<Box<Reloaded>, String>),
    /// The limit on open descriptors, as [`Output::MakeRoom`] left it.
    Room {
        /// How many may be open.
        descriptors: u32,
    },
    /// The service manager did not take an [`Output::Notify`]. It is retried until it succeeds.
    NotifyFailed {
        /// Why.
        errno: Errno,
    },
}

/// Something is to be done.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Send this frame, after what already waits; [`Input::Blocked`] follows when it has to wait.
    Send {
        /// To whom.
        conn: ConnId,
        /// What.
        frame: Frame,
    },
    /// Send this frame if the socket takes some of it now; if it does not, drop it, and [`Input::Blocked`] follows.
    Offer {
        /// To whom.
        conn: ConnId,
        /// What.
        frame: Frame,
    },
    /// [`Input::Sent`] is to follow in a later step of the loop, when all frames are sent.
    WhenSent(ConnId),
    /// From now on, what this peer sends means nothing. It is read at a low rate, to see when the peer goes.
    Discard(ConnId),
    /// Have the socket count as full with this many bytes unsent in the kernel.
    LimitUnsent {
        /// Whose.
        conn: ConnId,
        /// How many.
        bytes: u32,
    },
    /// Send a viewer the stream from this picture on: after what waits on its connection, whole packets, and only if its
    /// socket takes them.
    Watch {
        /// Which viewer.
        conn: ConnId,
        /// The way to it.
        transport: Transport,
        /// The number of the picture, which is in the ring.
        from: u64,
    },
    /// Send a browser the stream as fragmented MP4, from this picture on: after what waits on its connection, whole pictures.
    WatchMp4 {
        /// Which viewer.
        conn: ConnId,
        /// The number of the picture, which is in the ring.
        from: u64,
    },
    /// Send a viewer no more of the stream. A frame that was begun is finished.
    Unwatch(ConnId),
    /// Send a datagram from the RTCP port to this port of a connection's other end.
    Datagram {
        /// Which connection.
        conn: ConnId,
        /// The port there.
        port: u16,
        /// What.
        bytes: Shared,
    },
    /// Write the stream to the publisher from this picture on.
    Publish {
        /// The number of the picture, which is in the ring.
        from: u64,
    },
    /// There are new pictures in the ring: viewers and publisher take them.
    Pictures,
    /// Don't read from this connection until [`Output::Resume`].
    Pause(ConnId),
    /// Read from this connection again.
    Resume(ConnId),
    /// Send what waits, then close the sending side.
    Finish(ConnId),
    /// Close the connection now.
    Close(ConnId),
    /// Raise the limit on open descriptors to this, if it is lower, as far as it goes; [`Input::Room`] follows.
    MakeRoom {
        /// How many are wanted.
        descriptors: u32,
    },
    /// Have the 24 Hz timer fire then, or not at all.
    ArmTick(Option<Mono>),
    /// Read this file at every tick, or none.
    ReadSource(Option<PathBuf>),
    /// Start a child.
    Spawn {
        /// As what.
        role: Role,
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Send a signal to a child's process group.
    Signal {
        /// Which.
        role: Role,
        /// What.
        signal: StopSignal,
    },
    /// Write the settings file; [`Input::Stored`] follows.
    Store(CameraSettings),
    /// Reread configuration and camera settings; [`Input::Reloaded`] follows.
    Reload,
    /// Log from this level on.
    SetLogLevel(Level),
    /// Open the log file anew.
    ReopenLog,
    /// Notify the service manager.
    Notify(Notice),
    /// Log this.
    Report(Report),
    /// Take no more connections, and free the ports.
    CloseListeners,
    /// All is stopped: leave the loop.
    Exit,
}

/// A message to the service manager (`sd_notify(3)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The ports are bound, or the reload is over.
    Ready,
    /// One line for `systemctl status`.
    Status(String),
    /// A reload begins.
    Reloading,
    /// The server is stopping.
    Stopping,
    /// The loop is alive.
    Watchdog,
}

/// What the server is built from, beside the configuration.
#[derive(Debug)]
pub struct Setup {
    /// The camera settings in force.
    pub settings: CameraSettings,
    /// The password.
    pub password: Secret,
    /// Seeds the random values and the jitter of the back-off.
    pub seed: u64,
    /// How often the service manager wants to hear from the loop.
    pub watchdog: Option<Duration>,
    /// 32 bytes of the system's randomness, for what must not be guessed: session identifiers, nonces, and RTP's numbers.
    pub secret: [u8; 32],
    /// The name of this device.
    pub host: String,
    /// The UDP port that the stream is sent from, an even one; RTCP has the next. `None` if they are not open.
    pub udp_port: Option<u16>,
    /// Whether the state directory survives a restart of the device.
    pub is_persistent: bool,
}
