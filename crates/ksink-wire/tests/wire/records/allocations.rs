//! How often the heap is asked, counted by an allocator that counts.

use ksink_wire::{
    compression::Decompressor,
    records::{Compression, MessageSet, RecordBatch},
};

use super::support::{CAP, Owned, batch, message_set};

fn records() -> Vec<Owned> {
    (0..1000_i64)
        .map(|n| Owned {
            key: Some(format!("key {n}").into_bytes()),
            headers: vec![(b"trace".to_vec(), Some(vec![n as u8; 16])), (b"null".to_vec(), None)],
            ..Owned::value(n, format!("{{\"number\": {n}, \"text\": \"some text\"}}").as_bytes())
        })
        .collect()
}

/// Reads everything once so that all is warm, and counts while it is read again.
#[track_caller]
fn check(mut read_all: impl FnMut()) {
    read_all();
    let allocated = allocation_counter::measure(&mut read_all);
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn reading_a_batch_allocates_nothing_once_warm() {
    for codec in Compression::ALL {
        let bytes = batch(&records(), codec);
        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        check(|| {
            let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
            batch.check_produced().expect("a sealed batch");
            let records = batch.open(&mut decompressor, &mut out, CAP).expect("whole records");
            let headers: usize = records.iter().map(|record| record.headers.iter().count()).sum();
            assert_eq!(headers, 2000);
        });
    }
}

#[test]
fn reading_a_message_set_allocates_nothing_once_warm() {
    for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4] {
        let bytes = message_set(1, &records(), codec);
        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        check(|| {
            let set = MessageSet::parse(&bytes).expect("a whole set");
            let records = set.open(&mut decompressor, &mut out, CAP).expect("whole messages");
            assert_eq!(records.iter().count(), 1000);
        });
    }
}
