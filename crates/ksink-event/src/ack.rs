//! The duty to answer for a delivery, once.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{mpsc, oneshot};

use crate::{Intent, Position, Refusal};

/// Names a delivery between its server and the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// Deliveries that must land in order: the batches of one producer in one partition.
///
/// A refused one makes its successors void at once, also those that the sink has taken already.
#[derive(Debug)]
pub struct Chain {
    /// The first delivery that was refused.
    refused: AtomicU64,
}

impl Default for Chain {
    fn default() -> Self {
        Self { refused: AtomicU64::new(u64::MAX) }
    }
}

impl Chain {
    /// Whether an earlier delivery of the chain was refused.
    pub fn is_void(&self, delivery: DeliveryId) -> bool {
        self.refused.load(Ordering::Acquire) < delivery.0
    }

    /// Whether any delivery of the chain was refused: nothing can be added to it.
    pub fn is_broken(&self) -> bool {
        self.refused.load(Ordering::Acquire) != u64::MAX
    }

    fn refuse(&self, delivery: DeliveryId) {
        self.refused.fetch_min(delivery.0, Ordering::AcqRel);
    }
}

/// What a sink said about deliveries, as the server hears it.
#[derive(Debug)]
pub enum Answer {
    /// All of these are kept, and the outputs stand at these positions.
    Accepted {
        /// In the order in which they were handed out.
        deliveries: Vec<DeliveryId>,
        /// How far each output that the group touched got.
        positions: Vec<Position>,
    },
    /// This transaction's data is safe, and its commit may be decided.
    Prepared {
        /// The delivery of the question.
        delivery: DeliveryId,
        /// What a commit will do.
        intent: Intent,
        /// How far each output of the transaction got.
        positions: Vec<Position>,
    },
    /// Outputs stand at these positions, whatever becomes of deliveries.
    Reported {
        /// Where they stand.
        positions: Vec<Position>,
        /// Whether that must survive the loss of power, too.
        must_be_synced: bool,
        /// Hears when a restart would remember it.
        framed: Framed,
    },
    /// The sink could not be closed in good order: outputs are not as the server remembers them.
    LeftInDisorder,
    /// This one is not kept, or not done yet.
    Refused {
        /// Which one.
        delivery: DeliveryId,
        /// Why.
        refusal: Refusal,
    },
}

/// Somebody waits until a restart would remember what was reported. Dropping it tells them that it would not.
#[derive(Debug)]
pub struct Framed(oneshot::Sender<()>);

impl Framed {
    /// It would.
    pub fn say(self) {
        // Whoever waited may have gone.
        let _ = self.0.send(());
    }
}

/// Where answers go: the server's end, from which each [`Ack`] is made.
///
/// The channel needs no limit of its own: each delivery answers once, and deliveries are limited.
#[derive(Clone, Debug)]
pub struct Answers(mpsc::UnboundedSender<Answer>);

impl Answers {
    /// A place for answers, and the end at which the server reads them.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// The duty to answer for one delivery, which is part of `chain` if its producer numbers its batches.
    pub fn expect(&self, delivery: DeliveryId, chain: Option<Arc<Chain>>) -> Ack {
        Ack { delivery, chain, answers: Some(self.clone()) }
    }

    fn send(&self, answer: Answer) {
        // A server that is gone has nobody left to tell.
        let _ = self.0.send(answer);
    }
}

/// The duty to answer for one delivery: a producer is waiting.
///
/// Answer with [`accept`], [`Ack::accept_prepared`] or [`Ack::refuse`]; an `Ack` that is dropped refuses as
/// [`Refusal::Unavailable`]. What is decided, a commit or an abort, comes again when it is refused.
#[derive(Debug)]
#[must_use = "a producer is waiting for the answer"]
pub struct Ack {
    delivery: DeliveryId,
    chain: Option<Arc<Chain>>,
    answers: Option<Answers>,
}

