//! The limit on open descriptors.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A number of descriptors, in the kernel's width: 32 bits on a 32-bit Pi.
pub use nix::sys::resource::rlim_t as Limit;

/// Raises the soft limit on descriptors to `wanted`, as far as the hard limit and the system permit. Returns the old and
/// the new limit.
///
/// # Errors
///
/// The kernel can't report the limit (`getrlimit(2)`).
pub fn raise_descriptors(wanted: u32) -> std::io::Result<(Limit, Limit)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let target = Limit::from(wanted).min(hard);
    if target <= soft {
        return Ok((soft, soft));
    }
    let raised = setrlimit(Resource::RLIMIT_NOFILE, target, hard);
    Ok((soft, if raised.is_ok() { target } else { soft }))
}
