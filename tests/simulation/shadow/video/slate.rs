//! The slate and the sender reports: what time alone brings about while there are viewers.

use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::super::Shadow;
use super::super::viewers::{Due, Viewer};
use super::super::web::Browser;
use super::Size;
use crate::{MILLI, SECOND};

const REPORT_EACH: u64 = 5 * SECOND;
/// Slates a second: one is drawn, the others repeat it.
const SLATES: u32 = 10;

/// The slate that is shown.
#[derive(Debug)]
pub struct Drawing {
    size: Size,
    framerate: u32,
    /// Pictures since the one that was drawn.
    repeats: u32,
}

impl Shadow {
    /// When a slate is due: a second after the last picture, or three pictures of a slow camera; then ten times a second.
    /// Only if somebody gets or waits for pictures.
    pub(in super::super) fn slate_at(&self) -> Option<u64> {
        let wanted =
            self.viewers.values().any(Viewer::wants_pictures) || self.browsers.values().any(Browser::wants_pictures);
        let shown = self.config.camera.slate && self.stopping.is_none();
        (wanted && shown).then(|| self.next_picture_at())
    }

    /// By when video that moves has its next picture.
    pub(in super::super) fn next_picture_at(&self) -> u64 {
        let camera = &self.config.camera;
        let exposure = u64::from(self.settings.current.shutter) * 1000;
        let patience = SECOND.max(3 * exposure.max(SECOND / u64::from(camera.framerate)));
        let each = if self.video.drawing.is_some() { 100 * MILLI } else { patience };
        self.video.last + each
    }

    /// Whether there is the camera's picture, and it moves.
    pub(in super::super) fn camera_moves(&self, at: u64) -> bool {
        self.video.live && at <= self.next_picture_at()
    }

    pub(in super::super) fn slate_may_be_due(&mut self, now: Now) {
        let at = now.mono.as_nanos();
        if self.slate_at().is_none_or(|due| due > at) {
            return;
        }
        let camera = &self.config.camera;
        let size = self.video.size.unwrap_or((camera.width, camera.height));
        let framerate = camera.framerate;
        let video = &mut self.video;
        let same = video.drawing.as_ref().filter(|drawn| (drawn.size, drawn.framerate) == (size, framerate));
        let repeats = same.map_or(SLATES, |drawn| drawn.repeats + 1);
        let drawn = repeats >= SLATES || at > video.last + SECOND;
        video.drawing = Some(Drawing { size, framerate, repeats: if drawn { 0 } else { repeats } });
        self.counters.add(Counter::Slates, u64::from(drawn));
        (video.live, video.needs_key, video.last) = (false, true, at);
        video.enter(at, drawn, None);
        self.slates += 1;
        self.arrived(now, drawn, size, false);
    }

    /// Sender reports go out every 5 s while anybody plays.
    pub(in super::super) fn reports_may_be_due(&mut self, now: Now) {
        if self.video.report_at.is_some_and(|due| due <= now.mono.as_nanos()) {
            self.report_to_all(now, false);
        }
    }

    /// Whoever plays gets a sender report; with a BYE, if the stream ends.
    pub(in super::super) fn report_to_all(&mut self, now: Now, bye: bool) {
        let pictures = self.video.pictures();
        for (&conn, viewer) in &mut self.viewers {
            if let Some(way) = viewer.gets_stream() {
                let said = self.said.entry(conn).or_default();
                said.push_back(Due::Report { now, pictures, bye, way });
                if bye {
                    viewer.stream_ends();
                    said.push_back(Due::Unwatch);
                }
            }
        }
        self.video.report_at = None;
        self.schedule_reports(now.mono.as_nanos());
    }

    /// Somebody began to play, or nobody does any more.
    pub(in super::super) fn schedule_reports(&mut self, at: u64) {
        if self.viewers.values().any(|viewer| viewer.gets_stream().is_some()) {
            self.video.report_at.get_or_insert(at + REPORT_EACH);
        } else {
            self.video.report_at = None;
        }
    }
}
