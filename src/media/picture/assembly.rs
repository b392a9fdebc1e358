//! What the assembler does with each event of the splitter.

use super::{
    Assembler, Cut, Ending, Fault, Kind, MAX_PARAMETER_SET_BYTES, MAX_PICTURE_BYTES, MAX_PICTURE_UNITS, Mono, Target,
    Unproven, begins_picture, is_first_slice, units,
};

impl Assembler {
    /// A unit begins that belongs to the open picture, or opens one.
    pub(super) fn begin(&mut self, head: [u8; 2], now: Mono) {
        let kind = Kind::of(head[0]);
        let is_slice = matches!(kind, Kind::Slice | Kind::IdrSlice);
        if begins_picture(head) {
            if let Some(Unproven { key, gap, .. }) = self.unproven.take() {
                self.endings.ended(key, gap.map_or(Ending::AtDrain, Ending::DrainedInside));
            }
            self.open.arrived.get_or_insert(now);
        } else if is_slice {
            self.goes_on(now);
        }
        self.target = match kind {
            Kind::Slice | Kind::IdrSlice => self.begin_slice(kind == Kind::IdrSlice, head),
            Kind::Sei => self.begin_in_picture(head),
            Kind::Sps | Kind::Pps => {
                self.open.has_sets = true;
                self.set.clear();
                self.set.extend_from_slice(&head);
                Target::Set
            }
            Kind::Delimiter | Kind::Other(_) => Target::Nowhere,
        };
    }

    fn begin_slice(&mut self, idr: bool, head: [u8; 2]) -> Target {
        if self.open.slices_at.is_none() {
            self.open.key = idr;
            if !is_first_slice(head[1]) {
                self.open.fault = Some(Fault::Incomplete);
            }
            if (idr || self.open.has_sets)
                && let Some(format) = self.sets.format()
            {
                format.insert_before(&mut self.units);
            }
            self.open.slices_at = Some(self.units.len());
        }
        self.begin_in_picture(head)
    }

    fn begin_in_picture(&mut self, head: [u8; 2]) -> Target {
        self.open.units += 1;
        if self.open.units > MAX_PICTURE_UNITS {
            self.fail(Fault::TooLarge);
        }
        if self.open.fault.is_some() {
            return Target::Nowhere;
        }
        let at = units::begin(&mut self.units);
        self.append(&head);
        Target::Picture(at)
    }

    pub(super) fn take(&mut self, bytes: &[u8], now: Mono) {
        match self.target {
            Target::Nowhere => {}
            Target::Set if self.set.len() + bytes.len() > MAX_PARAMETER_SET_BYTES => {
                self.counts.bad_parameter_sets += 1;
                self.target = Target::Nowhere;
            }
            Target::Set => self.set.extend_from_slice(bytes),
            Target::Picture(_) => {
                self.goes_on(now);
                self.append(bytes);
            }
            Target::Closed => {
                self.goes_on(now);
                self.target = Target::Nowhere;
            }
        }
    }

    /// The last picture, open or closed, has more than it had at the last drain.
    fn goes_on(&mut self, now: Mono) {
        if let Some(Unproven { cut, key, drained, .. }) = self.unproven.take() {
            self.counts.wrong_cuts += 1;
            self.endings.cut_was_wrong(key, cut, now.since(drained));
            self.needs_key = true;
        } else if let Some(since) = self.open.drained.take() {
            let gap = now.since(since);
            self.open.gap = Some(self.open.gap.map_or(gap, |longest| longest.max(gap)));
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.units.len() + bytes.len() > MAX_PICTURE_BYTES {
            self.fail(Fault::TooLarge);
        } else if self.open.fault.is_none() {
            self.units.extend_from_slice(bytes);
        }
    }

    /// The open picture can't be used. What there is of it goes; what comes is only looked at for its end.
    fn fail(&mut self, fault: Fault) {
        self.open.fault.get_or_insert(fault);
        self.units.clear();
    }

    pub(super) fn end_unit(&mut self) {
        match std::mem::replace(&mut self.target, Target::Nowhere) {
            Target::Nowhere | Target::Closed => {}
            Target::Set => self.end_set(),
            Target::Picture(at) if self.open.fault.is_none() => units::end(&mut self.units, at),
            Target::Picture(_) => {}
        }
    }

    fn end_set(&mut self) {
        let is_sps = Kind::of(self.set[0]) == Kind::Sps;
        let known = if is_sps { self.sets.take_sps(&self.set).is_ok() } else { self.sets.take_pps(&self.set) };
        if !known {
            self.counts.bad_parameter_sets += 1;
        }
    }

    pub(super) fn too_long(&mut self) {
        self.counts.units_too_long += 1;
        match std::mem::replace(&mut self.target, Target::Nowhere) {
            Target::Nowhere | Target::Set | Target::Closed => {}
            Target::Picture(at) if self.open.slices_at.is_none() => self.units.truncate(at),
            Target::Picture(_) => self.fail(Fault::Incomplete),
        }
    }

    /// Closes the open picture, after a drain or because it is certainly complete. Returns whether it can be shown.
    pub(super) fn close(&mut self, cut: Option<Cut>) -> bool {
        let (key, gap) = (self.open.key, self.open.gap);
        if let Some((cut, drained)) = cut.zip(self.open.drained) {
            self.unproven = Some(Unproven { cut, key, gap, drained });
        } else {
            let otherwise = if self.open.drained.is_some() { Ending::AtDrain } else { Ending::Unseen };
            self.endings.ended(key, gap.map_or(otherwise, Ending::DrainedInside));
        }
        let was_within = matches!(self.target, Target::Picture(_));
        self.end_unit();
        if was_within && cut.is_some() {
            self.target = Target::Closed;
        }
        self.open.done = true;
        let shown = self.judge();
        self.counts.pictures += u64::from(shown);
        self.counts.key_pictures += u64::from(shown && key);
        shown
    }

    /// Whether the closed picture can be shown.
    fn judge(&mut self) -> bool {
        let dropped = match self.open.fault {
            Some(Fault::Incomplete) => &mut self.counts.incomplete,
            Some(Fault::TooLarge) => &mut self.counts.too_large,
            None if self.sets.format().is_none() => &mut self.counts.without_key,
            None if self.needs_key && !self.open.key => {
                self.counts.unseen += 1;
                &mut self.counts.without_key
            }
            None => {
                self.needs_key = false;
                return true;
            }
        };
        *dropped += 1;
        self.needs_key = true;
        false
    }
}
