//! What holds the parts together: the camera's events, the settings file, reload and stop.

use std::path::Path;

use super::peers::Talk;
use super::places::Places;
use super::report::{Report, Shortage};
use super::store::{Due, Outcome, Reading};
use super::{ConnId, Errno, Fresh, Notice, Output, Request, Server};
use crate::camera;
use crate::camera::diagnosis::Role;
use crate::camera::supervisor::{Action, Event};
use crate::limits::{CLOCK_STEP, STOP_TIMEOUT};
use crate::listen::listeners;
use crate::stats::Counter;
use crate::time::{Mono, Now};
use crate::wire;

impl Server {
    /// Tells the supervisor, and has its actions carried out.
    pub(super) fn camera_event(&mut self, now: Mono, event: Event<'_>, out: &mut Vec<Output>) {
        let mut actions = std::mem::take(&mut self.actions);
        self.camera.handle(now, event, &mut actions);
        for action in actions.drain(..) {
            match action {
                Action::Spawn { role, argv } => {
                    // A pipeline begins with its publisher; a settings change restarts the camera alone.
                    if role == Role::Publisher {
                        self.stats.bump(Counter::PipelineStarted);
                    }
                    out.push(Output::Spawn { role, argv });
                }
                Action::Signal { role, signal } => {
                    if signal == camera::supervisor::StopSignal::Kill {
                        self.stats.bump(Counter::ChildKilled);
                    }
                    out.push(Output::Signal { role, signal });
                }
                Action::Report(report) => self.report(now, Report::Camera(report), out),
                Action::CountFailure { stalled } => {
                    self.stats.bump(Counter::PipelineFailed);
                    if stalled {
                        self.stats.bump(Counter::PipelineStalled);
                    }
                }
            }
        }
        self.actions = actions;
        let status = self.camera.status();
        if status != self.status {
            out.push(Output::Notify(Notice::Status(status.clone().into_owned())));
            self.status = status;
        }
        self.exit_if_stopped(out);
    }

    /// Tells the supervisor when the wall clock was set.
    pub(super) fn look_at_clock(&mut self, now: Now, out: &mut Vec<Output>) {
        let by_ms = now.wall_set_by_ms(std::mem::replace(&mut self.seen, now));
        if u128::from(by_ms.unsigned_abs()) > CLOCK_STEP.as_millis() {
            self.camera_event(now.mono, Event::ClockStepped { by_ms }, out);
        }
    }

    /// The settings are to be applied or written.
    pub(super) fn store_due(&mut self, now: Mono, out: &mut Vec<Output>) {
        while let Some(due) = self.store.due(now) {
            match due {
                Due::Apply { settings, origin } => {
                    self.report(now, Report::SettingsApplied { settings, origin }, out);
                    self.camera_event(now, Event::SettingsChanged(settings), out);
                }
                Due::Write(settings) => out.push(Output::Store(settings)),
                Due::GiveUpWaiting(outcome) => {
                    let path = self.config.paths.camera_settings_file();
                    self.store_failing = true;
                    self.report(now, Report::StoreHangs { path }, out);
                    self.tell_clients(now, outcome, out);
                }
                Due::StillHangs(outcome) => self.tell_clients(now, outcome, out),
            }
        }
    }

    /// A write of the settings file is over.
    pub(super) fn stored(&mut self, now: Mono, result: Result<(), Errno>, out: &mut Vec<Output>) {
        let path = self.config.paths.camera_settings_file();
        let outcome = self.store.written(now, result.is_ok());
        match result {
            Ok(()) => {
                self.stats.bump(Counter::SettingsStored);
                if std::mem::take(&mut self.store_failing) {
                    self.report(now, Report::StoreRecovered { path }, out);
                }
            }
            Err(errno) => {
                self.stats.bump(Counter::StoreFailed);
                self.store_failing = true;
                self.report(now, Report::StoreFailed { path, errno }, out);
            }
        }
        self.tell_clients(now, outcome, out);
        if self.stop_by.is_some()
            && result.is_ok()
            && let Some(Due::Write(settings)) = self.store.flush(now)
        {
            out.push(Output::Store(settings));
        }
        self.exit_if_stopped(out);
    }

    /// Carries out what a signal asks for.
    pub(super) fn signal(&mut self, now: Mono, request: Request, out: &mut Vec<Output>) {
        match request {
            Request::Stop => self.stop(now, out),
            Request::Reload if self.stop_by.is_some() => {}
            Request::Reload => {
                out.push(Output::Notify(Notice::Reloading));
                out.push(Output::ReopenLog);
                out.push(Output::Reload);
            }
            Request::Counters => {
                let (failing, grants) = self.access.sizes();
                let text = format!(
                    "clients={} subscribers={} failing_addresses={failing} grants={grants} camera={} {}",
                    self.peers.clients(),
                    self.subscribers.len(),
                    self.camera.state_name(),
                    self.stats
                );
                self.report(now, Report::Counters { text }, out);
            }
        }
    }

