//! From the feed to the ledger, page by page; a page is written as a whole or not at all, and may be handed over again.

use bidhub::features::sales::SalesProjection;
use bidhub::projection::Projection as _;

use crate::dice::Dice;
use crate::world::{Outcome, World, wrong};

impl World {
    /// Takes a page; it may all come to nothing at its end.
    pub async fn project(&mut self, dice: &mut Dice) -> Outcome {
        let until = self.feed.len().min(self.checkpoint + 1 + dice.below(8));
        let dies = dice.percent(10);
        self.project_until(until, dies).await
    }

    /// Writes what follows from the feed up to there.
    pub async fn project_until(&mut self, until: usize, dies: bool) -> Outcome {
        let page = &self.feed[self.checkpoint..until];
        let mut tx = self.db.begin().await.map_err(wrong)?;
        SalesProjection.apply(&mut tx, page).await.map_err(wrong)?;
        if !dies {
            tx.commit().await.map_err(wrong)?;
            self.checkpoint = until;
        }
        Ok(())
    }
}
