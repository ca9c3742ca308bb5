//! Which EndTxn comes too late: never one that an ordinary client means, and always one that it has given up.
//!
//! Clients differ in the connections by which they send what. In each layout of these a client reconnects whenever it
//! likes, in any order, and repeats by a new connection what was not answered on the old one.

use proptest::{collection::vec, prelude::*};

use super::*;

/// By which of a client's connections it sends what.
#[derive(Clone, Copy, Debug)]
struct Layout {
    init: usize,
    add_and_end: usize,
    produce: usize,
}

/// Java, sarama, kafkajs: one connection for all that goes to a node.
const JAVA: Layout = Layout { init: 0, add_and_end: 0, produce: 0 };
/// librdkafka: one connection for the coordinator, another for records. franz-go is alike.
const LIBRDKAFKA: Layout = Layout { init: 0, add_and_end: 0, produce: 1 };
/// aiokafka: InitProducerId goes to any node, by the connection that is at hand.
const AIOKAFKA: Layout = Layout { init: 1, add_and_end: 0, produce: 1 };
const APART: Layout = Layout { init: 2, add_and_end: 0, produce: 1 };

/// What a client does next.
#[derive(Clone, Debug)]
enum Step {
    Write {
        partition: i32,
    },
    End {
        commit: bool,
    },
    /// A connection is lost, and opened again at once or when it is needed.
    Reconnect {
        connection: usize,
    },
    /// EndTxn is sent, its connection is given up before the answer, and the request arrives as late as never.
    EndDelayed {
        commit: bool,
    },
    /// What was given up arrives.
    Arrive {
        which: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3).prop_map(|partition| Step::Write { partition }),
        3 => any::<bool>().prop_map(|commit| Step::End { commit }),
        3 => (0..3usize).prop_map(|connection| Step::Reconnect { connection }),
        2 => any::<bool>().prop_map(|commit| Step::EndDelayed { commit }),
        3 => (0..8usize).prop_map(|which| Step::Arrive { which }),
    ];
    vec(step, 1..80)
}

/// One client of the older protocol, all of whose requests the server takes at once unless they are delayed.
struct Scene {
    world: World,
    layout: Layout,
    producer: Producer,
    connections: [u64; 3],
    accepted: u64,
    open: bool,
    delayed: Vec<(ConnectionId, Decision)>,
}

impl Scene {
    fn new(layout: Layout) -> Self {
        let mut scene = Self {
            world: World::new(),
            layout,
            producer: at(0, 0),
            connections: [0; 3],
            accepted: 0,
            open: false,
            delayed: Vec::new(),
        };
        (0..3).for_each(|connection| scene.reconnect(connection));
        scene.by(layout.init);
        scene.producer = scene.world.init("a", None).expect("it may");
        scene.world.settle();
        scene
    }

    fn reconnect(&mut self, connection: usize) {
        self.accepted += 1;
        self.connections[connection] = self.accepted;
    }

    fn by(&mut self, connection: usize) {
        self.world.connection = ConnectionId(self.connections[connection]);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write { partition } => {
                self.by(self.layout.add_and_end);
                self.world.add("a", self.producer, &[*partition]).expect("an ordinary client");
                self.by(self.layout.produce);
                self.world
                    .produce("a", self.producer, *partition, Protocol::V1)
                    .expect("an ordinary client");
                self.open = true;
            }
            Step::End { commit } if self.open => self.end(decision(*commit)),
            Step::EndDelayed { commit } if self.open => {
                let connection = self.connections[self.layout.add_and_end];
                self.delayed.push((ConnectionId(connection), decision(*commit)));
                self.reconnect(self.layout.add_and_end);
                self.end(decision(*commit));
            }
            Step::End { .. } | Step::EndDelayed { .. } => {}
            Step::Reconnect { connection } => self.reconnect(*connection),
            Step::Arrive { which } => self.arrive(*which),
        }
        self.world.settle();
    }

    #[track_caller]
    fn end(&mut self, decision: Decision) {
        self.by(self.layout.add_and_end);
        let end = self.world.end_waits(self.producer, decision, Protocol::V1);
        self.world.settle();
        self.world.heard(end).expect("an answer").expect("an ordinary client");
        self.open = false;
    }

    fn arrive(&mut self, which: usize) {
        if self.delayed.is_empty() {
            return;
        }
        let (connection, decision) = self.delayed.remove(which % self.delayed.len());
        self.world.connection = connection;
        let before = self.world.coordinator.account(&"a".into()).entry();
        let heard = self.world.end("a", self.producer, decision, Protocol::V1);
        if self.open {
            assert_eq!(heard, Err(TxnError::State), "it came too late");
        }
        let after = self.world.coordinator.account(&"a".into()).entry();
        assert_eq!(before, after, "nothing has come of it");
    }
}

fn decision(commit: bool) -> Decision {
    if commit { Decision::Commit } else { Decision::Abort }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_ordinary_client_is_never_refused_and_a_late_end_always(steps in steps()) {
        for layout in [JAVA, LIBRDKAFKA, AIOKAFKA, APART] {
            let mut scene = Scene::new(layout);
            steps.iter().for_each(|step| scene.step(step));
        }
    }
}

#[test]
fn ten_thousand_reconnects_refuse_nobody() {
    for layout in [JAVA, LIBRDKAFKA, AIOKAFKA, APART] {
        let mut scene = Scene::new(layout);
        for round in 0..2_500 {
            scene.step(&Step::Write { partition: round % 3 });
            scene.step(&Step::Reconnect { connection: usize::try_from(round % 3).expect("small") });
            scene.step(&Step::End { commit: round % 5 != 0 });
        }
    }
}
