//! Viewers of MP4: by example, and at random against all that was ever pushed.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::limits::{FRAGMENT_REST_KEPT_BYTES, MAX_PICTURE_BYTES};
use crate::media::clock::ticks;
use crate::media::fmp4::tests::boxes::{Part, Sample, chunks, parts};

const CAPACITY: usize = 30_000;

/// The formats of these tests: two PPSs, and two SPSs with one of them.
fn formats() -> [Format; 3] {
    let mut other = SPS;
    other[3] = 0x1E;
    [(SPS, &PPS[..]), (SPS, &[0x68, 0xC9]), (other, &PPS)].map(|(sps, pps)| {
        let mut sets = ParameterSets::default();
        sets.take_sps(&sps).unwrap();
        sets.take_pps(pps);
        sets.format().cloned().unwrap()
    })
}

/// A picture as the assembler makes it: SPS and PPS before a key picture's slices, and SEI.
fn push_with_sets(ring: &mut Ring, format: &Format, key: bool, lengths: &[usize], arrived: Mono) -> Vec<u8> {
    let number = ring.next() as usize;
    let slices: Vec<_> = lengths.iter().enumerate().map(|(at, &length)| unit(key, number, at, length)).collect();
    let mut units = joined([&[6, 5, 1, 0xAB, 0x80]]);
    if key {
        format.insert_before(&mut units);
    }
    let slices_at = units.len();
    units.extend(joined(&slices));
    ring.push(&Picture { key, arrived, units: &units, slices_at, format }).unwrap();
    units.split_off(slices_at)
}

/// What a viewer would write next, at most `bytes` of it.
fn write(cursor: &mut FragmentCursor, ring: &Ring, bytes: usize) -> Vec<u8> {
    let mut gathered = Parts::default();
    cursor.fragment(ring, &mut gathered);
    let mut out: Vec<u8> = gathered.iter().flat_map(|part| part.iter().copied()).collect();
    out.truncate(bytes);
    cursor.wrote(ring, out.len());
    out
}

fn at(ms: u64) -> Mono {
    Mono::from_nanos(ms * 1_000_000)
}

#[test]
fn a_stream_begins_with_the_newest_key_picture() {
    let [format, ..] = formats();
    let mut ring = Ring::new(CAPACITY, IDENTITY);
    let mut early = FragmentCursor::new(&ring, Start::NewestKey, Framing::Plain);
    assert!(!early.pending(&ring) && early.codec(&ring).is_none() && ring.snapshot().is_none());
    push_with_sets(&mut ring, &format, false, &[20], at(0));
    assert!(!early.pending(&ring) && ring.snapshot().is_none());
    push_with_sets(&mut ring, &format, true, &[20], at(40));
    let key = push_with_sets(&mut ring, &format, true, &[30, 40], at(80));
    let other = push_with_sets(&mut ring, &format, false, &[50], at(122));
    let mut plain = FragmentCursor::new(&ring, Start::NewestKey, Framing::Plain);
    let mut chunked = FragmentCursor::new(&ring, Start::NewestKey, Framing::Chunked);
    assert_eq!(plain.codec(&ring).as_deref(), Some("avc1.42C00C"));
    assert!(early.pending(&ring));
    let stream: Vec<u8> = (0..3).flat_map(|_| write(&mut plain, &ring, usize::MAX)).collect();
    let parts = parts(&stream);
    let [Part::Initialisation(initialisation), Part::Sample(first), Part::Sample(second)] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!((&initialisation.sps[..], &initialisation.pps[..]), (&SPS[..], &[PPS.to_vec()][..]));
    assert_eq!((first.key, first.decode_time, first.duration, &first.data), (true, 0, 3750, &key));
    assert_eq!((second.key, second.decode_time, second.duration, &second.data), (false, 3750, 3780, &other));
    assert!(!plain.pending(&ring));

    let begun = write(&mut chunked, &ring, usize::MAX);
    assert_eq!(chunks(&begun), [[&initialisation.bytes[..], &first.bytes].concat()]);
    let next = write(&mut chunked, &ring, usize::MAX);
    assert_eq!(next, [format!("{:08x}\r\n", second.bytes.len()).as_bytes(), &second.bytes, b"\r\n"].concat());
    assert_eq!([early.take_lost(), plain.take_lost(), chunked.take_lost()], [0; 3], "what came before is not lost");
}

#[test]
fn a_snapshot_can_be_decoded_alone() {
    let [format, _, other] = formats();
    let mut ring = Ring::new(CAPACITY, IDENTITY);
    push_with_sets(&mut ring, &format, true, &[30, 40], at(0));
    // The ring's newest format is not that of its newest key picture.
    push_with_sets(&mut ring, &other, false, &[50], at(40));
    let code = [0, 0, 0, 1];
    let sei = [6, 5, 1, 0xAB, 0x80];
    let units = [&SPS[..], &PPS, &sei, &unit(true, 0, 0, 30), &unit(true, 0, 1, 40)];
    let snapshot = ring.snapshot().unwrap();
    assert_eq!(snapshot, units.map(|unit| [&code, unit].concat()).concat());
    let mut viewer = FragmentCursor::new(&ring, Start::NewestKey, Framing::Plain);
    assert_eq!(viewer.codec(&ring).as_deref(), Some("avc1.42C00C"));
}

