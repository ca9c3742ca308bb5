//! Produce (key 0): records for partitions.
//!
//! **Versions** 0-13; 0-2 carry message sets, 13 names topics by id.
//!
//! **Behaviour**
//! - All partitions of a request are judged before anything is delivered; failures are per partition.
//! - A batch that is refused here takes no offset.
//! - The answer waits for the sink; with acks=0 nothing is answered, and a refusal closes the connection.
//! - Idempotent batches are kept once and in order (see [`sequences`](super::sequences)); a copy is answered
//!   with the offset of the original, and waits for it where the sink has not answered yet.
//! - acks=1 is served as acks=all: there is one copy.
//! - A transactional batch must name its transactional id (53, for the whole request), be by the producer of that id
//!   (49) in its current epoch (47), and go to a partition of the open transaction. Before version 12 that was added
//!   before (48, or 120 in version 11); from 12 on the batch adds it, and opens a transaction where none is open
//!   (KIP-890). While the transaction before is being ended that is 51, and the client tries again.
//! - A batch outside of transactions by a producer id that has them must not be of an old epoch (47), nor go to a partition
//!   of its open transaction (48).
//! - A copy of a batch of an earlier transaction is a copy as any other.
//! - From version 12 on a producer begins with sequence 0 in each partition of its transactions (45, KIP-890): what it has
//!   in flight must not overtake a first batch that was told to come again.
//!
//! **Where we differ from Kafka**: an illegal topic name is 17, since a topic exists on first use; nothing
//! that was sent is dropped in silence (see [`inspect`](super::inspect)). That the batch, the transactional id
//! and the producer agree is checked each time, and not only until the partition is in the transaction.

use std::{borrow::Cow, sync::Arc};

use ksink_event::{Durability, Event, Numbering, RecordSet, Transaction};
use ksink_wire::{
    ErrorCode, Uuid,
    messages::produce::{
        BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
    },
};

use super::{
    Broker, Decided, ReplyTo,
    in_flight::{Link, Place, RequestId},
    inspect::{Inspected, InspectedPartition, InspectedTopic, OpenBatch, TopicRef},
    sequences::{First, Numbered, Verdict},
    topics::TopicIndex,
};
use crate::{
    session::{Call, Caller, Goodbye, Head, Reply},
    state::{Fact, Kept, KeptBy},
    time::Now,
    txn::Protocol,
};

/// The oldest version whose batches bring their partition into the transaction (KIP-890).
const FIRST_IMPLICIT_VERSION: i16 = 12;

/// Why a batch, or the request that holds it, is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    pub(super) message: Cow<'static, str>,
    /// Which records are to blame, by their index in the batch.
    pub(super) record_errors: Vec<(i32, String)>,
}

/// The answer to a produce request while it is being put together.
#[derive(Debug)]
pub(super) struct ProduceAnswer {
    head: Head,
    acks: i16,
    /// Whether the client was told already, and a refusal can only close the connection.
    is_answered: bool,
    topics: Vec<TopicAnswer>,
}

#[derive(Debug)]
struct TopicAnswer {
    topic: TopicRef,
    partitions: Vec<PartitionAnswer>,
}

/// What a partition's producer hears.
#[derive(Debug)]
pub(super) struct PartitionAnswer {
    index: i32,
    /// The offset of the first record, or why there is none.
    result: Result<i64, Refused>,
    /// The partition's first offset that can be read; -1 where it is not known.
    log_start_offset: i64,
}

impl Broker {
    /// Decides about a produce request whose batches were inspected.
    pub fn handle_produce(
        &mut self,
        now: Now,
        to: ReplyTo,
        call: &Call,
        inspected: Inspected,
    ) -> Option<Reply> {
        let whole = refuse_whole(&inspected);
        let Inspected { acks, topics, transactional_id, .. } = inspected;
        let mut decision = Decision {
            now,
            transactional_id,
            version: call.head.version,
            request: self.in_flight.begin(),
            caller: call.caller,
            whole,
            places: 0,
            waiting: 0,
        };
        let topics =
            topics.into_iter().map(|topic| self.produce_topic(&mut decision, topic)).collect();
        let answer = ProduceAnswer { head: call.head, acks, is_answered: false, topics };
        let reply = self.answer_or_wait(to, answer, decision);
        self.seal(now);
        reply
    }

