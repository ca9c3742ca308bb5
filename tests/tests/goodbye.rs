//! What the journal says about the end of a server, and when.

use std::{path::PathBuf, sync::Arc};

use ksink_disk::ModelDisk;
use ksink_server::{
    Deliveries, LastStop, ListenAddr, Reporter, Resumed, Server, ServerConfig, StateConfig,
};
use ksink_tests::{Client, batch};
use ksink_wire::ErrorCode;
use tokio::task::spawn_blocking;

fn open(disk: &ModelDisk) -> Server {
    let folder = PathBuf::from("/state");
    let state = StateConfig { folder, purpose: Vec::new(), disk: Arc::new(disk.clone()) };
    let config = ServerConfig { state: Some(state), ..Default::default() };
    Server::open(config).expect("a state that can be read")
}

/// Accepts everything, and tells the server at the end how the sink was closed.
async fn keep(mut deliveries: Deliveries, in_order: bool) {
    let mut server: Option<Reporter> = None;
    while let Some(delivery) = deliveries.next().await {
        server = Some(delivery.ack.reporter());
        delivery.ack.accept(Vec::new());
    }
    let server = server.expect("a batch came");
    if !in_order {
        server.left_in_disorder();
    }
}

/// How the next start finds a server that was stopped after one batch.
async fn last_stop(in_order: bool) -> LastStop {
    let disk = ModelDisk::new();
    let mut server = open(&disk);
    server.resume(Resumed::default()).expect("a state that can be written");
    let anywhere: ListenAddr = "127.0.0.1:0".parse().expect("an address");
    let (running, deliveries) = server.bind(&anywhere).await.expect("a free port");
    let keeping = tokio::spawn(keep(deliveries, in_order));
    let addr = running.local_addr();
    let produced = spawn_blocking(move || {
        let mut client = Client::connect(addr);
        client.send_records("t", -1, &batch(["x"]));
        client.hear_produced()
    });
    assert_eq!(produced.await.expect("no panic").0, ErrorCode::NONE);
    running.stop().await;
    keeping.await.expect("no panic");
    open(&disk).held().last_stop
}

/// exactly-once, Start and stop: a clean stop ends the journal with a frame that says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_good_order_is_remembered_as_one() {
    assert_eq!(last_stop(true).await, LastStop::Clean);
}

/// exactly-once, Start and stop: a stop that left outputs in disorder is none; what was not acknowledged has to be cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_left_outputs_in_disorder_is_remembered_as_a_crash() {
    assert_eq!(last_stop(false).await, LastStop::Unclean);
}
