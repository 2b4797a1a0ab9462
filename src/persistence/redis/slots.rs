//! Which slot of a cluster a key is in, and which node says that it has the slot.

use std::collections::BTreeMap;

use ::redis::Value;

use super::url::Node;

const SLOTS: u16 = 16_384;

/// The slot of `key`: CRC-16 (XMODEM) of its hash tag, or of the whole.
pub fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        rest.iter().position(|byte| *byte == b'}').filter(|length| *length > 0).map(|length| &rest[..length])
    });
    let crc = tag.unwrap_or(key).iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    });
    crc % SLOTS
}

/// The primaries of a cluster and their slots.
#[derive(Default, Debug)]
pub struct Slots {
    /// The last slot of a range, with its first one and its node.
    ranges: BTreeMap<u16, (u16, Node)>,
    /// What was learned since, slot by slot.
    moved: BTreeMap<u16, Node>,
}

impl Slots {
    /// Reads the answer to `CLUSTER SLOTS` that `asked` gave. None if it knows of no slot.
    pub fn read(answer: Value, asked: &Node) -> Option<Self> {
        let Value::Array(ranges) = answer else { return None };
        let mut slots = Self::default();
        for range in ranges {
            let Value::Array(range) = range else { continue };
            let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = range.as_slice() else { continue };
            let [host, Value::Int(port), ..] = primary.as_slice() else { continue };
            let host = match host {
                Value::BulkString(host) if !host.is_empty() => String::from_utf8_lossy(host).into_owned(),
                Value::SimpleString(host) if !host.is_empty() => host.clone(),
                _ => asked.host.clone(),
            };
            let (Ok(first), Ok(last), Ok(port)) = (u16::try_from(*first), u16::try_from(*last), u16::try_from(*port))
            else {
                continue;
            };
            slots.ranges.insert(last, (first, Node { host, port }));
        }
        (!slots.ranges.is_empty()).then_some(slots)
    }

    /// Who has `slot`.
    pub fn node(&self, slot: u16) -> Option<&Node> {
        let range = || self.ranges.range(slot..).next().filter(|(_, (first, _))| *first <= slot);
        self.moved.get(&slot).or_else(|| range().map(|(_, (_, node))| node))
    }

    /// Another node has `slot`.
    pub fn moved(&mut self, slot: u16, node: Node) {
        self.moved.insert(slot, node);
    }

    /// Every primary, once.
    pub fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.ranges.values().map(|(_, node)| node.clone()).collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_tag_share_a_slot_and_the_known_ones_are_where_the_servers_say() {
        assert_eq!(slot_of(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12_182);
        assert_eq!(slot_of(b"bidhub:{a}:log"), slot_of(b"a"));
        assert_eq!(slot_of(b"{}a"), slot_of(b"{}a"));
        assert_ne!(slot_of(b"{}a"), slot_of(b"a"), "an empty tag is none");
    }

    #[test]
    fn a_slot_is_where_it_was_last_said_to_be() {
        let node = |port| Node { host: "h".to_owned(), port };
        let range = |first, last, host: &str, port| {
            let primary = vec![Value::BulkString(host.into()), Value::Int(port), Value::BulkString("id".into())];
            Value::Array(vec![Value::Int(first), Value::Int(last), Value::Array(primary)])
        };
        let answer = Value::Array(vec![range(0, 99, "h", 1), range(200, 16_383, "", 2)]);
        let mut slots = Slots::read(answer, &node(9)).expect("slots");
        assert_eq!((slots.node(99), slots.node(100), slots.node(200)), (Some(&node(1)), None, Some(&node(2))));
        slots.moved(99, node(3));
        assert_eq!(slots.node(99), Some(&node(3)));
        assert_eq!(slots.nodes(), [node(1), node(2)]);
    }
}
