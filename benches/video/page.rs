//! What the page weighs.

use std::io::{self, Read};

use super::viewer;

/// The bytes of the page.
pub struct Page {
    /// As it is compressed in the reply.
    pub compressed: usize,
    /// As a browser reads it.
    pub uncompressed: usize,
    /// The whole reply with its head, on the connection.
    pub reply: usize,
}

/// Gets the page, which takes one request.
pub fn weigh(address: &str) -> io::Result<Page> {
    let mut reply = Vec::new();
    viewer::get(address, "/")?.read_to_end(&mut reply)?;
    let odd = |what| io::Error::other(format!("the page {what}"));
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| odd("has no head"))?;
    if !reply.starts_with(b"HTTP/1.1 200 ") {
        return Err(odd(&String::from_utf8_lossy(&reply[..end])));
    }
    let compressed = &reply[end + 4..];
    // A gzip file ends with the length of what is in it (RFC 1952, section 2.3.1).
    let Some(length) = compressed.last_chunk().filter(|_| compressed.starts_with(&[0x1F, 0x8B])) else {
        return Err(odd("is not compressed"));
    };
    let uncompressed = u32::from_le_bytes(*length) as usize;
    Ok(Page { compressed: compressed.len(), uncompressed, reply: reply.len() })
}
