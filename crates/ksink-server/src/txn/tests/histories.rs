//! Random histories: several instances of two transactional ids, a sink that refuses, a journal that fails, crashes at
//! any time, and requests that arrive long after they were given up. Held against what a naive observer knows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::txn::State;

const IDS: [&str; 4] = ["a", "a", "a", "b"];

/// What happens next. `who` is one of the instances.
#[derive(Clone, Debug)]
enum Step {
    Init {
        who: usize,
        renew: bool,
    },
    Write {
        who: usize,
        partition: i32,
    },
    End {
        who: usize,
        commit: bool,
    },
    /// An instance gives up its connection; what it was asking arrives again by the new one, and perhaps later again
    /// by the old one.
    Reconnect {
        who: usize,
    },
    Late {
        which: usize,
    },
    Frame,
    JournalFails,
    SinkDoes,
    SinkRefuses {
        for_good: bool,
    },
    Pass {
        seconds: u64,
    },
    Crash {
        rebooted: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..IDS.len();
    let step = prop_oneof![
        3 => (who(), any::<bool>()).prop_map(|(who, renew)| Step::Init { who, renew }),
        8 => (who(), 0..3).prop_map(|(who, partition)| Step::Write { who, partition }),
        6 => (who(), prop::bool::weighted(0.7)).prop_map(|(who, commit)| Step::End { who, commit }),
        2 => who().prop_map(|who| Step::Reconnect { who }),
        2 => (0..9usize).prop_map(|which| Step::Late { which }),
        10 => Just(Step::Frame),
        1 => Just(Step::JournalFails),
        9 => Just(Step::SinkDoes),
        2 => prop::bool::weighted(0.3).prop_map(|for_good| Step::SinkRefuses { for_good }),
        2 => prop_oneof![Just(1), Just(6), Just(61)].prop_map(|seconds| Step::Pass { seconds }),
        1 => prop::bool::weighted(0.2).prop_map(|rebooted| Step::Crash { rebooted }),
    ];
    vec(step, 1..150)
}

/// A producer's process, as it sees itself.
#[derive(Clone, Debug)]
struct Instance {
    id: &'static str,
    protocol: Protocol,
    connection: u64,
    producer: Option<Producer>,
    /// The transaction that its records went to.
    serial: Option<u64>,
    /// What it asks for, and waits for.
    asking: Option<(Decision, Option<EndId>)>,
}

struct Scene {
    world: World,
    instances: Vec<Instance>,
    connections: u64,
    /// EndTxn requests that were given up: connection, instance, producer, decision.
    late: Vec<(u64, usize, Producer, Decision)>,
    /// Whose records each transaction has.
    writers: BTreeMap<u64, (usize, Producer)>,
    /// What the sink was told of each.
    told: BTreeMap<u64, Decision>,
    /// What an instance was told of each.
    promised: BTreeMap<u64, Decision>,
    given: BTreeSet<(i64, i16)>,
}

impl Scene {
    fn new(protocols: [Protocol; 4], is_remembered: bool) -> Self {
        let instance = |(id, protocol): (&&'static str, Protocol)| Instance {
            id,
            protocol,
            connection: 0,
            producer: None,
            serial: None,
            asking: None,
        };
        let mut scene = Self {
            world: World::with(Rules { is_remembered, ..rules() }),
            instances: IDS.iter().zip(protocols).map(instance).collect(),
            connections: 0,
            late: Vec::new(),
            writers: BTreeMap::new(),
            told: BTreeMap::new(),
            promised: BTreeMap::new(),
            given: BTreeSet::new(),
        };
        (0..IDS.len()).for_each(|who| scene.connect(who));
        scene
    }

