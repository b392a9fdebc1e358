//! One connection: its unsent frames and its interest in events. Generic over the socket, so tests can script it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use mio::Interest;

use crate::bucket::Bucket;
use crate::frame::{Frame, Shared};
use crate::limits::PICTURES_PER_STEP;
use crate::media::ring::{PacketCursor, Parts, Ring, Start};

/// A socket and its unsent frames.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags are independent; any combination is possible")]
pub struct Connection<S> {
    /// The socket, non-blocking.
    pub stream: S,
    /// Unsent frames; the first may be partly sent.
    unsent: VecDeque<Frame>,
    /// Bytes of the first frame that are already sent.
    sent_of_first: usize,
    /// Bytes of all frames, including the sent part of the first.
    unsent_bytes: usize,
    /// Maximum of `unsent_bytes`.
    most_unsent: usize,
    /// Whether the socket's buffer is full, so that its next writable edge matters.
    full: bool,
    /// Whether the server was notified that this connection is blocked.
    pub reported_blocked: bool,
    /// Whether the server has paused reading.
    pub paused: bool,
    /// Whether the peer has closed its sending side.
    pub finished: bool,
    /// Whether to close the sending side once everything is sent.
    pub finishing: bool,
    /// Whether there may be unread bytes.
    pub readable: bool,
    /// Whether it is on the list of leftovers.
    pub queued: bool,
    /// The rate limit's tokens, if its input is discarded.
    pub discards: Option<Bucket>,
    /// Whether its input may contain a password.
    pub secret: bool,
    /// Whether reading is paused until the next round.
    pub resting: bool,
    /// What it gets of the stream, if its transport is TCP.
    watching: Option<Box<Watching>>,
    /// The interest registered with epoll.
    pub registered: Interest,
}

/// A TCP viewer's place in the stream.
#[derive(Debug)]
struct Watching {
    cursor: PacketCursor,
    /// Whether some of the stream was taken since this was last asked.
    took: bool,
}

/// The result of an attempt to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// Everything is sent.
    All,
    /// As much of the stream is sent as one step takes; there is more.
    More,
    /// Frames are unsent, or the offer was refused.
    Blocked,
    /// The connection is broken.
    Lost,
    /// The unsent bytes would exceed the maximum. Never happens as long as reading stops while replies are unsent.
    Overflow,
}

/// The result of an attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// This many bytes were read.
    Bytes(usize),
    /// There is nothing more for now.
    Drained,
    /// The peer has closed its sending side.
    Finished,
    /// The connection is broken.
    Lost,
}

impl<S: Read + Write> Connection<S> {
    /// A new connection.
    ///
    /// At most `most_unsent` bytes may be unsent.
    pub const fn new(stream: S, most_unsent: usize) -> Self {
        Self {
            stream,
            unsent: VecDeque::new(),
            sent_of_first: 0,
            unsent_bytes: 0,
            most_unsent,
            full: false,
            reported_blocked: false,
            paused: false,
            finished: false,
            finishing: false,
            readable: false,
            queued: false,
            discards: None,
            secret: false,
            resting: false,
            watching: None,
            registered: Interest::READABLE,
        }
    }

    /// Sends a frame if the socket accepts it now. If the socket accepts only a part, the rest follows later because the part
    /// can't be taken back.
    pub fn offer(&mut self, frame: impl Into<Frame>) -> Sent {
        if self.full {
            return Sent::Blocked;
        }
        let frame = frame.into();
        let length = frame.as_bytes().len();
        match Self::write(&mut self.stream, frame.as_bytes()) {
            Ok(sent) if sent == length => Sent::All,
            Ok(0) => {
                self.full = true;
                Sent::Blocked
            }
            Ok(sent) => {
                self.full = true;
                self.sent_of_first = sent;
                self.push(frame);
                Sent::All
            }
            Err(_) => Sent::Lost,
        }
    }

    /// Sends a frame, now or after the unsent ones.
    pub fn send(&mut self, frame: impl Into<Frame>, ring: &Ring) -> Sent {
        let frame = frame.into();
        if self.unsent_bytes + frame.as_bytes().len() > self.most_unsent {
            return Sent::Overflow;
        }
        self.push(frame);
        if self.full { Sent::Blocked } else { self.flush(ring) }
    }

    /// Sends the unsent frames, with one write per frame, and then the stream, with one write per picture. A frame that was
    /// begun is finished first.
    pub fn flush(&mut self, ring: &Ring) -> Sent {
        self.full = false;
        match self.write_unsent(ring) {
            Ok(true) => {}
            Ok(false) => return self.filled(),
            Err(_) => return Sent::Lost,
        }
        // Most connections rarely have unsent frames, so the memory is released.
        self.unsent = VecDeque::new();
        match self.write_stream(ring) {
            Ok(Progress::Done) => Sent::All,
            Ok(Progress::More) => Sent::More,
            Ok(Progress::Full) => self.filled(),
            Err(_) => Sent::Lost,
        }
    }