    fn answer_or_wait(
        &mut self,
        to: ReplyTo,
        answer: ProduceAnswer,
        decision: Decision,
    ) -> Option<Reply> {
        let Decision { request, waiting, .. } = decision;
        if waiting == 0 {
            return Some(answer.into_reply());
        }
        let reply = match (answer.acks, self.config.durability) {
            (0, _) => Some(answer.reply_unheard()),
            (_, Durability::None) => Some(answer.reply()),
            (_, Durability::Process | Durability::Power) => None,
        };
        let pending = ProduceAnswer { is_answered: reply.is_some(), ..answer };
        self.in_flight.complete(request, to, pending, waiting);
        reply
    }

    fn produce_topic(&mut self, decision: &mut Decision, asked: InspectedTopic) -> TopicAnswer {
        let InspectedTopic { topic, partitions } = asked;
        let found = self.find_topic(&topic);
        let partitions = partitions
            .into_iter()
            .map(|partition| self.produce_partition(decision, &found, partition))
            .collect();
        TopicAnswer { topic, partitions }
    }

    fn find_topic(&mut self, topic: &TopicRef) -> Result<TopicIndex, Refused> {
        let found = match topic {
            TopicRef::Name(name) => self.topics.named(name),
            TopicRef::Id(id) => self.topics.with_id(*id).ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        };
        match found {
            Ok(index) if self.topics.state(index).is_internal() => {
                Err(Refused::topic(ErrorCode::INVALID_TOPIC_EXCEPTION))
            }
            found => found.map_err(Refused::topic),
        }
    }

    fn produce_partition(
        &mut self,
        decision: &mut Decision,
        topic: &Result<TopicIndex, Refused>,
        asked: InspectedPartition,
    ) -> PartitionAnswer {
        let index = asked.index;
        let place = Place { request: decision.request, at: decision.places };
        decision.places += 1;
        let judged = decision.judge(topic).and_then(|topic| {
            let partition_exists = self.topics.state(topic).next_offset(index).is_some();
            decision.judge_batch(partition_exists, asked.batch).map(|batch| (topic, batch))
        });
        let result = judged
            .and_then(|(topic, batch)| self.keep_once(decision, place, (topic, index), batch));
        let log_start_offset = self.log_start_offset(topic, index, &result);
        PartitionAnswer { index, result, log_start_offset }
    }

    /// Delivers a batch, unless it is a copy of one that is kept or on its way.
    fn keep_once(
        &mut self,
        decision: &mut Decision,
        place: Place,
        (topic, partition): (TopicIndex, i32),
        batch: OpenBatch,
    ) -> Result<i64, Refused> {
        let producer = batch
            .producer
            .map(|(producer_id, numbered)| (Link { topic, partition, producer_id }, numbered));
        self.check_writer(decision, (topic, partition), &batch)?;
        let first = decision.first_sequence(&batch);
        let verdict = producer.map_or(Ok(Verdict::Next), |(link, numbered)| {
            self.sequences.judge(link, numbered, first).map_err(Refused::sequence)
        });
        match verdict? {
            Verdict::Kept(base_offset) => Ok(base_offset),
            Verdict::InFlight(original, base_offset) => {
                self.in_flight.attach(original, place)?;
                decision.waiting += 1;
                Ok(base_offset)
            }
            // It would wait for the journal too, and there would be more of it with each retry.
            Verdict::Next if self.keeper_failed => Err(Refused::new(
                ErrorCode::KAFKA_STORAGE_ERROR,
                "the journal cannot be written at the moment",
            )),
            Verdict::Next => {
                let transaction = self.join_transaction(decision, (topic, partition), &batch)?;
                self.deliver(decision, place, (topic, partition), batch, producer, transaction)
                    .ok_or_else(Refused::partition)
            }
        }
    }

