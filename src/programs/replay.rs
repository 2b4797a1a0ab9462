//! `bidhub replay`: plays a recorded bid history against a running hub and says what came of it.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::{ConfigError, Settings};
use crate::domain::{Span, increments::Increments};
use crate::load::client::Codec;
use crate::load::identity::Signer;
use crate::load::pool::Pool;
use crate::load::progress::Report;
use crate::load::recording::{self, Lot};
use crate::load::replay::{Plan, Replay};
use crate::load::rest::Rest;

const TOKEN_LIFE: Span = Span::from_secs(48 * 3_600);

/// What to replay, and against which hub.
#[derive(Args)]
pub struct ReplayArgs {
    /// The record: CSV with auction,item,duration_days,opening_minor,recorded_price_minor,bid_day,bidder,max_minor
    #[arg(value_name = "CSV", required_unless_present = "named_file")]
    pub file: Option<PathBuf>,
    /// The record, as an option
    #[arg(long = "file", value_name = "CSV", conflicts_with = "file", id = "named_file", hide = true)]
    pub named_file: Option<PathBuf>,
    /// The hub
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Times faster than recorded, such as 86400 for a day in a second [default: as fast as the hub decides]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// Sockets open at a time, and bids under way; stay below the hub's max_connections_per_address
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// How messages are written
    #[arg(long, value_enum, default_value_t = Codec::Json)]
    pub codec: Codec,
    /// Increment table: ebay, default (the hub's own), or a JSON file with [{"from":0,"step":5},…]
    #[arg(long, value_name = "TABLE", default_value = "ebay")]
    pub increments: String,
    /// Only the first so many auctions of the record
    #[arg(long, value_name = "COUNT")]
    pub limit_auctions: Option<usize>,
    /// Name of this replay: the same name goes on with the auctions that it has on sale, a new one begins anew
    #[arg(long, value_name = "NAME", default_value = "replay")]
    pub run: String,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Fail unless so many bids are accepted
    #[arg(long, value_name = "COUNT")]
    pub expect_accepted: Option<u64>,
    /// Fail unless the final price of so many auctions is the recorded one
    #[arg(long, value_name = "COUNT")]
    pub expect_equal: Option<u64>,
}

/// Replays and prints the result. False if something could not be played, or is not as expected.
pub async fn run(settings: &Settings, args: &ReplayArgs) -> anyhow::Result<bool> {
    let Some(secret) = &settings.auth.jwt_secret else {
        return Err(ConfigError("replay needs --jwt-secret, the one that the hub was started with".into()).into());
    };
    let lots = read_lots(args)?;
    let report = replay(args, secret, &lots).await?;
    if args.json {
        super::say(format_args!("{}", serde_json::to_string(&report)?));
    } else {
        super::say(format_args!("{report}"));
    }
    Ok(as_expected(args, &report, lots.len()))
}

async fn replay(args: &ReplayArgs, secret: &SecretString, lots: &[Lot]) -> anyhow::Result<Report> {
    let (clock, chance) = (Clock::System, Chance::System);
    let rest = Rest::new(&args.url, chance.clone())?;
    let signer = Signer::new(secret, clock.now(), TOKEN_LIFE);
    let connections = usize::from(args.connections);
    let pool = Pool::new(rest.socket_url(), args.codec, signer, &args.run, connections);
    let plan = Plan { at_once: connections, speed: args.speed, increments: increments(&args.increments)? };
    let replay = Replay::new(rest, pool, plan, clock, chance);
    replay.play(lots).await.with_context(|| format!("the replay against {} could not begin", args.url))
}

fn read_lots(args: &ReplayArgs) -> anyhow::Result<Vec<Lot>> {
    // The command line has one of the two.
    let file = args.file.clone().or_else(|| args.named_file.clone()).unwrap_or_default();
    let name = || format!("{} cannot be read as a record", file.display());
    let mut lots = recording::read(std::fs::File::open(&file).with_context(name)?).with_context(name)?;
    lots.truncate(args.limit_auctions.unwrap_or(usize::MAX));
    Ok(lots)
}

fn as_expected(args: &ReplayArgs, report: &Report, lots: usize) -> bool {
    let mut met = report.unplayed_bids == 0 && report.auctions == lots as u64;
    let counts =
        [("accepted", args.expect_accepted, report.accepted), ("equal", args.expect_equal, report.equal_prices)];
    for (name, expected, found) in counts {
        if let Some(expected) = expected.filter(|&expected| expected != found) {
            eprintln!("{name}: {found}, where {expected} was expected");
            met = false;
        }
    }
    met
}

/// The table to create auctions with; none for the hub's own.
fn increments(name: &str) -> anyhow::Result<Option<Value>> {
    match name {
        "default" => Ok(None),
        "ebay" => {
            let table = Increments::default();
            let band = |band: &crate::domain::increments::Band| json!({"from": band.from.minor_units(), "step": band.step.minor_units()});
            Ok(Some(table.bands().iter().map(band).collect()))
        }
        file => {
            let text = std::fs::read(file).with_context(|| format!("the increment table {file} cannot be read"))?;
            Ok(Some(serde_json::from_slice(&text).with_context(|| format!("{file} is no JSON"))?))
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("a factor is a number above 0".to_owned()),
    }
}
