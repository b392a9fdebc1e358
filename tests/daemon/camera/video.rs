//! Real video: the test camera's moving picture, H.264, published by ffmpeg over RTSP to a server that decodes it.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;

use super::rig::{Setup, wait_readable};

/// What the receiver scales each decoded picture to: enough to tell bright from dark.
const PICTURE_BYTES: usize = 16 * 12;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `ffmpeg -rtsp_flags listen`: an RTSP server for one publisher, decoding what it gets.
struct Receiver {
    child: Child,
    pictures: ChildStdout,
}

impl Receiver {
    fn start(url: &str) -> Self {
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-rtsp_flags", "listen", "-i", url])
            .args(["-vf", "scale=16:12", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ffmpeg is installed");
        let pictures = child.stdout.take().expect("a pipe");
        Self { child, pictures }
    }

    /// Waits for so many decoded pictures and returns the mean brightness of the last.
    fn pictures(&mut self, count: usize) -> u64 {
        let mut picture = [0; PICTURE_BYTES];
        for _ in 0..count {
            wait_readable(&self.pictures, true);
            self.pictures.read_exact(&mut picture).expect("another picture: the session lives");
        }
        picture.iter().map(|&byte| u64::from(byte)).sum::<u64>() / PICTURE_BYTES as u64
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn pictures_arrive_across_a_settings_update_and_a_receiver_that_goes_and_comes() {
    let url = format!("rtsp://127.0.0.1:{}/ES_MTX", free_port());
    let mut receiver = Receiver::start(&url);
    let mut setup = Setup::new("");
    setup.config["camera"] =
        json!({ "source": "test", "rtsp_url": url, "width": 320, "height": 240, "stall_seconds": 5 });
    let mut daemon = setup.start();
    daemon.wait_for("auth port is");
    let before = receiver.pictures(72);

    // Brightness from 0 to 0.5, in the same RTSP session: viewers are not cut off.
    daemon.update(&[[0x64, 0x01, 0x0A, 0x0A, 0x0A, 0xBF]]);
    daemon.wait_for("restarting the camera for new settings");
    let after = receiver.pictures(96);
    assert!(after > before + 40, "the picture has become brighter: {before} to {after}");

    // The receiver goes away; the daemon says so, and comes back by itself when there is one again.
    drop(receiver);
    let line = daemon.wait_for("next try in");
    assert!(line.contains("RTSP server"), "{line}");
    let mut receiver = Receiver::start(&url);
    assert!(receiver.pictures(48) > before + 40, "and still as bright");
    daemon.wait_for("video is running");
    daemon.stop();
}
