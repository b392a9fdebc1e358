//! Thousands of seeded random events, including impossible ones, checked against a shadow model of the children and their
//! video.

use super::*;
use crate::config::CameraSource;

/// A repeatable random number generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("small")]
    }
}

/// The model: the live children, and the state of stalls and failures according to the rules.
#[derive(Default)]
struct Shadow {
    alive: Vec<Role>,
    /// When the pipeline was started, or its video last moved.
    progress: Mono,
    /// Whether there was no video since a camera was started.
    awaited: bool,
    /// The pipeline's first video.
    first: Option<Mono>,
    /// Failures since the pipeline was last healthy, which the supervisor's count must equal.
    failures: u32,
    stalls: u32,
    resets: u32,
}

impl Shadow {
    /// Records video in a pipeline that is not being stopped.
    fn video(&mut self, now: Mono) {
        (self.progress, self.awaited) = (now, false);
        if now.since(*self.first.get_or_insert(now)) >= Duration::from_secs(30) {
            self.resets += u32::from(self.failures > 0);
            self.failures = 0;
        }
    }

    fn apply(&mut self, now: Mono, out: &[Action], context: &str) {
        for action in out {
            match action {
                Action::Spawn { role, argv } => {
                    assert!(!self.alive.contains(role), "a second {role:?}: {context}");
                    assert!(!argv.is_empty(), "nothing to run: {context}");
                    self.alive.push(*role);
                    match role {
                        Role::Camera => self.awaited = true,
                        Role::Publisher | Role::Probe => {}
                    }
                }
                Action::CountStart => (self.progress, self.first) = (now, None),
                Action::Signal { role, .. } => assert!(self.alive.contains(role), "no child to signal: {context}"),
                Action::Report(report) => assert!(!report.to_string().contains('\n'), "{context}"),
                Action::CountFailure { stalled } => {
                    assert!(self.alive.is_empty(), "diagnosed too soon: {context}");
                    self.failures += 1;
                    self.stalls += u32::from(*stalled);
                }
            }
        }
    }
}

const LINES: [&str; 7] = [
    "ERROR: *** no cameras available ***",
    "Device timeout detected, attempting a restart!!!",
    "failed to acquire camera",
    "ERROR: *** Unable to find an appropriate H.264 codec ***",
    "Connection refused",
    "Broken pipe",
    "  --low-latency --libav-format \u{fffd}",
];

fn config(dice: &mut Dice) -> CameraConfig {
    let source = dice.pick(&CameraSource::ALL);
    let command = Some(vec!["cam".into(), dice.pick(&["{gain}", "fixed"]).into()]);
    let rtsp_url = dice.pick(&[None, Some("rtsp://h/x")]).map(str::to_owned);
    CameraConfig { source, command, rtsp_url, stall_seconds: dice.pick(&[1, 10]), ..CameraConfig::default() }
}

/// One random event. The shadow records every death, expected or not.
fn random_event(dice: &mut Dice, shadow: &mut Shadow) -> Event<'static> {
    let role = dice.pick(&Role::ALL);
    match dice.below(21) {
        0 => Event::Start,
        1 => Event::SettingsChanged(CameraSettings { shutter: dice.pick(&[1, 2, 3]), ..CameraSettings::default() }),
        2 => Event::Reconfigured(config(dice)),
        3 => {
            shadow.alive.retain(|alive| *alive != role);
            Event::SpawnFailed { role, errno: dice.pick(&[2, 13, 11]), text: "text" }
        }
        4..=6 => Event::Line { role, text: dice.pick(&LINES) },
        7..=10 => Event::Video { bytes: dice.below(3) },
        11..=13 => {
            shadow.alive.retain(|alive| *alive != role);
            let exit = dice.pick(&[Exit::Code(0), Exit::Code(255), Exit::Signal(2), Exit::Signal(13), Exit::Signal(6)]);
            Event::Exited { role, exit }
        }
        14..=18 => Event::Deadline,
        19 => Event::ClockStepped { by_ms: 1_500 },
        _ => Event::Stop,
    }
}

/// A typical event in normal operation, for this state.
fn calm_event(dice: &mut Dice, shadow: &mut Shadow, state: &str) -> Event<'static> {
    match state {
        "starting" | "running" if dice.below(20) > 0 => Event::Video { bytes: 1 },
        "starting" | "running" => {
            Event::SettingsChanged(CameraSettings { shutter: dice.pick(&[1, 2, 3]), ..CameraSettings::default() })
        }
        "off" => Event::Start,
        "no-camera" | "backing-off" => Event::Deadline,
        _ => {
            let role = if state == "restarting-camera" { Role::Camera } else { shadow.alive[0] };
            shadow.alive.retain(|alive| *alive != role);
            Event::Exited { role, exit: Exit::Code(0) }
        }
    }
}