    fn filled(&mut self) -> Sent {
        self.full = true;
        Sent::Blocked
    }

    /// Writes the unsent frames, after what is left of the stream's frame. Returns whether all of it is written.
    fn write_unsent(&mut self, ring: &Ring) -> io::Result<bool> {
        if let Some(Watching { cursor, .. }) = self.watching.as_deref_mut().filter(|_| !self.unsent.is_empty()) {
            while cursor.mid_frame() {
                match Self::write(&mut self.stream, cursor.rest())? {
                    0 => return Ok(false),
                    sent => cursor.wrote(ring, sent),
                }
            }
        }
        while let Some(frame) = self.unsent.front() {
            let bytes = frame.as_bytes();
            match Self::write(&mut self.stream, &bytes[self.sent_of_first..])? {
                0 => return Ok(false),
                sent => {
                    self.sent_of_first += sent;
                    if self.sent_of_first == bytes.len() {
                        self.unsent_bytes -= bytes.len();
                        self.sent_of_first = 0;
                        self.unsent.pop_front();
                    }
                }
            }
        }
        Ok(true)
    }

    /// Writes up to [`PICTURES_PER_STEP`] pictures of the stream.
    fn write_stream(&mut self, ring: &Ring) -> io::Result<Progress> {
        let Some(Watching { cursor, took }) = self.watching.as_deref_mut() else { return Ok(Progress::Done) };
        for _ in 0..PICTURES_PER_STEP {
            if !cursor.pending(ring) {
                return Ok(Progress::Done);
            }
            let mut parts = Parts::default();
            cursor.frames(ring, &mut parts);
            let all = parts.bytes();
            let sent = retried(|| self.stream.write_vectored(&parts))?;
            cursor.wrote(ring, sent);
            *took |= sent > 0;
            if sent < all {
                return Ok(Progress::Full);
            }
        }
        Ok(if cursor.pending(ring) { Progress::More } else { Progress::Done })
    }

    /// Begins the stream at a picture, in frames of a channel.
    pub fn watch(&mut self, ring: &Ring, from: u64, channel: u8) {
        self.unwatch();
        let cursor = PacketCursor::new(ring, Start::At(from), channel);
        self.watching = Some(Box::new(Watching { cursor, took: false }));
    }

    /// Ends the stream. A frame that was begun is still finished, before anything else.
    pub fn unwatch(&mut self) {
        if let Some(watching) = self.watching.take()
            && watching.cursor.mid_frame()
        {
            let rest = Shared::new(watching.cursor.rest().to_vec());
            self.unsent_bytes += rest.as_bytes().len();
            self.unsent.push_front(Frame::from(rest));
        }
    }

    /// Whether the stream may be written to it now.
    pub const fn may_stream(&self) -> bool {
        self.watching.is_some() && !self.full
    }

    /// Whether it has taken some of the stream since this was last asked, and the pictures that it lost since then.
    pub fn take_progress(&mut self) -> (bool, u64) {
        let watching = self.watching.as_deref_mut();
        watching.map_or((false, 0), |watching| (std::mem::take(&mut watching.took), watching.cursor.take_lost()))
    }

    fn push(&mut self, frame: Frame) {
        self.unsent_bytes += frame.as_bytes().len();
        self.unsent.push_back(frame);
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => ReadOutcome::Finished,
                Ok(bytes) => ReadOutcome::Bytes(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => ReadOutcome::Drained,
                Err(_) => ReadOutcome::Lost,
            };
        }
    }

    /// Whether to read from it now.
    pub fn may_read(&self) -> bool {
        self.readable && !self.paused && !self.resting && !self.finished && self.unsent.is_empty()
    }

    /// Whether the sending side should be closed now, after everything is sent.
    pub fn may_shut_down(&self) -> bool {
        self.finishing && self.unsent.is_empty()
    }

    /// The interest to register with epoll. It is computed only here.
    pub const fn interest(&self) -> Interest {
        if self.full { Interest::READABLE.add(Interest::WRITABLE) } else { Interest::READABLE }
    }

    fn write(stream: &mut S, bytes: &[u8]) -> io::Result<usize> {
        retried(|| stream.write(bytes))
    }
}

/// How far the stream has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// To its newest picture.
    Done,
    /// As far as one step goes.
    More,
    /// Until the socket was full.
    Full,
}

/// One write, repeated after an interruption by a signal. `WouldBlock` becomes 0 bytes.
fn retried(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        return match write() {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::settings::CameraSettings;
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
}
