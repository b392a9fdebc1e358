//! The limit on open descriptors.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A number of descriptors, as wide as the kernel's interface has it: 32 bits on a 32-bit Pi.
pub use nix::sys::resource::rlim_t as Limit;

/// Raises the soft limit on descriptors to `wanted`, as far as the hard limit and the system let it. Returns what it was,
/// and what it is now.
///
/// # Errors
///
/// When the kernel does not tell limits (`getrlimit(2)`).
pub fn raise_descriptors(wanted: u32) -> std::io::Result<(Limit, Limit)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let target = Limit::from(wanted).min(hard);
    if target <= soft {
        return Ok((soft, soft));
    }
    let raised = setrlimit(Resource::RLIMIT_NOFILE, target, hard);
    Ok((soft, if raised.is_ok() { target } else { soft }))
}
