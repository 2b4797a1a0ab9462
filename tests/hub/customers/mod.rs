//! Snapshots of customers: what staff reads, and how runs are done once whatever happens to nodes.

mod reading;
mod runs;

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Hub, User};

/// Asks `path` as `who` until the answer fits.
async fn until(hub: &Hub, who: &User, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1_000 {
        let answer = hub.get_as(&who.token, path).await;
        if answer.status == 200 && fits(&answer.body) {
            return answer.body;
        }
        last = answer.body;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never came to what was expected: {last}");
}