impl Ack {
    /// Whether the delivery became void: an earlier one of the same producer and partition was refused,
    /// so that this one must not be kept. Ask before writing, and refuse if so.
    pub fn is_void(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.is_void(self.delivery))
    }

    /// Accepts this delivery alone. To accept many after one flush, see [`accept`].
    pub fn accept(self, positions: Vec<Position>) {
        accept(vec![self], positions);
    }

    /// Answers [`Event::Prepare`](crate::Event::Prepare): the transaction's data is safe, and a commit will do
    /// what `intent` says.
    pub fn accept_prepared(mut self, intent: Intent, positions: Vec<Position>) {
        let Some(answers) = self.answers.take() else { return };
        answers.send(Answer::Prepared { delivery: self.delivery, intent, positions });
    }

    /// Says that the delivery is not kept, or not done yet, and why.
    pub fn refuse(mut self, refusal: Refusal) {
        self.answer_refused(refusal);
    }

    /// A way to tell the server where outputs stand, apart from any delivery.
    ///
    /// # Panics
    /// Never: an `Ack` that can still be asked was not answered.
    pub fn reporter(&self) -> Reporter {
        Reporter(
            self.answers.clone().expect("it is taken only by what consumes the acknowledgement"),
        )
    }

    fn answer_refused(&mut self, refusal: Refusal) {
        let Some(answers) = self.answers.take() else { return };
        if let Some(chain) = &self.chain {
            chain.refuse(self.delivery);
        }
        answers.send(Answer::Refused { delivery: self.delivery, refusal });
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.answer_refused(Refusal::local("the sink dropped the delivery without an answer"));
    }
}

/// Tells the server where outputs stand, apart from any delivery. See [`Ack::reporter`].
#[derive(Clone, Debug)]
pub struct Reporter(Answers);

impl Reporter {
    /// Says where outputs stand, and waits until a restart would remember it, and with it every answer that
    /// was given before. An empty list waits for those answers alone.
    ///
    /// # Errors
    /// When that cannot be remembered now; a later report may succeed.
    pub async fn report(&self, positions: Vec<Position>) -> Result<(), Refusal> {
        self.remember(positions, false).await
    }

    /// Waits until every answer that was given before survives the loss of power. A server that never syncs
    /// (`none`), or that remembers nothing, waits for nothing.
    ///
    /// # Errors
    /// When that cannot be had now.
    pub async fn sync(&self) -> Result<(), Refusal> {
        self.remember(Vec::new(), true).await
    }

    async fn remember(
        &self,
        positions: Vec<Position>,
        must_be_synced: bool,
    ) -> Result<(), Refusal> {
        let (framed, heard) = oneshot::channel();
        self.0.send(Answer::Reported { positions, must_be_synced, framed: Framed(framed) });
        heard.await.map_err(|_| Refusal::local("the server cannot remember where outputs stand"))
    }
}

impl Reporter {
    /// Says that the sink could not be closed in good order. A restart has to look for what a crash leaves.
    pub fn left_in_disorder(&self) {
        self.0.send(Answer::LeftInDisorder);
    }
}

/// Accepts a group of deliveries that are all kept, with the positions that cover exactly that group.
///
/// The acknowledgements must come from one server.
pub fn accept(group: Vec<Ack>, positions: Vec<Position>) {
    let Some(answers) = group.first().and_then(|ack| ack.answers.clone()) else { return };
    let deliveries = group
        .into_iter()
        .map(|mut ack| {
            let own = mem::take(&mut ack.answers);
            debug_assert!(own.is_some_and(|own| own.0.same_channel(&answers.0)));
            ack.delivery
        })
        .collect();
    answers.send(Answer::Accepted { deliveries, positions });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_accepted_with_one_answer() {
        let (answers, mut heard) = Answers::new();
        let acks = (1..=3).map(|id| answers.expect(DeliveryId(id), None)).collect();
        accept(acks, Vec::new());
        match heard.try_recv() {
            Ok(Answer::Accepted { deliveries, .. }) => {
                assert_eq!(deliveries, [1, 2, 3].map(DeliveryId));
            }
            other => panic!("expected one acceptance, got {other:?}"),
        }
        assert!(heard.try_recv().is_err(), "an accepted delivery answers once");
    }

    #[test]
    fn a_dropped_acknowledgement_refuses() {
        let (answers, mut heard) = Answers::new();
        drop(answers.expect(DeliveryId(7), None));
        match heard.try_recv() {
            Ok(Answer::Refused { delivery, refusal: Refusal::Unavailable { .. } }) => {
                assert_eq!(delivery, DeliveryId(7));
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn a_refusal_makes_the_later_deliveries_of_its_chain_void_at_once() {
        let (answers, _heard) = Answers::new();
        let chain = Arc::new(Chain::default());
        let expect = |id| answers.expect(DeliveryId(id), Some(chain.clone()));
        let [first, second, third] = [1, 2, 3].map(expect);
        let of_another_chain = answers.expect(DeliveryId(4), Some(Arc::default()));
        second.refuse(Refusal::local("disk full"));
        assert!(!first.is_void() && third.is_void() && !of_another_chain.is_void());
    }
}
