//! A reply, and what every reply has.

use serde_json::Value;

/// A reply.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads a head, which ends with its empty line.
    pub fn parse(head: &[u8]) -> Self {
        let text = str::from_utf8(head).unwrap().strip_suffix("\r\n\r\n").unwrap();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "lines end with CR LF: {text:?}");
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap();
        let words = line.splitn(3, ' ').collect::<Vec<_>>();
        let ["HTTP/1.1", status, phrase] = words[..] else { panic!("a status line: {line:?}") };
        assert!(!phrase.is_empty() && status.len() == 3, "{line:?}");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("a header: {line:?}"));
            (name.to_owned(), value.to_owned())
        });
        Self { status: status.parse().unwrap(), headers: headers.collect(), body: Vec::new() }
    }

    /// Expects what every reply has.
    pub fn check(&self) {
        if self.status == 100 {
            assert!(self.headers.is_empty(), "{self:?}");
            return;
        }
        let turned_away = self.status == 503 && self.find("X-Content-Type-Options").is_none();
        if !turned_away {
            assert_eq!(self.header("X-Content-Type-Options"), "nosniff");
            assert_eq!(self.header("X-Frame-Options"), "DENY");
            assert_eq!(self.header("Referrer-Policy"), "no-referrer");
            assert_eq!(self.header("Cross-Origin-Resource-Policy"), "same-origin");
            let policy = self.header("Content-Security-Policy");
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            let expected = if self.find("ETag").is_some() { "no-cache" } else { "no-store" };
            assert_eq!(self.header("Cache-Control"), expected, "{self:?}");
        }
        for (name, _) in &self.headers {
            let name = name.to_ascii_lowercase();
            assert!(!name.starts_with("access-control-"), "no CORS: {self:?}");
            assert!(!["server", "date", "transfer-encoding"].contains(&&*name), "{self:?}");
        }
        match self.status {
            401 => assert!(!self.header("WWW-Authenticate").starts_with("Basic")),
            405 => assert!(!self.header("Allow").is_empty()),
            429 => assert!(self.header("Retry-After").parse::<u16>().is_ok(), "{self:?}"),
            _ => {}
        }
    }

    /// The value of a header, which has to be there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The value of a header that may come once.
    #[track_caller]
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let value = values.next();
        assert!(values.next().is_none(), "{name} comes twice: {self:?}");
        value.map(|(_, value)| value.as_str())
    }

    /// The length of the body.
    pub fn length(&self) -> usize {
        self.header("Content-Length").parse().unwrap()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {self:?}", self.text());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, which ends with a newline.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header("Content-Type"), "application/json", "{}", self.text());
        assert!(self.body.ends_with(b"\n"), "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The sentence of an API's error.
    #[track_caller]
    pub fn error(&self) -> String {
        let json = self.json();
        let object = json.as_object().unwrap();
        assert_eq!(object.len(), 1, "{json}");
        object["error"].as_str().unwrap().to_owned()
    }

    /// Whether the connection ends with it.
    pub fn closes(&self) -> bool {
        self.find("Connection").is_some_and(|value| value == "close")
    }
}
