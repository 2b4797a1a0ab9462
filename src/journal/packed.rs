//! A batch as it stands in the live journal and travels between nodes: MessagePack, made once for both. It holds what
//! follows its position and nothing of the right by which it was written.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use uuid::Uuid;

use super::{Digest, Head, Record, RecordError};
use crate::domain::{LogId, Seq};

/// The version of this form; a node that meets a later one does not guess.
const VERSION: u16 = 1;

/// Records in one piece, and where they belong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    /// The history.
    pub log: LogId,
    /// The position that the first record follows.
    pub onto: Head,
    /// The records, in order.
    pub records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Outer<'a> {
    v: u16,
    log: Uuid,
    seq: u64,
    digest: ByteArray<32>,
    #[serde(borrow)]
    records: Vec<Inner<'a>>,
}

/// Version, number, epoch, public, private, commitment, digest.
#[derive(Serialize, Deserialize)]
struct Inner<'a>(u16, u64, u64, &'a str, &'a serde_bytes::Bytes, ByteArray<32>, ByteArray<32>);

impl<'a> Inner<'a> {
    fn new(it: &'a Record) -> Self {
        let private = serde_bytes::Bytes::new(&it.private);
        let (commitment, digest) = (ByteArray::new(it.commitment), ByteArray::new(it.digest.0));
        Self(it.version, it.seq.0, it.epoch, &it.public, private, commitment, digest)
    }

    fn into_record(self) -> Record {
        let Self(version, seq, epoch, public, private, commitment, digest) = self;
        Record {
            version,
            seq: Seq(seq),
            epoch,
            public: public.into(),
            private: private.to_vec(),
            commitment: commitment.into_array(),
            digest: Digest(digest.into_array()),
        }
    }
}

impl Packed {
    /// The bytes of `records` that follow `onto` in the history `log`.
    pub fn pack(log: LogId, onto: Head, records: &[Record]) -> Bytes {
        let outer = Outer {
            v: VERSION,
            log: log.0,
            seq: onto.seq.0,
            digest: ByteArray::new(onto.digest.0),
            records: records.iter().map(Inner::new).collect(),
        };
        // Writing plain numbers and bytes to memory cannot fail; empty bytes would not be read back.
        rmp_serde::to_vec(&outer).unwrap_or_default().into()
    }

    /// Reads them back. Nothing is checked against a chain.
    pub fn unpack(bytes: &[u8]) -> Result<Self, RecordError> {
        let outer: Outer<'_> =
            rmp_serde::from_slice(bytes).map_err(|error| RecordError::Malformed(format!("packed records: {error}")))?;
        if outer.v != VERSION {
            return Err(RecordError::UnknownVersion(outer.v));
        }
        let onto = Head { seq: Seq(outer.seq), digest: Digest(outer.digest.into_array()) };
        let records = outer.records.into_iter().map(Inner::into_record).collect();
        Ok(Self { log: LogId(outer.log), onto, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_back_whole_and_a_later_form_is_refused() {
        let record = Record {
            version: 1,
            seq: Seq(8),
            epoch: 3,
            public: "{}".into(),
            private: vec![0, 255, 7],
            commitment: [4; 32],
            digest: Digest([5; 32]),
        };
        let (log, onto) = (LogId(Uuid::from_u128(2)), Head { seq: Seq(7), digest: Digest([6; 32]) });
        let bytes = Packed::pack(log, onto, std::slice::from_ref(&record));
        assert_eq!(Packed::unpack(&bytes), Ok(Packed { log, onto, records: vec![record] }));
        let mut later = bytes.to_vec();
        later[1] = 2;
        assert_eq!(Packed::unpack(&later), Err(RecordError::UnknownVersion(2)));
        assert!(matches!(Packed::unpack(&bytes[..20]), Err(RecordError::Malformed(_))));
    }
}
