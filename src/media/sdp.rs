//! The session description (RFC 4566; RFC 6184, section 8.2.1; RFC 2326, appendix C) that answers DESCRIBE.

use std::fmt::Write;
use std::net::IpAddr;

use super::format::Format;
use super::rtp::PAYLOAD_TYPE;
use crate::base64;

/// The control URL of the one stream, relative to the `Content-Base`: what SETUP asks for.
pub const CONTROL: &str = "trackID=0";

/// What a description is made of.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The address on which the request came in.
    pub address: IpAddr,
    /// Identifies the stream; random, or the time of the start.
    pub id: u64,
    /// Grows with each change of the format.
    pub version: u64,
    /// A name for people. Control characters are left out.
    pub name: &'a str,
    /// The parameter sets in force.
    pub format: &'a Format,
    /// Pictures a second, as configured.
    pub pictures_per_second: u32,
    /// Bits a second, if configured.
    pub bits_per_second: Option<u32>,
}

/// The description, with CR LF after each line.
///
/// `npt=now-` marks a live stream without an end. The sizes in `a=framesize` (3GPP TS 26.234) and the rate are hints:
/// what counts is in the SPS.
pub fn describe(session: &Session) -> String {
    let Session { address, id, version, name, format, pictures_per_second, bits_per_second } = *session;
    let (family, any) = if address.is_ipv4() { ("IP4", "0.0.0.0") } else { ("IP6", "::") };
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    // A name may not be empty (RFC 4566, section 5.3).
    let name = if name.is_empty() { "-" } else { &name };
    let video = format.video();
    let mut sets = base64::encode(format.sps());
    for pps in format.pps() {
        sets.push(',');
        sets.push_str(&base64::encode(pps));
    }
    // `AS` is in kilobits a second and includes the headers of RTP, UDP and IP: 40 bytes to 1400, or 3 %.
    let bandwidth = bits_per_second
        .map_or_else(String::new, |bits| format!("b=AS:{}\r\n", (u64::from(bits) * 103).div_ceil(100_000)));
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = write!(
        text,
        "v=0\r\n\
         o=- {id} {version} IN {family} {address}\r\n\
         s={name}\r\n\
         c=IN {family} {any}\r\n\
         t=0 0\r\n\
         a=control:*\r\n\
         a=range:npt=now-\r\n\
         m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\n\
         {bandwidth}\
         a=rtpmap:{PAYLOAD_TYPE} H264/90000\r\n\
         a=fmtp:{PAYLOAD_TYPE} packetization-mode=1; profile-level-id={}; sprop-parameter-sets={sets}\r\n\
         a=framerate:{pictures_per_second}\r\n\
         a=framesize:{PAYLOAD_TYPE} {}-{}\r\n\
         a=control:{CONTROL}\r\n",
        video.profile_level_id(),
        video.width,
        video.height,
    );
    text
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::super::format::ParameterSets;
    use super::super::format::tests::{PPS, SPS};
    use super::*;

    #[test]
    fn a_description() {
        let mut sets = ParameterSets::default();
        sets.take_sps(&SPS).unwrap();
        sets.take_pps(&PPS);
        let session = Session {
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
            id: 17,
            version: 2,
            name: "ES\r\nMTX",
            format: sets.format().unwrap(),
            pictures_per_second: 24,
            bits_per_second: Some(2_000_000),
        };
        let expected = "v=0\n\
            o=- 17 2 IN IP4 192.0.2.7\n\
            s=ESMTX\n\
            c=IN IP4 0.0.0.0\n\
            t=0 0\n\
            a=control:*\n\
            a=range:npt=now-\n\
            m=video 0 RTP/AVP 96\n\
            b=AS:2060\n\
            a=rtpmap:96 H264/90000\n\
            a=fmtp:96 packetization-mode=1; profile-level-id=42C00C; \
            sprop-parameter-sets=Z0LADKYRChH5cBEAAAMAAQAAAwAwjxQqEQ==,aMhCAhLI\n\
            a=framerate:24\n\
            a=framesize:96 160-120\n\
            a=control:trackID=0\n";
        assert_eq!(describe(&session), expected.replace('\n', "\r\n"));

        let six = Session { address: IpAddr::V6(Ipv6Addr::LOCALHOST), name: "", bits_per_second: None, ..session };
        let text = describe(&six);
        for line in ["o=- 17 2 IN IP6 ::1\r\n", "\r\nc=IN IP6 ::\r\n", "\r\ns=-\r\n"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("b=AS"), "{text}");
    }
}
