//! Record sets as the bytes of a spill.
//!
//! A spill is sets, one behind the other: `length u64, crc32c u32`, both little-endian, of what follows, which is
//! a head in postcard's encoding and the records' bytes. The first byte of a head is the version, 1.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use ksink_event::{Numbering, RecordSet, Transaction};
use ksink_wire::records::{Walk, WalkStart};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

/// How many bytes stand before each set.
pub(super) const PREFIX_BYTES: usize = 12;

/// What a set is besides its records' bytes.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    version: u8,
    topic: &'a str,
    partition: i32,
    base_offset: i64,
    client: SocketAddr,
    /// Producer id, epoch, base sequence.
    numbering: Option<(i64, i16, i32)>,
    /// Transactional id and serial.
    transaction: Option<(&'a str, u64)>,
    count: u32,
    base_timestamp: i64,
    append_time: Option<i64>,
}

/// Appends a set to `out`.
pub(super) fn encode(set: &RecordSet, out: &mut Vec<u8>) {
    let records = set.records();
    let WalkStart { count, base_timestamp, append_time } = records.walk().start();
    let head = Head {
        version: VERSION,
        topic: &set.topic,
        partition: set.partition,
        base_offset: set.base_offset,
        client: set.client,
        numbering: set.numbering.map(|it| (it.producer_id, it.epoch, it.base_sequence)),
        transaction: set.transaction.as_ref().map(|it| (&*it.id, it.serial)),
        count,
        base_timestamp,
        append_time,
    };
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX_BYTES]);
    let head = postcard::to_extend(&head, std::mem::take(out)).expect("a vector takes all");
    *out = head;
    out.extend_from_slice(records.body());
    let content = &out[start + PREFIX_BYTES..];
    let (length, crc) = (content.len() as u64, crc32c::crc32c(content));
    out[start..start + 8].copy_from_slice(&length.to_le_bytes());
    out[start + 8..start + PREFIX_BYTES].copy_from_slice(&crc.to_le_bytes());
}

/// The length and the checksum of the set that a prefix stands before.
pub(super) fn prefix(bytes: [u8; PREFIX_BYTES]) -> (u64, u32) {
    let [l0, l1, l2, l3, l4, l5, l6, l7, c0, c1, c2, c3] = bytes;
    let length = u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]);
    (length, u32::from_le_bytes([c0, c1, c2, c3]))
}

/// The set that was encoded so, if it still is what it was.
pub(super) fn decode(content: Bytes, crc: u32) -> Option<RecordSet> {
    if crc32c::crc32c(&content) != crc {
        return None;
    }
    let (head, body) = postcard::take_from_bytes::<Head<'_>>(&content).ok()?;
    if head.version != VERSION {
        return None;
    }
    let body = content.slice_ref(body);
    let Head { count, base_timestamp, append_time, .. } = head;
    let walk = Walk::again(&body, WalkStart { count, base_timestamp, append_time }).ok()?;
    let mut set = RecordSet::new(
        head.topic.into(),
        head.partition,
        head.base_offset,
        head.client,
        body,
        walk,
    );
    set.numbering = head.numbering.map(|(producer_id, epoch, base_sequence)| Numbering {
        producer_id,
        epoch,
        base_sequence,
    });
    set.transaction =
        head.transaction.map(|(id, serial)| Arc::new(Transaction { id: id.into(), serial }));
    Some(set)
}

#[cfg(test)]
mod tests {
    use ksink_wire::records::NewRecord;
    use proptest::prelude::*;

    use super::*;
    use crate::{Format, format::Jsonl, testing::record_set};

    fn line(set: &RecordSet) -> Vec<u8> {
        let mut line = Vec::new();
        Format::Jsonl(Jsonl::default()).write(set, &mut line);
        line
    }

    fn decoded(bytes: &[u8]) -> Option<RecordSet> {
        let (prefixed, content) = bytes.split_first_chunk()?;
        let (length, crc) = prefix(*prefixed);
        let content = content.get(..usize::try_from(length).ok()?)?;
        decode(Bytes::copy_from_slice(content), crc)
    }

    /// Topic, base offset, numbering, transaction, values.
    fn set() -> impl Strategy<Value = RecordSet> {
        let values = prop::collection::vec(prop::option::of("[a-z]{0,5}"), 1..4);
        ("[a-z.]{1,9}", 0..1_000_000i64, any::<Option<i32>>(), any::<bool>(), values, -1..9i64)
            .prop_map(|(topic, base_offset, sequence, in_transaction, values, timestamp)| {
                let record = |value: &'static str| NewRecord {
                    timestamp,
                    value: Some(value.as_bytes()),
                    ..Default::default()
                };
                let values = values.into_iter().map(|value| value.unwrap_or_default().leak());
                let records: Vec<_> = values.map(|value| record(value)).collect();
                let mut set = record_set(&topic, base_offset, &records);
                set.numbering = sequence.map(|base_sequence| Numbering {
                    producer_id: 7,
                    epoch: 3,
                    base_sequence,
                });
                let transaction = Transaction { id: "x\u{1F980}".into(), serial: 9 };
                set.transaction = in_transaction.then(|| Arc::new(transaction));
                set
            })
    }

    proptest! {
        #[test]
        fn a_set_comes_back_whole(set in set()) {
            let mut bytes = Vec::new();
            encode(&set, &mut bytes);
            let back = decoded(&bytes).expect("nothing happened to it");
            prop_assert_eq!(&back.transaction, &set.transaction);
            prop_assert_eq!(back.numbering, set.numbering);
            prop_assert_eq!(line(&back), line(&set));
        }

        #[test]
        fn a_byte_that_changed_is_noticed(set in set(), at: prop::sample::Index, change in 1..=255u8) {
            let mut bytes = Vec::new();
            encode(&set, &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert!(decoded(&bytes).is_none());
        }
    }
}
