//! The memory that frames of all connections share.

use std::{mem, sync::Arc};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::buffers::Buffers;

/// Bytes that may be held at once. While they are used up, no socket is read.
///
/// Half-read frames could use it up and then all wait for each other. So one connection at a time may
/// finish its frame beyond the limit: the overdraft is one frame at most.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    bytes: Arc<Semaphore>,
    overdraft: Arc<Semaphore>,
}

/// What is charged for something held in memory; given back on drop.
#[derive(Debug, Default)]
pub(super) struct Charge {
    bytes: Option<OwnedSemaphorePermit>,
    overdraft: Option<Arc<OwnedSemaphorePermit>>,
}

impl Budget {
    pub(super) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        Self { bytes: Arc::new(Semaphore::new(bytes_max)), overdraft: Arc::new(Semaphore::new(1)) }
    }

    /// Adds `bytes` to a charge, and waits until there is room for them.
    pub(super) async fn add(&self, charge: &mut Charge, bytes: usize) {
        if charge.overdraft.is_some() {
            return;
        }
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX);
        let now = self.bytes.clone().try_acquire_many_owned(wanted);
        let granted = match now {
            Ok(permit) => Ok(permit),
            Err(_) => tokio::select! {
                permit = self.bytes.clone().acquire_many_owned(wanted) => permit,
                overdraft = self.overdraft.clone().acquire_owned() => {
                    charge.overdraft = overdraft.ok().map(Arc::new);
                    return;
                }
            },
        };
        let granted = granted.expect("the budget is never closed");
        match &mut charge.bytes {
            Some(held) => held.merge(granted),
            None => charge.bytes = Some(granted),
        }
    }
}

impl Charge {
    /// A charge of nothing for what comes of this one: it may go beyond the limit where this one may.
    pub(super) fn sibling(&self) -> Self {
        Self { bytes: None, overdraft: self.overdraft.clone() }
    }

    /// Lets bytes carry their charge: both end with the last slice of them. A buffer is given back then.
    pub(super) fn carried_by(self, bytes: Bytes, buffers: Option<Arc<Buffers>>) -> Bytes {
        Bytes::from_owner(Charged { bytes, buffers, _charge: self })
    }

    /// Splits the charge for `bytes` off, to travel with what was cut off.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let split = self.bytes.as_mut().and_then(|held| {
            let bytes = bytes.min(held.num_permits());
            held.split(bytes)
        });
        Self { bytes: split, overdraft: self.overdraft.clone() }
    }

    /// Gives back all but `bytes`; with none left the overdraft ends too.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        if bytes == 0 {
            *self = Self::default();
        } else if let Some(held) = &mut self.bytes {
            let surplus = held.num_permits().saturating_sub(bytes);
            drop(held.split(surplus));
        }
    }
}

/// Bytes and what they are charged.
struct Charged {
    bytes: Bytes,
    buffers: Option<Arc<Buffers>>,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        if let Some(buffers) = self.buffers.take() {
            buffers.give_back(mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::*;

    #[tokio::test]
    async fn bytes_come_back_when_what_was_charged_is_gone() {
        let budget = Budget::new(100);
        let mut charge = Charge::default();
        budget.add(&mut charge, 60).await;
        budget.add(&mut charge, 40).await;
        let frame = charge.split(70);
        charge.shrink_to(10);
        assert_eq!(budget.bytes.available_permits(), 20);
        drop((frame, charge));
        assert_eq!(budget.bytes.available_permits(), 100);
    }

    #[tokio::test]
    async fn one_frame_at_a_time_may_be_finished_beyond_the_limit() {
        let budget = Budget::new(100);
        let (mut first, mut second, mut third) = Default::default();
        budget.add(&mut first, 100).await;
        budget.add(&mut second, 100).await;
        budget.add(&mut second, 1_000_000).await;
        assert!(second.overdraft.is_some());
        {
            let mut waits = pin!(budget.add(&mut third, 1));
            std::future::poll_fn(|cx| {
                assert!(waits.as_mut().poll(cx).is_pending(), "the overdraft is taken");
                Poll::Ready(())
            })
            .await;
            second.shrink_to(0);
            waits.await;
        }
        assert!(third.overdraft.is_some(), "the next one may go beyond the limit now");
    }
}
