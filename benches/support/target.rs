//! Targets and the machine, as text.

use std::fmt::Write;

/// A target and its figure.
pub struct Target {
    /// The target.
    pub name: String,
    /// The measured figure.
    pub figure: String,
    /// Whether the target is reached.
    pub reached: bool,
    /// Whether other processes on the machine affect the figure.
    pub of_time: bool,
}

/// A table with a line for each target.
pub fn show(targets: &[Target]) -> String {
    let mut text = String::from("\ntarget                                              figure");
    for Target { name, figure, reached, .. } in targets {
        let reached = if *reached { "reached" } else { "NOT reached" };
        let _infallible = write!(text, "\n{name:<50}  {figure:<61} {reached}");
    }
    text
}

/// The names of the missed targets that are enforced: on a machine with other load, not those of time.
pub fn missed(targets: Vec<Target>, quiet_machine: bool) -> Vec<String> {
    let enforced = targets.into_iter().filter(|target| !target.reached && (quiet_machine || !target.of_time));
    enforced.map(|target| target.name).collect()
}

/// A description of the machine.
pub fn machine() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cpus} x {model}, Linux {}, load average at the start {load}", kernel.trim())
}
