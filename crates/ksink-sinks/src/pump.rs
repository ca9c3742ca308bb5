//! Carries deliveries to a sink. One flush answers a whole group.
//!
//! The pump works in rounds. It takes what is ready, writes it, flushes once, and accepts the group with the
//! positions that the flush told. A set that the sink refuses is refused alone; an output that fails refuses
//! all of the group that went there, so that no batch is kept while an earlier one of its producer is not.
//!
//! Then it puts to the sink what the round was asked about transactions: which to prepare, which to commit,
//! which to abort, all of a kind at once. Plain records and commits take turns: commits begin when every
//! plain write before is framed or refused, and nothing is written before the commits are framed.
//!
//! Sinks may block in `write(2)`, so the pump wants a thread of its own:
//!
//! ```no_run
//! use ksink_sinks::{NullSink, PumpEnd, PumpOptions, pump};
//!
//! # fn start(mut deliveries: ksink_event::Deliveries) -> std::thread::JoinHandle<PumpEnd> {
//! std::thread::spawn(move || {
//!     let runtime = tokio::runtime::Builder::new_current_thread().build().expect("no I/O driver to fail");
//!     runtime.block_on(pump(&mut deliveries, &mut NullSink::default(), &PumpOptions::default()))
//! })
//! # }
//! ```

mod group;
mod progress;
mod questions;

use std::{pin::Pin, time::Instant};

use ksink_event::{Deliveries, Delivery, Event, RecordSet, Refusal, Reporter};

pub use self::progress::Progress;

use self::{group::Group, questions::Questions};
use crate::{TransactionalSink, complaints::Complaints};

/// How the pump runs, and who watches it.
#[derive(Clone, Debug, Default)]
pub struct PumpOptions {
    /// How much one flush may have to answer for.
    pub limits: PumpLimits,
    /// Ends the pump once that many records are accepted. Batches are never split, so that the last one
    /// may exceed it; nothing is taken that is not needed.
    pub records_max: Option<u64>,
    /// Hears how many records were accepted.
    pub progress: Progress,
}

/// How much one flush may have to answer for. The first delivery of a group is taken whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct PumpLimits {
    /// Deliveries in a group.
    pub group_deliveries_max: usize,
    /// Bytes of records in a group, uncompressed, after which no further delivery is taken.
    pub group_bytes_max: usize,
}

impl Default for PumpLimits {
    fn default() -> Self {
        Self { group_deliveries_max: 1024, group_bytes_max: 4 << 20 }
    }
}

/// Why the pump ended.
#[derive(Clone, Debug)]
pub enum PumpEnd {
    /// The server stopped, and everything that it handed out is answered.
    ServerStopped,
    /// [`PumpOptions::records_max`] records are accepted.
    RecordsReached,
    /// An output is gone for good, for this reason; everything that went there was refused.
    OutputGone(Refusal),
}

/// Carries deliveries to the sink until the server stops, enough records came, or the output is gone, and
/// closes the sink.
///
/// What is left in `deliveries` then was not looked at; dropping it refuses it.
pub async fn pump(
    deliveries: &mut Deliveries,
    sink: &mut impl TransactionalSink,
    options: &PumpOptions,
) -> PumpEnd {
    let complaints = Complaints::new(Instant::now());
    let mut pump = Pump {
        deliveries,
        sink,
        options,
        complaints,
        accepted: 0,
        held_over: None,
        tried: None,
        server: None,
        tidying: None,
        tidied: 0,
    };
    let end = pump.run().await;
    pump.tidy_up().await;
    if let Err(refusal) = pump.sink.close().await {
        tracing::error!(%refusal, "the output cannot be closed in good order");
        pump.server.iter().for_each(Reporter::left_in_disorder);
    }
    // Only now may the journal say that everything was left in good order.
    drop(pump.server);
    end
}

struct Pump<'p, S> {
    deliveries: &'p mut Deliveries,
    sink: &'p mut S,
    options: &'p PumpOptions,
    complaints: Complaints,
    /// How many records were accepted.
    accepted: u64,
    /// Taken already, and must wait for the next round.
    held_over: Option<Delivery>,
    /// By which it can be awaited that the last commits are framed, until they are.
    tried: Option<Reporter>,
    /// As long as somebody could report something the server does not end its journal.
    server: Option<Reporter>,
    /// What waits for the server to be sure of what was committed.
    tidying: Option<Tidying>,
    /// Up to where that was tried.
    tidied: u64,
}

/// What the sink left behind, and the server's word that it may go.
struct Tidying {
    left_behind: u64,
    synced: Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>,
}

