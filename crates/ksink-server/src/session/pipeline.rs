//! Requests in line: answers leave in the order in which their requests came.

use std::{collections::VecDeque, time::Instant};

/// The place of a request in its connection's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

/// The line of one connection.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    /// The ticket of the place at the front.
    first: u64,
    places: VecDeque<Place>,
    bytes: usize,
}

#[derive(Debug)]
struct Place {
    /// The size of the request, which is held while it waits.
    bytes: usize,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Awaited,
    Due(Instant, Vec<u8>),
    Ready(Vec<u8>),
}

impl Pipeline {
    /// A place at the end of the line for a request of `bytes` bytes.
    pub(super) fn enter(&mut self, bytes: usize) -> Ticket {
        let ticket = Ticket(self.first + self.places.len() as u64);
        self.places.push_back(Place { bytes, answer: Answer::Awaited });
        self.bytes += bytes;
        ticket
    }

    /// Answers a place; an empty answer sends nothing.
    pub(super) fn fill(&mut self, ticket: Ticket, bytes: Vec<u8>) {
        self.answer(ticket, Answer::Ready(bytes));
    }

    /// Answers a place once `when` has come.
    pub(super) fn fill_at(&mut self, ticket: Ticket, when: Instant, bytes: Vec<u8>) {
        self.answer(ticket, Answer::Due(when, bytes));
    }

    /// Makes ready what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for place in &mut self.places {
            match &mut place.answer {
                Answer::Due(when, bytes) if *when <= now => {
                    place.answer = Answer::Ready(std::mem::take(bytes));
                }
                Answer::Due(..) | Answer::Awaited | Answer::Ready(_) => {}
            }
        }
    }

    /// Makes ready what is delayed, whenever it is due.
    pub(super) fn hurry(&mut self) {
        for place in &mut self.places {
            if let Answer::Due(_, bytes) = &mut place.answer {
                place.answer = Answer::Ready(std::mem::take(bytes));
            }
        }
    }

    /// Appends the answers at the front that are ready.
    pub(super) fn drain_ready(&mut self, out: &mut Vec<u8>) {
        while let Some(Place { answer: Answer::Ready(bytes), .. }) = self.places.front() {
            out.extend_from_slice(bytes);
            self.leave();
        }
    }

    /// Forgets everybody in line.
    pub(super) fn clear(&mut self) {
        while !self.places.is_empty() {
            self.leave();
        }
    }

    /// When the first delayed answer is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.places
            .iter()
            .filter_map(|place| match place.answer {
                Answer::Due(when, _) => Some(when),
                Answer::Awaited | Answer::Ready(_) => None,
            })
            .min()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The size of all requests in line.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        // A ticket from before `clear` finds nobody.
        let place = ticket.0.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(place) = place.and_then(|at| self.places.get_mut(at)) {
            place.answer = answer;
        }
    }

    fn leave(&mut self) {
        if let Some(place) = self.places.pop_front() {
            self.first += 1;
            self.bytes -= place.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn answers_leave_in_the_order_of_their_requests() {
        let mut line = Pipeline::default();
        let tickets = [line.enter(10), line.enter(20), line.enter(30)];
        line.fill(tickets[2], b"c".to_vec());
        line.fill(tickets[1], Vec::new());
        assert_eq!(ready(&mut line), b"");
        line.fill(tickets[0], b"a".to_vec());
        assert_eq!(ready(&mut line), b"ac", "an acks=0 request leaves without a word");
        assert!(line.is_empty());
        assert_eq!(line.bytes(), 0);
    }

    #[test]
    fn a_delayed_answer_waits_for_its_time_and_holds_up_the_line() {
        let start = Instant::now();
        let when = start + Duration::from_millis(500);
        let mut line = Pipeline::default();
        let tickets = [line.enter(1), line.enter(1)];
        line.fill_at(tickets[0], when, b"fetched".to_vec());
        line.fill(tickets[1], b"!".to_vec());
        line.handle_timeout(start);
        assert_eq!((ready(&mut line).len(), line.next_due()), (0, Some(when)));
        line.handle_timeout(when);
        assert_eq!(ready(&mut line), b"fetched!");
    }

    #[test]
    fn an_answer_to_a_place_that_is_gone_is_dropped() {
        let mut line = Pipeline::default();
        let ticket = line.enter(1);
        line.clear();
        line.fill(ticket, b"late".to_vec());
        let next = line.enter(1);
        line.fill(next, b"next".to_vec());
        assert_eq!(ready(&mut line), b"next");
    }

    fn ready(line: &mut Pipeline) -> Vec<u8> {
        let mut out = Vec::new();
        line.drain_ready(&mut out);
        out
    }
}
