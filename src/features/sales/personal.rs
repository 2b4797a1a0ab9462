//! What sales keep of a person: invoices, which the law asks for, and what staff decided about money. Names stand in accounts alone.

use async_trait::async_trait;

use super::store::personal as store;
use crate::domain::{AccountId, Timestamp};
use crate::persistence::{StoreError, Tx};
use crate::personal::{Column, Obstacle, Personal, Sheet, Unwritten, kept};

/// See [`Personal`].
#[derive(Debug, Clone, Copy)]
pub struct SalesPart;

#[async_trait]
impl Personal for SalesPart {
    fn name(&self) -> &'static str {
        "sales"
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            kept("invoices", "seller", "invoices are kept as the law asks"),
            kept("invoices", "winner", "invoices are kept as the law asks"),
            kept("staff_cases", "account", "what was decided about money"),
            kept("staff_cases", "closed_by", "who decided about money"),
        ]
    }

    async fn export(&self, tx: &mut Tx, account: AccountId, out: &mut Sheet) -> Result<(), Unwritten> {
        out.list("invoices", store::invoices(tx, account)).await?;
        out.list("cases", store::cases(tx, account)).await
    }

    async fn obstacles(&self, tx: &mut Tx, account: AccountId) -> Result<Vec<Obstacle>, StoreError> {
        let mut found = Vec::new();
        if store::has_open_invoice(tx, account).await? {
            found.push(Obstacle { code: "invoice_open", detail: "an invoice of this account is not paid" });
        }
        if store::has_open_case(tx, account).await? {
            found.push(Obstacle { code: "case_open", detail: "staff has not decided about this account's money" });
        }
        Ok(found)
    }

    async fn erase(&self, _tx: &mut Tx, _account: AccountId, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
