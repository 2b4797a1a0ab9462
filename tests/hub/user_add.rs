//! Accounts from the command line, beside a running hub.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::harness::{Hub, PASSWORD};

async fn user_add(hub: &Hub, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
    command.env_clear().env("BIDHUB_DATA_DIR", &hub.settings.server.data_dir).args(["user", "add"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = format!("{input}\n");
    let run = move || {
        let mut child = command.spawn().expect("the program starts");
        // The program need not read its input; then writing to it fails.
        let _ = child.stdin.take().expect("input").write_all(input.as_bytes());
        child.wait_with_output().expect("the program ends")
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

#[tokio::test]
async fn staff_is_made_beside_a_running_hub() {
    let hub = Hub::start().await;
    hub.get("/readyz").await.is(200);
    let output = user_add(&hub, &["--email", "Sam@example.com", "--role", "staff"], PASSWORD).await;
    assert!(output.status.success(), "{output:?}");
    let answer = hub.login("sam@example.com", PASSWORD).await;
    assert_eq!(answer.is(200).body["user"]["roles"], json!(["user", "staff"]));
    assert_eq!(answer.body["user"]["display_name"], "sam");
}

#[tokio::test]
async fn an_account_that_exists_gets_the_role_and_keeps_its_password() {
    let hub = Hub::with(|settings| settings.server.operator_token = Some("let me in".into())).await;
    let ada = hub.sign_up("ada").await;
    hub.get_as(&ada.token, "/metrics").await.is_problem(403, "forbidden");
    let output = user_add(&hub, &["--email", &ada.email, "--role", "admin"], "another password").await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(hub.get_as(&ada.token, "/api/me").await.body["roles"], json!(["user", "admin"]));
    hub.get_as(&ada.token, "/metrics").await.is(200);
    hub.login(&ada.email, PASSWORD).await.is(200);
}

#[tokio::test]
async fn a_weak_password_makes_no_account() {
    let hub = Hub::start().await;
    hub.get("/readyz").await.is(200);
    let output = user_add(&hub, &["--email", "sam@example.com", "--role", "staff"], "short").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("10 characters"), "{output:?}");
    hub.login("sam@example.com", "short").await.is_problem(401, "invalid_credentials");
}
