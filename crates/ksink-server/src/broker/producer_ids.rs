//! Producer ids: each is given out once.

use super::outgoing::Outgoing;
use crate::state::{Fact, Needs};

/// How many ids are reserved at once, so that not each of them must be remembered.
const BLOCK: i64 = 1000;

/// Gives out producer ids.
#[derive(Debug)]
pub(super) struct ProducerIds {
    next: i64,
    /// A restart goes on from here,
    reserved_to: i64,
    /// and from here if the machine goes down as well.
    safe_to: i64,
}

impl From<i64> for ProducerIds {
    fn from(first: i64) -> Self {
        Self { next: first, reserved_to: first, safe_to: first }
    }
}

impl ProducerIds {
    /// An id that nobody was given before; `None` once there are no more.
    pub(super) fn next(&mut self, outgoing: &mut Outgoing) -> Option<i64> {
        let id = self.next;
        self.next = id.checked_add(1)?;
        if self.next > self.reserved_to {
            self.reserved_to = self.next.saturating_add(BLOCK - 1);
            outgoing.note(Fact::ProducerIds { reserved_to: self.reserved_to });
        }
        if self.next > self.safe_to {
            // An id that is given out twice makes one producer's records look like copies of another's.
            outgoing.need(Needs::Synced);
            outgoing.then().producer_ids_to = Some(self.reserved_to);
        }
        Some(id)
    }

    /// The reservation of ids below this one is as safe as it must be.
    pub(super) fn framed(&mut self, reserved_to: i64) {
        self.safe_to = self.safe_to.max(reserved_to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_given_twice_not_even_at_the_end() {
        let mut ids = ProducerIds::from(i64::MAX - 1);
        let outgoing = &mut Outgoing::default();
        assert_eq!(ids.next(outgoing), Some(i64::MAX - 1));
        assert_eq!((ids.next(outgoing), ids.next(outgoing)), (None, None));
    }

    #[test]
    fn an_id_is_given_when_its_block_is_safe_and_the_next_ones_need_no_more() {
        let mut ids = ProducerIds::from(7);
        let outgoing = &mut Outgoing::default();
        let mut needs = |ids: &mut ProducerIds| {
            ids.next(outgoing);
            outgoing.seal(Needs::Synced);
            outgoing.poll_frame().map(|frame| frame.needs)
        };
        assert_eq!(needs(&mut ids), Some(Needs::Synced));
        assert_eq!(needs(&mut ids), Some(Needs::Synced), "the block is not safe yet");
        ids.framed(ids.reserved_to);
        assert_eq!(needs(&mut ids), None);
    }
}
