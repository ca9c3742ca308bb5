//! A transaction that is decided, on its way to be applied.

use std::{sync::Arc, time::Instant};

use ksink_event::{Decided, DeliveryId, Event, Intent, Transaction};

use super::{Decision, EndId, Mark, entry::Stage};

/// A transaction that is decided and not applied.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) transaction: Arc<Transaction>,
    pub(super) outcome: Outcome,
    pub(super) step: Step,
    /// Who waits for it.
    pub(super) waiter: Option<Waiter>,
    /// How often the sink has refused to apply it.
    pub(super) refusals: u32,
    /// Whether whoever asks again need not wait: the first try is over, or took too long.
    pub(super) is_promised: bool,
}

/// What was decided.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Commit(Intent),
    Abort,
}

/// What the end of a transaction waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// That a restart would remember the decision.
    Framing(Mark),
    /// That the sink says it is done.
    Applying(DeliveryId),
    /// The time to try again.
    Resting(Instant),
    /// That the sink is there: the decision is from before a restart.
    Resuming,
}

/// Whoever waits for the end of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub(super) end: EndId,
    /// When it hears something in any case.
    pub(super) until: Option<Instant>,
}

impl Ending {
    pub(super) fn resuming(transaction: Arc<Transaction>, outcome: Outcome) -> Self {
        let step = Step::Resuming;
        Self { transaction, outcome, step, waiter: None, refusals: 0, is_promised: false }
    }

    pub(super) fn decision(&self) -> Decision {
        match self.outcome {
            Outcome::Commit(_) => Decision::Commit,
            Outcome::Abort => Decision::Abort,
        }
    }

    /// What the sink is to do.
    pub(super) fn event(&self) -> Event {
        let transaction = self.transaction.clone();
        match &self.outcome {
            Outcome::Commit(intent) => {
                Event::Commit(Decided { transaction, intent: intent.clone() })
            }
            Outcome::Abort => Event::Abort(transaction),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        let serial = self.transaction.serial;
        match &self.outcome {
            Outcome::Commit(intent) => Stage::Committing { serial, intent: intent.0.clone() },
            Outcome::Abort => Stage::Aborting { serial },
        }
    }

    /// When it must be looked at again.
    pub(super) fn alarm(&self) -> Option<Instant> {
        let answer = self.waiter.and_then(|waiter| waiter.until);
        let again = match self.step {
            Step::Resting(until) => Some(until),
            Step::Framing(_) | Step::Applying(_) | Step::Resuming => None,
        };
        answer.into_iter().chain(again).min()
    }
}
