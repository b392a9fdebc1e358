//! Plain counters: one for every reason a packet, a peer, a child or a log line was dropped, and a few for
//! what went well. SIGUSR1 logs them.

/// Declares [`Counter`] and its names in one place, so that the two can't disagree.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Counter {
            /// Every counter, in the order they are logged.
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
    /// Connections taken, over all three ports.
    Accepted = "accepted",
    /// Connections ended, for whatever reason.
    Closed = "closed",
    /// Connections refused because all places of their port were taken.
    RefusedFull = "refused_full",
    /// Connections refused because their network had its share of the places.
    RefusedShare = "refused_share",
    /// Connections closed without an error packet because even the slots for refusals were taken.
    RefusedSilently = "refused_silently",
    /// Connections refused because their address had not authenticated.
    RefusedNotAuthenticated = "refused_not_authenticated",
    /// Connections that failed between the kernel and us.
    AcceptFailed = "accept_failed",
    /// Times that accepting rested because descriptors or memory ran out.
    AcceptRested = "accept_rested",
    /// Peers that reset the connection or vanished.
    PeerLost = "peer_lost",
    /// Peers closed because a packet was not complete in time.
    PeerTooSlow = "peer_too_slow",
    /// Peers closed because their socket took nothing in time.
    PeerStuck = "peer_stuck",
    /// Peers closed because they don't speak the protocol.
    PeerLostSync = "peer_lost_sync",
    /// Peers closed because their replies did not fit; an invariant says this stays zero.
    PeerOverflow = "peer_overflow",
    /// Packets with a wrong checksum.
    BadChecksum = "bad_checksum",
    /// Packets with a length the request can't have.
    BadLength = "bad_length",
    /// Packets that don't belong on their port.
    NotValidHere = "not_valid_here",
    /// Ticks of the data stream that were sent.
    Ticks = "ticks",
    /// Ticks skipped because the loop woke up late.
    TicksSkipped = "ticks_skipped",
    /// Data packets offered to the sockets of subscribers.
    DataOffered = "data_offered",
    /// Offers among them that a full socket did not take; the newest packet waits for it.
    DataRefused = "data_refused",
    /// Data packets that a slow subscriber lost for good, because a newer one took their place.
    DataDropped = "data_dropped",
    /// Readings of the data source that failed.
    SourceFailed = "source_failed",
    /// Settings updates taken.
    SettingsUpdated = "settings_updated",
    /// Writes of the settings file.
    SettingsStored = "settings_stored",
    /// Writes of the settings file that failed.
    StoreFailed = "store_failed",
    /// Right passwords.
    AuthAccepted = "auth_accepted",
    /// Wrong passwords.
    AuthRejected = "auth_rejected",
    /// Attempts refused because their address was locked out.
    AuthLockedOut = "auth_locked_out",
    /// Attempts refused unseen because passwords from too many addresses were wrong.
    AuthBraked = "auth_braked",
    /// Entries pushed out of the table of failing addresses because it was full.
    AddressesEvicted = "addresses_evicted",
    /// Grants pushed out of their table because it was full.
    GrantsEvicted = "grants_evicted",
    /// Pipelines started.
    PipelineStarted = "pipeline_started",
    /// Pipelines that failed, whether that was logged or not.
    PipelineFailed = "pipeline_failed",
    /// Pipelines among them that made no progress.
    PipelineStalled = "pipeline_stalled",
    /// Children that had to be killed because they ignored SIGINT.
    ChildKilled = "child_killed",
    /// Bytes of video moved from the camera to the publisher.
    VideoBytes = "video_bytes",
    /// Events for a connection or child that was already gone.
    StaleEvents = "stale_events",
    /// Log lines suppressed because their kind logged too much.
    LinesSuppressed = "lines_suppressed",
    /// Log lines lost because a target was gone or full.
    LinesLost = "lines_lost",
    /// Times that the service manager accepted no message; it is retried until it does.
    NotifyDelayed = "notify_delayed",
    /// Configurations reread.
    Reloads = "reloads",
    /// Configurations that were refused when reread.
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

    /// Takes over a count that is kept elsewhere.
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
