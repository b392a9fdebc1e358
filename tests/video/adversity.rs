//! Cameras that write what they should not, and clients that are broken, hostile or too many: other viewers and the data
//! stream notice nothing.

mod cameras;
mod clients;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Daemon, Over, turn, while_data_flows};
use crate::viewer::Viewer;

/// How long each adversity lasts, and others have to be unharmed.
const A_WHILE: Duration = Duration::from_millis(1500);

/// Two viewers watch meanwhile, miss no packet (`Receiver` makes sure of that), and get each picture soon.
fn unharmed<T>(daemon: &mut Daemon, act: impl FnOnce(&mut Daemon) -> T) -> T {
    let port = daemon.rtsp_port();
    let mut viewers = [Viewer::watch_tcp(port), Viewer::watch_udp(port)];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = viewers.each_mut().map(|viewer| {
            scope.spawn(|| {
                let mut latest = 0.0_f64;
                while !is_over.load(Ordering::Relaxed) {
                    let picture = viewer.picture();
                    latest = latest.max(picture.ended.wall - viewer.reports[0].wall_at(picture.time));
                }
                latest
            })
        });
        let over = Over(&is_over);
        let result = while_data_flows(daemon, act);
        drop(over);
        for reader in readers {
            let late = reader.join().unwrap();
            // How many there are is for the camera to decide, which has the lowest priority on a busy machine.
            assert!(late < 1.5, "a picture came {late} s late");
        }
        result
    })
}
