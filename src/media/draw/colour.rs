//! Colours: from red, green and blue, as the camera's contrast and brightness change them, to what a block holds.
//!
//! Luma is always a multiple of 8, which makes cells of any two colours exact ([`super::block`]), and within 16 to 232.

use super::Format;

/// One colour as a block holds it. Limited range: luma 16 to 235, chroma 16 to 240.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    pub(super) y: u8,
    pub(super) u: u8,
    pub(super) v: u8,
}

impl Colour {
    /// A grey. `y` is a multiple of 8.
    pub(super) const fn grey(y: u8) -> Self {
        Self { y, u: 128, v: 128 }
    }
}

/// How luma and chroma come from red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matrix {
    /// ITU-R BT.601: standard definition.
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
}

impl Matrix {
    /// What players assume of a size when they ignore what the stream declares.
    pub(super) const fn of(format: Format) -> Self {
        if format.height() > 576 { Self::Bt709 } else { Self::Bt601 }
    }

    /// The number for primaries, transfer and matrix (H.264 tables E-3, E-4, E-5).
    pub(super) const fn h264_code(self) -> u32 {
        match self {
            Self::Bt601 => 6,
            Self::Bt709 => 1,
        }
    }

    /// A colour of red, green and blue, each 0 to 1.
    pub(super) fn colour(self, rgb: [f64; 3]) -> Colour {
        let (of_red, of_blue) = match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
        };
        let [red, green, blue] = rgb;
        let luma = of_red * red + (1.0 - of_red - of_blue) * green + of_blue * blue;
        let y = ((16.0 + 219.0 * luma) / 8.0).round().clamp(2.0, 29.0) * 8.0;
        let chroma = |ahead: f64, of: f64| (128.0 + 112.0 * (ahead - luma) / (1.0 - of)).round().clamp(16.0, 240.0);
        Colour { y: y as u8, u: chroma(blue, of_blue) as u8, v: chroma(red, of_red) as u8 }
    }
}

/// What the camera's settings do to a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// 1 is unchanged; the camera clamps at 15.99.
    pub(super) contrast: f64,
    /// -1 to 1; 0 is unchanged.
    pub(super) brightness: f64,
}

impl Look {
    /// Red, green and blue, each 0 to 1, after the camera. Contrast turns about the middle grey.
    pub(super) fn apply(self, rgb: [f64; 3]) -> [f64; 3] {
        rgb.map(|part| ((part - 0.5) * self.contrast.min(15.99) + 0.5 + self.brightness).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_are_those_of_the_recommendations() {
        let shown = |matrix: Matrix, rgb| {
            let Colour { y, u, v } = matrix.colour(rgb);
            (y, u, v)
        };
        // 75 % and 100 % bars of BT.601 and BT.709; luma is rounded to a multiple of 8.
        assert_eq!(shown(Matrix::Bt601, [1.0, 0.0, 0.0]), (80, 90, 240));
        assert_eq!(shown(Matrix::Bt709, [1.0, 0.0, 0.0]), (64, 102, 240));
        assert_eq!(shown(Matrix::Bt709, [0.0, 0.75, 0.75]), (144, 147, 44));
        assert_eq!(shown(Matrix::Bt601, [1.0, 1.0, 1.0]), (232, 128, 128));
        assert_eq!(shown(Matrix::Bt601, [0.0, 0.0, 0.0]), (16, 128, 128));
    }

    #[test]
    fn every_luma_is_a_multiple_of_8() {
        for step in 0..=1000 {
            let part = f64::from(step) / 1000.0;
            for matrix in [Matrix::Bt601, Matrix::Bt709] {
                let y = matrix.colour([part, 1.0 - part, part * part]).y;
                assert!(y % 8 == 0 && (16..=232).contains(&y), "{y}");
            }
        }
    }

    #[test]
    fn settings_change_a_colour_as_the_camera_does() {
        for (contrast, brightness, before, after) in [
            (1.0, 0.0, 0.25, 0.25),
            (0.0, 0.0, 0.25, 0.5),
            (2.0, 0.0, 0.25, 0.0),
            (1.0, -0.25, 0.75, 0.5),
            (25.5, 1.0, 0.0, 0.0),
            (1.0, 1.0, 0.0, 1.0),
        ] {
            let [grey, ..] = Look { contrast, brightness }.apply([before; 3]);
            assert!((grey - after).abs() < 1e-9, "contrast {contrast}, brightness {brightness}: {grey}");
        }
    }
}
