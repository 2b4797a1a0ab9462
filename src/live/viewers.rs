//! How many watch each room, from all nodes. Each node says how many watch from it, changes every second and the whole every
//! ten; what a node said counts as long as it is there. The number is for people to see, and nothing is decided by it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::{Audience, Cast, LiveFrame, Stage};
use crate::coordination::Bus;
use crate::domain::{AuctionId, NodeId};

/// How often a node looks how many watch from it, and shows what has changed.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Every so many looks all is said, for those who missed a change, and small changes are shown too.
const WHOLE_EVERY: u32 = 10;
/// In between, a change is shown if it is at least one in so many: a thousand people need not be told of one.
const SHOWN_PART: u32 = 50;
/// The most rooms in one message.
const COUNTS_MAX: usize = 1_000;

/// The viewers of all rooms, as far as this node has heard. Cloning it is cheap.
#[derive(Clone, Default)]
pub struct Viewers(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Who watches from where.
    nodes: HashMap<NodeId, HashMap<AuctionId, u32>>,
    /// What this node said last of itself.
    said: HashMap<AuctionId, u32>,
    /// What those who watch from here were shown last.
    shown: HashMap<AuctionId, u32>,
    looks: u32,
}

#[derive(Serialize)]
struct ViewersMessage {
    #[serde(rename = "type")]
    kind: &'static str,
    auction: Uuid,
    count: u32,
}

impl Viewers {
    /// How many watch the room of an auction.
    pub fn count(&self, auction: AuctionId) -> u32 {
        self.lock().count(auction)
    }

    /// A node has said how many watch from it.
    pub(super) fn heard(&self, node: NodeId, whole: bool, counts: &[(Uuid, u32)]) {
        let mut inner = self.lock();
        let known = inner.nodes.entry(node).or_default();
        if whole {
            known.clear();
        }
        for (auction, count) in counts {
            match count {
                0 => known.remove(&AuctionId(*auction)),
                count => known.insert(AuctionId(*auction), *count),
            };
        }
    }

