//! Takes the pages of a growing file away again.
//!
//! On a virtual machine a page that was never used costs more than anything that is done with it: a file that only
//! grows would measure the hypervisor. So holes are punched into it while it grows, and the kernel uses the same
//! memory again. The file keeps its length.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::fs::{FallocateFlags, fallocate};

/// What stays at the end of the file, so that the writer and the hole do not meet.
const KEPT_BYTES: u64 = 4 << 20;

/// The smallest hole: each costs a call that holds up the writer.
const HOLE_BYTES: u64 = 16 << 20;

/// Holes begin and end at pages.
const PAGE_BYTES: u64 = 4096;

/// How often the length is looked at: 2 GB/s write 2 MB in that time.
const PAUSE: Duration = Duration::from_millis(1);

/// Trims one file until it is dropped.
#[derive(Debug)]
pub(super) struct Trimmer {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Trimmer {
    /// Trims the file at `path`, which must be there.
    pub(super) fn start(path: &Path) -> io::Result<Self> {
        let file = File::options().write(true).open(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = thread::spawn(move || trim(&file, &told));
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Stops, and says whether everything went well: where holes are refused, the file system knows none.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))),
            None => Ok(()),
        }
    }
}

impl Drop for Trimmer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn trim(file: &File, stop: &AtomicBool) -> io::Result<()> {
    let mut start = 0;
    while !stop.load(Ordering::Relaxed) {
        let end = file.metadata()?.len().saturating_sub(KEPT_BYTES) / PAGE_BYTES * PAGE_BYTES;
        if end.saturating_sub(start) >= HOLE_BYTES {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file, flags, start, end - start)?;
            start = end;
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}
