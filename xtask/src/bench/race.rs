//! Times pieces of code against each other.

use std::time::Duration;

use super::effort::{Effort, median, thread_cpu_time};

/// A piece of code that does the same thing each time.
pub(super) type Work<'w> = Box<dyn FnMut() + Send + 'w>;

/// The median CPU time of each work, in nanoseconds. They take turns, so that what disturbs the machine disturbs them
/// alike.
pub(super) fn race<const N: usize>(works: [Work<'_>; N], effort: Effort) -> [f64; N] {
    let mut runners = works.map(|work| Runner::new(work, effort.sample));
    for _ in 0..effort.samples {
        runners.iter_mut().for_each(Runner::sample);
    }
    runners.map(|runner| median(runner.samples_ns))
}

struct Runner<'w> {
    work: Work<'w>,
    /// How many runs fill one sample.
    runs: u32,
    samples_ns: Vec<f64>,
}

impl<'w> Runner<'w> {
    /// Runs the work until it is warm and its speed is known.
    fn new(work: Work<'w>, sample: Duration) -> Self {
        let mut runner = Self { work, runs: 1, samples_ns: Vec::new() };
        let mut took = runner.time();
        while took < sample / 4 {
            runner.runs *= 2;
            took = runner.time();
        }
        let runs = f64::from(runner.runs) * sample.as_secs_f64() / took.as_secs_f64().max(1e-9);
        runner.runs = (runs as u32).max(1);
        runner
    }

    fn sample(&mut self) {
        let took = self.time();
        self.samples_ns.push(took.as_secs_f64() * 1e9 / f64::from(self.runs));
    }

    fn time(&mut self) -> Duration {
        let start = thread_cpu_time();
        (0..self.runs).for_each(|_| (self.work)());
        thread_cpu_time() - start
    }
}
