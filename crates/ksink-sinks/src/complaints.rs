//! A bound on how much the log says about refusals.

use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);
const PER_WINDOW_MAX: u32 = 10;
const TEXT_BYTES_LOGGED: usize = 128;

/// Lets through so many complaints in a second. Producers try again, and must not fill the log by it.
#[derive(Debug)]
pub(crate) struct Complaints {
    window_start: Instant,
    said: u32,
    unsaid: u64,
}

impl Complaints {
    pub(crate) fn new(now: Instant) -> Self {
        Self { window_start: now, said: 0, unsaid: 0 }
    }

    /// Whether one more may be said now; if so, how many were not said since the last one that was.
    pub(crate) fn next(&mut self, now: Instant) -> Option<u64> {
        if now >= self.window_start + WINDOW {
            (self.window_start, self.said) = (now, 0);
        }
        if self.said == PER_WINDOW_MAX {
            self.unsaid += 1;
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// So much of what a producer named as goes into a log line.
pub(crate) fn shortened(text: &str) -> &str {
    let is_boundary = |end: &usize| text.is_char_boundary(*end);
    let end = (0..=TEXT_BYTES_LOGGED.min(text.len())).rev().find(is_boundary);
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_said() {
        let start = Instant::now();
        let mut complaints = Complaints::new(start);
        for _ in 0..10 {
            assert_eq!(complaints.next(start), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(complaints.next(start + WINDOW / 2), None);
        }
        assert_eq!(complaints.next(start + WINDOW), Some(5));
        assert_eq!(complaints.next(start + WINDOW), Some(0));
    }
}
