//! Paths and the methods that they have.

/// The method of a request. Names are case-sensitive (RFC 9110 section 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// As GET, without the body of the reply.
    Head,
    /// Change.
    Put,
    /// Do.
    Post,
    /// Any other: no path has it.
    Other,
}

impl Method {
    /// The method of this name.
    pub fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }

    /// Whether requests of this method have a body, and change something.
    pub const fn changes(self) -> bool {
        match self {
            Self::Put | Self::Post => true,
            Self::Get | Self::Head | Self::Other => false,
        }
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The page.
    Page,
    /// The video as fragmented MP4.
    Video,
    /// The newest key picture.
    Snapshot,
    /// Values, states and settings as Server-Sent Events.
    Events,
    /// The camera settings.
    Settings,
    /// The state of everything.
    Status,
    /// The same for Prometheus.
    Metrics,
    /// Whether video moves.
    Health,
    /// Begin a session.
    Login,
    /// End a session.
    Logout,
    /// Reread the configuration.
    Reload,
}

/// What has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Fragmented MP4.
    Video,
    /// Server-Sent Events.
    Events,
}

impl Stream {
    /// The media type, as far as it is always the same.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Video => "video/mp4",
            Self::Events => "text/event-stream",
        }
    }
}

/// Below this path, errors are JSON.
const API: &str = "/api/";

impl Route {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Page,
        Self::Video,
        Self::Snapshot,
        Self::Events,
        Self::Settings,
        Self::Status,
        Self::Metrics,
        Self::Health,
        Self::Login,
        Self::Logout,
        Self::Reload,
    ];

    /// The path, which has no other spelling.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Page => "/",
            Self::Video => "/video.mp4",
            Self::Snapshot => "/snapshot.h264",
            Self::Events => "/events",
            Self::Settings => "/api/settings",
            Self::Status => "/api/status",
            Self::Metrics => "/metrics",
            Self::Health => "/healthz",
            Self::Login => "/api/login",
            Self::Logout => "/api/logout",
            Self::Reload => "/api/reload",
        }
    }

    /// What a path leads to.
    pub fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path)
    }

    /// Whether it has this method.
    pub const fn has(self, method: Method) -> bool {
        match (self, method) {
            (Self::Settings, Method::Put) | (Self::Login | Self::Logout | Self::Reload, Method::Post) => true,
            (Self::Login | Self::Logout | Self::Reload, Method::Get | Method::Head) => false,
            (_, Method::Get | Method::Head) => true,
            (_, Method::Put | Method::Post | Method::Other) => false,
        }
    }

    /// The value of `Allow`.
    pub const fn allow(self) -> &'static str {
        match self {
            Self::Settings => "GET, HEAD, PUT",
            Self::Login | Self::Logout | Self::Reload => "POST",
            Self::Page | Self::Video | Self::Snapshot | Self::Events | Self::Status | Self::Metrics | Self::Health => {
                "GET, HEAD"
            }
        }
    }

    /// Its stream, if it is one.
    pub const fn stream(self) -> Option<Stream> {
        match self {
            Self::Video => Some(Stream::Video),
            Self::Events => Some(Stream::Events),
            Self::Page
            | Self::Snapshot
            | Self::Settings
            | Self::Status
            | Self::Metrics
            | Self::Health
            | Self::Login
            | Self::Logout
            | Self::Reload => None,
        }
    }

    /// Whether it needs a session where a password is required. The page does not: it is how a person logs in, and holds
    /// nothing of the device.
    pub const fn guarded(self) -> bool {
        match self {
            Self::Page | Self::Login => false,
            Self::Video
            | Self::Snapshot
            | Self::Events
            | Self::Settings
            | Self::Status
            | Self::Metrics
            | Self::Health
            | Self::Logout
            | Self::Reload => true,
        }
    }
}

/// Whether the errors of a path are JSON.
pub fn is_api(path: &str) -> bool {
    path.starts_with(API)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_lists_what_a_route_has() {
        for route in Route::ALL {
            let methods = ["GET", "HEAD", "PUT", "POST", "DELETE"].into_iter();
            let has: Vec<&str> = methods.filter(|name| route.has(Method::of(name))).collect();
            assert_eq!(has.join(", "), route.allow(), "{route:?}");
        }
    }

    #[test]
    fn paths_have_one_spelling() {
        for route in Route::ALL {
            assert_eq!(Route::find(route.path()), Some(route));
        }
        for path in ["", "//", "/index.html", "/API/status", "/api/status/", "/api/", "/%61pi/status", "/x/../", "*"] {
            assert_eq!(Route::find(path), None, "{path}");
        }
    }
}
