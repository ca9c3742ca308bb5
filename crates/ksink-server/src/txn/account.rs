//! One transactional id: its state, and what each question means in it.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use ksink_event::{Intent, Transaction};

use super::{
    Decision, EndId, Producer, Protocol, TxnError,
    ending::{Ending, Outcome},
    entry::{Partitions, Stage, TransactionEntry},
};
use crate::{broker::ConnectionId, time::Now};

/// How long an id without anything open is remembered: Kafka's `transactional.id.expiration.ms`.
const MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// The highest epoch that a producer is given. The one above is left for fencing it, as in Kafka.
pub(super) const EPOCH_MAX: i16 = i16::MAX - 1;

/// All that is known of a transactional id.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: Arc<str>,
    pub(super) producer: Producer,
    /// See [`TransactionEntry::previous`].
    pub(super) previous: Option<Producer>,
    pub(super) timeout_ms: i32,
    pub(super) state: State,
    /// The newest connection that brought AddPartitionsToTxn or EndTxn which changed something.
    ///
    /// Produce does not count. A client that sends it by another connection than these two (librdkafka, aiokafka,
    /// franz-go) may open that one later than the one by which it will end the transaction. Nor is it needed: before a
    /// client goes on to its next transaction it has had an answer to EndTxn, so that a copy of that
    /// EndTxn which is still under way came by a connection that the client gave up before it opened the one that
    /// brought the answer. InitProducerId raises the epoch, which tells old from new by itself.
    pub(super) changed_by: Option<ConnectionId>,
    pub(super) updated_unix_ms: i64,
    expires: Instant,
}

/// See the table in [`super`].
#[derive(Debug)]
pub(super) enum State {
    Empty,
    Ongoing(Open),
    Preparing(Preparing),
    Ending(Ending),
    Ended(Decision),
}

/// An open transaction.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) transaction: Arc<Transaction>,
    pub(super) partitions: Partitions,
    /// When it is aborted.
    pub(super) deadline: Instant,
}

/// A transaction whose sink is asked whether it could be committed.
#[derive(Debug)]
pub(super) struct Preparing {
    pub(super) open: Open,
    /// Who goes on once it is decided.
    pub(super) next: Producer,
    pub(super) protocol: Protocol,
    /// Who asked.
    pub(super) end: EndId,
}

/// What an InitProducerId means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Init {
    /// The next epoch.
    Raise,
    /// The one that was given out already, to a request whose answer got lost.
    Again,
    /// Whoever has a transaction open is fenced first.
    Fence,
}

/// What an EndTxn means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The open transaction.
    Open,
    /// No transaction, which raises the epoch all the same.
    Nothing,
    /// A transaction that is ended already.
    Already,
}

/// Who asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// The current producer, by the older protocol; new and repeated requests look the same.
    Older,
    /// The current producer, by the newer protocol: a new request.
    Current,
    /// The producer before the last end raised the epoch: a repeated request.
    Retry,
}

impl Account {
    pub(super) fn new(now: Now, id: Arc<str>, producer: Producer, timeout_ms: i32) -> Self {
        Self {
            id,
            producer,
            previous: None,
            timeout_ms,
            state: State::Empty,
            changed_by: None,
            updated_unix_ms: now.unix_ms,
            expires: now.instant + MEMORY,
        }
    }

    /// As a restart finds it. The timeout of an open transaction starts again.
    pub(super) fn restore(now: Now, entry: &TransactionEntry) -> Self {
        let TransactionEntry { id, producer, previous, timeout_ms, stage, updated_unix_ms } = entry;
        let age = now.unix_ms.saturating_sub(*updated_unix_ms);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        let mut account = Self {
            previous: *previous,
            updated_unix_ms: *updated_unix_ms,
            expires: now.instant + MEMORY.saturating_sub(age),
            ..Self::new(now, id.clone(), *producer, *timeout_ms)
        };
        let transaction = |serial| Arc::new(Transaction { id: id.clone(), serial });
        account.state = match stage {
            Stage::Empty => State::Empty,
            Stage::Ongoing { serial, partitions } => State::Ongoing(Open {
                transaction: transaction(*serial),
                partitions: partitions.clone(),
                deadline: account.deadline(now),
            }),
            Stage::Committing { serial, intent } => State::Ending(Ending::resuming(
                transaction(*serial),
                Outcome::Commit(Intent(intent.clone())),
            )),
            Stage::Aborting { serial } => {
                State::Ending(Ending::resuming(transaction(*serial), Outcome::Abort))
            }
            Stage::Ended(decision) => State::Ended(*decision),
        };
        account
    }

