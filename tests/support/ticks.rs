//! What has to go on meanwhile: the data stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Client, Daemon, due};

const FEW: usize = 6;

/// Each of these tests takes a processor for itself: two at once would disturb each other, whatever the daemon does.
pub fn turn() -> MutexGuard<'static, ()> {
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
#[derive(Debug)]
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The data stream goes on meanwhile, and the daemon stays small and on one thread.
pub fn while_data_flows<T>(daemon: &mut Daemon, act: impl FnOnce(&mut Daemon) -> T) -> T {
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
