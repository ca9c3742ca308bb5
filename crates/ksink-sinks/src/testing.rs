//! Record sets for tests, made as a server makes them: out of a batch.

use bytes::Bytes;
use ksink_event::{Ack, Answer, Answers, DeliveryId, RecordSet, Refusal, Topic};
use ksink_wire::{
    compression::Decompressor,
    records::{BatchBuilder, NewRecord, RecordBatch},
};

/// A set of records, bound for partition 0 from offset `base_offset` on.
pub(crate) fn record_set(topic: &str, base_offset: i64, records: &[NewRecord<'_>]) -> RecordSet {
    let mut batch = Vec::new();
    let mut builder = BatchBuilder::new(&mut batch);
    for record in records {
        builder.push(record).unwrap();
    }
    builder.finish().unwrap();
    let mut scratch = Vec::new();
    let records = RecordBatch::parse_single(&batch)
        .unwrap()
        .open(&mut Decompressor::new(), &mut scratch, usize::MAX)
        .unwrap();
    let body = Bytes::copy_from_slice(records.body());
    let client = ([127, 0, 0, 1], 50_000).into();
    RecordSet::new(Topic::from(topic), 0, base_offset, client, body, records.walk())
}

/// A duty to answer whose answer nobody hears.
pub(crate) fn unheard() -> Ack {
    Answers::new().0.expect(DeliveryId(0), None)
}

/// A duty to answer whose server remembers at once what is reported. Needs a runtime.
pub(crate) fn remembered() -> Ack {
    let (answers, mut heard) = Answers::new();
    let ack = answers.expect(DeliveryId(0), None);
    tokio::spawn(async move {
        while let Some(answer) = heard.recv().await {
            if let Answer::Reported { framed, .. } = answer {
                framed.say();
            }
        }
    });
    ack
}

/// A set of records that are nothing but values.
pub(crate) fn values(topic: &str, values: &[&str]) -> RecordSet {
    let records = values.iter().map(|value| of_value(value.as_bytes()));
    record_set(topic, 0, &records.collect::<Vec<_>>())
}

/// A record that is nothing but a value.
pub(crate) fn of_value(value: &[u8]) -> NewRecord<'_> {
    NewRecord { timestamp: -1, key: None, value: Some(value), headers: &[] }
}

/// Whether a refusal is for a fault of this machine that may pass.
pub(crate) fn is_local(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable { fault: ksink_event::Fault::Local, .. })
}
