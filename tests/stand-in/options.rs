//! The options that the stand-in takes, and what it refuses.

/// Options without a value, and what they are in the help.
pub const FLAGS: [(&str, &str); 6] = [
    ("--help", "Print this help message"),
    ("--nopreview", "Do not show a preview window"),
    ("--inline", "Force PPS/SPS header with every I frame"),
    ("--hflip", "Request a horizontal flip transform"),
    ("--vflip", "Request a vertical flip transform"),
    ("--flush", "Flush output data as soon as possible"),
];

/// Options with a value, and what the value has to be.
pub const VALUES: [(&str, Check); 18] = [
    ("-t", Check::Whole),
    ("-o", Check::OneOf(&["-"])),
    ("--width", Check::Whole),
    ("--height", Check::Whole),
    ("--framerate", Check::Number),
    ("--codec", Check::OneOf(&["h264"])),
    ("--profile", Check::OneOf(&["baseline", "main", "high"])),
    ("--level", Check::OneOf(&["4", "4.1", "4.2"])),
    ("--intra", Check::Whole),
    ("--shutter", Check::Whole),
    ("--gain", Check::Number),
    ("--awbgains", Check::Pair),
    ("--contrast", Check::Number),
    ("--brightness", Check::Number),
    ("--bitrate", Check::Whole),
    ("--camera", Check::Whole),
    ("--rotation", Check::Whole),
    ("--denoise", Check::OneOf(&["auto", "off", "cdn_off", "cdn_fast", "cdn_hq"])),
];

#[derive(Clone, Copy)]
pub enum Check {
    Whole,
    Number,
    Pair,
    OneOf(&'static [&'static str]),
}

impl Check {
    fn accepts(self, value: &str) -> bool {
        let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        match self {
            Self::Whole => value.parse::<u32>().is_ok(),
            Self::Number => number(value),
            Self::Pair => value.split_once(',').is_some_and(|(red, blue)| number(red) && number(blue)),
            Self::OneOf(values) => values.contains(&value),
        }
    }
}

/// What matters of the command line.
#[derive(Default)]
pub struct Options {
    pub help: bool,
    pub timeout_ms: u64,
    pub framerate: f64,
    pub camera: u64,
    pub libav_format: bool,
}

/// Reads the command line. The errors are those of the real one: Boost's program options, and its own for a rotation.
pub fn parse(arguments: &[String], libav: bool) -> Result<Options, String> {
    let mut options = Options { timeout_ms: 5000, framerate: 30.0, ..Options::default() };
    let mut seen = Vec::new();
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        options.help |= word == "--help";
        let flag = FLAGS.iter().any(|(name, _)| *name == word) || (libav && word == "--low-latency");
        let check = if libav && word == "--libav-format" {
            options.libav_format = true;
            Some(Check::OneOf(&["h264"]))
        } else {
            VALUES.iter().find(|(name, _)| *name == word).map(|(_, check)| *check)
        };
        if !flag && check.is_none() {
            return Err(format!("unrecognised option '{word}'"));
        }
        if seen.contains(&word) {
            return Err(format!("option '{word}' cannot be specified more than once"));
        }
        seen.push(word);
        let Some(check) = check else { continue };
        let Some(value) = words.next() else {
            return Err(format!("the required argument for option '{word}' is missing"));
        };
        if !check.accepts(value) {
            return Err(format!("the argument ('{value}') for option '{word}' is invalid"));
        }
        match word {
            "-t" => options.timeout_ms = value.parse().unwrap_or_default(),
            "--framerate" => options.framerate = value.parse::<f64>().unwrap_or_default().max(0.1),
            "--camera" => options.camera = value.parse().unwrap_or_default(),
            "--rotation" if value == "90" || value == "270" => {
                return Err("transforms requiring transpose not supported".into());
            }
            "--rotation" if value != "0" && value != "180" => return Err("illegal rotation value".into()),
            _ => {}
        }
    }
    Ok(options)
}
