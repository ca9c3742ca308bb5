//! One full walk over a batch, as a sink makes it.

use ksink_wire::{
    compression::Decompressor,
    records::{RecordBatch, RecordError},
};

/// More than any batch here decompresses to.
const DECOMPRESSED_BYTES_MAX: usize = 16 << 20;

/// What every field of every record adds up to: proof that each was read, and read alike by two decoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u64);

impl Sum {
    #[inline(always)]
    pub(super) fn number(&mut self, number: i64) {
        self.0 = self.0.wrapping_add(number.cast_unsigned());
    }

    #[inline(always)]
    pub(super) fn bytes(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        let ends = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
        self.0 =
            self.0.wrapping_add(bytes.len() as u64 + u64::from(ends.0) + (u64::from(ends.1) << 8));
    }
}

/// What a walk needs and can use again.
#[derive(Debug, Default)]
pub(super) struct Walker {
    decompressor: Decompressor,
    out: Vec<u8>,
}

impl Walker {
    /// Checks the CRC and everything else that a producer's batch must be, and reads every field.
    pub(super) fn walk(&mut self, batch: &[u8]) -> Result<Sum, RecordError> {
        let batch = RecordBatch::parse_single(batch)?;
        batch.check_produced()?;
        let records = batch.open(&mut self.decompressor, &mut self.out, DECOMPRESSED_BYTES_MAX)?;
        records.check_produced()?;
        let mut sum = Sum::default();
        for record in records {
            sum.number(record.offset);
            sum.number(record.timestamp);
            sum.bytes(record.key);
            sum.bytes(record.value);
            for header in record.headers.iter() {
                sum.bytes(Some(header.key));
                sum.bytes(header.value);
            }
        }
        Ok(sum)
    }
}
