//! The Transport header (RFC 2326 section 12.39): what a client offers, and which of it is taken.
#![expect(clippy::similar_names, reason = "RTP and RTCP are called so")]

use std::fmt::{self, Display};

use super::request::decimal;

/// The lowest port that is sent to: those below it need privileges on the client, so a client that asks for one would have
/// somebody else sent to.
const LOWEST_PORT: u16 = 1024;

/// How the stream gets to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// To these UDP ports of the address that the RTSP connection comes from.
    Udp {
        /// For RTP; 1024 and above.
        rtp: u16,
        /// For RTCP; another one, 1024 and above.
        rtcp: u16,
    },
    /// In frames between the replies, on these channels of the RTSP connection.
    Tcp {
        /// For RTP.
        rtp: u8,
        /// For RTCP; another one.
        rtcp: u8,
    },
}

/// What of the server is named in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The server's UDP port for RTP, an even one; RTCP has the next (RFC 3550 section 11), and retina refuses anything
    /// else. `None` when they are not open: then UDP is not taken.
    pub udp: Option<u16>,
    /// The stream's SSRC (RFC 3550).
    pub ssrc: u32,
}

/// The transport that is taken out of a client's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// What it is.
    pub transport: Transport,
    /// Its name in the words of the client, which looks for the same ones in the reply.
    name: &'static str,
    ends: Ends,
}

/// The first transport in a client's list that the server has; `None` when there is none.
pub fn choose(list: &str, ends: Ends) -> Option<Chosen> {
    split_outside_quotes(list, ',').find_map(|offer| {
        let mut parts = split_outside_quotes(offer, ';').map(str::trim);
        let asked = parts.next()?;
        let name =
            ["RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"].into_iter().find(|name| name.eq_ignore_ascii_case(asked))?;
        let mut offer = Offer::default();
        parts.try_for_each(|part| offer.note(part))?;
        let transport =
            if name == "RTP/AVP/TCP" { offer.tcp()? } else { offer.udp().filter(|_| ends.udp.is_some())? };
        Some(Chosen { transport, name, ends })
    })
}

/// The parameters of one transport.
#[derive(Debug, Default)]
struct Offer<'a> {
    client_port: Option<&'a str>,
    interleaved: Option<&'a str>,
}

impl<'a> Offer<'a> {
    /// Notes a parameter; `None` when the server can't do what it asks for. `destination` and what is unknown are
    /// ignored: the stream goes to where the RTSP connection comes from, and nowhere else.
    fn note(&mut self, parameter: &'a str) -> Option<()> {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.eq_ignore_ascii_case("client_port") {
            self.client_port = Some(value);
        } else if name.eq_ignore_ascii_case("interleaved") {
            self.interleaved = Some(value);
        }
        let records = name.eq_ignore_ascii_case("mode") && !value.trim_matches('"').eq_ignore_ascii_case("PLAY");
        (!records && !name.eq_ignore_ascii_case("multicast")).then_some(())
    }

    fn udp(&self) -> Option<Transport> {
        let (rtp, rtcp) = pair(self.client_port?, 65535)?;
        (rtp >= LOWEST_PORT && rtcp >= LOWEST_PORT).then_some(Transport::Udp { rtp, rtcp })
    }

    fn tcp(&self) -> Option<Transport> {
        let (rtp, rtcp) = self.interleaved.map_or(Some((0, 1)), |channels| pair(channels, 255))?;
        Some(Transport::Tcp { rtp: u8::try_from(rtp).ok()?, rtcp: u8::try_from(rtcp).ok()? })
    }
}

/// `a-b`, or `a` for `a` and the next one: two different numbers up to `most`.
fn pair(text: &str, most: u16) -> Option<(u16, u16)> {
    let number = |text: &str| u16::try_from(decimal(text)?).ok().filter(|&number| number <= most);
    let (first, second) = text.split_once('-').unwrap_or((text, ""));
    let (single, first) = (!text.contains('-'), number(first.trim())?);
    let second = if single { first.checked_add(1).filter(|&next| next <= most)? } else { number(second.trim())? };
    (first != second).then_some((first, second))
}