impl<S: TransactionalSink> Pump<'_, S> {
    async fn run(&mut self) -> PumpEnd {
        loop {
            if self.records_wanted() == 0 {
                return PumpEnd::RecordsReached;
            }
            let Some(first) = self.next().await else { return PumpEnd::ServerStopped };
            if let Err(why) = self.round(first).await {
                return PumpEnd::OutputGone(why);
            }
        }
    }

    /// How many more records are to be accepted.
    fn records_wanted(&self) -> u64 {
        self.options.records_max.map_or(u64::MAX, |max| max.saturating_sub(self.accepted))
    }

    /// The next delivery. While there is none, what commits have left behind is deleted: with more to do the
    /// next commit does it, at no cost.
    async fn next(&mut self) -> Option<Delivery> {
        let ready = self.held_over.take().or_else(|| self.deliveries.next_ready());
        if ready.is_some() {
            return ready;
        }
        loop {
            if self.tidying.is_none() {
                self.tidying = self.begin_to_tidy();
            }
            let Some(Tidying { left_behind, synced }) = &mut self.tidying else {
                return self.deliveries.next().await;
            };
            tokio::select! {
                biased;
                delivery = self.deliveries.next() => return delivery,
                synced = synced => {
                    let left_behind = *left_behind;
                    self.end_tidying(left_behind, synced);
                }
            }
        }
    }

    fn begin_to_tidy(&self) -> Option<Tidying> {
        let left_behind = self.sink.left_behind().filter(|left| *left > self.tidied)?;
        let server = self.server.clone()?;
        Some(Tidying { left_behind, synced: Box::pin(async move { server.sync().await }) })
    }

    /// Where the server cannot be sure, the next commit does it.
    fn end_tidying(&mut self, left_behind: u64, synced: Result<(), Refusal>) {
        self.tidying = None;
        self.tidied = left_behind;
        if synced.is_ok() {
            self.sink.tidy_up(left_behind);
        }
    }

    /// Deletes what commits have left behind, before the sink is closed.
    async fn tidy_up(&mut self) {
        self.tidying = None;
        if let Some(Tidying { left_behind, synced }) = self.begin_to_tidy() {
            self.end_tidying(left_behind, synced.await);
        }
    }

    /// One round: writes and flushes what is ready, then prepares, commits and aborts. An error is why there
    /// is nothing to go on for.
    async fn round(&mut self, first: Delivery) -> Result<(), Refusal> {
        let (group, questions) = self.take_ready(first).await;
        let (records, gone) = group.settle(self.sink, &mut self.complaints).await;
        self.count(records);
        if let Some(why) = gone {
            return Err(why);
        }
        let Questions { prepare, commit, abort } = questions;
        match self.let_tries_be_framed().await {
            Ok(()) => Questions::prepare(prepare, self.sink, &mut self.complaints).await,
            Err(refusal) => prepare.refuse(&refusal),
        }
        let done = Questions::commit(commit, self.sink, &mut self.complaints).await;
        self.count(done.records);
        self.tried = done.tried.or_else(|| self.tried.take());
        if let Some(why) = done.gone {
            return Err(why);
        }
        Questions::abort(abort, self.sink, &mut self.complaints).await;
        Ok(())
    }

    /// Writes the records that are ready, and collects what is asked about transactions.
    async fn take_ready(&mut self, first: Delivery) -> (Group, Questions) {
        let (mut group, mut questions) = (Group::default(), Questions::default());
        let limits = &self.options.limits;
        let (mut taken, mut next) = (0, Some(first));
        while let Some(Delivery { event, ack }) = next {
            taken += 1;
            self.server.get_or_insert_with(|| ack.reporter());
            match event {
                Event::Records(set) if overtakes(&set, &questions) => {
                    self.held_over = Some(Delivery { event: Event::Records(set), ack });
                    break;
                }
                Event::Records(set) => match self.let_tries_be_framed().await {
                    Ok(()) => group.write(&set, ack, self.sink, &mut self.complaints).await,
                    Err(refusal) => ack.refuse(refusal),
                },
                Event::Prepare(transaction) => questions.prepare.push(transaction, ack),
                Event::Commit(decided) => questions.commit.push(decided, ack),
                Event::Abort(transaction) => questions.abort.push(transaction, ack),
            }
            let has_room = taken < limits.group_deliveries_max
                && group.has_room(limits, self.records_wanted());
            next = if has_room { self.deliveries.next_ready() } else { None };
        }
        (group, questions)
    }

    /// Plain records and commits take turns at an output: nothing is written before the last commits are
    /// framed or were cut back.
    async fn let_tries_be_framed(&mut self) -> Result<(), Refusal> {
        if let Some(reporter) = &self.tried {
            reporter.report(Vec::new()).await?;
            self.tried = None;
        }
        Ok(())
    }

    fn count(&mut self, records: u64) {
        self.accepted += records;
        if records > 0 {
            self.options.progress.add(records);
        }
    }
}

/// Whether records belong to a transaction that began after one of the same id which this round is to end.
fn overtakes(set: &RecordSet, questions: &Questions) -> bool {
    set.transaction.as_ref().is_some_and(|transaction| questions.decides_about(&transaction.id))
}

#[cfg(test)]
mod tests;
