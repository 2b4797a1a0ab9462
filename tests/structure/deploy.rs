//! What stands in `deploy/` is held to the tree and to the program: every path that is copied or mounted, every port,
//! variable and flag, and every metric that a dashboard or an alert asks for.

use std::collections::BTreeSet;

use bidhub::cli::Cli;
use bidhub::telemetry::{Kind, MEASURES};
use clap::CommandFactory as _;

use super::{files, none, root, sources};

/// What a histogram is asked by.
const HISTOGRAM_PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

fn deployed(name: &str) -> String {
    std::fs::read_to_string(root().join("deploy").join(name)).expect("a file of text")
}

/// Every word of `text` that begins with `prefix`, up to the first sign that is no letter, digit or underscore.
fn words_with<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    text.split(move |sign| !is_word(sign)).filter(move |word| word.starts_with(prefix))
}

fn help() -> String {
    Cli::command().render_long_help().to_string()
}

#[test]
fn the_image_copies_what_is_there_and_runs_what_the_program_can() {
    let (text, cli) = (deployed("Dockerfile").replace("\\\n", " "), Cli::command());
    let ignored = deployed("Dockerfile.dockerignore");
    let mut breaches = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from=")) {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        for path in &words[..words.len() - 1] {
            if !root().join(path).exists() {
                breaches.push(format!("{path} is copied and not there"));
            }
            if !ignored.lines().any(|line| line == format!("!{path}")) {
                breaches.push(format!("{path} is copied, but left out of what the build may see"));
            }
        }
    }
    for source in sources() {
        // What is built into the program must be there when it is built.
        for document in source.strings.iter().filter_map(|text| text.trim_start_matches("../").strip_prefix("docs/")) {
            let path = format!("docs/{document}");
            if root().join(&path).is_file() && !text.contains(&path) {
                breaches.push(format!("{} is built from {path}, which is not copied", source.name));
            }
        }
    }
    let commands: BTreeSet<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    for asked in ["[\"serve\"]", "[\"bidhub\", \"healthcheck\", \"--url\","] {
        assert!(text.contains(asked), "{asked}");
    }
    assert!(commands.contains("serve") && commands.contains("healthcheck"));
    let port = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")).expect("a port");
    for place in [format!("BIDHUB_LISTEN=0.0.0.0:{port}"), format!("http://127.0.0.1:{port}/healthz")] {
        assert!(text.contains(&place), "{place}");
    }
    assert!(
        text.contains(&format!("FROM rust:{}-", env!("CARGO_PKG_RUST_VERSION"))),
        "the Rust that the manifest asks for"
    );
    assert!(text.contains("USER 10001"), "never root");
    none(&breaches);
}

#[test]
fn every_variable_that_is_set_is_a_setting() {
    let help = help();
    let settings: BTreeSet<&str> = words_with(&help, "BIDHUB_").collect();
    assert!(settings.len() > 30, "{settings:?}");
    let mut breaches = Vec::new();
    for (name, path) in files("deploy") {
        let text = std::fs::read_to_string(path).expect("a file of text");
        let unknown = words_with(&text, "BIDHUB_").filter(|word| !settings.contains(word));
        breaches.extend(unknown.map(|word| format!("{name}: {word} is no setting")));
    }
    none(&breaches);
}

#[test]
fn what_is_mounted_is_there_and_every_secret_has_its_example() {
    let (compose, example) = (deployed("compose.yaml"), deployed("secrets.env.example"));
    let mut breaches = Vec::new();
    for word in compose.split(['"', ' ', '\n']).filter(|word| word.starts_with("./")) {
        let path = word.split(':').next().unwrap_or(word);
        if !root().join("deploy").join(path).exists() {
            breaches.push(format!("{path} is mounted and not there"));
        }
    }
    let dockerfile = compose.lines().find_map(|line| line.trim().strip_prefix("dockerfile: ")).expect("an image");
    assert!(root().join(dockerfile).exists());
    let given: BTreeSet<&str> = example.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let asked: BTreeSet<&str> =
        compose.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    assert_eq!(asked, given, "what compose asks for is what the example gives");
    none(&breaches);
}

