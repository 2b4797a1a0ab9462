//! The provider that moves no money: each outcome can be had by an amount.

use bidhub::clock::Clock;
use bidhub::domain::AccountId;
use bidhub::payments::{
    Deposit, DepositStatus, OnboardingOrder, PaymentProvider as _, PlayMoney, ProviderError, WebhookError, Withdrawal,
    WithdrawalStatus,
};
use uuid::Uuid;

use crate::world::{RETURN_URL, code, deposit, later, moment, withdrawal};

fn provider() -> (PlayMoney, Clock) {
    let clock = Clock::manual(moment());
    (PlayMoney::new(clock.clone()), clock)
}

#[tokio::test]
async fn most_amounts_are_there_at_once() {
    let (provider, _) = provider();
    for amount in [1, 7, 100, 1_000, 12_399] {
        let order = deposit(amount, "USD");
        let reference = format!("test_{}", order.id.simple());
        let credited = Deposit::Credited { reference: reference.clone() };
        assert_eq!(provider.deposit(&order).await, Ok(credited.clone()));
        assert_eq!(provider.deposit(&order).await, Ok(credited), "and again the same");
        let paid = DepositStatus::Paid { reference, amount: order.amount, currency: order.currency };
        assert_eq!(provider.deposit_status(&order, None).await, Ok(paid));
        let order = withdrawal(amount, None);
        let reference = format!("test_{}", order.id.simple());
        assert_eq!(provider.withdraw(&order).await, Ok(Withdrawal::Paid { reference: reference.clone() }));
        assert_eq!(provider.withdrawal_status(&order).await, Ok(WithdrawalStatus::Paid { reference }));
    }
}

#[tokio::test]
async fn two_is_refused_three_is_unavailable_four_loses_the_reply() {
    let (provider, clock) = provider();
    assert_eq!(code(provider.deposit(&deposit(1_002, "USD")).await), "card_declined");
    assert_eq!(code(provider.withdraw(&withdrawal(1_002, None)).await), "payout_declined");
    let (late, late_too) = (deposit(1_003, "USD"), withdrawal(1_003, None));
    assert_eq!(provider.deposit(&late).await, Err(ProviderError::Unavailable));
    assert_eq!(provider.withdraw(&late_too).await, Err(ProviderError::Unavailable));
    let (lost, lost_too) = (deposit(1_004, "USD"), withdrawal(1_004, None));
    assert_eq!(provider.deposit(&lost).await, Err(ProviderError::Unknown));
    assert!(matches!(provider.deposit_status(&lost, None).await, Ok(DepositStatus::Paid { .. })));
    assert_eq!(provider.withdraw(&lost_too).await, Err(ProviderError::Unknown));
    assert!(matches!(provider.withdrawal_status(&lost_too).await, Ok(WithdrawalStatus::Paid { .. })));
    later(&clock);
    // What was not to be had is not found, so it may be asked for again, and is there.
    assert_eq!(provider.deposit_status(&late, None).await, Ok(DepositStatus::NotFound));
    assert!(matches!(provider.deposit(&late).await, Ok(Deposit::Credited { .. })));
    assert_eq!(provider.withdrawal_status(&late_too).await, Ok(WithdrawalStatus::NotFound));
    assert!(matches!(provider.withdraw(&late_too).await, Ok(Withdrawal::Paid { .. })));
}

#[tokio::test]
async fn five_comes_later_and_six_never() {
    let (provider, clock) = provider();
    let (comes, fails) = (deposit(1_005, "USD"), deposit(1_006, "USD"));
    let (goes, stays) = (withdrawal(1_005, None), withdrawal(1_006, None));
    for order in [&comes, &fails] {
        let reference = format!("test_{}", order.id.simple());
        let page = Deposit::Redirect { url: RETURN_URL.into(), reference };
        assert_eq!(provider.deposit(order).await, Ok(page));
        let open = DepositStatus::Open { url: Some(RETURN_URL.into()) };
        assert_eq!(provider.deposit_status(order, None).await, Ok(open));
    }
    for order in [&goes, &stays] {
        assert!(matches!(provider.withdraw(order).await, Ok(Withdrawal::Pending { .. })));
        assert_eq!(provider.withdrawal_status(order).await, Ok(WithdrawalStatus::Pending));
    }
    later(&clock);
    assert!(matches!(provider.deposit_status(&comes, None).await, Ok(DepositStatus::Paid { .. })));
    assert_eq!(provider.deposit_status(&fails, None).await, Ok(DepositStatus::Expired));
    assert!(matches!(provider.withdrawal_status(&goes).await, Ok(WithdrawalStatus::Paid { .. })));
    let failed = WithdrawalStatus::Failed { reason: "account_closed".into() };
    assert_eq!(provider.withdrawal_status(&stays).await, Ok(failed));
}

#[tokio::test]
async fn it_asks_for_no_account_and_believes_no_message() {
    let (provider, _) = provider();
    let account = AccountId(Uuid::from_u128(7));
    let order = OnboardingOrder { account, destination: None, return_url: RETURN_URL.into() };
    assert_eq!(provider.onboard(&order).await, Ok(None));
    let told = provider.webhook(&reqwest::header::HeaderMap::new(), b"{}", moment()).await;
    assert_eq!(told, Err(WebhookError::Unsupported));
}
