//! Which requests wait for which replies.

use std::collections::VecDeque;

use crate::{
    fault::Fault,
    frame::{Frame, Head, Produce},
};

/// The requests of a connection that the server has not answered, in their order.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    waiting: VecDeque<Asked>,
}

/// A request that waits for its reply.
#[derive(Debug)]
pub(crate) struct Asked {
    pub correlation_id: i32,
    pub produce: Option<Produce>,
    pub fault: Fault,
    /// What has to come a second time, until it is on its way.
    copy: Option<Frame>,
}

impl Conversation {
    /// Notes a request that is about to be passed on. One that nobody answers is not noted.
    pub(crate) fn ask(&mut self, frame: &Frame, head: Head, fault: Fault) {
        let Head { correlation_id, produce } = head;
        if produce.is_some_and(|produce| !produce.is_answered) {
            return;
        }
        let copy = (fault == Fault::Duplicate).then(|| frame.clone());
        self.waiting.push_back(Asked { correlation_id, produce, fault, copy });
    }

    /// The request that the next reply belongs to.
    pub(crate) fn answer(&mut self) -> Option<Asked> {
        self.waiting.pop_front()
    }

    /// How many Produce requests wait for their replies.
    pub(crate) fn waiting_to_produce(&self) -> u64 {
        self.waiting.iter().filter(|asked| asked.produce.is_some()).count() as u64
    }

    /// The duplicate whose turn it is: everything asked before it is answered. It is given once, with the
    /// version of the request.
    pub(crate) fn due_duplicate(&mut self) -> Option<(Frame, i16)> {
        let next = self.waiting.front_mut()?;
        Some((next.copy.take()?, next.produce?.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(conversation: &mut Conversation, id: i32, is_answered: bool, fault: Fault) {
        let produce = Produce { version: 12, is_answered, records: 1 };
        let head = Head { correlation_id: id, produce: Some(produce) };
        conversation.ask(&Frame(vec![id as u8]), head, fault);
    }

    #[test]
    fn replies_belong_to_requests_in_their_order() {
        let mut conversation = Conversation::default();
        ask(&mut conversation, 1, true, Fault::None);
        ask(&mut conversation, 2, false, Fault::None);
        ask(&mut conversation, 3, true, Fault::BlackHole);
        let answered: Vec<_> = std::iter::from_fn(|| conversation.answer()).collect();
        let answered: Vec<_> =
            answered.iter().map(|asked| (asked.correlation_id, asked.fault)).collect();
        assert_eq!(answered, [(1, Fault::None), (3, Fault::BlackHole)]);
    }

    #[test]
    fn a_duplicate_is_due_once_and_not_before_its_predecessors_are_answered() {
        let mut conversation = Conversation::default();
        ask(&mut conversation, 1, true, Fault::None);
        ask(&mut conversation, 2, true, Fault::Duplicate);
        assert!(conversation.due_duplicate().is_none());
        conversation.answer();
        let (frame, version) = conversation.due_duplicate().unwrap();
        assert_eq!((frame.0, version), (vec![2], 12));
        assert!(conversation.due_duplicate().is_none());
    }
}
