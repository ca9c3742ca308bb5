//! Builds with some of the codecs: what is in works, what is not says so.

use ksink_wire::{
    ErrorCode,
    compression::{CompressionError, Compressor, Decompressor},
    records::{BatchBuilder, BuildError, Compression, NewRecord, RecordBatch, RecordError},
};

/// A batch of one record, in this codec.
fn batch(codec: Compression) -> Result<Vec<u8>, BuildError> {
    let (mut out, mut compressor) = (Vec::new(), Compressor::new());
    let mut builder = BatchBuilder::new(&mut out).compression(codec, &mut compressor);
    builder.push(&NewRecord { value: Some(b"value"), ..NewRecord::default() })?;
    builder.finish()?;
    Ok(out)
}

#[test]
fn every_codec_that_is_in_writes_and_reads() {
    for codec in Compression::ALL.into_iter().filter(|codec| codec.is_enabled()) {
        let bytes = batch(codec).expect("a small batch");
        let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
        assert_eq!(batch.check_produced(), Ok(()), "{codec:?}");
        let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
        let records = batch.open(&mut decompressor, &mut out, 100).expect("whole records");
        let values: Vec<_> = records.iter().map(|record| record.value).collect();
        assert_eq!(values, [Some(&b"value"[..])], "{codec:?}");
    }
}

#[test]
fn every_codec_that_is_not_in_is_named() {
    for codec in Compression::ALL.into_iter().filter(|codec| !codec.is_enabled()) {
        let disabled = CompressionError::Disabled(codec);
        assert_eq!(batch(codec), Err(BuildError::Compression(disabled)));
        let mut bytes = batch(Compression::None).expect("a small batch");
        bytes[22] = codec.bits() as u8;
        let batch = RecordBatch::parse_single(&bytes).expect("a whole batch");
        let error = batch.open(&mut Decompressor::new(), &mut Vec::new(), 100).map(drop);
        assert_eq!(error, Err(RecordError::Compression(disabled)));
        let code = error.map_err(RecordError::error_code);
        assert_eq!(code, Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE));
    }
}
