//! A reply to a request.

/// A reply to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The reply that `bytes` begin with, and its length; `None` as long as it is not whole.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|at| at == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines().take_while(|line| !line.is_empty());
        let line = lines.next().unwrap();
        let status = line.strip_prefix("RTSP/1.0 ").unwrap_or_else(|| panic!("a reply: {line}"));
        let status = status.split(' ').next().unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut reply = Self { status, headers, body: String::new() };
        let length = reply.all("Content-Length").first().map_or(0, |length| length.parse().unwrap());
        reply.body = String::from_utf8(bytes.get(end..end + length)?.to_vec()).unwrap();
        Some((reply, end + length))
    }

    /// The values of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| &value[..]).collect()
    }

    /// The value of a header that has to be there, once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let [value] = self.all(name)[..] else { panic!("one {name} header in {self:?}") };
        value
    }

    /// The session's identifier.
    #[track_caller]
    pub fn session(&self) -> String {
        let (id, parameters) = self.header("Session").split_once(';').unwrap();
        assert_eq!(parameters, "timeout=60");
        assert!(id.len() >= 8, "RFC 2326 section 3.4: at least eight octets: {id}");
        id.to_owned()
    }

    /// The first of the daemon's UDP ports, if the reply is one to SETUP that names them.
    pub fn server_port(&self) -> Option<u16> {
        let transport = *self.all("Transport").first()?;
        let ports = transport.split(';').find_map(|part| part.strip_prefix("server_port="))?;
        ports.split('-').next().unwrap().parse().ok()
    }

    /// Expects a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// What RTP-Info names: sequence number and time stamp of the first packet.
    #[track_caller]
    pub fn first_packet(&self) -> (u16, u32) {
        let info = self.header("RTP-Info");
        let value = |name| info.split(';').find_map(|part| part.strip_prefix(name)).unwrap();
        assert!(value("url=").starts_with("rtsp://"), "{info}");
        (value("seq=").parse().unwrap(), value("rtptime=").parse().unwrap())
    }
}
