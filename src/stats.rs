//! Counters: one for every reason to drop a packet, a peer, a child or a log line, and a few for normal operation.
//! SIGUSR1 logs them.

/// Declares [`Counter`] and its names in one place, so that they can't diverge.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Counter {
            /// Every counter, in the order of the log line.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the log.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

counters! {
    /// Accepted connections, over all ports.
    Accepted = "accepted",
    /// Closed connections, for any reason.
    Closed = "closed",
    /// Connections refused because all places of their port were taken.
    RefusedFull = "refused_full",
    /// Connections refused because their address had used up its share of the places.
    RefusedShare = "refused_share",
    /// Connections closed without a reply because all slots for refusals were taken.
    RefusedSilently = "refused_silently",
    /// Connections refused because their address was not authenticated.
    RefusedNotAuthenticated = "refused_not_authenticated",
    /// Connections that failed while they were accepted.
    AcceptFailed = "accept_failed",
    /// Pauses in accepting because descriptors or memory ran out.
    AcceptRested = "accept_rested",
    /// Peers that reset the connection or vanished.
    PeerLost = "peer_lost",
    /// Peers disconnected because a packet or request was not complete in time, or a viewer gave no sign of life.
    PeerTooSlow = "peer_too_slow",
    /// Peers disconnected because their socket accepted no data in time.
    PeerStuck = "peer_stuck",
    /// Peers disconnected because they did not speak the protocol.
    PeerLostSync = "peer_lost_sync",
    /// Peers disconnected because their unsent replies exceeded the limit. An invariant keeps this zero.
    PeerOverflow = "peer_overflow",
    /// Packets with a wrong checksum.
    BadChecksum = "bad_checksum",
    /// Packets with an invalid length for the request.
    BadLength = "bad_length",
    /// Packets that are not valid on their port.
    NotValidHere = "not_valid_here",
    /// Ticks of the data stream.
    Ticks = "ticks",
    /// Ticks skipped because the loop woke up late.
    TicksSkipped = "ticks_skipped",
    /// Data packets offered to the sockets of subscribers.
    DataOffered = "data_offered",
    /// Offers among them to a full socket, for which the newest packet is kept.
    DataRefused = "data_refused",
    /// Data packets that a slow subscriber lost because a newer packet replaced them.
    DataDropped = "data_dropped",
    /// Failed reads of the data source.
    SourceFailed = "source_failed",
    /// Accepted settings updates.
    SettingsUpdated = "settings_updated",
    /// Writes of the settings file.
    SettingsStored = "settings_stored",
    /// Failed writes of the settings file.
    StoreFailed = "store_failed",
    /// Right passwords.
    AuthAccepted = "auth_accepted",
    /// Wrong passwords.
    AuthRejected = "auth_rejected",
    /// Authentication attempts refused because their address was locked out.
    AuthLockedOut = "auth_locked_out",
    /// Authentication attempts refused whatever their password because too many addresses had sent wrong passwords.
    AuthBraked = "auth_braked",
    /// Logins without the password on the wire that were refused for another reason than the above: malformed, expired, or
    /// while the keys of a new password are derived.
    LoginsRefused = "logins_refused",
    /// Entries evicted from the full table of failing addresses.
    AddressesEvicted = "addresses_evicted",
    /// Grants evicted from their full table.
    GrantsEvicted = "grants_evicted",
    /// Pipeline starts.
    PipelineStarted = "pipeline_started",
    /// Pipeline failures, whether logged or not.
    PipelineFailed = "pipeline_failed",
    /// Pipeline failures among them for lack of progress.
    PipelineStalled = "pipeline_stalled",
    /// Children killed because they ignored SIGINT.
    ChildKilled = "child_killed",
    /// Bytes of video read from the camera.
    VideoBytes = "video_bytes",
    /// Bytes of video written to the publisher.
    PublishedBytes = "published_bytes",
    /// Pictures of the camera that viewers could get.
    Pictures = "pictures",
    /// Key pictures among them.
    KeyPictures = "key_pictures",
    /// Pictures dropped because no key picture came before them, or none since a damaged one.
    PicturesWithoutKey = "pictures_without_key",
    /// Pictures dropped because a part of them was missing.
    PicturesIncomplete = "pictures_incomplete",
    /// Pictures dropped because they had too many bytes or units.
    PicturesTooLarge = "pictures_too_large",
    /// Pictures dropped because the ring has no room for one of their size.
    PicturesRefused = "pictures_refused",
    /// Pictures that went on after they had been taken for complete.
    PicturesCutWrong = "pictures_cut_wrong",
    /// NAL units dropped because they were too long.
    UnitsTooLong = "units_too_long",
    /// Parameter sets that could not be read.
    BadParameterSets = "bad_parameter_sets",
    /// Bytes from the camera that are no H.264.
    RubbishBytes = "rubbish_bytes",
    /// Slates shown in place of the camera's picture.
    Slates = "slates",
    /// RTSP sessions set up.
    RtspSessions = "rtsp_sessions",
    /// RTSP requests refused because they were not well-formed, too long, too slow, or for what the server does not have.
    RtspBadRequest = "rtsp_bad_request",
    /// RTSP requests refused for lack of the right password: among them, the first request of every client that has to give it.
    RtspUnauthorized = "rtsp_unauthorized",
    /// RTSP requests for a stream that does not exist.
    RtspNotFound = "rtsp_not_found",
    /// RTSP requests that the state of the session does not allow, or that name another session.
    RtspWrongState = "rtsp_wrong_state",
    /// RTSP requests refused for lack of a usable transport.
    RtspTransport = "rtsp_transport",
    /// RTSP requests refused because all places for viewers were taken, or there was no picture.
    RtspUnavailable = "rtsp_unavailable",
    /// Frames from RTSP clients that were dropped: too long, or not on the session's RTCP channel.
    RtspFramesDropped = "rtsp_frames_dropped",
    /// RTCP packets from viewers.
    RtcpReceived = "rtcp_received",
    /// RTCP packets among them that could not be read.
    RtcpDamaged = "rtcp_damaged",
    /// Datagrams to the RTCP port from elsewhere than viewers.
    RtcpStrangers = "rtcp_strangers",
    /// Pictures that a slow viewer lost, over all viewers.
    ViewerPicturesLost = "viewer_pictures_lost",
    /// Pictures that the publisher lost because it was too slow.
    PublisherPicturesLost = "publisher_pictures_lost",
    /// HTTP requests that passed all checks.
    HttpRequests = "http_requests",
    /// HTTP requests refused because they were not well-formed, too long, too slow, or of the wrong method or type.
    HttpBadRequest = "http_bad_request",
    /// HTTP requests refused for lack of a session, a signature or the right origin.
    HttpUnauthorized = "http_unauthorized",
    /// HTTP requests for a path that does not exist.
    HttpNotFound = "http_not_found",
    /// HTTP requests for a host name that is not the device's.
    HttpMisdirected = "http_misdirected",
    /// HTTP requests refused because all places for viewers were taken, or there was no picture or no answer.
    HttpUnavailable = "http_unavailable",
    /// Values that slow readers of the events lost.
    EventsLost = "events_lost",
    /// Datagrams to viewers that the system refused.
    DatagramsFailed = "datagrams_failed",
    /// Events for a connection or child that was already gone.
    StaleEvents = "stale_events",
    /// Log lines suppressed by the rate limit of their kind.
    LinesSuppressed = "lines_suppressed",
    /// Log lines lost because a target was gone or full.
    LinesLost = "lines_lost",
    /// Notifications to the service manager that were delayed and retried.
    NotifyDelayed = "notify_delayed",
    /// Successful reloads of the configuration.
    Reloads = "reloads",
    /// Reloads rejected because of an error.
    ReloadsFailed = "reloads_failed",
}

/// The counters of one server.
#[derive(Debug, Clone)]
pub struct Stats {
    counts: [u64; Counter::ALL.len()],
}

impl Default for Stats {
    fn default() -> Self {
        Self { counts: [0; Counter::ALL.len()] }
    }
}

impl Stats {
    /// Counts one.
    pub fn bump(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `amount`.
    pub fn add(&mut self, counter: Counter, amount: u64) {
        let count = &mut self.counts[counter as usize];
        *count = count.saturating_add(amount);
    }

    /// Sets a count that is kept elsewhere.
    pub fn set(&mut self, counter: Counter, count: u64) {
        self.counts[counter as usize] = count;
    }

    /// The count so far.
    pub fn count(&self, counter: Counter) -> u64 {
        self.counts[counter as usize]
    }
}

impl std::fmt::Display for Stats {
    /// `name=count` for every counter that is not zero, or `nothing counted yet`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        for &counter in Counter::ALL {
            if self.count(counter) > 0 {
                write!(f, "{separator}{}={}", counter.name(), self.count(counter))?;
                separator = " ";
            }
        }
        if separator.is_empty() { f.write_str("nothing counted yet") } else { Ok(()) }
    }
}
