//! Bits into NAL units: Exp-Golomb codes and emulation prevention (H.264 7.2, 7.3.1, 9.1).
//!
//! Not here: what the bits mean.

/// Writes one NAL unit behind a start code, bit by bit, and keeps start codes from arising within it.
pub(in crate::media) struct NalWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits that are no whole byte yet, in the lowest `pending` places; what is above them is spent.
    held: u64,
    pending: u32,
    /// Zero bytes at the end of what was written.
    zeros: u32,
}

impl<'a> NalWriter<'a> {
    /// Appends a start code of four bytes and the NAL unit's first byte (`nal_ref_idc` and `nal_unit_type`).
    pub(in crate::media) fn begin(out: &'a mut Vec<u8>, header: u8) -> Self {
        out.extend_from_slice(&[0, 0, 0, 1, header]);
        Self { out, held: 0, pending: 0, zeros: 0 }
    }

    /// Appends the lowest `count` bits of `value`, at most 32; the bits above them have to be zero.
    pub(in crate::media) fn bits(&mut self, value: u32, count: u32) {
        debug_assert!(count <= 32 && u64::from(value) >> count == 0, "{value:#b} has more than {count} bits");
        // Fewer than 8 bits are pending, so 40 of the 64 are in use at most.
        self.held = self.held << count | u64::from(value);
        self.pending += count;
        while self.pending >= 8 {
            self.pending -= 8;
            self.byte((self.held >> self.pending & 0xFF) as u8);
        }
    }

    /// Appends a flag.
    pub(in crate::media) fn flag(&mut self, flag: bool) {
        self.bits(u32::from(flag), 1);
    }

    /// Appends a code word that a 1 leads: `0b1_0010` stands for the four bits 0010.
    pub(in crate::media) fn code(&mut self, code: u32) {
        let length = code.ilog2();
        self.bits(code ^ 1 << length, length);
    }

    /// Appends ue(v). `value` is less than 2^32 - 1.
    pub(in crate::media) fn ue(&mut self, value: u32) {
        let code = value + 1;
        let length = code.ilog2();
        self.bits(0, length);
        self.bits(code, length + 1);
    }

    /// Appends se(v). `value` is more than -2^30 and less than 2^30.
    pub(in crate::media) fn se(&mut self, value: i32) {
        self.ue(if value > 0 { value.unsigned_abs() * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// Appends zero bits up to the next whole byte.
    pub(in crate::media) fn align(&mut self) {
        self.bits(0, (8 - self.pending) % 8);
    }

    /// Appends whole bytes. [`align`](Self::align) has to come first.
    pub(in crate::media) fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.pending, 0, "bytes begin at a byte");
        for byte in bytes {
            self.byte(*byte);
        }
    }

    /// Ends the NAL unit with its stop bit.
    pub(in crate::media) fn end(mut self) {
        self.flag(true);
        self.align();
    }

    fn byte(&mut self, byte: u8) {
        if self.zeros >= 2 && byte <= 3 {
            self.out.push(3);
            self.zeros = 0;
        }
        self.out.push(byte);
        self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "a mask of at most 32 bits")]
pub(in crate::media) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut NalWriter<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        let mut nal = NalWriter::begin(&mut out, 0x65);
        write(&mut nal);
        nal.end();
        assert_eq!(out[..5], [0, 0, 0, 1, 0x65]);
        out.split_off(5)
    }

    /// The bits of bytes as text, without their stop bit and what follows.
    pub(in crate::media) fn bits_of(bytes: &[u8]) -> String {
        let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
        let text: String = bits.map(|bit| if bit == 1 { '1' } else { '0' }).collect();
        text.trim_end_matches('0').strip_suffix('1').unwrap().to_owned()
    }

    /// The bits of a NAL unit as text, without its stop bit and what follows.
    fn shown(write: impl FnOnce(&mut NalWriter<'_>)) -> String {
        bits_of(&written(write))
    }

    #[test]
    fn golomb_codes_are_those_of_table_9_1() {
        for (value, code) in [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (6, "00111"), (7, "0001000")] {
            assert_eq!(shown(|nal| nal.ue(value)), code, "ue {value}");
        }
        for (value, code) in [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101"), (-12, "000011001")] {
            assert_eq!(shown(|nal| nal.se(value)), code, "se {value}");
        }
        assert_eq!(shown(|nal| nal.ue((1 << 16) - 2)), "0".repeat(15) + &"1".repeat(16));
        // A code of 63 bits, whose zeros are broken as everything's are.
        assert_eq!(written(|nal| nal.ue(u32::MAX - 1)), [0, 0, 3, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn a_code_word_keeps_its_leading_zeros() {
        assert_eq!(shown(|nal| nal.code(0b1_0010)), "0010");
        assert_eq!(shown(|nal| nal.code(0b1_1)), "1");
        assert_eq!(shown(|nal| nal.code(0b1_0000_0000_0000_0001)), "0000000000000001");
    }

    #[test]
    fn runs_of_zeros_are_broken() {
        for (bytes, escaped) in [
            (&[0, 0, 0][..], &[0, 0, 3, 0, 0x80][..]),
            (&[0, 0, 1], &[0, 0, 3, 1, 0x80]),
            (&[0, 0, 2], &[0, 0, 3, 2, 0x80]),
            (&[0, 0, 3], &[0, 0, 3, 3, 0x80]),
            (&[0, 0, 4], &[0, 0, 4, 0x80]),
            (&[0, 0], &[0, 0, 0x80]),
            (&[0; 7], &[0, 0, 3, 0, 0, 3, 0, 0, 3, 0, 0x80]),
        ] {
            assert_eq!(written(|nal| nal.bytes(bytes)), escaped);
        }
    }

    proptest! {
        #[test]
        fn no_start_code_arises_and_nothing_is_lost(
            parts in prop::collection::vec((prop_oneof![Just(0_u32), Just(1), any::<u32>()], 1_u32..=32), 0..200),
        ) {
            let mut bits = String::new();
            let nal = written(|nal| for (value, count) in &parts {
                let value = value & (u64::MAX >> (64 - count)) as u32;
                nal.bits(value, *count);
                bits.extend((0..*count).rev().map(|at| if value >> at & 1 == 1 { '1' } else { '0' }));
            });
            prop_assert!(!nal.windows(3).any(|window| window[..2] == [0, 0] && window[2] < 3));
            let mut plain: Vec<u8> = Vec::new();
            let mut zeros = 0;
            for byte in nal {
                if zeros == 2 && byte == 3 {
                    zeros = 0;
                    continue;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                plain.push(byte);
            }
            prop_assert_eq!(bits_of(&plain), bits);
        }
    }
}
