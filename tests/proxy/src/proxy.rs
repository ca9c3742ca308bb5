//! The listener.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::net::TcpListener;

use crate::{counts::Counts, relay::relay, schedule::Schedule};

/// A port on loopback that leads to a server, past its faults.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    ledger: Ledger,
}

/// What all connections share: the schedule that they draw from, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug)]
pub(crate) struct Entries {
    pub schedule: Schedule,
    pub counts: Counts,
}

/// Reads what has happened so far, also while the proxy is at work.
#[derive(Clone, Debug)]
pub struct Tally(Ledger);

impl Proxy {
    /// Takes a free port. The server that it will lead to may not have started yet: it wants to know this
    /// address, so that it can advertise it.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub async fn bind(schedule: Schedule) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let entries = Entries { schedule, counts: Counts::default() };
        Ok(Self { listener, ledger: Ledger(Arc::new(Mutex::new(entries))) })
    }

    /// Where clients connect to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Reads what happens, while [`run`](Self::run) has the proxy.
    pub fn tally(&self) -> Tally {
        Tally(self.ledger.clone())
    }

    /// Passes connections on for as long as it is polled. Connections are tasks, and end with their runtime.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn run(self, server: SocketAddr) -> io::Result<()> {
        loop {
            let (client, _) = self.listener.accept().await?;
            self.ledger.count(|counts| counts.connections += 1);
            tokio::spawn(relay(client, server, self.ledger.clone()));
        }
    }
}

impl Tally {
    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.0.entries().counts
    }
}

impl Ledger {
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().expect("nobody panics with the ledger in hand")
    }

    pub(crate) fn count(&self, note: impl FnOnce(&mut Counts)) {
        note(&mut self.entries().counts);
    }
}
