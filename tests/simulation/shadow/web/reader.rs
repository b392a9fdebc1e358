//! A reader of HTTP that shares no code with the server's: it looks at all that is unread again each time.

const MOST_HEAD: usize = 8192;
const MOST_HEADERS: usize = 64;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Whatever follows on the connection is not read.
    pub ends: bool,
    /// A header of the reply, and its value, or any if that is empty.
    pub header: Option<(&'static str, &'static str)>,
}

impl Refusal {
    pub fn new(status: u16) -> Self {
        let header = match status {
            401 => Some(("WWW-Authenticate", "Cookie realm=\"es-iot-server\"")),
            429 => Some(("Retry-After", "")),
            503 => Some(("Retry-After", "5")),
            _ => None,
        };
        Self { status, ends: false, header }
    }

    pub fn end(status: u16) -> Self {
        Self { ends: true, ..Self::new(status) }
    }
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// The host in the request line, if there is one.
    authority: Option<String>,
    pub old: bool,
    pub length: Option<usize>,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }

    pub fn host(&self) -> Option<&str> {
        self.authority.as_deref().or_else(|| self.header("host"))
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub fn has_body(&self) -> bool {
        self.length.is_some_and(|length| length > 0)
    }

    /// Whether it is to be the last one of its connection.
    pub fn is_last(&self) -> bool {
        self.old || self.header("connection") == Some("close")
    }

    pub fn cookie(&self) -> Option<String> {
        let mut pairs = self.header("cookie")?.split(';').map(str::trim);
        pairs.find_map(|pair| pair.strip_prefix("es_iot_session=")).map(str::to_owned)
    }
}

#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
}

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    pub fn has_bytes(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The next request, without its body.
    pub fn head(&mut self) -> Option<Result<Request, Refusal>> {
        let blank = self.bytes.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        self.bytes.drain(..blank);
        let head = match self.end_of_head()? {
            Err(refusal) => return Some(Err(refusal)),
            Ok(end) => String::from_utf8_lossy(&self.bytes.drain(..end).collect::<Vec<_>>()).into_owned(),
        };
        Some(request(&head))
    }

    pub fn body(&mut self, length: usize) -> Option<Vec<u8>> {
        (self.bytes.len() >= length).then(|| self.bytes.drain(..length).collect())
    }

    /// Where the head ends, or the first byte that can't be in one shows.
    fn end_of_head(&self) -> Option<Result<usize, Refusal>> {
        let mut before = b' ';
        for (at, &byte) in self.bytes.iter().enumerate() {
            if at == MOST_HEAD {
                let status = if self.bytes[..at].contains(&b'\n') { 431 } else { 414 };
                return Some(Err(Refusal::end(status)));
            }
            let control = (byte < b' ' || byte == 0x7F) && !b"\t\r\n".contains(&byte);
            if (at == 0 && !is_token(byte)) || control || (before == b'\r') != (byte == b'\n') {
                return Some(Err(Refusal::end(400)));
            }
            if self.bytes[..=at].ends_with(b"\r\n\r\n") {
                return Some(Ok(at + 1));
            }
            before = byte;
        }
        None
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn request(head: &str) -> Result<Request, Refusal> {
    let malformed = || Refusal::end(400);
    let mut lines = head.split("\r\n").take_while(|line| !line.is_empty());
    let line: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let &[method, target, version] = &line[..] else { return Err(malformed()) };
    if !method.bytes().all(is_token) {
        return Err(malformed());
    }
    let old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ if version.starts_with("HTTP/") => return Err(Refusal::end(505)),
        _ => return Err(malformed()),
    };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        if headers.len() > MOST_HEADERS {
            return Err(Refusal::end(431));
        }
    }
    let count = |name: &str| headers.iter().filter(|(known, _)| known == name).count();
    let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse::<usize>());
    if count("host") > 1 || count("content-length") > 1 || count("origin") > 1 || count("content-type") > 1 {
        return Err(malformed());
    }
    if count("transfer-encoding") > 0 {
        return Err(if old || length.is_some() { malformed() } else { Refusal::end(411) });
    }
    let length = length.transpose().map_err(|_| malformed())?;
    let (authority, path) = match target.strip_prefix("http://") {
        Some(rest) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(authority.to_owned()), format!("/{path}"))
        }
        None => (None, target.to_owned()),
    };
    let path = path.split('?').next().unwrap_or_default().to_owned();
    Ok(Request { method: method.to_owned(), path, authority, old, length, headers })
}
