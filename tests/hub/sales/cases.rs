//! What staff must decide, and who may.

use bidhub::domain::auction::Funds;
use serde_json::{Value, json};

use super::world::{SELLER, World, on_both, person};
use crate::harness::{Answer, Hub, User};

async fn resolve(hub: &Hub, who: &User, case: &str, action: &str) -> Answer {
    let body = json!({"action": action, "note": "looked into"});
    hub.post_as(&who.token, &format!("/api/staff/cases/{case}/resolve"), body).await
}

/// An auction that Ann won at 10.00 and cannot pay, because she is frozen.
async fn unpaid(world: &World) {
    let (ann, auction) = (person(1), world.offer(Funds::Required, None).await);
    world.funded_bid(auction, ann, 2_000).await;
    world.freeze(ann).await;
    world.end(auction).await;
    world.project().await;
    assert_eq!(world.invoices().await, [(1, "open".into(), 1_000, 100, 50, 950)]);
    assert_eq!((world.wallet(ann).await, world.wallet(person(SELLER)).await), ((0, 2_200), (0, 0)));
    world.assert_balanced().await;
}

async fn the_case(hub: &Hub, staff: &User) -> Value {
    let list = hub.get_as(&staff.token, "/api/staff/cases?status=open&kind=capture_failed").await;
    assert_eq!(list.is(200).body["items"].as_array().unwrap().len(), 1, "{list:?}");
    list.body["items"][0].clone()
}

async fn invoice(hub: &Hub, who: &User) -> Value {
    hub.get_as(&who.token, "/api/invoices").await.body["items"][0].clone()
}

