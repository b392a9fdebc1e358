//! Levels into bits: one block of transform coefficients by CAVLC (H.264 9.2, read backwards).
//!
//! Not here: AC coefficients, which nothing drawn has. So no block that was coded counts as a neighbour with levels, and
//! nC is 0 unless a neighbour is `I_PCM`, which counts 16 (9.2.1).

use crate::media::h264::NalWriter;

/// Which table the first code word of a block is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// Luma, nC is 0: no neighbour is `I_PCM`.
    Plain,
    /// Luma, nC is 8 or more: a neighbour is `I_PCM`.
    BesideSamples,
    /// The DC levels of one chroma plane.
    Chroma,
}

/// Appends a block of 16 levels (luma) or 4 (chroma) in scan order, each more than -2048 and less than 2048.
pub(super) fn residual(nal: &mut NalWriter<'_>, levels: &[i32], context: Context) {
    let mut found = [(0_usize, 0_i32); 16];
    let mut total = 0;
    for (at, level) in levels.iter().enumerate().rev().filter(|(_, level)| **level != 0) {
        found[total] = (at, *level);
        total += 1;
    }
    let found = &found[..total];
    let ones = found.iter().take(3).take_while(|(_, level)| level.abs() == 1).count();
    match context {
        Context::Plain => nal.code(COEFF_TOKEN[total][ones]),
        Context::Chroma => nal.code(COEFF_TOKEN_CHROMA_DC[total][ones]),
        Context::BesideSamples if total == 0 => nal.bits(0b11, 6),
        Context::BesideSamples => nal.bits((total as u32 - 1) << 2 | ones as u32, 6),
    }
    if total == 0 {
        return;
    }
    for (_, level) in &found[..ones] {
        nal.flag(*level < 0);
    }
    write_levels(nal, found, ones);
    let mut zeros = found[0].0 + 1 - total;
    if total < levels.len() {
        nal.code(if levels.len() == 4 {
            TOTAL_ZEROS_CHROMA_DC[total - 1][zeros]
        } else {
            TOTAL_ZEROS[total - 1][zeros]
        });
    }
    for pair in found.windows(2) {
        if zeros == 0 {
            break;
        }
        let run = pair[0].0 - pair[1].0 - 1;
        nal.code(RUN_BEFORE[zeros.min(7) - 1][run]);
        zeros -= run;
    }
}

/// Appends those levels of `found` that are no trailing ones: `level_prefix` and `level_suffix` (9.2.2.1).
fn write_levels(nal: &mut NalWriter<'_>, found: &[(usize, i32)], ones: usize) {
    let mut suffix_length = u32::from(found.len() > 10 && ones < 3);
    for (nth, (_, level)) in found.iter().enumerate().skip(ones) {
        let mut code = level.unsigned_abs() * 2 - if *level > 0 { 2 } else { 1 };
        if nth == ones && ones < 3 {
            // Not a trailing one, so not 1 or -1, whose codes are free.
            code -= 2;
        }
        let (prefix, suffix, suffix_bits) = match suffix_length {
            0 if code < 14 => (code, 0, 0),
            0 if code < 30 => (14, code - 14, 4),
            0 => (15, code - 30, 12),
            length if code < 15 << length => (code >> length, code & ((1 << length) - 1), length),
            length => (15, code - (15 << length), 12),
        };
        nal.bits(1, prefix + 1);
        nal.bits(suffix, suffix_bits);
        suffix_length = suffix_length.max(1);
        if level.unsigned_abs() > 3 << (suffix_length - 1) && suffix_length < 6 {
            suffix_length += 1;
        }
    }
}

