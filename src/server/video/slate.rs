//! The slate: what viewers see while there is no picture from the camera.

use std::time::Duration;

use super::{Arrival, Video, enter};
use crate::config::CameraConfig;
use crate::limits::{SLATE_AFTER, SLATE_PICTURES_PER_SECOND, STALL_FRAMES};
use crate::media::draw::{self, Slate};
use crate::media::picture::Assembler;
use crate::media::rtp::FirstPacket;
use crate::server::context::Context;
use crate::server::report::VideoReport;
use crate::stats::Counter;
use crate::time::Mono;

/// The slate's drawing, and where it is turned into pictures.
#[derive(Debug)]
pub struct Drawing {
    format: draw::Format,
    slate: Slate,
    assembler: Assembler,
    /// Pictures since the last one that was drawn.
    repeated: u32,
}

impl Video {
    /// When the next slate is due, if one is wanted. A slow camera, or one with a long `exposure`, is given time for several
    /// pictures.
    pub fn slate_deadline(&self, config: &CameraConfig, exposure: Duration) -> Option<Mono> {
        config.slate.then(|| self.next_is_due(config, exposure))
    }

    /// The newest key picture, if the video moves, be it the camera's or a slate's.
    pub fn moving_key(&self, now: Mono, config: &CameraConfig, exposure: Duration) -> Option<u64> {
        self.ring.newest_key().filter(|_| now <= self.next_is_due(config, exposure))
    }

    /// Whether viewers see the camera's picture, and it moves; with no viewer, no slate shows that it does not.
    pub fn camera_moves(&self, now: Mono, config: &CameraConfig, exposure: Duration) -> bool {
        self.live && now <= self.next_is_due(config, exposure)
    }

    /// When the next picture has to be there.
    fn next_is_due(&self, config: &CameraConfig, exposure: Duration) -> Mono {
        // The drawing lasts as long as the slate is shown.
        let each = if self.drawing.is_some() {
            Duration::from_secs(1) / SLATE_PICTURES_PER_SECOND
        } else {
            SLATE_AFTER.max(exposure.max(Duration::from_secs(1) / config.framerate) * STALL_FRAMES)
        };
        self.last + each
    }

    /// Shows a slate with these words: once a second a new one, and otherwise the last one again.
    pub fn show_slate(&mut self, cx: &mut Context<'_>, words: &str) -> Option<Arrival> {
        let format = self.slate_format(&cx.config.camera)?;
        let is_new = self.drawing.as_ref().is_none_or(|drawing| drawing.format != format);
        if is_new {
            let (slate, assembler) = (Slate::new(format), Assembler::default());
            self.drawing = Some(Box::new(Drawing { format, slate, assembler, repeated: 0 }));
            cx.report(VideoReport::Slate { words: words.to_owned() });
        }
        let Drawing { slate, assembler, repeated, .. } = self.drawing.as_deref_mut()?;
        let is_old = cx.now.mono.since(self.last) > SLATE_AFTER;
        if is_new || is_old || *repeated + 1 >= SLATE_PICTURES_PER_SECOND {
            slate.picture(words, &self.host, cx.now.unix_ms, &mut self.drawn);
            *repeated = 0;
            cx.bump(Counter::Slates);
        } else {
            *repeated += 1;
            slate.repeat(*repeated, &mut self.drawn);
        }
        let mut bytes = &self.drawn[..];
        // One picture is drawn, so nothing is complete before the end.
        let _none = assembler.push(cx.now.mono, &mut bytes);
        let arrival = assembler.finish().and_then(|picture| enter(&mut self.ring, cx, &picture));
        self.drawn.clear();
        (self.live, self.last) = (false, cx.now.mono);
        self.assembler.require_key();
        let mut arrival = arrival?;
        self.note_size(&mut arrival);
        Some(arrival)
    }

    /// The first packet of the slate that viewers see at this moment, if they see one: there is no need to wait for the next.
    pub fn slate_at_hand(&self, now: Mono) -> Option<FirstPacket> {
        let is_shown = !self.live && now.since(self.last) <= SLATE_AFTER;
        let newest = self.ring.newest_key().filter(|_| is_shown)?;
        self.ring.first_packet(newest)
    }

    /// The last video's size, if that can be drawn, else the configured one.
    fn slate_format(&self, config: &CameraConfig) -> Option<draw::Format> {
        let last = self.size.and_then(|(width, height)| draw::Format::new(width, height, config.framerate).ok());
        last.or_else(|| draw::Format::new(config.width, config.height, config.framerate).ok())
    }
}
