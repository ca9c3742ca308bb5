//! Replies that wait for their connection to fetch them.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::session::{Reply, Ticket};

/// Replies of one connection, in the order in which they became ready.
///
/// There are never more than the connection has requests in line, so it needs no limit of its own; and it
/// takes no memory while there are none.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    replies: Mutex<Vec<(Ticket, Reply)>>,
    posted: Notify,
}

impl Outbox {
    /// Puts a reply in.
    pub(super) fn post(&self, ticket: Ticket, reply: Reply) {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).push((ticket, reply));
        self.posted.notify_one();
    }

    /// Waits until there are replies, and takes them out. Loses nothing when it is not polled to its end.
    pub(super) async fn fetch(&self) -> Vec<(Ticket, Reply)> {
        loop {
            let replies =
                mem::take(&mut *self.replies.lock().unwrap_or_else(PoisonError::into_inner));
            if !replies.is_empty() {
                return replies;
            }
            self.posted.notified().await;
        }
    }
}
