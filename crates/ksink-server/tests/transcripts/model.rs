//! Random faults against a naive model: nothing that was acknowledged is lost, nothing is kept twice, and each
//! producer's batches are kept in their order.

use std::collections::{BTreeMap, VecDeque};

use ksink_event::Refusal;
use ksink_wire::{ErrorCode, compression::Compression};
use proptest::{collection::vec, prelude::*};

use crate::harness::{Client, House, batch_by};

const PRODUCERS: i64 = 2;

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    /// The next batch of a producer, of so many records.
    Next { producer: i64, count: usize },
    /// One of the last batches of a producer again.
    Again { producer: i64, back: usize },
    /// A batch that leaves a gap.
    Gap { producer: i64 },
    /// A producer goes on with the next epoch.
    Bump { producer: i64 },
    /// A batch of an epoch that is over.
    Zombie { producer: i64 },
    /// The sink keeps what it was handed first, if that is not void.
    Keep,
    /// The sink refuses what it was handed first.
    Refuse,
    /// The client goes on with another connection; nobody hears the answers on the old one.
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let producer = || 0..PRODUCERS;
    let step = prop_oneof![
        4 => (producer(), 1..4usize).prop_map(|(producer, count)| Step::Next { producer, count }),
        3 => (producer(), 0..7usize).prop_map(|(producer, back)| Step::Again { producer, back }),
        1 => producer().prop_map(|producer| Step::Gap { producer }),
        1 => producer().prop_map(|producer| Step::Bump { producer }),
        1 => producer().prop_map(|producer| Step::Zombie { producer }),
        4 => Just(Step::Keep),
        1 => Just(Step::Refuse),
        1 => Just(Step::Reconnect),
    ];
    vec(step, 1..60)
}

/// A batch as its producer knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    producer: i64,
    epoch: i16,
    sequence: i32,
    count: usize,
}

impl Sent {
    /// Tells each record from all others.
    fn values(&self) -> Vec<String> {
        let Self { producer, epoch, sequence, count } = self;
        let first = i64::from(*sequence);
        (first..).take(*count).map(|number| format!("{producer}/{epoch}/{number}")).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let values = self.values();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        batch_by((self.producer, self.epoch, self.sequence), Compression::None, &values)
    }
}

/// The whole scene: the broker, one client at a time, and a sink that writes into `kept`.
struct Scene {
    house: House,
    client: Client,
    /// What each connection asked, in order, with the answer once it came.
    asked: VecDeque<Sent>,
    answered: Vec<(Sent, ErrorCode, i64)>,
    kept: BTreeMap<i64, String>,
    /// What each producer sent in its current epoch.
    sent: Vec<Vec<Sent>>,
    epochs: Vec<i16>,
}

impl Scene {
    fn new() -> Self {
        let mut house = House::new();
        let client = house.connect();
        let producers = usize::try_from(PRODUCERS).expect("a few");
        Self {
            house,
            client,
            asked: VecDeque::new(),
            answered: Vec::new(),
            kept: BTreeMap::new(),
            sent: vec![Vec::new(); producers],
            epochs: vec![0; producers],
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Next { producer, count } => {
                let sequence = self
                    .sent_by(producer)
                    .last()
                    .map_or(0, |last| last.sequence + i32::try_from(last.count).expect("a few"));
                let batch = Sent { producer, epoch: self.epoch(producer), sequence, count };
                self.sent_by(producer).push(batch.clone());
                self.send(batch);
            }
            Step::Again { producer, back } => {
                let again = self.sent_by(producer).iter().rev().nth(back).cloned();
                again.into_iter().for_each(|batch| self.send(batch));
            }
            Step::Gap { producer } => {
                let epoch = self.epoch(producer);
                self.send(Sent { producer, epoch, sequence: 1_000_000, count: 1 });
            }
            Step::Bump { producer } => {
                self.epochs[usize::try_from(producer).expect("small")] += 1;
                self.sent_by(producer).clear();
            }
            Step::Zombie { producer } => {
                let epoch = self.epoch(producer) - 1;
                if epoch >= 0 {
                    self.send(Sent { producer, epoch, sequence: 2_000_000, count: 1 });
                }
            }
            Step::Keep => self.sink(None),
            Step::Refuse => self.sink(Some(Refusal::local("planted"))),
            Step::Reconnect => {
                self.client.hang_up();
                self.client = self.house.connect();
                self.asked.clear();
            }
        }
        self.hear();
    }

