//! One connection, and what can go wrong on it.
//!
//! hyper's own pool is not used: it does not tell whether a request that failed was sent, on which depends
//! what producers hear.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    service::Service,
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{client::legacy::connect::HttpConnector, service::TowerToHyperService};
use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::{
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

use super::answer::Answer;

/// A connection that was idle for longer is not used again. Servers close idle ones, some after 5 seconds,
/// and a request that crosses the closing may or may not have been seen.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// So much of an answer's head is read.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// So much of an answer's body is read, and thrown away, for the connection's sake.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The answer's body is waited for so long.
const BODY_WAIT_MAX: Duration = Duration::from_secs(1);

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// Nothing of it reached the server.
    NotSent(String),
    /// The server may have seen it.
    Lost(String),
}

/// Makes connections to one server.
#[derive(Debug)]
pub(super) struct Connector {
    server: Uri,
    service: TowerToHyperService<HttpsConnector<HttpConnector>>,
}

/// An open connection that no request is on.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    idle_since: Instant,
    /// The task that reads and writes.
    _task: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connector {
    pub(super) fn new(server: Uri, tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let service = TowerToHyperService::new(builder.enable_http1().wrap_connector(tcp));
        Self { server, service }
    }

    /// Sends one request and waits for its answer, over the connection at hand or a new one. What can be
    /// used again is put back.
    pub(super) async fn exchange(
        &self,
        at_hand: &mut Option<Connection>,
        mut request: Request<Full<Bytes>>,
        wait: Duration,
    ) -> Result<Answer, NoAnswer> {
        let deadline = Instant::now() + wait;
        loop {
            let (mut connection, is_new) = match at_hand.take().filter(Connection::is_usable) {
                Some(connection) => (connection, false),
                None => (self.connect_until(deadline).await?, true),
            };
            match connection.send(request, deadline).await {
                Sent::Answered(response) => return Ok(connection.settle(response, at_hand).await),
                Sent::Failed(failure) => return Err(failure),
                Sent::Returned(_, reason) if is_new => return Err(NoAnswer::NotSent(reason)),
                // The server had closed it before; a new one costs no attempt.
                Sent::Returned(unsent, _) => request = unsent,
            }
        }
    }

    async fn connect_until(&self, deadline: Instant) -> Result<Connection, NoAnswer> {
        match timeout_at(deadline, self.connect()).await {
            Ok(connected) => connected.map_err(|error| NoAnswer::NotSent(causes(&*error))),
            Err(_) => Err(NoAnswer::NotSent("no connection in time".to_owned())),
        }
    }

    async fn connect(&self) -> Result<Connection, Box<dyn Error + Send + Sync>> {
        let stream = self.service.call(self.server.clone()).await?;
        let (sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(stream)
            .await?;
        // What ends a connection shows in the request that is on it.
        let task = tokio::spawn(async { drop(connection.await) });
        let _task = AbortOnDrop(task.abort_handle());
        Ok(Connection { sender, idle_since: Instant::now(), _task })
    }
}

/// What came of sending a request.
enum Sent {
    Answered(Response<Incoming>),
    Failed(NoAnswer),
    /// It was never written.
    Returned(Request<Full<Bytes>>, String),
}

impl Connection {
    pub(super) fn is_usable(&self) -> bool {
        self.idle_since.elapsed() < IDLE_MAX && !self.sender.is_closed()
    }

    async fn send(&mut self, request: Request<Full<Bytes>>, deadline: Instant) -> Sent {
        match timeout_at(deadline, self.sender.ready()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Sent::Returned(request, causes(&error)),
            Err(_) => return Sent::Returned(request, "the connection is stuck".to_owned()),
        }
        match timeout_at(deadline, self.sender.try_send_request(request)).await {
            Ok(Ok(response)) => Sent::Answered(response),
            Ok(Err(mut error)) => match error.take_message() {
                Some(request) => Sent::Returned(request, causes(error.error())),
                None => Sent::Failed(NoAnswer::Lost(causes(error.error()))),
            },
            Err(_) => Sent::Failed(NoAnswer::Lost("no answer in time".to_owned())),
        }
    }

    /// Reads the rest of an answer, so that the connection can be used again. An answer that is too long or
    /// too slow costs the connection; what it said stands.
    async fn settle(mut self, response: Response<Incoming>, at_hand: &mut Option<Self>) -> Answer {
        let answer = Answer::new(response.status(), response.headers(), Timestamp::now());
        let read = timeout(BODY_WAIT_MAX, read_to_end(response.into_body())).await;
        if read == Ok(true) {
            self.idle_since = Instant::now();
            *at_hand = Some(self);
        }
        answer
    }
}

/// Whether a body ended well, and soon enough.
async fn read_to_end(mut body: Incoming) -> bool {
    let mut left = BODY_BYTES_MAX;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let len = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(len) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}

/// An error and what it came from, in one line.
fn causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors repeat what they came from.
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}
