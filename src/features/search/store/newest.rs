//! Finding by PostgreSQL, whose index gives what has the words in no order: the newest documents are looked at first, then
//! as many older ones as should do, judged by what was found so far. So for a common word as many are looked into in a large
//! hub as in a small one. What is dear beyond that is not looked at: far back, documents that have the words and hardly ever
//! pass the filter.

use std::collections::{BTreeMap, HashSet};

use sqlx::PgPool;

use super::find::{Filter, Find, Scope, listed, passing};
use super::matching::{ts_index, tsquery, tsquery_unwanted, tsquery_wanted};
use crate::features::search::terms::Terms;
use crate::persistence::StoreError;

/// How many numbers of documents one key of the index stands for, as migration 0021 has it.
const RANGE: i64 = 1_024;
/// How many documents with the words are put to the filter; half as many where titles alone are asked for.
const WORDED_MAX: i64 = 3_000;
/// How many are looked into for what no index tells: whether words stand side by side, or begin so. Half as many
/// titles.
const CANDIDATES_MAX: i64 = 4_000;
/// How many of one category or author are looked into where the words alone lead too far.
const LISTED_MAX: i64 = 2_000;
/// One look reaches so many times as far as those before it, at most: what they found may be no measure.
const GROWTH: i64 = 32;
/// From how many candidates on they say how many of them have a word that begins so.
const ENOUGH_TO_JUDGE: i64 = 64;

