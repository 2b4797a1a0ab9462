//! Which history goes on where several are known: the one whose last record was written under the greatest epoch, and of
//! those the longest, if it can be followed back without a gap to what is archived. Pure: it asks nobody and writes
//! nothing.

use std::collections::BTreeMap;

use crate::domain::Seq;
use crate::journal::{Chain, Digest, Head, Record, Secret, chain};

/// Where a history ends, and under which epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// True if it is of the history that the archive goes by: one that was given up does not come back by its length.
    pub current: bool,
    /// The epoch of the last record.
    pub epoch: u64,
    /// The last record.
    pub head: Head,
}

/// The history that goes on.
#[derive(Clone, Debug)]
pub struct Line {
    /// The last position that is archived, or known to be there.
    pub base: Head,
    /// Everything after it.
    pub records: Vec<Record>,
    /// Where it ends.
    pub end: End,
    /// Records that are not part of it, in order: what loses.
    pub losers: Vec<Record>,
}

/// Every record that is known beside the archive, by number.
#[derive(Default)]
pub struct Pool {
    records: BTreeMap<Seq, Vec<Record>>,
}

impl Pool {
    /// Adds records, those of other histories too.
    pub fn add(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            let alike = self.records.entry(record.seq).or_default();
            if alike.iter().all(|known| known.digest != record.digest) {
                alike.push(record);
            }
        }
    }

    /// The number of the first record.
    pub fn first(&self) -> Option<Seq> {
        self.records.keys().next().copied()
    }

    /// The history that goes on among those that end at `ends`, as far back as one of `ground`, digests by number that
    /// are sure; it must hold `must`, the last of them. None if no such end can be followed back.
    pub fn best(
        &self,
        mut ends: Vec<End>,
        ground: &BTreeMap<Seq, Digest>,
        must: Head,
        secret: &Secret,
    ) -> Option<Line> {
        ends.sort_by_key(|end| std::cmp::Reverse((end.current, end.epoch, end.head.seq)));
        let (end, base, records) = ends.into_iter().find_map(|end| {
            let (base, records) = self.trace(end.head, ground)?;
            if base != must && !records.iter().any(|it| it.seq == must.seq && it.digest == must.digest) {
                return None;
            }
            let mut chain = Chain::new(secret, base);
            records.iter().all(|record| chain.follow(record).is_ok()).then_some((end, base, records))
        })?;
        let mut kept = ground.clone();
        kept.extend(records.iter().map(|record| (record.seq, record.digest)));
        let loses = |record: &&Record| record.seq > base.seq && kept.get(&record.seq) != Some(&record.digest);
        let older = |record: &&Record| {
            record.seq <= base.seq && kept.get(&record.seq).is_some_and(|digest| *digest != record.digest)
        };
        let known = self.records.values().flatten();
        let losers = known.filter(|record| loses(record) || older(record)).cloned().collect();
        Some(Line { base, records, end, losers })
    }

    /// The way back from `head` to the ground, turned round.
    fn trace(&self, head: Head, ground: &BTreeMap<Seq, Digest>) -> Option<(Head, Vec<Record>)> {
        if ground.get(&head.seq) == Some(&head.digest) {
            return Some((head, Vec::new()));
        }
        let mut current = self.records.get(&head.seq)?.iter().find(|record| record.digest == head.digest)?;
        let mut back = vec![current.clone()];
        loop {
            let before = Seq(current.seq.0.checked_sub(1)?);
            if let Some(digest) = ground.get(&before)
                && precedes(*digest, current)
            {
                back.reverse();
                return Some((Head { seq: before, digest: *digest }, back));
            }
            current = self.records.get(&before)?.iter().find(|record| precedes(record.digest, current))?;
            back.push(current.clone());
        }
    }
}

fn precedes(digest: Digest, record: &Record) -> bool {
    chain::digest(digest, record.public.as_bytes(), &record.commitment) == record.digest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: Secret = Secret([7; 32]);

    /// A history that goes on from `onto` with so many records of one epoch.
    fn history(onto: Head, epoch: u64, count: u64) -> Vec<Record> {
        let mut chain = Chain::new(&SECRET, onto);
        (1..=count)
            .map(|step| chain.seal(Seq(onto.seq.0 + step), epoch, format!("{epoch}:{step}").into(), Vec::new()))
            .collect()
    }

    fn head(records: &[Record]) -> Head {
        let last = records.last().expect("some records");
        Head { seq: last.seq, digest: last.digest }
    }

    fn end(records: &[Record]) -> End {
        End { current: true, epoch: records.last().expect("some records").epoch, head: head(records) }
    }

    #[test]
    fn the_greater_epoch_wins_and_then_the_longer_and_what_loses_is_named() {
        let start = Head { seq: Seq(0), digest: Digest([1; 32]) };
        let ground = BTreeMap::from([(start.seq, start.digest)]);
        let old = history(start, 1, 5);
        let fork = history(head(&old[..3]), 2, 1);
        let mut pool = Pool::default();
        pool.add(old.clone());
        pool.add(fork.clone());

        let line = pool.best(vec![end(&old), end(&fork)], &ground, start, &SECRET).expect("a history");
        assert_eq!((line.base, line.end), (start, end(&fork)));
        assert_eq!(line.records, [&old[..3], &fork].concat());
        assert_eq!(line.losers, old[3..]);

        let line = pool.best(vec![end(&old[..4]), end(&old)], &ground, start, &SECRET).expect("a history");
        assert_eq!((line.end, line.records.len()), (end(&old), 5));

        let given_up = End { current: false, ..end(&fork) };
        let line = pool.best(vec![given_up, end(&old)], &ground, start, &SECRET).expect("a history");
        assert_eq!(line.end, end(&old), "what was given up does not come back");
        let line = pool.best(vec![end(&fork), end(&old)], &ground, head(&old), &SECRET).expect("a history");
        assert_eq!(line.end, end(&old), "what is archived stays");
    }

    #[test]
    fn an_end_that_hangs_in_the_air_or_was_tampered_with_is_passed_over() {
        let start = Head { seq: Seq(0), digest: Digest([1; 32]) };
        let whole = history(start, 1, 3);
        let ground = BTreeMap::from([(start.seq, start.digest), (whole[0].seq, whole[0].digest)]);
        let far = history(Head { seq: Seq(7), digest: Digest([9; 32]) }, 3, 2);
        let mut forged = history(head(&whole), 2, 1);
        forged[0].private = vec![1];
        let mut pool = Pool::default();
        pool.add([whole.clone(), far.clone(), forged.clone()].concat());
        let line = pool
            .best(vec![end(&whole), end(&far), end(&forged)], &ground, head(&whole[..1]), &SECRET)
            .expect("a history");
        assert_eq!((line.base.seq, line.end, &line.records), (Seq(1), end(&whole), &whole[1..].to_vec()));
        assert!(pool.best(vec![end(&far)], &ground, head(&whole[..1]), &SECRET).is_none());
    }
}
