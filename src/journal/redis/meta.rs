//! What Redis keeps of a log beside its batches: the hash `meta`, twin of these types.

use std::collections::HashMap;

use crate::domain::{AuctionId, LogId, Seq, Timestamp};
use crate::journal::{
    AckLevel, Digest, Head, JournalError, NewLog, OpenLog, Packed, Record, RecordError, Secret, Snapshot,
};

/// The fields of a hash, as they come.
pub type Fields = HashMap<String, Vec<u8>>;

/// The meta of one log.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The history.
    pub log: LogId,
    /// The key of its commitments.
    pub secret: Secret,
    /// The record of the creation.
    pub genesis: Record,
    /// How safe its records must be before anyone hears of them.
    pub ack: AckLevel,
    /// Where it ends.
    pub head: Head,
    /// The epoch of the last record.
    pub record_epoch: u64,
    /// Up to where it is in SQL.
    pub archived: Seq,
    /// Up to where it is as safe as it must be, where that takes longer than the commit.
    pub settled: Option<Head>,
    /// Since when nobody is known to have decided bids; none if the last holder let it go in good order.
    pub silent_since: Option<Timestamp>,
    /// When something falls due in the auction by itself.
    pub due_at: Option<Timestamp>,
    /// Which run of which server the last holder took it over from.
    pub run: String,
}

impl Meta {
    /// Reads the hash. None if there is none, or only the trace that a lease leaves.
    pub fn read(auction: AuctionId, fields: &Fields) -> Result<Option<Self>, JournalError> {
        if !fields.contains_key("log") {
            return Ok(None);
        }
        let meta = Self::from_fields(fields);
        let unreadable = |source| JournalError::Unreadable { auction, source };
        meta.map(Some).map_err(|field| unreadable(RecordError::Malformed(format!("meta: {field}"))))
    }

    fn from_fields(fields: &Fields) -> Result<Self, &'static str> {
        let text = |name| fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
        let number = |name| text(name).and_then(|value| value.parse::<u64>().ok());
        let moment = |name| text(name).and_then(|value| value.parse().ok()).map(Timestamp::from_millis);
        let hash = |name| fields.get(name).and_then(|value| <[u8; 32]>::try_from(value.as_slice()).ok());
        let packed = fields.get("genesis").and_then(|bytes| Packed::unpack(bytes).ok());
        let settled = number("settled").zip(text("settled_digest").and_then(digest));
        Ok(Self {
            log: text("log").and_then(|id| id.parse().ok()).ok_or("log")?,
            secret: hash("secret").map(Secret).ok_or("secret")?,
            genesis: packed.and_then(|mut packed| packed.records.pop()).ok_or("genesis")?,
            ack: text("ack").and_then(AckLevel::from_name).ok_or("ack")?,
            head: Head {
                seq: number("seq").map(Seq).ok_or("seq")?,
                digest: text("digest").and_then(digest).ok_or("digest")?,
            },
            record_epoch: number("record_epoch").ok_or("record_epoch")?,
            archived: Seq(number("archived").unwrap_or(0)),
            settled: settled.map(|(seq, digest)| Head { seq: Seq(seq), digest }),
            silent_since: moment("silent_since"),
            due_at: moment("due_at"),
            run: text("run").unwrap_or_default().to_owned(),
        })
    }

    /// The meta of a log that is just created.
    pub fn of_new(log: &NewLog) -> Self {
        Self {
            log: log.log,
            secret: log.secret.clone(),
            genesis: log.genesis.clone(),
            ack: log.ack,
            head: Head { seq: log.genesis.seq, digest: log.genesis.digest },
            record_epoch: log.genesis.epoch,
            archived: Seq(0),
            settled: None,
            silent_since: None,
            due_at: log.due_at,
            run: String::new(),
        }
    }

    /// What makes up the log and never changes while it is the same history.
    pub fn constants(&self) -> Vec<(&'static str, Vec<u8>)> {
        let origin = Head { seq: Seq(0), digest: Digest::ORIGIN };
        let genesis = Packed::pack(self.log, origin, std::slice::from_ref(&self.genesis));
        vec![
            ("log", self.log.to_string().into_bytes()),
            ("secret", self.secret.0.to_vec()),
            ("genesis", genesis.to_vec()),
            ("ack", self.ack.name().into()),
        ]
    }

    /// Its head, and the epoch there.
    pub fn position(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("seq", self.head.seq.0.to_string().into_bytes()),
            ("digest", hex::encode(self.head.digest.0).into_bytes()),
            ("record_epoch", self.record_epoch.to_string().into_bytes()),
        ]
    }

    /// Up to where everyone may hear of it.
    pub fn told(&self) -> Head {
        let genesis = Head { seq: Seq(0), digest: self.genesis.digest };
        match self.ack {
            AckLevel::Redis => self.head,
            AckLevel::Replica | AckLevel::Sql => self.settled.unwrap_or(genesis),
        }
    }

    /// The log, as everyone may see it.
    pub fn into_open_log(self, snapshot: Option<Snapshot>) -> OpenLog {
        let head = self.told();
        let snapshot = snapshot.filter(|snapshot| snapshot.head.seq <= head.seq);
        OpenLog { log: self.log, secret: self.secret, genesis: self.genesis, snapshot, head, ack: self.ack }
    }
}

/// Reads the hash of a snapshot. One that is not whole is none.
pub fn snapshot(fields: &Fields) -> Option<Snapshot> {
    let text = |name| fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
    let head = Head { seq: Seq(text("seq")?.parse().ok()?), digest: digest(text("digest")?)? };
    Some(Snapshot { head, body: fields.get("body")?.clone() })
}

/// Reads 64 hex digits.
fn digest(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| Digest(bytes))
}
