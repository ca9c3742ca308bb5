//! What the coordinator hears from the sink, from whoever remembers, and from the clock.

use std::{sync::Arc, time::Duration};

use ksink_event::{DeliveryId, Durability, Intent, Refusal};

use super::{
    Coordinator, EndId, Mark, Output, Producer, TxnError,
    account::{Account, Open, State},
    ending::{Ending, Outcome, Step, Waiter},
    entry::TransactionFact,
};
use crate::{state::Needs, time::Now};

/// How long an EndTxn waits for the first try to apply what is decided.
const FIRST_TRY_MAX: Duration = Duration::from_secs(1);

/// How long the sink rests after it has refused to apply a decision; the double after each further refusal.
const REST_MIN: Duration = Duration::from_millis(100);

/// The longest of those rests.
const REST_MAX: Duration = Duration::from_secs(5);

/// After the first one, each so many refusals make a line in the log: one a minute at the longest rest.
const REFUSALS_PER_LINE: u32 = 12;

impl Coordinator {
    /// The sink can commit a transaction, and says how.
    pub(crate) fn prepared(&mut self, now: Now, delivery: DeliveryId, intent: Intent) {
        let Some(id) = self.deliveries.remove(&delivery) else { return };
        match &self.account(&id).state {
            State::Preparing(preparing) => {
                let (next, protocol, end) = (preparing.next, preparing.protocol, preparing.end);
                let Some(open) = self.account(&id).take_open() else { return };
                self.succeed(&id, next, protocol);
                let needs = match self.rules.durability {
                    Durability::Process | Durability::Power => Needs::Synced,
                    Durability::None => Needs::Written,
                };
                self.decide(now, &id, open, Outcome::Commit(intent), Some(end), needs);
            }
            // It says so of what was decided: it is done.
            State::Ending(_) => self.applied(now, &id),
            // Deliveries are made in the other states alone, and their answers awaited there.
            State::Empty | State::Ongoing(_) | State::Ended(_) => {}
        }
    }

    /// The sink has done what was decided. Said of a question whether it could commit, it could, and needs no
    /// intent.
    pub(crate) fn accepted(&mut self, now: Now, delivery: DeliveryId) {
        self.prepared(now, delivery, Intent::default());
    }

    /// The sink cannot commit, or has not done what was decided.
    pub(crate) fn refused(&mut self, now: Now, delivery: DeliveryId, refusal: &Refusal) {
        let Some(id) = self.deliveries.remove(&delivery) else { return };
        match &self.account(&id).state {
            State::Preparing(_) => self.not_prepared(now, &id, refusal),
            State::Ending(_) => self.not_applied(now, &id, refusal),
            State::Empty | State::Ongoing(_) | State::Ended(_) => {}
        }
    }

    /// What had this mark is as safe as it must be.
    pub(crate) fn framed(&mut self, now: Now, mark: Mark) {
        let Some(id) = self.framing.remove(&mark) else { return };
        if let State::Ending(ending) = &mut self.account(&id).state {
            if let Some(waiter) = &mut ending.waiter {
                waiter.until = Some(now.instant + FIRST_TRY_MAX);
            }
            self.apply(&id);
        }
    }

    /// Nothing can be remembered at the moment. Who waits for that hears so; what is decided stays decided.
    pub(crate) fn journal_failed(&mut self) {
        let waiting: Vec<_> = self.framing.values().cloned().collect();
        for id in waiting {
            self.answer(&id, Err(TxnError::Busy));
        }
    }

