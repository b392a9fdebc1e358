//! Random writers and readers against what was written: all that was ever pushed, in a list.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::media::annexb::{Event, Splitter};

const CAPACITY: usize = 30_000;
/// The largest picture that is pushed.
const LARGEST: usize = 3 * (5000 + 4);

#[derive(Debug, Clone)]
enum Step {
    /// A picture with units of these lengths.
    Push(bool, Vec<usize>),
    /// A viewer over TCP, by its number, writes at most so many bytes.
    Tcp(usize, usize),
    /// A viewer over UDP sends at most so many datagrams.
    Udp(u32),
    /// The publisher writes at most so many bytes.
    Publish(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (proptest::bool::weighted(0.15), vec(4_usize..5000, 1..4)).prop_map(|(key, lengths)| Step::Push(key, lengths)),
        3 => (0_usize..2, prop_oneof![1_usize..3000, Just(usize::MAX)]).prop_map(|(viewer, bytes)| Step::Tcp(viewer, bytes)),
        2 => (1_u32..20).prop_map(Step::Udp),
        2 => prop_oneof![1_usize..6000, Just(usize::MAX)].prop_map(Step::Publish),
    ]
}

struct Model {
    ring: Ring,
    /// The units of every picture.
    pushed: Vec<(bool, Vec<Vec<u8>>)>,
    tcp: [(PacketCursor, Vec<u8>, u64); 2],
    udp: (PacketCursor, Depacketiser, u64),
    publisher: (ByteCursor, Vec<u8>, u64),
}

impl Model {
    fn new() -> Self {
        let ring = Ring::new(CAPACITY, IDENTITY);
        let tcp = [(Start::NextKey, 0), (Start::NewestKey, 6)];
        Self {
            tcp: tcp.map(|(start, channel)| (PacketCursor::new(&ring, start, channel), Vec::new(), 0)),
            udp: (PacketCursor::new(&ring, Start::NextKey, 0), Depacketiser::default(), 0),
            publisher: (ByteCursor::new(&ring, Start::NewestKey), Vec::new(), 0),
            pushed: Vec::new(),
            ring,
        }
    }

    fn step(&mut self, step: &Step) {
        let ring = &mut self.ring;
        match step {
            Step::Push(key, lengths) => {
                let number = self.pushed.len();
                let units: Vec<_> =
                    lengths.iter().enumerate().map(|(at, &length)| unit(*key, number, at, length)).collect();
                let arrived = Mono::from_nanos(number as u64 * 40_000_000);
                assert_eq!(push_at(ring, *key, &units, arrived), Ok(number as u64));
                self.pushed.push((*key, units));
                self.check_ring();
            }
            Step::Tcp(viewer, bytes) => {
                let (cursor, stream, lost) = &mut self.tcp[*viewer];
                stream.extend(write(cursor, ring, *bytes));
                *lost += cursor.take_lost();
            }
            Step::Udp(most) => {
                let (cursor, receiver, lost) = &mut self.udp;
                let mut parts = Parts::default();
                let group = cursor.datagrams(ring, &mut parts);
                let sent = group.datagrams.min(*most);
                parts
                    .chunks(2)
                    .take(sent as usize)
                    .for_each(|pair| receiver.packet(&[&pair[0][..], &pair[1]].concat()));
                cursor.sent(ring, sent);
                *lost += cursor.take_lost();
            }
            Step::Publish(bytes) => {
                let (cursor, stream, lost) = &mut self.publisher;
                let mut parts = Parts::default();
                cursor.annexb(ring, &mut parts);
                let written = parts.bytes().min(*bytes);
                stream.extend(parts.iter().flat_map(|part| part.iter().copied()).take(written));
                cursor.wrote(ring, written);
                *lost += cursor.take_lost();
            }
        }
    }

