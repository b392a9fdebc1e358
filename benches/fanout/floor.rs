//! The floor: timerfd, epoll, accept, and one `send` per client. It checks nothing, never removes a client and survives few
//! errors, so the daemon's extra cost is the price of its robustness.

use std::io::{self, Write};
use std::os::fd::AsRawFd;

use es_iot_server::limits::SUBSCRIBER_UNSENT_BYTES;
use es_iot_server::sys::{clock, limits, socket};
use es_iot_server::wire;

/// The argument that runs the bench as the floor.
pub const ARGUMENT: &str = "--floor";

const TICK_NS: i64 = 1_000_000_000 / 24;
const TIMER: u64 = 0;
const LISTENER: u64 = 1;

/// Serves until killed. Prints its address.
pub fn run() -> io::Result<()> {
    limits::raise_descriptors(4096)?;
    // The same socket options as the daemon, so that the comparison is between programs.
    let listener = socket::listener("127.0.0.1:0".parse().expect("an address"), Some(SUBSCRIBER_UNSENT_BYTES))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let listener = listener.as_raw_fd();
    let mut clients: Vec<i32> = Vec::new();
    let mut value = 0_u8;
    // SAFETY: every pointer is to a live variable of the type that the call expects; descriptors stay open to the end.
    unsafe {
        let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        let timer = libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC);
        let tick = libc::timespec { tv_sec: 0, tv_nsec: TICK_NS };
        let every = libc::itimerspec { it_interval: tick, it_value: tick };
        libc::timerfd_settime(timer, 0, &raw const every, std::ptr::null_mut());
        for (fd, id) in [(timer, TIMER), (listener, LISTENER)] {
            let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET).cast_unsigned(), u64: id };
            libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event);
        }
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 2];
        loop {
            let ready = libc::epoll_wait(epoll, events.as_mut_ptr(), 2, -1);
            for event in &events[..usize::try_from(ready).unwrap_or(0)] {
                if event.u64 == LISTENER {
                    loop {
                        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
                        let client = libc::accept4(listener, std::ptr::null_mut(), std::ptr::null_mut(), flags);
                        if client < 0 {
                            break;
                        }
                        clients.push(client);
                    }
                    continue;
                }
                // The kernel rearms a periodic timerfd only when it is read.
                let mut expired = 0_u64;
                libc::read(timer, (&raw mut expired).cast(), 8);
                value = (value + 1) % 11;
                let packet = wire::data::packet(value, clock::unix_ms());
                let bytes = packet.as_bytes();
                for &client in &clients {
                    libc::send(client, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL);
                }
            }
        }
    }
}
