//! What travels on the channels, as bytes: notices, news of auctions, messages to one node.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use uuid::Uuid;

use crate::coordination::{News, NoteIds, Notice, SessionId};
use crate::domain::{AccountId, NodeId, Seq};
use crate::journal::{Digest, Head, Lease};

#[derive(Serialize, Deserialize)]
enum WireNotice {
    #[serde(rename = "s")]
    SessionEnded(ByteArray<32>),
    #[serde(rename = "a")]
    AccountEnded(Uuid),
    #[serde(rename = "n")]
    PushNotes(i64, ByteArray<16>),
    #[serde(rename = "w")]
    NotesWritten,
}

/// A notice as MessagePack.
pub fn write_notice(notice: Notice) -> Bytes {
    let wire = match notice {
        Notice::SessionEnded(session) => WireNotice::SessionEnded(ByteArray::new(session.0)),
        Notice::AccountEnded(account) => WireNotice::AccountEnded(account.0),
        Notice::PushNotes(ids) => WireNotice::PushNotes(ids.first(), ByteArray::new(ids.bits().to_be_bytes())),
        Notice::NotesWritten => WireNotice::NotesWritten,
    };
    // Writing plain bytes to memory cannot fail; empty bytes would not be read back.
    rmp_serde::to_vec(&wire).unwrap_or_default().into()
}

/// Reads a notice; none if it is not one that this program knows.
pub fn read_notice(bytes: &[u8]) -> Option<Notice> {
    Some(match rmp_serde::from_slice(bytes).ok()? {
        WireNotice::SessionEnded(session) => Notice::SessionEnded(SessionId(session.into_array())),
        WireNotice::AccountEnded(account) => Notice::AccountEnded(AccountId(account)),
        WireNotice::PushNotes(first, bits) => {
            Notice::PushNotes(NoteIds::new(first, u128::from_be_bytes(bits.into_array())))
        }
        WireNotice::NotesWritten => Notice::NotesWritten,
    })
}

/// Reads what is told of an auction: `C` and packed records, `A` and `<lease> <seq> <digest in hex>`, or `R`.
pub fn read_news(bytes: &Bytes) -> Option<News> {
    match bytes.first()? {
        b'C' => Some(News::Committed(bytes.slice(1..))),
        b'A' => {
            let mut parts = std::str::from_utf8(&bytes[1..]).ok()?.split(' ');
            let lease: Lease = parts.next()?.parse().ok()?;
            let seq = Seq(parts.next()?.parse().ok()?);
            let mut digest = [0; 32];
            hex::decode_to_slice(parts.next()?, &mut digest).ok()?;
            Some(News::Alive(lease, Head { seq, digest: Digest(digest) }))
        }
        b'R' => Some(News::Released),
        _ => None,
    }
}

/// A message to one node: 16 bytes of who says it, then what is said.
pub fn write_message(from: NodeId, message: &[u8]) -> Bytes {
    [from.0.as_bytes(), message].concat().into()
}

/// Reads a message to one node.
pub fn read_message(bytes: &Bytes) -> Option<(NodeId, Bytes)> {
    let (from, _) = bytes.split_first_chunk::<16>()?;
    Some((NodeId(Uuid::from_bytes(*from)), bytes.slice(16..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read_back_and_nonsense_is_not() {
        for notice in [
            Notice::SessionEnded(SessionId([7; 32])),
            Notice::AccountEnded(AccountId(Uuid::from_u128(u128::MAX))),
            Notice::PushNotes(NoteIds::new(i64::MAX, u128::MAX)),
            Notice::NotesWritten,
        ] {
            let bytes = write_notice(notice);
            assert!(bytes.len() < 40, "{} bytes", bytes.len());
            assert_eq!(read_notice(&bytes), Some(notice));
        }
        assert_eq!(read_notice(b"nonsense"), None);
        let node = NodeId(Uuid::from_u128(3));
        assert_eq!(read_message(&write_message(node, b"hello")), Some((node, Bytes::from_static(b"hello"))));
        assert_eq!(read_message(&Bytes::from_static(b"short")), None);
    }

    #[test]
    fn news_are_told_apart_by_their_first_byte() {
        let lease = Lease { epoch: 3, holder: Uuid::from_u128(1), nonce: 5 };
        let head = Head { seq: Seq(9), digest: Digest([0xab; 32]) };
        let alive = Bytes::from(format!("A{lease} 9 {}", "ab".repeat(32)));
        assert_eq!(read_news(&alive), Some(News::Alive(lease, head)));
        assert_eq!(read_news(&Bytes::from_static(b"Cab")), Some(News::Committed(Bytes::from_static(b"ab"))));
        assert_eq!(read_news(&Bytes::from_static(b"R")), Some(News::Released));
        for nonsense in ["", "A", "A1:2:3 4 5", "X"] {
            assert_eq!(read_news(&Bytes::copy_from_slice(nonsense.as_bytes())), None, "{nonsense}");
        }
    }
}
