//! Cases of staff: what no rule can decide. Who meets one opens it in the transaction in which it came up; staff closes it,
//! together with the money that this moves and the entry in the audit trail.

use axum::http::StatusCode;
use uuid::Uuid;

use super::invoices::Status;
use super::notes::{About, Moved, tell};
use super::store::{self, CaseRow, Closing};
use super::{Decision, Sales, derived_id};
use crate::auth::Caller;
use crate::domain::{AccountId, AuctionId, Currency, Money, Seq, Timestamp};
use crate::http::{ApiError, RequestId};
use crate::ledger::{self, Account};
use crate::persistence::{StoreError, Tx};

const NOTE_MAX_CHARS: usize = 500;

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// A winner's money could not be taken; it is still set aside.
    CaptureFailed,
    /// The payment provider took a deposit back that had been spent.
    DepositReversed,
    /// Money has come to the payment provider that cannot be credited: the wallet is full, or it is of another currency.
    NotCredited,
    /// The payment provider has paid a withdrawal that counted as failed: its money is back in the wallet as well.
    PaidAfterAll,
}

/// A case to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCase {
    /// What it is about.
    pub kind: CaseKind,
    /// What it follows from, such as `reversal:<id>`; a cause opens one case.
    pub cause: String,
    /// Whose money it is.
    pub account: AccountId,
    /// By which event of which auction it came up, if by one.
    pub auction: Option<(AuctionId, Seq)>,
    /// In which currency.
    pub currency: Currency,
    /// How much it is about.
    pub amount: Money,
    /// A code that says why.
    pub reason: String,
    /// When it came up.
    pub at: Timestamp,
}

/// What staff decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Take what the winner owes and pay the seller.
    Capture,
    /// Give the winner the money back; the sale does not happen.
    Release,
    /// Nothing more is to be done here.
    Close,
}

impl CaseKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CaptureFailed, Self::DepositReversed, Self::NotCredited, Self::PaidAfterAll];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::CaptureFailed => "capture_failed",
            Self::DepositReversed => "deposit_reversed",
            Self::NotCredited => "not_credited",
            Self::PaidAfterAll => "paid_after_all",
        }
    }
}

impl Resolution {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Close => "close",
        }
    }

    /// Money that is still set aside must go one way or the other; where none is, there is nothing to move.
    fn fits(self, kind: &str) -> bool {
        (kind == CaseKind::CaptureFailed.name()) == (self != Self::Close)
    }
}

impl NewCase {
    /// The same for the same cause at the same moment, whoever opens it.
    pub fn id(&self) -> Uuid {
        derived_id(self.at, &format!("case:{}", self.cause))
    }
}

/// Opens a case in the caller's transaction, unless its cause has opened one before. True if it is new.
pub async fn open(tx: &mut Tx, new: &NewCase) -> Result<bool, StoreError> {
    store::insert_case(tx, new).await
}

impl Sales {
    /// A case.
    pub(super) async fn case(&self, id: Uuid) -> Result<CaseRow, ApiError> {
        store::case(self.db(), id).await?.ok_or_else(unknown)
    }

