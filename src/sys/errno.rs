//! Error numbers of `errno(3)` that code outside `sys` needs.

pub use libc::{EINTR, EIO};

/// Whether the process or the system is out of descriptors.
pub fn out_of_descriptors(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
