//! What is dropped, how it is counted, and when pictures are shown again.

use super::*;

/// A key picture and two others, then what is to be tried, then another key picture and one more.
fn around(damage: &[u8]) -> (Vec<Got>, Counts) {
    let mut bytes = stream(&samples(3, 3, 60, 30), Extras::default());
    bytes.extend_from_slice(damage);
    bytes.extend(samples(2, 2, 70, 30).iter().flat_map(|sample| samples::written(sample, false, Extras::default())));
    let mut assembler = Assembler::default();
    let mut pictures = push(&mut assembler, 0, &bytes);
    pictures.extend(assembler.finish().map(got));
    assert!(assembler.memory_bytes() <= 4 * MAX_PICTURE_BYTES);
    (pictures, assembler.counts())
}

fn keys(pictures: &[Got]) -> Vec<bool> {
    pictures.iter().map(|picture| picture.key).collect()
}

fn written(sample: &Sample) -> Vec<u8> {
    samples::written(sample, false, Extras::default())
}

const WHOLE: [bool; 5] = [true, false, false, true, false];

#[test]
fn a_picture_without_its_beginning() {
    // Its first slice is missing; it is the first unit after a delimiter.
    let mut lost = sample(false, &[40, 40, 40]);
    lost.slices.remove(0);
    let damage = samples::written(&lost, false, Extras { delimiter: true, ..Extras::default() });
    let next = written(&sample(false, &[20]));
    let (pictures, counts) = around(&[damage, next].concat());
    assert_eq!(keys(&pictures), WHOLE);
    assert_eq!((counts.incomplete, counts.without_key, counts.wrong_cuts), (1, 1, 0));
}

#[test]
fn a_unit_that_is_too_long() {
    let damage = written(&sample(false, &[MAX_UNIT_BYTES, 10]));
    let (pictures, counts) = around(&[damage, written(&sample(false, &[20]))].concat());
    assert_eq!(keys(&pictures), WHOLE);
    assert_eq!((counts.units_too_long, counts.incomplete, counts.without_key), (1, 1, 1));

    // SEI is not missed.
    let mut damage = [&[0, 0, 0, 1, 6][..], &vec![5; MAX_UNIT_BYTES]].concat();
    damage.extend(written(&sample(false, &[20])));
    let (pictures, counts) = around(&damage);
    assert_eq!(keys(&pictures), [true, false, false, false, true, false]);
    assert_eq!((counts.units_too_long, counts.incomplete), (1, 0));
    assert_eq!(pictures[3].units, samples::expected(&sample(false, &[20]), Extras::default()));
}

#[test]
fn a_picture_that_is_too_large() {
    let part = MAX_PICTURE_BYTES / 4 - 6;
    let fits = sample(false, &[part, part, part, part]);
    let (pictures, counts) = around(&written(&fits));
    assert_eq!(keys(&pictures), [true, false, false, false, true, false]);
    assert_eq!((pictures[3].units.len(), counts.too_large), (MAX_PICTURE_BYTES - 4, 0));

    let damage = written(&sample(false, &[part, part, part, part + 8, 10]));
    let (pictures, counts) = around(&damage);
    assert_eq!(keys(&pictures), WHOLE);
    assert_eq!((counts.too_large, counts.incomplete), (1, 0));
}

#[test]
fn a_picture_of_too_many_units() {
    let most = MAX_PICTURE_UNITS as usize;
    for (slices, too_large) in [(most, 0), (most + 1, 1), (20 * most, 1)] {
        let (pictures, counts) = around(&written(&sample(false, &vec![5; slices])));
        assert_eq!((pictures.len() as u64, counts.too_large), (6 - too_large, too_large));
    }
    // SEI without end, and never a slice.
    let damage = [0, 0, 1, 6, 5, 1, 0x80].repeat(100_000);
    let (pictures, counts) = around(&damage);
    assert_eq!(keys(&pictures), [true, false, false], "the SEI belong to the key picture behind them");
    assert_eq!((counts.too_large, counts.without_key), (1, 1));
}

#[test]
fn parameter_sets_that_can_not_be_used() {
    let long = [&[0, 0, 0, 1, 0x68][..], &[0xFF; MAX_PARAMETER_SET_BYTES]].concat();
    for damage in [&[0, 0, 0, 1, 0x67, 66][..], &[0, 0, 0, 1, 0x68, 0, 1], &long] {
        let (pictures, counts) = around(damage);
        assert_eq!(keys(&pictures), WHOLE);
        assert_eq!(counts.bad_parameter_sets, 1);
    }
}

#[test]
fn units_of_other_types_are_left_out() {
    for header in (0_u8..32).filter(|kind| ![1, 5, 6, 7, 8].contains(kind)) {
        let (pictures, counts) = around(&[0, 0, 0, 1, 0x60 | header, 0x12, 0x34, 0x56]);
        assert_eq!(keys(&pictures), WHOLE, "type {header}");
        let whole = samples::expected(&sample(true, &[70]), Extras::default());
        assert_eq!(pictures[3].units, whole, "type {header}");
        assert_eq!(Counts { pictures: 0, key_pictures: 0, ..counts }, Counts::default(), "type {header}");
    }
}

#[test]
fn nothing_is_shown_before_a_key_picture() {
    let mut bytes = written(&sample(false, &[30]));
    bytes.extend(written(&sample(true, &[30])));
    bytes.extend(stream(&samples(2, 2, 60, 30), Extras::default()));
    let mut assembler = Assembler::default();
    assert_eq!(keys(&push(&mut assembler, 0, &bytes)), [true]);
    assert_eq!(assembler.counts().without_key, 2);
}

#[test]
fn what_a_writer_left_unfinished_is_no_part_of_the_next_picture() {
    let mut assembler = Assembler::default();
    let whole = stream(&samples(1, 1, 60, 30), Extras::default());
    push(&mut assembler, 0, &whole);
    assert!(assembler.finish().is_some());
    assert_eq!(push(&mut assembler, 0, &[0, 0, 0, 1, 6, 5, 1]), []);
    assert_eq!(assembler.finish(), None);
    push(&mut assembler, 0, &whole);
    let picture = assembler.finish().map(got).unwrap();
    assert_eq!(picture.units, samples::expected(&sample(true, &[60]), Extras::default()));
}