    /// Says how many watch from here, forgets nodes that are gone, and shows what has changed.
    pub(super) async fn look(&self, bus: &dyn Bus, stage: &dyn Stage) {
        let here: HashMap<AuctionId, u32> =
            stage.watching().into_iter().map(|(id, count)| (id, u32::try_from(count).unwrap_or(u32::MAX))).collect();
        let members: HashSet<NodeId> = bus.members().iter().copied().chain([bus.node()]).collect();
        let (whole, counts, news) = self.lock().look(bus.node(), here, &members);
        for cast in parts(bus.node(), whole, counts) {
            match rmp_serde::to_vec(&cast) {
                Ok(bytes) => bus.cast(bytes.into()).await,
                Err(error) => tracing::error!(%error, "viewers cannot be written: {error}"),
            }
        }
        for (auction, count) in news {
            let message = ViewersMessage { kind: "viewers", auction: auction.0, count };
            if let Ok(json) = serde_json::to_string(&message) {
                stage.show(Audience::Room(auction), &Arc::new(LiveFrame::new(json)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be cast, and whether it is all; what is to be shown.
type Looked = (bool, Vec<(Uuid, u32)>, Vec<(AuctionId, u32)>);

/// The messages that say so. Of a whole the first takes back whatever was said before, and the others add to it: messages of
/// one node come in their order. If one of them is lost, its rooms count too few until the next whole.
fn parts(node: NodeId, whole: bool, counts: Vec<(Uuid, u32)>) -> Vec<Cast> {
    if whole && counts.is_empty() {
        return vec![Cast::Viewers { node: node.0, whole, counts }];
    }
    let part = |(number, part): (usize, &[(Uuid, u32)])| {
        let (whole, counts) = (whole && number == 0, part.to_vec());
        Cast::Viewers { node: node.0, whole, counts }
    };
    counts.chunks(COUNTS_MAX).enumerate().map(part).collect()
}

impl Inner {
    fn look(&mut self, node: NodeId, here: HashMap<AuctionId, u32>, members: &HashSet<NodeId>) -> Looked {
        let whole = self.looks.is_multiple_of(WHOLE_EVERY);
        self.looks = self.looks.wrapping_add(1);
        self.nodes.retain(|node, _| members.contains(node));
        // A whole says by itself who is gone.
        let gone =
            self.said.keys().filter(|id| !whole && !here.contains_key(id)).map(|id| (id.0, 0)).collect::<Vec<_>>();
        let now = here.iter().filter(|(id, count)| whole || self.said.get(id) != Some(count));
        let changes = now.map(|(id, count)| (id.0, *count)).chain(gone).collect();
        self.said.clone_from(&here);
        self.nodes.insert(node, here.clone());
        self.shown.retain(|id, _| here.contains_key(id));
        let mut news = Vec::new();
        for auction in here.into_keys() {
            let count = self.count(auction);
            let shown = self.shown.get(&auction).copied();
            let matters = shown
                .is_none_or(|shown| count != shown && (whole || count.abs_diff(shown) >= (shown / SHOWN_PART).max(1)));
            if matters {
                self.shown.insert(auction, count);
                news.push((auction, count));
            }
        }
        (whole, changes, news)
    }

    fn count(&self, auction: AuctionId) -> u32 {
        self.nodes.values().filter_map(|rooms| rooms.get(&auction)).fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl std::fmt::Debug for Viewers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Viewers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AuctionId = AuctionId(Uuid::from_u128(1));
    const HERE: NodeId = NodeId(Uuid::from_u128(11));
    const THERE: NodeId = NodeId(Uuid::from_u128(12));

    fn looked(viewers: &Viewers, count: u32, members: &[NodeId]) -> Looked {
        let here = (count > 0).then_some((A, count)).into_iter().collect();
        viewers.lock().look(HERE, here, &members.iter().copied().collect())
    }

    #[test]
    fn all_nodes_are_counted_while_they_are_there() {
        let viewers = Viewers::default();
        viewers.heard(THERE, true, &[(A.0, 5)]);
        assert_eq!(looked(&viewers, 2, &[HERE, THERE]), (true, vec![(A.0, 2)], vec![(A, 7)]));
        assert_eq!(looked(&viewers, 2, &[HERE, THERE]), (false, vec![], vec![]), "nothing has changed");
        viewers.heard(THERE, false, &[(A.0, 0)]);
        assert_eq!(looked(&viewers, 2, &[HERE, THERE]).2, [(A, 2)]);
        viewers.heard(THERE, false, &[(A.0, 9)]);
        assert_eq!(viewers.count(A), 11);
        assert_eq!(looked(&viewers, 3, &[HERE]), (false, vec![(A.0, 3)], vec![(A, 3)]), "who is gone does not count");
        assert_eq!(looked(&viewers, 0, &[HERE]), (false, vec![(A.0, 0)], vec![]));
        assert_eq!(viewers.count(A), 0);
    }

    #[test]
    fn a_whole_takes_back_what_was_wrong_however_many_rooms_it_has() {
        let (here, there) = (Viewers::default(), Viewers::default());
        let room = |number: usize| AuctionId(Uuid::from_u128(number as u128));
        let look = |rooms: std::ops::Range<usize>| {
            let here_now = rooms.map(|number| (room(number), 1)).collect();
            let (whole, counts, _) = here.lock().look(HERE, here_now, &HashSet::from([HERE]));
            let parts = parts(HERE, whole, counts);
            assert!(
                parts.iter().all(|part| matches!(part, Cast::Viewers { counts, .. } if counts.len() <= COUNTS_MAX))
            );
            parts
        };
        let hear = |parts: Vec<Cast>| {
            for part in parts {
                let Cast::Viewers { node, whole, counts } = part else { panic!("they are viewers") };
                there.heard(NodeId(node), whole, &counts);
            }
        };
        let watched = |numbers: std::ops::Range<usize>| numbers.filter(|number| there.count(room(*number)) > 0).count();
        const MANY: usize = 2 * COUNTS_MAX + 7;
        hear(look(0..MANY));
        assert_eq!(watched(0..MANY), MANY);
        // Nobody hears that those of the first hundred went, and so on until all is said.
        for _ in 1..WHOLE_EVERY {
            look(100..MANY);
        }
        assert_eq!(watched(0..MANY), MANY);
        hear(look(100..MANY));
        assert_eq!((watched(0..100), watched(100..MANY)), (0, MANY - 100));
        for _ in 1..WHOLE_EVERY {
            look(0..0);
        }
        hear(look(0..0));
        assert_eq!(watched(0..MANY), 0, "an empty whole is said too");
    }

    #[test]
    fn a_crowd_is_not_told_of_each_who_comes() {
        let viewers = Viewers::default();
        let mut told = 0;
        for count in 1_000..1_100 {
            told += looked(&viewers, count, &[HERE]).2.len();
        }
        assert!((10..=16).contains(&told), "{told} messages for a hundred who came");
    }
}
