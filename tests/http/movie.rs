//! The video as a strict viewer reads it: every box, and what has to hold from one to the next.

use std::net::SocketAddr;

use crate::boxes::{Initialisation, Part, Sample, parts};
use crate::client::Http;
use crate::reply::Reply;

/// A viewer.
#[derive(Debug)]
pub struct Movie {
    pub http: Http,
    pub head: Reply,
    /// The segment that the pictures belong to.
    pub format: Option<Initialisation>,
    /// Initialisation segments so far.
    pub formats: usize,
    /// The last fragment's sequence number, and the time at its end.
    last: Option<(u32, u64)>,
    /// Whether the next picture has to be a key picture.
    needs_key: bool,
    /// All bytes since the last initialisation segment, with it.
    pub segment: Vec<u8>,
}

impl Movie {
    pub fn watch(port: SocketAddr) -> Self {
        Self::over(Http::connect(port))
    }

    pub fn over(mut http: Http) -> Self {
        let text = http.compose("GET", "/video.mp4", &[], None);
        http.send(&text);
        let head = http.head().expect(200);
        assert!(head.closes() && head.find("Content-Length").is_none(), "{head:?}");
        assert_eq!(head.header("Accept-Ranges"), "none");
        Self { http, head, format: None, formats: 0, last: None, needs_key: true, segment: Vec::new() }
    }

    /// The next part of the stream, whole; `None` at its end, which is between two parts.
    fn part(&mut self) -> Option<Part> {
        loop {
            if let Some(length) = self.whole() {
                let bytes: Vec<u8> = self.http.buffer.drain(..length).collect();
                let mut parts = parts(&bytes);
                assert_eq!(parts.len(), 1);
                return parts.pop();
            }
            if !self.http.read_more() {
                assert!(self.http.buffer.is_empty(), "it ends within a part, after {} bytes", self.http.buffer.len());
                return None;
            }
        }
    }

    /// The length of the two boxes at the front, if they are whole.
    fn whole(&self) -> Option<usize> {
        let buffer = &self.http.buffer;
        let size = |at: usize| Some(u32::from_be_bytes(buffer.get(at..at + 4)?.try_into().unwrap()) as usize);
        let first = size(0)?;
        assert!((8..100_000).contains(&first), "a box of {first} bytes");
        let both = first + size(first)?;
        assert!(both < 2_000_000, "two boxes of {both} bytes");
        (buffer.len() >= both).then_some(both)
    }

    /// The next picture; `None` at the end of the stream.
    pub fn try_picture(&mut self) -> Option<Sample> {
        loop {
            match self.part()? {
                Part::Initialisation(format) => {
                    assert_ne!(self.format.as_ref(), Some(&format), "it says what is known already");
                    let codec = format!("avc1.{:02X}{:02X}{:02X}", format.sps[1], format.sps[2], format.sps[3]);
                    if self.format.is_none() {
                        assert_eq!(self.head.header("Content-Type"), format!("video/mp4; codecs=\"{codec}\""));
                    }
                    self.segment.clone_from(&format.bytes);
                    self.format = Some(format);
                    self.formats += 1;
                    self.needs_key = true;
                }
                Part::Sample(sample) => {
                    assert!(self.format.is_some(), "a picture before its format");
                    assert!(sample.key || !self.needs_key, "a key picture first");
                    assert!((1..=135_000).contains(&sample.duration), "{}", sample.duration);
                    let (sequence, time) = self.last.unwrap_or((0, 0));
                    assert_eq!((sample.sequence, sample.decode_time), (sequence + 1, time), "no gaps");
                    self.last = Some((sample.sequence, time + u64::from(sample.duration)));
                    self.needs_key = false;
                    self.segment.extend(&sample.bytes);
                    return Some(sample);
                }
            }
        }
    }

    pub fn picture(&mut self) -> Sample {
        self.try_picture().expect("the stream goes on")
    }

    pub fn pictures(&mut self, count: usize) -> Vec<Sample> {
        (0..count).map(|_| self.picture()).collect()
    }

    pub fn size(&self) -> (u16, u16) {
        self.format.as_ref().expect("it has begun").size
    }

    /// Takes pictures until a new initialisation segment comes, with the first one behind it.
    pub fn until_new_format(&mut self) -> Sample {
        let before = self.formats;
        loop {
            let picture = self.picture();
            if self.formats > before {
                return picture;
            }
        }
    }
}