#[tokio::test]
async fn a_frozen_winner_is_a_case_and_staff_may_take_the_money_all_the_same() {
    on_both(|world| async move {
        unpaid(&world).await;
        let (hub, users, world) = world.hub().await;
        let [sella, ann, _, _, sam] = &users[..] else { panic!("five people") };
        let case = the_case(&hub, sam).await;
        let id = case["id"].as_str().unwrap().to_owned();
        assert_eq!((&case["account"], &case["account_name"]), (&json!(ann.id), &json!("Ann")));
        assert_eq!((&case["amount"], &case["currency"]), (&json!(1_100), &json!("USD")));
        assert_eq!((&case["reason"], &case["status"]), (&json!("account_frozen"), &json!("open")));
        assert_eq!(case["auction"], invoice(&hub, ann).await["auction"]);
        assert_eq!(hub.get_as(&sam.token, &format!("/api/staff/cases/{id}")).await.is(200).body, case);
        let measured = hub.get("/metrics").await;
        assert!(measured.body.as_str().unwrap().contains("bidhub_staff_cases_open{kind=\"capture_failed\"}"));
        resolve(&hub, sam, &id, "close").await.is_problem(422, "invalid_action");
        let done = resolve(&hub, sam, &id, "capture").await.is(200).body.clone();
        assert_eq!(
            (&done["status"], &done["resolution"], &done["note"]),
            (&json!("closed"), &json!("capture"), &json!("looked into"))
        );
        assert_eq!((&done["closed_by"], done["closed_at"].is_string()), (&json!(sam.id), true));
        let again = resolve(&hub, sam, &id, "release").await;
        assert_eq!(again.is_problem(409, "case_closed").body["resolution"], "capture");
        assert_eq!((world.wallet(person(1)).await, world.wallet(person(SELLER)).await), ((1_100, 0), (950, 0)));
        assert_eq!(world.house().await, 150);
        let told = [("Ann", "captured", 1_100), ("Ann", "hold_released", 1_100), ("Sella", "paid_out", 950)];
        assert_eq!(world.notes().await, told.map(|(name, kind, amount)| (name.to_owned(), kind.to_owned(), amount)));
        let bill = invoice(&hub, sella).await;
        assert_eq!((&bill["status"], bill["paid_at"].is_string()), (&json!("paid"), true));
        let trail = hub.get_as(&sam.token, "/api/staff/audit").await.body["items"][0].clone();
        assert_eq!((&trail["action"], &trail["reason"]), (&json!("resolve_case"), &json!("capture: looked into")));
        assert_eq!((&trail["target_kind"], &trail["target"]), (&json!("case"), &json!(id)));
        assert_eq!((&trail["actor"], trail["request_id"].is_string()), (&json!(sam.id), true));
        let of = async |query: &str| {
            let list = hub.get_as(&sam.token, &format!("/api/staff/cases{query}")).await;
            list.is(200).body["items"].as_array().unwrap().len()
        };
        let found =
            (of("?status=open").await, of("?status=closed").await, of("?kind=deposit_reversed").await, of("").await);
        assert_eq!(found, (0, 1, 0, 1));
        world.assert_balanced().await;
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn staff_may_give_the_money_back_and_nothing_is_owed_any_more() {
    on_both(|world| async move {
        unpaid(&world).await;
        let (hub, users, world) = world.hub().await;
        let [sella, ann, _, _, sam] = &users[..] else { panic!("five people") };
        let id = the_case(&hub, sam).await["id"].as_str().unwrap().to_owned();
        assert_eq!(resolve(&hub, sam, &id, "release").await.is(200).body["resolution"], "release");
        assert_eq!((world.wallet(person(1)).await, world.wallet(person(SELLER)).await), ((2_200, 0), (0, 0)));
        assert_eq!(world.notes().await, [("Ann".into(), "hold_released".into(), 2_200)]);
        for who in [sella, ann] {
            let bill = invoice(&hub, who).await;
            assert_eq!((&bill["status"], &bill["paid_at"]), (&json!("cancelled"), &Value::Null));
        }
        resolve(&hub, sam, &id, "capture").await.is_problem(409, "case_closed");
        world.assert_balanced().await;
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    on_both(|world| async move {
        unpaid(&world).await;
        let (hub, users, world) = world.hub().await;
        let sam = &users[4];
        let id = the_case(&hub, sam).await["id"].as_str().unwrap().to_owned();
        let (one, two) = tokio::join!(resolve(&hub, sam, &id, "capture"), resolve(&hub, sam, &id, "release"));
        let (lost, won) = if one.status == 200 { (two, "capture") } else { (one, "release") };
        assert_eq!(lost.is_problem(409, "case_closed").body["resolution"], won);
        let paid = world.wallet(person(SELLER)).await;
        assert_eq!(paid, if won == "capture" { (950, 0) } else { (0, 0) });
        assert_eq!(world.wallet(person(1)).await.1, 0);
        world.assert_balanced().await;
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_taken_stays_a_case() {
    on_both(|world| async move {
        unpaid(&world).await;
        // Less is set aside than the sale takes, as no room would have let happen.
        let text = "update invoices set price = 1000000, payout = 1000000 - commission";
        bidhub::sql!(world.db.write(), exec, text).unwrap();
        let (hub, users, world) = world.hub().await;
        let sam = &users[4];
        let before = the_case(&hub, sam).await;
        let refused = resolve(&hub, sam, before["id"].as_str().unwrap(), "capture").await;
        assert_eq!(refused.is_problem(409, "capture_failed").body["reason"], "hold_too_small");
        assert_eq!(the_case(&hub, sam).await, before);
        assert_eq!(hub.get_as(&sam.token, "/api/staff/audit").await.body["items"], json!([]));
        assert_eq!(world.wallet(person(1)).await, (0, 2_200));
        hub.stop().await;
    })
    .await;
}

#[tokio::test]
async fn only_staff_decides_and_nobody_about_their_own_money() {
    on_both(|world| async move {
        unpaid(&world).await;
        let (hub, users, world) = world.hub().await;
        let [sella, ann, _, cleo, sam] = &users[..] else { panic!("five people") };
        let id = the_case(&hub, sam).await["id"].as_str().unwrap().to_owned();
        let paths = ["/api/staff/cases".to_owned(), format!("/api/staff/cases/{id}")];
        for path in &paths {
            hub.get(path).await.is_problem(401, "unauthenticated");
            hub.get_as(&cleo.token, path).await.is_problem(403, "forbidden");
        }
        let path = format!("/api/staff/cases/{id}/resolve");
        hub.post(&path, json!({"action": "release", "note": "x"})).await.is_problem(401, "unauthenticated");
        resolve(&hub, cleo, &id, "release").await.is_problem(403, "forbidden");
        // Whoever is staff and party to it, buyer or seller.
        let grant =
            "insert into account_roles (account_id, role, granted_at) select id, 'staff', created_at from accounts
             where display_name in ('Ann', 'Sella', 'Cleo')";
        bidhub::sql!(world.db.write(), exec, grant).unwrap();
        resolve(&hub, ann, &id, "release").await.is_problem(403, "account_frozen");
        bidhub::sql!(world.db.write(), exec, "update accounts set frozen_at = null").unwrap();
        for party in [ann, sella] {
            resolve(&hub, party, &id, "release").await.is_problem(409, "own_account");
        }
        let ban = "update accounts set banned_at = created_at where display_name = 'Cleo'";
        bidhub::sql!(world.db.write(), exec, ban).unwrap();
        resolve(&hub, cleo, &id, "release").await.is_problem(403, "banned");
        for path in &paths {
            hub.get_as(&cleo.token, path).await.is_problem(403, "banned");
        }
        hub.get_as(&cleo.token, "/api/invoices").await.is(200);
        for (body, code) in [
            (json!({"action": "burn", "note": "x"}), "invalid_field"),
            (json!({"action": "release", "note": "  "}), "invalid_note"),
            (json!({"action": "release", "note": "x".repeat(501)}), "invalid_note"),
            (json!({"action": "release"}), "missing_field"),
            (json!({"action": "release", "note": "x", "why": 1}), "unknown_field"),
        ] {
            hub.post_as(&sam.token, &path, body).await.is_problem(422, code);
        }
        for nothing in ["01938b5e-0000-7000-8000-000000000000", "1"] {
            resolve(&hub, sam, nothing, "release").await.is_problem(404, "unknown_case");
            hub.get_as(&sam.token, &format!("/api/staff/cases/{nothing}")).await.is_problem(404, "unknown_case");
        }
        for wrong in ["?status=waiting", "?kind=none", "?cursor=x"] {
            hub.get_as(&sam.token, &format!("/api/staff/cases{wrong}")).await.is_problem(422, "invalid_query");
        }
        assert_eq!(the_case(&hub, sam).await["id"], json!(id));
        hub.stop().await;
    })
    .await;
}