#[test]
fn a_format_that_comes_without_a_key_picture_waits_for_one() {
    let [format, other, _] = formats();
    let mut ring = Ring::new(CAPACITY, IDENTITY);
    let mut viewer = FragmentCursor::new(&ring, Start::NextKey, Framing::Plain);
    push_with_sets(&mut ring, &format, true, &[30], at(0));
    let mut stream = write(&mut viewer, &ring, usize::MAX);
    push_with_sets(&mut ring, &other, false, &[30], at(40));
    push_with_sets(&mut ring, &other, false, &[30], at(80));
    assert!(!viewer.pending(&ring));
    push_with_sets(&mut ring, &other, true, &[30], at(120));
    assert!(viewer.pending(&ring));
    stream.extend(write(&mut viewer, &ring, usize::MAX));
    assert_eq!(viewer.take_lost(), 2);
    let parts = parts(&stream);
    let [Part::Initialisation(_), Part::Sample(_), Part::Initialisation(again), Part::Sample(last)] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(again.pps, [[0x68, 0xC9]]);
    assert!(last.key);
    assert_eq!((last.decode_time, last.duration), (3750, 7500));
}

#[test]
fn a_key_picture_without_its_sets_is_not_sent() {
    let mut ring = Ring::new(CAPACITY, IDENTITY);
    push(&mut ring, true, 100);
    let mut viewer = FragmentCursor::new(&ring, Start::NewestKey, Framing::Chunked);
    assert!(write(&mut viewer, &ring, usize::MAX).is_empty());
    assert!(!viewer.pending(&ring), "it waits for another");
}

#[test]
fn a_large_fragment_is_kept_once_and_then_freed() {
    let [format, ..] = formats();
    let mut ring = Ring::new(RING_MOST_BYTES, IDENTITY);
    let mut viewer = FragmentCursor::new(&ring, Start::NextKey, Framing::Chunked);
    let key = push_with_sets(&mut ring, &format, true, &[MAX_PICTURE_BYTES - 100], at(0));
    let mut stream = write(&mut viewer, &ring, 200_000);
    assert!(viewer.mid_fragment() && viewer.memory_bytes() < MAX_PICTURE_BYTES - 200_000 + 4096);
    for number in 0..20 {
        push_with_sets(&mut ring, &format, number == 19, &[1_000_000], at(40));
    }
    assert!(ring.picture(0).is_none());
    while viewer.mid_fragment() {
        stream.extend(write(&mut viewer, &ring, 70_000));
    }
    assert!(viewer.memory_bytes() < 4096);
    stream.extend(write(&mut viewer, &ring, FRAGMENT_REST_KEPT_BYTES));
    assert_eq!(viewer.take_lost(), 19);
    while viewer.pending(&ring) {
        stream.extend(write(&mut viewer, &ring, 70_000));
    }
    let stream = parts(&chunks(&stream).concat());
    let [Part::Initialisation(_), Part::Sample(first), Part::Sample(second)] = &stream[..] else { panic!() };
    assert!(first.data == key && first.key && second.key);
    // Small rests keep their room.
    push_with_sets(&mut ring, &format, false, &[FRAGMENT_REST_KEPT_BYTES / 2], at(80));
    write(&mut viewer, &ring, 1);
    let kept = viewer.memory_bytes();
    while viewer.pending(&ring) {
        write(&mut viewer, &ring, 10_000);
    }
    assert_eq!(viewer.memory_bytes(), kept);
}

