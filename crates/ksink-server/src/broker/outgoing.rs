//! What must be remembered before something else may happen: facts on their way into a frame, and who waits
//! for it.

use std::{
    collections::{HashMap, VecDeque},
    mem,
};

use ksink_event::{DeliveryId, Framed, Position};

use super::{ReplyTo, Settled};
use crate::{
    session::Reply,
    state::{Fact, Frame, FrameId, Needs},
    txn::Mark,
};

/// Frames in the order in which they were decided.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    last_id: u64,
    /// The frame that the call at hand adds to.
    facts: Vec<Fact>,
    needs: Needs,
    then: Then,
    /// Made, and not taken by the keeper yet.
    frames: VecDeque<Frame>,
    /// What follows once a frame is as safe as it must be.
    waiting: HashMap<FrameId, Then>,
}

/// What follows once a frame is as safe as it must be.
#[derive(Debug, Default)]
pub(super) struct Then {
    /// Batches that are kept from then on.
    pub(super) accepted: Vec<DeliveryId>,
    /// Ends of transactions that are carried out from then on.
    pub(super) decided: Vec<Mark>,
    /// Producer ids below this one are safe to give out from then on.
    pub(super) producer_ids_to: Option<i64>,
    /// Answers to requests.
    pub(super) replies: Vec<HeldReply>,
    /// Whoever reported where outputs stand.
    pub(super) reported: Vec<Framed>,
}

/// An answer that waits for a frame.
#[derive(Debug)]
pub(super) struct HeldReply {
    pub(super) to: ReplyTo,
    pub(super) reply: Reply,
    /// What is said instead while nothing can be remembered.
    pub(super) if_failed: Reply,
}

impl Outgoing {
    /// Adds a fact to the frame.
    pub(super) fn note(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// The frame must be at least that safe.
    pub(super) fn need(&mut self, needs: Needs) {
        self.needs = self.needs.max(needs);
    }

    pub(super) fn note_positions(&mut self, positions: Vec<Position>) {
        self.facts.extend(positions.into_iter().map(Fact::from));
    }

    /// What follows the frame.
    pub(super) fn then(&mut self) -> &mut Then {
        &mut self.then
    }

    /// Whether something is not remembered yet that an answer may rest on.
    pub(super) fn is_pending(&self) -> bool {
        !self.facts.is_empty() || !self.waiting.is_empty()
    }

    /// Ends the frame, if anything is in it or waits for it. It need be no safer than `needs_max`.
    pub(super) fn seal(&mut self, needs_max: Needs) {
        if self.facts.is_empty() && self.then.is_empty() {
            return;
        }
        self.last_id += 1;
        let id = FrameId(self.last_id);
        self.waiting.insert(id, mem::take(&mut self.then));
        let (facts, needs) = (mem::take(&mut self.facts), mem::take(&mut self.needs));
        self.frames.push_back(Frame { id, needs: needs.min(needs_max), facts });
    }

    /// Gives up on remembering the call at hand, and tells what follows it all the same; `None` if nothing does.
    pub(super) fn forget(&mut self) -> Option<Then> {
        self.facts.clear();
        self.needs = Needs::default();
        Some(mem::take(&mut self.then)).filter(|then| !then.is_empty())
    }

    /// The next frame for the keeper.
    pub(super) fn poll_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// Whether there is a next frame.
    pub(super) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// What follows a frame that is as safe as it must be.
    pub(super) fn framed(&mut self, frame: FrameId) -> Option<Then> {
        self.waiting.remove(&frame)
    }

    /// All that waits for frames, in no order.
    pub(super) fn waiting_mut(&mut self) -> impl Iterator<Item = &mut Then> {
        self.waiting.values_mut()
    }
}

impl HeldReply {
    /// What is said where it cannot be remembered.
    pub(super) fn failed(self) -> Settled {
        Settled { to: self.to, reply: self.if_failed }
    }
}

impl Then {
    fn is_empty(&self) -> bool {
        let Self { accepted, decided, producer_ids_to, replies, reported } = self;
        producer_ids_to.is_none()
            && accepted.is_empty()
            && decided.is_empty()
            && replies.is_empty()
            && reported.is_empty()
    }
}
