//! The test camera as a process: the arguments that the supervisor writes, the pictures that come out, and its end.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, str};

use es_iot_server::camera::command;
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource};
use es_iot_server::media::draw::read_code;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::rig::{Daemon, PATIENCE, Setup};
use crate::drawn_video;
use crate::support::{skip, until};

const DAEMON: &str = env!("CARGO_BIN_EXE_es-iot-server");
const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const PICTURE_BYTES: usize = (WIDTH * HEIGHT * 3 / 2) as usize;
/// A key picture of this size has less than a tenth of it.
const MAX_WRITE_BYTES: usize = 128 * 1024;

fn arguments(settings: &CameraSettings, framerate: u32) -> Vec<String> {
    let source = CameraSource::Test;
    let config = CameraConfig { source, width: WIDTH, height: HEIGHT, framerate, intra: 10, ..CameraConfig::default() };
    command::camera(&config, settings, "", false).split_off(1)
}

fn start(arguments: &[String], output: impl Into<Stdio>) -> Child {
    let mut command = Command::new(DAEMON);
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
    command.spawn().expect("the test camera starts")
}

/// A test camera whose every `write(2)` is a message of its own.
struct Writes {
    child: Child,
    messages: UnixDatagram,
}

impl Writes {
    fn start(settings: &CameraSettings, framerate: u32) -> Self {
        let (messages, output) = UnixDatagram::pair().expect("a pair of sockets");
        messages.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self { child: start(&arguments(settings, framerate), OwnedFd::from(output)), messages }
    }

    fn next(&self) -> Vec<u8> {
        let mut message = vec![0; MAX_WRITE_BYTES];
        let length = self.messages.recv(&mut message).expect("another picture");
        assert!(length < MAX_WRITE_BYTES, "a picture is cut");
        message.truncate(length);
        message
    }

    fn take(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.next()).collect()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The types of a picture's NAL units.
fn units(picture: &[u8]) -> Vec<u8> {
    picture.windows(5).filter(|at| at[..4] == [0, 0, 0, 1]).map(|at| at[4] & 0x1F).collect()
}

/// The pictures' planes, as ffmpeg decodes them; `None` where it is not installed.
fn decoded(pictures: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let after = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    let output = drawn_video::run("ffmpeg", &["-v", "warning", "-xerror", "-i"], &pictures.concat(), &after)?;
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let planes: Vec<Vec<u8>> = output.stdout.chunks(PICTURE_BYTES).map(<[u8]>::to_vec).collect();
    assert_eq!(planes.len(), pictures.len());
    Some(planes)
}

#[test]
fn a_write_is_a_picture() {
    let camera = Writes::start(&CameraSettings::default(), 60);
    for (nth, picture) in camera.take(41).iter().enumerate() {
        assert_eq!(units(picture), if nth % 10 == 0 { vec![7, 8, 5] } else { vec![1] }, "picture {nth}");
    }
}

#[test]
fn the_rate_is_the_configured_one() {
    for rate in [24, 60] {
        let camera = Writes::start(&CameraSettings::default(), rate);
        let Some(planes) = decoded(&camera.take(rate as usize)) else { return skip("ffmpeg is not installed") };
        let code = |planes: &Vec<u8>| read_code(planes, WIDTH as usize, WIDTH, HEIGHT).expect("the clock's code");
        let times_ms: Vec<u32> = planes.iter().map(code).collect();
        // No two pictures are of the same interval, however late they were drawn, so there is no burst.
        for (nth, time) in (0..).zip(&times_ms) {
            let passed_ms = time.wrapping_sub(times_ms[0]);
            assert!((passed_ms + 1) * rate + 1000 >= nth * 1000, "picture {nth} after {passed_ms} ms: {times_ms:?}");
        }
        // Most are on time, even where others use the processors.
        let mut gaps: Vec<u32> = times_ms.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        gaps.sort_unstable();
        let median = gaps[gaps.len() / 2];
        assert!(median.abs_diff(1000 / rate) <= 3, "a picture each {median} ms at {rate} a second: {times_ms:?}");
    }
}

#[test]
fn brightness_shows() {
    let mean = |brightness| {
        let settings = CameraSettings { brightness, ..CameraSettings::default() };
        let planes = decoded(&Writes::start(&settings, 120).take(12))?;
        let luma = planes.last()?[..(WIDTH * HEIGHT / 3) as usize].iter();
        Some(luma.map(|sample| u32::from(*sample)).sum::<u32>() / (WIDTH * HEIGHT / 3))
    };
    let (Some(dark), Some(bright)) = (mean(0.0), mean(0.3)) else { return skip("ffmpeg is not installed") };
    assert!(bright > dark + 30, "from {dark} to {bright}");
}

#[test]
fn it_ends_cleanly_when_its_reader_goes() {
    let mut camera = start(&arguments(&CameraSettings::default(), 120), Stdio::piped());
    let mut output = camera.stdout.take().expect("a pipe");
    output.read_exact(&mut [0; 4096]).expect("pictures");
    drop(output);
    let output = camera.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), str::from_utf8(&output.stderr)), (Some(0), Ok("")));
}