    /// Carries out what `caller` decides about a case: the money, the invoice, the case and the trail in one transaction.
    pub(super) async fn resolve(
        &self,
        caller: &Caller,
        request: &RequestId,
        id: Uuid,
        (resolution, note): (Resolution, &str),
    ) -> Result<CaseRow, ApiError> {
        let (actor, at, note) = (caller.account(), self.now(), checked(note)?);
        let case = self.case(id).await?;
        if !resolution.fits(&case.kind) {
            let detail = format!("a case of kind {} is not to be resolved by {}", case.kind, resolution.name());
            return Err(ApiError::invalid("invalid_action", "action", detail));
        }
        let mut tx = self.db().begin().await?;
        // Books and wallets are locked before anything else, in the order in which all do.
        if let Some((auction, _)) = case.event() {
            ledger::lock_books(&mut tx, &[auction]).await?;
            let owners = ledger::holders_in(&mut tx, auction).await?;
            if owners.iter().any(|(owner, _)| *owner == actor) {
                return Err(ApiError::conflict("own_account", "nobody decides a case about their own money"));
            }
            ledger::lock_wallets(&mut tx, &owners.into_iter().collect()).await?;
        }
        if AccountId(case.account) == actor {
            return Err(ApiError::conflict("own_account", "nobody decides a case about their own money"));
        }
        let closing = Closing { by: actor, at, resolution, note };
        if !store::close_case(&mut tx, id, &closing).await? {
            drop(tx);
            return Err(closed(&self.case(id).await?));
        }
        self.carry_out(&mut tx, &case, resolution, at).await?;
        let decision =
            Decision { actor, at, case: id, resolution, note: note.to_owned(), request: request.0.to_string() };
        self.0.trail.record(&mut tx, &decision).await?;
        tx.commit().await?;
        self.0.outbox.wake();
        tracing::info!(case = %id, by = %actor, action = resolution.name(), "staff: case {id} is resolved: {}", resolution.name());
        self.case(id).await
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        case: &CaseRow,
        resolution: Resolution,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let (winner, cause) = (AccountId(case.account), format!("case:{}", case.id));
        match (resolution, case.event()) {
            (Resolution::Capture, Some((auction, _))) => {
                let invoice = store::open_invoice(tx, auction).await?;
                let (amounts, currency) = (invoice.amounts()?, invoice.currency()?);
                let held = ledger::balance(tx, &Account::Held(winner, auction), currency).await?;
                match ledger::capture_late(tx, auction, winner, amounts.price, at).await? {
                    Some(Ok(_)) => {}
                    Some(Err(unpaid)) => {
                        let detail = "the money could not be taken, and nothing has changed";
                        return Err(ApiError::conflict("capture_failed", detail).with("reason", unpaid.code()));
                    }
                    None => return Err(ApiError::internal(format!("auction {auction} has an invoice and no book"))),
                }
                store::end_invoice(tx, invoice.id, Status::Paid, Some(at)).await?;
                let rest = held.checked_sub(amounts.total()).unwrap_or(Money::ZERO);
                let moved = [
                    Moved::Captured(winner, amounts.total()),
                    Moved::PaidOut(AccountId(invoice.seller), amounts.payout),
                    Moved::Released(winner, rest),
                ];
                Ok(tell(tx, About { auction, title: &invoice.title, currency, cause: &cause, at }, &moved).await?)
            }
            (Resolution::Release, Some((auction, _))) => {
                let invoice = store::open_invoice(tx, auction).await?;
                let (title, currency) = (invoice.title.as_str(), invoice.currency()?);
                let freed = ledger::release_late(tx, auction, winner, at).await?;
                store::end_invoice(tx, invoice.id, Status::Cancelled, None).await?;
                let moved = [Moved::Released(winner, freed)];
                Ok(tell(tx, About { auction, title, currency, cause: &cause, at }, &moved).await?)
            }
            (Resolution::Capture | Resolution::Release, None) => {
                Err(ApiError::internal(format!("case {} has no auction", case.id)))
            }
            (Resolution::Close, _) => Ok(()),
        }
    }
}

/// The note, stripped at its ends, if it is one.
fn checked(note: &str) -> Result<&str, ApiError> {
    let note = note.trim();
    let strange = |sign: char| sign.is_control() && sign != '\n';
    let fits = (1..=NOTE_MAX_CHARS).contains(&note.chars().count()) && !note.chars().any(strange);
    let refuse = || ApiError::invalid("invalid_note", "note", format!("a note has 1 to {NOTE_MAX_CHARS} characters"));
    fits.then_some(note).ok_or_else(refuse)
}

fn closed(case: &CaseRow) -> ApiError {
    let error = ApiError::conflict("case_closed", "the case is closed already");
    let by = case.closed_by.map(|by| by.to_string());
    error.with("resolution", case.resolution.clone()).with("closed_by", by)
}

/// There is none.
pub(super) fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "unknown_case", "there is no such case")
}
