use sha2::{Digest, Sha256};

use super::*;
use crate::base64;
use crate::limits::HTTP_MAX_PAGE_BYTES;

const HTML: &str = include_str!("page.html");

/// Each opening tag: its name and its attributes.
fn tags() -> Vec<(&'static str, &'static str)> {
    let (before, rest) = HTML.split_once("<script>").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    let pieces = before.split('<').chain(after.split('<')).skip(1);
    let opening = pieces.filter(|piece| piece.starts_with(|c: char| c.is_ascii_alphabetic()));
    opening.map(|piece| piece.split('>').next().unwrap()).map(|tag| tag.split_once(' ').unwrap_or((tag, ""))).collect()
}

/// What is between the tags of the one element of this name.
fn content(element: &str) -> &'static str {
    let [_, rest] = HTML.split(&format!("<{element}>")).collect::<Vec<_>>()[..] else { panic!("one <{element}>") };
    let [inner, _] = rest.split(&format!("</{element}>")).collect::<Vec<_>>()[..] else { panic!("one </{element}>") };
    inner
}

fn hash(text: &str) -> String {
    base64::encode(&Sha256::digest(text))
}

/// By polynomial division, one bit a step.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for bit in bytes.iter().flat_map(|byte| (0..8).map(move |place| byte >> place & 1)) {
        let odd = crc & 1 != u32::from(bit);
        crc = crc >> 1 ^ if odd { 0xEDB8_8320 } else { 0 };
    }
    !crc
}

#[test]
fn browsers_get_the_file() {
    let page = page();
    let (head, rest) = page.gzip.as_bytes().split_at(10);
    let (deflated, end) = rest.split_at(rest.len() - 8);
    // RFC 1952: no name, no comment, no time; the CRC and the length at the end.
    assert_eq!(head, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255]);
    assert!(miniz_oxide::inflate::decompress_to_vec(deflated).unwrap() == HTML.as_bytes());
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926, "the check value of CRC catalogues");
    assert_eq!(end[..4], crc32(HTML.as_bytes()).to_le_bytes());
    assert_eq!(end[4..], u32::try_from(HTML.len()).unwrap().to_le_bytes());
}

#[test]
fn the_page_is_small() {
    assert!(HTML.len() <= HTTP_MAX_PAGE_BYTES, "{} bytes", HTML.len());
}

#[test]
fn its_script_and_its_style_are_those_that_may_run() {
    let page = page();
    assert_eq!(page.script, hash(content("script")));
    assert_eq!(page.style, hash(content("style")));
    assert_ne!(page.script, page.style);
}

#[test]
fn its_entity_tag_is_that_of_its_bytes() {
    let page = page();
    let digest = Sha256::digest(page.gzip.as_bytes());
    let tag = u64::from_be_bytes(digest[..8].try_into().unwrap());
    assert_eq!(page.etag, format!("\"{tag:016x}\""));
}

#[test]
fn it_asks_no_one_but_the_device() {
    // The address for other players is the only one with a host.
    for (at, _) in HTML.match_indices("://") {
        assert!(HTML[..at].ends_with("rtsp"), "{}", HTML[at.saturating_sub(20)..].lines().next().unwrap());
    }
    for elsewhere in ["'//", "\"//", "`//", "@import", "url(", "import("] {
        assert!(!HTML.contains(elsewhere), "{elsewhere}");
    }
    for (name, attributes) in tags() {
        assert!(!attributes.contains("src="), "<{name} {attributes}>");
        assert!(name != "link" || attributes.contains("href=\"data:"), "<{name} {attributes}>");
    }
}

#[test]
fn nothing_in_it_is_inline() {
    for (name, attributes) in tags() {
        for attribute in attributes.split(' ') {
            let is_handler = attribute.starts_with("on") && attribute.contains('=');
            assert!(!attribute.starts_with("style=") && !is_handler, "<{name} {attributes}>");
        }
    }
    // What would make a script or a style of data.
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "cssText"] {
        assert!(!HTML.contains(word), "{word}");
    }
}

/// Names that tests and screen readers rely on.
#[test]
fn its_parts_have_their_names() {
    let named = |name: &str, attribute: &str| tags().iter().any(|(tag, rest)| *tag == name && rest.contains(attribute));
    assert!(named("video", "muted autoplay playsinline") && named("canvas", "role=\"img\""));
    assert!(named("div", "role=\"status\"") && named("label", "for=\"password\""));
    // It changes four times a second: as an `output`, which is a live region, screen readers would read out every change.
    assert!(named("span", "id=\"value\""));
    for label in ["Shutter", "Gain", "Red balance", "Blue balance", "Contrast", "Brightness"] {
        assert_eq!(content("script").matches(&format!("label: '{label}'")).count(), 1, "{label}");
    }
}
