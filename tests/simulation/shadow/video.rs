//! The pictures: which the camera completes, and which of them can be shown.

mod stream;

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::stats::Counter;

use super::Shadow;
use crate::film::looks;
use stream::{Picture, Stream};

#[derive(Debug)]
pub struct Video {
    camera: Stream,
    /// Nothing can be shown before the next key picture.
    needs_key: bool,
    /// The last picture was the camera's.
    pub live: bool,
    /// How many pictures the publisher and viewers are to be told of now.
    pub arrivals: u64,
}

impl Default for Video {
    fn default() -> Self {
        Self { camera: Stream::default(), needs_key: true, live: false, arrivals: 0 }
    }
}

impl Shadow {
    pub(super) fn camera_writes(&mut self, at: u64, bytes: &[u8]) {
        for picture in self.video.camera.push(at, bytes) {
            self.completed(at, &picture);
        }
    }

    pub(super) fn camera_pipe_is_empty(&mut self, at: u64) {
        if let Some(picture) = self.video.camera.drained(at) {
            self.completed(at, &picture);
        }
    }

    /// A look at the timers. `stalls`: it shows first that the pipeline stalls, so that this is too late for progress.
    pub(super) fn pipe_is_quiet(&mut self, at: u64, stalls: bool) {
        if self.video.camera.quiet_at().is_some_and(|due| due <= at) {
            let picture = self.video.camera.quiet();
            if stalls { self.judge(at, &picture) } else { self.completed(at, &picture) }
        }
    }

    pub(super) fn camera_is_gone(&mut self) {
        (self.video.camera, self.video.needs_key) = (Stream::default(), true);
    }

    /// A picture is complete. Without a publisher, that is the pipeline's progress.
    fn completed(&mut self, at: u64, picture: &Picture) {
        if picture.sps.is_some() && !self.alive.contains_key(&(Role::Publisher as u8)) {
            self.video_moves(at);
        }
        self.judge(at, picture);
    }

    fn judge(&mut self, at: u64, picture: &Picture) {
        let known = picture.sps.as_ref().is_none_or(|sps| looks().iter().any(|look| look.sps == *sps));
        let sound = known && picture.arrived <= at && !picture.units.is_empty();
        self.check(sound, || format!("{picture:?}: the model of the camera is wrong"));
        if picture.sps.is_none() || (self.video.needs_key && !picture.key) {
            self.counters.one(Counter::PicturesWithoutKey);
            return;
        }
        self.video.needs_key = false;
        self.counters.one(Counter::Pictures);
        self.counters.add(Counter::KeyPictures, u64::from(picture.key));
        self.video.live = true;
        self.video.arrivals += 1;
    }
}
