//! Finding by PostgreSQL, whose index gives what has the words in no order: the newest documents are looked at first, then
//! as many older ones as should do, judged by what was found so far. So for a common word as many are looked into in a large
//! hub as in a small one. What is dear beyond that is not looked at: far back, documents that have the words and hardly ever
//! pass the filter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use sqlx::PgPool;
use uuid::Uuid;

use super::find::{Filter, Find, Kind, Scope, bound, listed, passes};
use super::matching::{ts_beginning, ts_index, tsquery, tsquery_unwanted, tsquery_wanted};
use super::reach::{Expected, RANGE, Reach};
use crate::features::search::terms::Terms;
use crate::persistence::StoreError;

/// How many of one category or author are looked into where the words alone lead too far.
const LISTED_MAX: i64 = 1_000;

/// What is looked for, in PostgreSQL's words.
struct Queries {
    /// By the index.
    asked: Option<String>,
    /// In each document that the index gives; none if that tells nothing new.
    check: Option<String>,
    /// What must not be there, as far as the index is not asked.
    unwanted: Option<String>,
}

/// At most `limit` documents with these terms that pass the filter, the newest first, from `number` on; and whether older
/// ones may have gone unseen, though these are fewer.
pub(super) async fn window(
    on: &PgPool,
    filter: &Filter,
    (terms, scope): (&Terms, Scope),
    number: i64,
    limit: i64,
) -> Result<(Vec<Find>, bool), StoreError> {
    let (newest, expected) = tokio::try_join!(newest(on), expected(on, scope, terms))?;
    let number = number.min(newest);
    let mut reach = Reach::new(number, terms, scope, limit, expected);
    let mut finds: Vec<Find> = Vec::new();
    loop {
        let queries = Queries::new(terms, scope, reach.beginning);
        let Some(from) = reach.next(limit, queries.asked.is_some()) else { break };
        let looked = look(on, filter, scope, (from, reach.below - 1), queries, limit - finds.len() as i64).await?;
        let Looked { candidates, worded, passing } = looked;
        reach.take_in(from, (candidates, worded, passing.len() as i64));
        finds.extend(passing);
    }
    let cut = reach.below > 0 && reach.found < limit;
    if !cut || scope == Scope::Title || (filter.category.is_none() && filter.author.is_none()) {
        return Ok((finds, cut));
    }
    // So much has the words that few of this category or author were among it: they have a list of their own.
    let all = listed(on, filter, number, LISTED_MAX).await?;
    let cut = all.len() as i64 == LISTED_MAX;
    let numbers: Vec<i64> = all.iter().map(|find| find.number).collect();
    let worded: HashSet<i64> = with_words(on, &numbers, &tsquery(terms)).await?.into_iter().collect();
    let all = all.into_iter().filter(|find| worded.contains(&find.number));
    let finds: BTreeMap<i64, Find> = finds.into_iter().chain(all).map(|find| (find.number, find)).collect();
    Ok((finds.into_values().rev().take(limit as usize).collect(), cut))
}

/// The highest number; 0 if there is nothing.
async fn newest(on: &PgPool) -> Result<i64, StoreError> {
    let newest: Option<i64> = sqlx::query_scalar("select max(number) from search_texts").fetch_one(on).await?;
    Ok(newest.unwrap_or(0))
}

/// Asks PostgreSQL's statistics, which costs next to nothing. They know common words well and take others to be rare.
async fn expected(on: &PgPool, scope: Scope, terms: &Terms) -> Result<Expected, StoreError> {
    macro_rules! text {
        ($column:literal) => {
            concat!(
                "explain (format json) select from search_texts where ",
                $column,
                " @@ $1::tsquery union all select from search_texts where ",
                $column,
                " @@ $2::tsquery union all select from search_texts where ",
                $column,
                " @@ $3::tsquery"
            )
        };
    }
    let text = match scope {
        Scope::Text => text!("words"),
        Scope::Title => text!("titles"),
    };
    let wanted = tsquery_wanted(terms);
    let (candidates, begun) = (ts_index(terms, false), ts_beginning(terms));
    let plan: serde_json::Value = sqlx::query_scalar(text)
        .bind(&wanted)
        .bind(candidates.as_ref().unwrap_or(&wanted))
        .bind(begun.as_ref().unwrap_or(&wanted))
        .fetch_one(on)
        .await?;
    let rows = |at: usize| plan[0]["Plan"]["Plans"][at]["Plan Rows"].as_i64().unwrap_or(0);
    Ok(Expected { worded: rows(0), candidates: if candidates.is_some() { rows(1) } else { i64::MAX }, begun: rows(2) })
}

impl Queries {
    fn new(terms: &Terms, scope: Scope, beginning: bool) -> Self {
        let unsure = terms.all.iter().any(|term| term.words.len() > 1 || (term.prefix && !beginning));
        let check = unsure.then(|| tsquery_wanted(terms));
        let told = scope == Scope::Text && terms.none.iter().all(|term| term.words.len() == 1);
        match (ts_index(terms, beginning), tsquery_unwanted(terms)) {
            (Some(asked), Some(unwanted)) if told => {
                Self { asked: Some(format!("{asked} & {unwanted}")), check, unwanted: None }
            }
            (asked, unwanted) => Self { asked, check, unwanted },
        }
    }
}