    fn connect(&mut self, who: usize) {
        self.connections += 1;
        self.instances[who].connection = self.connections;
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Init { who, renew } => self.init(who, renew),
            Step::Write { who, partition } => self.write(who, partition),
            Step::End { who, commit } => {
                let decision = if commit { Decision::Commit } else { Decision::Abort };
                let Instance { producer, asking, .. } = self.instances[who];
                if producer.is_some() && asking.is_none() {
                    self.instances[who].asking = Some((decision, None));
                }
                self.ask(who);
            }
            Step::Reconnect { who } => {
                let Instance { connection, producer, asking, .. } = self.instances[who];
                if let (Some(producer), Some((decision, _))) = (producer, asking) {
                    self.late.push((connection, who, producer, decision));
                    self.instances[who].asking = Some((decision, None));
                }
                self.connect(who);
                self.ask(who);
            }
            Step::Late { which } => self.arrive(which),
            Step::Frame => {
                self.world.frame();
            }
            Step::JournalFails => {
                self.world.coordinator.journal_failed();
                self.world.collect();
            }
            Step::SinkDoes => self.sink(None),
            Step::SinkRefuses { for_good: true } => self.sink(Some(Refusal::rejected("planted"))),
            Step::SinkRefuses { for_good: false } => self.sink(Some(Refusal::local("planted"))),
            Step::Pass { seconds } => self.world.pass(Duration::from_secs(seconds)),
            Step::Crash { rebooted } => self.crash(rebooted),
        }
        self.listen();
    }

    fn init(&mut self, who: usize, renew: bool) {
        let Instance { id, producer, .. } = self.instances[who];
        let renewed = producer.filter(|_| renew);
        if let Ok(given) = self.world.init(id, renewed) {
            let is_new = self.given.insert((given.id, given.epoch));
            assert!(is_new || renewed.is_some(), "{given:?} was given out twice");
            self.world.frame_all();
            let instance = &mut self.instances[who];
            (instance.producer, instance.serial, instance.asking) = (Some(given), None, None);
        }
    }

    fn write(&mut self, who: usize, partition: i32) {
        let Instance { id, protocol, connection, producer, asking, .. } = self.instances[who];
        let (Some(producer), None) = (producer, asking) else { return };
        self.world.connection = ConnectionId(connection);
        if protocol == Protocol::V1 && self.world.add(id, producer, &[partition]).is_err() {
            return;
        }
        if let Ok(transaction) = self.world.produce(id, producer, partition, protocol) {
            // The answer waits for this frame.
            self.world.frame_all();
            let serial = transaction.serial;
            assert!(!self.told.contains_key(&serial), "records after the end of {serial}");
            let writer = self.writers.insert(serial, (who, producer));
            assert!(writer.is_none_or(|it| it == (who, producer)), "{serial} has two writers");
            self.instances[who].serial = Some(serial);
        }
    }

    /// Sends what an instance asks for, unless it waits for the answer already.
    fn ask(&mut self, who: usize) {
        let Instance { id, protocol, connection, producer, asking, .. } = self.instances[who];
        let (Some(producer), Some((decision, None))) = (producer, asking) else { return };
        self.world.connection = ConnectionId(connection);
        match self.world.end(id, producer, decision, protocol) {
            Ok(End::Done(next)) => {
                self.world.frame_all();
                self.hear(who, decision, Ok(next));
            }
            Ok(End::Wait(end)) => self.instances[who].asking = Some((decision, Some(end))),
            Err(error) => self.hear(who, decision, Err(error)),
        }
    }

    fn listen(&mut self) {
        for who in 0..self.instances.len() {
            if let Some((decision, Some(end))) = self.instances[who].asking
                && let Some(said) = self.world.heard(end)
            {
                self.hear(who, decision, said);
            }
        }
    }

    fn hear(&mut self, who: usize, decision: Decision, said: Result<Producer, TxnError>) {
        let instance = &mut self.instances[who];
        match said {
            Ok(next) => {
                if let Some(serial) = instance.serial.take() {
                    let before = self.promised.insert(serial, decision);
                    assert!(before.is_none_or(|before| before == decision), "{serial}");
                }
                instance.producer = Some(next);
                instance.asking = None;
            }
            Err(TxnError::Busy) => instance.asking = Some((decision, None)),
            Err(TxnError::Aborted) => {
                if let Some(serial) = instance.serial {
                    self.promised.insert(serial, Decision::Abort);
                }
                instance.asking = Some((Decision::Abort, None));
            }
            // Its process ends, and another one begins.
            Err(_) => (instance.producer, instance.serial, instance.asking) = (None, None, None),
        }
    }

