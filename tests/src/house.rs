//! A server on loopback, and what reads its deliveries.

use std::{net::SocketAddr, thread};

use ksink_server::{Deliveries, Limits, Running, Server, ServerConfig};
use ksink_sinks::{HeldBack, PumpEnd, PumpOptions, Sink, pump};
use tokio::runtime::{Builder, Runtime};

/// A server that listens on a free port of loopback.
pub struct House {
    runtime: Runtime,
    running: Running,
}

/// A server that stops.
pub struct Stop(thread::JoinHandle<()>);

impl House {
    /// A server with these limits, and its deliveries.
    ///
    /// # Panics
    /// When that fails, as everything here does: the test has failed then.
    pub fn open(limits: Limits) -> (Self, Deliveries) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let config = ServerConfig { limits, ..Default::default() };
        let bound = runtime.block_on(async {
            let server = Server::open(config).expect("a sound configuration");
            server.bind(&"127.0.0.1:0".parse().expect("an address")).await
        });
        let (running, deliveries) = bound.expect("a free port");
        (Self { runtime, running }, deliveries)
    }

    /// A server whose deliveries go to a sink, and the thread that carries them there.
    pub fn with_sink(
        limits: Limits,
        sink: impl Sink + 'static,
    ) -> (Self, thread::JoinHandle<PumpEnd>) {
        let (house, deliveries) = Self::open(limits);
        (house, carry(deliveries, sink))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.running.local_addr()
    }

    /// Begins to stop.
    pub fn stop(self) -> Stop {
        self.running.drain();
        Stop(thread::spawn(move || self.runtime.block_on(self.running.stopped())))
    }
}

impl Stop {
    /// Waits until it has stopped.
    pub fn wait(self) {
        self.0.join().expect("stopping does not panic");
    }

    /// Whether it has stopped.
    pub fn is_done(&self) -> bool {
        self.0.is_finished()
    }
}

fn carry(mut deliveries: Deliveries, sink: impl Sink + 'static) -> thread::JoinHandle<PumpEnd> {
    let mut sink = HeldBack::without_state(sink);
    let runtime = Builder::new_current_thread().build().expect("no driver to fail");
    thread::spawn(move || {
        runtime.block_on(pump(&mut deliveries, &mut sink, &PumpOptions::default()))
    })
}
