//! The words that documents are made of, for those who misspell one.

use sqlx::types::Json;

use crate::features::search::vocabulary::Vocabulary;
use crate::persistence::{Db, On, StoreError, Tx};
use crate::sql;

/// Rows of one statement.
const ROWS_MAX: usize = 2_000;
/// Words that are looked at for one that was typed, those with the most in common first.
const ALIKE_MAX: i64 = 200;

/// A word that documents have.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(in super::super) struct Known {
    pub number: i64,
    pub word: String,
    /// How many have it.
    pub documents: i64,
}

/// Counts words: in how many documents more, or fewer, each is now.
pub(in super::super) async fn count_words(tx: &mut Tx, vocabulary: &Vocabulary) -> Result<(), StoreError> {
    macro_rules! count_on {
        ($on:expr, $rows:expr) => {{
            let mut builder = sqlx::QueryBuilder::new("insert into search_words (word, documents) ");
            builder.push_values($rows, |mut row, (word, change)| {
                row.push_bind(*word).push_bind(*change);
            });
            builder.push(" on conflict (word) do update set documents = search_words.documents + excluded.documents");
            builder.build().persistent(false).execute($on).await?;
        }};
    }
    for rows in vocabulary.changes().chunks(ROWS_MAX) {
        match tx.on() {
            On::Lite(on) => count_on!(on, rows),
            On::Pg(on) => count_on!(on, rows),
        }
    }
    forget(tx, &vocabulary.fewer()).await
}

/// Forgets those of these words that no document has any longer: they may have been somebody's own.
async fn forget(tx: &mut Tx, words: &[&str]) -> Result<(), StoreError> {
    const BY_POSTGRES: &str = "delete from search_words where documents <= 0 and word = any($1)";
    const BY_SQLITE: &str =
        "delete from search_words where documents <= 0 and word in (select value from json_each($1))";
    if words.is_empty() {
        return Ok(());
    }
    match tx.on() {
        On::Lite(on) => sqlx::query(BY_SQLITE).bind(Json(words)).execute(on).await.map(drop)?,
        On::Pg(on) => sqlx::query(BY_POSTGRES).bind(words).execute(on).await.map(drop)?,
    }
    Ok(())
}

/// Words of `least` to `most` letters that have groups of three letters in common with this one, the most alike first.
/// How much is enough for PostgreSQL is a setting of the session.
pub(in super::super) async fn alike(db: &Db, word: &str, (least, most): (i64, i64)) -> Result<Vec<Known>, StoreError> {
    const BY_POSTGRES: &str = "select number, word, documents from search_words
        where word % $1 and documents > 0 and length(word) between $2 and $3
        order by similarity(word, $1) desc, documents desc, word limit $4";
    const BY_SQLITE: &str = "select w.number, w.word, w.documents
        from search_trigrams t join search_words w on w.number = t.rowid
        where t.search_trigrams match $1 and w.documents > 0 and length(w.word) between $2 and $3
        order by t.rank, w.documents desc, w.word limit $4";
    Ok(match db.read() {
        On::Pg(_) => sql!(db.read(), all Known, BY_POSTGRES, word, least, most, ALIKE_MAX)?,
        On::Lite(_) => sql!(db.read(), all Known, BY_SQLITE, trigrams(word), least, most, ALIKE_MAX)?,
    })
}

/// A query for FTS5: any three letters of the word, with the blanks around it as PostgreSQL counts them.
fn trigrams(word: &str) -> String {
    let letters: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
    let groups = letters.windows(3).map(|group| format!("\"{}\"", group.iter().collect::<String>()));
    groups.collect::<Vec<_>>().join(" OR ")
}

/// Those of these words that documents have.
pub(in super::super) async fn known(db: &Db, words: &[String]) -> Result<Vec<Known>, StoreError> {
    const TEXT: &str = "select number, word, documents from search_words where documents > 0 and word";
    Ok(read_list!(db.read(), TEXT, words))
}

/// The words of these numbers.
pub(in super::super) async fn numbered(db: &Db, numbers: &[i64]) -> Result<Vec<Known>, StoreError> {
    const TEXT: &str = "select number, word, documents from search_words where number";
    Ok(read_list!(db.read(), TEXT, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_three_letters_are_those_of_postgres() {
        assert_eq!(trigrams("oak"), r#""  o" OR " oa" OR "oak" OR "ak ""#);
        assert_eq!(trigrams("дуб"), r#""  д" OR " ду" OR "дуб" OR "уб ""#);
    }
}
