//! The requests of real clients in their own forms.
//!
//! Recorded from curl 7.88, wget 1.21, Python 3.11, ffmpeg 5.1, Chromium 156, Firefox 153 and Prometheus 2.42.

use super::*;

const HOST: &str = "Host: 192.0.2.7:8080";

/// Sends lines as a client sends them, and returns everything.
fn play(rig: &mut Rig, lines: &[&str], body: &str) -> Vec<Output> {
    rig.send(format!("{}\r\n\r\n{body}", lines.join("\r\n")))
}

#[test]
fn curl() {
    let (ua, any) = ("User-Agent: curl/7.88.1", "Accept: */*");
    let mut rig = Rig::new();
    let outputs = play(&mut rig, &["GET /api/status HTTP/1.1", HOST, ua, any], "");
    assert_eq!(only_reply(&outputs).body(), "{\"up\":1}");
    let page = ["GET / HTTP/1.1", HOST, ua, any];
    let outputs = play(&mut rig, &page, "");
    assert_eq!(only_reply(&outputs).header("Content-Encoding"), Some("gzip"), "curl warns of binary output");
    let zipped = [&page[..], &["Accept-Encoding: deflate, gzip, br, zstd"]].concat();
    assert_eq!(statuses(&play(&mut rig, &zipped, "")), [200]);
    let put = ["PUT /api/settings HTTP/1.1", HOST, ua, any, JSON, "Content-Length: 10"];
    assert_eq!(only_reply(&play(&mut rig, &put, "{\"gain\":2}")).body(), "{\"gain\":2}");
    assert_eq!(statuses(&play(&mut rig, &["HEAD /healthz HTTP/1.1", HOST, ua, any], "")), [200]);
    let upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"];
    let lines = [&["GET /metrics HTTP/1.1", HOST, ua, any][..], &upgrade].concat();
    assert_eq!(statuses(&play(&mut rig, &lines, "")), [200], "--http2: the upgrade is not taken up");
    // -T with a large file, which waits for 100.
    let large = [&put[..5], &["Content-Length: 12813", "Expect: 100-continue"]].concat();
    assert_eq!(statuses(&play(&mut rig, &large, "")), [413]);
    // -d without a type, and -X POST without -d.
    let form = ["Content-Length: 2", "Content-Type: application/x-www-form-urlencoded"];
    let lines = [&["POST /api/login HTTP/1.1", HOST, ua, any][..], &form].concat();
    assert_eq!(statuses(&play(&mut Rig::new(), &lines, "{}")), [415]);
    assert_eq!(statuses(&play(&mut Rig::new(), &["POST /api/logout HTTP/1.1", HOST, ua, any], "")), [411]);
    let outputs = play(&mut Rig::new(), &["GET /metrics HTTP/1.0", HOST, ua, any], "");
    assert_eq!((statuses(&outputs), closed(&outputs)), (vec![200], Some(Reason::Done)));
}

#[test]
fn wget_and_python() {
    let lines = [
        "GET /snapshot.h264 HTTP/1.1",
        HOST,
        "User-Agent: Wget/1.21.3",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: Keep-Alive",
    ];
    let outputs = play(&mut Rig::new(), &lines, "");
    assert_eq!(only_reply(&outputs).header("Content-Length"), Some("4"));
    let page = [&["GET / HTTP/1.1"][..], &lines[1..]].concat();
    let reply = only_reply(&play(&mut Rig::new(), &page, ""));
    assert_eq!(reply.status(), 406);
    assert!(reply.body().contains("stored compressed"), "{reply:?}");
    let lines = [
        "GET /healthz HTTP/1.1",
        "Accept-Encoding: identity",
        HOST,
        "User-Agent: Python-urllib/3.11",
        "Connection: close",
    ];
    let outputs = play(&mut Rig::new(), &lines, "");
    assert_eq!((only_reply(&outputs).body(), closed(&outputs)), ("ok\n", Some(Reason::Done)));
}

