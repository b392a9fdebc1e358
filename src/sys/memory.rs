//! Keeps the password out of core dumps, and from debuggers and children that could read this process's memory.

use std::io;
use std::sync::atomic::{Ordering, compiler_fence};

use nix::sys::prctl;

/// Disables core dumps of this process, and lets only root read its memory or attach to it: not even the camera and the
/// publisher, which run as the same user (`PR_SET_DUMPABLE`, `prctl(2)`; `ptrace(2)`). `fork(2)` keeps the setting, exec
/// does not.
///
/// # Errors
///
/// The kernel refuses.
pub fn keep_private() -> io::Result<()> {
    Ok(prctl::set_dumpable(false)?)
}

/// Overwrites bytes with zeros. The compiler can't optimize the writes away although the bytes are never read again.
pub fn wipe(bytes: &mut [u8]) {
    for byte in &mut *bytes {
        // SAFETY: the pointer comes from a mutable reference, so it is valid for a write.
        unsafe { std::ptr::write_volatile(byte, 0) };
    }
    // Keeps the writes before the deallocation.
    compiler_fence(Ordering::SeqCst);
}

/// Overwrites a vector's whole capacity, including bytes of earlier contents, and empties it.
pub fn wipe_vec(bytes: &mut Vec<u8>) {
    // Growing within the capacity overwrites truncated bytes and does not move the buffer.
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
    fn bytes_beyond_a_vectors_length_are_wiped() {
        let mut bytes = b"open sesame".to_vec();
        let at = bytes.as_ptr();
        bytes.truncate(4);
        wipe_vec(&mut bytes);
        assert!(bytes.is_empty());
        bytes.resize(11, 1);
        assert_eq!(bytes.as_ptr(), at, "the buffer was not moved");
    }
}
