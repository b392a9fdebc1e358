//! When pictures are closed: writers of both kinds, on a virtual clock.

use std::collections::VecDeque;

use super::*;
use crate::limits::{DRAIN_TRUST_PICTURES, QUIET_LEAST};

/// What the assembler's caller does: reads what is there, notices that nothing is left, and keeps the deadline.
#[derive(Default)]
struct Reader {
    assembler: Assembler,
    /// Each picture and when it was handed out, in ms.
    pictures: Vec<(u64, Got)>,
}

impl Reader {
    /// Reads chunks that come at these times.
    fn read(&mut self, chunks: impl IntoIterator<Item = (u64, Vec<u8>)>) {
        for (now, chunk) in chunks {
            self.wait(now);
            let new = push(&mut self.assembler, now, &chunk);
            self.pictures.extend(new.into_iter().map(|picture| (now, picture)));
            let closed = self.assembler.drained(ms(now)).map(got);
            self.pictures.extend(closed.map(|picture| (now, picture)));
        }
    }

    /// Waits until `now`.
    fn wait(&mut self, now: u64) {
        if let Some(deadline) = self.assembler.deadline().filter(|&deadline| deadline < ms(now)) {
            assert_eq!(self.assembler.quiet(Mono::from_nanos(deadline.as_nanos() - 1)), None);
            let closed = self.assembler.quiet(deadline).map(got);
            assert_eq!(self.assembler.deadline(), None);
            self.pictures.extend(closed.map(|picture| (deadline.as_nanos() / 1_000_000, picture)));
        }
    }

    /// How long after its first byte each picture came out, in ms.
    fn delays(&self) -> Vec<u64> {
        self.pictures.iter().map(|(at, picture)| at - picture.arrived_ms).collect()
    }
}

/// Pictures of a camera with 25 a second, one every 40 ms.
fn camera(count: usize) -> Vec<(u64, Vec<u8>)> {
    let extras = Extras { sets: true, ..Extras::default() };
    let samples = samples(count, 24, 20_000, 3000);
    samples.iter().enumerate().map(|(at, sample)| (at as u64 * 40, samples::written(sample, at == 0, extras))).collect()
}

/// The same through stdio with blocks of `size`.
fn in_blocks(pictures: Vec<(u64, Vec<u8>)>, size: usize) -> Vec<(u64, Vec<u8>)> {
    let mut buffer = VecDeque::new();
    let mut chunks = Vec::new();
    for (now, picture) in pictures {
        buffer.extend(picture);
        while buffer.len() >= size {
            chunks.push((now, buffer.drain(..size).collect()));
        }
    }
    chunks
}

#[test]
fn one_write_a_picture_is_learnt() {
    let mut reader = Reader::default();
    reader.read(camera(200));
    let delays = reader.delays();
    assert_eq!(delays.len(), 200);
    let learning = DRAIN_TRUST_PICTURES as usize;
    assert!(delays[..learning].iter().all(|&delay| delay == 40), "{delays:?}");
    assert!(delays[learning..].iter().all(|&delay| delay == 0), "{delays:?}");
    assert_eq!(reader.assembler.counts().wrong_cuts, 0);
}

#[test]
fn blocks_of_stdio_are_never_cut() {
    for size in [512, 4096, 32 * 1024] {
        let mut reader = Reader::default();
        reader.read(in_blocks(camera(2000), size));
        let Counts { pictures, wrong_cuts, without_key, incomplete, .. } = reader.assembler.counts();
        assert_eq!((wrong_cuts, without_key, incomplete), (0, 0, 0), "blocks of {size}");
        assert!(pictures > 1980, "blocks of {size}: {pictures} pictures");
    }
}

#[test]
fn rare_blocks_are_cut_wrongly_a_few_times() {
    // A still scene: a block is seconds long, and most pictures end without a drain.
    let samples = samples(20_000, 24, 2000, 300);
    let pictures = samples.iter().enumerate().map(|(at, sample)| {
        (at as u64 * 40, samples::written(sample, at == 0, Extras { sets: true, ..Extras::default() }))
    });
    let mut reader = Reader::default();
    reader.read(in_blocks(pictures.collect(), 32 * 1024));
    let Counts { pictures, wrong_cuts, .. } = reader.assembler.counts();
    assert!(wrong_cuts <= 3, "{wrong_cuts} wrong cuts");
    assert!(pictures > 19_800, "{pictures} pictures");
}

#[test]
fn a_pipe_smaller_than_key_pictures_is_never_cut() {
    // The writer of a key picture waits in mid-picture; its reader comes back within the same millisecond, or later.
    for gap in [0, 1, 4] {
        let mut reader = Reader::default();
        reader.read(camera(500).into_iter().flat_map(|(now, picture)| {
            let chunks: Vec<_> = picture.chunks(16 * 1024).map(<[u8]>::to_vec).collect();
            chunks.into_iter().enumerate().map(move |(at, chunk)| (now + at as u64 * gap, chunk)).collect::<Vec<_>>()
        }));
        reader.wait(60_000);
        assert_eq!(reader.assembler.counts().wrong_cuts, 0);
        assert_eq!(reader.pictures.len(), 500);
        let quiet = QUIET_LEAST.as_millis() as u64;
        let late = &reader.delays()[200..];
        assert!(late.iter().all(|&delay| (quiet..=quiet + gap).contains(&delay)), "{late:?}");
    }
}

