//! What it costs that bids must be covered: the same hot auction with `funds: required` and with `none`, in turn. Nothing
//! is set aside before the clock runs: the first bid of each bidder and every step beyond it are measured with the rest.

use serde_json::json;

use crate::hot::{BIDDERS, measure, name};
use crate::process::Process;
use crate::{Plan, clients, median};

const IN_FLIGHT: u64 = 8;
/// What each bidder brings, in minor units.
const FUNDS: u64 = 1_000_000_000;

pub async fn run(plan: Plan) {
    println!("one hot auction whose bids must be covered, {BIDDERS} bidders, {IN_FLIGHT} in flight each");
    let (mut open, mut covered, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let none = accepted(plan, "none").await;
        let required = accepted(plan, "required").await;
        open.push(none);
        covered.push(required);
        ratios.push(required / none);
    }
    println!("    accepted with none                        {:>10.0} /s", median(open));
    println!("    accepted with required                    {:>10.0} /s", median(covered));
    println!("    ratio, pair by pair                       {:>10.2}", median(ratios));
}

/// Bids accepted a second.
async fn accepted(plan: Plan, funds: &str) -> f64 {
    let hub = Process::hub();
    let auction = clients::auction_with(&hub.address, funds).await;
    if funds == "required" {
        for bidder in 0..BIDDERS {
            fund(&hub.address, &name(bidder)).await;
        }
    }
    let (rate, share, _) = measure(&hub, Some(&auction), IN_FLIGHT, plan.time).await;
    rate * share
}

/// Fills the wallet of `name`, and lets the hub set aside in steps what bids need.
async fn fund(address: &str, name: &str) {
    let (client, token) = (reqwest::Client::new(), clients::token(name));
    let deposit = client.post(format!("http://{address}/api/wallet/deposits")).bearer_auth(&token);
    let deposit = deposit.header("idempotency-key", "all").json(&json!({"amount": FUNDS})).send().await.unwrap();
    assert_eq!(deposit.status(), 201, "{:?}", deposit.text().await);
    let policy = client.put(format!("http://{address}/api/wallet/policy")).bearer_auth(&token);
    let policy = policy.json(&json!({"raise": "up_to", "limit": FUNDS})).send().await.unwrap();
    assert_eq!(policy.status(), 200, "{:?}", policy.text().await);
}
