//! What clients ask of the coordinator.

use std::{sync::Arc, time::Duration};

use ksink_event::{Durability, Event, Topic, Transaction};

use super::{
    Coordinator, Decision, End, EndId, Producer, Protocol, TxnError,
    account::{Account, EPOCH_MAX, Ends, Init, Open, Preparing, State},
    entry::{Partitions, TransactionFact},
};
use crate::{broker::ConnectionId, state::Needs, time::Now};

/// Where producer ids come from: each is new; `None` once there are no more.
pub(crate) type NewId<'a> = &'a mut dyn FnMut() -> Option<i64>;

/// An EndTxn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndRequest<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) id: &'a str,
    pub(crate) who: Producer,
    pub(crate) decision: Decision,
    pub(crate) protocol: Protocol,
}

impl Coordinator {
    /// Gives out the right to write under an id, and fences whoever had it. `who` is the producer id and epoch
    /// that the producer has now (KIP-360).
    pub(crate) fn init_producer(
        &mut self,
        now: Now,
        id: &str,
        timeout_ms: i32,
        who: Option<Producer>,
        new_id: NewId<'_>,
    ) -> Result<Producer, TxnError> {
        self.check_timeout(timeout_ms)?;
        let Some(account) = self.accounts.get_mut(id) else {
            return self.admit(now, id, timeout_ms, new_id);
        };
        let id = account.id.clone();
        let (producer, previous) = match account.judge_init(who)? {
            Init::Raise => (successor(account.producer, new_id)?, who),
            Init::Again => (account.producer, account.previous),
            Init::Fence => {
                self.fence(now, &id);
                return Err(TxnError::Busy);
            }
        };
        account.timeout_ms = timeout_ms;
        account.state = State::Empty;
        self.set_producer(&id, producer, previous);
        self.note(now, &id, self.needs_of_init(), None);
        Ok(producer)
    }

    /// Adds partitions to the open transaction of an id, and opens one if there is none.
    pub(crate) fn add_partitions(
        &mut self,
        now: Now,
        connection: ConnectionId,
        id: &str,
        who: Producer,
        partitions: Partitions,
    ) -> Result<(), TxnError> {
        let id = self.check(id, who)?.id.clone();
        if self.join(now, &id, partitions)? {
            self.account(&id).note_connection(connection);
        }
        Ok(())
    }

    /// Whether a producer may write under an id at all.
    pub(crate) fn check_producer(&self, id: &str, who: Producer) -> Result<(), TxnError> {
        self.check(id, who).map(|_| ())
    }

    /// The transaction that a batch belongs to. The partition must be in it; by the newer protocol the batch
    /// brings it in.
    pub(crate) fn join_batch(
        &mut self,
        now: Now,
        id: &str,
        who: Producer,
        (topic, partition): (&Topic, i32),
        protocol: Protocol,
    ) -> Result<Arc<Transaction>, TxnError> {
        let account = self.check(id, who)?;
        match (account.transaction_of(topic, partition), protocol) {
            (Some(transaction), Protocol::V1 | Protocol::V2) => Ok(transaction),
            (None, Protocol::V1) => Err(TxnError::State),
            (None, Protocol::V2) => {
                let id = account.id.clone();
                self.join(now, &id, [(topic.clone(), partition)].into_iter().collect())?;
                let account = self.account(&id);
                account.transaction_of(topic, partition).ok_or(TxnError::State)
            }
        }
    }

    /// Whether a producer may write a batch that belongs to no transaction. A producer id that has nothing to do
    /// with transactions may.
    pub(crate) fn check_plain(
        &self,
        who: Producer,
        (topic, partition): (&str, i32),
    ) -> Result<(), TxnError> {
        let Some(account) = self.by_producer.get(&who.id).and_then(|id| self.accounts.get(id))
        else {
            return Ok(());
        };
        if who.epoch < account.producer.epoch {
            return Err(TxnError::Fenced);
        }
        match account.holds(topic, partition) {
            true => Err(TxnError::Plain),
            false => Ok(()),
        }
    }

    /// Ends the transaction of an id.
    pub(crate) fn end(
        &mut self,
        now: Now,
        asked: EndRequest<'_>,
        new_id: NewId<'_>,
    ) -> Result<End, TxnError> {
        let EndRequest { connection, id, who, decision, protocol } = asked;
        let is_remembered = self.rules.is_remembered;
        let account = self.accounts.get_mut(id).ok_or(TxnError::OtherProducer)?;
        let ends = account.judge_end(who, decision, protocol, connection, is_remembered)?;
        let id = account.id.clone();
        let next = match ends {
            Ends::Already => return Ok(End::Done(account.producer)),
            Ends::Open | Ends::Nothing => match protocol {
                Protocol::V1 => account.producer,
                Protocol::V2 => successor(account.producer, new_id)?,
            },
        };
        account.note_connection(connection);
        match account.take_open() {
            Some(open) if !open.partitions.is_empty() => {
                Ok(End::Wait(self.end_open(now, &id, open, (decision, protocol), next)))
            }
            // Nothing can have been written, so that the sink need not hear of it.
            Some(_) | None => {
                account.state = State::Ended(decision);
                self.succeed(&id, next, protocol);
                self.note(now, &id, Needs::Written, None);
                Ok(End::Done(next))
            }
        }
    }