#[derive(Debug, Clone)]
enum Step {
    /// A picture: whether it is a key picture, its slices' lengths, whether another format begins, milliseconds.
    Push(bool, Vec<usize>, Option<usize>, u64),
    /// A viewer, by its number, writes at most so many bytes.
    Write(usize, usize),
    /// Another viewer takes this one's place.
    Replace(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let key = proptest::bool::weighted(0.2);
    let format = proptest::option::weighted(0.08, 0_usize..3);
    let bytes = prop_oneof![0_usize..10, 1_usize..5000, Just(usize::MAX)];
    prop_oneof![
        4 => (key, vec(4_usize..4000, 1..4), format, 0_u64..200)
            .prop_map(|(key, lengths, format, ms)| Step::Push(key, lengths, format, ms)),
        5 => (0_usize..4, bytes).prop_map(|(viewer, bytes)| Step::Write(viewer, bytes)),
        1 => (0_usize..8).prop_map(Step::Replace),
    ]
}

struct Pushed {
    key: bool,
    slices: Vec<u8>,
    format: usize,
    arrived: Mono,
}

struct Model {
    ring: Ring,
    formats: [Format; 3],
    format: usize,
    now: Mono,
    pushed: Vec<Pushed>,
    viewers: [Viewer; 4],
}

/// A cursor, its framing, what it wrote, and what it lost.
type Viewer = (FragmentCursor, Framing, Vec<u8>, u64);

fn viewer_of(ring: &Ring, number: usize) -> Viewer {
    let start = if number.is_multiple_of(3) { Start::NextKey } else { Start::NewestKey };
    let framing = if number.is_multiple_of(2) { Framing::Chunked } else { Framing::Plain };
    (FragmentCursor::new(ring, start, framing), framing, Vec::new(), 0)
}

impl Model {
    fn new() -> Self {
        let ring = Ring::new(CAPACITY, IDENTITY);
        Self {
            formats: formats(),
            format: 0,
            now: at(1000),
            pushed: Vec::new(),
            viewers: [0, 1, 2, 3].map(|viewer| viewer_of(&ring, viewer)),
            ring,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Push(key, lengths, format, ms) => {
                self.format = format.unwrap_or(self.format);
                self.now = self.now + Duration::from_millis(*ms);
                let format = &self.formats[self.format];
                let slices = push_with_sets(&mut self.ring, format, *key, lengths, self.now);
                self.pushed.push(Pushed { key: *key, slices, format: self.format, arrived: self.now });
            }
            Step::Write(viewer, bytes) => {
                let (cursor, _, stream, lost) = &mut self.viewers[*viewer];
                stream.extend(write(cursor, &self.ring, *bytes));
                *lost += cursor.take_lost();
            }
            Step::Replace(viewer) => {
                // Some stay.
                if let Some(old) = self.viewers.get_mut(*viewer) {
                    *old = viewer_of(&self.ring, *viewer);
                }
            }
        }
    }

    /// Whole pictures in order, each in its format; after a gap, and after a change of the format, a key picture; times
    /// that add up; nothing lost that was not counted.
    fn check(&self, stream: &[u8], framing: Framing, lost: u64) {
        let plain = match framing {
            Framing::Plain => stream.to_vec(),
            Framing::Chunked => {
                let chunks = chunks(stream);
                for chunk in &chunks {
                    let samples = parts(chunk).iter().filter(|part| matches!(part, Part::Sample(_))).count();
                    assert_eq!(samples, 1, "a chunk is one fragment");
                }
                chunks.concat()
            }
        };
        let mut initialisation = None;
        let mut initialised = false;
        let mut newest: Option<(usize, Sample)> = None;
        let mut gap = 3750;
        let (mut first, mut skipped) = (0, 0);
        for part in parts(&plain) {
            let sample = match part {
                Part::Initialisation(new) => {
                    assert!(!initialised, "a picture comes after it");
                    (initialisation, initialised) = (Some(new), true);
                    continue;
                }
                Part::Sample(sample) => sample,
            };
            let number = self.pushed.iter().position(|pushed| pushed.slices == sample.data).unwrap();
            let pushed = &self.pushed[number];
            assert_eq!(sample.key, pushed.key);
            let sets = initialisation.as_ref().unwrap();
            let format = &self.formats[pushed.format];
            assert!(sets.sps == format.sps() && format.pps().eq(&sets.pps), "its own format is in force");
            let (sequence, decode_time, duration, next) = match &newest {
                None => (1, 0, 3750, None),
                Some((before, sample)) => {
                    let passed = ticks(pushed.arrived) - ticks(self.pushed[*before].arrived);
                    let time = sample.decode_time + u64::from(sample.duration);
                    // A pause is cut short, a low rate is not.
                    let longest = (gap * 3 / 2).clamp(7500, 135_000);
                    gap = passed;
                    (sample.sequence + 1, time, passed.clamp(1, longest) as u32, Some(before + 1))
                }
            };
            assert_eq!((sample.sequence, sample.decode_time, sample.duration), (sequence, decode_time, duration));
            assert!(next.is_none_or(|next| next <= number));
            assert!(pushed.key || (next == Some(number) && !initialised), "it begins and goes on with a key picture");
            match next {
                Some(next) => skipped += number - next,
                None => first = number,
            }
            initialised = false;
            newest = Some((number, sample));
        }
        // Before the first one was begun, others may have been given up.
        assert!((skipped..=skipped + first).contains(&(lost as usize)), "{skipped} skipped, {lost} counted");
        assert_eq!(newest.map(|(number, _)| number), Some(self.pushed.len() - 1), "it comes to the newest picture");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn viewers_get_whole_fragments_whatever_their_sockets_take(steps in vec(step(), 1..300)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
        }
        // A key picture at the end, and time for everybody.
        model.step(&Step::Push(true, vec![50], None, 41));
        for _ in 0..model.pushed.len() + 2 {
            (0..4).for_each(|viewer| model.step(&Step::Write(viewer, usize::MAX)));
        }
        for (cursor, framing, stream, lost) in &model.viewers {
            prop_assert!(!cursor.mid_fragment());
            model.check(stream, *framing, *lost);
        }
    }
}
