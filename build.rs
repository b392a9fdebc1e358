//! Prepares the page for the binary: compressed, with its entity tag and the hashes that its Content-Security-Policy names.
//!
//! What it yields depends on the page alone, so that equal sources make equal binaries.

#[path = "src/base64.rs"]
#[expect(dead_code, reason = "the page's hashes are only written")]
mod base64;

use std::path::Path;
use std::{env, fs};

use miniz_oxide::deflate::compress_to_vec;
use sha2::{Digest, Sha256};

const PAGE: &str = "src/service/http/page/page.html";
/// zlib's best. Level 10 takes ten times as long and saves 1 %.
const LEVEL: u8 = 9;

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE).unwrap_or_else(|error| panic!("{PAGE}: {error}"));
    let gzip = gzip(page.as_bytes());
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let path = Path::new(&out).join("page.html.gz");
    fs::write(&path, &gzip).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let tag = Sha256::digest(&gzip)[..8].iter().fold(0, |tag: u64, byte| tag << 8 | u64::from(*byte));
    println!("cargo::rustc-env=ES_IOT_PAGE_ETAG=\"{tag:016x}\"");
    for (element, variable) in [("script", "ES_IOT_PAGE_SCRIPT"), ("style", "ES_IOT_PAGE_STYLE")] {
        println!("cargo::rustc-env={variable}={}", base64::encode(&Sha256::digest(content(&page, element))));
    }
}

/// The text of the page's one element of this name. Browsers hash it to the byte.
fn content<'a>(page: &'a str, element: &str) -> &'a str {
    let (opening, closing) = (format!("<{element}>"), format!("</{element}>"));
    assert_eq!(page.matches(&format!("<{element}")).count(), 1, "{PAGE} must have one {opening}, without attributes");
    assert_eq!(page.matches(&closing).count(), 1, "{PAGE} must have one {closing}");
    let inner = page.split_once(&opening).and_then(|(_, rest)| rest.split_once(&closing));
    inner.unwrap_or_else(|| panic!("{PAGE} must have {opening} before {closing}")).0
}

/// The bytes as a gzip file (RFC 1952), without name and time.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Method 8 is deflate; extra flags 2: best compression; system 255: unknown.
    let mut file = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255];
    file.extend(compress_to_vec(bytes, LEVEL));
    file.extend(crc32(bytes).to_le_bytes());
    file.extend(u32::try_from(bytes.len()).expect("the page is small").to_le_bytes());
    file
}

/// RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