    fn end_open(
        &mut self,
        now: Now,
        id: &Arc<str>,
        open: Open,
        (decision, protocol): (Decision, Protocol),
        next: Producer,
    ) -> EndId {
        self.last_end += 1;
        let end = EndId(self.last_end);
        match decision {
            Decision::Commit => {
                self.deliver(id, Event::Prepare(open.transaction.clone()));
                self.account(id).state = State::Preparing(Preparing { open, next, protocol, end });
                self.schedule(id);
            }
            Decision::Abort => {
                self.succeed(id, next, protocol);
                self.abort(now, id, open, Some(end));
            }
        }
        end
    }

    /// The producer goes on with what the end of its transaction gave it.
    pub(super) fn succeed(&mut self, id: &Arc<str>, next: Producer, protocol: Protocol) {
        let account = self.account(id);
        let previous = match protocol {
            Protocol::V1 => account.previous,
            Protocol::V2 => Some(account.producer),
        };
        self.set_producer(id, next, previous);
    }

    /// Lets an id in that nobody knows.
    fn admit(
        &mut self,
        now: Now,
        id: &str,
        timeout_ms: i32,
        new_id: NewId<'_>,
    ) -> Result<Producer, TxnError> {
        if id.len() > self.rules.id_bytes_max {
            return Err(TxnError::NoRoom);
        }
        let producer = Producer { id: new_id().ok_or(TxnError::NoRoom)?, epoch: 0 };
        while !self.has_room_for(id) {
            let oldest = self.agenda.least_recently_used().ok_or(TxnError::NoRoom)?;
            tracing::debug!(transactional_id = %oldest, "forgotten, to make room");
            self.forget(&oldest);
        }
        let id: Arc<str> = id.into();
        let account = Account::new(now, id.clone(), producer, timeout_ms);
        self.accounts.insert(id.clone(), account);
        self.id_bytes += id.len();
        self.set_producer(&id, producer, None);
        self.note(now, &id, self.needs_of_init(), None);
        Ok(producer)
    }

    fn has_room_for(&self, id: &str) -> bool {
        self.accounts.len() < self.rules.transactions_max
            && self.id_bytes + id.len() <= self.rules.id_bytes_max
    }

    /// Brings partitions into the open transaction, or opens one with them. Tells whether that changed anything.
    fn join(&mut self, now: Now, id: &Arc<str>, asked: Partitions) -> Result<bool, TxnError> {
        let missing = self.account(id).missing(asked);
        let count = missing.len();
        if self.partitions + count > self.rules.partitions_max {
            return Err(TxnError::NoRoom);
        }
        match &mut self.account(id).state {
            State::Ongoing(_) if count == 0 => return Ok(false),
            State::Ongoing(open) => {
                open.partitions.extend(missing.clone());
                let fact = TransactionFact::Added { id: id.clone(), partitions: missing };
                self.remember(fact);
            }
            State::Empty | State::Ended(_) => self.open(now, id, missing),
            State::Preparing(_) | State::Ending(_) => return Err(TxnError::Busy),
        }
        self.partitions += count;
        Ok(true)
    }

    fn open(&mut self, now: Now, id: &Arc<str>, partitions: Partitions) {
        self.last_serial += 1;
        let transaction = Arc::new(Transaction { id: id.clone(), serial: self.last_serial });
        let account = self.account(id);
        let deadline = account.deadline(now);
        account.state = State::Ongoing(Open { transaction, partitions, deadline });
        // The epoch is used, so that nobody asks for it again.
        account.previous = None;
        self.note(now, id, Needs::Written, None);
    }

    fn check(&self, id: &str, who: Producer) -> Result<&Account, TxnError> {
        let account = self.accounts.get(id).ok_or(TxnError::OtherProducer)?;
        account.check(who).map(|()| account)
    }

    fn check_timeout(&self, timeout_ms: i32) -> Result<(), TxnError> {
        let timeout = u64::try_from(timeout_ms).map(Duration::from_millis);
        let is_legal = timeout.is_ok_and(|it| it > Duration::ZERO && it <= self.rules.timeout_max);
        is_legal.then_some(()).ok_or(TxnError::Timeout)
    }

    fn needs_of_init(&self) -> Needs {
        match self.rules.durability {
            Durability::Power => Needs::Synced,
            Durability::Process | Durability::None => Needs::Written,
        }
    }
}

/// Who follows a producer: its next epoch, or after the last one another producer id.
fn successor(producer: Producer, new_id: NewId<'_>) -> Result<Producer, TxnError> {
    match producer.epoch < EPOCH_MAX {
        true => Ok(Producer { epoch: producer.epoch + 1, ..producer }),
        false => Ok(Producer { id: new_id().ok_or(TxnError::NoRoom)?, epoch: 0 }),
    }
}
