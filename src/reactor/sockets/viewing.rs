//! The stream, to the viewers' sockets.

use super::Sockets;
use crate::ids::{ConnId, Peer};
use crate::limits::VIEWERS_PER_STEP;
use crate::reactor::context::Context;
use crate::reactor::token::Token;
use crate::reactor::viewers::Way;
use crate::service::rtsp::Transport;

impl Sockets {
    /// Begins the stream for a viewer.
    pub fn watch(&mut self, conn: ConnId, transport: Transport, from: u64, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        let way = match transport {
            Transport::Tcp { rtp, .. } => {
                connection.watch(cx.ring, from, rtp, cx.now);
                Way::Tcp
            }
            Transport::Udp { rtp, .. } => {
                let Some(route) = connection.stream.datagrams_to(rtp) else { return };
                Way::udp(cx.ring, from, route)
            }
        };
        self.begin(conn, way, cx);
    }

    /// Begins the stream for a browser.
    pub fn watch_mp4(&mut self, conn: ConnId, from: u64, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        connection.watch_mp4(cx.ring, from, cx.now);
        self.begin(conn, Way::Tcp, cx);
    }

    fn begin(&mut self, conn: ConnId, way: Way, cx: &mut Context<'_>) {
        self.viewers.add(conn, way);
        // Not now: many viewers may begin with one picture.
        self.viewers.again();
        cx.agenda.put_off_once(Token::Viewers);
    }

    /// Bytes of the stream that are kept for slow viewers.
    pub(super) fn kept_bytes(&mut self) -> usize {
        let Self { table, viewers, .. } = self;
        viewers.iter().map(|viewer| table.find(viewer.conn).map_or(0, |connection| connection.kept_bytes())).sum()
    }

    /// Ends the stream for a viewer.
    pub fn unwatch(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        self.viewers.remove(conn);
        let Some(connection) = self.table.find(conn) else { return };
        connection.unwatch();
        let sent = connection.flush(cx.ring);
        self.after_sending(conn, &sent, cx);
    }

    /// There are new pictures: every viewer gets them, in this step and the following ones.
    pub fn pictures(&mut self, cx: &mut Context<'_>) {
        self.viewers.again();
        self.stream(cx);
    }

    /// Sends to the next viewers that have not had the newest pictures.
    pub fn stream(&mut self, cx: &mut Context<'_>) {
        for _ in 0..VIEWERS_PER_STEP {
            let Some(viewer) = self.viewers.next() else { return };
            let conn = viewer.conn;
            match &mut viewer.way {
                Way::Udp(udp) => {
                    let more = self.datagrams.as_mut().is_some_and(|datagrams| datagrams.stream(udp, cx));
                    if more {
                        self.viewers.again();
                    }
                }
                Way::Tcp => {
                    if let Some(connection) = self.table.find(conn).filter(|connection| connection.may_stream()) {
                        let sent = connection.flush(cx.ring);
                        self.after_sending(conn, &sent, cx);
                    }
                }
            }
        }
        if self.viewers.are_due() {
            cx.agenda.put_off_once(Token::Viewers);
        }
    }

    /// The UDP port of the stream takes datagrams again.
    pub fn datagrams_flow(&mut self, cx: &mut Context<'_>) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.unblocked(cx.registry);
        }
        self.pictures(cx);
    }

    /// Sends an RTCP packet to a port of a connection's other end.
    pub fn send_rtcp(&mut self, conn: ConnId, port: u16, bytes: &[u8], cx: &mut Context<'_>) {
        let route = self.table.find(conn).and_then(|connection| connection.stream.datagrams_to(port));
        if let (Some(route), Some(datagrams)) = (route, &self.datagrams) {
            datagrams.send_rtcp(&route, bytes, cx);
        }
    }

    /// Resumes reading from the RTCP port, after it was paused by the rate limit.
    pub fn rtcp_rested(&mut self) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.rested();
        }
    }

    /// Reads one datagram from the RTCP port, within the rate limit: its length, and where it came from.
    pub fn read_rtcp(&mut self, buffer: &mut [u8], cx: &mut Context<'_>) -> Option<(usize, Peer, u16)> {
        self.datagrams.as_mut()?.receive(buffer, cx)
    }
}
