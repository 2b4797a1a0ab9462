//! Stripe slow, gone, or saying odd things: what was asked happens once or not at all, and the answer never claims more
//! than is known.

use std::time::Duration;

use bidhub::payments::{Deposit, PaymentProvider as _, ProviderError, Withdrawal};

use crate::stand_in::{Fault, SECRET_KEY};
use crate::world::{ATTEMPT, World, adapter, code, deposit, patient, withdrawal};

const SESSIONS: &str = "/v1/checkout/sessions";
const TRANSFERS: &str = "/v1/transfers";

#[tokio::test]
async fn what_passes_is_sat_out_under_the_same_key() {
    for fault in [
        Fault::DropRequest,
        Fault::DropReply,
        Fault::Answer(429, "invalid_request_error", "rate_limit"),
        Fault::Answer(500, "api_error", ""),
        Fault::Answer(503, "api_error", ""),
        Fault::Garbage("<html>a proxy's word</html>"),
        Fault::Garbage(""),
    ] {
        let world = World::start().await;
        let order = withdrawal(4_200, Some(&world.destination().await));
        world.server.fail(TRANSFERS, [fault.clone(), fault.clone()]);
        let paid = world.stripe.withdraw(&order).await;
        assert!(matches!(paid, Ok(Withdrawal::Paid { .. })), "{fault:?}: {paid:?}");
        let asked = world.server.asked(TRANSFERS);
        assert!(asked.iter().all(|asked| asked.key == Some(order.id.to_string())), "{fault:?}");
        assert_eq!((asked.len(), world.server.count("tr_")), (3, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn trouble_that_stays_ends_after_a_few_attempts_and_says_what_is_known() {
    for (fault, known) in [
        (Fault::DropRequest, ProviderError::Unknown),
        (Fault::Answer(500, "api_error", ""), ProviderError::Unknown),
        (Fault::AnswerForGood(500, "api_error", ""), ProviderError::Unknown),
        (Fault::Answer(409, "invalid_request_error", "idempotency_key_in_use"), ProviderError::Unknown),
        (Fault::Garbage("{"), ProviderError::Unknown),
        (Fault::Answer(429, "invalid_request_error", "rate_limit"), ProviderError::Unavailable),
    ] {
        let world = World::start().await;
        let order = withdrawal(4_200, Some(&world.destination().await));
        world.server.fail(TRANSFERS, std::iter::repeat_n(fault.clone(), 10));
        assert_eq!(world.stripe.withdraw(&order).await, Err(known), "{fault:?}");
        assert_eq!(world.server.asked(TRANSFERS).len(), 3, "{fault:?}");
        // To ask how it stands moves nothing, so the outcome of asking is never unknown.
        assert_eq!(world.stripe.withdrawal_status(&order).await, Err(ProviderError::Unavailable), "{fault:?}");
    }
}

#[tokio::test]
async fn one_attempt_of_which_nothing_is_known_is_enough_not_to_know() {
    let world = World::start().await;
    let order = withdrawal(4_200, Some(&world.destination().await));
    let busy = Fault::Answer(429, "invalid_request_error", "rate_limit");
    world.server.fail(TRANSFERS, [Fault::DropReply, busy.clone(), busy]);
    assert_eq!(world.stripe.withdraw(&order).await, Err(ProviderError::Unknown));
    assert_eq!(world.server.count("tr_"), 1, "it has happened");
}

#[tokio::test]
async fn a_refusal_is_final_and_card_holders_are_told_why() {
    let world = World::start().await;
    let order = deposit(5_000, "USD");
    world.server.fail(SESSIONS, [Fault::AnswerForGood(402, "card_error", "card_declined")]);
    let expected =
        ProviderError::Refused { code: "card_declined".into(), message: "a message about card_error".into() };
    assert_eq!(world.stripe.deposit(&order).await, Err(expected.clone()));
    assert_eq!(world.server.asked(SESSIONS).len(), 1, "it is not tried again by itself");
    assert_eq!(world.stripe.deposit(&order).await, Err(expected));
    world.server.fail(SESSIONS, [Fault::Answer(400, "invalid_request_error", "Not a word; drop table")]);
    assert_eq!(code(world.stripe.deposit(&deposit(5_000, "USD")).await), "refused", "a code is a plain word");
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for_and_not_paid_twice() {
    let world = World::with(patient(ATTEMPT)).await;
    let destination = world.destination().await;
    let order = withdrawal(4_200, Some(&destination));
    // The first attempt is still being done when the second comes: that one is told so, and the third finds it done.
    world.server.fail(TRANSFERS, [Fault::Delay(ATTEMPT + Duration::from_millis(10))]);
    let paid = world.stripe.withdraw(&order).await;
    assert!(matches!(paid, Ok(Withdrawal::Paid { .. }) | Err(ProviderError::Unknown)), "{paid:?}");
    let order = withdrawal(4_300, Some(&destination));
    world.server.fail(TRANSFERS, std::iter::repeat_n(Fault::Delay(Duration::from_secs(600)), 3));
    let started = std::time::Instant::now();
    assert_eq!(world.stripe.withdraw(&order).await, Err(ProviderError::Unknown));
    assert!(started.elapsed() < ATTEMPT * 20, "{:?}", started.elapsed());
    assert!(world.server.count("tr_") <= 1, "nothing was done for the second");
}

#[tokio::test]
async fn a_key_used_for_something_else_may_have_moved_that() {
    let world = World::start().await;
    let destination = world.destination().await;
    let order = withdrawal(4_200, Some(&destination));
    world.stripe.withdraw(&order).await.unwrap();
    let mut changed = order;
    changed.amount = bidhub::domain::Money::new(4_300).unwrap();
    assert_eq!(world.stripe.withdraw(&changed).await, Err(ProviderError::Unknown), "never «refused»: it was paid");
    assert_eq!(world.server.count("tr_"), 1);
}

#[tokio::test]
async fn a_key_that_is_not_taken_is_the_operators_trouble_and_no_refusal() {
    let world = World::start().await;
    let stranger = adapter(world.server.url(), "sk_test_revoked", patient(ATTEMPT * 20));
    assert_eq!(stranger.deposit(&deposit(5_000, "USD")).await, Err(ProviderError::Unavailable));
    assert_eq!(world.server.asked(SESSIONS).len(), 1, "asking again does not help");
}

#[tokio::test]
async fn nobody_there_means_that_nothing_has_happened() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let stripe = adapter(url, SECRET_KEY, patient(ATTEMPT * 20));
    assert_eq!(stripe.deposit(&deposit(5_000, "USD")).await, Err(ProviderError::Unavailable));
    assert_eq!(stripe.withdrawal_status(&withdrawal(1, None)).await, Err(ProviderError::Unavailable));
}

#[tokio::test]
async fn many_at_once_for_one_order_make_one_payment() {
    let world = World::start().await;
    let order = withdrawal(4_200, Some(&world.destination().await));
    world.server.fail(TRANSFERS, [Fault::DropReply, Fault::Delay(Duration::from_millis(30)), Fault::DropRequest]);
    let all = futures_util::future::join_all((0..8).map(|_| world.stripe.withdraw(&order))).await;
    let paid: Vec<_> = all.iter().filter_map(|one| one.as_ref().ok()).collect();
    assert!(!paid.is_empty() && paid.iter().all(|one| *one == paid[0]), "{all:?}");
    assert!(all.iter().all(|one| one.is_ok() || *one == Err(ProviderError::Unknown)), "{all:?}");
    assert_eq!(world.server.count("tr_"), 1);
}

#[tokio::test]
async fn a_page_is_the_same_whatever_went_wrong_on_the_way_to_it() {
    let world = World::start().await;
    let order = deposit(5_000, "USD");
    world.server.fail(SESSIONS, [Fault::DropReply, Fault::DropReply, Fault::DropReply]);
    assert_eq!(world.stripe.deposit(&order).await, Err(ProviderError::Unknown));
    assert!(matches!(world.stripe.deposit(&order).await, Ok(Deposit::Redirect { .. })));
    assert_eq!(world.server.count("cs_"), 1);
}
