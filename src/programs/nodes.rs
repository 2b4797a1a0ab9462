//! `bidhub nodes`: who of the hub's nodes lives, and what each is busy with. It only reads, and asks no node itself.

use anyhow::Context as _;

use super::say;
use crate::clock::Clock;
use crate::config::{ConfigError, Settings};
use crate::coordination::redis::{NodeInfo, nodes};
use crate::domain::Timestamp;

const HEADINGS: [&str; 10] =
    ["NODE", "NAME", "VERSION", "UP", "STATE", "ROOMS", "FOLLOWED", "CONNECTIONS", "PROJECTION", "ARCHIVE"];
/// From this column on there are numbers, which stand to the right.
const FIRST_NUMBER: usize = 5;

/// How to show the nodes.
#[derive(clap::Args)]
pub struct NodesArgs {
    /// As JSON, with the rooms that each node runs
    #[arg(long)]
    json: bool,
    /// The rooms that each node runs too, up to 1,000 of each
    #[arg(long, conflicts_with = "json")]
    rooms: bool,
}

/// Prints the nodes. False if there is none.
pub async fn run(settings: &Settings, args: &NodesArgs) -> anyhow::Result<bool> {
    let Some(redis) = super::open_redis(settings)? else {
        return Err(ConfigError("nodes of a hub are found by its redis_url, which is not set".into()).into());
    };
    let found = nodes(&redis).await.context("the nodes cannot be read")?;
    if args.json {
        say(format_args!("{}", serde_json::to_string_pretty(&found)?));
    } else {
        say(format_args!("{}", table(&found, Clock::System.now(), args.rooms).trim_end()));
    }
    Ok(!found.is_empty())
}

/// The nodes as a table, a line each and one for the sum; lags are in events.
pub fn table(nodes: &[NodeInfo], now: Timestamp, rooms: bool) -> String {
    if nodes.is_empty() {
        return "no node is there\n".to_owned();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(nodes.iter().map(|node| row(node, now)));
    rows.push(sum(nodes));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < FIRST_NUMBER { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
        // The first row is the heading, the last the sum.
        if rooms && let Some(node) = number.checked_sub(1).and_then(|index| nodes.get(index)) {
            node.figures.rooms.iter().for_each(|room| text += &format!("  {room}\n"));
        }
    }
    text
}

fn row(node: &NodeInfo, now: Timestamp) -> [String; 10] {
    let figures = &node.figures;
    [
        node.id.to_string(),
        node.name.clone().unwrap_or_else(|| "-".to_owned()),
        node.version.clone(),
        span(now.since(node.started_at.0).millis()),
        if node.draining { "draining" } else { "serving" }.to_owned(),
        figures.rooms_owned.to_string(),
        figures.rooms_followed.to_string(),
        figures.connections.to_string(),
        figures.projection_lag_events.to_string(),
        figures.archive_lag_events.to_string(),
    ]
}

fn sum(nodes: &[NodeInfo]) -> [String; 10] {
    let total = |of: fn(&NodeInfo) -> u64| nodes.iter().map(of).sum::<u64>().to_string();
    // Every node knows the same lags, each at its own moment: the longest counts.
    let most = |of: fn(&NodeInfo) -> u64| nodes.iter().map(of).max().unwrap_or_default().to_string();
    [
        format!("{} in all", nodes.len()),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        total(|node| node.figures.rooms_owned),
        total(|node| node.figures.rooms_followed),
        total(|node| node.figures.connections),
        most(|node| node.figures.projection_lag_events),
        most(|node| node.figures.archive_lag_events),
    ]
}

/// A span of time by its two greatest units.
fn span(millis: i64) -> String {
    let seconds = millis.max(0) / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} m {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} m"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const NODES: &str = r#"[
        {"id":"01938b5e-0000-7000-8000-000000000001","name":"east","version":"0.1.0",
         "started_at":"2026-11-20T09:30:00.000Z","draining":false,"rooms_owned":2,
         "rooms":["01938b5e-0000-7000-8000-0000000000aa","01938b5e-0000-7000-8000-0000000000bb"],
         "rooms_followed":1,"connections":3100,"projection_lag_events":7,"archive_lag_events":0},
        {"id":"01938b5e-0000-7000-8000-000000000002","name":null,"version":"0.2.0",
         "started_at":"2026-11-20T11:29:01.000Z","draining":true,"rooms_owned":0,"rooms":[],
         "rooms_followed":12,"connections":4,"projection_lag_events":5,"archive_lag_events":0}
    ]"#;

    fn nodes() -> Vec<NodeInfo> {
        serde_json::from_str(NODES).unwrap()
    }

    #[test]
    fn a_line_for_each_node_and_one_for_all() {
        let now = clock::parse("2026-11-20T11:30:00.000Z").unwrap();
        let expected = "\
NODE                                  NAME  VERSION  UP       STATE     ROOMS  FOLLOWED  CONNECTIONS  PROJECTION  ARCHIVE
01938b5e-0000-7000-8000-000000000001  east  0.1.0    2 h 0 m  serving       2         1         3100           7        0
01938b5e-0000-7000-8000-000000000002  -     0.2.0    59 s     draining      0        12            4           5        0
2 in all                                                                    2        13         3104           7        0
";
        assert_eq!(table(&nodes(), now, false), expected);
        let with_rooms = table(&nodes(), now, true);
        let lines: Vec<&str> = with_rooms.lines().collect();
        assert_eq!(lines[2], "  01938b5e-0000-7000-8000-0000000000aa");
        assert_eq!(lines.len(), 6);
        assert_eq!(table(&[], now, true), "no node is there\n");
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        let written = serde_json::to_value(nodes()).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(NODES).unwrap());
    }

    #[test]
    fn time_is_told_by_its_two_greatest_units() {
        for (seconds, text) in [(-5, "0 s"), (59, "59 s"), (61, "1 m 1 s"), (7_260, "2 h 1 m"), (90_000, "1 d 1 h")] {
            assert_eq!(span(seconds * 1_000), text);
        }
    }
}
