//! The broker's dealings with the coordinator: what it decides goes into frames, to the sink, and to those who
//! wait.

use std::{collections::HashMap, sync::Arc, time::Instant};

use ksink_event::{DeliveryId, LastStop, Resumed, Transaction};
use ksink_wire::{ApiKey, ErrorCode};

use super::{
    Broker, BrokerConfig, Decided, ReplyTo, Settled, end_txn,
    inspect::OpenBatch,
    produce::{Decision, Refused},
    topics::TopicIndex,
};
use crate::{
    Limits,
    session::Head,
    state::{Fact, Ledger, Level},
    time::Now,
    txn::{Coordinator, EndId, Output, Producer, Rules, TxnError},
};

/// Requests that wait for the end of a transaction: one for each that is being ended, at most.
pub(super) type Ends = HashMap<EndId, (ReplyTo, Head)>;

/// What the coordinator goes by.
pub(super) fn rules(config: &BrokerConfig, limits: &Limits) -> Rules {
    Rules {
        transactions_max: limits.transactions_max,
        id_bytes_max: limits.transactional_id_bytes_max,
        partitions_max: limits.transaction_partitions_max,
        timeout_max: limits.transaction_time_max,
        durability: config.durability,
        is_remembered: config.has_keeper,
    }
}

impl Broker {
    /// The sink says what it found of what the ledger holds, before anybody can connect. What is decided and not
    /// applied is delivered from now on.
    pub fn resume(&mut self, now: Now, last_stop: LastStop, resumed: Resumed) {
        if self.may_have_forgotten(last_stop) {
            self.sequences.allow_gaps();
        }
        self.coordinator.resume(now, last_stop, &resumed);
        self.outgoing.note_positions(resumed.positions);
        self.seal(now);
    }

    /// Whether batches that were acknowledged may not be remembered: producers go on behind them.
    fn may_have_forgotten(&self, last_stop: LastStop) -> bool {
        match (last_stop, self.last_level) {
            (LastStop::Rebooted, Level::Process | Level::None) => true,
            (LastStop::Rebooted, Level::Power) | (LastStop::Clean | LastStop::Unclean, _) => false,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.coordinator.poll_timeout()
    }

    /// Does what its time has come for: transactions that took too long are aborted, and what the sink could not
    /// apply is delivered again.
    pub fn handle_timeout(&mut self, now: Now) {
        self.coordinator.handle_timeout(now);
        self.seal(now);
    }

    /// Aborts every open transaction, for a clean stop of a server that remembers nothing.
    pub fn abort_open_transactions(&mut self, now: Now) {
        self.coordinator.abort_open(now);
        self.seal(now);
    }

    /// Whether a clean stop of a server that remembers nothing must wait for the sink: it is asked whether a
    /// transaction could be committed, or has not applied what is decided.
    pub fn has_unsettled_transactions(&self) -> bool {
        self.coordinator.is_busy()
    }

    /// Takes over what the coordinator has decided.
    pub(super) fn take_decisions(&mut self) {
        while let Some(output) = self.coordinator.poll_output() {
            match output {
                Output::Fact { fact, needs, mark } => {
                    self.outgoing.note(Fact::Transaction(fact));
                    self.outgoing.need(needs);
                    self.outgoing.then().decided.extend(mark);
                }
                Output::Deliver { delivery, event } => {
                    self.deliveries.push_back(Decided { delivery, event, chain: None });
                }
                // It rests on what is safe already: the coordinator waits for that before it answers.
                Output::Answer { end, said } => {
                    if let Some((to, head)) = self.ends.remove(&end) {
                        self.settled.push_back(Settled { to, reply: end_txn::reply(head, said) });
                    }
                }
            }
        }
    }

    /// Whether whoever numbered a batch may write at all. Copies are looked for only after this: a producer that is
    /// fenced hears that, whatever it sends.
    pub(super) fn check_writer(
        &self,
        decision: &Decision,
        (topic, partition): (TopicIndex, i32),
        batch: &OpenBatch,
    ) -> Result<(), Refused> {
        let (Some(who), id) = (writer(batch), transactional_id(decision, batch)) else {
            return Ok(());
        };
        let said = match id {
            Some("") => return Err(Refused::empty_id()),
            Some(id) => self.coordinator.check_producer(id, who),
            None => {
                let topic = &self.topics.state(topic).name;
                self.coordinator.check_plain(who, (topic, partition))
            }
        };
        said.map_err(|error| Refused::by_coordinator(error, decision.version))
    }

    /// The transaction that a batch belongs to, if it says that it does.
    pub(super) fn join_transaction(
        &mut self,
        decision: &Decision,
        (topic, partition): (TopicIndex, i32),
        batch: &OpenBatch,
    ) -> Result<Option<Arc<Transaction>>, Refused> {
        let (Some(who), Some(id)) = (writer(batch), transactional_id(decision, batch)) else {
            return Ok(None);
        };
        let topic = &self.topics.state(topic).name;
        self.coordinator
            .join_batch(decision.now, id, who, (topic, partition), decision.protocol())
            .map(Some)
            .map_err(|error| Refused::by_coordinator(error, decision.version))
    }

    /// Whether the coordinator asked the sink this.
    pub(super) fn is_of_transaction(&self, delivery: DeliveryId) -> bool {
        self.coordinator.waits_for(delivery)
    }
}

/// A coordinator that knows what the ledger holds.
pub(super) fn coordinator(
    now: Now,
    config: &BrokerConfig,
    limits: &Limits,
    ledger: &Ledger,
) -> Coordinator {
    Coordinator::new(now, rules(config, limits), &ledger.transactions)
}

fn writer(batch: &OpenBatch) -> Option<Producer> {
    batch.producer.map(|(id, numbered)| Producer { id, epoch: numbered.epoch })
}

/// Whose transaction a batch belongs to. A plain batch may come in a request that names a transactional id.
fn transactional_id<'d>(decision: &'d Decision, batch: &OpenBatch) -> Option<&'d str> {
    decision.transactional_id.as_deref().filter(|_| batch.transactional)
}

impl Refused {
    fn empty_id() -> Self {
        Self::new(
            ErrorCode::INVALID_REQUEST,
            "a transactional batch under an empty transactional id",
        )
    }

    fn by_coordinator(error: TxnError, version: i16) -> Self {
        let code: ErrorCode = error.code(ApiKey::Produce, version);
        Self::new(code, error.to_string())
    }
}
