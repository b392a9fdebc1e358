//! Thousands of seeded random events, impossible ones among them, against a shadow of the children.

use super::*;
use crate::config::CameraSource;

/// A repeatable source of chance.
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

/// What the kernel would know.
#[derive(Default)]
struct Shadow {
    alive: Vec<Role>,
}

impl Shadow {
    fn apply(&mut self, out: &[Action], context: &str) {
        for action in out {
            match action {
                Action::Spawn { role, argv } => {
                    assert!(!self.alive.contains(role), "a second {role:?}: {context}");
                    assert!(!argv.is_empty(), "nothing to run: {context}");
                    self.alive.push(*role);
                }
                Action::Signal { role, .. } => assert!(self.alive.contains(role), "nobody to signal: {context}"),
                Action::Report(report) => assert!(!report.to_string().contains('\n'), "{context}"),
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
    let source = dice.pick(&[
        CameraSource::Auto,
        CameraSource::Rpicam,
        CameraSource::Test,
        CameraSource::Command,
        CameraSource::None,
    ]);
    let command = Some(vec!["cam".into(), dice.pick(&["{gain}", "fixed"]).into()]);
    CameraConfig { source, command, stall_seconds: dice.pick(&[1, 10]), ..CameraConfig::default() }
}

/// One random event; the shadow learns of deaths, whether the supervisor asked for them or not.
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

fn check(supervisor: &Supervisor, shadow: &Shadow, context: &str) {
    for role in Role::ALL {
        assert_eq!(supervisor.unit.is_alive(role), shadow.alive.contains(&role), "{role:?}: {context}");
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
fn nothing_that_happens_breaks_the_invariants() {
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
            let event = random_event(&mut dice, &mut shadow);
            let context = format!("seed {seed}, step {step}, {before}, {event:?}");
            out.clear();
            supervisor.handle(now, event, &mut out);
            shadow.apply(&out, &context);
            check(&supervisor, &shadow, &context);
        }
        out.clear();
        supervisor.handle(now, Event::Stop, &mut out);
        shadow.apply(&out, "the stop");
        for role in std::mem::take(&mut shadow.alive) {
            assert!(!supervisor.is_off(), "seed {seed}");
            out.clear();
            supervisor.handle(now, Event::Exited { role, exit: Exit::Signal(9) }, &mut out);
            assert!(out.is_empty(), "seed {seed}: {out:?}");
        }
        assert!(supervisor.is_off(), "seed {seed}: off after Stop and all exits");
        assert_eq!(supervisor.deadline(), None, "seed {seed}");
    }
}
