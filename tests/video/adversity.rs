//! Cameras that write what they should not, and clients that are broken, hostile or too many: other viewers and the data
//! stream notice nothing.

mod cameras;
mod clients;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::support::{Client, Daemon, due};
use crate::viewer::Viewer;

/// How long each adversity lasts, and others have to be unharmed.
const A_WHILE: Duration = Duration::from_millis(1500);
const FEW: usize = 6;

/// Each of these tests takes a processor for itself: two at once would disturb each other, whatever the daemon does.
fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads packets until it is over; how many ticks were missed among them, from the time stamps.
fn missed_ticks(subscriber: &mut Client, is_over: impl Fn() -> bool) -> u64 {
    let begin = due(&[(); FEW].map(|()| subscriber.data().1));
    let mut count = FEW as u64;
    while !is_over() {
        subscriber.data();
        count += 1;
    }
    let end = due(&[(); FEW].map(|()| subscriber.data().1));
    ((end - begin + 500) / 1000).saturating_sub(count)
}

/// Tells readers that it is over, also when a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The data stream goes on meanwhile, and the daemon stays small and on one thread.
fn while_data_flows<T>(daemon: &mut Daemon, act: impl FnOnce(&mut Daemon) -> T) -> T {
    let mut subscriber = daemon.data();
    let before = daemon.status("VmRSS");
    let (ticks_before, skipped_before) = (daemon.counter("ticks"), daemon.counter("ticks_skipped"));
    let is_over = AtomicBool::new(false);
    let (result, missed) = thread::scope(|scope| {
        let reader = scope.spawn(|| missed_ticks(&mut subscriber, || is_over.load(Ordering::Relaxed)));
        let over = Over(&is_over);
        let result = act(daemon);
        drop(over);
        (result, reader.join().unwrap())
    });
    let skipped = daemon.counter("ticks_skipped") - skipped_before;
    let ticks = daemon.counter("ticks") - ticks_before;
    println!("{missed} ticks missed, {skipped} of {ticks} skipped");
    assert!(missed <= skipped, "{missed} ticks missed, {skipped} skipped");
    // The machine may be busy with other tests; the daemon itself has no step that is long.
    assert!(skipped <= 3 + ticks / 2, "{skipped} of {ticks} ticks skipped");
    let after = daemon.status("VmRSS");
    assert!(after < before + 12 * 1024, "RSS from {before} kB to {after} kB");
    assert_eq!(daemon.threads(), 1);
    result
}

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
