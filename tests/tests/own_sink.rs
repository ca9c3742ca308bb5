//! Whoever reads the deliveries can be the sink, and gets the same promises: the example of a sink of one's own, across
//! ends that nobody announced.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use ksink_server::ListenAddr;
use ksink_tests::TransactionalProducer;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

#[path = "../../crates/ksink-server/examples/exactly_once.rs"]
#[expect(dead_code, unreachable_pub, reason = "an example has a main of its own")]
mod exactly_once;

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with the example's sink, which can end as a process does that is killed: nobody says goodbye.
struct Life {
    runtime: Runtime,
    addr: SocketAddr,
}

impl Life {
    fn begin(folder: &Path) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let (server, records) = exactly_once::open(folder).expect("a sound folder");
        let anywhere: ListenAddr = "127.0.0.1:0".parse().expect("an address");
        let (running, deliveries) = runtime.block_on(server.bind(&anywhere)).expect("a free port");
        let addr = running.local_addr();
        runtime.spawn(async move {
            let _running = running;
            records.keep(deliveries).await.expect("a file that can be written");
        });
        Self { runtime, addr }
    }

    fn kill(self) {
        // Every task is dropped where it stands, and the state's lock with them.
        self.runtime.shutdown_timeout(PATIENCE);
    }
}

fn records(folder: &TempDir) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join("records")).expect("the example's file");
    text.lines().map(str::to_owned).collect()
}

/// exactly-once, Roles: any user of the pull API can be the sink and gets the same promises.
#[test]
fn a_sink_of_ones_own_keeps_each_committed_record_once_whatever_ends_the_process() {
    let folder = TempDir::new().expect("a folder");
    let life = Life::begin(folder.path());
    let mut producer = TransactionalProducer::connect(life.addr, "mover");
    producer.produce("t", ["a", "b"]);
    producer.end(true);
    assert_eq!(records(&folder), ["a", "b"]);
    producer.produce("t", ["gone"]);
    producer.end(false);
    producer.produce("t", ["c"]);
    life.kill();

    let life = Life::begin(folder.path());
    producer.reconnect(life.addr);
    producer.produce("t", ["d"]);
    producer.end(true);
    assert_eq!(records(&folder), ["a", "b", "c", "d"], "the open transaction went on");
    life.kill();

    let life = Life::begin(folder.path());
    assert_eq!(records(&folder), ["a", "b", "c", "d"]);
    life.kill();
}

/// exactly-once, Start and stop: after an unclean stop what lies beyond the framed position of the same file is cut.
#[test]
fn what_was_not_accepted_is_cut_after_a_kill() {
    let folder = TempDir::new().expect("a folder");
    let life = Life::begin(folder.path());
    let mut producer = TransactionalProducer::connect(life.addr, "mover");
    producer.produce("t", ["a"]);
    producer.end(true);
    life.kill();
    let path = folder.path().join("records");
    fs::write(&path, "a\nhalf a rec").expect("the example's file");
    Life::begin(folder.path()).kill();
    assert_eq!(records(&folder), ["a"]);
}
