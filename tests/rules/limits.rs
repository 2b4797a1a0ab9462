//! Who may not bid, in which order that is checked, and which terms are acceptable.

use bidhub::domain::auction::{Barred, Bid, Command, Funds, Offer, Rejection, Terms};
use bidhub::domain::formats::{English, Format, english::BuyNowUntil};
use bidhub::domain::{Currency, Fees, Money, Seq, Span};

use crate::hall::*;

fn sent(bidder: u128, barred: Option<Barred>, offer: Offer) -> Command {
    Command::Bid(Bid { bidder: account(bidder), barred, key: key("k"), offer })
}

#[test]
fn each_check_comes_before_the_next() {
    let scheduled = Hall::scheduled(terms(english()));
    let open = Hall::open(Terms { funds: Funds::Required, ..terms(english()) });
    let mut paused = open.clone();
    paused.pause(at(5)).unwrap();
    let mut stopped = open.clone();
    stopped.stop(at(5), false).unwrap();
    let nothing = Offer::Max(Money::ZERO);
    let minimum = money(1_00);
    let (banned, frozen) = (Some(Barred::Banned), Some(Barred::Frozen));
    for (hall, bidder, barred, offer, now, expected) in [
        (&scheduled, SELLER, banned, nothing, at(9), Rejection::AuctionNotOpen),
        (&paused, SELLER, banned, nothing, at(9), Rejection::AuctionPaused),
        (&stopped, SELLER, banned, nothing, at(9), Rejection::AuctionStopped),
        (&open, SELLER, banned, nothing, at(LASTS_S), Rejection::AuctionClosed),
        (&open, SELLER, banned, nothing, at(9), Rejection::OwnAuction),
        (&open, A, banned, nothing, at(9), Rejection::Banned),
        (&open, A, frozen, nothing, at(9), Rejection::AccountFrozen),
        (&open, A, None, nothing, at(9), Rejection::InvalidAmount),
        (&open, A, None, Offer::Straight(Money::ZERO), at(9), Rejection::InvalidAmount),
        (&open, A, None, Offer::BuyNow, at(9), Rejection::BuyNowUnavailable),
        (&open, A, None, max(99), at(9), Rejection::BidTooLow { minimum }),
        (&open, A, None, max(1_00), at(9), Rejection::InsufficientFunds { allowance: Money::ZERO }),
    ] {
        assert_eq!(hall.state.decide(&sent(bidder, barred, offer), now), Err(expected));
    }
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_only_four_leave_the_key_open() {
    let amount = money(1);
    let all = [
        Rejection::BidTooLow { minimum: amount },
        Rejection::AuctionNotOpen,
        Rejection::AuctionClosed,
        Rejection::AuctionPaused,
        Rejection::AuctionStopped,
        Rejection::OwnAuction,
        Rejection::Banned,
        Rejection::AccountFrozen,
        Rejection::InsufficientFunds { allowance: amount },
        Rejection::MaxNotRaised { your_max: amount },
        Rejection::KeyReused,
        Rejection::BidInFlight,
        Rejection::Busy,
        Rejection::RateLimited,
        Rejection::Unauthenticated,
        Rejection::UnknownAuction,
        Rejection::InvalidAmount,
        Rejection::BuyNowUnavailable,
        Rejection::Unavailable,
        Rejection::NotPaused,
        Rejection::UnknownBid,
        Rejection::HasBids,
        Rejection::Leading,
        Rejection::StaleAllowance,
        Rejection::InvalidTerms,
        Rejection::TermsChanged,
    ];
    let codes: std::collections::HashSet<_> = all.iter().map(|rejection| rejection.code()).collect();
    assert_eq!(codes.len(), all.len());
    let open: Vec<_> = all.iter().filter(|it| !it.is_final()).map(|it| it.code()).collect();
    assert_eq!(open, ["bid_in_flight", "busy", "rate_limited", "unavailable"]);
}

#[test]
fn terms_that_contradict_themselves_are_refused_with_the_field_at_fault() {
    let seconds = Span::from_secs;
    let format = |change: &dyn Fn(&mut English)| {
        let mut english = English { soft_close: Some(soft_close()), ..english() };
        change(&mut english);
        terms(english)
    };
    let soft = |change: &dyn Fn(&mut bidhub::domain::formats::SoftClose)| {
        format(&|english| english.soft_close.iter_mut().for_each(change))
    };
    let plain = || terms(english());
    for (terms, field) in [
        (Terms { ends_at: at(0), ..plain() }, "ends_at"),
        (Terms { ends_at: at(367 * 86_400), ..plain() }, "ends_at"),
        (Terms { starts_at: at(-9), ends_at: at(-8), ..plain() }, "ends_at"),
        (Terms { starts_at: at(367 * 86_400), ends_at: at(368 * 86_400), ..plain() }, "starts_at"),
        (Terms { grace: seconds(86_401), ..plain() }, "grace_s"),
        (Terms { fees: Fees { premium_bp: 5_001, commission_bp: 0 }, ..plain() }, "fees"),
        (Terms { fees: Fees { premium_bp: 0, commission_bp: 5_001 }, ..plain() }, "fees"),
        (format(&|it| it.opening_price = Money::ZERO), "opening_price"),
        (format(&|it| it.reserve = Some(money(99))), "reserve"),
        (format(&|it| it.buy_now = Some(money(99))), "buy_now"),
        (format(&|it| (it.reserve, it.buy_now) = (Some(money(9_00)), Some(money(8_99)))), "buy_now"),
        (format(&|it| it.buy_now_until = BuyNowUntil::ReserveMet), "buy_now_until"),
        (soft(&|it| it.window = Span::ZERO), "soft_close.window_s"),
        (soft(&|it| it.window = seconds(86_401)), "soft_close.window_s"),
        (soft(&|it| it.extension = Span::ZERO), "soft_close.extension_s"),
        (soft(&|it| it.extension = seconds(86_401)), "soft_close.extension_s"),
        (soft(&|it| it.max_total = seconds(59)), "soft_close.max_total_s"),
        (soft(&|it| it.max_total = seconds(604_801)), "soft_close.max_total_s"),
    ] {
        assert_eq!(terms.validate(at(0)).map_err(|error| error.field), Err(field));
    }
    assert_eq!(soft(&|_| ()).validate(at(0)), Ok(()));
    let dear = Fees { premium_bp: 5_000, commission_bp: 5_000 };
    assert_eq!(Terms { fees: dear, ..plain() }.validate(at(0)), Ok(()));
}

#[test]
fn an_amendment_keeps_seller_currency_fees_and_a_start_that_has_been() {
    let plain = terms(english());
    let mut scheduled = Hall::scheduled(plain.clone());
    let later = Terms { starts_at: at(60), ..plain.clone() };
    scheduled.amend(&later, at(-5)).unwrap();
    assert_eq!(scheduled.state.due_at(), Some(at(60)));
    scheduled.assert_audited();
    let open = Hall::open(plain.clone());
    for wrong in [
        Terms { seller: account(A), ..plain.clone() },
        Terms { currency: Currency::new("EUR").unwrap(), ..plain.clone() },
        Terms { fees: Fees { premium_bp: 1, commission_bp: 0 }, ..plain.clone() },
        Terms { fees: Fees { premium_bp: 0, commission_bp: 1 }, ..plain.clone() },
        later,
        Terms { ends_at: at(9), ..plain.clone() },
        Terms { format: Format::English(English { reserve: Some(money(1)), ..english() }), ..plain.clone() },
    ] {
        assert_eq!(open.clone().amend(&wrong, at(10)), Err(Rejection::InvalidTerms));
    }
    let mut bid_on = open;
    bid_on.bid(A, max(5_00)).unwrap();
    bid_on.void(2).unwrap();
    assert_eq!(bid_on.amend(&plain, at(10)), Err(Rejection::HasBids), "though the only bid was voided");
    bid_on.ask(&Command::Tick, at(LASTS_S)).unwrap();
    assert_eq!(bid_on.amend(&plain, at(LASTS_S)), Err(Rejection::AuctionClosed));
}

#[test]
fn an_amendment_made_from_older_terms_undoes_nothing() {
    let (plain, longer) = (terms(english()), Terms { ends_at: at(2 * LASTS_S), ..terms(english()) });
    let mut hall = Hall::open(plain.clone());
    hall.amend_over(Some(Seq(0)), &longer, at(10)).unwrap();
    assert_eq!(hall.state.amended, hall.state.seq);
    let changed = hall.state.clone();
    for over in [0, hall.state.seq.0 + 1].map(Seq) {
        assert_eq!(hall.amend_over(Some(over), &plain, at(11)), Err(Rejection::TermsChanged));
    }
    assert_eq!(hall.state, changed);
    // What moves the auction without changing what is offered is in nobody's way.
    hall.pause(at(12)).unwrap();
    hall.allow(B, 5_00, 1).unwrap();
    hall.amend_over(Some(changed.amended), &plain, at(13)).unwrap();
    hall.amend_over(None, &longer, at(14)).unwrap();
    hall.assert_audited();
    hall.resume(at(15)).unwrap();
    hall.bid(A, max(5_00)).unwrap();
    assert_eq!(hall.amend_over(Some(Seq(0)), &plain, at(16)), Err(Rejection::HasBids), "which is why it is too late");
}
