//! v2 batches: what a builder writes, a reader reads.

use ksink_wire::records::{Compression, RecordBatch, RecordError};
use proptest::prelude::*;

use super::support::{Owned, any_codec, any_records, batch, hex, read};

proptest! {
    #[test]
    fn what_is_written_is_read(records in any_records(), codec in any_codec()) {
        let bytes = batch(&records, codec);
        let numbered: Vec<_> = (0..).zip(records).collect();
        prop_assert_eq!(read(&bytes), Ok(numbered));
    }

    #[test]
    fn every_truncation_is_an_error(records in any_records(), codec in any_codec()) {
        let bytes = batch(&records, codec);
        for end in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
            let error = read(&bytes[..end]).expect_err("a part of a batch");
            prop_assert!(error.is_partial(), "{}", error);
        }
    }
}
