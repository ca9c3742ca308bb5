//! What a request names more than once.

use std::{collections::HashSet, hash::Hash};

/// The items that come more than once.
pub(super) fn repeated<T: Copy + Eq + Hash>(items: impl Iterator<Item = T>) -> HashSet<T> {
    let mut seen = HashSet::new();
    items.filter(|item| !seen.insert(*item)).collect()
}