    /// It was used just now.
    pub(super) fn touch(&mut self, now: Now) {
        self.updated_unix_ms = now.unix_ms;
        self.expires = now.instant + MEMORY;
    }

    /// Whoever opens a transaction now has it aborted then.
    pub(super) fn deadline(&self, now: Now) -> Instant {
        now.instant + Duration::from_millis(u64::try_from(self.timeout_ms).unwrap_or_default())
    }

    /// What a restart should find.
    pub(super) fn entry(&self) -> TransactionEntry {
        let ongoing = |open: &Open| Stage::Ongoing {
            serial: open.transaction.serial,
            partitions: open.partitions.clone(),
        };
        let stage = match &self.state {
            State::Empty => Stage::Empty,
            State::Ongoing(open) => ongoing(open),
            State::Preparing(preparing) => ongoing(&preparing.open),
            State::Ending(ending) => ending.stage(),
            State::Ended(decision) => Stage::Ended(*decision),
        };
        TransactionEntry {
            id: self.id.clone(),
            producer: self.producer,
            previous: self.previous,
            timeout_ms: self.timeout_ms,
            stage,
            updated_unix_ms: self.updated_unix_ms,
        }
    }

    /// When it must be looked at again.
    pub(super) fn alarm(&self) -> Option<Instant> {
        match &self.state {
            State::Empty | State::Ended(_) => Some(self.expires),
            State::Ongoing(open) => Some(open.deadline),
            // The sink answers, or drops the question, which is an answer too.
            State::Preparing(_) => None,
            State::Ending(ending) => ending.alarm(),
        }
    }

    /// Whether nobody would miss it but its producer.
    pub(super) fn is_idle(&self) -> bool {
        match self.state {
            State::Empty | State::Ended(_) => true,
            State::Ongoing(_) | State::Preparing(_) | State::Ending(_) => false,
        }
    }

    /// The open transaction, if that partition is in it.
    pub(super) fn transaction_of(&self, topic: &str, partition: i32) -> Option<Arc<Transaction>> {
        self.open()
            .filter(|open| open.partitions.contains(topic, partition))
            .map(|open| open.transaction.clone())
    }

    /// Those of the partitions that are not in the open transaction.
    pub(super) fn missing(&self, asked: Partitions) -> Partitions {
        match self.open() {
            Some(open) => asked.without(&open.partitions),
            None => asked,
        }
    }

    /// Whether that partition is in a transaction which is not decided.
    pub(super) fn holds(&self, topic: &str, partition: i32) -> bool {
        match &self.state {
            State::Ongoing(open) | State::Preparing(Preparing { open, .. }) => {
                open.partitions.contains(topic, partition)
            }
            State::Empty | State::Ending(_) | State::Ended(_) => false,
        }
    }

    /// How many partitions its open transaction has.
    pub(super) fn partitions(&self) -> usize {
        self.open().map_or(0, |open| open.partitions.len())
    }

    fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Ongoing(open) => Some(open),
            State::Empty | State::Preparing(_) | State::Ending(_) | State::Ended(_) => None,
        }
    }

    /// Whether this is the producer that may write.
    pub(super) fn check(&self, who: Producer) -> Result<(), TxnError> {
        match who.id == self.producer.id {
            false => Err(TxnError::OtherProducer),
            true if who.epoch != self.producer.epoch => Err(TxnError::Fenced),
            true => Ok(()),
        }
    }

    /// What an InitProducerId means, from whoever has this producer id and epoch now, if any.
    pub(super) fn judge_init(&self, who: Option<Producer>) -> Result<Init, TxnError> {
        let is_retry = who.is_some() && who == self.previous;
        if !is_retry && who.is_some_and(|who| who != self.producer) {
            return Err(TxnError::Fenced);
        }
        match &self.state {
            // An epoch that was only meant to fence is never given out.
            State::Empty | State::Ended(_) if is_retry && self.producer.epoch <= EPOCH_MAX => {
                Ok(Init::Again)
            }
            State::Empty | State::Ended(_) => Ok(Init::Raise),
            // Kafka aborts it for the sake of a producer that is fenced itself.
            State::Ongoing(_) if is_retry => Err(TxnError::Fenced),
            State::Ongoing(_) => Ok(Init::Fence),
            State::Preparing(_) | State::Ending(_) => Err(TxnError::Busy),
        }
    }

    /// What an EndTxn means. The order of the checks is Kafka's: the producer id, the epoch, the state.
    pub(super) fn judge_end(
        &self,
        who: Producer,
        asked: Decision,
        protocol: Protocol,
        connection: ConnectionId,
        is_remembered: bool,
    ) -> Result<Ends, TxnError> {
        let claim = self.claim(who, protocol)?;
        let already = |decided: Decision| match decided == asked {
            true => Ok(Ends::Already),
            false => Err(TxnError::State),
        };
        match (&self.state, claim) {
            (State::Empty | State::Ongoing(_) | State::Preparing(_), Claim::Retry) => {
                Err(TxnError::Fenced)
            }
            (State::Empty, Claim::Older) => Err(TxnError::State),
            (State::Empty | State::Ended(_), Claim::Current) => match asked {
                Decision::Commit => Err(TxnError::State),
                Decision::Abort => Ok(Ends::Nothing),
            },
            (State::Ongoing(_), Claim::Older) if self.is_late(connection) => Err(TxnError::State),
            (State::Ongoing(_), Claim::Older | Claim::Current) => Ok(Ends::Open),
            (State::Preparing(_), Claim::Older | Claim::Current) => Err(TxnError::Busy),
            // The next request of a producer that has had its answer while the sink still tries.
            (State::Ending(_), Claim::Current) => Err(TxnError::Busy),
            (State::Ending(ending), Claim::Older | Claim::Retry) => already(ending.decision())
                .and_then(|ends| {
                    let is_done = ending.is_promised && is_remembered;
                    is_done.then_some(ends).ok_or(TxnError::Busy)
                }),
            (State::Ended(decision), Claim::Older | Claim::Retry) => already(*decision),
        }
    }

    fn claim(&self, who: Producer, protocol: Protocol) -> Result<Claim, TxnError> {
        match protocol {
            Protocol::V1 => self.check(who).map(|()| Claim::Older),
            Protocol::V2 if self.previous == Some(who) => Ok(Claim::Retry),
            Protocol::V2 => self.check(who).map(|()| Claim::Current),
        }
    }

    /// Whether this connection is older than one that the producer has used since. See
    /// [`changed_by`](Self::changed_by).
    fn is_late(&self, connection: ConnectionId) -> bool {
        self.changed_by.is_some_and(|newest| connection < newest)
    }

    /// A connection brought something that changed the transaction.
    pub(super) fn note_connection(&mut self, connection: ConnectionId) {
        self.changed_by = self.changed_by.max(Some(connection));
    }

    /// The open transaction, which is open no more. `None`, and no change, where there is none.
    pub(super) fn take_open(&mut self) -> Option<Open> {
        match mem::replace(&mut self.state, State::Empty) {
            State::Ongoing(open) => Some(open),
            State::Preparing(preparing) => Some(preparing.open),
            other @ (State::Empty | State::Ending(_) | State::Ended(_)) => {
                self.state = other;
                None
            }
        }
    }
}
