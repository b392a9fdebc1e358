use super::*;

/// An answer to a nonce with a response.
type Form = fn(&str, &str) -> String;

const NOW: Mono = Mono::from_nanos(1_000_000_000);
const URI: &str = "rtsp://192.0.2.1:8554/ES_MTX";
const PASSWORD: &[u8] = b"1111";

fn asked(method: &str) -> Asked<'_> {
    Asked { method, uri: URI, stream: "ES_MTX" }
}

fn nonce(challenge: &str) -> &str {
    challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// An answer as `GStreamer`, VLC and go2rtc send it: MD5, no algorithm, no qop.
fn answer(user: &str, password: &str, method: &str, uri: &str, nonce: &str) -> String {
    let a1 = hash::<Md5>(&[user.as_bytes(), REALM.as_bytes(), password.as_bytes()]);
    let a2 = hash::<Md5>(&[method.as_bytes(), uri.as_bytes()]);
    let response = hash::<Md5>(&[a1.as_bytes(), nonce.as_bytes(), a2.as_bytes()]);
    format!("Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\"")
}

fn challenged() -> (Challenges, String, Tokens) {
    let (mut challenges, mut tokens) = (Challenges::default(), Tokens::new([7; 32]));
    let both = challenges.challenge(NOW, false, &mut tokens);
    let nonce = nonce(&both[0]).to_owned();
    (challenges, nonce, tokens)
}

fn check(challenges: &mut Challenges, now: Mono, header: &str) -> Verdict {
    challenges.check(now, PASSWORD, asked("DESCRIBE"), header)
}

// --- the examples of the RFCs -------------------------------------------------------------------------------------

fn expected(header: &str, password: &[u8]) -> String {
    Answer::parse(header).unwrap().expected(password, "GET")
}

#[test]
fn rfc_2617_section_3_5() {
    let header = r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",
        opaque="5ccc069c403ebaf9f0171e9517f40e41""#
        .replace('\n', "");
    assert_eq!(expected(&header, b"Circle Of Life"), "6629fae49393a05397450978507c4ef1");
}

#[test]
fn rfc_7616_section_3_9_1() {
    let of = |algorithm: &str| {
        format!(
            r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, {}"#,
            r#"nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, qop=auth, response="x", 
               cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ""#
        )
        .replace('\n', "")
    };
    assert_eq!(expected(&of("MD5"), b"Circle of Life"), "8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(
        expected(&of("SHA-256"), b"Circle of Life"),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
}

#[test]
fn rfc_2069_without_qop() {
    // The response is that of erratum 749.
    let header = r#"Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea""#;
    assert_eq!(expected(header, b"CircleOfLife"), "1949323746fe6a43ef61f9606e7febea");
}

// --- challenges ---------------------------------------------------------------------------------------------------

#[test]
fn sha_256_is_offered_first_and_md5_last_without_qop_and_basic_never() {
    let (mut challenges, nonce, mut tokens) = challenged();
    let [first, last] = challenges.challenge(NOW, false, &mut tokens);
    let common = format!("Digest realm=\"es-iot-server\", nonce=\"{nonce}\"");
    assert_eq!(first, format!("{common}, algorithm=SHA-256, qop=\"auth\""));
    assert_eq!(last, format!("{common}, algorithm=MD5"));
    // The order that live555 scans for.
    let [_, last] = challenges.challenge(NOW, true, &mut tokens);
    assert_eq!(last, format!("{common}, stale=true, algorithm=MD5"));
}

#[test]
fn there_is_one_nonce_at_a_time_however_often_it_is_asked_for() {
    let (mut challenges, nonce, mut tokens) = challenged();
    for _ in 0..1000 {
        assert!(challenges.challenge(NOW, false, &mut tokens)[1].contains(&nonce));
    }
    let later = NOW + RTSP_NONCE_LIFETIME / 2;
    assert!(!challenges.challenge(later, false, &mut tokens)[1].contains(&nonce), "it can be answered for long enough");
    let header = answer(USER, "1111", "DESCRIBE", URI, &nonce);
    assert_eq!(check(&mut challenges, later, &header), Verdict::Stale, "the one before is gone");
}

// --- answers ------------------------------------------------------------------------------------------------------

#[test]
fn answers_in_the_forms_of_real_clients_are_right() {
    let a1 = |hash: fn(&[&[u8]]) -> String| hash(&[b"es-iot", b"es-iot-server", b"1111"]);
    let a2 = |hash: fn(&[&[u8]]) -> String| hash(&[b"DESCRIBE", URI.as_bytes()]);
    // ffmpeg quotes algorithm, qop and nc's neighbours; retina sends SHA-256.
    let ffmpeg: Form = |nonce, response| {
        format!(
            "Digest username=\"es-iot\", realm=\"es-iot-server\", nonce=\"{nonce}\", uri=\"{URI}\", response=\"{response}\", algorithm=\"MD5\", qop=\"auth\", cnonce=\"ab\", nc=00000001"
        )
    };
    let retina: Form = |nonce, response| {
        format!(
            "Digest username=\"es-iot\", realm=\"es-iot-server\", uri=\"{URI}\", nonce=\"{nonce}\", algorithm=SHA-256, nc=00000001, cnonce=\"ab\", qop=auth, response=\"{response}\""
        )
    };
    for (form, hash) in [(ffmpeg, hash::<Md5> as fn(&[&[u8]]) -> String), (retina, hash::<Sha256>)] {
        let (mut challenges, nonce, _) = challenged();
        let (a1, a2) = (a1(hash), a2(hash));
        let response = hash(&[a1.as_bytes(), nonce.as_bytes(), b"00000001", b"ab", b"auth", a2.as_bytes()]);
        let header = form(&nonce, &response);
        assert_eq!(check(&mut challenges, NOW, &header), Verdict::Right, "{header}");
    }
    // GStreamer, VLC, and go2rtc, which took the nonce out of the first challenge.
    let (mut challenges, nonce, _) = challenged();
    assert_eq!(check(&mut challenges, NOW, &answer(USER, "1111", "DESCRIBE", URI, &nonce)), Verdict::Right);
}

#[test]
fn vlc_signs_content_base_in_a_setup() {
    let (mut challenges, nonce, _) = challenged();
    let base = format!("{URI}/");
    let track = format!("{URI}/trackID=0");
    let asked = Asked { method: "SETUP", uri: &track, stream: "ES_MTX" };
    let header = answer(USER, "1111", "SETUP", &base, &nonce);
    assert_eq!(challenges.check(NOW, PASSWORD, asked, &header), Verdict::Right);
}

#[test]
fn wrong_answers_are_wrong() {
    let (mut challenges, nonce, _) = challenged();
    for (user, password, method) in
        [(USER, "1112", "DESCRIBE"), (USER, "", "DESCRIBE"), ("admin", "1111", "DESCRIBE"), (USER, "1111", "SETUP")]
    {
        let header = answer(user, password, method, URI, &nonce);
        assert_eq!(check(&mut challenges, NOW, &header), Verdict::Wrong, "{header}");
    }
    let header = answer(USER, "1111", "DESCRIBE", URI, &nonce).replace("response=\"", "response=\"0");
    assert_eq!(check(&mut challenges, NOW, &header), Verdict::Wrong, "a response of another length");
    let header = answer(USER, "", "DESCRIBE", URI, &nonce);
    assert_eq!(
        challenges.check(NOW, b"", asked("DESCRIBE"), &header),
        Verdict::Wrong,
        "an empty password opens nothing"
    );
    assert_eq!(check(&mut challenges, NOW, &answer(USER, "1111", "DESCRIBE", URI, &nonce)), Verdict::Right);
}

#[test]
fn a_guess_is_wrong_whatever_its_nonce() {
    let (mut challenges, ..) = challenged();
    let header = answer(USER, "1112", "DESCRIBE", URI, "made up");
    assert_eq!(check(&mut challenges, NOW, &header), Verdict::Wrong);
}

#[test]
fn expired_and_foreign_nonces_are_stale() {
    let (mut challenges, nonce, _) = challenged();
    let header = answer(USER, "1111", "DESCRIBE", URI, &nonce);
    assert_eq!(check(&mut challenges, NOW + RTSP_NONCE_LIFETIME, &header), Verdict::Stale);
    let mut elsewhere = Challenges::default();
    assert_eq!(check(&mut elsewhere, NOW, &header), Verdict::Stale, "replayed on another connection");
}

#[test]
fn an_answer_opens_once() {
    let (mut challenges, nonce, _) = challenged();
    let header = answer(USER, "1111", "DESCRIBE", URI, &nonce);
    assert_eq!(check(&mut challenges, NOW, &header), Verdict::Right);
    assert_eq!(check(&mut challenges, NOW, &header), Verdict::Stale, "replayed on the same connection");
}

#[test]
fn what_is_no_answer_costs_no_attempt() {
    let (mut challenges, nonce, _) = challenged();
    let good = answer(USER, "1111", "DESCRIBE", URI, &nonce);
    for header in [
        "",
        "Digest",
        "Digest ",
        "Basic ZXMtaW90OjExMTE=",
        &good.replace("Digest", "Basic"),
        &good.replace("realm=\"es-iot-server\"", "realm=\"elsewhere\""),
        &good.replace(URI, "rtsp://192.0.2.1:8554/other"),
        &format!("{good}, algorithm=MD5-sess"),
        &format!("{good}, algorithm=SHA-512-256"),
        &format!("{good}, qop=auth-int, nc=1, cnonce=\"a\""),
        &format!("{good}, qop=auth, nc=1"),
        &format!("{good}, rubbish"),
        &good[..good.len() - 1],
        "Digest username=\"\\",
    ] {
        assert_eq!(check(&mut challenges, NOW, header), Verdict::Unusable, "{header}");
    }
    assert_eq!(check(&mut challenges, NOW, &good), Verdict::Right);
}

#[test]
fn quoted_pairs_and_spaces_are_read() {
    assert_eq!(parameter(r#" , a = "x\"y\\" , b=c"#), Some(("a", r#"x"y\"#.into(), " , b=c")));
    assert_eq!(parameter(", b=c , d=e"), Some(("b", "c".into(), ", d=e")));
    assert_eq!(parameter("a=\"b"), None);
    assert_eq!(parameter(" "), None);
}
