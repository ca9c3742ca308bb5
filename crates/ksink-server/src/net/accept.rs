//! Accepts connections, and lets them finish when the server stops.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
    time::sleep,
};

use super::connection::{Shared, drained, serve};
use crate::{broker::HostPort, session::Goodbye};

/// How long accepting rests when it fails, as it does when the process may open no more files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// At most one line in this time about connections that are not accepted.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(1);

/// Accepts until the server drains, and returns when the last connection has ended.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    let mut drain = shared.drain.clone();
    let mut complaints = Complaints::default();
    loop {
        tokio::select! {
            () = drained(&mut drain) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= shared.limits.connections_max => {
                    drop(stream);
                    complaints.log("too many connections: a client was turned away");
                }
                Ok((stream, _)) => {
                    connections.spawn(log_end(stream, shared.clone()));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    complaints.log(&format!("cannot accept connections: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => log_panic(ended),
        }
    }
    // Nobody else gets in while the others finish.
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        log_panic(ended);
    }
}

async fn log_end(stream: TcpStream, shared: Shared) {
    let client =
        stream.peer_addr().map(|addr| HostPort::from(addr).to_string()).unwrap_or_default();
    tracing::debug!(%client, "connected");
    let goodbye: Goodbye = serve(stream, shared).await;
    match goodbye.is_ordinary() {
        true => tracing::debug!(%client, reason = %goodbye, "connection ended"),
        false => tracing::warn!(%client, reason = %goodbye, "connection closed"),
    }
}

/// A panic is a bug; it costs its connection and nothing else.
fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task panicked: please report this");
    }
}

/// The client was gone before it was accepted.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    fn log(&mut self, complaint: &str) {
        if self.last.is_none_or(|last| last.elapsed() >= COMPLAINT_PAUSE) {
            self.last = Some(Instant::now());
            tracing::error!("{complaint}");
        }
    }
}
