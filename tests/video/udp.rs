//! A viewer's UDP ports.

use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};

use crate::packets::Arrival;

/// Two ports, the first of them even.
#[derive(Debug)]
pub struct UdpPair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl UdpPair {
    pub fn bind(ip: IpAddr) -> Self {
        loop {
            let rtp = UdpSocket::bind((ip, 0)).unwrap();
            let port = rtp.local_addr().unwrap().port();
            if !port.is_multiple_of(2) {
                continue;
            }
            let Ok(reports) = UdpSocket::bind((ip, port + 1)) else { continue };
            // A test that is not scheduled for a while has to find everything that came.
            let _as_far_as_it_goes = setsockopt(&rtp, sockopt::RcvBufForce, &(8 << 20));
            return Self { rtp, rtcp: reports };
        }
    }

    pub fn port(&self) -> u16 {
        self.rtp.local_addr().unwrap().port()
    }

    /// The value of a Transport header.
    pub fn transport(&self) -> String {
        format!("RTP/AVP;unicast;client_port={}-{}", self.port(), self.port() + 1)
    }

    /// The next datagram within a time from the server's pair of ports that begins with `from`, and whether it is RTCP.
    /// Other daemons, in other tests, may still be sending to a viewer that had these ports before.
    pub fn receive_from(&self, from: Option<u16>, within: Duration) -> Option<(bool, Vec<u8>, Arrival)> {
        let end = Instant::now() + within;
        loop {
            let (is_rtcp, bytes, arrived, source) = self.receive_any(end.saturating_duration_since(Instant::now()))?;
            if from.is_none_or(|port| source == port + u16::from(is_rtcp)) {
                return Some((is_rtcp, bytes, arrived));
            }
        }
    }

    /// The next datagram within a time, with the port that it comes from.
    fn receive_any(&self, within: Duration) -> Option<(bool, Vec<u8>, Arrival, u16)> {
        let mut fds = [&self.rtcp, &self.rtp].map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        let timeout = PollTimeout::try_from(within).unwrap();
        if poll(&mut fds, timeout).unwrap() == 0 {
            return None;
        }
        let is_rtcp = fds[0].any().unwrap();
        let mut bytes = vec![0; 65_536];
        let (length, source) = if is_rtcp { &self.rtcp } else { &self.rtp }.recv_from(&mut bytes).unwrap();
        bytes.truncate(length);
        Some((is_rtcp, bytes, Arrival::now(), source.port()))
    }
}
