//! The shape of the source, held by a test: who may import whom, where SQL may stand, how a file begins and how long it
//! may grow. It reads text and knows no types, so that it also sees code that this build leaves out.

mod deploy;
mod imports;
mod layers;
mod source;

use std::path::{Path, PathBuf};

use source::Source;

/// Beyond this a file usually hides two.
const MAX_LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree that people wrote, by its path from the root.
fn files(below: &str) -> Vec<(String, PathBuf)> {
    const NOT_OURS: [&str; 5] = [".git", "target", "node_modules", "data", "Cargo.lock"];
    let mut found = Vec::new();
    let mut open = vec![root().join(below)];
    while let Some(path) = open.pop() {
        if path.file_name().is_some_and(|name| NOT_OURS.iter().any(|one| name == *one)) {
            continue;
        }
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else {
            let name = path.strip_prefix(root()).expect("below the root").to_str().expect("a name in UTF-8").to_owned();
            found.push((name, path));
        }
    }
    found.sort();
    found
}

/// Every file of Rust in `src`, read.
fn sources() -> Vec<Source> {
    let rust = files("src").into_iter().filter(|(name, _)| name.ends_with(".rs"));
    let read: Vec<_> =
        rust.map(|(name, path)| Source::new(&name, &std::fs::read_to_string(path).expect("a file of text"))).collect();
    assert!(read.len() > 80, "src was not found: {} files", read.len());
    read
}

#[track_caller]
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn modules_import_only_what_stands_below_them() {
    none(&sources().iter().flat_map(layers::breaches).collect::<Vec<_>>());
}

#[test]
fn every_module_has_its_row_and_no_row_is_twice() {
    let mut rows: Vec<_> = layers::LAYERS.iter().map(|layer| layer.module).collect();
    for source in sources() {
        assert!(rows.contains(&source.module()), "{} is in no row of the table", source.name);
    }
    rows.sort_unstable();
    assert!(rows.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn sql_stands_only_in_stores() {
    none(&sources().iter().flat_map(layers::stray_sql).collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    let mut breaches = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            breaches.push(format!("{}: does not open with //!", source.name));
        }
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            breaches.push(format!("{}: {lines} lines, more than {MAX_LINES}", source.name));
        }
    }
    none(&breaches);
}

/// Two shapes of one name would stand as one in the description of the API, and one of them be told wrongly.
#[test]
fn no_two_described_shapes_have_one_name() {
    let mut named: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    let mut breaches = Vec::new();
    for source in sources() {
        let text = source.text.as_str();
        let derives = text.match_indices("#[derive(").map(|(at, _)| at);
        for at in derives.filter(|at| text[*at..].lines().next().is_some_and(|line| line.contains("ToSchema"))) {
            let rest = &text[at..];
            // From the derive on to the item, and what stands between says if it has another name.
            let Some(end) = rest.find("\n}").map(|end| end.min(rest.find(" {").unwrap_or(end))) else { continue };
            let head = &rest[..end];
            let Some(item) = ["struct ", "enum "].iter().find_map(|word| head.rsplit_once(word)) else { continue };
            let other = item.0.split_once("schema(as = ").and_then(|(_, name)| name.split(')').next());
            let word = |c: char| !c.is_alphanumeric() && c != '_';
            let name = other.or_else(|| item.1.split(word).next()).unwrap_or_default().to_owned();
            if let Some(first) = named.insert(name.clone(), source.name.clone()) {
                breaches.push(format!("{name} is described by {first} and by {}", source.name));
            }
        }
    }
    assert!(named.len() > 40, "{named:?}");
    none(&breaches);
}

#[test]
fn unsafe_is_nowhere() {
    let has_word = |source: &Source| source.words().any(|word| word == "unsafe");
    none(&sources().iter().filter(|one| has_word(one)).map(|one| one.name.clone()).collect::<Vec<_>>());
}

#[test]
fn no_file_names_a_place_on_someones_machine() {
    // In halves, or this file would find itself.
    let places = [concat!("/wo", "rk/"), concat!("/tmp/he", "lpers"), concat!("/ho", "me/")];
    let mut breaches = Vec::new();
    for (name, path) in files("") {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        breaches.extend(places.iter().filter(|place| text.contains(**place)).map(|place| format!("{name}: {place}")));
    }
    none(&breaches);
}

/// A checker that cannot fail proves nothing: each of these lines breaks a rule, and must be seen to.
#[test]
fn a_breach_is_found() {
    for (name, text, said) in [
        ("src/domain/money.rs", "use crate::clock::Clock;", "domain imports clock"),
        ("src/domain/money.rs", "fn f() { crate::room::open() }", "domain imports room"),
        ("src/room/actor.rs", "use crate::{domain::Money, http};", "room imports http"),
        ("src/ws/session.rs", "use crate::{domain::{Money, Span}, features::accounts};", "ws imports features"),
        ("src/http/frame.rs", "use super::super::ws;", "http imports ws"),
        (
            "src/features/staff/mod.rs",
            "use crate::features::accounts::Accounts;",
            "features::staff imports features::accounts",
        ),
        ("src/features/staff/mod.rs", "use super::accounts::Accounts;", "features::staff imports features::accounts"),
        (
            "src/features/staff/mod.rs",
            "use crate::features::{staff, accounts};",
            "features::staff imports features::accounts",
        ),
        ("src/journal/mod.rs", "use /* why */ crate::app;", "journal imports app"),
    ] {
        let found = layers::breaches(&Source::new(name, text));
        assert!(found.iter().any(|one| one.contains(said)), "{text} in {name}: {found:?}");
    }
    for (name, text) in [
        ("src/http/list.rs", "let text = \"select id from auctions\";"),
        ("src/app.rs", "sql!(db.read(), one Row, text)"),
        ("src/ws/session.rs", "sqlx::query(text)"),
        ("src/features/staff/mod.rs", "let text = r#\"\n  UPDATE auctions SET price = 1\"#;"),
    ] {
        assert!(!layers::stray_sql(&Source::new(name, text)).is_empty(), "{text} in {name}");
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    for (name, text) in [
        (
            "src/domain/money.rs",
            "//! See [`crate::clock`].\n/* use crate::app; */ const A: &str = \"crate::app\"; use super::ids;",
        ),
        ("src/domain/money.rs", "use crate::domain::Span;\n#[cfg(test)]\nmod tests { use crate::app::Env; }"),
        ("src/features/staff/mod.rs", "use crate::features::staff::rules; use super::staff; use self::store;"),
        ("src/app.rs", "use crate::features::{accounts, staff};"),
    ] {
        let found = layers::breaches(&Source::new(name, text));
        assert!(found.is_empty(), "{found:?}");
    }
    let store = Source::new("src/features/staff/store.rs", "sql!(db, exec, \"delete from audit where id = $1\", id)");
    assert!(layers::stray_sql(&store).is_empty());
    let prose =
        Source::new("src/cli.rs", "/// Select from what is there.\nconst A: &str = \"select a room to update\";");
    assert!(layers::stray_sql(&prose).is_empty());
}
