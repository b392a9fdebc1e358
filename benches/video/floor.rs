//! The floor: the same packets or fragments to the same viewers, with one system call a picture (TCP) or a group of datagrams
//! (UDP). It makes them before it starts, has no epoll, waits for viewers that are slow, and survives no errors.
//!
//! It either sleeps until a picture is due, or reads it from a camera's pipe, as the daemon has to.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use es_iot_server::limits::{GROUP_DATAGRAMS, VIEWER_KERNEL_UNSENT_BYTES};
use es_iot_server::media::picture::{Assembler, Picture};
use es_iot_server::media::ring::{FragmentCursor, Framing, Identity, PacketCursor, Parts, Ring, Start};
use es_iot_server::sys::{clock, limits, socket};
use serde::{Deserialize, Serialize};

use super::camera;
use super::support::proc::{self, Process};
use super::viewer::Transport;

/// The argument that runs the bench as the floor. A [`Job`] follows.
pub const ARGUMENT: &str = "--floor";

/// What the floor sends.
#[derive(Serialize, Deserialize)]
pub struct Job {
    /// How the stream gets to the viewers.
    pub transport: Transport,
    /// Whether it reads the pictures from a camera. Otherwise it has them on time.
    pub is_piped: bool,
    /// The number of viewers.
    pub viewers: u32,
}

/// What one system call sends.
struct Group {
    bytes: Vec<u8>,
    /// Bytes of each datagram but the last.
    segment: u16,
}

/// A picture, ready to be sent.
struct Ready {
    groups: Vec<Group>,
    /// The group with the picture's time, and where it is.
    stamp: (usize, usize),
}

enum Viewers {
    Tcp(Vec<TcpStream>),
    /// The connections stay open.
    Udp(UdpSocket, Vec<(TcpStream, SocketAddr)>),
}

/// Serves until killed. Prints its address, then waits for all viewers.
pub fn run(job: &str) -> io::Result<()> {
    let Job { transport, is_piped, viewers } = serde_json::from_str(job)?;
    limits::raise_descriptors(viewers + 64)?;
    // The same socket options as the daemon's.
    let listener = socket::listener("127.0.0.1:0".parse().expect("an address"), Some(VIEWER_KERNEL_UNSENT_BYTES))?;
    listener.set_nonblocking(false)?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let mut pictures = ready(transport)?;
    let viewers = accept(&listener, transport, viewers)?;
    if is_piped {
        let child = Command::new(std::env::current_exe()?).arg(camera::ARGUMENT).stdout(Stdio::piped()).spawn()?;
        let mut camera = Process(child);
        let mut pipe = camera.0.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
        es_iot_server::sys::pipe::enlarge(&pipe, es_iot_server::limits::VIDEO_PIPE_BYTES);
        let mut written = camera::pictures();
        let stamps: Vec<usize> = written.iter().filter_map(|picture| camera::stamp_at(picture)).collect();
        loop {
            for ((written, &at), picture) in written.iter_mut().zip(&stamps).zip(&mut pictures) {
                pipe.read_exact(written)?;
                let (group, to) = picture.stamp;
                picture.groups[group].bytes[to..to + camera::STAMP_BYTES]
                    .copy_from_slice(&written[at..at + camera::STAMP_BYTES]);
                send(&viewers, picture)?;
            }
        }
    }
    let mut due = clock::mono();
    loop {
        for picture in &mut pictures {
            proc::rest(due.since(clock::mono()));
            let (group, at) = picture.stamp;
            camera::stamp(&mut picture.groups[group].bytes, at, clock::mono());
            send(&viewers, picture)?;
            due = due + camera::EACH;
        }
    }
}

/// A second as the daemon sends it.
fn ready(transport: Transport) -> io::Result<Vec<Ready>> {
    let identity = Identity { ssrc: 1, first_sequence: 1, time_offset: 1 };
    let mut ring = Ring::new(8 * camera::SECOND_BYTES, identity);
    let mut cursor = match transport {
        Transport::Tcp => Cursor::Frames(PacketCursor::new(&ring, Start::NextKey, 0)),
        Transport::Udp => Cursor::Datagrams(PacketCursor::new(&ring, Start::NextKey, 0)),
        Transport::Mp4 | Transport::Page => {
            Cursor::Fragments(FragmentCursor::new(&ring, Start::NextKey, Framing::Plain))
        }
    };
    let mut assembler = Assembler::default();
    let written = camera::pictures();
    let mut ready = Vec::new();
    for picture in written.iter().chain(&written) {
        let mut input = &picture[..];
        let mut enter = |picture: Option<Picture<'_>>| picture.map(|picture| ring.push(&picture)).transpose();
        enter(assembler.push(clock::mono(), &mut input)).map_err(io::Error::other)?;
        enter(assembler.finish()).map_err(io::Error::other)?;
        let groups: Vec<Group> = std::iter::from_fn(|| cursor.group(&ring)).collect();
        let stamp = (0..).zip(&groups).find_map(|(at, group)| Some((at, camera::stamp_at(&group.bytes)?)));
        ready.push(Ready { stamp: stamp.ok_or_else(|| io::Error::other("a picture has no packets"))?, groups });
    }
    // The first second of MP4 begins with what comes only once.
    Ok(ready.split_off(camera::PER_SECOND))
}

