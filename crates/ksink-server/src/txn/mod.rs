//! The transaction coordinator: who may write under a transactional id, and what becomes of its transactions.
//!
//! Pure: it is told what clients ask, what the sink says and what is remembered, each with `now`, and its
//! [`Output`]s are polled: facts to remember, deliveries for the sink, answers to whoever waits for EndTxn.
//!
//! | here | Kafka | meaning |
//! |---|---|---|
//! | Empty | Empty | nothing was written since the producer got its epoch |
//! | Ongoing | Ongoing | a transaction is open |
//! | Preparing | Ongoing, with a transition pending | the sink is asked whether it could commit; nothing is decided |
//! | Ending | PrepareCommit, PrepareAbort, PrepareEpochFence | decided, and not applied yet |
//! | Ended | CompleteCommit, CompleteAbort | applied |
//!
//! Kafka's Dead is absent: an id that expires is forgotten at once. Preparing is in memory alone: after a crash
//! such a transaction is open again, and its producer asks again.
//!
//! A commit: EndTxn → Prepare → the sink's intent → the fact that decides it, synced → Commit, again and again until it
//! is accepted → the fact that it is done. An abort begins with the fact. See `docs/protocol.md` for the codes.
//!
//! - [`clients`]: what clients ask. [`outcome`]: what the sink, the journal and the clock say.
//! - [`account`]: one transactional id, and its verdicts. [`ending`]: what is decided. [`entry`]: what a restart finds.

mod account;
mod agenda;
mod clients;
mod ending;
mod entry;
mod error;
mod outcome;
mod resume;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use ksink_event::{DeliveryId, Durability, Event};

use self::{
    account::{Account, State},
    agenda::Agenda,
};
pub(crate) use self::{
    clients::EndRequest,
    entry::{Partitions, Stage, TransactionEntry, TransactionFact, Transactions},
    error::TxnError,
};
use crate::{state::Needs, time::Now};

/// The coordinator's deliveries are numbered from here on, so that they meet none of those that carry records.
const FIRST_DELIVERY: u64 = 1 << 63;

/// The right to write under a transactional id. A higher epoch fences every lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Decision {
    Commit,
    Abort,
}

/// Which rules a client goes by (KIP-890). Each request says so by its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// Partitions are added first, and the epoch stays when a transaction ends: EndTxn 0-4, Produce up to 11.
    V1,
    /// Produce adds partitions, and each end raises the epoch: EndTxn 5, Produce from 12 on.
    V2,
}

/// What the coordinator must know of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Transactional ids that are remembered.
    pub(crate) transactions_max: usize,
    /// Bytes of all of them together.
    pub(crate) id_bytes_max: usize,
    /// Partitions of all open transactions together.
    pub(crate) partitions_max: usize,
    /// The longest timeout that a client may ask for.
    pub(crate) timeout_max: Duration,
    /// What a commit survives.
    pub(crate) durability: Durability,
    /// Whether a restart remembers what is decided, so that a commit can be promised before it is applied.
    pub(crate) is_remembered: bool,
}

/// Names a decision whose fact must be safe before it is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// Names an EndTxn that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EndId(u64);

/// What came of an EndTxn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is ended, and this is the producer to go on with.
    Done(Producer),
    /// The answer comes as an [`Output::Answer`].
    Wait(EndId),
}

/// What the coordinator has decided.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// To be remembered, at least that safely; whoever does so says [`Coordinator::framed`] if there is a mark.
    Fact { fact: TransactionFact, needs: Needs, mark: Option<Mark> },
    /// For the sink.
    Deliver { delivery: DeliveryId, event: Event },
    /// For whoever waits for the end of a transaction.
    Answer { end: EndId, said: Result<Producer, TxnError> },
}

/// All transactional ids.
#[derive(Debug)]
pub(crate) struct Coordinator {
    rules: Rules,
    accounts: HashMap<Arc<str>, Account>,
    /// Whose a producer id is.
    by_producer: HashMap<i64, Arc<str>>,
    /// What the sink has not answered.
    deliveries: HashMap<DeliveryId, Arc<str>>,
    /// What is decided and not safe yet.
    framing: BTreeMap<Mark, Arc<str>>,
    agenda: Agenda,
    /// Bytes of all ids.
    id_bytes: usize,
    /// Partitions of all open transactions.
    partitions: usize,
    last_serial: u64,
    last_delivery: u64,
    /// Whether this start has done what a stop that lost facts asks for.
    has_fenced_forgotten: bool,
    last_mark: u64,
    last_end: u64,
    outputs: VecDeque<Output>,
}

impl Coordinator {
    /// What leaves next, in the order of decisions.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.agenda.next()
    }

    /// Whether this answer of the sink is for the coordinator.
    pub(crate) fn waits_for(&self, delivery: DeliveryId) -> bool {
        self.deliveries.contains_key(&delivery)
    }

    /// Whether a clean stop must wait where nothing is remembered: for the sink's answer to Prepare, and for all that is
    /// decided.
    pub(crate) fn is_busy(&self) -> bool {
        self.accounts.values().any(|account| match account.state {
            State::Preparing(_) | State::Ending(_) => true,
            State::Empty | State::Ongoing(_) | State::Ended(_) => false,
        })
    }

    /// Emits what is known of an id now, and sees to it that its time comes.
    fn note(&mut self, now: Now, id: &Arc<str>, needs: Needs, mark: Option<Mark>) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.touch(now);
            let fact = TransactionFact::Entry(account.entry());
            self.outputs.push_back(Output::Fact { fact, needs, mark });
        }
        self.schedule(id);
    }

    fn schedule(&mut self, id: &Arc<str>) {
        if let Some(account) = self.accounts.get(id) {
            self.agenda.set(id, account.alarm(), account.is_idle());
        }
    }

    fn set_producer(&mut self, id: &Arc<str>, producer: Producer, previous: Option<Producer>) {
        let Some(account) = self.accounts.get_mut(id) else { return };
        if account.producer.id != producer.id {
            self.by_producer.remove(&account.producer.id);
        }
        account.producer = producer;
        account.previous = previous;
        self.by_producer.insert(producer.id, id.clone());
    }

    fn deliver(&mut self, id: &Arc<str>, event: Event) -> DeliveryId {
        let delivery = DeliveryId(FIRST_DELIVERY + self.last_delivery);
        self.last_delivery += 1;
        self.deliveries.insert(delivery, id.clone());
        self.outputs.push_back(Output::Deliver { delivery, event });
        delivery
    }

    fn forget(&mut self, id: &Arc<str>) {
        if let Some(account) = self.accounts.remove(id) {
            self.by_producer.remove(&account.producer.id);
            self.id_bytes -= id.len();
            self.agenda.remove(id);
            let fact = TransactionFact::Forgotten { id: id.clone() };
            self.outputs.push_back(Output::Fact { fact, needs: Needs::Written, mark: None });
        }
    }
}
