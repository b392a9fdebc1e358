//! The page: `page/page.html`, which `build.rs` compresses and hashes.
//!
//! It is one file with its script and its style, and asks no one but the device. Nothing in it may be inline but these two
//! elements: its Content-Security-Policy names their hashes, and browsers ignore everything else.

use super::answer::Page;
use crate::frame::Shared;

const GZIP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/page.html.gz"));

/// The page of this build.
pub fn page() -> Page {
    Page {
        gzip: Shared::new(GZIP),
        etag: env!("ES_IOT_PAGE_ETAG").to_owned(),
        script: env!("ES_IOT_PAGE_SCRIPT").to_owned(),
        style: env!("ES_IOT_PAGE_STYLE").to_owned(),
    }
}

#[cfg(test)]
mod tests;
