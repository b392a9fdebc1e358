//! Ports at which nothing listens.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};

/// A port that is taken, by a socket that does not listen: connecting to it is refused for as long as this is kept.
pub struct DeafPort(OwnedFd);

impl DeafPort {
    pub fn number(&self) -> String {
        getsockname::<SockaddrIn>(self.0.as_raw_fd()).unwrap().port().to_string()
    }
}

pub fn deaf_port() -> DeafPort {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    DeafPort(fd)
}
