//! One record's attempts.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use tokio::time::sleep;

use super::{
    HttpRetries, HttpTarget,
    answer::{Answer, Verdict},
    backoff::{Backoff, Pause},
    connection::{Connection, Connector, NoAnswer},
};

/// The server, as one sink knows it.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) target: HttpTarget,
    pub(super) connector: Connector,
    pub(super) retries: HttpRetries,
    pub(super) pause: Pause,
}

/// What is known of a record that was not delivered.
#[derive(Debug)]
pub(super) struct Undelivered {
    pub(super) cause: Cause,
    /// What the server said last, if anything.
    pub(super) status: Option<StatusCode>,
    /// In one line, for operators and producers.
    pub(super) reason: String,
    pub(super) attempts: u32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// Why a record was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It will never be taken.
    Never,
    /// It will never be taken, for its size.
    TooLarge,
    /// It was not taken. Another time it may be.
    NotNow,
    /// It may have been taken or not.
    Unknown,
}

impl Remote {
    /// Posts a record, again and again if need be, over the connection at hand or a new one.
    pub(super) async fn post(
        &self,
        at_hand: &mut Option<Connection>,
        request: Request<Full<Bytes>>,
    ) -> Result<(), Undelivered> {
        let backoff = Backoff { base: self.retries.delay };
        let first = Timestamp::now();
        let mut may_be_kept = false;
        let mut attempts = 0;
        loop {
            self.pause.over().await;
            let last = Timestamp::now();
            let answered =
                self.connector.exchange(at_hand, request.clone(), self.retries.timeout).await;
            attempts += 1;
            if let Ok(Answer { retry_after: Some(length), .. }) = answered {
                self.pause.begin(length);
            }
            may_be_kept |= matches!(answered, Err(NoAnswer::Lost(_)));
            let cause = match answered.as_ref().map(Answer::verdict) {
                Ok(Verdict::Kept) => return Ok(()),
                Ok(Verdict::Never) => Cause::Never,
                Ok(Verdict::TooLarge) => Cause::TooLarge,
                Ok(Verdict::NotNow) | Err(_) if may_be_kept => Cause::Unknown,
                Ok(Verdict::NotNow) | Err(_) => Cause::NotNow,
            };
            if cause.is_for_good() || attempts > self.retries.count {
                let reason = self.reason(&answered, attempts);
                let status = answered.ok().map(|answer| answer.status);
                return Err(Undelivered { cause, status, reason, attempts, first, last });
            }
            sleep(backoff.delay(attempts - 1)).await;
        }
    }

    fn reason(&self, answered: &Result<Answer, NoAnswer>, attempts: u32) -> String {
        let what = match answered {
            Ok(answer) => format!("HTTP status {}", answer.status),
            Err(NoAnswer::NotSent(why)) => why.clone(),
            Err(NoAnswer::Lost(why)) => format!("no answer, {why}"),
        };
        format!("POST to {} failed after {attempts} attempt(s): {what}", self.target)
    }
}

impl Cause {
    /// Whether no other attempt can help.
    pub(super) fn is_for_good(self) -> bool {
        match self {
            Self::Never | Self::TooLarge => true,
            Self::NotNow | Self::Unknown => false,
        }
    }
}

impl Undelivered {
    /// Whether the server gave no answer at all: the next record would not fare better.
    pub(super) fn is_silence(&self) -> bool {
        self.status.is_none()
    }
}
