//! The camera settings and the file that keeps them.

use std::fmt;
use std::path::PathBuf;

use super::disk;
use crate::camera::settings::{CameraSettings, ChangedBy};
use crate::logging::Level::{Error, Info};
use crate::logging::Line;
use crate::os::Errno;

/// Something about the settings.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsReport {
    /// The camera takes new settings.
    Applied {
        /// Which.
        settings: CameraSettings,
        /// What changed them.
        by: ChangedBy,
    },
    /// The settings file could not be written.
    StoreFailed {
        /// Which file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// The settings file does not get written in time.
    StoreHangs {
        /// Which file.
        path: PathBuf,
    },
    /// The settings file could be written after it could not.
    StoreRecovered {
        /// Which file.
        path: PathBuf,
    },
}

impl SettingsReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let logger = "camera.config";
        let file_kind = "failed writes";
        match self {
            Self::Applied { settings: s, by } => show(Line::limited(
                Info,
                logger,
                "settings changes",
                format_args!(
                    "camera settings are now shutter {} us, gain {}, awb_red {}, awb_blue {}, contrast {}, \
                     brightness {:.3}, {}",
                    s.shutter,
                    s.gain,
                    s.awb_red,
                    s.awb_blue,
                    s.contrast,
                    s.brightness,
                    Changed(*by)
                ),
            )),
            Self::StoreFailed { path, errno } => show(Line::limited(
                Error,
                logger,
                file_kind,
                format_args!(
                    "cannot write {}: {errno}; the new settings are in force but will be lost at a restart, \
                     the write is retried every minute: {}",
                    path.display(),
                    disk::advice(*errno)
                ),
            )),
            Self::StoreHangs { path } => show(Line::limited(
                Error,
                logger,
                file_kind,
                format_args!(
                    "writing {} takes longer than 10 s: the disk hangs or is too slow; the new settings are in force but will be \
                     lost at a restart until it is written: check the disk",
                    path.display()
                ),
            )),
            Self::StoreRecovered { path } => {
                show(Line::limited(Info, logger, file_kind, format_args!("{} is written again", path.display())))
            }
        }
    }
}

/// What changed the settings, in words.
struct Changed(ChangedBy);

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ChangedBy::Peer(peer) => write!(f, "set by {peer}"),
            ChangedBy::File => f.write_str("reread from the file"),
        }
    }
}
