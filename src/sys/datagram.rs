//! Datagrams: a pair of UDP ports, and many datagrams with one system call.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, SockaddrIn6,
    SockaddrStorage, bind, sendmmsg, sendmsg, setsockopt, socket, sockopt,
};

use crate::limits::UDP_PAIR_TRIES;

/// Bytes for datagrams that wait to be sent, if the system grants them (`net.core.wmem_max`): a key picture for several
/// viewers.
const SEND_BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes for datagrams that came to the RTP port. They are never read: viewers send some to open a route through a firewall.
const UNREAD_BUFFER_BYTES: usize = 4096;

/// Two UDP sockets whose ports follow each other, the first of them even (RFC 3550, section 11). Non-blocking.
#[derive(Debug)]
pub struct Pair {
    /// For RTP.
    rtp: UdpSocket,
    /// For RTCP.
    rtcp: UdpSocket,
    port: u16,
    /// Whether the kernel cuts segments (`UDP_SEGMENT`, Linux 4.18). Older ones would send them as one datagram.
    cuts: bool,
}

/// Why datagrams were not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// The socket is full.
    WouldBlock,
    /// The kernel does not cut segments of this size for this route: send them as datagrams of their own.
    NoSegments,
    /// The system refuses: no route, a firewall, no memory.
    Refused,
}

/// The route of datagrams: where they go, and from which of this device's addresses. A device with several would otherwise send
/// them from the one that its routes prefer, and clients and firewalls expect them from where they connected to.
#[derive(Debug)]
pub struct Route {
    to: SockaddrStorage,
    source: Source,
}

#[derive(Debug)]
enum Source {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl Route {
    /// From the address `local` to `to`, both as the connection's socket has them.
    pub fn new(local: IpAddr, to: SocketAddr) -> Self {
        let source = match local {
            IpAddr::V4(address) => Source::V4(libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
                ipi_addr: libc::in_addr { s_addr: 0 },
            }),
            IpAddr::V6(address) => Source::V6(libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: address.octets() },
                ipi6_ifindex: 0,
            }),
        };
        Self { to: SockaddrStorage::from(to), source }
    }
}