/// A place in the stream, and the form in which it is sent.
enum Cursor {
    Frames(PacketCursor),
    Datagrams(PacketCursor),
    Fragments(FragmentCursor),
}

impl Cursor {
    /// What the next system call sends, if there is something.
    fn group(&mut self, ring: &Ring) -> Option<Group> {
        let mut parts = Parts::default();
        let mut group = Group { bytes: Vec::new(), segment: 0 };
        match self {
            Self::Frames(cursor) => {
                cursor.frames(ring, &mut parts);
                group.bytes = joined(&parts);
                cursor.wrote(ring, group.bytes.len());
            }
            Self::Datagrams(cursor) => {
                let made = cursor.datagrams(ring, &mut parts);
                debug_assert!(made.datagrams as usize <= GROUP_DATAGRAMS);
                group.segment = u16::try_from(made.segment_bytes).ok()?;
                group.bytes = joined(&parts);
                cursor.sent(ring, made.datagrams);
            }
            Self::Fragments(cursor) => {
                cursor.fragment(ring, &mut parts);
                group.bytes = joined(&parts);
                cursor.wrote(ring, group.bytes.len());
            }
        }
        Some(group).filter(|group| !group.bytes.is_empty())
    }
}

fn joined(parts: &Parts<'_>) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

/// Accepts the viewers. Each says its UDP port in two bytes.
fn accept(listener: &std::net::TcpListener, transport: Transport, viewers: u32) -> io::Result<Viewers> {
    let mut accepted = Vec::new();
    for _ in 0..viewers {
        let (mut stream, mut peer) = listener.accept()?;
        let mut port = [0; 2];
        stream.read_exact(&mut port)?;
        peer.set_port(u16::from_be_bytes(port));
        accepted.push((stream, peer));
    }
    Ok(match transport {
        Transport::Tcp | Transport::Mp4 | Transport::Page => {
            Viewers::Tcp(accepted.into_iter().map(|(stream, _)| stream).collect())
        }
        Transport::Udp => Viewers::Udp(UdpSocket::bind("127.0.0.1:0")?, accepted),
    })
}

fn send(viewers: &Viewers, picture: &Ready) -> io::Result<()> {
    match viewers {
        Viewers::Tcp(streams) => {
            for mut stream in streams {
                for group in &picture.groups {
                    stream.write_all(&group.bytes)?;
                }
            }
        }
        Viewers::Udp(socket, viewers) => {
            for (_, to) in viewers {
                for group in &picture.groups {
                    send_group(socket, *to, group)?;
                }
            }
        }
    }
    Ok(())
}

/// One `sendmsg` with `UDP_SEGMENT` (udp(7)).
fn send_group(socket: &UdpSocket, to: SocketAddr, group: &Group) -> io::Result<()> {
    #[repr(C)]
    struct Control {
        header: libc::cmsghdr,
        segment: u16,
        padding: [u8; 6],
    }
    let SocketAddr::V4(to) = to else { return Err(io::ErrorKind::Unsupported.into()) };
    // SAFETY: every pointer in the message is to a live variable of this function, with its size; sendmsg reads them only.
    let sent = unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default();
        address.sin_port = to.port().to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
        let mut part = libc::iovec { iov_base: group.bytes.as_ptr().cast_mut().cast(), iov_len: group.bytes.len() };
        let mut control: Control = std::mem::zeroed();
        control.header.cmsg_level = libc::SOL_UDP;
        control.header.cmsg_type = libc::UDP_SEGMENT;
        control.header.cmsg_len = libc::CMSG_LEN(2) as _;
        control.segment = group.segment;
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_name = (&raw mut address).cast();
        message.msg_namelen = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or_default();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = libc::CMSG_SPACE(2) as _;
        libc::sendmsg(socket.as_raw_fd(), &raw const message, 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
