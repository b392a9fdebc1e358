//! Real players: each shows pictures without a complaint, over a change of settings and a killed camera.
//!
//! Skipped where a player is not installed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::camera::{change_settings, kill_test_camera, test_camera};
use crate::support::{DEADLINE, Daemon, dies_with_test, skip};
use crate::udp::UdpPair;
use crate::viewer::PATH;

/// What players scale a picture to: enough to tell bright from dark, and that it is not uniform.
const WIDTH: usize = 32;
const HEIGHT: usize = 24;

/// A running player.
pub struct Player {
    name: String,
    child: Child,
    /// Its decoded pictures, or a line for each.
    pictures: Receiver<Vec<u8>>,
    complaints: Option<JoinHandle<String>>,
}

impl Player {
    /// Starts one; `None` where it is not installed. It writes raw pictures, or lines, to its standard output.
    fn start(mut command: Command, lines: bool) -> Option<Self> {
        dies_with_test(&mut command);
        let name = format!("{command:?}");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
        let (mut out, mut errors) = (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
        let (tell, pictures) = channel();
        thread::spawn(move || {
            loop {
                let mut picture = vec![0; WIDTH * HEIGHT];
                if lines {
                    picture.clear();
                    match out.read_until(b'\n', &mut picture) {
                        Ok(0) | Err(_) => return,
                        Ok(_) => {}
                    }
                } else if out.read_exact(&mut picture).is_err() {
                    return;
                }
                if tell.send(picture).is_err() {
                    return;
                }
            }
        });
        let complaints = thread::spawn(move || {
            let mut text = Vec::new();
            let _ended = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Some(Self { name, child, pictures, complaints: Some(complaints) })
    }

    pub fn ffmpeg(transport: Option<&str>, url: &str) -> Option<Self> {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-loglevel", "error"]);
        match transport {
            Some(transport) => command.args(["-rtsp_transport", transport]),
            // Without a time-out, it waits forever for what comes by UDP.
            None => command.args(["-timeout", "2000000"]),
        };
        let scale = format!("scale={WIDTH}:{HEIGHT}");
        command.args([
            "-i",
            url,
            "-vf",
            &scale,
            "-pix_fmt",
            "gray",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "-1",
        ]);
        command.args(["-f", "rawvideo", "-"]);
        Self::start(command, false)
    }

    pub fn ffmpeg_tcp(url: &str) -> Option<Self> {
        Self::ffmpeg(Some("tcp"), url)
    }

    pub fn gstreamer_tcp(url: &str) -> Option<Self> {
        Self::gstreamer("tcp", url)
    }

    pub fn retina_tcp(url: &str) -> Option<Self> {
        Self::retina("tcp", url)
    }

    fn gstreamer(transport: &str, url: &str) -> Option<Self> {
        let installed = |element: &str| {
            Command::new("gst-inspect-1.0").arg(element).stdout(Stdio::null()).stderr(Stdio::null()).status()
        };
        if !["rtspsrc", "rtph264depay", "avdec_h264", "videoscale"]
            .iter()
            .all(|element| installed(element).is_ok_and(|status| status.success()))
        {
            return None;
        }
        let mut command = Command::new("gst-launch-1.0");
        let caps = format!("video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT}");
        let (location, protocols) = (format!("location={url}"), format!("protocols={transport}"));
        command.args(["-q", "rtspsrc", &location, &protocols, "!", "rtph264depay", "!", "avdec_h264", "!"]);
        command.args(["videoconvert", "!", "videoscale", "!", &caps, "!", "fdsink", "sync=false"]);
        // Warnings, too.
        command.env("GST_DEBUG", "2").env("GST_DEBUG_NO_COLOR", "1");
        Self::start(command, false)
    }

    fn retina(transport: &str, url: &str) -> Option<Self> {
        let tests = std::env::current_exe().unwrap();
        let program: PathBuf = tests.ancestors().nth(3).unwrap().join("retina/debug/retina-viewer");
        let mut command = Command::new(program);
        command.args([url, transport]);
        Self::start(command, true)
    }

    /// Waits for so many pictures; the last one.
    pub fn pictures(&mut self, count: usize) -> Vec<u8> {
        let mut last = Vec::new();
        for nth in 0..count {
            match self.pictures.recv_timeout(DEADLINE) {
                Ok(picture) => last = picture,
                Err(why) => {
                    let complaints = self.kill();
                    panic!("{why} after {nth} of {count} pictures of {}: {complaints}", self.name);
                }
            }
        }
        last
    }

    /// Ends it; what it complained of.
    fn kill(&mut self) -> String {
        let _gone = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _reaped = self.child.wait();
        self.complaints.take().map_or_else(String::new, |complaints| complaints.join().unwrap())
    }

    /// Ends it, and makes sure that it had nothing to complain of.
    pub fn end(mut self) {
        let runs = self.child.try_wait().unwrap().is_none();
        let complaints = self.kill();
        // ffmpeg takes ports at random, and complains of one that is in use before it takes another.
        let mut complaints = complaints.lines().filter(|line| !line.contains("bind failed: Address already in use"));
        let complaint = complaints.next();
        assert!(runs && complaint.is_none(), "{} (running: {runs}): {complaint:?}, {complaints:?}", self.name);
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.kill();
    }
}

fn url(port: SocketAddr) -> String {
    format!("rtsp://{port}/{PATH}")
}

fn mean(picture: &[u8]) -> u64 {
    picture.iter().map(|&byte| u64::from(byte)).sum::<u64>() / picture.len() as u64
}

/// A player stays, shows moving pictures and complains of nothing, while the camera restarts for settings and is killed.
fn stays(start: impl Fn(&str) -> Option<Player>, daemon: &mut Daemon, url: &str) {
    let Some(mut player) = start(url) else { return skip("the player is not installed") };
    let before = player.pictures(24);
    change_settings(daemon);
    // More than what the player has in its buffers.
    let after = player.pictures(72);
    if before.len() == WIDTH * HEIGHT {
        assert!(mean(&after) > mean(&before) + 10, "brighter: {} and {}", mean(&before), mean(&after));
    }
    kill_test_camera(daemon);
    player.pictures(72);
    player.end();
}

fn stays_with_a_daemon(start: impl Fn(&str) -> Option<Player>) {
    let mut daemon = test_camera().start();
    let url = url(daemon.rtsp_port());
    stays(start, &mut daemon, &url);
}

#[test]
fn ffmpeg_over_udp() {
    stays_with_a_daemon(|url| Player::ffmpeg(Some("udp"), url));
}

#[test]
fn ffmpeg_over_tcp() {
    stays_with_a_daemon(|url| Player::ffmpeg(Some("tcp"), url));
}

#[test]
fn gstreamer_over_udp() {
    stays_with_a_daemon(|url| Player::gstreamer("udp", url));
}

#[test]
fn gstreamer_over_tcp() {
    stays_with_a_daemon(|url| Player::gstreamer("tcp", url));
}

/// `.ci/run` builds it: `cargo build --manifest-path tests/retina/Cargo.toml --target-dir target/retina`.
#[test]
fn retina_over_udp() {
    stays_with_a_daemon(|url| Player::retina("udp", url));
}

#[test]
fn retina_over_tcp() {
    stays_with_a_daemon(|url| Player::retina("tcp", url));
}

/// Relays an RTSP connection, as a network that lets TCP through and loses datagrams: the daemon is told of ports that are
/// not the player's, in the range that `lost` has. Neither root nor a firewall is needed for that.
fn without_udp(daemon: SocketAddr, lost: [&UdpSocket; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = lost.map(|socket| socket.local_addr().unwrap().port());
    let told = format!("client_port={}-{}", told[0], told[1]);
    thread::spawn(move || {
        let (player, _) = listener.accept().unwrap();
        let daemon = TcpStream::connect(daemon).unwrap();
        let (from_player, from_daemon) = (player.try_clone().unwrap(), daemon.try_clone().unwrap());
        let asked = Mutex::new(String::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                relay(from_player, daemon, |text| {
                    let ports = text.split_once("client_port=").map(|(_, rest)| rest.split([';', '\r', ',']).next());
                    let Some(ports) = ports.flatten() else { return text.to_owned() };
                    *asked.lock().unwrap() = format!("client_port={ports}");
                    text.replace(&*asked.lock().unwrap(), &told)
                });
            });
            relay(from_daemon, player, |text| text.replace(&told, &asked.lock().unwrap()));
        });
    });
    address
}

/// Copies bytes until one side ends. What is text, and so a request or a reply, is rewritten.
fn relay(mut from: TcpStream, mut to: TcpStream, rewrite: impl Fn(&str) -> String) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let bytes = &bytes[..length];
        let sent = match str::from_utf8(bytes) {
            Ok(text) if text.contains("RTSP/1.0") => to.write_all(rewrite(text).as_bytes()),
            _ => to.write_all(bytes),
        };
        if sent.is_err() {
            break;
        }
    }
    let _ended = to.shutdown(Shutdown::Both);
}

