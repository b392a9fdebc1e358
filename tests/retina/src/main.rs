//! `retina-viewer URL tcp|udp`: one line on standard output for each picture, until it is killed.
//!
//! retina refuses what other players pass over: packets that RTP-Info does not name, a time stamp that goes back, a unit
//! that is cut. Each is an error here, and so is each lost packet.

use std::error::Error;
use std::process::ExitCode;

use futures::StreamExt as _;
use retina::client::{PlayOptions, Session, SessionOptions, SetupOptions, Transport};
use retina::codec::{CodecItem, FrameFormat};

async fn watch(url: &str, transport: &str) -> Result<(), Box<dyn Error>> {
    let transport = match transport {
        "tcp" => Transport::Tcp(Default::default()),
        "udp" => Transport::Udp(Default::default()),
        other => return Err(format!("no transport is called {other}").into()),
    };
    let mut session = Session::describe(url::Url::parse(url)?, SessionOptions::default()).await?;
    let options = SetupOptions::default().transport(transport).frame_format(FrameFormat::SIMPLE);
    session.setup(0, options).await?;
    let mut stream = session.play(PlayOptions::default()).await?.demuxed()?;
    while let Some(item) = stream.next().await {
        match item? {
            CodecItem::VideoFrame(frame) => {
                if frame.loss() > 0 {
                    return Err(format!("{} packets were lost", frame.loss()).into());
                }
                println!("{} {}", frame.timestamp().elapsed(), frame.is_random_access_point());
            }
            CodecItem::Rtcp(_) => {}
            other => return Err(format!("not video: {other:?}").into()),
        }
    }
    Err("the stream ended".into())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, transport] = &arguments[..] else {
        eprintln!("retina-viewer URL tcp|udp");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(watch(url, transport)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
