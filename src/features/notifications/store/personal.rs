//! What was told to a person, and how they want to be told.

use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::AccountId;
use crate::persistence::{Rows, StoreError, Tx};
use crate::personal::{At, NAMELESS};
use crate::sql;

/// A notification.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::notifications) struct NotePart {
    kind: String,
    auction: Option<Uuid>,
    data: Json<Value>,
    at: At,
    read_at: Option<At>,
}

pub(in crate::features::notifications) fn notes(tx: &mut Tx, account: AccountId) -> Rows<'_, NotePart> {
    let text = "select kind, auction, data, at, read_at from notifications where account = $1 order by id";
    sql!(tx.on(), stream NotePart, text, account.0)
}

/// How they want to be told of a group.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub(in crate::features::notifications) struct ChoicePart {
    group_name: String,
    push: bool,
    email: bool,
}

pub(in crate::features::notifications) fn choices(tx: &mut Tx, account: AccountId) -> Rows<'_, ChoicePart> {
    let text = "select group_name, push, email from notification_preferences where account = $1 order by group_name";
    sql!(tx.on(), stream ChoicePart, text, account.0)
}

pub(in crate::features::notifications) async fn delete_notes(
    tx: &mut Tx,
    account: AccountId,
) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from notifications where account = $1", account.0)?;
    Ok(())
}

pub(in crate::features::notifications) async fn delete_choices(
    tx: &mut Tx,
    account: AccountId,
) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "delete from notification_preferences where account = $1", account.0)?;
    Ok(())
}

/// A comment of the account, and who was told of it.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct ToldRow {
    comment: Uuid,
    told: Option<Uuid>,
}

/// A notification, to be changed.
#[derive(Debug, Clone, sqlx::FromRow)]
struct DataRow {
    id: i64,
    data: Json<Value>,
}

/// Takes the name of the account out of what others were told of its comments.
pub(in crate::features::notifications) async fn take_name(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let text = "select comment.id as comment, coalesce(parent.author, auctions.seller) as told from comments comment
         left join comments parent on parent.id = comment.parent
         left join auctions on auctions.id = comment.auction
         where comment.author = $1 order by comment.id";
    for ToldRow { comment, told } in sql!(tx.on(), all ToldRow, text, account.0)? {
        let Some(told) = told else { continue };
        let Some(mut row) = note_of(tx, told, &format!("comment:{comment}")).await? else { continue };
        row.data.0["author"] = NAMELESS.into();
        set_data(tx, &row).await?;
    }
    Ok(())
}

async fn note_of(tx: &mut Tx, account: Uuid, cause: &str) -> Result<Option<DataRow>, StoreError> {
    let text = "select id, data from notifications where account = $1 and cause = $2";
    Ok(sql!(tx.on(), opt DataRow, text, account, cause)?)
}

async fn set_data(tx: &mut Tx, row: &DataRow) -> Result<(), StoreError> {
    sql!(tx.on(), exec, "update notifications set data = $2 where id = $1", row.id, &row.data)?;
    Ok(())
}