impl Source {
    const fn control(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}

impl Pair {
    /// Binds a pair of free ports on `address`; `::` also serves IPv4.
    ///
    /// # Errors
    ///
    /// The address is not local, or no pair of free ports was found.
    pub fn bind(address: IpAddr) -> io::Result<Self> {
        for _ in 0..UDP_PAIR_TRIES {
            let one = open(address, 0)?;
            let port = one.local_addr()?.port();
            let other = port ^ 1;
            let other = match open(address, other) {
                Ok(socket) => socket,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
                Err(error) => return Err(error),
            };
            let [even, odd] = if port.is_multiple_of(2) { [one, other] } else { [other, one] };
            setsockopt(&even, sockopt::RcvBuf, &UNREAD_BUFFER_BYTES)?;
            setsockopt(&even, sockopt::SndBuf, &SEND_BUFFER_BYTES)?;
            let cuts = setsockopt(&even, sockopt::UdpGsoSegment, &0).is_ok();
            return Ok(Self { rtp: even, rtcp: odd, port: port & !1, cuts });
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// The port for RTP, an even one; RTCP has the next.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The descriptors: RTP, RTCP.
    pub fn descriptors(&self) -> [RawFd; 2] {
        [self.rtp.as_raw_fd(), self.rtcp.as_raw_fd()]
    }

    /// Sends datagrams from the RTP port with one call: `parts` together, cut after each `segment` bytes.
    ///
    /// # Errors
    ///
    /// [`SendFailure`]; none was sent.
    pub fn send_cut(&self, route: &Route, parts: &[IoSlice<'_>], segment: u16) -> Result<(), SendFailure> {
        if !self.cuts {
            return Err(SendFailure::NoSegments);
        }
        let control = [ControlMessage::UdpGsoSegments(&segment), route.source.control()];
        match sendmsg(self.rtp.as_raw_fd(), parts, &control, MsgFlags::MSG_DONTWAIT, Some(&route.to)) {
            Ok(_) => Ok(()),
            // EINVAL: a segment does not fit the route's packets. EIO: its device computes no checksums.
            Err(Errno::EINVAL | Errno::EMSGSIZE | Errno::EIO | Errno::EOPNOTSUPP) => Err(SendFailure::NoSegments),
            Err(errno) => Err(failure(errno)),
        }
    }

    /// Sends datagrams from the RTP port, each of two of the `parts`. Returns how many left.
    ///
    /// # Errors
    ///
    /// [`SendFailure`]; none was sent.
    pub fn send_each(&self, route: &Route, parts: &[IoSlice<'_>]) -> Result<usize, SendFailure> {
        let datagrams: Vec<&[IoSlice<'_>]> = parts.chunks(2).collect();
        let to = vec![Some(route.to); datagrams.len()];
        let mut headers = MultiHeaders::preallocate(datagrams.len(), Some(cmsg_space!(libc::in6_pktinfo)));
        let sent = sendmmsg(
            self.rtp.as_raw_fd(),
            &mut headers,
            &datagrams,
            &to,
            [route.source.control()],
            MsgFlags::MSG_DONTWAIT,
        );
        sent.map(Iterator::count).map_err(failure)
    }

    /// Sends one datagram from the RTCP port.
    ///
    /// # Errors
    ///
    /// The errors of `sendmsg(2)`.
    pub fn send_rtcp(&self, route: &Route, bytes: &[u8]) -> io::Result<()> {
        let (control, parts) = ([route.source.control()], [IoSlice::new(bytes)]);
        sendmsg(self.rtcp.as_raw_fd(), &parts, &control, MsgFlags::MSG_DONTWAIT, Some(&route.to))?;
        Ok(())
    }

    /// Reads one datagram that came to the RTCP port; `None` if there is none. Longer ones than `buffer` are cut.
    pub fn receive_rtcp(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        loop {
            match self.rtcp.recv_from(buffer) {
                Ok(received) => return Some(received),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error of an earlier datagram, which is reported once.
                Err(_) => return None,
            }
        }
    }
}

fn failure(errno: Errno) -> SendFailure {
    if errno == Errno::EAGAIN { SendFailure::WouldBlock } else { SendFailure::Refused }
}

fn open(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd: OwnedFd = socket(family, SockType::Datagram, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    match SocketAddr::new(address, port) {
        SocketAddr::V4(address) => bind(fd.as_raw_fd(), &SockaddrIn::from(address))?,
        SocketAddr::V6(address) => {
            setsockopt(&fd, sockopt::Ipv6V6Only, &!address.ip().is_unspecified())?;
            bind(fd.as_raw_fd(), &SockaddrIn6::from(address))?;
        }
    }
    Ok(fd.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn receiver() -> (UdpSocket, Route) {
        let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
        let route = Route::new(LOCAL, socket.local_addr().unwrap());
        (socket, route)
    }

    fn received(socket: &UdpSocket) -> Vec<u8> {
        let mut buffer = [0; 2000];
        let length = socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    #[test]
    fn a_pair_is_even_and_odd() {
        for address in [LOCAL, IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let Ok(pair) = Pair::bind(address) else {
                assert!(address.is_ipv6(), "a machine without IPv6");
                continue;
            };
            assert!(pair.port().is_multiple_of(2));
            assert_eq!(pair.rtp.local_addr().unwrap().port() + 1, pair.rtcp.local_addr().unwrap().port());
        }
    }

    #[test]
    fn datagrams_are_cut_by_the_kernel_or_sent_each() {
        let pair = Pair::bind(LOCAL).unwrap();
        let (socket, to) = receiver();
        let pieces: [&[u8]; 4] = [&[1; 12], &[2; 988], &[3; 12], &[4; 100]];
        let parts = pieces.map(IoSlice::new);
        if pair.cuts {
            pair.send_cut(&to, &parts, 1000).unwrap();
            assert_eq!(received(&socket), pieces[..2].concat());
            assert_eq!(received(&socket), pieces[2..].concat());
        }
        assert_eq!(pair.send_each(&to, &parts), Ok(2));
        assert_eq!(received(&socket), pieces[..2].concat());
        assert_eq!(received(&socket), pieces[2..].concat());
    }

    #[test]
    fn datagrams_come_from_the_address_that_was_asked_for() {
        // Linux has all of 127.0.0.0/8 on its loopback.
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
        for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            let Ok(pair) = Pair::bind(any) else { continue };
            let socket = UdpSocket::bind((LOCAL, 0)).unwrap();
            let to = socket.local_addr().unwrap();
            let route = match any {
                IpAddr::V4(_) => Route::new(other, to),
                IpAddr::V6(_) => Route::new(mapped(other), SocketAddr::new(mapped(to.ip()), to.port())),
            };
            let parts = [IoSlice::new(b"head"), IoSlice::new(b"body")];
            assert_eq!(pair.send_each(&route, &parts), Ok(1), "{any}");
            assert_eq!(pair.send_cut(&route, &parts, 8), Ok(()));
            pair.send_rtcp(&route, b"report").unwrap();
            for _ in 0..3 {
                assert_eq!(socket.recv_from(&mut [0; 20]).unwrap().1.ip(), other);
            }
        }
    }

    fn mapped(address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => IpAddr::V6(address.to_ipv6_mapped()),
            IpAddr::V6(_) => address,
        }
    }

    #[test]
    fn segments_that_do_not_fit_the_route_are_refused_as_such() {
        let pair = Pair::bind(LOCAL).unwrap();
        let (_socket, to) = receiver();
        let long = vec![0; 65_000];
        // Loopback's packets have 65536 bytes, with headers of 28; a segment of 65535 can't be cut.
        assert_eq!(
            pair.send_cut(&to, &[IoSlice::new(&long), IoSlice::new(&long)], 65_535),
            Err(SendFailure::NoSegments)
        );
    }

    #[test]
    fn rtcp_goes_both_ways() {
        let pair = Pair::bind(LOCAL).unwrap();
        let (socket, to) = receiver();
        pair.send_rtcp(&to, b"report").unwrap();
        assert_eq!(received(&socket), b"report");
        assert_eq!(pair.receive_rtcp(&mut [0; 9]), None);
        socket.send_to(b"heard", (LOCAL, pair.port() + 1)).unwrap();
        let mut buffer = [0; 9];
        let (length, from) = pair.receive_rtcp(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"heard"[..], socket.local_addr().unwrap()));
    }
}
