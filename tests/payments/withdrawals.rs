//! Withdrawals by Stripe: an account there to be paid to, and transfers to it.

use bidhub::domain::AccountId;
use bidhub::payments::{OnboardingOrder, PaymentProvider as _, ProviderError, Withdrawal, WithdrawalStatus};
use uuid::Uuid;

use crate::stand_in::Fault;
use crate::world::{RETURN_URL, World, code, withdrawal};

fn onboarding(destination: Option<&str>) -> OnboardingOrder {
    OnboardingOrder {
        account: AccountId(Uuid::from_u128(7)),
        destination: destination.map(Into::into),
        return_url: RETURN_URL.into(),
    }
}

#[tokio::test]
async fn a_user_gets_one_account_and_a_new_link_each_time() {
    let world = World::start().await;
    let first = world.stripe.onboard(&onboarding(None)).await.unwrap().unwrap();
    let again = world.stripe.onboard(&onboarding(None)).await.unwrap().unwrap();
    let known = world.stripe.onboard(&onboarding(Some(&first.destination))).await.unwrap().unwrap();
    assert_eq!((&again.destination, &known.destination), (&first.destination, &first.destination));
    assert_eq!(world.server.count("acct_"), 1);
    assert!(first.url != again.url && again.url != known.url, "a link is good once");
    let [asked, _] = &*world.server.asked("/v1/accounts") else { panic!("asked twice") };
    assert_eq!((&*asked.form["type"], &*asked.form["capabilities[transfers][requested]"]), ("express", "true"));
    let links = world.server.asked("/v1/account_links");
    assert_eq!(links[2].form["account"], first.destination);
    assert_eq!((&*links[2].form["return_url"], &*links[2].form["refresh_url"]), (RETURN_URL, RETURN_URL));
}

#[tokio::test]
async fn a_withdrawal_is_a_transfer_made_once() {
    let world = World::start().await;
    let destination = world.destination().await;
    let order = withdrawal(4_200, Some(&destination));
    assert_eq!(world.stripe.withdrawal_status(&order).await.unwrap(), WithdrawalStatus::NotFound);
    let Withdrawal::Paid { reference } = world.stripe.withdraw(&order).await.unwrap() else { panic!("not paid") };
    assert_eq!(world.stripe.withdraw(&order).await.unwrap(), Withdrawal::Paid { reference: reference.clone() });
    assert_eq!(world.server.count("tr_"), 1);
    let asked = &world.server.asked("/v1/transfers")[1];
    assert_eq!(asked.key, Some(order.id.to_string()));
    assert_eq!((&*asked.form["amount"], &*asked.form["currency"]), ("4200", "usd"));
    assert_eq!((&asked.form["destination"], &asked.form["metadata[order]"]), (&destination, &order.id.to_string()));
    assert_eq!(world.stripe.withdrawal_status(&order).await.unwrap(), WithdrawalStatus::Paid { reference });
    let other = withdrawal(4_200, Some(&destination));
    assert_eq!(world.stripe.withdrawal_status(&other).await.unwrap(), WithdrawalStatus::NotFound);
}

#[tokio::test]
async fn a_withdrawal_whose_reply_is_lost_is_found_by_its_order_alone() {
    let world = World::start().await;
    let order = withdrawal(4_200, Some(&world.destination().await));
    world.server.fail("/v1/transfers", [Fault::DropReply, Fault::DropRequest, Fault::DropRequest]);
    assert_eq!(world.stripe.withdraw(&order).await, Err(ProviderError::Unknown));
    let found = world.stripe.withdrawal_status(&order).await.unwrap();
    assert!(matches!(found, WithdrawalStatus::Paid { .. }), "{found:?}");
    assert_eq!(world.server.count("tr_"), 1);
}

#[tokio::test]
async fn nobody_is_paid_nowhere() {
    let world = World::start().await;
    assert_eq!(code(world.stripe.withdraw(&withdrawal(4_200, None)).await), "destination_required");
    assert_eq!(world.server.asked("/v1/transfers").len(), 0);
    assert_eq!(code(world.stripe.withdraw(&withdrawal(4_200, Some("acct_9999"))).await), "resource_missing");
    world.server.fail("/v1/transfers", [Fault::AnswerForGood(400, "invalid_request_error", "balance_insufficient")]);
    let order = withdrawal(4_200, Some(&world.destination().await));
    let refused = world.stripe.withdraw(&order).await;
    let Err(ProviderError::Refused { message, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(message, "the payment provider refused this", "what is said to the operator is not shown to users");
    assert_eq!(code(refused), "balance_insufficient");
    assert_eq!(code(world.stripe.withdraw(&order).await), "balance_insufficient", "under its key it stays refused");
}