/// What a look gave.
struct Looked {
    /// How many documents the index gave.
    candidates: i64,
    /// How many of them have the words.
    worded: i64,
    /// Those of them that pass the filter, the newest first.
    passing: Vec<Find>,
}

/// A look as PostgreSQL tells it: two counts, and the columns of what passes, each as a whole, which costs less to send and to
/// read than so many rows.
type Columns = (
    i64,
    i64,
    Option<Vec<i64>>,
    Option<Vec<Uuid>>,
    Option<Vec<String>>,
    Option<Vec<String>>,
    Option<Vec<Option<String>>>,
    Option<Vec<Option<String>>>,
);

/// Looks at documents of the numbers `from` to `to`. What is chosen by hand here is how: by the index of words, all at once, and
/// then each that has the words by its number.
async fn look(
    on: &PgPool,
    filter: &Filter,
    scope: Scope,
    (from, to): (i64, i64),
    Queries { asked, check, unwanted }: Queries,
    limit: i64,
) -> Result<Looked, StoreError> {
    macro_rules! text {
        ($column:literal) => {
            concat!(
                "with candidates as materialized (
                    select number, ($14 is null or ",
                $column,
                " @@ $14::tsquery) and ($15 is null or words @@ $15::tsquery) as worded
                    from search_texts
                    where ($12::bigint[] is null or array[number / 1024] && $12) and ($13 is null or ",
                $column,
                " @@ $13::tsquery)
                ),
                near as materialized (select number, worded from candidates where number between $11 and $1),
                passing as (
                    select d.* from (select number from near where worded order by number desc) near cross join lateral (
                        select d.number, d.id, d.kind, d.title, d.category, d.status from search_documents d
                        where d.number = near.number and ",
                passes!(),
                " limit 1) d
                    order by near.number desc limit $10
                )
                select (select count(*) from near), (select count(*) from near where worded), array_agg(number),
                    array_agg(id), array_agg(kind), array_agg(title), array_agg(category), array_agg(status) from passing"
            )
        };
    }
    let text = match scope {
        Scope::Text => text!("words"),
        Scope::Title => text!("titles"),
    };
    let ranges: Option<Vec<i64>> = (from > 0 || asked.is_none()).then(|| (from / RANGE..=to / RANGE).collect());
    let columns: Columns = bound!(text, filter, to, limit)
        .bind(from)
        .bind(ranges)
        .bind(asked)
        .bind(check)
        .bind(unwanted)
        .fetch_one(on)
        .await?;
    Ok(columns.into())
}

impl From<Columns> for Looked {
    fn from((candidates, worded, numbers, ids, kinds, titles, categories, statuses): Columns) -> Self {
        let (numbers, ids) = (numbers.unwrap_or_default(), ids.unwrap_or_default());
        let (kinds, titles) = (kinds.unwrap_or_default(), titles.unwrap_or_default());
        let (categories, statuses) = (categories.unwrap_or_default(), statuses.unwrap_or_default());
        let mut passing: Vec<Find> = numbers
            .into_iter()
            .zip(ids)
            .zip(kinds.into_iter().zip(titles))
            .zip(categories.into_iter().zip(statuses))
            .map(|(((number, id), (kind, title)), (category, status))| Find {
                number,
                id,
                kind,
                title,
                category,
                status,
            })
            .collect();
        // The database gives them so, though it does not promise to.
        passing.sort_unstable_by_key(|find| Reverse(find.number));
        Self { candidates, worded, passing }
    }
}

/// Which of these documents have the words. Each is looked into, whatever the index might say.
async fn with_words(on: &PgPool, numbers: &[i64], query: &str) -> Result<Vec<i64>, StoreError> {
    let text = "select listed.number from unnest($1::bigint[]) as listed (number)
        where (select words from search_texts t where t.number = listed.number) @@ $2::tsquery";
    Ok(sqlx::query_scalar(text).bind(numbers).bind(query).fetch_all(on).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::search::terms::Asked;

    fn terms(query: &str) -> Terms {
        match Asked::read(query).unwrap() {
            Asked::Terms(terms) => terms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_index_tells_is_not_looked_for_in_documents() {
        for (query, scope, beginning, expected) in [
            ("\"oak\"", Scope::Text, true, [Some("('oak')"), None, None]),
            ("oak -desk", Scope::Text, true, [Some("('oak') & !('desk')"), None, None]),
            ("oak -desk", Scope::Title, true, [Some("('oak')"), None, Some("!('desk')")]),
            ("oak wal", Scope::Text, true, [Some("('oak') & ('wal':*)"), None, None]),
            ("oak wal", Scope::Text, false, [Some("('oak')"), Some("('oak') & ('wal':*)"), None]),
            ("wal", Scope::Text, false, [None, Some("('wal':*)"), None]),
            (
                "\"oak desk\" -old",
                Scope::Text,
                true,
                [Some("'oak' & 'desk' & !('old')"), Some("('oak' <-> 'desk')"), None],
            ),
            ("oak -\"a b\"", Scope::Text, true, [Some("('oak')"), None, Some("!('a' <-> 'b')")]),
        ] {
            let Queries { asked, check, unwanted } = Queries::new(&terms(query), scope, beginning);
            assert_eq!([asked.as_deref(), check.as_deref(), unwanted.as_deref()], expected, "{query}");
        }
    }
}
