//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

/// Allocations of one thread: tests run side by side.
pub type Count = &'static AtomicU64;

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(count) = COUNT.get() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts this thread's allocations from now on.
#[allow(dead_code, reason = "not each test program has a thread that goes on")]
pub fn count_in(count: Count) {
    COUNT.set(Some(count));
}

/// How many allocations this thread makes in `work`.
pub fn allocations(work: impl FnOnce()) -> u64 {
    let count: Count = Box::leak(Box::default());
    count_in(count);
    work();
    COUNT.set(None);
    count.load(Ordering::Relaxed)
}
