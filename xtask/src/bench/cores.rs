//! Which core the server gets, and which one the load.

use std::{
    io,
    process::{Child, Command},
    thread,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A core for what is measured, and another one for what it is measured with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cores {
    pub(super) server: usize,
    pub(super) load: usize,
}

impl Cores {
    /// The last and the first core that this process may use; on a machine with one core they are the same.
    pub(super) fn find() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let load = cores.next().unwrap_or(0);
        Ok(Self { server: cores.next_back().unwrap_or(load), load })
    }

    /// Whether the load takes time away from the server.
    pub(super) fn are_shared(self) -> bool {
        self.server == self.load
    }

    /// Does `work` on the core of the server.
    pub(super) fn on_server<T: Send>(self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let pinned = scope.spawn(|| pin(self.server).map(|()| work()));
            pinned.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Starts a process on the core of the server: a process inherits the cores of the thread that starts it.
    pub(super) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        self.on_server(|| command.spawn())?
    }
}

/// Keeps this thread, and those that it starts from now on, on one core.
pub(super) fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}
