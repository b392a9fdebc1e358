//! The limit on open descriptors.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the soft limit on descriptors to `wanted`, as far as the hard limit goes. Returns what it was,
/// and what it is now.
///
/// # Errors
///
/// When the kernel does not tell or take limits (`getrlimit(2)`).
pub fn raise_descriptors(wanted: u64) -> std::io::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    // On a 32-bit Pi the kernel's numbers have 32 bits.
    let (soft, hard) = (soft as u64, hard as u64);
    let target = wanted.min(hard);
    if target <= soft {
        return Ok((soft, soft));
    }
    setrlimit(Resource::RLIMIT_NOFILE, target, hard)?;
    Ok((soft, target))
}
