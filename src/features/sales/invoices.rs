//! Invoices: what they are made of, and who sees how much of them.

use axum::http::StatusCode;
use uuid::Uuid;

use super::store::{self, InvoiceRow, Share};
use super::{Sales, derived_id};
use crate::auth::{Action, Caller, authorize};
use crate::domain::{AccountId, AuctionId, Currency, Fees, Money, Seq, Timestamp};
use crate::http::{ApiError, Page};
use crate::ledger::Paid;

/// Whether an invoice is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// From money that was set aside.
    Paid,
    /// It is between buyer and seller: the hub has moved no money.
    Outside,
    /// Not yet: staff has a case.
    Open,
    /// It never will be: staff has given the buyer the money back.
    Cancelled,
}

/// What a sale comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amounts {
    /// The price.
    pub price: Money,
    /// What the buyer pays on top of it.
    pub premium: Money,
    /// What the hub keeps of the price.
    pub commission: Money,
    /// What the seller gets.
    pub payout: Money,
}

/// An invoice to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewInvoice {
    pub auction: AuctionId,
    /// The event that ended it.
    pub seq: Seq,
    pub at: Timestamp,
    pub seller: AccountId,
    pub winner: AccountId,
    pub currency: Currency,
    pub title: String,
    pub amounts: Amounts,
    pub status: Status,
}

/// As whom somebody sees an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Viewer {
    /// What was paid for it.
    Buyer,
    /// What came of it.
    Seller,
    /// All of it.
    Staff,
}

/// Which side of sales a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    /// What was bought.
    Buyer,
    /// What was sold.
    Seller,
}

impl Status {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Outside => "outside",
            Self::Open => "open",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Amounts {
    /// What a sale at `price` comes to with these fees.
    pub fn of(price: Money, fees: Fees) -> Self {
        let commission = fees.commission(price);
        let payout = price.checked_sub(commission).unwrap_or(Money::ZERO);
        Self { price, premium: fees.premium(price), commission, payout }
    }

    /// What the buyer pays.
    pub fn total(&self) -> Money {
        self.price.saturating_add(self.premium)
    }
}

impl From<Paid> for Amounts {
    fn from(Paid { price, premium, commission, payout }: Paid) -> Self {
        Self { price, premium, commission, payout }
    }
}

impl NewInvoice {
    /// The same for the same sale, whoever writes it.
    pub fn id(&self) -> Uuid {
        derived_id(self.at, &format!("invoice:{}:{}", self.auction, self.seq))
    }
}

impl Viewer {
    /// As whom `caller` sees an invoice; none if not at all.
    fn of(row: &InvoiceRow, caller: &Caller) -> Option<Self> {
        let account = caller.account().0;
        match () {
            () if authorize(Some(caller), Action::HandleCases).is_ok() => Some(Self::Staff),
            () if account == row.winner => Some(Self::Buyer),
            () if account == row.seller => Some(Self::Seller),
            () => None,
        }
    }
}

impl Sales {
    /// An invoice, and as whom the caller sees it. Whose it is not does not learn that it is there.
    pub(super) async fn invoice(&self, caller: &Caller, id: Uuid) -> Result<(InvoiceRow, Viewer), ApiError> {
        let row = store::invoice(self.db(), id).await?;
        let seen = row.and_then(|row| Some((Viewer::of(&row, caller)?, row)));
        seen.map(|(viewer, row)| (row, viewer)).ok_or_else(unknown)
    }

    /// A page of the caller's invoices, the newest first, or of those of `account` for staff; each with as whom the caller
    /// sees it.
    pub(super) async fn invoices(
        &self,
        caller: &Caller,
        account: Option<AccountId>,
        side: Option<Side>,
        page: &Page<i64>,
    ) -> Result<Vec<(InvoiceRow, Viewer)>, ApiError> {
        let account = account.unwrap_or(caller.account());
        if account != caller.account() {
            authorize(Some(caller), Action::HandleCases)?;
        }
        let share = Share { account, bought: side != Some(Side::Seller), sold: side != Some(Side::Buyer) };
        let rows = store::invoices(self.db(), share, page).await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| Some((Viewer::of(&row, caller)?, row)))
            .map(|(it, row)| (row, it))
            .collect())
    }
}

/// There is none, as far as the caller may know.
pub(super) fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_invoice", "there is no such invoice, or it is not yours")
}