    /// The newest pictures are there as they were pushed, and as many as there is room for.
    fn check_ring(&self) {
        let (ring, pushed) = (&self.ring, &self.pushed);
        assert_eq!(ring.next(), pushed.len() as u64);
        let mut kept = 0;
        for (number, (key, units)) in pushed.iter().enumerate().rev() {
            let bytes = joined(units);
            kept += bytes.len();
            match ring.picture(number as u64) {
                Some(stored) => assert_eq!((stored.key, stored.units), (*key, &bytes[..])),
                None => assert!(kept > CAPACITY - LARGEST, "picture {number} is gone without need"),
            }
        }
        let newest_key = (ring.oldest()..ring.next()).rfind(|&number| pushed[number as usize].0);
        assert_eq!(ring.newest_key(), newest_key);
    }

    /// What a receiver got are whole pictures in order; after each gap comes a key picture; nothing is lost uncounted.
    fn check_receiver(&self, receiver: &Depacketiser, lost: u64) {
        let numbers = numbers(receiver);
        for (picture, &number) in receiver.pictures.iter().zip(&numbers) {
            assert_eq!(picture.units, self.pushed[number].1);
            assert_eq!(picture.time, 1000 + number as u32 * 3600 + u32::from(number == 0));
        }
        assert!(numbers.first().is_none_or(|&first| self.pushed[first].0), "it begins with a key picture");
        let mut skipped = 0;
        for pair in numbers.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(pair[0] + 1 == pair[1] || self.pushed[pair[1]].0, "it goes on with a key picture");
            skipped += (pair[1] - pair[0] - 1) as u64;
        }
        // What was lost before the first whole picture was begun with, and given up.
        let first = numbers.first().copied().unwrap_or(usize::MAX) as u64;
        assert!(skipped <= lost && lost - skipped <= first, "{skipped} pictures were skipped and {lost} counted");
    }

    fn check_publisher(&self) {
        let (_, stream, lost) = &self.publisher;
        let mut splitter = Splitter::new(usize::MAX);
        let mut units: Vec<Vec<u8>> = Vec::new();
        let mut input = &stream[..];
        while let Some(event) = splitter.next(&mut input) {
            match event {
                Event::Begins(head) => units.push(head.to_vec()),
                Event::Bytes(bytes) => units.last_mut().unwrap().extend_from_slice(bytes),
                Event::Ends => {}
                Event::TooLong => unreachable!(),
            }
        }
        assert_eq!(splitter.rubbish_bytes(), 0);
        units.pop();
        let all: Vec<(usize, bool, &Vec<u8>)> = self
            .pushed
            .iter()
            .enumerate()
            .flat_map(|(at, (key, units))| units.iter().map(move |unit| (at, *key, unit)))
            .collect();
        let mut next = None;
        let mut cuts = 0;
        for unit in &units {
            // A unit may be cut so short that it does not show where it belongs.
            let place = all.iter().position(|(.., pushed)| unit.len() >= 4 && pushed[..4] == unit[..4]);
            let Some(place) = place.or(next) else { continue };
            let (number, key, pushed) = all[place];
            let begins = place == 0 || all[place - 1].0 != number;
            assert!(next == Some(place) || (key && begins), "it goes on with a key picture");
            assert!(pushed.starts_with(unit));
            cuts += u64::from(pushed != unit);
            next = Some(place + 1);
        }
        assert!(cuts <= *lost, "{cuts} units were cut, and {lost} pictures counted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn readers_get_whole_pictures_whatever_the_writer_does(steps in vec(step(), 1..300)) {
        let mut model = Model::new();
        for step in &steps {
            model.step(step);
        }
        // A key picture at the end, and time for everybody.
        model.step(&Step::Push(true, vec![50]));
        for _ in 0..model.pushed.len() * 3 {
            for step in [Step::Tcp(0, usize::MAX), Step::Tcp(1, usize::MAX), Step::Udp(u32::MAX), Step::Publish(usize::MAX)] {
                model.step(&step);
            }
        }
        for (at, channel) in [(0, 0), (1, 6)] {
            let mut receiver = Depacketiser::default();
            receiver.frames(channel, &model.tcp[at].1);
            prop_assert_eq!(numbers(&receiver).last().copied(), Some(model.pushed.len() - 1));
            model.check_receiver(&receiver, model.tcp[at].2);
        }
        model.check_receiver(&model.udp.1, model.udp.2);
        model.check_publisher();
    }
}
