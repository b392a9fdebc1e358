//! What a viewer's connection is to be sent, and whether it is.

use es_iot_server::server::{ConnId, Output};
use es_iot_server::service::rtsp::Transport;
use es_iot_server::time::Now;

use super::super::Shadow;

/// Something that a viewer is to get, in order.
#[derive(Debug)]
pub enum Due {
    Reply {
        status: u16,
        cseq: Option<u32>,
        says: Says,
    },
    /// A sender report when so many pictures had come; with a BYE, if the stream ends.
    Report {
        now: Now,
        pictures: usize,
        bye: bool,
        way: Transport,
    },
    Watch {
        way: Transport,
        from: usize,
    },
    Unwatch,
}

/// What a reply says beside its status. A token is a text that the server makes up, by its number here.
#[derive(Debug)]
pub enum Says {
    Little,
    Http,
    /// These headers, with exactly these values or, if they are empty, with any.
    Headers(Vec<(&'static str, String)>),
    Session {
        token: u64,
        headers: Vec<(&'static str, String)>,
    },
    /// A session that plays from this picture on, in the words of this URI.
    Plays {
        token: u64,
        uri: String,
        from: usize,
        range: String,
    },
    Challenge {
        token: u64,
        stale: bool,
    },
}

impl Shadow {
    /// Takes an output for a viewer.
    pub(in super::super) fn viewer_output(&mut self, conn: ConnId, output: &Output) {
        let due = self.said.get_mut(&conn).and_then(std::collections::VecDeque::pop_front);
        let holds = match (output, &due) {
            (Output::Watch { transport, from, .. }, Some(Due::Watch { way, from: foretold })) => {
                transport == way && *from == *foretold as u64
            }
            (Output::Unwatch(_), Some(Due::Unwatch)) => true,
            (Output::Datagram { port, bytes, .. }, Some(Due::Report { way: Transport::Udp { rtcp, .. }, .. })) => {
                port == rtcp && self.is_report(bytes.as_bytes(), due.as_ref())
            }
            (Output::Send { frame, .. }, Some(Due::Report { way: Transport::Tcp { rtcp, .. }, .. })) => {
                let bytes = frame.as_bytes();
                let length = u16::try_from(bytes.len() - 4).expect("short").to_be_bytes();
                bytes[..4] == [b'$', *rtcp, length[0], length[1]] && self.is_report(&bytes[4..], due.as_ref())
            }
            (Output::Send { frame, .. }, Some(Due::Reply { status, cseq, says })) => {
                self.is_reply(frame.as_bytes(), *status, *cseq, says)
            }
            _ => false,
        };
        self.check(holds, || {
            let sent = if let Output::Send { frame, .. } = output { frame.as_bytes() } else { &[] };
            let found = (output, String::from_utf8_lossy(sent));
            format!("viewer {conn:?} gets {found:?}, not {due:?}")
        });
    }

    fn is_reply(&mut self, bytes: &[u8], status: u16, cseq: Option<u32>, says: &Says) -> bool {
        let Ok(text) = str::from_utf8(bytes) else { return false };
        if matches!(says, Says::Http) {
            return text.starts_with("HTTP/1.1 501 ");
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let mut lines = head.split("\r\n");
        let headers: Vec<(&str, &str)> = lines.clone().skip(1).filter_map(|line| line.split_once(": ")).collect();
        let header = |wanted: &str| headers.iter().find(|(name, _)| *name == wanted).map(|&(_, value)| value);
        let begins = lines.next().is_some_and(|line| line.starts_with(&format!("RTSP/1.0 {status} ")));
        let numbered = header("CSeq") == cseq.map(|cseq| cseq.to_string()).as_deref();
        let long = header("Content-Length").unwrap_or("0") == body.len().to_string();
        let has = |wanted: &[(&str, String)]| {
            wanted.iter().all(|(name, value)| header(name).is_some_and(|found| value.is_empty() || found == value))
        };
        begins
            && numbered
            && long
            && match says {
                Says::Little => true,
                Says::Http => false,
                Says::Headers(wanted) => has(wanted),
                Says::Session { token, headers } => has(headers) && self.has_session(header("Session"), *token),
                Says::Plays { token, uri, from, range } => {
                    let (seq, rtptime) = self.video.first_packet(*from);
                    let info = format!("url={uri};seq={seq};rtptime={rtptime}");
                    has(&[("RTP-Info", info), ("Range", range.clone())]) && self.has_session(header("Session"), *token)
                }
                Says::Challenge { token, stale } => {
                    let all: Vec<&str> = headers
                        .iter()
                        .filter(|(name, _)| *name == "WWW-Authenticate")
                        .map(|&(_, value)| value)
                        .collect();
                    let nonce = |text: &str| Some(text.split_once("nonce=\"")?.1.split_once('"')?.0.to_owned());
                    let nonces: Vec<String> = all.iter().filter_map(|value| nonce(value)).collect();
                    let digest = all.iter().all(|value| value.starts_with("Digest realm=\"es-iot-server\", "));
                    let stales = all.iter().all(|value| value.contains("stale=true") == *stale);
                    let md5_last = all.len() == 2 && all[0].contains("SHA-256") && all[1].contains("algorithm=MD5");
                    digest && stales && md5_last && nonces.iter().all(|nonce| self.is_token(*token, nonce))
                }
            }
    }

    fn has_session(&mut self, value: Option<&str>, token: u64) -> bool {
        value.and_then(|value| value.strip_suffix(";timeout=60")).is_some_and(|id| self.is_token(token, id))
    }

    /// A text that the server made up: the one known by this number or, if it is new, one that it never used.
    pub(in super::super) fn is_token(&mut self, token: u64, text: &str) -> bool {
        if let Some(known) = self.tokens.get(&token) {
            return known == text;
        }
        let is_new = text.len() == 32 && self.tokens.values().all(|other| other != text);
        self.tokens.insert(token, text.to_owned());
        is_new
    }

    /// A compound packet of sender report, CNAME and perhaps BYE (RFC 3550).
    fn is_report(&self, bytes: &[u8], due: Option<&Due>) -> bool {
        let Some(Due::Report { now, pictures, bye, .. }) = due else { return false };
        if bytes.len() < 28 {
            return false;
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (packets, octets) = self.video.sent(*pictures);
        #[expect(clippy::cast_possible_truncation, reason = "the fields wrap")]
        let ntp = (now.unix_ms / 1000 + 2_208_988_800) as u32;
        let says = [word(0), word(4), word(8), word(16), word(20), word(24)];
        let foretold = [0x80C8_0006, self.video.ssrc, ntp, self.video.rtp_time(now.mono.as_nanos()), packets, octets];
        let goodbye = [0x81CB_0001_u32.to_be_bytes(), self.video.ssrc.to_be_bytes()].concat();
        let cname = b"es-iot-server@pi";
        says == foretold
            && bytes.ends_with(&goodbye) == *bye
            && bytes[28..30] == [0x81, 202]
            && bytes.windows(cname.len()).any(|part| part == cname)
    }
}
