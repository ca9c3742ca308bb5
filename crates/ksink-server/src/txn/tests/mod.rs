//! The coordinator by itself: the test plays its clients, its sink and its journal.

mod connections;
mod histories;
mod limits;
mod states;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use ksink_event::{
    DeliveryId, Durability, Event, Intent, LastStop, Refusal, Resumed, Topic, Transaction,
};

use super::{
    Coordinator, Decision, End, EndId, EndRequest, Mark, Output, Partitions, Producer, Protocol,
    Rules, TransactionFact, Transactions, TxnError,
};
use crate::{broker::ConnectionId, state::Needs, time::Now};

const TIMEOUT_MS: i32 = 60_000;
const TIMEOUT: Duration = Duration::from_millis(60_000);

/// A coordinator and its surroundings.
struct World {
    coordinator: Coordinator,
    rules: Rules,
    now: Now,
    last_id: i64,
    connection: ConnectionId,
    /// What was framed.
    ledger: Transactions,
    /// What is to be framed, in order.
    facts: VecDeque<(TransactionFact, Needs, Option<Mark>)>,
    /// What the sink has not answered, in order.
    delivered: VecDeque<(DeliveryId, Event)>,
    answers: HashMap<EndId, Result<Producer, TxnError>>,
}

impl World {
    fn new() -> Self {
        Self::with(rules())
    }

    fn with(rules: Rules) -> Self {
        let now = Now { instant: Instant::now(), unix_ms: 1_795_167_000_000 };
        Self {
            coordinator: Coordinator::new(now, rules, &Transactions::default()),
            rules,
            now,
            last_id: 99,
            connection: ConnectionId(1),
            ledger: Transactions::default(),
            facts: VecDeque::new(),
            delivered: VecDeque::new(),
            answers: HashMap::new(),
        }
    }

    fn init(&mut self, id: &str, who: Option<Producer>) -> Result<Producer, TxnError> {
        let Self { coordinator, last_id, now, .. } = self;
        let mut new_id = || {
            *last_id += 1;
            Some(*last_id)
        };
        let said = coordinator.init_producer(*now, id, TIMEOUT_MS, who, &mut new_id);
        self.collect();
        said
    }

    fn add(&mut self, id: &str, who: Producer, partitions: &[i32]) -> Result<(), TxnError> {
        let partitions: Partitions = partitions.iter().map(|it| (topic(), *it)).collect();
        let (now, connection) = (self.now, self.connection);
        let said = self.coordinator.add_partitions(now, connection, id, who, partitions);
        self.collect();
        said
    }

    fn produce(
        &mut self,
        id: &str,
        who: Producer,
        partition: i32,
        protocol: Protocol,
    ) -> Result<Arc<Transaction>, TxnError> {
        let to = (&topic(), partition);
        let said = self.coordinator.join_batch(self.now, id, who, to, protocol);
        self.collect();
        said
    }

    fn end(
        &mut self,
        id: &str,
        who: Producer,
        decision: Decision,
        protocol: Protocol,
    ) -> Result<End, TxnError> {
        let Self { coordinator, last_id, now, connection, .. } = self;
        let mut new_id = || {
            *last_id += 1;
            Some(*last_id)
        };
        let asked = EndRequest { connection: *connection, id, who, decision, protocol };
        let said = coordinator.end(*now, asked, &mut new_id);
        self.collect();
        said
    }

    /// An EndTxn that must wait.
    #[track_caller]
    fn end_waits(&mut self, who: Producer, decision: Decision, protocol: Protocol) -> EndId {
        match self.end("a", who, decision, protocol) {
            Ok(End::Wait(end)) => end,
            other => panic!("{other:?}"),
        }
    }

    /// What an EndTxn that waited has heard.
    fn heard(&mut self, end: EndId) -> Option<Result<Producer, TxnError>> {
        self.answers.remove(&end)
    }

    /// What the sink has to do first.
    fn first(&mut self) -> Option<(DeliveryId, Event)> {
        self.delivered.pop_front()
    }

    #[track_caller]
    fn prepare(&mut self) {
        match self.first() {
            Some((delivery, Event::Prepare(_))) => self.prepared(delivery, "intent"),
            other => panic!("{other:?}"),
        }
    }

    fn prepared(&mut self, delivery: DeliveryId, intent: &'static str) {
        self.coordinator.prepared(self.now, delivery, Intent(intent.into()));
        self.collect();
    }

    #[track_caller]
    fn refuse(&mut self, refusal: &Refusal) {
        let (delivery, _) = self.first().expect("a delivery");
        self.coordinator.refused(self.now, delivery, refusal);
        self.collect();
    }

    /// The oldest fact is as safe as it must be.
    fn frame(&mut self) -> bool {
        let Some((fact, _, mark)) = self.facts.pop_front() else { return false };
        self.ledger.note(fact);
        if let Some(mark) = mark {
            self.coordinator.framed(self.now, mark);
        }
        self.collect();
        true
    }

    fn frame_all(&mut self) {
        while self.frame() {}
    }

    fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.unix_ms += i64::try_from(time.as_millis()).expect("a short test");
        self.coordinator.handle_timeout(self.now);
        self.collect();
    }

    fn restart(&mut self, last_stop: LastStop, resumed: &Resumed) {
        self.coordinator = Coordinator::new(self.now, self.rules, &self.ledger);
        self.facts.clear();
        self.delivered.clear();
        self.answers.clear();
        self.coordinator.resume(self.now, last_stop, resumed);
        self.collect();
    }

    /// Everything is framed, and the sink does all that it is asked.
    fn settle(&mut self) {
        loop {
            self.frame_all();
            match self.first() {
                Some((delivery, Event::Prepare(_))) => self.prepared(delivery, "intent"),
                Some((delivery, _)) => {
                    self.coordinator.accepted(self.now, delivery);
                    self.collect();
                }
                None if self.facts.is_empty() => return,
                None => {}
            }
        }
    }

    /// A transaction from its first batch to its end, all of it answered.
    #[track_caller]
    fn whole(&mut self, who: Producer, decision: Decision, protocol: Protocol) -> Producer {
        self.open(who, protocol);
        let end = self.end_waits(who, decision, protocol);
        self.settle();
        self.heard(end).expect("an answer").expect("a success")
    }

    #[track_caller]
    fn open(&mut self, who: Producer, protocol: Protocol) -> Arc<Transaction> {
        match protocol {
            Protocol::V1 => self.add("a", who, &[0]).expect("it may"),
            Protocol::V2 => {}
        }
        self.produce("a", who, 0, protocol).expect("it may")
    }

    fn collect(&mut self) {
        while let Some(output) = self.coordinator.poll_output() {
            match output {
                Output::Fact { fact, needs, mark } => self.facts.push_back((fact, needs, mark)),
                Output::Deliver { delivery, event } => self.delivered.push_back((delivery, event)),
                Output::Answer { end, said } => {
                    assert_eq!(self.answers.insert(end, said), None, "answered twice");
                }
            }
        }
    }
}

fn rules() -> Rules {
    Rules {
        transactions_max: 100,
        id_bytes_max: 1_000,
        partitions_max: 1_000,
        timeout_max: Duration::from_secs(900),
        durability: Durability::Process,
        is_remembered: true,
    }
}

fn topic() -> Topic {
    "t".into()
}

fn at(id: i64, epoch: i16) -> Producer {
    Producer { id, epoch }
}

fn raised(who: Producer, by: i16) -> Producer {
    Producer { epoch: who.epoch + by, ..who }
}