    fn send(&mut self, batch: Sent) {
        // A session takes no more than its pipeline holds; the rest would wait in its buffer.
        if self.asked.len() < 60 {
            self.client.produce(&mut self.house, 9, "t", &batch.bytes());
            self.asked.push_back(batch);
        }
    }

    /// The sink looks at what it was handed first.
    fn sink(&mut self, refusal: Option<Refusal>) {
        let Some(first) = self.house.delivered.first() else { return };
        let void = first.chain.as_ref().is_some_and(|chain| chain.is_void(first.delivery));
        let refusal = refusal.or_else(|| void.then(|| Refusal::local("void")));
        match refusal {
            Some(refusal) => {
                let news = self.house.refuse_unheard(refusal);
                self.house.settle_for(&mut [&mut self.client], news);
            }
            None => {
                let set = self.house.sets()[0].clone();
                for record in &set.records() {
                    let value = String::from_utf8_lossy(record.value.unwrap_or_default());
                    let other = self.kept.insert(record.offset, value.into_owned());
                    assert_eq!(other, None, "offset {} was given away twice", record.offset);
                }
                self.house.accept_first_for(&mut [&mut self.client]);
            }
        }
    }

    fn hear(&mut self) {
        while let Some((code, offset)) = self.client.try_hear_produced() {
            let batch = self.asked.pop_front().expect("an answer to a question");
            self.answered.push((batch, code, offset));
        }
    }

    fn finish(mut self) {
        while !self.house.delivered.is_empty() {
            self.step(Step::Keep);
        }
        assert!(self.asked.is_empty(), "never answered: {:?}", self.asked);
        self.check_acknowledged();
        self.check_once_and_in_order();
    }

    /// What was acknowledged is where the answer says.
    fn check_acknowledged(&self) {
        for (batch, code, offset) in &self.answered {
            if *code == ErrorCode::NONE {
                for (offset, value) in (*offset..).zip(batch.values()) {
                    assert_eq!(self.kept.get(&offset), Some(&value), "{batch:?}");
                }
            }
        }
    }

    /// Each record is kept once, and after all records of its producer that come before it.
    fn check_once_and_in_order(&self) {
        let mut last: BTreeMap<(i64, i16), i64> = BTreeMap::new();
        for value in self.kept.values() {
            let mut parts = value.split('/').map(|part| part.parse::<i64>().expect("a number"));
            let mut part = || parts.next().expect("three parts");
            let (producer, epoch, number) = (part(), i16::try_from(part()).expect("small"), part());
            let before = last.insert((producer, epoch), number);
            let follows = before.is_none_or(|before| number == before + 1);
            assert!(follows, "{value} was kept after {before:?}");
            let newer = last.range((producer, epoch + 1)..(producer + 1, 0)).next();
            assert_eq!(newer, None, "{value} was kept after its producer's next epoch began");
        }
    }

    fn epoch(&self, producer: i64) -> i16 {
        self.epochs[usize::try_from(producer).expect("small")]
    }

    fn sent_by(&mut self, producer: i64) -> &mut Vec<Sent> {
        &mut self.sent[usize::try_from(producer).expect("small")]
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_kept_twice_or_out_of_order(steps in steps()) {
        let mut scene = Scene::new();
        for step in steps {
            scene.step(step);
        }
        scene.finish();
    }
}
