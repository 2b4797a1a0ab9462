//! What search finds: rows of `search_documents`, and their words in `search_texts`.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::find::Kind;
use super::matching::{fts5_text, tsvector};
use crate::domain::AuctionId;
use crate::features::search::words::words;
use crate::persistence::{On, StoreError, Tx};
use crate::sql;

/// An auction as it stands in `search_documents`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in super::super) struct AuctionDocument {
    /// Its place among all documents; 0 before it has one.
    pub number: i64,
    pub id: Uuid,
    pub author: Uuid,
    /// The words of the title, as they are compared, with blanks between.
    pub title: String,
    pub category: String,
    #[sqlx(flatten)]
    pub standing: Standing,
    pub at: DateTime<Utc>,
}

/// What changes as an auction goes on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in super::super) struct Standing {
    pub status: String,
    pub opening_price: i64,
    /// Before the first bid the opening price.
    pub price: i64,
    /// The last event that changed any of it.
    pub seq: i64,
}

/// Rows of one statement, so that neither engine is given more values than it takes.
const ROWS_MAX: usize = 1_000;

/// Those of these auctions that have a document.
pub(in super::super) async fn auctions_in(tx: &mut Tx, ids: &[AuctionId]) -> Result<Vec<AuctionDocument>, StoreError> {
    const TEXT: &str = "select number, id, author, title, category, status, opening_price, price, seq, at
        from search_documents where id";
    let mut rows: Vec<AuctionDocument> = Vec::new();
    for ids in ids.chunks(ROWS_MAX) {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let found: Vec<AuctionDocument> = read_list!(tx.on(), TEXT, &ids);
        rows.extend(found);
    }
    Ok(rows)
}

/// A document to insert.
#[derive(Debug, Clone)]
pub(in super::super) struct New<'a> {
    pub kind: Kind,
    pub id: Uuid,
    pub auction: Uuid,
    pub author: Uuid,
    pub title: &'a str,
    pub category: Option<&'a str>,
    pub standing: Option<&'a Standing>,
    pub at: DateTime<Utc>,
    /// What it says, field by field.
    pub fields: Vec<&'a str>,
}

