//! The video's way from the camera to the publisher, or to nowhere.

use std::os::fd::AsFd;

use super::{Reactor, unwatch};
use crate::reactor::token::{Pipe, Token};
use crate::server::Input;
use crate::sys::splice::{Moved, forward, waiting};

impl Reactor<'_> {
    /// Moves video until nothing moves any more or the budget is used up. Whether it came to the former.
    pub(in crate::reactor) fn pump(&mut self, budget: usize) -> bool {
        let mut published = 0;
        let mut moved = 0;
        let drained = loop {
            let Some(video) = &self.children.video else { break true };
            if moved >= budget {
                break false;
            }
            let sink = self.children.sink.as_ref().filter(|_| !self.children.discards);
            // A camera that is stuck in a write may not come to look at the signal that is to stop it.
            let in_the_way = self.children.camera.as_ref().is_some_and(|camera| camera.asked) && waiting(video) > 0;
            let result = match sink {
                Some(sink) => forward(video.as_fd(), sink.as_fd(), budget - moved),
                None => forward(video.as_fd(), self.children.null.as_fd(), budget - moved),
            };
            match result {
                Ok(Moved::Bytes(bytes)) => {
                    moved += bytes;
                    published += if sink.is_some() { bytes } else { 0 };
                }
                // There was video, so it is the publisher that takes none. What comes after a gap is of no use to it.
                Ok(Moved::WouldBlock) if sink.is_some() && in_the_way => self.children.discards = true,
                Ok(Moved::WouldBlock) => break true,
                Ok(Moved::EndOfStream) => unwatch(&self.poll, &mut self.children.video),
                Ok(Moved::SinkClosed) => unwatch(&self.poll, &mut self.children.sink),
                // What can't be spliced can't be played either; the stall detection takes it from here.
                Err(_) => break true,
            }
        };
        if published > 0 {
            self.feed(Input::Video { bytes: published as u64 });
        }
        drained
    }

    /// Has the video looked at in this turn. A full pipe gives no event, and something has changed that video may
    /// have waited for.
    pub(super) fn look_at_video(&mut self) {
        if let (Some(camera), Some(_)) = (&self.children.camera, &self.children.video) {
            self.leave_over(Token::Pipe(Pipe::Video, camera.generation));
        }
    }
}
