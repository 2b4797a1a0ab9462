//! Deposits by Stripe: a page to pay on, and how it stands.

use bidhub::payments::{Deposit, DepositStatus, PaymentProvider as _};

use crate::world::{RETURN_URL, World, code, deposit};

#[tokio::test]
async fn a_deposit_is_paid_on_a_page_of_stripes() {
    let world = World::start().await;
    let order = deposit(12_345, "USD");
    let Deposit::Redirect { url, reference } = world.stripe.deposit(&order).await.unwrap() else { panic!("no page") };
    assert_eq!(url, format!("https://checkout.test/{reference}"));
    let [asked] = &*world.server.asked("/v1/checkout/sessions") else { panic!("asked once") };
    let id = order.id.to_string();
    assert_eq!((asked.method.as_str(), asked.key.as_deref()), ("POST", Some(&*id)));
    assert_eq!(asked.version.as_deref(), Some("2024-11-20.acacia"));
    for (field, value) in [
        ("mode", "payment"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "12345"),
        ("line_items[0][quantity]", "1"),
        ("adaptive_pricing[enabled]", "false"),
        ("success_url", RETURN_URL),
        ("cancel_url", RETURN_URL),
        ("client_reference_id", &id),
        ("metadata[order]", &id),
        ("metadata[account]", &order.account.to_string()),
        ("payment_intent_data[metadata][order]", &id),
    ] {
        assert_eq!(asked.form.get(field).map(String::as_str), Some(value), "{field}");
    }
}

#[tokio::test]
async fn the_same_order_is_the_same_page() {
    let world = World::start().await;
    let (order, reference) = world.begin(5_000).await;
    let again = world.stripe.deposit(&order).await.unwrap();
    assert_eq!(again, Deposit::Redirect { url: format!("https://checkout.test/{reference}"), reference });
    assert_eq!(world.server.count("cs_"), 1);
}

#[tokio::test]
async fn how_a_deposit_stands_can_be_asked_at_any_time() {
    let world = World::start().await;
    let (order, paid) = world.begin(5_000).await;
    let (slow_order, slow) = world.begin(6_000).await;
    let (late_order, late) = world.begin(7_000).await;
    let open = world.stripe.deposit_status(&order, Some(&paid)).await.unwrap();
    assert_eq!(open, DepositStatus::Open { url: Some(format!("https://checkout.test/{paid}")) });
    let payment = world.server.pay(&paid);
    let slow_payment = world.server.pay_slowly(&slow);
    world.server.expire(&late);
    let now = world.stripe.deposit_status(&order, Some(&paid)).await.unwrap();
    let expected = DepositStatus::Paid { reference: payment, amount: order.amount, currency: order.currency };
    assert_eq!(now, expected);
    let now = world.stripe.deposit_status(&slow_order, Some(&slow)).await.unwrap();
    assert_eq!(now, DepositStatus::Open { url: None }, "a bank takes its time");
    world.server.payment_fails(&slow_payment);
    let now = world.stripe.deposit_status(&slow_order, Some(&slow)).await.unwrap();
    assert_eq!(now, DepositStatus::Expired);
    let now = world.stripe.deposit_status(&late_order, Some(&late)).await.unwrap();
    assert_eq!(now, DepositStatus::Expired);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_no_reference_leads_elsewhere() {
    let world = World::start().await;
    let order = deposit(5_000, "USD");
    for reference in [None, Some("cs_9999"), Some("../../v1/accounts"), Some("cs_1?x=y"), Some("")] {
        let found = world.stripe.deposit_status(&order, reference).await.unwrap();
        assert_eq!(found, DepositStatus::NotFound, "{reference:?}");
    }
    assert_eq!(world.server.asked("/v1/accounts").len(), 0);
}

#[tokio::test]
async fn what_stripe_cannot_take_is_not_asked_of_it() {
    let world = World::start().await;
    for (amount, currency, why) in [
        (100_000_000, "USD", "amount_too_large"),
        (1_234, "KWD", "amount_not_payable"),
        (1_234, "IQD", "currency_not_supported"),
    ] {
        assert_eq!(code(world.stripe.deposit(&deposit(amount, currency)).await), why);
    }
    assert_eq!(world.server.asked("/v1/checkout/sessions").len(), 0);
    assert_eq!(code(world.stripe.deposit(&deposit(1, "USD")).await), "amount_too_small", "this Stripe says");
    assert!(matches!(world.stripe.deposit(&deposit(5, "ISK")).await, Ok(Deposit::Redirect { .. })));
    let asked = world.server.asked("/v1/checkout/sessions");
    assert_eq!(asked[1].form["line_items[0][price_data][unit_amount]"], "500", "krónur in hundredths");
}
