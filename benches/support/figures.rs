//! Arithmetic on figures.

#![expect(clippy::cast_precision_loss, reason = "figures for people, with three digits")]

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The median of each figure of several runs. A sample is a struct whose fields are all `u64`.
pub fn medians<S: Serialize + DeserializeOwned>(samples: &[S]) -> io::Result<S> {
    let samples = samples.iter().map(|sample| serde_json::from_value(serde_json::to_value(sample)?));
    let samples: Vec<Map<String, Value>> = samples.collect::<Result<_, _>>()?;
    let names = samples.first().into_iter().flat_map(Map::keys);
    let median_of = |name: &String| {
        let mut values: Vec<u64> = samples.iter().filter_map(|sample| sample[name].as_u64()).collect();
        values.sort_unstable();
        (name.clone(), Value::from(median(&values)))
    };
    Ok(serde_json::from_value(names.map(median_of).collect())?)
}

fn median(sorted: &[u64]) -> u64 {
    match sorted.len() {
        0 => 0,
        // With an even number, the mean of the middle two.
        n if n.is_multiple_of(2) => sorted[n / 2 - 1].midpoint(sorted[n / 2]),
        n => sorted[n / 2],
    }
}

/// A percentile, or 0 of nothing.
pub fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// `a` in proportion to `b`.
pub fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b.max(1) as f64
}

/// Microseconds.
pub fn us(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// Megabytes.
pub fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
