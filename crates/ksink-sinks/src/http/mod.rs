//! A server that takes one POST a record.
//!
//! Records of one partition are posted one after the other, and a record that fails ends its partition's
//! turn: no record lands before one that precedes it. Partitions go side by side, each over a connection of
//! its own, up to a limit.
//!
//! | room | holds |
//! |---|---|
//! | `lane` | the sets of one partition: what is sent, and what is not for the sake of order |
//! | `post`, `backoff` | one record's attempts, and the waits between them |
//! | `connection` | one connection: what was sent, and what may have been |
//! | `answer` | what a status means |
//! | `request`, `encode` | a record as a request |
//! | `dead_letters` | a file for records that are refused for good |
//! | `target`, `tls` | where requests go, and how they are encrypted |

mod answer;
mod backoff;
mod connection;
mod dead_letters;
mod encode;
mod lane;
mod post;
mod request;
mod target;
mod tls;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    panic::resume_unwind,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ksink_event::{Ack, RecordSet, Refusal, Topic};
use tokio::task::JoinSet;

use self::{
    backoff::Pause,
    connection::{Connection, Connector},
    dead_letters::DeadLetters,
    lane::{Lane, LaneEnd, Work},
    post::Remote,
    request::Requests,
};
use crate::{Flushed, Format, OpenError, OutputId, PumpLimits, Sink, file::look::look_at_file};

pub use target::{HttpTarget, TargetError};
pub use tls::{Tls, TlsError, TlsIdentity, TlsOptions};

/// Posts each record to a server.
///
/// It needs a tokio runtime with I/O and time. A server that cannot be reached is no reason not to start:
/// it is asked when records come.
///
/// A status of 2xx means that a record is kept. Redirects are not followed; they and 4xx are refusals for good,
/// except for 408, 425 and 429, which, like everything else, may pass. A set is refused whole, also when
/// its first records were delivered: when its producer sends it again they are delivered twice. By its
/// `Idempotency-Key` a server can tell, if the producer numbers its batches.
#[derive(Debug)]
pub struct HttpSink {
    work: Arc<Work>,
    connections_max: usize,
    /// By topic and partition, what was written since the last flush: an index into `lanes`.
    partitions: HashMap<(Topic, i32), usize>,
    lanes: Vec<Lane>,
    /// Connections that wait for the next records.
    connections: Vec<Connection>,
    /// Counts sets, for their ids: each can fail for itself.
    sets: u64,
}

/// How records are posted.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// What is tried again, and when.
    pub retries: HttpRetries,
    /// Where records go that are refused for good; without it, their producers hear of it.
    pub dead_letters: Option<PathBuf>,
    /// How many partitions are served at once, at least 1, each over one connection.
    pub connections_max: usize,
}

/// What is tried again, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpRetries {
    /// How often a record is tried again after a failure that may pass.
    pub count: u32,
    /// The wait before the first retry, more or less; it doubles from retry to retry up to 30 seconds.
    pub delay: Duration,
    /// The limit of a single request, from connecting to the answer.
    pub timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { retries: HttpRetries::default(), dead_letters: None, connections_max: 8 }
    }
}

impl Default for HttpRetries {
    fn default() -> Self {
        Self { count: 0, delay: Duration::from_secs(1), timeout: Duration::from_secs(30) }
    }
}

/// Why an HTTP output cannot be used, found at start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpOpenError {
    /// The file for refused records.
    #[error(transparent)]
    DeadLetters(#[from] OpenError),
    /// The encryption.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl HttpSink {
    /// How much of it one flush should answer for: a producer waits for all of it, one request after the
    /// other.
    pub const GROUP_LIMITS: PumpLimits =
        PumpLimits { group_deliveries_max: 64, group_bytes_max: 256 << 10 };

    /// Prepares everything, and connects to nothing yet.
    ///
    /// # Errors
    /// When the file for refused records cannot be opened, or the system trusts nobody whom the server could
    /// be known by.
    pub fn open(
        target: HttpTarget,
        tls: &Tls,
        format: Format,
        options: HttpOptions,
    ) -> Result<Self, HttpOpenError> {
        let config = if target.is_https() { tls.config()? } else { Tls::no_config() };
        let dead_letters = options.dead_letters.as_deref().map(DeadLetters::open).transpose()?;
        // Where there is no randomness, the time will tell one run from another.
        let run = getrandom::u64()
            .unwrap_or_else(|_| jiff::Timestamp::now().as_microsecond().unsigned_abs());
        let requests = Requests::new(&target, &format, run);
        let connector = Connector::new(target.server(), config);
        let remote =
            Remote { target, connector, retries: options.retries, pause: Pause::default() };
        Ok(Self {
            work: Arc::new(Work { remote, requests, format, dead_letters }),
            connections_max: options.connections_max.max(1),
            partitions: HashMap::new(),
            lanes: Vec::new(),
            connections: Vec::new(),
            sets: 0,
        })
    }

    /// Looks whether [`open`](Self::open) would find what it needs, as far as that can be told without making
    /// a file.
    ///
    /// # Errors
    /// When it would not.
    pub fn look(
        target: &HttpTarget,
        tls: &Tls,
        options: &HttpOptions,
    ) -> Result<(), HttpOpenError> {
        if target.is_https() {
            tls.config()?;
        }
        if let Some(path) = &options.dead_letters {
            look_at_file(path).map_err(|cause| OpenError { path: path.clone(), cause })?;
        }
        Ok(())
    }
}

impl Sink for HttpSink {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        self.sets += 1;
        let id = OutputId(self.sets);
        let next = self.lanes.len();
        let lane = *self.partitions.entry((set.topic.clone(), set.partition)).or_insert(next);
        if lane == next {
            self.lanes.push(Lane::default());
        }
        self.lanes[lane].push(id, set.clone());
        Ok(id)
    }

    async fn flush(&mut self) -> Flushed {
        self.partitions.clear();
        let mut waiting = VecDeque::from(mem::take(&mut self.lanes));
        let mut running = JoinSet::new();
        let mut flushed = Flushed::default();
        loop {
            while running.len() < self.connections_max
                && let Some(lane) = waiting.pop_front()
            {
                running.spawn(lane.run(self.work.clone(), self.connections.pop()));
            }
            let Some(ended) = running.join_next().await else { return flushed };
            let LaneEnd { failed, is_silent, connection } =
                ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            flushed.failed.extend(failed);
            self.connections.extend(connection);
            if is_silent {
                // Waiting for the same silence once more for each partition would keep producers for hours.
                let reason = Refusal::remote("not sent, since the server does not answer");
                let refused = waiting.drain(..).flat_map(|lane| lane.refuse(&reason));
                flushed.failed.extend(refused);
            }
        }
    }
}

#[cfg(test)]
mod tests;
