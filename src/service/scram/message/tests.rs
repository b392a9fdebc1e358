use super::*;

const PROOF: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn client_first() {
    let read = |text: &'static str| ClientFirst::parse(text.as_bytes()).map(|first| (first.user, first.nonce));
    for (text, expected) in [
        ("n,,n=es-iot,r=abc", Ok(("es-iot", "abc"))),
        ("n,,n=es-iot,r=~!=x", Ok(("es-iot", "~!=x"))),
        // Optional extensions that the RFC does not know are ignored.
        ("n,,n=es-iot,r=abc,x=1,y=ä=", Ok(("es-iot", "abc"))),
        ("n,,n=es=2Ciot,r=abc", Ok(("es=2Ciot", "abc"))),
        ("", Err(Refusal::Malformed)),
        ("n,,", Err(Refusal::Malformed)),
        ("n=es-iot,r=abc", Err(Refusal::Malformed)),
        ("N,,n=es-iot,r=abc", Err(Refusal::Malformed)),
        ("n,n=es-iot,r=abc", Err(Refusal::Malformed)),
        ("n,a=root,n=es-iot,r=abc", Err(Refusal::Malformed)),
        ("y,,n=es-iot,r=abc", Err(Refusal::ChannelBinding)),
        ("p=tls-exporter,,n=es-iot,r=abc", Err(Refusal::ChannelBinding)),
        ("n,,m=1,n=es-iot,r=abc", Err(Refusal::Extension)),
        ("n,,n=es-iot,r=abc,m=1", Err(Refusal::Extension)),
        ("n,,r=abc,n=es-iot", Err(Refusal::Malformed)),
        ("n,,n=es-iot", Err(Refusal::Malformed)),
        ("n,,n=,r=abc", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=a b", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=ä", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,x", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,x=", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,xy=1", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,1=1", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,r=abc", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc,p=abc", Err(Refusal::Malformed)),
        ("n,,n=es-iot,,r=abc", Err(Refusal::Malformed)),
        (" n,,n=es-iot,r=abc", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc\n", Err(Refusal::Malformed)),
        ("n,,n=es-iot,r=abc\0", Err(Refusal::Malformed)),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    assert_eq!(ClientFirst::parse(b"n,,n=es-iot,r=abc,x=\xFF"), Err(Refusal::Malformed));
}

#[test]
fn client_final() {
    let read = |text: &str| ClientFinal::parse(text.as_bytes()).map(|answer| answer.nonce.to_owned());
    for (text, expected) in [
        ("c=biws,r=abc,p=PROOF", Ok("abc".to_owned())),
        ("c=biws,r=abc,x=1,p=PROOF", Ok("abc".to_owned())),
        ("", Err(Refusal::Malformed)),
        ("c=biws,r=abc", Err(Refusal::Malformed)),
        ("c=biws,p=PROOF", Err(Refusal::Malformed)),
        ("r=abc,c=biws,p=PROOF", Err(Refusal::Malformed)),
        ("c=eSws,r=abc,p=PROOF", Err(Refusal::ChannelBinding)),
        ("c=biw=,r=abc,p=PROOF", Err(Refusal::ChannelBinding)),
        ("c=,r=abc,p=PROOF", Err(Refusal::Malformed)),
        ("c=biws,r=abc,m=1,p=PROOF", Err(Refusal::Extension)),
        ("c=biws,r=abc,p=PROOF,x=1", Err(Refusal::Malformed)),
        ("c=biws,r=abc,p=PROOF,p=PROOF", Err(Refusal::Malformed)),
        ("c=biws,r=abc,p=", Err(Refusal::Malformed)),
        ("c=biws,r=abc,p=AAAA", Err(Refusal::Malformed)),
        ("c=biws,r=abc,p=PROOFAAAA", Err(Refusal::Malformed)),
        ("c=biws,r=abc,p= PROOF", Err(Refusal::Malformed)),
        ("c=biws,r=a b,p=PROOF", Err(Refusal::Malformed)),
    ] {
        let text = text.replace("PROOF", PROOF);
        assert_eq!(read(&text), expected, "{text:?}");
    }
    // The last digit has bits that mean nothing: only one of its spellings is taken.
    assert_eq!(read(&format!("c=biws,r=abc,p={}", PROOF.replace("A=", "B="))), Err(Refusal::Malformed));
}

#[test]
fn server_first() {
    let read = |text: &'static str| ServerFirst::parse(text.as_bytes()).map(|first| (first.salt, first.iterations));
    for (text, expected) in [
        ("r=abc,s=AAAA,i=4096", Ok((vec![0; 3], 4096))),
        ("r=abc,s=AAAA,i=4294967295,x=1", Ok((vec![0; 3], u32::MAX))),
        ("r=abc,s=AAAA,i=4294967296", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=0", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=04096", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=+4096", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=-1", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=4096 ", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA,i=", Err(Refusal::Malformed)),
        ("r=abc,s=AAAA", Err(Refusal::Malformed)),
        ("r=abc,s=,i=4096", Err(Refusal::Malformed)),
        ("r=abc,s=AAA,i=4096", Err(Refusal::Malformed)),
        ("s=AAAA,r=abc,i=4096", Err(Refusal::Malformed)),
        ("m=1,r=abc,s=AAAA,i=4096", Err(Refusal::Extension)),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn server_final() {
    let read = |text: &'static str| ServerFinal::parse(text.as_bytes());
    assert_eq!(read("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Ok(ServerFinal::Verifier([0; 32])));
    assert_eq!(read("e=other-error"), Ok(ServerFinal::Error("other-error")));
    assert_eq!(read("e=other-error,x=1"), Ok(ServerFinal::Error("other-error")));
    for text in ["", "v", "v=", "v=AAAA", "e=", "x=1", "e=a,v=AAAA", "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(read(text), Err(Refusal::Malformed), "{text:?}");
    }
}

#[test]
fn lengths_are_bounded() {
    let first = |nonce: usize| format!("n,,n=es-iot,r={}", "x".repeat(nonce));
    assert!(ClientFirst::parse(first(SCRAM_MAX_NONCE_BYTES).as_bytes()).is_ok());
    assert_eq!(ClientFirst::parse(first(SCRAM_MAX_NONCE_BYTES + 1).as_bytes()), Err(Refusal::Malformed));
    let long = |more: usize| format!("n,,n=es-iot,r=abc,x={}", "x".repeat(more));
    let room = SCRAM_MAX_MESSAGE_BYTES - long(0).len();
    assert!(ClientFirst::parse(long(room).as_bytes()).is_ok());
    assert_eq!(ClientFirst::parse(long(room + 1).as_bytes()), Err(Refusal::Malformed));
    let answer = |nonce: usize| format!("c=biws,r={},p={PROOF}", "x".repeat(nonce));
    assert!(ClientFinal::parse(answer(MAX_NONCE_BYTES).as_bytes()).is_ok());
    assert_eq!(ClientFinal::parse(answer(MAX_NONCE_BYTES + 1).as_bytes()), Err(Refusal::Malformed));
}

#[test]
fn refusals_are_server_final_messages() {
    for refusal in [
        Refusal::Malformed,
        Refusal::ChannelBinding,
        Refusal::Extension,
        Refusal::UnknownUser,
        Refusal::NoExchange,
        Refusal::WrongProof,
    ] {
        assert!(matches!(ServerFinal::parse(refusal.message().as_bytes()), Ok(ServerFinal::Error(_))), "{refusal}");
    }
}