    /// Gives a batch its offsets and its place among the deliveries.
    fn deliver(
        &mut self,
        decision: &mut Decision,
        place: Place,
        (topic, partition): (TopicIndex, i32),
        batch: OpenBatch,
        producer: Option<(Link, Numbered)>,
        transaction: Option<Arc<Transaction>>,
    ) -> Option<i64> {
        let state = self.topics.state_mut(topic);
        let base_offset = state.take_offsets(partition, batch.walk.count())?;
        let name = state.name.clone();
        let client = decision.caller.client;
        let mut set = RecordSet::new(name, partition, base_offset, client, batch.body, batch.walk);
        set.transaction = transaction;
        set.numbering = producer.map(|(Link { producer_id, .. }, numbered)| Numbering {
            producer_id,
            epoch: numbered.epoch,
            base_sequence: numbered.base_sequence,
        });
        let kept = Kept {
            topic: set.topic.clone(),
            partition,
            base_offset,
            count: batch.walk.count(),
            by: producer.map(KeptBy::from),
        };
        let needs = self.needs_of_records(set.transaction.is_some());
        let link = producer.map(|(link, _)| link);
        let (delivery, chain) = self.in_flight.deliver(place, link, (kept, needs));
        if let Some((link, numbered)) = producer {
            let now = decision.now.instant;
            let forgotten = self.sequences.deliver(now, link, numbered, base_offset, delivery);
            self.note_forgotten(forgotten);
        }
        decision.waiting += 1;
        self.deliveries.push_back(Decided { delivery, event: Event::Records(set), chain });
        Some(base_offset)
    }

    /// Producers of topics that are gone were forgotten with them.
    fn note_forgotten(&mut self, forgotten: Vec<Link>) {
        for Link { topic, partition, producer_id } in forgotten {
            if let Some(topic) = self.topics.name_of(topic) {
                let fact = Fact::ProducerForgotten { topic, partition, producer_id };
                self.outgoing.note(fact);
            }
        }
    }

    /// Kafka names it in successes and where the log itself refused, and -1 elsewhere.
    fn log_start_offset(
        &self,
        topic: &Result<TopicIndex, Refused>,
        partition: i32,
        result: &Result<i64, Refused>,
    ) -> i64 {
        let named = match result {
            Ok(_) => true,
            Err(refused) => matches!(
                refused.code,
                ErrorCode::INVALID_RECORD
                    | ErrorCode::INVALID_TIMESTAMP
                    | ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
            ),
        };
        let topic = topic.as_ref().ok().filter(|_| named);
        topic.and_then(|topic| self.topics.state(*topic).next_offset(partition)).unwrap_or(-1)
    }
}

/// A produce request while it is being decided.
pub(super) struct Decision {
    pub(super) now: Now,
    /// Whose transaction its transactional batches belong to.
    pub(super) transactional_id: Option<Box<str>>,
    pub(super) version: i16,
    request: RequestId,
    caller: Caller,
    /// Why the request is refused as a whole.
    whole: Option<Refused>,
    places: usize,
    /// How many of them wait for the sink.
    waiting: usize,
}

impl Decision {
    fn judge(&self, topic: &Result<TopicIndex, Refused>) -> Result<TopicIndex, Refused> {
        match &self.whole {
            Some(refused) => Err(refused.clone()),
            None => topic.clone(),
        }
    }

    /// What a batch's producer may begin with. Kafka too accepts anything where it could have forgotten the producer.
    fn first_sequence(&self, batch: &OpenBatch) -> First {
        match (self.protocol(), batch.transactional) {
            (Protocol::V2, true) => First::Zero,
            (Protocol::V1 | Protocol::V2, _) => First::Any,
        }
    }

    /// The protocol that transactional batches follow.
    pub(super) fn protocol(&self) -> Protocol {
        match self.version {
            FIRST_IMPLICIT_VERSION.. => Protocol::V2,
            _ => Protocol::V1,
        }
    }

