//! Every line that the server logs. A report is a value; its level, its logger, the kind by which its repetitions are
//! limited, and its text stand together in one `match` for each area.

mod access;
mod clients;
mod disk;
mod http;
mod run;
mod settings;
mod stream;
mod video;

use std::fmt;

pub use access::AccessReport;
pub use clients::{ClientReport, CloseReason, Shortage};
pub use http::HttpReport;
pub use run::ServerReport;
pub use settings::SettingsReport;
pub use stream::StreamReport;
pub use video::{VideoReport, ViewerReport};

use crate::camera;
use crate::logging::{Level, Line};

/// Something worth a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Connections.
    Client(ClientReport),
    /// Passwords and lock-outs.
    Access(AccessReport),
    /// The camera settings and their file.
    Settings(SettingsReport),
    /// The data source.
    Stream(StreamReport),
    /// The pictures.
    Video(VideoReport),
    /// Viewers.
    Viewer(ViewerReport),
    /// HTTP clients.
    Http(HttpReport),
    /// The camera and its publisher.
    Camera(camera::report::Report),
    /// The server as a whole.
    Server(ServerReport),
}

impl Report {
    /// Hands the line to `show`. Its logger says which part of the product it comes from: `protocol` is what peers did
    /// wrong, `camera.config` the settings, `camera.process` the children, `server` the server as a whole.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        match self {
            Self::Client(report) => report.line(show),
            Self::Access(report) => report.line(show),
            Self::Settings(report) => report.line(show),
            Self::Stream(report) => report.line(show),
            Self::Video(report) => report.line(show),
            Self::Viewer(report) => report.line(show),
            Self::Http(report) => report.line(show),
            Self::Camera(report) => report.line(show),
            Self::Server(report) => report.line(show),
        }
    }

    /// How severe it is.
    pub fn level(&self) -> Level {
        self.line(|line| line.level)
    }

    /// Lines that belong below it: what the children printed before they failed.
    pub fn details(&self) -> &[String] {
        match self {
            Self::Camera(report) => report.details(),
            Self::Client(_)
            | Self::Access(_)
            | Self::Settings(_)
            | Self::Stream(_)
            | Self::Video(_)
            | Self::Viewer(_)
            | Self::Http(_)
            | Self::Server(_) => &[],
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(|line| f.write_fmt(line.text))
    }
}

/// Each area's reports are reports of the server.
macro_rules! areas {
    ($($area:ident($report:ty),)+) => {
        $(impl From<$report> for Report {
            fn from(report: $report) -> Self {
                Self::$area(report)
            }
        })+
    };
}

areas! {
    Client(ClientReport),
    Access(AccessReport),
    Settings(SettingsReport),
    Stream(StreamReport),
    Video(VideoReport),
    Viewer(ViewerReport),
    Http(HttpReport),
    Camera(camera::report::Report),
    Server(ServerReport),
}
