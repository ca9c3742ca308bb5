//! A server whose journal's disk fails, fills up, and is killed: what producers hear, and what a restart knows.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use ksink_disk::{Crash, Disk, Fault, ModelDisk};
use ksink_server::{
    Ack, Deliveries, Delivery, Durability, Event, Intent, ListenAddr, Position, Resumed, Server,
    ServerConfig, StateConfig, accept,
};
use ksink_tests::{Client, TransactionalProducer, batch_by};
use ksink_wire::ErrorCode;
use tokio::runtime::{Builder, Runtime};

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than the journal takes before it starts over, at this many bytes a position.
const POSITION_BYTES: usize = 256 << 10;

/// One life of a server with its state on a modelled disk, and a sink that keeps everything.
struct Life {
    runtime: Runtime,
    addr: SocketAddr,
}

impl Life {
    fn begin(disk: &ModelDisk, durability: Durability) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let mut server = open(disk, durability).expect("a state that can be read");
        server.resume(Resumed::default()).expect("a state that can be written");
        let anywhere: ListenAddr = "127.0.0.1:0".parse().expect("an address");
        let bound = runtime.block_on(server.bind(&anywhere));
        let (running, deliveries) = bound.expect("a free port");
        let addr = running.local_addr();
        runtime.spawn(async move {
            let _running = running;
            keep(deliveries).await;
        });
        Self { runtime, addr }
    }

    /// Drops every task where it stands, and then all that was open.
    fn kill(self, disk: &ModelDisk) {
        self.runtime.shutdown_timeout(PATIENCE);
        disk.crash(Crash::Kill);
    }
}

fn open(disk: &ModelDisk, durability: Durability) -> Result<Server, ksink_server::OpenError> {
    let folder = PathBuf::from("/state");
    let state = StateConfig { folder, purpose: Vec::new(), disk: Arc::new(disk.clone()) };
    Server::open(ServerConfig { durability, state: Some(state), ..Default::default() })
}

/// Accepts everything, with a position that takes some room.
async fn keep(mut deliveries: Deliveries) {
    while let Some(Delivery { event, ack }) = deliveries.next().await {
        match event {
            Event::Records(_) => accept_at(ack),
            Event::Prepare(_) => ack.accept_prepared(Intent::default(), Vec::new()),
            Event::Commit(_) | Event::Abort(_) => ack.accept(Vec::new()),
        }
    }
}

fn accept_at(ack: Ack) {
    accept(vec![ack], vec![Position::at("output", vec![0; POSITION_BYTES])]);
}

/// An idempotent producer that sends again what was not acknowledged, as they all do.
struct Producer {
    client: Client,
    sequence: i32,
}

impl Producer {
    fn connect(life: &Life) -> Self {
        Self { client: Client::connect(life.addr), sequence: 0 }
    }

    /// Sends the next batch until it is acknowledged. Gives the codes that it heard before, and its offset.
    fn produce(&mut self) -> (Vec<ErrorCode>, i64) {
        let mut heard = Vec::new();
        loop {
            match self.send(self.sequence) {
                (ErrorCode::NONE, offset) => {
                    self.sequence += 1;
                    return (heard, offset);
                }
                (code, _) => heard.push(code),
            }
        }
    }

    fn send(&mut self, sequence: i32) -> (ErrorCode, i64) {
        self.client.send_records("t", -1, &batch_by((7, 0, sequence), ["x"]));
        self.client.hear_produced()
    }
}

/// exactly-once, Faults: a failed write or sync of the journal is never retried and acknowledged; the server goes on
/// with a new file.
#[test]
fn a_journal_that_fails_is_replaced_and_nothing_is_lost_or_kept_twice() {
    for (durability, fault) in [
        (Durability::Process, Fault::Io),
        (Durability::Process, Fault::Full),
        (Durability::Process, Fault::Short),
        (Durability::Power, Fault::Io),
    ] {
        for after in 0..4 {
            let disk = ModelDisk::new();
            let life = Life::begin(&disk, durability);
            let mut producer = Producer::connect(&life);
            assert_eq!(producer.produce(), (Vec::new(), 0));
            disk.fail(after, 3, fault);
            for offset in 1..6 {
                let (heard, at) = producer.produce();
                assert_eq!(at, offset, "{durability:?} {fault:?} after {after}");
                assert!(heard.iter().all(|code| code.is_retriable()), "{heard:?}");
            }
            life.kill(&disk);
            let life = Life::begin(&disk, durability);
            let mut again = Producer::connect(&life);
            assert_eq!(again.send(5), (ErrorCode::NONE, 5), "a copy is recognised");
            assert_eq!(again.send(6), (ErrorCode::NONE, 6));
            life.kill(&disk);
        }
    }
}

/// exactly-once, Faults: transaction requests hear 51 meanwhile, and a COMMIT that waits counts as decided.
#[test]
fn a_commit_that_waits_for_the_journal_is_asked_for_again_and_done() {
    let disk = ModelDisk::new();
    let life = Life::begin(&disk, Durability::Process);
    let mut producer = TransactionalProducer::connect(life.addr, "mover");
    producer.produce("t", ["a"]);
    disk.fail(0, 4, Fault::Io);
    assert!(!producer.try_end(true), "51 while the journal fails");
    producer.end(true);
    producer.produce("t", ["b"]);
    producer.end(false);
    life.kill(&disk);
    Life::begin(&disk, Durability::Process).kill(&disk);
}

/// exactly-once, Journal: the server supplies the snapshot, and the journal does not grow with what went through it.
#[test]
fn a_journal_that_has_grown_starts_over_from_a_snapshot() {
    let disk = ModelDisk::new();
    let life = Life::begin(&disk, Durability::Process);
    let mut producer = Producer::connect(&life);
    for offset in 0..40 {
        assert_eq!(producer.produce(), (Vec::new(), offset));
    }
    life.kill(&disk);
    let generation = |disk: &ModelDisk| disk.list("/state".as_ref()).expect("a folder");
    assert!(!generation(&disk).contains(&"journal.1".into()), "{:?}", generation(&disk));
    let life = Life::begin(&disk, Durability::Process);
    let mut again = Producer::connect(&life);
    assert_eq!(again.send(39), (ErrorCode::NONE, 39), "a copy is recognised");
    assert_eq!(again.send(40), (ErrorCode::NONE, 40));
    life.kill(&disk);
}

/// exactly-once, Faults: a journal that cannot be written at start is an error at start.
#[test]
fn a_state_that_cannot_be_written_is_refused_at_start() {
    let disk = ModelDisk::new();
    let mut server = open(&disk, Durability::Process).expect("a new state");
    disk.fail(0, u64::MAX, Fault::Full);
    let error = server.resume(Resumed::default()).expect_err("the disk is full");
    assert!(error.to_string().contains("journal"), "{error}");
}
