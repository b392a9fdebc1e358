//! The test camera's picture as a viewer sees it: upright and not mirrored, whatever the flips for a real camera are.

use crate::camera::test_camera;
use crate::client::Http;
use crate::ffmpeg;
use crate::support::{skip, until};
use es_iot_server::media::draw::read_code;

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// The brightness of each of `count` fields from left to right, in this row of a picture.
fn fields(luma: &[u8], row: usize, count: usize) -> Vec<u8> {
    (0..count).map(|nth| luma[row * WIDTH + WIDTH * (2 * nth + 1) / (2 * count)]).collect()
}

/// Whether the bars are at the top, from white to blue, and the clock's code is at the bottom, from left to right.
fn is_upright(luma: &[u8]) -> bool {
    let bars = fields(luma, 4, 8);
    bars[..7].is_sorted_by(|left, right| left > right) && read_code(luma, WIDTH, 320, 240).is_some()
}

/// In the demonstration, `camera.vflip` has its default, true.
#[test]
fn the_test_picture_is_upright_with_any_flips() {
    for (vflip, hflip, rotation) in [(true, false, 0), (false, true, 0), (false, false, 180)] {
        let flips = format!("vflip {vflip}, hflip {hflip}, rotation {rotation}");
        let launch = test_camera().set("camera.hflip", hflip).set("camera.rotation", rotation);
        let launch = if vflip { launch } else { launch.set("camera.vflip", false) };
        let daemon = launch.start();
        let mut http = Http::connect(daemon.http_port());
        until(|| http.get("/api/status").expect(200).json()["video"]["source"] == "camera");
        let snapshot = http.get("/snapshot.h264").expect(200).body;
        let decode = "-v error -f h264 -i - -frames:v 1 -f rawvideo -pix_fmt gray";
        let Some(output) = ffmpeg::run("ffmpeg", &format!("{decode} -"), &snapshot) else {
            return skip("ffmpeg is not installed");
        };
        assert_eq!(output.stdout.len(), WIDTH * HEIGHT, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(is_upright(&output.stdout), "{flips}");
        // The test sees a picture that is flipped.
        for filter in ["vflip", "hflip", "vflip,hflip"] {
            let flipped = ffmpeg::run("ffmpeg", &format!("{decode} -vf {filter} -"), &snapshot).unwrap().stdout;
            assert!(!is_upright(&flipped), "{filter} is not noticed");
        }
    }
}