    fn judge_batch(
        &self,
        partition_exists: bool,
        batch: Result<OpenBatch, Refused>,
    ) -> Result<OpenBatch, Refused> {
        if !partition_exists {
            return Err(Refused::partition());
        }
        batch
    }
}

/// Why no partition of a request can be accepted.
fn refuse_whole(inspected: &Inspected) -> Option<Refused> {
    let is_nameless = inspected.transactional && inspected.transactional_id.is_none();
    is_nameless.then(|| {
        Refused::new(
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "a transactional batch in a request without a transactional id",
        )
    })
}

impl ProduceAnswer {
    /// Changes what a place says to a refusal. Places are counted over all topics of the request.
    pub(super) fn refuse(&mut self, place: usize, refused: Refused) {
        let mut partitions = self.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        if let Some(partition) = partitions.nth(place) {
            partition.result = Err(refused);
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        match self.acks == 0 || self.is_answered {
            true => self.reply_unheard(),
            false => self.reply(),
        }
    }

    fn reply(&self) -> Reply {
        self.head.reply(self.response())
    }

    /// With acks=0 the client hears nothing, or notices that it was hung up on.
    fn reply_unheard(&self) -> Reply {
        let refused = self.partitions().find_map(|partition| partition.result.as_ref().err());
        match refused {
            None => Reply::Silence,
            Some(Refused { code, message, .. }) => {
                Reply::Hangup(Goodbye::RefusedUnheard { code: *code, reason: message.to_string() })
            }
        }
    }

    fn partitions(&self) -> impl Iterator<Item = &PartitionAnswer> {
        self.topics.iter().flat_map(|topic| &topic.partitions)
    }

    fn response(&self) -> ProduceResponse<'_> {
        ProduceResponse {
            responses: self.topics.iter().map(TopicAnswer::response).collect(),
            throttle_time_ms: 0,
            node_endpoints: Vec::new(),
        }
    }
}

impl TopicAnswer {
    fn response(&self) -> TopicProduceResponse<'_> {
        let (name, topic_id) = match &self.topic {
            TopicRef::Name(name) => (&**name, Uuid::ZERO),
            TopicRef::Id(id) => ("", *id),
        };
        let partition_responses = self.partitions.iter().map(PartitionAnswer::response).collect();
        TopicProduceResponse { topic_id, name, partition_responses }
    }
}

impl PartitionAnswer {
    fn response(&self) -> PartitionProduceResponse<'_> {
        let refused = self.result.as_ref().err();
        PartitionProduceResponse {
            index: self.index,
            error_code: refused.map_or(ErrorCode::NONE, |refused| refused.code),
            base_offset: *self.result.as_ref().unwrap_or(&-1),
            log_append_time_ms: -1,
            log_start_offset: self.log_start_offset,
            record_errors: refused.map(Refused::record_errors).unwrap_or_default(),
            error_message: refused.map(|refused| &*refused.message),
            current_leader: Default::default(),
        }
    }
}

impl From<(Link, Numbered)> for KeptBy {
    fn from((link, numbered): (Link, Numbered)) -> Self {
        Self {
            producer_id: link.producer_id,
            epoch: numbered.epoch,
            first_sequence: numbered.base_sequence,
            last_sequence: numbered.last_sequence(),
        }
    }
}

impl Refused {
    pub(super) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), record_errors: Vec::new() }
    }

    fn topic(code: ErrorCode) -> Self {
        Self::new(code, code.message())
    }

    fn sequence(code: ErrorCode) -> Self {
        match code {
            ErrorCode::INVALID_PRODUCER_EPOCH => {
                Self::new(code, "a producer with the same id and a higher epoch has taken over")
            }
            _ => Self::new(code, "the batch does not follow the last one of its producer"),
        }
    }

    fn partition() -> Self {
        Self::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "the topic has no such partition")
    }

    fn record_errors(&self) -> Vec<BatchIndexAndErrorMessage<'_>> {
        self.record_errors
            .iter()
            .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                batch_index: *batch_index,
                batch_index_error_message: Some(message),
            })
            .collect()
    }
}