    /// Does what its time has come for.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        while let Some(id) = self.agenda.due(now.instant) {
            match &self.account(&id).state {
                State::Empty | State::Ended(_) => self.forget(&id),
                State::Ongoing(_) => {
                    tracing::info!(transactional_id = %id, "the transaction took too long and is aborted");
                    self.fence(now, &id);
                }
                // It has no alarm.
                State::Preparing(_) => self.schedule(&id),
                State::Ending(ending) => {
                    let is_rested =
                        matches!(ending.step, Step::Resting(until) if until <= now.instant);
                    self.stop_waiting(now, &id);
                    if is_rested {
                        self.apply(&id);
                    }
                }
            }
        }
    }

    /// Aborts every open transaction as a timeout would: nobody will remember them.
    pub(crate) fn abort_open(&mut self, now: Now) {
        for id in self.ids() {
            match self.account(&id).state {
                State::Ongoing(_) => self.fence(now, &id),
                State::Empty | State::Preparing(_) | State::Ending(_) | State::Ended(_) => {}
            }
        }
    }

    /// Raises the epoch of an open transaction and aborts it.
    pub(super) fn fence(&mut self, now: Now, id: &Arc<str>) {
        let account = self.account(id);
        let fenced = account.producer;
        let Some(open) = account.take_open() else { return };
        // What is given out stays below the highest epoch, so that there is always one for this.
        let epoch = fenced.epoch.saturating_add(1);
        self.set_producer(id, Producer { epoch, ..fenced }, Some(fenced));
        self.abort(now, id, open, None);
    }

    pub(super) fn abort(&mut self, now: Now, id: &Arc<str>, open: Open, end: Option<EndId>) {
        self.decide(now, id, open, Outcome::Abort, end, Needs::Written);
    }

    /// From here on the transaction can only end this way.
    fn decide(
        &mut self,
        now: Now,
        id: &Arc<str>,
        open: Open,
        outcome: Outcome,
        end: Option<EndId>,
        needs: Needs,
    ) {
        self.partitions -= open.partitions.len();
        self.last_mark += 1;
        let mark = Mark(self.last_mark);
        self.framing.insert(mark, id.clone());
        self.account(id).state = State::Ending(Ending {
            transaction: open.transaction,
            outcome,
            step: Step::Framing(mark),
            waiter: end.map(|end| Waiter { end, until: None }),
            refusals: 0,
            is_promised: false,
        });
        self.note(now, id, needs, Some(mark));
    }

    /// Tells the sink what is decided.
    pub(super) fn apply(&mut self, id: &Arc<str>) {
        if let State::Ending(ending) = &self.account(id).state {
            let event = ending.event();
            let delivery = self.deliver(id, event);
            self.change_ending(id, |ending| ending.step = Step::Applying(delivery));
        }
    }

    pub(super) fn applied(&mut self, now: Now, id: &Arc<str>) {
        let account = self.account(id);
        let producer = account.producer;
        if let State::Ending(ending) = &account.state {
            let decision = ending.decision();
            self.answer(id, Ok(producer));
            self.account(id).state = State::Ended(decision);
            self.note(now, id, Needs::Written, None);
        }
    }

    fn not_prepared(&mut self, now: Now, id: &Arc<str>, refusal: &Refusal) {
        let State::Preparing(preparing) = &self.account(id).state else { return };
        let (next, protocol, end) = (preparing.next, preparing.protocol, preparing.end);
        let Some(mut open) = self.account(id).take_open() else { return };
        let said = match refusal {
            Refusal::Unavailable { .. } | Refusal::Unknown { .. } => {
                // The producer is alive and about to ask again.
                open.deadline = self.account(id).deadline(now);
                self.account(id).state = State::Ongoing(open);
                self.schedule(id);
                TxnError::Busy
            }
            Refusal::Rejected { .. } | Refusal::TooLarge { .. } => {
                tracing::warn!(transactional_id = %id, %refusal, "the transaction cannot be committed and is aborted");
                self.succeed(id, next, protocol);
                self.abort(now, id, open, None);
                TxnError::Aborted
            }
        };
        self.outputs.push_back(Output::Answer { end, said: Err(said) });
    }

    fn not_applied(&mut self, now: Now, id: &Arc<str>, refusal: &Refusal) {
        let mut refusals = 0;
        self.change_ending(id, |ending| {
            let rest = REST_MIN.saturating_mul(1 << ending.refusals.min(16)).min(REST_MAX);
            ending.step = Step::Resting(now.instant + rest);
            ending.refusals = ending.refusals.saturating_add(1);
            refusals = ending.refusals;
        });
        if refusals == 1 || refusals.is_multiple_of(REFUSALS_PER_LINE) {
            tracing::warn!(transactional_id = %id, %refusal, refusals, "what is decided cannot be applied yet");
        }
        self.promise(id);
    }

    /// Answers whoever has waited long enough for the first try.
    fn stop_waiting(&mut self, now: Now, id: &Arc<str>) {
        if let State::Ending(Ending { waiter: Some(Waiter { until: Some(until), .. }), .. }) =
            self.account(id).state
            && until <= now.instant
        {
            self.promise(id);
        }
    }

    /// The first try is over, or took too long: where a restart remembers the decision, that is as good as done.
    fn promise(&mut self, id: &Arc<str>) {
        self.change_ending(id, |ending| ending.is_promised = true);
        let said = match self.rules.is_remembered {
            true => Ok(self.account(id).producer),
            false => Err(TxnError::Busy),
        };
        self.answer(id, said);
        self.schedule(id);
    }

    fn answer(&mut self, id: &Arc<str>, said: Result<Producer, TxnError>) {
        let mut waiter = None;
        self.change_ending(id, |ending| waiter = ending.waiter.take());
        let answer = waiter.map(|Waiter { end, .. }| Output::Answer { end, said });
        self.outputs.extend(answer);
    }

    fn change_ending(&mut self, id: &Arc<str>, change: impl FnOnce(&mut Ending)) {
        if let State::Ending(ending) = &mut self.account(id).state {
            change(ending);
        }
        self.schedule(id);
    }

    pub(super) fn remember(&mut self, fact: TransactionFact) {
        self.outputs.push_back(Output::Fact { fact, needs: Needs::Written, mark: None });
    }

    pub(super) fn ids(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.accounts.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn account(&mut self, id: &Arc<str>) -> &mut Account {
        self.accounts.get_mut(id).expect("ids come from accounts, and only idle ones are forgotten")
    }
}
