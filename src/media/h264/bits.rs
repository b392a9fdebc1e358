//! Bits of a NAL unit's payload, without its emulation prevention bytes (H.264 7.2, 7.3.1, 9.1).

/// Why a number could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitsError {
    /// The payload ends before it.
    Truncated,
    /// An Exp-Golomb code of more than 32 bits.
    TooLarge,
}

/// Reads a payload bit by bit.
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// The byte being read.
    byte: u8,
    /// Its bits that are still to be read.
    left: u8,
    /// Zero bytes in a row before the next byte.
    zeros: u8,
    /// Bits that have been read.
    read: usize,
}

impl<'a> Bits<'a> {
    /// A reader of a unit's bytes after its header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, byte: 0, left: 0, zeros: 0, read: 0 }
    }

    /// How many bits have been read.
    pub const fn count(&self) -> usize {
        self.read
    }

    /// The next bit.
    pub fn bit(&mut self) -> Result<bool, BitsError> {
        if self.left == 0 {
            let mut byte = self.next_byte()?;
            if byte == 3 && self.zeros >= 2 {
                self.zeros = 0;
                byte = self.next_byte()?;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            (self.byte, self.left) = (byte, 8);
        }
        self.left -= 1;
        self.read += 1;
        Ok(self.byte >> self.left & 1 == 1)
    }

    fn next_byte(&mut self) -> Result<u8, BitsError> {
        let (&byte, rest) = self.bytes.split_first().ok_or(BitsError::Truncated)?;
        self.bytes = rest;
        Ok(byte)
    }

    /// An unsigned number of `count` bits, at most 32: `u(n)`.
    pub fn u(&mut self, count: u32) -> Result<u32, BitsError> {
        (0..count).try_fold(0_u32, |number, _| Ok(number << 1 | u32::from(self.bit()?)))
    }

    /// An unsigned Exp-Golomb code: `ue(v)`, up to 2^32 - 2.
    pub fn ue(&mut self) -> Result<u32, BitsError> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return Err(BitsError::TooLarge);
            }
        }
        Ok(((1_u32 << zeros) - 1).saturating_add(self.u(zeros)?))
    }

    /// A signed Exp-Golomb code: `se(v)`.
    pub fn se(&mut self) -> Result<i32, BitsError> {
        let code = self.ue()?;
        let half = (code / 2).cast_signed();
        Ok(if code % 2 == 1 { half + 1 } else { -half })
    }
}
