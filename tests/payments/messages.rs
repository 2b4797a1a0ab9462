//! What Stripe tells by itself.

use bidhub::domain::{Currency, Money, Span};
use bidhub::payments::{PaymentFact, PaymentProvider as _, WebhookError, Withdrawal};
use serde_json::json;

use crate::stand_in::{Fault, message_of, signed};
use crate::world::{World, moment, withdrawal};

fn money(amount: i64) -> Money {
    Money::new(amount).unwrap()
}

fn usd() -> Currency {
    Currency::new("USD").unwrap()
}

#[tokio::test]
async fn a_payment_is_told_with_its_order_and_amount() {
    let world = World::start().await;
    let (order, session) = world.begin(5_000).await;
    let reference = world.server.pay(&session);
    let events = world.told(&world.message("checkout.session.completed", &session)).await.unwrap();
    let [event] = &*events else { panic!("{events:?}") };
    let now = world.clock.now().millis();
    assert_eq!(event.id, format!("evt_checkout.session.completed_{session}_{now}"));
    assert_eq!(
        event.fact,
        PaymentFact::DepositPaid { order: order.id, reference, amount: money(5_000), currency: usd() }
    );
    let again = world.told(&world.message("checkout.session.completed", &session)).await.unwrap();
    assert_eq!(again, events, "told twice, it is the same");
}

#[tokio::test]
async fn a_payment_that_takes_days_is_told_when_it_has_come_or_failed() {
    let world = World::start().await;
    let (order, session) = world.begin(5_000).await;
    world.server.pay_slowly(&session);
    assert_eq!(world.facts("checkout.session.completed", &session).await, [], "not paid yet");
    let failed = world.facts("checkout.session.async_payment_failed", &session).await;
    assert_eq!(failed, [PaymentFact::DepositExpired { order: order.id }]);
    world.server.pay(&session);
    let paid = world.facts("checkout.session.async_payment_succeeded", &session).await;
    assert!(matches!(&*paid, [PaymentFact::DepositPaid { .. }]), "{paid:?}");
    let (order, session) = world.begin(6_000).await;
    world.server.expire(&session);
    let expired = world.facts("checkout.session.expired", &session).await;
    assert_eq!(expired, [PaymentFact::DepositExpired { order: order.id }]);
}

#[tokio::test]
async fn refunds_are_told_one_by_one_as_they_stand() {
    let world = World::start().await;
    let (order, session) = world.begin(5_000).await;
    let payment = world.server.pay(&session);
    let first = world.server.refund(&payment, 1_000);
    let charge = json!({"id": "ch_1", "object": "charge", "amount_refunded": 1_000, "payment_intent": payment});
    let refunded = message_of("charge.refunded", charge, moment());
    let reversed = |reversal: &str, amount: i64| PaymentFact::DepositReversed {
        order: order.id,
        reference: payment.clone(),
        reversal: reversal.to_owned(),
        amount: money(amount),
        currency: usd(),
    };
    let facts =
        async || -> Vec<_> { world.told(&refunded).await.unwrap().into_iter().map(|event| event.fact).collect() };
    assert_eq!(facts().await, [reversed(&first, 1_000)]);
    let second = world.server.refund(&payment, 4_000);
    assert_eq!(facts().await, [reversed(&second, 4_000), reversed(&first, 1_000)], "an old message tells both");
    world.server.stands(&second, "failed");
    let undone = PaymentFact::ReversalUndone { order: order.id, reversal: second.clone() };
    assert_eq!(world.facts("refund.failed", &second).await, [undone.clone(), reversed(&first, 1_000)]);
    // A message that was held up says how it is now, not how it was.
    assert_eq!(facts().await, [undone, reversed(&first, 1_000)]);
}

#[tokio::test]
async fn a_dispute_takes_the_money_until_it_is_won() {
    let world = World::start().await;
    let (order, session) = world.begin(5_000).await;
    let payment = world.server.pay(&session);
    let dispute = world.server.dispute(&payment, 5_000, "warning_needs_response");
    assert_eq!(world.facts("charge.dispute.created", &dispute).await, [], "the bank only asks");
    world.server.stands(&dispute, "needs_response");
    let gone = [PaymentFact::DepositReversed {
        order: order.id,
        reference: payment,
        reversal: dispute.clone(),
        amount: money(5_000),
        currency: usd(),
    }];
    for kind in ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated"] {
        assert_eq!(world.facts(kind, &dispute).await, gone, "{kind}");
    }
    world.server.stands(&dispute, "lost");
    assert_eq!(world.facts("charge.dispute.closed", &dispute).await, gone);
    world.server.stands(&dispute, "a_standing_of_next_year");
    assert_eq!(world.facts("charge.dispute.created", &dispute).await, []);
    assert_eq!(world.facts("charge.dispute.funds_withdrawn", &dispute).await, gone);
    world.server.stands(&dispute, "won");
    let undone = [PaymentFact::ReversalUndone { order: order.id, reversal: dispute.clone() }];
    assert_eq!(world.facts("charge.dispute.funds_reinstated", &dispute).await, undone);
    assert_eq!(world.facts("charge.dispute.funds_withdrawn", &dispute).await, undone, "however late it comes");
}

