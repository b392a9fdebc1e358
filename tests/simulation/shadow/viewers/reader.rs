//! A reader of RTSP that shares no code with the server's: it looks at all that is unread again each time.

const MOST_HEAD: usize = 8192;
const MOST_BODY: usize = 4096;
const MOST_FRAME: usize = 2048;

/// What a viewer sent.
#[derive(Debug)]
pub enum Item {
    Request(Request),
    /// A request that is refused for what it is; `ends` if nothing can be read behind it.
    Bad {
        status: u16,
        cseq: Option<u32>,
        ends: bool,
    },
    /// Not RTSP at all: the status, and whether it is HTTP.
    Foreign {
        http: bool,
    },
    Frame {
        channel: u8,
        payload: Vec<u8>,
    },
    LongFrame,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub uri: String,
    pub cseq: u32,
    pub has_body: bool,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }
}

#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    /// What is left to come of a frame that is too long.
    skip: usize,
    lost: bool,
}

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Whether something has begun that is not whole. To be asked after [`Self::next`] found nothing.
    pub fn is_within(&self) -> bool {
        self.skip > 0 || !self.bytes.is_empty()
    }

    /// The number of a request that is not whole.
    pub fn cseq(&self) -> Option<u32> {
        let whole = self.bytes.iter().rposition(|&byte| byte == b'\n')?;
        number(&headers(&String::from_utf8_lossy(&self.bytes[..=whole])))
    }

    pub fn next(&mut self) -> Option<Item> {
        if self.lost {
            return None;
        }
        let skipped = self.skip.min(self.bytes.len());
        self.bytes.drain(..skipped);
        self.skip -= skipped;
        let blank = self.bytes.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        self.bytes.drain(..blank);
        let &first = self.bytes.first()?;
        if first == b'$' {
            return self.frame();
        }
        if !(b'!'..=b'~').contains(&first) {
            return Some(self.lose(Item::Foreign { http: false }));
        }
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let end = text.find("\r\n\r\n").map(|at| at + 4);
        if end.unwrap_or(self.bytes.len()) > MOST_HEAD {
            let cseq = number(&headers(&text[..MOST_HEAD]));
            return Some(self.lose(Item::Bad { status: 431, cseq, ends: true }));
        }
        let head = &text[..end?];
        let headers = headers(head);
        let cseq = number(&headers);
        let line: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
        let &[method, uri, version] = &line[..] else {
            return Some(self.lose(Item::Bad { status: 400, cseq, ends: true }));
        };
        if version.starts_with("HTTP/") {
            return Some(self.lose(Item::Foreign { http: true }));
        }
        if head.lines().skip(1).any(|line| !line.is_empty() && !line.contains(':')) {
            return Some(self.lose(Item::Bad { status: 400, cseq, ends: true }));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse::<usize>().expect("no viewer has another length"));
        if length > MOST_BODY {
            return Some(self.lose(Item::Bad { status: 413, cseq, ends: true }));
        }
        if self.bytes.len() < head.len() + length {
            return None;
        }
        let (method, uri, whole) = (method.to_owned(), uri.to_owned(), head.len() + length);
        let version_fits = version == "RTSP/1.0";
        self.bytes.drain(..whole);
        Some(match cseq {
            _ if !version_fits => Item::Bad { status: 505, cseq, ends: false },
            None => Item::Bad { status: 400, cseq, ends: false },
            Some(cseq) => Item::Request(Request { method, uri, cseq, has_body: length > 0, headers }),
        })
    }

    fn frame(&mut self) -> Option<Item> {
        let &[_, channel, high, low] = self.bytes.first_chunk::<4>()?;
        let length = usize::from(high) << 8 | usize::from(low);
        if length > MOST_FRAME {
            self.bytes.drain(..4);
            self.skip = length;
            return Some(Item::LongFrame);
        }
        if self.bytes.len() < 4 + length {
            return None;
        }
        let payload = self.bytes.drain(..4 + length).skip(4).collect();
        Some(Item::Frame { channel, payload })
    }

    /// Nothing can be read behind this.
    fn lose(&mut self, item: Item) -> Item {
        self.lost = true;
        item
    }
}

/// The headers of a head that may be cut short: names in small letters, and values.
fn headers(head: &str) -> Vec<(String, String)> {
    let lines = head[..head.rfind('\n').map_or(0, |at| at + 1)].lines().skip(1);
    let pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
}

fn number(headers: &[(String, String)]) -> Option<u32> {
    headers.iter().find(|(name, _)| name == "cseq")?.1.parse().ok()
}
