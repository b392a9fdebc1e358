//! A scripted socket: what is sent, in which writes.

use super::*;
use crate::camera::settings::CameraSettings;
use crate::frame::Shared;
use crate::media::ring::Identity;
use crate::wire;

/// A scripted socket: each write accepts at most this many bytes, or fails.
struct Script {
    writes: Vec<io::Result<usize>>,
    taken: Vec<Vec<u8>>,
}

impl Script {
    fn new(mut writes: Vec<io::Result<usize>>) -> Self {
        writes.reverse();
        Self { writes, taken: Vec::new() }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.writes.pop().expect("an unexpected write")?;
        let taken = most.min(bytes.len());
        self.taken.push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Script {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(would_block())
    }
}

const MOST_UNSENT: usize = 4096;

fn scripted(writes: Vec<io::Result<usize>>) -> Connection<Script> {
    Connection::new(Script::new(writes), MOST_UNSENT)
}

fn would_block() -> io::Error {
    ErrorKind::WouldBlock.into()
}

fn interrupted() -> io::Error {
    ErrorKind::Interrupted.into()
}

/// A stream without pictures.
fn no_video() -> Ring {
    Ring::new(0, Identity { ssrc: 1, first_sequence: 0, time_offset: 0 })
}

fn reply() -> wire::Outgoing {
    wire::settings::reply(&CameraSettings::default())
}

#[test]
fn an_offer_is_accepted_whole_or_refused() {
    let mut connection = scripted(vec![Err(interrupted()), Ok(99), Err(would_block())]);
    let packet = reply();
    assert_eq!(connection.offer(packet), Sent::All);
    assert_eq!(connection.offer(packet), Sent::Blocked);
    assert_eq!(connection.offer(packet), Sent::Blocked, "without another write");
    assert_eq!(connection.interest(), Interest::READABLE | Interest::WRITABLE);
    assert_eq!(connection.flush(&no_video()), Sent::All);
    assert_eq!(connection.interest(), Interest::READABLE);
    assert_eq!(connection.stream.taken, [packet.as_bytes()]);
}

#[test]
fn a_short_write_of_an_offer_is_completed_before_anything_else() {
    let mut connection = scripted(vec![Ok(5), Ok(4), Err(would_block()), Ok(99)]);
    let packet = reply();
    assert_eq!(connection.offer(packet), Sent::All);
    assert_eq!(connection.offer(packet), Sent::Blocked);
    assert_eq!(connection.flush(&no_video()), Sent::Blocked);
    assert_eq!(connection.flush(&no_video()), Sent::All);
    assert_eq!(connection.stream.taken.concat(), packet.as_bytes());
}

#[test]
fn each_packet_is_one_write() {
    let mut connection = scripted(vec![Err(would_block()), Ok(99), Ok(3), Ok(99), Ok(99)]);
    let reply = reply();
    let refusal = wire::Outgoing::error(wire::Id::Settings, wire::ErrorCode::BadLength);
    assert_eq!(connection.send(reply, &no_video()), Sent::Blocked);
    assert_eq!(connection.send(refusal, &no_video()), Sent::Blocked);
    assert_eq!(connection.send(reply, &no_video()), Sent::Blocked);
    assert!(!connection.may_read());
    assert_eq!(connection.flush(&no_video()), Sent::All);
    assert_eq!(connection.stream.taken[0], reply.as_bytes());
    assert_eq!(connection.stream.taken[1..3].concat(), refusal.as_bytes());
    assert_eq!(connection.stream.taken[3], reply.as_bytes());
}

#[test]
fn a_frame_of_any_kind_is_one_write_and_resumes_after_a_short_write() {
    let page = Shared::new(vec![7; 1000]);
    let mut connection = scripted(vec![Ok(4), Err(would_block()), Ok(99), Ok(600), Ok(999)]);
    assert_eq!(connection.send(String::from("HTTP/1.1 200 OK\r\n\r\n"), &no_video()), Sent::Blocked);
    assert_eq!(connection.send(page.part(10, 990).unwrap(), &no_video()), Sent::Blocked);
    assert_eq!(connection.flush(&no_video()), Sent::All);
    let lengths: Vec<usize> = connection.stream.taken.iter().map(Vec::len).collect();
    assert_eq!(lengths, [4, 15, 600, 380]);
    assert!(connection.stream.taken.concat().starts_with(b"HTTP/1.1 200 OK\r\n\r\n\x07"));
}

#[test]
fn a_socket_that_takes_a_long_reply_slowly_is_noted_now_and_then() {
    let page = Shared::new(vec![7; MOST_UNSENT]);
    let writes = (0..6).flat_map(|_| [Ok(10), Err(would_block())]);
    let mut connection = scripted(std::iter::once(Err(would_block())).chain(writes).collect());
    assert_eq!(connection.send(page, &no_video()), Sent::Blocked);
    let at = |seconds: u64| Mono::from_nanos(seconds * 1_000_000_000);
    assert!(!connection.takes_frames(at(0)), "it has taken nothing");
    let mut noted = Vec::new();
    for seconds in [1, 9, 10, 19, 21, 40] {
        assert_eq!(connection.flush(&no_video()), Sent::Blocked);
        if connection.takes_frames(at(seconds)) {
            noted.push(seconds);
        }
        assert!(!connection.takes_frames(at(seconds)), "it is noted once");
    }
    assert_eq!(noted, [10, 21, 40]);
}

#[test]
fn unsent_bytes_are_bounded() {
    let mut connection = scripted(vec![Err(would_block())]);
    let packet = reply();
    let fitting = MOST_UNSENT / packet.as_bytes().len();
    for _ in 0..fitting {
        assert_eq!(connection.send(packet, &no_video()), Sent::Blocked);
    }
    assert_eq!(connection.send(packet, &no_video()), Sent::Overflow);
}

#[test]
fn a_broken_socket_is_lost_without_a_retry() {
    for error in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe] {
        let packet = reply();
        let mut connection = scripted(vec![Err(error.into()), Err(error.into())]);
        assert_eq!(connection.offer(packet), Sent::Lost);
        assert_eq!(connection.send(packet, &no_video()), Sent::Lost);
    }
}
