//! The rules that hold the books against the logs, whichever of both has moved on.

use std::collections::HashMap;

use bidhub::domain::auction::{Event, EventKind, Funds, Outcome as Ending, Terms, Winner};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::increments::Increments;
use bidhub::domain::{AccountId, Currency, Fees, Money, Seq, Span};
use bidhub::ledger::Book;
use bidhub::ledger::books::{self, Billed, ClosedBook, OpenHold};

use crate::bench::{at, book, money, person};

/// A hold at `version` of which the log is known to have `confirmed`: `held` for an allowance of `wanted`.
fn hold(version: u64, confirmed: u64, wanted: i64, held: i64) -> OpenHold {
    let (auction, bidder) = (book(1).auction, person(1));
    OpenHold { auction, bidder, version, wanted: money(wanted), confirmed, held: money(held) }
}

type Log<'a> = &'a [(u64, i64)];

fn told(log: Log<'_>) -> HashMap<bidhub::domain::AuctionId, books::Told> {
    let all: Vec<(u64, Money)> = log.iter().map(|(version, amount)| (*version, money(*amount))).collect();
    let bidders: HashMap<AccountId, _> = if all.is_empty() { HashMap::new() } else { [(person(1), all)].into() };
    [(book(1).auction, bidders)].into()
}

fn rooms(holds: &[OpenHold], before: Log<'_>, after: Log<'_>) -> Option<String> {
    let books = [book(1)];
    let finding = books::rooms(&books, holds, &told(before), &told(after));
    assert!(finding.counted <= 1);
    finding.breaches.first().map(|breach| breach.detail.clone())
}

#[test]
fn a_log_that_moves_on_while_one_looks_is_no_breach() {
    let cases: [(OpenHold, Log<'_>, Log<'_>); 10] = [
        (hold(1, 1, 100, 110), &[(1, 100)], &[(1, 100)]),
        // Set aside, and the room does not know yet; or learned it meanwhile; or long after.
        (hold(1, 0, 100, 110), &[], &[]),
        (hold(1, 0, 100, 110), &[], &[(1, 100)]),
        (hold(1, 0, 100, 110), &[], &[(1, 100), (2, 500)]),
        // A lower allowance is on its way: all is held still.
        (hold(2, 1, 10, 110), &[(1, 100)], &[(1, 100)]),
        (hold(2, 1, 10, 110), &[(1, 100)], &[(1, 100), (2, 10)]),
        // It was in the log before the snapshot, and is released.
        (hold(2, 2, 10, 11), &[(1, 100)], &[(1, 100), (2, 10)]),
        (hold(2, 2, 10, 11), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (3, 700)]),
        // A raise came after the lower one was asked for, so nothing was released; a version was passed over.
        (hold(4, 2, 50, 110), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (4, 50)]),
        (hold(3, 1, 90, 110), &[(1, 100)], &[(1, 100), (3, 90)]),
    ];
    for (hold, before, after) in cases {
        assert_eq!(rooms(&[hold], before, after), None, "{hold:?} {before:?} {after:?}");
    }
}

#[test]
fn what_a_room_may_allow_and_nothing_covers_is_found() {
    let cases: [(Option<OpenHold>, Log<'_>, Log<'_>, &str); 9] = [
        (Some(hold(1, 1, 100, 109)), &[(1, 100)], &[(1, 100)], "allowance of 100 at version 1, and 109 is held"),
        // Released before the room lowered, seen at each moment.
        (Some(hold(2, 1, 10, 11)), &[(1, 100)], &[(1, 100)], "allowance of 100 at version 1"),
        (Some(hold(2, 1, 10, 11)), &[(1, 100)], &[(1, 100), (2, 10)], "allowance of 100 at version 1"),
        // Released though something newer was asked for, which the room learned meanwhile.
        (Some(hold(3, 2, 90, 11)), &[(1, 100), (2, 10)], &[(1, 100), (2, 10), (3, 90)], "allowance of 90 at version 3"),
        (
            Some(hold(1, 1, 100, 110)),
            &[(1, 100), (2, 100)],
            &[(1, 100), (2, 100)],
            "has version 2, the hold stands at 1",
        ),
        (Some(hold(2, 2, 10, 11)), &[(1, 100)], &[(1, 100)], "version 2 is confirmed, and the log does not have it"),
        (Some(hold(2, 1, 10, 110)), &[(1, 100)], &[(1, 100), (2, 20)], "has 20 at version 2, where 10 was asked for"),
        (None, &[(1, 100)], &[(1, 100)], "has version 1, the hold stands at 0"),
        (None, &[], &[(0, 100)], "has 100 at version 0, where 0 was asked for"),
    ];
    for (hold, before, after, said) in cases {
        let found = rooms(hold.as_slice(), before, after).unwrap_or_default();
        assert!(found.contains(said), "{hold:?} {before:?} {after:?}: {found}");
    }
    let books = [book(1)];
    let lost = books::rooms(&books, &[hold(1, 0, 100, 110)], &HashMap::new(), &HashMap::new());
    assert_eq!(lost.breaches[0].detail, "the auction has no log");
    let closed = books::rooms(&[], &[], &told(&[(1, 100)]), &told(&[(1, 100)]));
    assert_eq!((closed.counted, closed.broken), (0, 0), "what was settled meanwhile is another rule's");
}