/// The parts of a text between separators, except for separators in quotation marks.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// The value of the Transport header in the reply.
impl Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};unicast;", self.name)?;
        match (self.transport, self.ends.udp) {
            (Transport::Udp { rtp, rtcp }, Some(port)) => {
                write!(f, "client_port={rtp}-{rtcp};server_port={port}-{}", port.saturating_add(1))?;
            }
            (Transport::Udp { rtp, rtcp }, None) => write!(f, "client_port={rtp}-{rtcp}")?,
            (Transport::Tcp { rtp, rtcp }, Some(_) | None) => write!(f, "interleaved={rtp}-{rtcp}")?,
        }
        write!(f, ";ssrc={:08X};mode=\"PLAY\"", self.ends.ssrc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends { udp: Some(8000), ssrc: 0x00C0_FFEE };

    fn taken(list: &str) -> Option<Transport> {
        choose(list, ENDS).map(|chosen| chosen.transport)
    }

    fn udp(rtp: u16) -> Transport {
        Transport::Udp { rtp, rtcp: rtp + 1 }
    }

    fn tcp(rtp: u8, rtcp: u8) -> Transport {
        Transport::Tcp { rtp, rtcp }
    }

    #[test]
    fn what_clients_send_is_understood() {
        for (list, expected) in [
            // ffmpeg, VLC, GStreamer, QuickTime, retina
            ("RTP/AVP/UDP;unicast;client_port=20632-20633", udp(20632)),
            ("RTP/AVP;unicast;client_port=9332-9333", udp(9332)),
            ("RTP/AVP;unicast;client_port=6970-6971;mode=\"PLAY\"", udp(6970)),
            ("RTP/AVP/TCP;unicast;interleaved=0-1", tcp(0, 1)),
            ("RTP/AVP/TCP;unicast;interleaved=0-1;mode=play", tcp(0, 1)),
            ("RTP/AVP/TCP;interleaved=6-4", tcp(6, 4)),
            ("RTP/AVP/TCP;unicast;interleaved=254-255", tcp(254, 255)),
            ("RTP/AVP/TCP;unicast;interleaved=8", tcp(8, 9)),
            ("RTP/AVP/TCP;unicast", tcp(0, 1)),
            ("rtp/avp/tcp; unicast; Interleaved=2-3", tcp(2, 3)),
            ("RTP/AVP;unicast;client_port=5000", udp(5000)),
            ("RTP/AVP;client_port=5000-5001", udp(5000)),
            ("RTP/AVP;unicast;client_port=1024-65535;ssrc=1234", Transport::Udp { rtp: 1024, rtcp: 65535 }),
        ] {
            assert_eq!(taken(list), Some(expected), "{list}");
        }
    }

    #[test]
    fn the_first_usable_one_of_a_list_is_taken() {
        for (list, expected) in [
            ("RTP/AVP/UDP;unicast;client_port=5000-5001,RTP/AVP/UDP;multicast,RTP/AVP/TCP", udp(5000)),
            (
                "RTP/AVP;multicast;ttl=127;mode=\"PLAY,RECORD\",RTP/AVP;unicast;client_port=3456-3457;mode=\"PLAY\"",
                udp(3456),
            ),
            ("RTP/AVP;unicast;client_port=0-1,RTP/AVP/TCP;unicast;interleaved=0-1", tcp(0, 1)),
            ("RTP/SAVP;unicast;client_port=5000-5001, RTP/AVP/TCP;unicast;interleaved=4-5", tcp(4, 5)),
            ("x-real-rdt/udp;client_port=5000,RTP/AVP;unicast;client_port=6000-6001", udp(6000)),
            ("RTP/AVP/TCP;interleaved=0-1,RTP/AVP;unicast;client_port=5000-5001", tcp(0, 1)),
        ] {
            assert_eq!(taken(list), Some(expected), "{list}");
        }
        let no_udp = Ends { udp: None, ssrc: 0 };
        let chosen = choose("RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP", no_udp);
        assert_eq!(chosen.map(|chosen| chosen.transport), Some(tcp(0, 1)), "without UDP ports of its own");
    }

    #[test]
    fn ports_and_channels_out_of_range_are_refused() {
        for list in [
            "RTP/AVP;unicast;client_port=0-1",
            "RTP/AVP;unicast;client_port=80-81",
            "RTP/AVP;unicast;client_port=1023-1024",
            "RTP/AVP;unicast;client_port=5000-0",
            "RTP/AVP;unicast;client_port=65535",
            "RTP/AVP;unicast;client_port=65535-65536",
            "RTP/AVP;unicast;client_port=70000-70001",
            "RTP/AVP;unicast;client_port=5000-5000",
            "RTP/AVP;unicast;client_port=-5001",
            "RTP/AVP;unicast;client_port=+5000-5001",
            "RTP/AVP;unicast;client_port=",
            "RTP/AVP;unicast",
            "RTP/AVP/TCP;interleaved=255",
            "RTP/AVP/TCP;interleaved=255-256",
            "RTP/AVP/TCP;interleaved=300-301",
            "RTP/AVP/TCP;interleaved=1-1",
            "RTP/AVP/TCP;interleaved=a-b",
        ] {
            assert_eq!(taken(list), None, "{list}");
        }
    }

    #[test]
    fn other_transports_are_refused() {
        for list in [
            "RTP/AVP;multicast;client_port=5000-5001",
            "RTP/AVP/UDP;multicast",
            "RTP/AVPF;unicast;client_port=5000-5001",
            "RTP/SAVP/TCP;unicast;interleaved=0-1",
            "RAW/RAW/UDP;unicast;client_port=5000-5001",
            "RTP/AVP;unicast;client_port=5000-5001;mode=record",
            "RTP/AVP/TCP;unicast;interleaved=0-1;mode=\"RECORD\"",
            "",
            ",;,",
        ] {
            assert_eq!(taken(list), None, "{list}");
        }
    }

    #[test]
    fn the_reply_names_one_transport_in_the_words_of_the_client_and_no_destination() {
        for (list, reply) in [
            (
                "RTP/AVP/UDP;unicast;destination=198.51.100.7;client_port=5000-5001,RTP/AVP/TCP",
                "RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=00C0FFEE;mode=\"PLAY\"",
            ),
            (
                "RTP/AVP;unicast;client_port=5000",
                "RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=00C0FFEE;mode=\"PLAY\"",
            ),
            ("RTP/AVP/TCP;unicast", "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00C0FFEE;mode=\"PLAY\""),
        ] {
            assert_eq!(choose(list, ENDS).unwrap().to_string(), reply);
        }
    }
}
