//! `demo`: a hub that is alive by itself, and leaves nothing behind.

use serde_json::{Value, json};

use super::{Hub, run};

#[tokio::test]
async fn a_demo_has_auctions_and_bids_and_an_account_to_sign_in_with() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, url) = Hub::start(dir.path(), &["demo"], "bidhub demo on ");
    let words: Vec<String> = hub.line().split_whitespace().map(str::to_owned).collect();
    let [_, _, _, email, .., password] = &words[..] else { panic!("{words:?}") };
    let http = reqwest::Client::new();
    let signed_in = http.post(format!("{url}/api/auth/login")).json(&json!({"email": email, "password": password}));
    assert_eq!(signed_in.send().await.unwrap().status(), 200);

    let list = || async {
        let page: Value = http.get(format!("{url}/api/auctions")).send().await.unwrap().json().await.unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let auctions = list().await;
    assert_eq!(auctions.len(), bidhub::load::demo::AUCTIONS);
    let categories: std::collections::BTreeSet<_> = auctions.iter().map(|it| it["category"].to_string()).collect();
    assert!(categories.len() >= 6, "{categories:?}");
    let bid = async {
        loop {
            if list().await.iter().any(|auction| auction["bid_count"].as_u64() > Some(0)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), bid).await.expect("somebody bids");
    assert_eq!(hub.stop(), Some(0));
    let verified = run(dir.path(), &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_demo_does_not_fill_a_real_database() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--database-url", "postgres://127.0.0.1:1/real"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("takes no database_url"));
}
