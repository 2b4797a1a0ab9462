//! The SQL of the queue of staff.

use super::{TicketRow, tickets};
use crate::domain::AccountId;
use crate::features::tickets::queue::{Assigned, Filter, Order};
use crate::http::Page;
use crate::persistence::{Db, StoreError};
use crate::sql;

/// The sign that takes their meaning from `%` and `_` in a pattern.
const ESCAPE: char = '\\';

/// A page of the queue.
pub async fn queue(db: &Db, filter: &Filter, page: &Page<i64>) -> Result<Vec<TicketRow>, StoreError> {
    macro_rules! page_of {
        ($beyond:literal, $direction:literal) => {{
            let text = tickets!(concat!(
                "where ($1 is null or t.status = $1) and ($2 is null or t.assignee = $2)
                 and (not $3 or t.assignee is null) and ($4 is null or t.auction = $4)
                 and ($5 is null or t.folded like $5 escape '\\' or exists (
                    select 1 from ticket_messages m where m.ticket = t.id and m.folded like $5 escape '\\'))
                 and ($6 is null or t.number ",
                $beyond,
                " $6) order by t.number ",
                $direction,
                " limit $7"
            ));
            let Filter { status, assigned, auction, words, .. } = filter;
            let assignee = match assigned {
                Some(Assigned::To(AccountId(account))) => Some(*account),
                _ => None,
            };
            let (free, words) = (*assigned == Some(Assigned::Nobody), words.as_deref().map(pattern));
            let (status, after) = (status.map(|status| status.name()), page.after);
            sql!(db.read(), all TicketRow, text, status, assignee, free, *auction, words, after, page.fetch())
        }};
    }
    Ok(match filter.order {
        Order::Asc => page_of!(">", "asc"),
        Order::Desc => page_of!("<", "desc"),
    }?)
}

/// The pattern of what has these words in it, in lower case as the texts to be searched are.
fn pattern(words: &str) -> String {
    let mut pattern = String::from("%");
    for sign in words.to_lowercase().chars() {
        if matches!(sign, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_patterns_mean_themselves() {
        assert_eq!(pattern("50% Off_\\ÄÖ"), "%50\\% off\\_\\\\äö%");
    }
}