#[test]
fn proxy_and_prometheus_know_every_node_and_its_port() {
    let compose = deployed("compose.yaml");
    let (proxy, prometheus) = (deployed("Caddyfile"), deployed("prometheus/prometheus.yml"));
    assert_eq!(compose.matches("<<: *node").count(), 3);
    for number in ["1", "2", "3"] {
        let node = format!("node{number}:8080");
        assert!(proxy.contains(&node) && prometheus.contains(&node), "{node}");
        assert!(compose.contains(&format!("  node{number}:\n    <<: *node\n")), "{node} is a service");
    }
    assert!(compose.contains("BIDHUB_LISTEN: 0.0.0.0:8080") && proxy.contains("health_uri /readyz"));
    let number = |name: &str| -> u64 {
        let line = compose.lines().find_map(|line| line.trim().strip_prefix(name)).expect(name);
        line.trim_matches(|sign: char| !sign.is_ascii_digit()).parse().expect("a number")
    };
    assert!(number("stop_grace_period:") * 1_000 > number("BIDHUB_SHUTDOWN_TIMEOUT_MS:"));
    assert!(number("BIDHUB_DRAIN_MS:") <= number("BIDHUB_SHUTDOWN_TIMEOUT_MS:") * 3 / 8, "or it is cut short");
}

#[test]
fn every_metric_that_is_asked_for_is_described() {
    let known: BTreeSet<String> = MEASURES
        .iter()
        .flat_map(|measure| match measure.kind {
            Kind::Histogram => HISTOGRAM_PARTS.iter().map(|part| format!("{}{part}", measure.name)).collect(),
            Kind::Counter | Kind::Gauge => vec![measure.name.to_owned()],
        })
        .collect();
    let mut breaches = Vec::new();
    for name in ["prometheus/alerts.yml", "grafana/dashboard.json"] {
        let text = deployed(name);
        let asked: BTreeSet<&str> = words_with(&text, "bidhub_").collect();
        assert!(asked.len() > 10, "{name}: {asked:?}");
        breaches.extend(asked.into_iter().filter(|word| !known.contains(*word)).map(|word| format!("{name}: {word}")));
    }
    let board = deployed("grafana/dashboard.json");
    serde_json::from_str::<serde_json::Value>(&board).expect("JSON");
    let unseen = MEASURES.iter().filter(|measure| !board.contains(measure.name));
    breaches.extend(unseen.map(|measure| format!("{} is on no panel", measure.name)));
    none(&breaches);
}

#[test]
fn what_is_measured_is_described_and_what_is_described_is_measured() {
    let mut measured = BTreeSet::new();
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.name != "src/telemetry/measures.rs") {
        for (call, kind) in [("counter!", Kind::Counter), ("gauge!", Kind::Gauge), ("histogram!", Kind::Histogram)] {
            for rest in source.text.split(&format!("metrics::{call}(")).skip(1) {
                let name = rest.trim_start().trim_start_matches('"').split('"').next().unwrap_or_default();
                // The probe is a unit test's own.
                if name == "bidhub_probe_seconds" {
                    continue;
                }
                measured.insert(name.to_owned());
                match MEASURES.iter().find(|measure| measure.name == name) {
                    Some(measure) if measure.kind == kind => {}
                    Some(_) => breaches.push(format!("{}: {name} is described as another kind", source.name)),
                    None => breaches.push(format!("{}: {name:?} is described nowhere", source.name)),
                }
            }
        }
    }
    let missing = MEASURES.iter().map(|measure| measure.name).filter(|name| !measured.contains(*name));
    breaches.extend(missing.map(|name| format!("{name} is measured nowhere")));
    none(&breaches);
}

#[test]
fn every_alert_has_its_place_in_the_manual() {
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).expect("the manual");
    let alerts = deployed("prometheus/alerts.yml");
    let named: BTreeSet<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(named.len() > 10);
    none(
        &named.into_iter().filter(|name| !manual.contains(&format!("`{name}`"))).map(str::to_owned).collect::<Vec<_>>(),
    );
}

#[test]
fn every_setting_that_the_manual_names_is_one() {
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).expect("the manual");
    let help = help();
    let known: BTreeSet<&str> = words_with(&help, "BIDHUB_").collect();
    none(&words_with(&manual, "BIDHUB_").filter(|word| !known.contains(word)).map(str::to_owned).collect::<Vec<_>>());
}
