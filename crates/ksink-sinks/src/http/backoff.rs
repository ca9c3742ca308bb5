//! How long to wait before the next attempt.

use std::{sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

/// The longest wait between two attempts, unless the first wait is configured to be longer.
const DELAY_MAX: Duration = Duration::from_secs(30);

/// A server that asks for a longer rest is asked again after this: producers wait meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Grows from retry to retry, and differs each time, so that those who failed together do not come back
/// together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// Around which the first wait lies.
    pub(super) base: Duration,
}

impl Backoff {
    /// The wait before a retry, which are counted from 0.
    pub(super) fn delay(&self, retry: u32) -> Duration {
        // Without randomness the middle will do.
        self.delay_with(retry, getrandom::u32().unwrap_or(u32::MAX / 2))
    }

    /// Twice as long each time; between half and one and a half times that.
    fn delay_with(&self, retry: u32, random: u32) -> Duration {
        let factor = 2_u32.saturating_pow(retry);
        let delay = self.base.saturating_mul(factor).min(DELAY_MAX.max(self.base));
        delay.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
    }
}

/// The rest that the server asked for (`Retry-After`). It holds for every record: it is the same server.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// Begins a rest, or makes it longer.
    pub(super) fn begin(&self, length: Duration) {
        let end = Instant::now() + length.min(PAUSE_MAX);
        let mut until = self.0.lock().expect("nothing panics while it is held");
        *until = (*until).max(Some(end));
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        while let Some(end) = self.end() {
            sleep_until(end).await;
        }
    }

    fn end(&self) -> Option<Instant> {
        let until = *self.0.lock().expect("nothing panics while it is held");
        until.filter(|end| *end > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let check = |base_ms, retry, random, expected_ms| {
            let delay = Backoff { base: Duration::from_millis(base_ms) }.delay_with(retry, random);
            assert_eq!(delay.as_millis(), expected_ms, "{base_ms} {retry} {random}");
        };
        check(1000, 0, 0, 500);
        check(1000, 0, u32::MAX, 1500);
        check(1000, 2, 0, 2000);
        check(1000, 60, u32::MAX, 45_000);
        check(60_000, 3, 0, 30_000);
        check(0, 3, u32::MAX, 0);
    }

    #[test]
    fn no_wait_overflows() {
        let longest = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        for base in [Duration::ZERO, Duration::from_nanos(1), longest] {
            for retry in [0, 1, 31, 32, u32::MAX] {
                assert!(Backoff { base }.delay(retry) <= longest * 2);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_ends_when_the_longest_that_was_asked_for_does() {
        let (pause, start) = (Pause::default(), Instant::now());
        pause.over().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pause.begin(Duration::from_secs(2));
        pause.begin(Duration::from_secs(1));
        pause.over().await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_rest_is_longer_than_producers_can_bear() {
        let (pause, start) = (Pause::default(), Instant::now());
        pause.begin(Duration::MAX);
        pause.over().await;
        assert_eq!(start.elapsed().as_secs(), PAUSE_MAX.as_secs());
    }
}
