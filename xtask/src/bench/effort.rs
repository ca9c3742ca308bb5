//! How long is measured, how often, and what is made of many samples.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long each sample takes, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) sample: Duration,
    pub(super) samples: usize,
}

/// The middle value; 0 when there is none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value that the share `part` of all values does not exceed; 0 when there is none.
pub(super) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let index = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}

/// The CPU time that this thread has used: unlike the clock on the wall it stands still while others are at work.
pub(super) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let check = |part, expected| {
            let values = [5.0, 1.0, 4.0, 2.0, 3.0];
            assert_eq!(quantile(values, part), expected, "{part}");
        };
        check(0.0, 1.0);
        check(0.5, 3.0);
        check(0.99, 5.0);
        check(1.0, 5.0);
        assert_eq!(median([]), 0.0);
    }
}