/// Table 9-5 for 0 <= nC < 2: by the number of levels that are not 0, then by how many trailing ones are among them.
const COEFF_TOKEN: [[u32; 4]; 17] = [
    [0b1_1, 0, 0, 0],
    [0b1_000101, 0b1_01, 0, 0],
    [0b1_00000111, 0b1_000100, 0b1_001, 0],
    [0b1_000000111, 0b1_00000110, 0b1_0000101, 0b1_00011],
    [0b1_0000000111, 0b1_000000110, 0b1_00000101, 0b1_000011],
    [0b1_00000000111, 0b1_0000000110, 0b1_000000101, 0b1_0000100],
    [0b1_0000000001111, 0b1_00000000110, 0b1_0000000101, 0b1_00000100],
    [0b1_0000000001011, 0b1_0000000001110, 0b1_00000000101, 0b1_000000100],
    [0b1_0000000001000, 0b1_0000000001010, 0b1_0000000001101, 0b1_0000000100],
    [0b1_00000000001111, 0b1_00000000001110, 0b1_0000000001001, 0b1_00000000100],
    [0b1_00000000001011, 0b1_00000000001010, 0b1_00000000001101, 0b1_0000000001100],
    [0b1_000000000001111, 0b1_000000000001110, 0b1_00000000001001, 0b1_00000000001100],
    [0b1_000000000001011, 0b1_000000000001010, 0b1_000000000001101, 0b1_00000000001000],
    [0b1_0000000000001111, 0b1_000000000000001, 0b1_000000000001001, 0b1_000000000001100],
    [0b1_0000000000001011, 0b1_0000000000001110, 0b1_0000000000001101, 0b1_000000000001000],
    [0b1_0000000000000111, 0b1_0000000000001010, 0b1_0000000000001001, 0b1_0000000000001100],
    [0b1_0000000000000100, 0b1_0000000000000110, 0b1_0000000000000101, 0b1_0000000000001000],
];

/// Table 9-5 for nC = -1, the DC levels of chroma.
const COEFF_TOKEN_CHROMA_DC: [[u32; 4]; 5] = [
    [0b1_01, 0, 0, 0],
    [0b1_000111, 0b1_1, 0, 0],
    [0b1_000100, 0b1_000110, 0b1_001, 0],
    [0b1_000011, 0b1_0000011, 0b1_0000010, 0b1_000101],
    [0b1_000010, 0b1_00000011, 0b1_00000010, 0b1_0000000],
];

/// Tables 9-7 and 9-8: by the number of levels that are not 0, less 1, then by the zeros before the last of them.
const TOTAL_ZEROS: [&[u32]; 15] = [
    &[
        0b1_1,
        0b1_011,
        0b1_010,
        0b1_0011,
        0b1_0010,
        0b1_00011,
        0b1_00010,
        0b1_000011,
        0b1_000010,
        0b1_0000011,
        0b1_0000010,
        0b1_00000011,
        0b1_00000010,
        0b1_000000011,
        0b1_000000010,
        0b1_000000001,
    ],
    &[
        0b1_111, 0b1_110, 0b1_101, 0b1_100, 0b1_011, 0b1_0101, 0b1_0100, 0b1_0011, 0b1_0010, 0b1_00011, 0b1_00010,
        0b1_000011, 0b1_000010, 0b1_000001, 0b1_000000,
    ],
    &[
        0b1_0101, 0b1_111, 0b1_110, 0b1_101, 0b1_0100, 0b1_0011, 0b1_100, 0b1_011, 0b1_0010, 0b1_00011, 0b1_00010,
        0b1_000001, 0b1_00001, 0b1_000000,
    ],
    &[
        0b1_00011, 0b1_111, 0b1_0101, 0b1_0100, 0b1_110, 0b1_101, 0b1_100, 0b1_0011, 0b1_011, 0b1_0010, 0b1_00010,
        0b1_00001, 0b1_00000,
    ],
    &[
        0b1_0101, 0b1_0100, 0b1_0011, 0b1_111, 0b1_110, 0b1_101, 0b1_100, 0b1_011, 0b1_0010, 0b1_00001, 0b1_0001,
        0b1_00000,
    ],
    &[0b1_000001, 0b1_00001, 0b1_111, 0b1_110, 0b1_101, 0b1_100, 0b1_011, 0b1_010, 0b1_0001, 0b1_001, 0b1_000000],
    &[0b1_000001, 0b1_00001, 0b1_101, 0b1_100, 0b1_011, 0b1_11, 0b1_010, 0b1_0001, 0b1_001, 0b1_000000],
    &[0b1_000001, 0b1_0001, 0b1_00001, 0b1_011, 0b1_11, 0b1_10, 0b1_010, 0b1_001, 0b1_000000],
    &[0b1_000001, 0b1_000000, 0b1_0001, 0b1_11, 0b1_10, 0b1_001, 0b1_01, 0b1_00001],
    &[0b1_00001, 0b1_00000, 0b1_001, 0b1_11, 0b1_10, 0b1_01, 0b1_0001],
    &[0b1_0000, 0b1_0001, 0b1_001, 0b1_010, 0b1_1, 0b1_011],
    &[0b1_0000, 0b1_0001, 0b1_01, 0b1_1, 0b1_001],
    &[0b1_000, 0b1_001, 0b1_1, 0b1_01],
    &[0b1_00, 0b1_01, 0b1_1],
    &[0b1_0, 0b1_1],
];

