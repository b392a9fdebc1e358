//! Error numbers of `errno(3)` that code outside `sys` needs.

pub use libc::EINTR;

/// The errno of an I/O error; `EIO` if it has none.
pub fn of(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// Whether the process or the system is out of descriptors.
pub fn out_of_descriptors(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