    /// A request arrives that its instance has repeated by another connection.
    fn arrive(&mut self, which: usize) {
        if self.late.is_empty() {
            return;
        }
        let (connection, who, producer, decision) = self.late.swap_remove(which % self.late.len());
        let Instance { id, protocol, asking, .. } = self.instances[who];
        // While it still asks, the copy asks for the same.
        if asking.is_some() {
            return;
        }
        let before = self.open_serial(id);
        self.world.connection = ConnectionId(connection);
        let _ = self.world.end(id, producer, decision, protocol);
        assert_eq!(before, self.open_serial(id), "a late request ended a transaction");
    }

    fn open_serial(&self, id: &str) -> Option<u64> {
        let account = self.world.coordinator.accounts.get(id)?;
        match &account.state {
            State::Ongoing(open) => Some(open.transaction.serial),
            State::Empty | State::Preparing(_) | State::Ending(_) | State::Ended(_) => None,
        }
    }

    fn sink(&mut self, refusal: Option<Refusal>) {
        let Some((delivery, event)) = self.world.first() else { return };
        self.note_told(&event);
        match (refusal, event) {
            (Some(refusal), _) => {
                self.world.coordinator.refused(self.world.now, delivery, &refusal)
            }
            (None, Event::Prepare(_)) => self.world.prepared(delivery, "intent"),
            (None, _) => self.world.coordinator.accepted(self.world.now, delivery),
        }
        self.world.collect();
    }

    /// What is decided stays so, and was framed before anybody is told.
    fn note_told(&mut self, event: &Event) {
        let (serial, decision) = match event {
            Event::Commit(decided) => (decided.transaction.serial, Decision::Commit),
            Event::Abort(transaction) => (transaction.serial, Decision::Abort),
            Event::Prepare(transaction) => {
                assert!(!self.told.contains_key(&transaction.serial), "asked after the end");
                return;
            }
            Event::Records(_) => panic!("{event:?}"),
        };
        let before = self.told.insert(serial, decision);
        assert!(before.is_none_or(|before| before == decision), "{serial} has two ends");
        let mut held = ksink_event::Held::default();
        self.world.ledger.tell(&mut held);
        let framed = match decision {
            Decision::Commit => held.decided.iter().any(|it| it.transaction.serial == serial),
            Decision::Abort => held.aborted.iter().any(|it| it.serial == serial),
        };
        assert!(framed, "{serial} is told before it is framed");
    }

    fn crash(&mut self, rebooted: bool) {
        let last_stop = if rebooted { LastStop::Rebooted } else { LastStop::Unclean };
        self.world.restart(last_stop, &Resumed::default());
        // Connections do not outlive the process, and what was on its way in them neither.
        self.late.clear();
        for who in 0..self.instances.len() {
            if let Some((decision, _)) = self.instances[who].asking {
                self.instances[who].asking = Some((decision, None));
            }
            self.connect(who);
        }
    }

    /// All faults pass, and everybody asks until they are answered.
    fn finish(mut self) {
        for _ in 0..8 {
            self.world.frame_all();
            while !self.world.delivered.is_empty() {
                self.sink(None);
                self.world.frame_all();
            }
            self.world.pass(Duration::from_secs(6));
            self.listen();
            (0..self.instances.len()).for_each(|who| self.ask(who));
        }
        for instance in &self.instances {
            assert!(instance.asking.is_none(), "never answered: {instance:?}");
        }
        for (serial, decision) in &self.promised {
            assert_eq!(
                self.told.get(serial),
                Some(decision),
                "of {serial} something else was said"
            );
        }
    }
}

fn protocols() -> impl Strategy<Value = [Protocol; 4]> {
    prop::array::uniform4(prop_oneof![Just(Protocol::V1), Just(Protocol::V2)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_was_said_of_a_transaction_is_what_becomes_of_it(
        steps in steps(),
        protocols in protocols(),
        is_remembered in prop::bool::weighted(0.8),
    ) {
        let mut scene = Scene::new(protocols, is_remembered);
        for step in steps {
            // Without state a crash takes everything along.
            if is_remembered || !matches!(step, Step::Crash { .. }) {
                scene.step(&step);
            }
        }
        scene.finish();
    }
}
