//! What a camera program writes: small real H.264, drawn once.

use std::sync::OnceLock;

use es_iot_server::media::draw::{Format, Slate};
use rand::RngExt;
use rand::rngs::SmallRng;

/// The pictures of one size.
#[derive(Debug)]
pub struct Look {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The sequence parameter set, a NAL unit without its start code.
    pub sps: Vec<u8>,
    /// Parameter sets and a key picture.
    key: Vec<u8>,
    /// Pictures that need the one before.
    others: Vec<Vec<u8>>,
}

/// All looks.
pub fn looks() -> &'static [Look] {
    static LOOKS: OnceLock<Vec<Look>> = OnceLock::new();
    LOOKS.get_or_init(|| [(64, 64), (96, 64)].map(Look::new).into())
}

impl Look {
    fn new(size: (u32, u32)) -> Self {
        let mut slate = Slate::new(Format::new(size.0, size.1, 24).expect("a small picture"));
        let mut key = Vec::new();
        slate.picture("picture", "pi", 0, &mut key);
        let draw = |nth| {
            let mut bytes = Vec::new();
            slate.repeat(nth, &mut bytes);
            bytes
        };
        let others = (1..4).map(draw).collect();
        let starts: Vec<usize> = (0..key.len() - 3).filter(|&at| key[at..at + 3] == [0, 0, 1]).collect();
        let sps = key[starts[0] + 3..starts[1]].strip_suffix(&[0]).unwrap_or(&key[starts[0] + 3..starts[1]]).to_vec();
        Self { size, sps, key, others }
    }
}

/// What one camera films.
#[derive(Debug)]
pub struct Film {
    look: usize,
    /// Pictures until the next key picture.
    to_key: usize,
}

impl Film {
    /// A film that begins, mostly of the usual size.
    pub fn new(rng: &mut SmallRng) -> Self {
        Self { look: usize::from(rng.random_bool(0.1)), to_key: 0 }
    }

    /// The next picture. Now and then, but not often, its size is another.
    pub fn next(&mut self, rng: &mut SmallRng) -> &'static [u8] {
        if self.to_key == 0 {
            self.to_key = rng.random_range(0..8);
            if rng.random_bool(0.01) {
                self.look = 1 - self.look;
            }
            return &looks()[self.look].key;
        }
        self.to_key -= 1;
        let others = &looks()[self.look].others;
        &others[self.to_key % others.len()]
    }
}
