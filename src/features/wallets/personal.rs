//! What wallets keep of a person: money, how it moved, and where it went.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Obstacle, Personal, Sheet, Unwritten, erased, kept};

/// What money of each kind means for whoever wants to go.
const KINDS: [(&str, Obstacle); 4] = [
    ("available", Obstacle { code: "wallet_not_empty", detail: "there is money in the wallet" }),
    ("held", Obstacle { code: "money_held", detail: "money is set aside for an auction" }),
    ("withdrawing", Obstacle { code: "money_under_way", detail: "money is on its way out" }),
    ("owed", Obstacle { code: "money_owed", detail: "this account owes money" }),
];

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct WalletsPart;

#[async_trait]
impl Personal for WalletsPart {
    fn name(&self) -> &'static str {
        "wallet"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            kept("wallets", "owner", "the books"),
            kept("ledger_accounts", "owner", "the books, which never change"),
            kept("auction_books", "seller", "the books"),
            kept("holds", "bidder", "the books"),
            kept("payment_orders", "owner", "the books; without where the money went"),
            erased("payout_destinations", "owner"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("wallets", store::wallets(tx, account)).await?;
        out.list("balances", store::balances(tx, account)).await?;
        out.list("entries", store::entries(tx, account)).await?;
        out.list("set_aside", store::holds(tx, account)).await?;
        out.list("orders", store::orders(tx, account)).await?;
        out.list("destinations", store::destinations(tx, account)).await
    }

    async fn lock(&self, tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
        store::lock(tx, account).await
    }

    async fn obstacles(&self, tx: &mut Tx, account: AccountId) -> Result<Vec<Obstacle>, StoreError> {
        let left = store::money_left(tx, account).await?;
        let mut found: Vec<Obstacle> =
            KINDS.iter().filter(|(kind, _)| left.iter().any(|it| it == kind)).map(|it| it.1).collect();
        if store::has_orders(tx, account).await? {
            found.push(Obstacle { code: "order_under_way", detail: "a deposit or a withdrawal is under way" });
        }
        Ok(found)
    }

    async fn erase(&self, tx: &mut Tx, account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        store::delete_destinations(tx, account).await?;
        store::empty_orders(tx, account).await
    }
}
