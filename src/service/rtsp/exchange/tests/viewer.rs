//! A viewer by the server's reckoning. The fuzz target includes this file too.

use super::{Output, RTSP_MAX_HEAD_BYTES};

/// What a viewer's state has to be after the outputs so far.
#[derive(Debug, Default)]
pub struct Viewer {
    set_up: bool,
    playing: bool,
    over: bool,
}

impl Viewer {
    /// Takes the next output, and panics if it may not come in this state.
    pub fn follow(&mut self, output: &Output) {
        assert!(!self.over, "{output:?} after the end");
        match output {
            Output::SetUp(_) => {
                assert!(!self.playing, "a transport changes while it plays");
                self.set_up = true;
            }
            Output::Start => {
                assert!(self.set_up && !self.playing, "{self:?}");
                self.playing = true;
            }
            Output::Begin => assert!(self.playing, "it was not to start"),
            Output::Stop => assert!(std::mem::take(&mut self.playing), "it does not play"),
            Output::SessionOver => {
                assert!(self.set_up, "there is no session");
                *self = Self::default();
            }
            Output::Close(_) => self.over = true,
            Output::Reply(text) => assert!(text.len() < 2 * RTSP_MAX_HEAD_BYTES && text.contains("\r\n\r\n"), "{text}"),
            Output::Describe
            | Output::Rtcp(_)
            | Output::FrameDropped
            | Output::AuthFailed
            | Output::AuthSucceeded
            | Output::Refused(_) => {}
        }
    }
}
