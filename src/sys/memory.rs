//! Keeping the password from whoever may read this process's memory: a core dump, a debugger, a child.

use std::io;
use std::sync::atomic::{Ordering, compiler_fence};

use nix::sys::prctl;

/// Has the kernel write no core dump of this process, and let none but root read its memory or attach to it: not even the
/// camera and the publisher, which run as the same user (`PR_SET_DUMPABLE`, `prctl(2)`; `ptrace(2)`). A copy made by
/// `fork(2)` is kept private too, a program that it executes is not.
///
/// # Errors
///
/// The kernel refuses.
pub fn keep_private() -> io::Result<()> {
    Ok(prctl::set_dumpable(false)?)
}

/// Overwrites bytes with zeros, and is not optimized away although nothing reads them again.
pub fn wipe(bytes: &mut [u8]) {
    for byte in &mut *bytes {
        // SAFETY: the pointer is a reference's, so it is valid for a write.
        unsafe { std::ptr::write_volatile(byte, 0) };
    }
    // What frees them comes after.
    compiler_fence(Ordering::SeqCst);
}

/// Overwrites all that a vector holds, what it held before included, and empties it.
pub fn wipe_vec(bytes: &mut Vec<u8>) {
    // Within the capacity: what was cut off is overwritten, and nothing is moved.
    bytes.resize(bytes.capacity(), 0);
    wipe(bytes);
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left() {
        let mut bytes = *b"sesame";
        wipe(&mut bytes[1..]);
        assert_eq!(&bytes, b"s\0\0\0\0\0");
    }

    #[test]
    fn nothing_is_left_behind_the_end_of_a_vector() {
        let mut bytes = b"open sesame".to_vec();
        let at = bytes.as_ptr();
        bytes.truncate(4);
        wipe_vec(&mut bytes);
        assert!(bytes.is_empty());
        bytes.resize(11, 1);
        assert_eq!(bytes.as_ptr(), at, "it was not moved");
    }
}
