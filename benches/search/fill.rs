//! Fills a database with auctions as the projections do, and with comments as a hub makes them searchable, both in turn.

use bidhub::clock::to_datetime;
use bidhub::domain::auction::{Event, EventKind, Outcome};
use bidhub::domain::{AuctionId, Seq};
use bidhub::features::auctions::AuctionsProjection;
use bidhub::features::search::{CommentIndex, SearchProjection};
use bidhub::journal::{Digest, Record};
use bidhub::persistence::{Db, On};
use bidhub::projection::{Created, Fact, Projected, Projection as _};
use bidhub::sql;

use crate::corpus::{Corpus, Lot, SELLERS, seller};

/// Auctions in one transaction.
const PAGE: usize = 300;
const AUCTIONS_FOR_EACH_COMMENT: usize = 2;

pub async fn fill(db: &Db, comments: &CommentIndex, corpus: &mut Corpus, from: usize, to: usize) {
    if from == 0 {
        let mut tx = db.begin().await.unwrap();
        for number in 0..SELLERS {
            let text = "insert into accounts (id, display_name, created_at) values ($1, $2, $3)";
            let at = to_datetime(bidhub::domain::Timestamp::from_millis(0));
            sql!(tx.on(), exec, text, seller(number), format!("Seller {number}"), at).unwrap();
        }
        tx.commit().await.unwrap();
    }
    for begin in (from..to).step_by(PAGE) {
        let lots: Vec<Lot> = (begin..to.min(begin + PAGE)).map(|_| corpus.lot()).collect();
        let mut tx = db.begin().await.unwrap();
        for lot in lots.iter().step_by(AUCTIONS_FOR_EACH_COMMENT) {
            let text = "insert into comments (id, auction, number, author, by_seller, body, at)
                values ($1, $2, 1, $3, false, $4, $5)";
            let (id, author) = (uuid::Uuid::from_u128(!lot.id.0.as_u128()), seller(lot.comment.0));
            sql!(tx.on(), exec, text, id, lot.id.0, author, &lot.comment.1, to_datetime(lot.at)).unwrap();
        }
        let page: Vec<Projected> = lots.into_iter().flat_map(records).collect();
        AuctionsProjection.apply(&mut tx, &page).await.unwrap();
        SearchProjection.apply(&mut tx, &page).await.unwrap();
        tx.commit().await.unwrap();
        comments.catch_up().await.unwrap();
    }
}

/// What a server does by itself some time after much was written.
pub async fn settle(db: &Db) {
    match db.write() {
        On::Pg(_) => sql!(db.write(), exec, "vacuum analyze").unwrap(),
        On::Lite(_) => sql!(db.write(), exec, "pragma optimize").unwrap(),
    };
}

fn records(lot: Lot) -> Vec<Projected> {
    let Lot { id, at, terms, listing, stage, comment: _ } = lot;
    let ends_at = terms.ends_at;
    let event = |seq: u64, at, kind| Fact::Event(Event { seq: Seq(seq), at, kind });
    let created = Fact::Created(Created { at, terms, listing });
    let opened = event(1, at, EventKind::Opened { ends_at });
    let ended = event(2, ends_at, EventKind::Ended { outcome: Outcome::Unsold, price: None, winner: None });
    let facts = match stage {
        0..15 => vec![created, opened],
        15..20 => vec![created],
        _ => vec![created, opened, ended],
    };
    facts.into_iter().map(|fact| projected(id, fact)).collect()
}

/// Projections read facts; the record behind one is of no concern to these two.
fn projected(auction: AuctionId, fact: Fact) -> Projected {
    let record = Record {
        version: 1,
        seq: Seq(0),
        epoch: 0,
        public: "{}".into(),
        private: Vec::new(),
        commitment: [0; 32],
        digest: Digest::ORIGIN,
    };
    Projected { position: 0, auction, record, fact }
}
