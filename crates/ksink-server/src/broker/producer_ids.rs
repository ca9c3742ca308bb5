//! Producer ids: each is given out once.

/// Gives out producer ids.
#[derive(Debug)]
pub(super) struct ProducerIds {
    next: i64,
}

impl From<i64> for ProducerIds {
    fn from(first: i64) -> Self {
        Self { next: first }
    }
}

impl ProducerIds {
    /// An id that nobody was given before; `None` once there are no more.
    pub(super) fn next(&mut self) -> Option<i64> {
        let id = self.next;
        self.next = id.checked_add(1)?;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_given_twice_not_even_at_the_end() {
        let mut ids = ProducerIds::from(i64::MAX - 1);
        assert_eq!(ids.next(), Some(i64::MAX - 1));
        assert_eq!((ids.next(), ids.next()), (None, None));
    }
}