#[test]
fn of_the_daemons_signals_only_those_that_stop_end_it() {
    for stop in [Signal::SIGINT, Signal::SIGTERM] {
        let mut camera = Writes::start(&CameraSettings::default(), 60);
        camera.next();
        camera.signal(Signal::SIGHUP);
        camera.signal(Signal::SIGUSR1);
        camera.take(30);
        camera.signal(stop);
        assert_eq!(camera.child.wait().expect("it ends").signal(), Some(stop as i32));
    }
}

#[test]
fn wrong_arguments_are_wrong_usage() {
    let usual = arguments(&CameraSettings::default(), 24).join(" ");
    for (from, to, text) in [
        ("width=320", "width=321", "a picture of 321x240 can't be drawn"),
        ("framerate=24", "framerate=121", "121 pictures a second can't be drawn"),
        ("gain=1", "gain=256", "gain is 256; allowed: 0 to 255"),
        (" brightness=0", "", "brightness is missing"),
    ] {
        let arguments: Vec<String> = usual.replace(from, to).split(' ').map(ToOwned::to_owned).collect();
        let output = start(&arguments, Stdio::piped()).wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{to}");
        let line = String::from_utf8(output.stderr).expect("text");
        assert!(line.starts_with("es-iot-server: test camera: ") && line.contains(text), "{line}");
        assert!(line.contains("camera.source") && line.lines().count() == 1, "{line}");
    }
}

/// A daemon with the test camera and no other program to run but a publisher that reads.
fn with_test_camera(program: &Path) -> Setup {
    let mut setup = Setup::of(program, "").without_programs();
    setup.config["camera"] = json!({
        "source": "test", "width": WIDTH, "height": HEIGHT, "publisher": ["cat", "/dev/stdin"],
        "rtsp_url": "rtsp://127.0.0.1/unused", "stall_seconds": 5,
    });
    setup
}

/// The process id of the camera, which is found by its name, and its arguments: a start takes a moment, and so does an end.
fn camera_of(daemon: &Daemon, but_not: Option<i32>) -> (i32, String) {
    let read = |pid: i32, file| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let mut found = None;
    until(|| {
        let mut children = daemon.children().into_iter().filter(|pid| Some(*pid) != but_not);
        found = children.find(|pid| read(*pid, "comm") == "es-iot-testcam\n");
        found.is_some()
    });
    let pid = found.expect("it was just found");
    (pid, read(pid, "cmdline").replace('\0', " "))
}

#[test]
fn it_is_supervised_like_any_camera() {
    let mut daemon = with_test_camera(Path::new(DAEMON)).start();
    daemon.wait_for("video is running");
    let (camera, arguments) = camera_of(&daemon, None);
    assert!(arguments.starts_with("/proc/self/exe --test-camera width=320 height=240 "), "{arguments}");

    kill(Pid::from_raw(camera), Signal::SIGABRT).expect("it runs");
    daemon.wait_for("the camera crashed with signal 6");
    camera_of(&daemon, Some(camera));
    daemon.wait_for("video is running");
    daemon.stop();
}

/// A package manager replaces the file of a running daemon, whose camera must still be startable.
#[test]
fn it_starts_after_the_daemons_file_is_gone() {
    let link = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("es-iot-server-{}", std::process::id()));
    let _left_by_a_killed_test = fs::remove_file(&link);
    fs::hard_link(DAEMON, &link).expect("a link beside the program");
    let mut daemon = with_test_camera(&link).start();
    daemon.wait_for("auth port is");
    let (camera, _) = camera_of(&daemon, None);
    fs::remove_file(&link).expect("the link");

    daemon.update(&[[0x64, 0x01, 0x0A, 0x0A, 0x0A, 0xBF]]);
    daemon.wait_for("restarting the camera for new settings");
    let (camera, arguments) = camera_of(&daemon, Some(camera));
    assert!(arguments.contains(" brightness=0.498"), "{arguments}");
    let program = fs::read_link(format!("/proc/{camera}/exe")).expect("a link");
    assert!(program.to_string_lossy().ends_with(" (deleted)"), "{}", program.display());
    daemon.wait_for("video is running");
    daemon.stop();
}