#[test]
fn an_auction_settled_otherwise_than_it_ended_is_found() {
    let ended = |winner: Option<u128>, price| {
        let winner = winner.map(|number| Winner { account: person(number), alias: 1 });
        let outcome = if winner.is_some() { Ending::Sold } else { Ending::Unsold };
        EventKind::Ended { outcome, price: winner.map(|_| money(price)), winner }
    };
    let stopped = || EventKind::Stopped { by: person(9), key: None, reason: "because".into() };
    let opened = || EventKind::Opened { ends_at: at(9) };
    let billed = |winner, price, premium, commission, by_house| {
        let (price, premium, commission) = (money(price), money(premium), money(commission));
        Some(Billed { winner: person(winner), price, premium, commission, by_house })
    };
    let cases = [
        (Some(ended(Some(1), 500)), billed(1, 500, 50, 25, true), None),
        (Some(ended(Some(1), 500)), billed(1, 500, 0, 0, false), None),
        (Some(ended(None, 0)), None, None),
        (Some(stopped()), None, None),
        (Some(ended(Some(1), 500)), None, Some("it was sold for 500, and nobody was billed")),
        (Some(ended(Some(1), 500)), billed(2, 500, 50, 25, true), Some("for 500, 50 and 25 was billed where")),
        (Some(ended(Some(1), 500)), billed(1, 499, 49, 24, true), Some("for 499, 49 and 24 was billed where")),
        (Some(ended(Some(1), 500)), billed(1, 500, 49, 25, true), Some("must be")),
        (Some(ended(Some(1), 500)), billed(1, 500, 50, 25, false), Some("for 500, 0 and 0")),
        (Some(ended(None, 0)), billed(1, 500, 50, 25, true), Some("it was billed, and it was not sold")),
        (Some(stopped()), billed(1, 500, 50, 25, true), Some("it was billed, and it was not sold")),
        (Some(opened()), None, Some("which does not end it")),
        (None, None, Some("which its log does not have")),
    ];
    for (kind, billed, said) in cases {
        let ends: HashMap<_, _> =
            kind.iter().map(|kind| (book(1).auction, Event { seq: Seq(7), at: at(7), kind: kind.clone() })).collect();
        let finding = books::outcomes(&[ClosedBook { book: book(1), seq: Seq(7), billed }], &ends);
        let found = finding.breaches.first().map(|breach| breach.detail.as_str());
        assert_eq!(found.is_some(), said.is_some(), "{kind:?} {billed:?}: {found:?}");
        assert!(found.unwrap_or_default().contains(said.unwrap_or_default()), "{kind:?} {billed:?}: {found:?}");
    }
}

#[test]
fn a_book_kept_on_other_terms_than_its_auction_is_found() {
    let Book { auction, seller, currency, fees } = book(1);
    let english = English {
        opening_price: money(10),
        increments: Increments::default(),
        reserve: None,
        buy_now: None,
        buy_now_until: BuyNowUntil::FirstBid,
        soft_close: None,
    };
    let (starts_at, ends_at, grace) = (at(1), at(9), Span::from_secs(1));
    let (funds, format) = (Funds::Required, Format::English(english));
    let right = Terms { seller, currency, starts_at, ends_at, funds, fees, grace, format };
    let cases = [
        (Some(right.clone()), None),
        (Some(Terms { seller: person(5), ..right.clone() }), Some("the seller is another")),
        (Some(Terms { currency: Currency::new("EUR").unwrap(), ..right.clone() }), Some("the currency is another")),
        (Some(Terms { fees: Fees::default(), ..right }), Some("the fees are others")),
        (None, Some("the auction has no log")),
    ];
    for (terms, said) in cases {
        let finding = books::terms(&[book(1)], &terms.into_iter().map(|terms| (auction, terms)).collect());
        assert_eq!(finding.breaches.first().map(|breach| breach.detail.as_str()), said);
    }
}
