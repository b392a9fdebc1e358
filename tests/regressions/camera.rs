//! Bugs of the camera pipeline's supervision.

use serde_json::json;

use crate::support::Launch;

/// A child's line was cut first and masked then: a cut within a URL's password took away the `@` by which it is known.
/// The ends of the two lines differ: one goes on behind what is kept of a line, the other is never ended.
#[test]
fn the_beginning_of_a_password_was_logged_when_its_line_was_cut() {
    let url = format!("rtsp://ann:S3CRET{}@10.0.0.1/x", "x".repeat(290));
    for (line, logged) in [(url.as_str(), "rtsp://ann:*** ..."), ("rtsp://ann:S3CRET", "rtsp://ann:***")] {
        let mut daemon = Launch::new()
            .set("camera.source", "command")
            .set("camera.command", json!(["cat", "/dev/zero"]))
            .set("camera.publisher", json!(["sh", "-c", format!("printf 'can not open {line}' >&2; exit 1")]))
            .start();
        daemon.await_log("camera.process ERROR   sh: can not open rtsp://ann");
        daemon.stop();
        let log = daemon.log();
        assert!(!log.contains("S3C"), "{log}");
        assert_eq!(log.matches(&format!("can not open {logged}\n")).count(), 2, "{log}");
    }
}
