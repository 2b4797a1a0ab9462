//! Prints what was measured, kind by kind.

use std::collections::BTreeMap;
use std::time::Duration;

pub struct Table {
    engine: &'static str,
    steps: Vec<(usize, BTreeMap<&'static str, Vec<Duration>>)>,
}

const ALL: &str = "all of them";

impl Table {
    pub fn new(engine: &'static str) -> Self {
        Self { engine, steps: Vec::new() }
    }

    /// What was measured over so many auctions.
    pub fn add(&mut self, size: usize, times: Vec<(&'static str, Duration)>) {
        let mut kinds: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
        for (kind, time) in times {
            kinds.entry(kind).or_default().push(time);
            kinds.entry(ALL).or_default().push(time);
        }
        kinds.values_mut().for_each(|times| times.sort_unstable());
        self.steps.push((size, kinds));
    }

    pub fn print(&self) {
        let Some((_, kinds)) = self.steps.last() else { return };
        println!("\n{}: p50 / p95 / p99 in ms", self.engine);
        let sizes: Vec<String> = self.steps.iter().map(|(size, _)| format!("{size} auctions")).collect();
        println!("| | of {} | {} | p99 grows |", kinds[ALL].len(), sizes.join(" | "));
        println!("|---|{}", "---|".repeat(self.steps.len() + 2));
        for (kind, times) in kinds {
            let cells: Vec<String> = self.steps.iter().map(|(_, kinds)| cell(&kinds[kind])).collect();
            let p99 = |step: usize| percentile(&self.steps[step].1[kind], 99);
            let growth = p99(self.steps.len() - 1) / p99(0);
            println!("| {kind} | {} | {} | {growth:.1} × |", times.len(), cells.join(" | "));
        }
    }
}

fn cell(times: &[Duration]) -> String {
    [50, 95, 99].map(|of_100| format!("{:.1}", percentile(times, of_100))).join(" / ")
}

/// In milliseconds; the times are in order.
fn percentile(times: &[Duration], of_100: usize) -> f64 {
    times[(times.len() * of_100 / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
}