/// The stall deadline by the rule: one start-up allowance, however many cameras were started since video last moved.
fn stall_deadline(supervisor: &Supervisor, shadow: &Shadow) -> Mono {
    let allowance = if shadow.awaited { Duration::from_secs(5) } else { Duration::ZERO };
    shadow.progress + Duration::from_secs(supervisor.config.stall_seconds.into()) + allowance
}

fn check(supervisor: &Supervisor, shadow: &Shadow, now: Mono, context: &str) {
    if matches!(supervisor.state_name(), "starting" | "running") {
        let deadline = stall_deadline(supervisor, shadow);
        assert_eq!(supervisor.deadline(), Some(deadline), "{context}");
    }
    assert_eq!(supervisor.backoff.failures(), shadow.failures, "at {now:?}: {context}");
    for role in Role::ALL {
        assert_eq!(supervisor.pipeline.is_alive(role), shadow.alive.contains(&role), "{role:?}: {context}");
    }
    if !shadow.alive.is_empty() {
        assert!(supervisor.deadline().is_some(), "no deadline: {context}");
        assert!(!supervisor.is_off(), "off with children: {context}");
    }
    if supervisor.state == State::Off {
        assert!(shadow.alive.is_empty(), "off with children: {context}");
    }
    assert!(!supervisor.status().is_empty());
}

#[test]
fn no_sequence_of_events_breaks_the_invariants() {
    let (mut stalls, mut resets, mut hidden) = (0, 0, 0);
    for seed in 1..=60 {
        let mut dice = Dice(seed);
        let mut supervisor = Supervisor::new(config(&mut dice), CameraSettings::default(), seed);
        let (mut shadow, mut now, mut out) = (Shadow::default(), Mono::from_nanos(0), Vec::new());
        for step in 0..3000 {
            now = match supervisor.deadline() {
                Some(deadline) if dice.below(2) == 0 => now.max(deadline),
                Some(_) | None => now + Duration::from_millis(dice.below(2000)),
            };
            let before = supervisor.state_name();
            let late = before == "restarting-camera" && now >= stall_deadline(&supervisor, &shadow);
            // Some seeds have long stretches of video with settings changes.
            let calm = seed % 3 == 0 && dice.below(64) > 0;
            let event =
                if calm { calm_event(&mut dice, &mut shadow, before) } else { random_event(&mut dice, &mut shadow) };
            let context = format!("seed {seed}, step {step}, {before}, {event:?}");
            let moves = matches!(event, Event::Video { bytes } if bytes > 0);
            if moves && matches!(before, "starting" | "running" | "restarting-camera") {
                shadow.video(now);
            }
            let config_before = supervisor.config.clone();
            out.clear();
            supervisor.handle(now, event, &mut out);
            let starts = |role| out.iter().any(|done| matches!(done, Action::Spawn { role: it, .. } if *it == role));
            assert!(!(late && starts(Role::Camera) && !starts(Role::Publisher)), "a stall is hidden: {context}");
            hidden += u32::from(late && supervisor.state_name() == "stopping-to-back-off");
            shadow.apply(now, &out, &context);
            // A new configuration resets the failures.
            if (CameraConfig { stall_seconds: supervisor.config.stall_seconds, ..config_before }) != supervisor.config {
                shadow.failures = 0;
            }
            check(&supervisor, &shadow, now, &context);
        }
        out.clear();
        supervisor.handle(now, Event::Stop, &mut out);
        shadow.apply(now, &out, "the stop");
        for role in std::mem::take(&mut shadow.alive) {
            assert!(!supervisor.is_off(), "seed {seed}");
            out.clear();
            supervisor.handle(now, Event::Exited { role, exit: Exit::Signal(9) }, &mut out);
            assert!(out.is_empty(), "seed {seed}: {out:?}");
        }
        assert!(supervisor.is_off(), "seed {seed}: off after Stop and all exits");
        assert_eq!(supervisor.deadline(), None, "seed {seed}");
        (stalls, resets) = (stalls + shadow.stalls, resets + shadow.resets);
    }
    assert!(stalls > 100 && resets > 10 && hidden > 10, "too tame: {stalls} stalls, {resets} resets, {hidden} late");
}