#[test]
fn a_late_reader_changes_nothing() {
    // Every tenth time, two pictures are read together.
    let mut chunks = camera(300);
    for at in (50..290).step_by(10).rev() {
        let (_, first) = chunks.remove(at);
        chunks[at].1.splice(0..0, first);
    }
    let mut reader = Reader::default();
    reader.read(chunks);
    assert_eq!(reader.assembler.counts().wrong_cuts, 0);
    assert_eq!(reader.pictures.len(), 300);
    assert!(reader.delays()[8..].iter().all(|&delay| delay == 0), "{:?}", reader.delays());
}

#[test]
fn a_wrong_cut_is_counted_and_followed_by_nothing_up_to_a_key_picture() {
    let mut chunks = camera(100);
    // Picture 30 comes in two, the second half behind the drain.
    let (now, picture) = &mut chunks[30];
    let rest = picture.split_off(1000);
    let now = *now;
    chunks.insert(31, (now + 3, rest));
    let mut reader = Reader::default();
    reader.read(chunks);
    assert_eq!(reader.assembler.counts().wrong_cuts, 1);
    let times: Vec<u64> = reader.pictures.iter().map(|(_, picture)| picture.arrived_ms / 40).collect();
    let expected: Vec<u64> = (0..=30).chain(48..100).collect();
    assert_eq!(times, expected, "the key pictures are 24 and 48");
    assert!(reader.pictures[31].1.key);
    // 32 pictures in a row have to end at a drain, and 31 to 62 do.
    let soon = |picture: u64| if picture == 30 || picture >= 63 { 0 } else { 40 };
    let delays: Vec<u64> = times.iter().map(|&picture| soon(picture)).collect();
    assert_eq!(reader.delays()[30..], delays[30..]);
}

#[test]
fn a_wrong_cut_between_slices_is_one() {
    let extras = Extras::default();
    let samples: Vec<Sample> = (0..30).map(|at| sample(at % 24 == 0, &[500, 500, 500])).collect();
    let mut chunks: Vec<(u64, Vec<u8>)> = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| (at as u64 * 40, samples::written(sample, at == 0, extras)))
        .collect();
    let first = 4 + 501;
    let rest = chunks[20].1.split_off(first);
    chunks.insert(21, (801, rest));
    let mut reader = Reader::default();
    reader.read(chunks);
    let Counts { wrong_cuts, incomplete, without_key, .. } = reader.assembler.counts();
    assert_eq!((wrong_cuts, incomplete, without_key), (1, 1, 3));
}

#[test]
fn a_loaded_machine_seldom_cuts_wrongly() {
    // One picture in fifty comes in two halves, 3 ms apart.
    let mut reader = Reader::default();
    reader.read(camera(20_000).into_iter().enumerate().flat_map(|(at, (now, mut picture))| {
        let rest = if at % 50 == 49 { picture.split_off(picture.len() / 2) } else { Vec::new() };
        [(now, picture), (now + 3, rest)].into_iter().filter(|(_, chunk)| !chunk.is_empty())
    }));
    let Counts { wrong_cuts, pictures, .. } = reader.assembler.counts();
    assert!((1..=3).contains(&wrong_cuts), "{wrong_cuts} wrong cuts");
    assert!(pictures > 19_900, "{pictures} pictures");
    let quiet = QUIET_LEAST.as_millis() as u64;
    assert!(reader.delays()[10_000..].iter().all(|&delay| delay <= quiet + 3));
}

#[test]
fn the_deadline_is_there_only_while_it_is_needed() {
    let mut assembler = Assembler::default();
    let mut chunks = camera(3).into_iter();
    let (_, first) = chunks.next().unwrap();
    assert_eq!(assembler.deadline(), None);
    assert_eq!(push(&mut assembler, 0, &first[..20]), []);
    assert_eq!(assembler.drained(ms(0)), None);
    assert_eq!(assembler.deadline(), None, "there is no slice to close");
    assert_eq!(push(&mut assembler, 1, &first[20..]), []);
    assert_eq!(assembler.deadline(), None, "the pipe has not been found empty");
    assert_eq!(assembler.drained(ms(2)), None);
    let deadline = assembler.deadline().unwrap();
    assert_eq!(assembler.drained(ms(5)), None);
    assert_eq!(assembler.deadline(), Some(deadline), "it was empty before");
    assert!(assembler.quiet(ms(3)).is_none());
    assert_eq!(assembler.deadline(), Some(deadline));
    assert!(assembler.quiet(deadline).is_some());
    assert_eq!(assembler.deadline(), None);
    assert!(assembler.quiet(ms(5000)).is_none());
}