    /// Takes what a reload found: all of what can change at run time, or nothing.
    pub(super) fn reloaded(&mut self, now: Mono, found: Result<Box<Fresh>, String>, out: &mut Vec<Output>) {
        if self.stop_by.is_some() {
            return;
        }
        match found {
            Err(why) => {
                self.stats.bump(Counter::ReloadsFailed);
                self.report(now, Report::ReloadFailed { why }, out);
            }
            Ok(fresh) => {
                self.stats.bump(Counter::Reloads);
                let Fresh { config, password, settings, needs_restart } = *fresh;
                let camera_changed = self.adopt(now, &config, password, out);
                if let Some(settings) = settings {
                    let outcome = self.store.reread(now, settings);
                    self.tell_clients(now, outcome, out);
                    self.store_due(now, out);
                }
                // After the settings, so that a camera that starts now takes the new ones at once.
                if camera_changed {
                    self.camera_event(now, Event::Reconfigured(self.config.camera.clone()), out);
                }
                self.report(now, Report::Reloaded { needs_restart }, out);
            }
        }
        out.push(Output::Notify(Notice::Ready));
    }

    /// Puts the part of a configuration in force that can change at run time. Whether the camera is still to be told.
    fn adopt(
        &mut self,
        now: Mono,
        config: &crate::config::Config,
        password: crate::config::Secret,
        out: &mut Vec<Output>,
    ) -> bool {
        let source_before = self.config.data.clone();
        let camera_changed = self.config.camera != config.camera;
        let places_changed = self.config.server.max_clients != config.server.max_clients;
        let opened = self.config.auth.required && !config.auth.required;
        self.config.adopt(config);
        if places_changed {
            self.set_places();
            out.push(Output::MakeRoom { descriptors: Places::new(&listeners(&self.config)).descriptors() });
        }
        out.push(Output::SetLogLevel(self.config.logging.level));
        if self.config.data != source_before {
            out.push(Output::ReadSource(self.source_file().map(Path::to_owned)));
        }
        if password != self.password {
            self.password = password;
            self.access.revoke_grants();
        }
        self.recheck_peers(now, out);
        if opened {
            self.report(now, Report::OpenToNetwork, out);
        }
        camera_changed
    }

    /// Has each service have the places that are configured, as far as the limit on descriptors allows. Nobody who is
    /// there loses one.
    fn set_places(&mut self) {
        let wanted = Places::new(&listeners(&self.config));
        self.places = self.descriptors.map_or(wanted, |descriptors| wanted.within(descriptors));
    }

    /// The limit on descriptors is known.
    pub(super) fn room_made(&mut self, now: Mono, descriptors: u32, out: &mut Vec<Output>) {
        self.descriptors = Some(descriptors);
        self.set_places();
        let max_clients = self.config.server.max_clients;
        let wanted = Places::new(&listeners(&self.config)).descriptors();
        if descriptors < wanted {
            let places = self.places.of_all();
            self.report(
                now,
                Report::TooFewDescriptors(Shortage { limit: descriptors, wanted, max_clients, places }),
                out,
            );
        }
    }

    fn stop(&mut self, now: Mono, out: &mut Vec<Output>) {
        if self.stop_by.is_some() {
            return;
        }
        self.stop_by = Some(now + STOP_TIMEOUT);
        self.report(now, Report::Stopping, out);
        out.push(Output::Notify(Notice::Stopping));
        out.push(Output::CloseListeners);
        if let Some(Due::Write(settings)) = self.store.flush(now) {
            out.push(Output::Store(settings));
        }
        self.camera_event(now, Event::Stop, out);
    }

    /// Stopping has taken too long: the reactor kills what is left.
    pub(super) fn stop_timed_out(&mut self, now: Mono, out: &mut Vec<Output>) {
        let waiting_for = if self.camera.is_off() { "the settings file" } else { "the camera" };
        self.report(now, Report::StopTimedOut { waiting_for }, out);
        self.exited = true;
        out.push(Output::Exit);
    }

    fn exit_if_stopped(&mut self, out: &mut Vec<Output>) {
        if self.stop_by.is_some() && !self.exited && self.camera.is_off() && self.store.is_settled() {
            self.exited = true;
            out.push(Output::Exit);
        }
    }

    /// Answers a read, or has it wait for the disk.
    pub(super) fn read_settings(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        match self.store.read(now, conn) {
            Reading::Answer => {}
            Reading::AnswerNotStored => self.not_stored(now, conn, out),
            Reading::Wait => {
                let Some(peer) = self.peers.find(conn) else { return };
                let blocked = peer.blocked;
                if let Talk::Settings { awaiting, .. } = &mut peer.talk {
                    *awaiting = true;
                }
                // While it waits it owes nothing, but a socket that takes nothing goes on being watched.
                if !blocked {
                    self.peers.set_deadline(conn, None);
                }
                return out.push(Output::Pause(conn));
            }
        }
        out.push(Output::Send { conn, frame: wire::settings::reply(self.store.current()).into() });
    }

    fn tell_clients(&mut self, now: Mono, outcome: Outcome, out: &mut Vec<Output>) {
        for conn in outcome.not_stored {
            self.not_stored(now, conn, out);
        }
        // All are answered before any goes on: what one has sent behind its read may change the settings again, and
        // the next would be told what is not on the disk.
        for &conn in &outcome.answer {
            self.answer(conn, out);
        }
        for conn in outcome.answer {
            self.go_on(now, conn, out);
        }
    }
}
