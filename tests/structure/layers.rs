//! The table: each module of `src`, and what it may import of ours. Read from above, it is the order of the layers.

use crate::imports::imports;
use crate::source::Source;

/// One module and what stands below it.
pub struct Layer {
    pub module: &'static str,
    pub may_import: &'static [&'static str],
}

const fn layer(module: &'static str, may_import: &'static [&'static str]) -> Layer {
    Layer { module, may_import }
}

/// What only the parts at the top may do: import everything.
const ALL: &[&str] = &["*"];

#[rustfmt::skip]
pub const LAYERS: &[Layer] = &[
    // The rules, and what rules may not ask the world for themselves.
    layer("domain",       &[]),
    layer("chance",       &["domain"]),
    layer("clock",        &["domain"]),
    layer("currency",     &["domain"]),
    layer("env",          &["clock", "chance"]),
    layer("schedule",     &["domain"]),
    layer("trace",        &["domain"]),
    // What is kept, who may write it, and the rooms between.
    layer("persistence",  &[]),
    layer("journal",      &["domain", "persistence", "clock", "chance"]),
    layer("coordination", &["domain", "chance", "persistence", "clock", "journal"]),
    layer("live",         &["domain", "coordination"]),
    layer("cache",        &["clock", "chance", "persistence", "coordination"]),
    layer("room",         &["domain", "clock", "chance", "coordination", "journal", "live", "trace"]),
    layer("projection",   &["domain", "persistence", "clock", "chance", "coordination", "journal"]),
    layer("personal",     &["domain", "persistence", "clock", "cache"]),
    layer("notify",       &["domain", "currency", "persistence", "clock", "chance", "coordination", "mail"]),
    layer("ledger",       &["domain", "persistence", "clock", "notify"]),
    layer("audit",        &["domain", "persistence", "clock", "journal"]),
    // Around the rooms: settings, the log, limits, mail, and who moves money in the world.
    layer("config",       &["domain", "currency", "schedule"]),
    layer("telemetry",    &["config", "trace"]),
    layer("lifecycle",    &[]),
    layer("server",       &[]),
    layer("rate_limit",   &["config", "domain"]),
    layer("mail",         &["config", "lifecycle"]),
    layer("payments",     &["domain", "clock", "chance", "currency", "config"]),
    // Callers: who they are, and the ways in. No feature, no SQL.
    layer("auth",         &["domain", "clock", "chance", "coordination", "persistence"]),
    layer("wire",         &["domain", "clock", "journal", "room"]),
    layer("http",         &["domain", "clock", "chance", "persistence", "room", "auth", "rate_limit", "wire"]),
    layer("ws",           &["domain", "clock", "chance", "config", "coordination", "journal", "room", "notify", "auth", "rate_limit", "wire", "http", "trace", "live"]),
    // What leaves by itself for everyone at once.
    layer("kinesis",      &["domain", "persistence", "clock", "chance", "config", "coordination", "journal", "projection", "wire"]),
    // What an auction site offers. Features never import each other; `breaches` sees to that.
    layer("features",     &["domain", "clock", "chance", "currency", "config", "persistence", "coordination", "journal", "room", "projection", "notify", "schedule", "personal",
                            "ledger", "payments", "auth", "http", "wire", "rate_limit", "mail", "lifecycle", "trace", "live", "cache"]),
    // Clients of a hub: they know what everyone outside knows, and nothing more.
    layer("load",         &["domain", "clock", "chance"]),
    // The top, where all is put together.
    layer("hub",          &["domain", "clock", "chance", "env", "config", "lifecycle", "persistence", "journal", "coordination", "room", "cache"]),
    layer("app",          ALL),
    layer("cli",          ALL),
    layer("programs",     ALL),
    layer("lib",          ALL),
    layer("main",         ALL),
];

/// Modules whose import by anything but these is a breach whatever the table says.
const TOP: [(&str, &[&str]); 3] =
    [("app", &["main", "lib", "programs"]), ("cli", &["main", "lib"]), ("hub", &["app", "main", "lib"])];

/// The imports of `source` that no row allows, one line each.
pub fn breaches(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == module) else {
        return vec![format!("{}: `{module}` is in no row of the table", source.name)];
    };
    let mut found = Vec::new();
    for (top, below) in imports(source) {
        let (importer, imported) = match (source.feature(), top.as_str(), below) {
            (Some(own), "features", Some(other)) if own != other && other != "*" => {
                (format!("features::{own}"), format!("features::{other}"))
            }
            (_, other, _) if other == module => continue,
            (_, other, _) if !is_allowed(layer, other) => (module.to_owned(), other.to_owned()),
            _ => continue,
        };
        found.push(format!("{}: {importer} imports {imported}", source.name));
    }
    found.sort();
    found.dedup();
    found
}

fn is_allowed(layer: &Layer, imported: &str) -> bool {
    if let Some((_, by)) = TOP.iter().find(|(top, _)| *top == imported)
        && !by.contains(&layer.module)
    {
        return false;
    }
    layer.may_import == ALL || layer.may_import.contains(&imported)
}

/// Where `source` holds SQL though it is no store, one line each.
pub fn stray_sql(source: &Source) -> Vec<String> {
    let name = source.name.as_str();
    let is_store = name.ends_with("/store.rs")
        || name.contains("/store/")
        || ["src/persistence/", "src/journal/sql/"].iter().any(|folder| name.starts_with(folder));
    if is_store {
        return Vec::new();
    }
    let texts = source.strings.iter().filter(|text| is_sql(text)).map(|text| format!("{name}: SQL in {text:?}"));
    let calls = ["sql!(", "sqlx::query"].iter().filter(|call| source.code.contains(**call));
    texts.chain(calls.map(|call| format!("{name}: runs SQL by {call}"))).collect()
}

fn is_sql(text: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let has = |start: &str, then: &str| text.starts_with(start) && text.contains(then);
    has("select ", " from ")
        || has("insert into ", " values")
        || has("insert into ", " select ")
        || has("update ", " set ")
        || has("delete from ", "")
        || has("create table ", "")
        || has("with ", " as (")
}