/// Inserts documents; their numbers grow in this order.
pub(in super::super) async fn insert(tx: &mut Tx, new: &[New<'_>]) -> Result<(), StoreError> {
    const TEXT: &str = "insert into search_documents
        (kind, id, auction, author, title, category, status, opening_price, price, at, seq) ";
    macro_rules! insert_on {
        ($on:expr, $rows:expr) => {{
            let mut builder = sqlx::QueryBuilder::new(TEXT);
            builder.push_values($rows, |mut row, new| {
                row.push_bind(new.kind.name())
                    .push_bind(new.id)
                    .push_bind(new.auction)
                    .push_bind(new.author)
                    .push_bind(new.title)
                    .push_bind(new.category)
                    .push_bind(new.standing.map(|standing| standing.status.as_str()))
                    .push_bind(new.standing.map(|standing| standing.opening_price))
                    .push_bind(new.standing.map(|standing| standing.price))
                    .push_bind(new.at)
                    .push_bind(new.standing.map_or(0, |standing| standing.seq));
            });
            builder.push(" returning id, number");
            builder.build_query_as::<(Uuid, i64)>().persistent(false).fetch_all($on).await?
        }};
    }
    for rows in new.chunks(ROWS_MAX) {
        let numbers = match tx.on() {
            On::Lite(on) => insert_on!(on, rows),
            On::Pg(on) => insert_on!(on, rows),
        };
        let numbers: HashMap<Uuid, i64> = numbers.into_iter().collect();
        let texts: Vec<Text<'_>> = rows.iter().filter_map(|new| Some(new.text(*numbers.get(&new.id)?))).collect();
        insert_texts(tx, &texts).await?;
    }
    Ok(())
}

/// Takes documents away, and gives the words of each.
pub(in super::super) async fn remove(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Vec<String>>, StoreError> {
    let mut words = Vec::new();
    let number = "select number from search_documents where id = $1";
    for id in ids {
        let Some(number) = sql!(tx.on(), opt_scalar i64, number, id)? else { continue };
        words.push(remove_text(tx, number).await?);
        sql!(tx.on(), exec, "delete from search_documents where number = $1", number)?;
    }
    Ok(words)
}

/// Takes the words of a document away, and gives each of them once.
async fn remove_text(tx: &mut Tx, number: i64) -> Result<Vec<String>, StoreError> {
    match tx.on() {
        On::Lite(_) => {
            sql!(tx.on(), exec, "delete from search_texts where rowid = $1", number)?;
            let text = "delete from search_vocabulary where number = $1 returning words";
            let words = sql!(tx.on(), opt_scalar String, text, number)?;
            Ok(words.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
        }
        On::Pg(on) => {
            let text = "delete from search_texts where number = $1 returning tsvector_to_array(words)";
            let words: Option<Vec<String>> = sqlx::query_scalar(text).bind(number).fetch_optional(on).await?;
            Ok(words.unwrap_or_default())
        }
    }
}

/// What a document says.
struct Text<'a> {
    number: i64,
    /// The words of the title, as they are compared.
    title: &'a str,
    /// The title as it was written, and all the rest.
    fields: Vec<&'a str>,
}

impl<'a> New<'a> {
    fn text(&self, number: i64) -> Text<'a> {
        Text { number, title: self.title, fields: self.fields.clone() }
    }
}

async fn insert_texts(tx: &mut Tx, texts: &[Text<'_>]) -> Result<(), StoreError> {
    match tx.on() {
        On::Lite(on) => {
            let mut builder = sqlx::QueryBuilder::new("insert into search_texts (rowid, titles, words) ");
            builder.push_values(texts, |mut row, text| {
                row.push_bind(text.number).push_bind(text.title).push_bind(fts5_text(&text.fields));
            });
            builder.build().persistent(false).execute(&mut *on).await?;
            // FTS5 does not say which words a document has.
            let mut builder = sqlx::QueryBuilder::new("insert into search_vocabulary (number, words) ");
            builder.push_values(texts, |mut row, text| {
                let words: BTreeSet<_> = text.fields.iter().flat_map(|field| words(field)).collect();
                row.push_bind(text.number).push_bind(words.into_iter().collect::<Vec<_>>().join(" "));
            });
            builder.build().persistent(false).execute(on).await?;
        }
        On::Pg(on) => {
            let mut builder = sqlx::QueryBuilder::new("insert into search_texts (number, titles, words) ");
            builder.push_values(texts, |mut row, text| {
                row.push_bind(text.number);
                row.push_bind(tsvector(&[text.title])).push_unseparated("::tsvector");
                row.push_bind(tsvector(&text.fields)).push_unseparated("::tsvector");
            });
            builder.build().persistent(false).execute(on).await?;
        }
    }
    Ok(())
}

/// Writes other words for an auction that has a document, and gives those that it had.
pub(in super::super) async fn replace_text(
    tx: &mut Tx,
    document: &AuctionDocument,
    fields: &[&str],
) -> Result<Vec<String>, StoreError> {
    let text = "update search_documents set title = $2, category = $3 where number = $1";
    sql!(tx.on(), exec, text, document.number, &document.title, &document.category)?;
    let before = remove_text(tx, document.number).await?;
    let text = Text { number: document.number, title: &document.title, fields: fields.to_vec() };
    insert_texts(tx, &[text]).await?;
    Ok(before)
}

/// Writes how auctions stand, without touching a word.
pub(in super::super) async fn set_standings(tx: &mut Tx, changed: &[&AuctionDocument]) -> Result<(), StoreError> {
    macro_rules! update_on {
        ($on:expr, $rows:expr) => {{
            let mut builder = sqlx::QueryBuilder::new("with changed (number, status, opening_price, price, seq) as (");
            builder.push_values($rows, |mut row, document| {
                row.push_bind(document.number)
                    .push_bind(&document.standing.status)
                    .push_bind(document.standing.opening_price)
                    .push_bind(document.standing.price)
                    .push_bind(document.standing.seq);
            });
            builder.push(
                ") update search_documents set status = changed.status, opening_price = changed.opening_price,
                    price = changed.price, seq = changed.seq
                 from changed where search_documents.number = changed.number",
            );
            builder.build().persistent(false).execute($on).await?.rows_affected()
        }};
    }
    for rows in changed.chunks(ROWS_MAX) {
        let found = match tx.on() {
            On::Lite(on) => update_on!(on, rows),
            On::Pg(on) => update_on!(on, rows),
        };
        if found != rows.len() as u64 {
            let expected = rows.len() as u64;
            return Err(StoreError::WrongRowCount { statement: "say how auctions stand", expected, found });
        }
    }
    Ok(())
}