#[tokio::test]
async fn transfers_are_told_and_what_comes_back_of_them() {
    let world = World::start().await;
    let order = withdrawal(4_200, Some(&world.destination().await));
    let Withdrawal::Paid { reference } = world.stripe.withdraw(&order).await.unwrap() else { panic!("not paid") };
    let paid = PaymentFact::WithdrawalPaid { order: order.id, reference: reference.clone() };
    assert_eq!(world.facts("transfer.created", &reference).await, [paid]);
    let part = world.server.reverse(&reference, 200);
    let rest = world.server.reverse(&reference, 4_000);
    let returned = |return_id: &str, amount: i64| PaymentFact::WithdrawalReturned {
        order: order.id,
        return_id: return_id.to_owned(),
        amount: money(amount),
        currency: usd(),
    };
    let facts = world.facts("transfer.reversed", &reference).await;
    assert_eq!(facts, [returned(&rest, 4_000), returned(&part, 200)]);
}

#[tokio::test]
async fn what_is_about_something_else_is_taken_and_says_nothing() {
    let world = World::start().await;
    let (_, session) = world.begin(5_000).await;
    world.server.pay(&session);
    let now = moment();
    let mut foreign = world.server.object(&session);
    foreign["metadata"] = json!({});
    let mut elsewhere = world.message("checkout.session.completed", &session);
    let text = String::from_utf8(elsewhere.body).unwrap().replacen('{', r#"{"account":"acct_9","#, 1);
    elsewhere = signed(text.into_bytes(), now);
    for (what, message) in [
        ("a session that others made", message_of("checkout.session.completed", foreign.clone(), now)),
        ("their session that ended", message_of("checkout.session.expired", foreign, now)),
        ("a connected account", elsewhere),
        ("a charge without a payment", message_of("charge.refunded", json!({"id": "ch_1", "amount": 1}), now)),
        ("something new", message_of("galaxy.discovered", json!({"id": "gx_1"}), now)),
        ("their transfer", message_of("transfer.created", json!({"id": "tr_1", "metadata": {"order": "66"}}), now)),
    ] {
        assert_eq!(world.told(&message).await, Ok(Vec::new()), "{what}");
    }
}

#[tokio::test]
async fn only_stripe_is_believed_and_only_soon() {
    let world = World::start().await;
    let (_, session) = world.begin(5_000).await;
    world.server.pay(&session);
    let message = world.message("checkout.session.completed", &session);
    let refused = Err(WebhookError::BadSignature);
    let mut forged = message.clone();
    forged.body = String::from_utf8(forged.body).unwrap().replace("5000", "9000").into_bytes();
    assert_eq!(world.told(&forged).await, refused);
    let mut bare = message.clone();
    bare.headers.clear();
    assert_eq!(world.told(&bare).await, refused);
    world.clock.advance(Span::from_secs(300));
    assert!(world.told(&message).await.is_ok());
    world.clock.advance(Span::from_secs(1));
    assert_eq!(world.told(&message).await, refused, "a copy that somebody kept");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_to_be_so_and_what_cannot_be_looked_up_comes_again() {
    let world = World::start().await;
    for body in ["", "{}", "[1]", r#"{"id":"evt_1","type":"charge.dispute.created","data":{"object":{"id":"../x"}}}"#] {
        let message = signed(body.as_bytes().to_vec(), moment());
        assert_eq!(world.told(&message).await, Err(WebhookError::Malformed), "{body}");
    }
    let (_, session) = world.begin(5_000).await;
    let refund = world.server.refund(&world.server.pay(&session), 1_000);
    world.server.fail("/v1/refunds", std::iter::repeat_n(Fault::Answer(503, "api_error", ""), 3));
    let message = world.message("refund.created", &refund);
    assert_eq!(world.told(&message).await, Err(WebhookError::Unavailable));
    assert_eq!(world.told(&message).await.map(|events| events.len()), Ok(1), "sent again, it is taken");
}