#[test]
fn ffmpeg_and_prometheus() {
    let lines = [
        "GET /video.mp4 HTTP/1.1",
        "User-Agent: Lavf/59.27.100",
        "Accept: */*",
        "Range: bytes=0-",
        "Connection: close",
        HOST,
        "Icy-MetaData: 1",
    ];
    let outputs = play(&mut Rig::new(), &lines, "");
    assert_eq!((statuses(&outputs), outputs.last()), (vec![200], Some(&Output::Stream(Stream::Video))));
    let lines = [
        "GET /metrics HTTP/1.1",
        HOST,
        "User-Agent: Prometheus/2.42.0+ds",
        "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "Accept-Encoding: gzip",
        "X-Prometheus-Scrape-Timeout-Seconds: 10",
    ];
    let mut rig = Rig::new();
    for _ in 0..3 {
        let reply = only_reply(&play(&mut rig, &lines, ""));
        assert_eq!(reply.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        rig.after(Duration::from_secs(15));
        assert!(rig.exchange.deadline().unwrap() > rig.now, "the connection lasts until the next scrape");
    }
}

const CHROMIUM: [&str; 6] = [
    "Connection: keep-alive",
    "sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"",
    "sec-ch-ua-platform: \"Linux\"",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9",
];

#[test]
fn chromium() {
    let mut rig = Rig::new();
    let mut send = |line: &str, headers: &[&str], body: &str| {
        play(&mut rig, &[&[line, HOST][..], &CHROMIUM, headers].concat(), body)
    };
    let navigation = [
        "Upgrade-Insecure-Requests: 1",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-User: ?1",
        "Sec-Fetch-Dest: document",
    ];
    let page = only_reply(&send("GET / HTTP/1.1", &navigation, ""));
    assert_eq!((page.status(), page.header("Content-Encoding")), (200, Some("gzip")));
    let known = format!("If-None-Match: {}", page.header("ETag").unwrap());
    let reply = only_reply(&send("GET / HTTP/1.1", &["Cache-Control: max-age=0", &known], ""));
    assert_eq!((reply.status(), reply.body()), (304, ""));
    let fetch = ["Accept: */*", "Origin: http://192.0.2.7:8080", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"];
    let put = [&fetch[..], &["Content-Length: 10", JSON, "Referer: http://192.0.2.7:8080/"]].concat();
    assert_eq!(statuses(&send("PUT /api/settings HTTP/1.1", &put, "{\"gain\":2}")), [200]);
    let logout = [&fetch[..], &["Content-Length: 0", JSON]].concat();
    assert_eq!(statuses(&send("POST /api/logout HTTP/1.1", &logout, "")), [200]);
    let events = ["Pragma: no-cache", "Cache-Control: no-cache", "Accept: text/event-stream"];
    let outputs = send("GET /events HTTP/1.1", &events, "");
    assert_eq!(only_reply(&outputs).header("Content-Type"), Some("text/event-stream"));
    assert_eq!(outputs.last(), Some(&Output::Stream(Stream::Events)));
}

#[test]
fn chromium_on_a_page_of_another_site() {
    let cross =
        ["Origin: http://attacker.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Accept: */*"];
    let question = ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type"];
    let lines = [&["OPTIONS /api/settings HTTP/1.1", HOST][..], &CHROMIUM, &cross, &question].concat();
    let reply = only_reply(&play(&mut Rig::new(), &lines, ""));
    assert_eq!((reply.status(), reply.header("Access-Control-Allow-Origin")), (405, None), "so no PUT follows");
    let form = ["Content-Type: text/plain;charset=UTF-8", "Content-Length: 10"];
    let lines = [&["POST /api/login HTTP/1.1", HOST][..], &CHROMIUM, &cross, &form].concat();
    assert_eq!(statuses(&play(&mut Rig::new(), &lines, "{\"gain\":2}")), [403]);
}

#[test]
fn firefox() {
    let firefox = [
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
        "Accept-Language: en-US,en;q=0.9",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Connection: keep-alive",
    ];
    let mut rig = Rig::new();
    let mut send = |line: &str, headers: &[&str], body: &str| {
        play(&mut rig, &[&[line, "Host: es-iot-7.local:8080"][..], &firefox, headers].concat(), body)
    };
    let page = [
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Upgrade-Insecure-Requests: 1",
        "Priority: u=0, i",
    ];
    assert_eq!(statuses(&send("GET / HTTP/1.1", &page, "")), [200]);
    let icon = ["Accept: image/avif,image/webp,*/*", "Referer: http://es-iot-7.local:8080/"];
    assert_eq!(statuses(&send("GET /favicon.ico HTTP/1.1", &icon, "")), [404]);
    let put = [JSON, "Origin: http://es-iot-7.local:8080", "Content-Length: 10", "Accept: */*"];
    assert_eq!(statuses(&send("PUT /api/settings HTTP/1.1", &put, "{\"gain\":2}")), [200]);
    let outputs = send("GET /video.mp4 HTTP/1.1", &["Accept: */*"], "");
    assert_eq!(outputs.last(), Some(&Output::Stream(Stream::Video)));
}
