//! `nodes`: who of a hub of many lives. The hub runs with the rights that `deploy/compose.yaml` gives it in Redis, and
//! no others, so this also shows that they suffice.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Hub, in_an_hour, postgres, redis, run, said};

const PASSWORD: &str = "opensesame";

/// The user `bidhub` as compose makes it, as a line of an ACL file.
fn user_of_compose() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let items =
        text.lines().map(str::trim).filter_map(|line| line.strip_prefix("- ")).map(|item| item.trim_matches('"'));
    let rules: Vec<&str> = items.skip_while(|item| *item != "bidhub").take_while(|item| !item.contains(": ")).collect();
    assert!(rules.contains(&"~bidhub:*") && rules.contains(&"-@dangerous"), "{rules:?}");
    format!("user {}", rules.join(" ")).replace("${REDIS_PASSWORD}", PASSWORD)
}

#[tokio::test]
async fn nodes_that_live_are_shown_until_they_stop() {
    let setup = redis::Setup { append_only: true, users: vec![user_of_compose()], ..redis::Setup::default() };
    let Some(redis) = redis::Server::with(setup).await else { return };
    let Some(postgres) = postgres::Server::start().await else { return };
    let (url, database, dir) = (redis.url_as("bidhub", PASSWORD), postgres.url(), tempfile::tempdir().unwrap());
    let shown = |arguments: &[&str]| {
        let all: Vec<&str> = ["nodes", "--redis-url", &url].iter().chain(arguments).copied().collect();
        said(&run(dir.path(), &all))
    };
    assert_eq!(shown(&[]), (Some(1), "no node is there\n".to_owned()));

    let start = |name: &str| {
        let of_many = ["serve", "--redis-url", &url, "--database-url", &database, "--node-name", name];
        Hub::start(dir.path(), &of_many, "bidhub listens on ")
    };
    let ((east, at_east), (west, at_west)) = (start("east"), start("west"));
    let listed = || -> Value { serde_json::from_str(&shown(&["--json"]).1).unwrap() };
    let names = |list: &Value| -> Vec<Value> { list.as_array().unwrap().iter().map(|it| it["name"].clone()).collect() };
    until(|| names(&listed()) == ["east", "west"]).await;

    // A lot is offered at one node and bid on at the other.
    let http = reqwest::Client::new();
    let post = async |url: String, token: &str, body: Value| -> Value {
        let request = http.post(url).bearer_auth(token).header("Idempotency-Key", "k").json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let mut tokens = Vec::new();
    for name in ["seller", "ada"] {
        let who =
            json!({"email": format!("{name}@example.com"), "password": "correct horse battery", "display_name": name});
        let made = post(format!("{at_east}/api/auth/register"), "", who).await;
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    let lot = json!({"title": "Desk", "description": "", "category": "desks", "currency": "USD",
        "opening_price": 1_000, "ends_at": in_an_hour()});
    let made = post(format!("{at_east}/api/auctions"), &tokens[0], lot).await;
    let auction = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    for node in [&at_west, &at_east] {
        let verdict = post(format!("{node}/api/auctions/{auction}/bids"), &tokens[1], json!({"amount": 1_000})).await;
        assert_eq!((&verdict["seq"], &verdict["leading"]), (&json!(2), &json!(true)), "once, by either: {verdict}");
    }
    until(|| {
        let owned: u64 = listed().as_array().unwrap().iter().filter_map(|node| node["rooms_owned"].as_u64()).sum();
        owned == 1
    })
    .await;
    let (code, table) = shown(&["--rooms"]);
    assert!(code == Some(0) && table.contains("east") && table.contains("2 in all"), "{table}");
    assert!(table.contains(&format!("  {auction}\n")), "{table}");

    assert_eq!(west.stop(), Some(0));
    until(|| names(&listed()) == ["east"]).await;
    assert_eq!(east.stop(), Some(0));
    until(|| shown(&[]).0 == Some(1)).await;
}

#[test]
fn without_redis_there_are_no_nodes_to_show() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["nodes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("redis_url"));
}

async fn until(holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "it never came so");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
