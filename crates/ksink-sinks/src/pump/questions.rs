//! What the server asks about transactions, put to the sink for many at once.

use std::{sync::Arc, time::Instant};

use ksink_disk::fail_point;
use ksink_event::{Ack, Decided, Refusal, Reporter, Transaction};

use crate::{
    Committed, Prepared, TransactionalSink, Undone,
    complaints::{Complaints, shortened},
};

/// What one round was asked about transactions.
#[derive(Default)]
pub(super) struct Questions {
    pub(super) prepare: Asked<Arc<Transaction>>,
    pub(super) commit: Asked<Decided>,
    pub(super) abort: Asked<Arc<Transaction>>,
}

/// Questions of one kind, and the duties to answer them.
pub(super) struct Asked<Q> {
    questions: Vec<Q>,
    acks: Vec<Ack>,
}

impl<Q> Default for Asked<Q> {
    fn default() -> Self {
        Self { questions: Vec::new(), acks: Vec::new() }
    }
}

impl<Q> Asked<Q> {
    pub(super) fn push(&mut self, question: Q, ack: Ack) {
        self.questions.push(question);
        self.acks.push(ack);
    }

    pub(super) fn refuse(self, refusal: &Refusal) {
        self.acks.into_iter().for_each(|ack| ack.refuse(refusal.clone()));
    }

    fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }
}

/// What came of the commits of a round.
#[derive(Default)]
pub(super) struct CommitsDone {
    /// How many records became visible.
    pub(super) records: u64,
    /// By which it can be awaited that the try is framed, if there was one.
    pub(super) tried: Option<Reporter>,
    /// Why there is nothing to go on for.
    pub(super) gone: Option<Refusal>,
}

impl CommitsDone {
    fn answer(
        &mut self,
        ack: Ack,
        answer: Result<Committed, Undone>,
        decided: &Decided,
        complaints: &mut Complaints,
    ) {
        match answer {
            Ok(Committed { positions, records }) => {
                self.records += records;
                ack.accept(positions);
            }
            Err(Undone { refusal, gone }) => {
                complain(complaints, &decided.transaction, &refusal, "commit waits");
                if gone {
                    self.gone.get_or_insert_with(|| refusal.clone());
                }
                ack.refuse(refusal);
            }
        }
    }
}

impl Questions {
    /// Whether an earlier question decided about a transaction of this id: what follows of it must not
    /// overtake that.
    pub(super) fn decides_about(&self, id: &str) -> bool {
        let mut aborts = self.abort.questions.iter();
        self.commit.questions.iter().any(|decided| &*decided.transaction.id == id)
            || aborts.any(|transaction| &*transaction.id == id)
    }

    pub(super) async fn prepare(
        asked: Asked<Arc<Transaction>>,
        sink: &mut impl TransactionalSink,
        complaints: &mut Complaints,
    ) {
        if asked.is_empty() {
            return;
        }
        let answers = sink.prepare(&asked.questions).await;
        debug_assert_eq!(answers.len(), asked.acks.len());
        for (ack, (answer, transaction)) in
            asked.acks.into_iter().zip(answers.into_iter().zip(&asked.questions))
        {
            match answer {
                Ok(Prepared { intent, positions }) => ack.accept_prepared(intent, positions),
                Err(refusal) => {
                    complain(complaints, transaction, &refusal, "not ready to commit");
                    ack.refuse(refusal);
                }
            }
        }
        fail_point("sink-prepare-accepted");
    }

    /// Commits, once every plain write before is framed or refused.
    pub(super) async fn commit(
        asked: Asked<Decided>,
        sink: &mut impl TransactionalSink,
        complaints: &mut Complaints,
    ) -> CommitsDone {
        let mut done = CommitsDone::default();
        let Some(first) = asked.acks.first() else { return done };
        let reporter = first.reporter();
        if let Err(refusal) = reporter.report(Vec::new()).await {
            asked.refuse(&refusal);
            return done;
        }
        let Asked { questions, mut acks } = asked;
        for decided in questions.chunks(sink.commits_at_once().max(1)) {
            let acks: Vec<Ack> = acks.drain(..decided.len()).collect();
            let answers = sink.commit(decided, &acks[0]).await;
            debug_assert_eq!(answers.len(), acks.len());
            for (ack, (answer, decided)) in acks.into_iter().zip(answers.into_iter().zip(decided)) {
                done.answer(ack, answer, decided, complaints);
            }
        }
        fail_point("sink-commit-accepted");
        done.tried = Some(reporter);
        done
    }

    pub(super) async fn abort(
        asked: Asked<Arc<Transaction>>,
        sink: &mut impl TransactionalSink,
        complaints: &mut Complaints,
    ) {
        if asked.is_empty() {
            return;
        }
        let answers = sink.abort(&asked.questions).await;
        debug_assert_eq!(answers.len(), asked.acks.len());
        for (ack, (answer, transaction)) in
            asked.acks.into_iter().zip(answers.into_iter().zip(&asked.questions))
        {
            match answer {
                Ok(positions) => ack.accept(positions),
                Err(refusal) => {
                    complain(complaints, transaction, &refusal, "abort waits");
                    ack.refuse(refusal);
                }
            }
        }
    }
}

/// Says what could not be done; it will be tried again.
fn complain(
    complaints: &mut Complaints,
    transaction: &Transaction,
    refusal: &Refusal,
    what: &'static str,
) {
    if let Some(unsaid) = complaints.next(Instant::now()) {
        let id = shortened(&transaction.id);
        tracing::warn!(transactional_id = ?id, %refusal, unsaid, "{what}");
    }
}