/// As ffmpeg does with a time-out, and programs built on it.
#[test]
fn ffmpeg_falls_back_to_tcp_where_udp_is_blocked() {
    let mut daemon = test_camera().start();
    let lost = UdpPair::bind("127.0.0.1".parse().unwrap());
    let url = url(without_udp(daemon.rtsp_port(), [&lost.rtp, &lost.rtcp]));
    let Some(mut player) = Player::ffmpeg(None, &url) else { return skip("ffmpeg is not installed") };
    daemon.await_log("watches the video over UDP");
    player.pictures(24);
    assert!(lost.receive_from(None, DEADLINE).is_some(), "the stream went there first");
    player.end();
    assert_eq!(daemon.counter("rtsp_sessions"), 2);
}

#[test]
fn ffprobe_describes_the_stream() {
    let daemon = test_camera().start();
    for transport in ["tcp", "udp"] {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-rtsp_transport", transport, "-show_streams", "-of", "flat=s=_"])
            .arg(url(daemon.rtsp_port()))
            .output();
        let Ok(output) = output else { return skip("ffprobe is not installed") };
        let (shown, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && complaints.is_empty(), "{complaints}");
        for expected in [
            "streams_stream_0_codec_name=\"h264\"",
            "streams_stream_0_width=320",
            "streams_stream_0_height=240",
            "streams_stream_0_time_base=\"1/90000\"",
        ] {
            assert!(shown.lines().any(|line| line == expected), "{transport}: there is no {expected} in {shown}");
        }
    }
}