/// How far back was looked, and what that gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    /// Documents below this number have not been looked at.
    below: i64,
    /// How many numbers have been.
    seen: i64,
    /// Documents that the index gave.
    candidates: i64,
    /// Those of them that have the words.
    worded: i64,
    /// Those of them that pass the filter.
    found: i64,
    /// How much of the above is too much: one part in so many.
    part: i64,
    /// True if the index is asked for the beginning of a word as well: it reads all words that begin so, of all documents, so
    /// one that many documents have is better seen in these.
    beginning: bool,
}

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
    let newest: Option<i64> = sqlx::query_scalar("select max(number) from search_texts").fetch_one(on).await?;
    let number = number.min(newest.unwrap_or(0));
    let mut reach = Reach::new(number, terms, scope);
    let mut finds: Vec<Find> = Vec::new();
    loop {
        let queries = Queries::new(terms, scope, reach.beginning);
        let Some(from) = reach.next(limit, queries.asked.is_some()) else { break };
        let (candidates, worded) = look(on, scope, (from, reach.below - 1), queries).await?;
        let passed = passing(on, filter, &worded, limit - finds.len() as i64).await?;
        reach.take_in(from, (candidates, worded.len() as i64, passed.len() as i64));
        finds.extend(passed);
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

impl Reach {
    /// Before the first look, from document `number` on.
    fn new(number: i64, terms: &Terms, scope: Scope) -> Self {
        // Near words are meant where hardly anything has what was typed: then that costs nothing.
        let beginning = !terms.all.iter().any(|term| term.prefix && term.near.is_empty());
        let part = if scope == Scope::Text { 1 } else { 2 };
        Self { below: number + 1, seen: 0, candidates: 0, worded: 0, found: 0, part, beginning }
    }

    /// From which number on to look now, if there is need and it is not too dear. `asked` says that the index has words to look
    /// for.
    fn next(&self, limit: i64, asked: bool) -> Option<i64> {
        let (worded, candidates) = (WORDED_MAX / self.part - self.worded, CANDIDATES_MAX / self.part - self.candidates);
        let (below, missing) = (self.below, limit - self.found);
        if [below, missing, worded, candidates].iter().any(|left| *left <= 0) {
            return None;
        }
        let reach = |more: i64, had: i64| self.seen.saturating_mul(more) / had.max(1);
        let reach = reach(missing * 5 / 4, self.found)
            .min(reach(worded, self.worded))
            .min(reach(candidates, self.candidates))
            .min(self.seen.saturating_mul(GROWTH))
            .max(RANGE / 2);
        // The index is quicker without ranges if they are most of what there is.
        let rest = asked && reach > below / 4 * 3;
        Some(if rest { 0 } else { (below - reach).max(0) / RANGE * RANGE })
    }

    /// Takes in what a look from this number on gave.
    fn take_in(&mut self, from: i64, (candidates, worded, found): (i64, i64, i64)) {
        self.seen += self.below - from;
        self.below = from;
        self.candidates += candidates;
        self.worded += worded;
        self.found += found;
        if !self.beginning && self.candidates >= ENOUGH_TO_JUDGE && self.worded * 4 < self.candidates {
            self.beginning = true;
            self.candidates = self.worded;
        }
    }
}

/// Looks at documents of these numbers: how many of them the index gives, and which of those have the words. What is chosen by
/// hand here is how: by the index of words, all at once.
async fn look(
    on: &PgPool,
    scope: Scope,
    (from, to): (i64, i64),
    Queries { asked, check, unwanted }: Queries,
) -> Result<(i64, Vec<i64>), StoreError> {
    macro_rules! text {
        ($column:literal) => {
            concat!(
                "with candidates as materialized (
                    select number, ($4 is null or ",
                $column,
                " @@ $4::tsquery) and ($5 is null or words @@ $5::tsquery) as worded
                    from search_texts
                    where ($2::bigint[] is null or array[number / 1024] && $2) and ($3 is null or ",
                $column,
                " @@ $3::tsquery))
                select count(*), array_agg(number) filter (where worded) from candidates where number between $1 and $6"
            )
        };
    }
    let text = match scope {
        Scope::Text => text!("words"),
        Scope::Title => text!("titles"),
    };
    let ranges: Option<Vec<i64>> = (from > 0 || asked.is_none()).then(|| (from / RANGE..=to / RANGE).collect());
    let row = sqlx::query_as(text).bind(from).bind(ranges).bind(asked).bind(check).bind(unwanted).bind(to);
    let (candidates, worded): (i64, Option<Vec<i64>>) = row.fetch_one(on).await?;
    Ok((candidates, worded.unwrap_or_default()))
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

    /// The looks over `documents` documents of which one in `every` has the words: from which number on each, and what was found.
    fn looks(query: &str, documents: i64, limit: i64, every: (i64, i64, i64)) -> (Vec<i64>, Reach) {
        let terms = terms(query);
        let mut reach = Reach::new(documents, &terms, Scope::Text);
        let mut looks = Vec::new();
        while let Some(from) = reach.next(limit, ts_index(&terms, reach.beginning).is_some()) {
            assert!(looks.last().is_none_or(|last| from < *last) && from % RANGE == 0, "{looks:?} {from}");
            let of = |every: i64| reach.below / every - from / every;
            let counts = (of(every.0), of(every.1), of(every.2));
            reach.take_in(from, counts);
            looks.push(from);
        }
        (looks, reach)
    }

    #[test]
    fn common_words_are_found_near_by_in_a_hub_of_any_size() {
        for documents in [300_000, 3_000_000, 300_000_000] {
            for every in [1, 2, 10, 50] {
                let (looks, reach) = looks("\"oak\"", documents, 1_001, (every, every, every));
                assert!(looks.len() <= 3 && (1_001..3_000).contains(&reach.found), "{documents} {every}: {reach:?}");
            }
        }
    }

    #[test]
    fn rare_words_are_looked_for_to_the_end() {
        for documents in [0, 1, 600, 1_024, 30_000, 300_000, 3_000_000] {
            let (looks, reach) = looks("\"oak\"", documents, 1_001, (5_000, 5_000, 5_000));
            assert!(looks.len() <= 4 && reach.below == 0, "{documents}: {looks:?}");
            assert_eq!(reach.found, documents / 5_000);
        }
    }

    #[test]
    fn what_hardly_passes_the_filter_is_not_looked_for_for_ever() {
        let (_, reach) = looks("\"oak\"", 3_000_000, 1_001, (2, 2, 10_000));
        assert!(reach.below > 0 && (WORDED_MAX..2 * WORDED_MAX).contains(&reach.worded), "{reach:?}");
        let (_, reach) = looks("\"oak desk\"", 3_000_000, 1_001, (2, 100_000, 100_000));
        assert!(reach.below > 0 && (CANDIDATES_MAX..2 * CANDIDATES_MAX).contains(&reach.candidates), "{reach:?}");
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

    #[test]
    fn the_index_is_asked_for_a_beginning_that_few_have() {
        assert!(!looks("oak wal", 300_000, 1_001, (2, 3, 3)).1.beginning, "most that have the one have the other");
        assert!(!looks("wal", 300_000, 1_001, (1, 2, 2)).1.beginning);
        assert!(!looks("oak wal", 300_000, 1_001, (1_000, 4_000, 4_000)).1.beginning, "so few are all looked into");
        assert!(looks("oak wal", 300_000, 1_001, (2, 1_000, 1_000)).1.beginning);
        assert!(looks("wal", 300_000, 1_001, (1, 100, 100)).1.beginning);
    }
}