/// Table 9-9 (a): the same for the DC levels of chroma.
const TOTAL_ZEROS_CHROMA_DC: [&[u32]; 3] =
    [&[0b1_1, 0b1_01, 0b1_001, 0b1_000], &[0b1_1, 0b1_01, 0b1_00], &[0b1_1, 0b1_0]];

/// Table 9-10: by the zeros left, less 1 and at most 6, then by the zeros directly before a level.
const RUN_BEFORE: [&[u32]; 7] = [
    &[0b1_1, 0b1_0],
    &[0b1_1, 0b1_01, 0b1_00],
    &[0b1_11, 0b1_10, 0b1_01, 0b1_00],
    &[0b1_11, 0b1_10, 0b1_01, 0b1_001, 0b1_000],
    &[0b1_11, 0b1_10, 0b1_011, 0b1_010, 0b1_001, 0b1_000],
    &[0b1_11, 0b1_000, 0b1_001, 0b1_011, 0b1_010, 0b1_101, 0b1_100],
    &[
        0b1_111,
        0b1_110,
        0b1_101,
        0b1_100,
        0b1_011,
        0b1_010,
        0b1_001,
        0b1_0001,
        0b1_00001,
        0b1_000001,
        0b1_0000001,
        0b1_00000001,
        0b1_000000001,
        0b1_0000000001,
        0b1_00000000001,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::h264::bits_of;

    /// No word of a table begins another.
    fn is_prefix_free(words: &[u32]) -> bool {
        let words: Vec<u32> = words.iter().copied().filter(|word| *word != 0).collect();
        words.iter().enumerate().all(|(n, a)| {
            words.iter().enumerate().all(|(m, b)| n == m || a.ilog2() > b.ilog2() || b >> (b.ilog2() - a.ilog2()) != *a)
        })
    }

    #[test]
    fn every_table_can_be_read() {
        assert!(is_prefix_free(COEFF_TOKEN.as_flattened()));
        assert!(is_prefix_free(COEFF_TOKEN_CHROMA_DC.as_flattened()));
        for table in TOTAL_ZEROS.iter().chain(&TOTAL_ZEROS_CHROMA_DC).chain(&RUN_BEFORE) {
            assert!(is_prefix_free(table), "{table:?}");
        }
        for (n, table) in TOTAL_ZEROS.iter().enumerate() {
            assert_eq!(table.len(), 16 - n, "with {} levels there may be as many zeros", n + 1);
        }
    }

    fn shown(levels: &[i32], context: Context) -> String {
        let mut out = Vec::new();
        let mut nal = NalWriter::begin(&mut out, 1);
        residual(&mut nal, levels, context);
        nal.end();
        bits_of(&out[5..])
    }

    #[test]
    fn blocks_are_coded_as_the_standard_has_it() {
        let none = [0; 16];
        assert_eq!(shown(&none, Context::Plain), "1");
        assert_eq!(shown(&none, Context::BesideSamples), "000011");
        assert_eq!(shown(&[0; 4], Context::Chroma), "01");
        let mut one = none;
        one[0] = 5;
        // coeff_token 000101, level 5 (code 8 - 2 = 6) 0000001, no zeros 1
        assert_eq!(shown(&one, Context::Plain), "000101".to_owned() + "0000001" + "1");
        // A block worked through by hand: 0 3 0 1 -1 -1 0 1 0...
        let block = [0, 3, 0, 1, -1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let token = "0000100"; // 5 levels, 3 trailing ones
        let signs = "011"; // + - -
        let levels = "1".to_owned() + "0010"; // 1, then 3 with a suffix of one bit
        let runs = "111".to_owned() + "10" + "1" + "1" + "01"; // 3 zeros in all, then 1, 0, 0, 1 before each
        assert_eq!(shown(&block, Context::Plain), token.to_owned() + signs + &levels + &runs);
    }
}
