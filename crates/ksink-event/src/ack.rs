//! The duty to answer for a delivery, once.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::mpsc;

use crate::{Position, Refusal};

/// Names a delivery between its server and the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

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
    /// This one is not kept.
    Refused {
        /// Which one.
        delivery: DeliveryId,
        /// Why.
        refusal: Refusal,
    },
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

    /// The duty to answer for one delivery. `void` is only ever raised: by the server, and by a refusal
    /// itself. Deliveries of one producer and partition share it, so that what follows a refused one is
    /// void before anybody can ask; a delivery that others do not depend on has one of its own.
    pub fn expect(&self, delivery: DeliveryId, void: Arc<AtomicBool>) -> Ack {
        Ack { delivery, void, answers: Some(self.clone()) }
    }

    fn send(&self, answer: Answer) {
        // A server that is gone has nobody left to tell.
        let _ = self.0.send(answer);
    }
}

/// The duty to answer for one delivery: a producer is waiting.
///
/// Answer with [`accept`] or [`Ack::refuse`]; an `Ack` that is dropped refuses as
/// [`Refusal::Unavailable`].
#[derive(Debug)]
#[must_use = "a producer is waiting for the answer"]
pub struct Ack {
    delivery: DeliveryId,
    void: Arc<AtomicBool>,
    answers: Option<Answers>,
}

impl Ack {
    /// Whether the delivery became void: an earlier one of the same producer and partition was refused,
    /// so that this one must not be kept. Ask before writing, and refuse if so.
    pub fn is_void(&self) -> bool {
        self.void.load(Ordering::Acquire)
    }

    /// Accepts this delivery alone. To accept many after one flush, see [`accept`].
    pub fn accept(self, positions: Vec<Position>) {
        accept(vec![self], positions);
    }

    /// Says that the delivery is not kept, and why.
    pub fn refuse(mut self, refusal: Refusal) {
        self.answer_refused(refusal);
    }

    fn answer_refused(&mut self, refusal: Refusal) {
        if let Some(answers) = self.answers.take() {
            // Here and not where the answer is heard: whoever asks about the next one may be faster.
            self.void.store(true, Ordering::Release);
            answers.send(Answer::Refused { delivery: self.delivery, refusal });
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if self.answers.is_some() {
            self.answer_refused(Refusal::local("the sink dropped the delivery without an answer"));
        }
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
        let acks = (1..=3).map(|id| answers.expect(DeliveryId(id), Arc::default())).collect();
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
        drop(answers.expect(DeliveryId(7), Arc::default()));
        match heard.try_recv() {
            Ok(Answer::Refused { delivery, refusal: Refusal::Unavailable { .. } }) => {
                assert_eq!(delivery, DeliveryId(7));
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn what_follows_a_refused_delivery_is_void_at_once() {
        let (answers, _heard) = Answers::new();
        let void = Arc::new(AtomicBool::new(false));
        let [first, second] = [1, 2].map(|id| answers.expect(DeliveryId(id), void.clone()));
        let other = answers.expect(DeliveryId(3), Arc::default());
        first.refuse(Refusal::local("disk full"));
        assert!(second.is_void());
        assert!(!other.is_void());
    }

    #[test]
    fn a_delivery_becomes_void_when_the_server_says_so() {
        let (answers, _heard) = Answers::new();
        let void = Arc::new(AtomicBool::new(false));
        let ack = answers.expect(DeliveryId(1), void.clone());
        assert!(!ack.is_void());
        void.store(true, Ordering::Release);
        assert!(ack.is_void());
        ack.refuse(Refusal::local("void"));
    }
}
