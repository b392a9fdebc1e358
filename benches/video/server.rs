//! The servers that are compared.

use std::io::{self, BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

use super::support::daemon::{Daemon, Scratch};
use super::support::proc::Process;
use super::viewer::Transport;
use super::{camera, floor};

/// The path of the stream.
pub const PATH: &str = "ES_MTX";

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The daemon.
    Daemon,
    /// The floor, which sends on time.
    Floor,
    /// The floor, which sends what it reads from a camera.
    PipedFloor,
    /// ffmpeg and a server made of `GStreamer`'s library.
    Other,
}

impl Kind {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Floor => "floor",
            Self::PipedFloor => "floor, piped",
            Self::Other => "ffmpeg + gst",
        }
    }
}

/// The daemon's directory and configuration: the bench is its camera.
pub fn scratch() -> io::Result<Scratch> {
    let camera = std::env::current_exe()?;
    Scratch::new("video", |path| {
        format!(
            r#"{{ "server": {{ "host": "127.0.0.1", "data_port": 0, "settings_port": 0, "auth_port": 0, "rtsp_port": 0,
    "http_port": null, "http_socket": null,
    "rtsp_path": "{PATH}", "max_viewers": 250 }},
  "camera": {{ "source": "command", "command": ["{camera}", "{argument}"], "framerate": 24, "intra": 24,
    "bitrate": {bits} }},
  "auth": {{ "password": "video" }}, "paths": {{ "state_dir": "{state}" }}, "logging": {{ "target": "console" }} }}"#,
            camera = camera.display(),
            argument = camera::ARGUMENT,
            bits = camera::SECOND_BYTES * 8,
            state = path.display(),
        )
    })
}

/// A running server.
pub struct Server {
    _processes: Processes,
    /// The processes whose figures count; not the camera.
    pub pids: Vec<u32>,
    /// Its address for viewers.
    pub address: String,
    /// The path of the stream; none at the floor.
    pub path: Option<&'static str>,
    /// The address of the data stream, if it has one.
    pub data: Option<String>,
}

#[expect(dead_code, reason = "held to be killed on drop")]
enum Processes {
    Daemon(Daemon),
    Others(Vec<Process>),
}

impl Server {
    /// Starts the daemon.
    pub fn daemon(scratch: &Scratch) -> io::Result<Self> {
        let (daemon, _) = Daemon::start(scratch)?;
        let (pids, address, data) = (vec![daemon.pid()], daemon.address("rtsp")?, daemon.address("data")?);
        Ok(Self { _processes: Processes::Daemon(daemon), pids, address, path: Some(PATH), data: Some(data) })
    }

    /// Starts another server for this many viewers.
    pub fn start(kind: Kind, transport: Transport, viewers: u32) -> io::Result<Self> {
        match kind {
            Kind::Daemon => Err(io::ErrorKind::InvalidInput.into()),
            Kind::Floor | Kind::PipedFloor => {
                let source = if kind == Kind::PipedFloor { floor::PIPE } else { "clock" };
                let mut command = Command::new(std::env::current_exe()?);
                command.args([floor::ARGUMENT, transport.name(), source, &viewers.to_string()]);
                let mut process = Process(command.stdout(Stdio::piped()).spawn()?);
                let address = first_line(&mut process.0)?;
                let pids = vec![process.pid()];
                Ok(Self { _processes: Processes::Others(vec![process]), pids, address, path: None, data: None })
            }
            Kind::Other => Self::other(),
        }
    }

    fn other() -> io::Result<Self> {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut python = Command::new(PYTHON);
        let mut server = Process(python.args(["-c", GST_SERVER, &port.to_string()]).stdout(Stdio::piped()).spawn()?);
        let rtsp = first_line(&mut server.0)?;
        let mut camera = Command::new(std::env::current_exe()?);
        let mut camera = Process(camera.arg(camera::ARGUMENT).stdout(Stdio::piped()).spawn()?);
        let pipe = camera.0.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-loglevel", "quiet", "-fflags", "nobuffer", "-use_wallclock_as_timestamps", "1"]);
        ffmpeg.args(["-f", "h264", "-i", "pipe:0", "-c", "copy", "-f", "rtp", &format!("rtp://127.0.0.1:{port}")]);
        let ffmpeg = Process(ffmpeg.stdin(Stdio::from(pipe)).stdout(Stdio::null()).spawn()?);
        let pids = vec![server.pid(), ffmpeg.pid()];
        let processes = Processes::Others(vec![ffmpeg, camera, server]);
        let address = format!("127.0.0.1:{rtsp}");
        Ok(Self { _processes: processes, pids, address, path: Some(PATH), data: None })
    }
}

/// Debian's, whose `python3-gi` is not that of any other Python.
const PYTHON: &str = "/usr/bin/python3";

/// A server of `GStreamer`'s library, which gets RTP from ffmpeg. Prints its port. Its argument is the UDP port of that RTP.
const GST_SERVER: &str = "
import sys, gi
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address('127.0.0.1'); server.set_service('0')
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch('( udpsrc address=127.0.0.1 port=%s buffer-size=1000000 caps=\"application/x-rtp,media=video,'
    'encoding-name=H264,clock-rate=90000,payload=96\" ! rtph264depay ! h264parse ! rtph264pay name=pay0 pt=96 )' % sys.argv[1])
factory.set_shared(True)
server.get_mount_points().add_factory('/ES_MTX', factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
";

/// What is missing for [`Kind::Other`], if anything is.
pub fn other_is_missing() -> Option<&'static str> {
    let works = |command: &mut Command| {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    let import = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer";
    if !works(Command::new(PYTHON).args(["-c", import])) {
        return Some("no gir1.2-gst-rtsp-server-1.0 or no python3-gi");
    }
    (!works(Command::new("ffmpeg").arg("-version"))).then_some("no ffmpeg")
}

fn first_line(child: &mut Child) -> io::Result<String> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    line.truncate(line.trim_end().len());
    if line.is_empty() { Err(io::Error::other("a server did not start")) } else { Ok(line) }
}
