//! Keeps the documents of comments as the comments are. Triggers note which comment was written or has changed, whoever did
//! it; one node looks what has been noted and writes it down. A comment that is deleted is shown no more at once: what is shown
//! is read from the comment itself.

use std::sync::Arc;
use std::time::Duration;

use super::store::{self, CommentText, Kind, New};
use super::vocabulary::Vocabulary;
use crate::cache::{Cache, Tag};
use crate::coordination::{Duty, Leases};
use crate::lifecycle::Tasks;
use crate::persistence::{Db, StoreError};

/// How often the node that does it looks whether a comment was noted.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The name under which nodes agree on which of them does the work.
const TASK: &str = "search";
/// Notes that one transaction takes.
const PAGE: i64 = 200;

/// The one task that moves comments into what search finds.
#[derive(Clone)]
pub struct CommentIndex {
    db: Db,
    duty: Arc<Duty>,
    cache: Cache,
}

impl CommentIndex {
    /// The task over this database; `leases` say whether this node does it, and `cache` keeps searches.
    pub fn new(db: &Db, leases: Arc<dyn Leases>, cache: Cache) -> Self {
        Self { db: db.clone(), duty: Arc::new(Duty::new(leases, TASK)), cache }
    }

    /// Begins to look, every now and then, until the hub ends.
    pub fn start(self, tasks: &Tasks) {
        tasks.every(LOOK_EVERY, move || {
            let index = self.clone();
            async move {
                if let Err(error) = index.catch_up().await {
                    tracing::warn!(%error, "comments could not be made searchable and will be later: {error}");
                }
            }
        });
    }

    /// Makes searchable what was noted until now, unless it is for another node to do.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        while self.duty.is_ours().await && store::has_notes(&self.db).await? {
            self.take_notes_in().await?;
        }
        Ok(())
    }

    /// Writes down what the oldest notes are about. Taking them locks them, so that a second node that believes that it
    /// does the work waits, and then finds them gone.
    async fn take_notes_in(&self) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let ids = store::take_notes(&mut tx, PAGE).await?;
        let mut vocabulary = Vocabulary::default();
        for words in store::remove(&mut tx, &ids).await? {
            vocabulary.remove(words);
        }
        let comments = store::comment_texts(&mut tx, &ids).await?;
        let new: Vec<New<'_>> = comments.iter().map(CommentText::to_insert).collect();
        for new in &new {
            vocabulary.add(&new.fields);
        }
        store::insert(&mut tx, &new).await?;
        store::count_words(&mut tx, &vocabulary).await?;
        let forgetting = self.cache.forgetting(vec![Tag::searches()]);
        tx.commit().await?;
        forgetting.now().await;
        Ok(())
    }
}

impl CommentText {
    fn to_insert(&self) -> New<'_> {
        New {
            kind: Kind::Comment,
            id: self.id,
            auction: self.auction,
            author: self.author,
            title: "",
            category: None,
            standing: None,
            at: self.at,
            fields: vec![&self.body],
        }
    }
}

impl std::fmt::Debug for CommentIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CommentIndex")
    }
}
