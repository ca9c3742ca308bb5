//! Bounded waits for what other processes do.

use std::{
    io,
    process::{Child, ExitStatus},
    thread::sleep,
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_millis(10);

/// Waits until something is so, and says whether it came to be in time.
pub(crate) fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(PAUSE);
    }
}

/// How a process ended, or nothing when it has not in time.
pub(crate) fn ended_within(process: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let mut ended = Ok(None);
    until(limit, || {
        ended = process.try_wait();
        !matches!(ended, Ok(None))
    });
    ended
}
