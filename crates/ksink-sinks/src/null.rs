//! Nowhere.

use std::{collections::HashMap, sync::Arc};

use ksink_event::{Ack, Decided, Intent, Position, RecordSet, Refusal, Transaction};

use crate::{Committed, Flushed, OutputId, Prepared, Sink, TransactionalSink, Undone};

/// Throws everything away, for measurements and for trying out producers. [`Progress`](crate::Progress)
/// counts what came; of a transaction what came in this run.
#[derive(Clone, Debug, Default)]
pub struct NullSink {
    /// How many records open transactions have, by serial.
    records: HashMap<u64, u64>,
}

impl Sink for NullSink {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        if let Some(transaction) = &set.transaction {
            *self.records.entry(transaction.serial).or_default() += set.len() as u64;
        }
        Ok(OutputId(0))
    }

    async fn flush(&mut self) -> Flushed {
        Flushed::default()
    }
}

impl TransactionalSink for NullSink {
    async fn prepare(&mut self, asked: &[Arc<Transaction>]) -> Vec<Result<Prepared, Refusal>> {
        asked
            .iter()
            .map(|_| Ok(Prepared { intent: Intent::default(), positions: Vec::new() }))
            .collect()
    }

    async fn commit(&mut self, decided: &[Decided], _ack: &Ack) -> Vec<Result<Committed, Undone>> {
        let mut committed = |decided: &Decided| {
            let records = self.records.remove(&decided.transaction.serial).unwrap_or(0);
            Ok(Committed { positions: Vec::new(), records })
        };
        decided.iter().map(&mut committed).collect()
    }

    async fn abort(
        &mut self,
        transactions: &[Arc<Transaction>],
    ) -> Vec<Result<Vec<Position>, Refusal>> {
        let mut aborted = |transaction: &Arc<Transaction>| {
            self.records.remove(&transaction.serial);
            Ok(Vec::new())
        };
        transactions.iter().map(&mut aborted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{unheard, values};

    #[tokio::test]
    async fn records_of_a_transaction_are_counted_when_they_are_committed() {
        let mut sink = NullSink::default();
        let transaction = Arc::new(Transaction { id: "x".into(), serial: 1 });
        let mut set = values("t", &["a", "b"]);
        set.transaction = Some(transaction.clone());
        sink.write(&set, &unheard()).await.unwrap();
        let prepared = sink.prepare(std::slice::from_ref(&transaction)).await.remove(0).unwrap();
        let decided = [Decided { transaction, intent: prepared.intent }];
        for records in [2, 0] {
            let committed = sink.commit(&decided, &unheard()).await.remove(0).unwrap();
            assert_eq!(committed.records, records, "once, however often it is asked");
        }
    }
}
