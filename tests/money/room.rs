//! A room as its owner has it: the rules, and a log that keeps what was decided. What is in the log survives everything.

use bidhub::domain::auction::{Command, Event, EventKind, Funds, Listing, PriorBid, Rejection, State, Terms};
use bidhub::domain::formats::{English, Format, SoftClose, english::BuyNowUntil};
use bidhub::domain::increments::{Band, Increments};
use bidhub::domain::{AuctionId, Fees, Span, Timestamp};
use bidhub::journal::record::{seal_event, seal_genesis};
use bidhub::journal::sql::Positioned;
use bidhub::journal::{Chain, Secret};
use bidhub::ledger::Book;
use bidhub::ledger::books::Told;
use bidhub::projection::Projected;
use uuid::Uuid;

use crate::dice::Dice;
use crate::people::{at, money, person, usd};

/// The records of all rooms, in the order of their commit.
pub type Feed = Vec<Projected>;

pub struct Room {
    pub auction: AuctionId,
    pub state: State,
    /// Every bid that counts.
    pub bids: Vec<PriorBid>,
    pub events: Vec<Event>,
    chain: Chain,
}

impl Room {
    /// The room of the auction `number`, on terms by chance; its creation is in the feed.
    pub fn open(number: usize, dice: &mut Dice, feed: &mut Feed) -> Self {
        let auction = AuctionId(Uuid::from_u128(9_000 + number as u128));
        let terms = terms(number, dice);
        let mut chain = Chain::origin(&Secret([7; 32]));
        let listing =
            Listing { title: "Lamp".into(), description: "".into(), category: "home".into(), image_url: None };
        let record = seal_genesis(&mut chain, 1, auction, at(0), &terms, &listing);
        let position = feed.len() as i64 + 1;
        feed.push(Projected::read(Positioned { position, auction, record }).unwrap());
        Self { auction, state: State::new(terms), bids: Vec::new(), events: Vec::new(), chain }
    }

    /// What the ledger is told of the auction.
    pub fn book(&self) -> Book {
        let Terms { seller, currency, fees, .. } = self.state.terms;
        Book { auction: self.auction, seller, currency, fees }
    }

    /// Decides, and commits what was decided.
    pub fn decide(&mut self, command: &Command, now: Timestamp, feed: &mut Feed) -> Result<(), Rejection> {
        for event in self.state.decide(command, now)? {
            let record = seal_event(&mut self.chain, 1, &event, &self.state.terms);
            let position = feed.len() as i64 + 1;
            feed.push(Projected::read(Positioned { position, auction: self.auction, record }).unwrap());
            self.state.apply(&event);
            match &event.kind {
                EventKind::Bid(bid) => {
                    let (seq, bidder, alias, offer) = (event.seq, bid.bidder, bid.alias, bid.offer);
                    self.bids.push(PriorBid { seq, bidder, alias, offer });
                }
                EventKind::BidVoided(void) => self.bids.retain(|bid| bid.seq != void.voided),
                _ => {}
            }
            self.events.push(event);
        }
        Ok(())
    }

    /// What the log says of allowances.
    pub fn told(&self) -> Told {
        let mut told = Told::new();
        for event in &self.events {
            if let EventKind::AllowanceSet { bidder, amount, version } = event.kind {
                told.entry(bidder).or_default().push((version, amount));
            }
        }
        told
    }

    /// The event that ended it.
    pub fn end(&self) -> Option<&Event> {
        self.events.iter().find(|it| matches!(it.kind, EventKind::Ended { .. } | EventKind::Stopped { .. }))
    }
}

fn terms(number: usize, dice: &mut Dice) -> Terms {
    let band = |from, step| Band { from: money(from), step: money(step) };
    let soft_close = dice.percent(50).then(|| SoftClose {
        window: Span::from_secs(30),
        extension: Span::from_secs(20),
        max_total: Span::from_secs(60),
    });
    let reserve = dice.percent(30).then(|| money(dice.between(10, 150)));
    let buy_now = dice.percent(30).then(|| money(dice.between(150, 250)));
    let terms = Terms {
        seller: person(number % 2),
        currency: usd(),
        starts_at: at(1),
        ends_at: at(dice.between(60, 400)),
        funds: Funds::Required,
        fees: Fees {
            premium_bp: dice.weighed(&[(1, 0), (2, 1_000), (2, 777)]),
            commission_bp: dice.weighed(&[(1, 0), (2, 500), (1, 5_000)]),
        },
        grace: Span::from_secs(5),
        format: Format::English(English {
            opening_price: money(10),
            increments: Increments::new(&[band(0, 5), band(100, 10)]).unwrap(),
            reserve,
            buy_now,
            buy_now_until: BuyNowUntil::FirstBid,
            soft_close,
        }),
    };
    assert_eq!(terms.validate(at(0)), Ok(()));
    terms
}
