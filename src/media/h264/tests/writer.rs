//! Writes SPSs bit by bit.

/// Bits of a payload.
#[derive(Default)]
pub struct BitWriter {
    bits: Vec<bool>,
}

impl BitWriter {
    pub fn u(&mut self, count: u32, number: u64) {
        self.bits.extend((0..count).rev().map(|bit| number >> bit & 1 == 1));
    }

    pub fn ue(&mut self, number: u32) {
        let code = u64::from(number) + 1;
        let bits = 64 - code.leading_zeros();
        self.u(bits - 1, 0);
        self.u(bits, code);
    }

    pub fn se(&mut self, number: i32) {
        let twice = number.unsigned_abs() * 2;
        self.ue(if number > 0 { twice - 1 } else { twice });
    }

    /// A NAL unit: `header`, the payload with its stop bit, and emulation prevention.
    pub fn unit(mut self, header: &[u8]) -> Vec<u8> {
        self.bits.push(true);
        let bytes =
            self.bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(at, &bit)| u8::from(bit) << (7 - at)).sum());
        let mut unit = header.to_vec();
        let mut zeros = 0;
        for byte in bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

/// What an SPS is made of.
#[derive(Debug, Clone)]
pub struct Fields {
    pub profile: u8,
    pub constraints: u8,
    pub level: u8,
    pub id: u32,
    pub chroma: u32,
    pub separate_planes: bool,
    /// Differences for each scaling list, in turn.
    pub scaling: Option<Vec<i32>>,
    pub picture_order_type: u32,
    pub offsets: Vec<i32>,
    pub reference_frames: u32,
    pub across: u32,
    pub down: u32,
    pub frames_only: bool,
    /// Left, right, top, bottom.
    pub crop: Option<[u32; 4]>,
    pub has_vui: bool,
}

impl Default for Fields {
    /// 1920x1088, baseline.
    fn default() -> Self {
        Self {
            profile: 66,
            constraints: 0,
            level: 42,
            id: 0,
            chroma: 1,
            separate_planes: false,
            scaling: None,
            picture_order_type: 2,
            offsets: Vec::new(),
            reference_frames: 1,
            across: 120,
            down: 68,
            frames_only: true,
            crop: None,
            has_vui: false,
        }
    }
}

impl Fields {
    fn has_chroma(&self) -> bool {
        ![66, 77, 88].contains(&self.profile)
    }

    /// Width and height without what is cropped, if anything is left.
    pub fn size(&self) -> Option<(u32, u32)> {
        // H.264 table 6-1 and formulas 7-18 to 7-21.
        let (mut unit_x, mut unit_y) = match (self.has_chroma(), self.chroma, self.separate_planes) {
            (false, ..) | (true, 1, _) => (2, 2),
            (true, 2, _) => (2, 1),
            _ => (1, 1),
        };
        let fields = if self.frames_only { 1 } else { 2 };
        unit_y *= fields;
        let [left, right, top, bottom] = self.crop.unwrap_or_default();
        unit_x *= left + right;
        unit_y *= top + bottom;
        let size = (self.across * 16).checked_sub(unit_x).zip((self.down * 16 * fields).checked_sub(unit_y));
        size.filter(|&(width, height)| width > 0 && height > 0)
    }

    pub fn unit(&self) -> Vec<u8> {
        let bits = &mut BitWriter::default();
        bits.ue(self.id);
        if self.has_chroma() {
            self.chroma(bits);
        }
        bits.ue(4);
        bits.ue(self.picture_order_type);
        match self.picture_order_type {
            0 => bits.ue(6),
            1 => {
                bits.u(1, 0);
                bits.se(-3);
                bits.se(i32::MAX);
                bits.ue(u32::try_from(self.offsets.len()).unwrap());
                self.offsets.iter().for_each(|&offset| bits.se(offset));
            }
            _ => {}
        }
        bits.ue(self.reference_frames);
        bits.u(1, 0);
        bits.ue(self.across - 1);
        bits.ue(self.down - 1);
        bits.u(1, self.frames_only.into());
        if !self.frames_only {
            bits.u(1, 1);
        }
        bits.u(1, 1);
        bits.u(1, self.crop.is_some().into());
        self.crop.iter().flatten().for_each(|&edge| bits.ue(edge));
        bits.u(1, self.has_vui.into());
        std::mem::take(bits).unit(&[0x67, self.profile, self.constraints, self.level])
    }

    fn chroma(&self, bits: &mut BitWriter) {
        bits.ue(self.chroma);
        if self.chroma == 3 {
            bits.u(1, self.separate_planes.into());
        }
        bits.ue(0);
        bits.ue(2);
        bits.u(1, 0);
        bits.u(1, self.scaling.is_some().into());
        let Some(differences) = &self.scaling else { return };
        let mut differences = differences.iter().cycle();
        for list in 0..if self.chroma == 3 { 12 } else { 8 } {
            let present = list % 2 == 0;
            bits.u(1, present.into());
            let mut last = 8;
            for _ in 0..if !present {
                0
            } else if list < 6 {
                16
            } else {
                64
            } {
                let difference = differences.next().copied().unwrap_or(-8);
                bits.se(difference);
                last = (last + difference + 256) % 256;
                // A scale of 0 ends the list: the one before it goes on.
                if last == 0 {
                    break;
                }
            }
        }
    }
}
