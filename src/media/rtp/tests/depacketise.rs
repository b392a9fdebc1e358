//! A receiver of H.264 over RTP (RFC 6184), for tests: it panics at whatever a strict one would refuse.

/// A picture that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its RTP time.
    pub time: u32,
    /// Its first packet's sequence number.
    pub sequence: u16,
    /// Its NAL units.
    pub units: Vec<Vec<u8>>,
}

/// Puts packets together.
#[derive(Debug, Default)]
pub struct Depacketiser {
    /// The sequence number that has to come next.
    next: Option<u16>,
    ssrc: Option<u32>,
    open: Option<Received>,
    fragments: Option<Vec<u8>>,
    /// Whole pictures.
    pub pictures: Vec<Received>,
    /// Gaps in the sequence numbers, each with how many packets are missing.
    pub gaps: Vec<u16>,
}

impl Depacketiser {
    /// Takes one packet.
    pub fn packet(&mut self, packet: &[u8]) {
        assert!(packet.len() <= 1412, "a packet of {} bytes", packet.len());
        let (header, payload) = packet.split_at(12);
        assert_eq!((header[0], header[1] & 0x7F), (0x80, 96));
        let marker = header[1] & 0x80 != 0;
        let sequence = u16::from_be_bytes([header[2], header[3]]);
        let time = u32::from_be_bytes(header[4..8].try_into().unwrap());
        let ssrc = u32::from_be_bytes(header[8..12].try_into().unwrap());
        assert_eq!(*self.ssrc.get_or_insert(ssrc), ssrc);
        if let Some(expected) = self.next.filter(|&expected| expected != sequence) {
            self.gaps.push(sequence.wrapping_sub(expected));
            (self.open, self.fragments) = (None, None);
        }
        self.next = Some(sequence.wrapping_add(1));
        let open = self.open.get_or_insert_with(|| Received { time, sequence, units: Vec::new() });
        assert_eq!(open.time, time, "the picture before had no marker");
        match payload[0] & 31 {
            28 => {
                let [indicator, fu, data @ ..] = payload else { panic!("a fragment without a header") };
                assert!(!data.is_empty(), "an empty fragment");
                let (start, end) = (fu & 0x80 != 0, fu & 0x40 != 0);
                assert!(!(start && end), "a unit in one fragment");
                if start {
                    assert!(self.fragments.is_none());
                    self.fragments = Some(vec![indicator & 0xE0 | fu & 0x1F]);
                }
                let unit = self.fragments.as_mut().expect("a first fragment came");
                assert_eq!(unit[0], indicator & 0xE0 | fu & 0x1F);
                unit.extend_from_slice(data);
                if end {
                    open.units.push(self.fragments.take().unwrap());
                } else {
                    assert_eq!(packet.len(), 1412, "only a unit's last fragment may be shorter");
                }
            }
            1..=23 => {
                assert!(self.fragments.is_none(), "a unit within another");
                open.units.push(payload.to_vec());
            }
            other => panic!("a payload of type {other}"),
        }
        if marker {
            assert!(self.fragments.is_none(), "a picture ends within a unit");
            self.pictures.extend(self.open.take());
        }
    }

    /// Takes a stream of interleaved frames, all of them whole and of `channel`.
    pub fn frames(&mut self, channel: u8, mut bytes: &[u8]) {
        while let [dollar, number, high, low, rest @ ..] = bytes {
            assert_eq!((*dollar, *number), (b'$', channel));
            let (packet, behind) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
            self.packet(packet);
            bytes = behind;
        }
        assert!(bytes.is_empty(), "a frame is not whole");
    }
}
