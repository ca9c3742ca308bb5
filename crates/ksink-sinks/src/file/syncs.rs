//! What the loss of power must not undo: bytes, and the names that lead to them. Many are synced at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    thread,
};

use ksink_disk::{Disk, sync_folders};
use ksink_event::Refusal;

use super::{FileSink, Opening};

impl FileSink {
    /// Takes back what nobody was told to be kept, and syncs everything that was written to, whether or not it is
    /// open still.
    ///
    /// # Errors
    /// The first fault, when all was tried.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        let abandoned = self.open.values_mut().map(|opening| opening.output.abandon());
        let mut faults: Vec<Refusal> = abandoned.filter_map(Result::err).collect();
        let open: Vec<&Opening> = self.open.values().collect();
        for topic in self.open.keys() {
            self.unsynced.remove(&self.pattern.path(topic));
        }
        let closed: Vec<&PathBuf> = self.unsynced.iter().collect();
        let at_once = self.options.syncs_at_once;
        let mut results = in_parallel(&open, at_once, |opening| opening.output.file().sync());
        results.extend(in_parallel(&closed, at_once, |path| self.sync_closed(path)));
        let folders = open.iter().map(|opening| opening.folder.clone());
        let folders = folders.chain(closed.iter().map(|path| folder_of(&*self.disk, path)));
        results.extend(sync_names(&*self.disk, folders, at_once).into_values());
        // Whoever moved a folder has what is in it.
        let is_there = |error: &io::Error| error.kind() != io::ErrorKind::NotFound;
        let errors = results.into_iter().filter_map(Result::err).filter(is_there);
        faults.extend(errors.map(|error| Refusal::local(format!("cannot sync outputs: {error}"))));
        self.unsynced.clear();
        faults.into_iter().next().map_or(Ok(()), Err)
    }

    fn sync_closed(&self, path: &Path) -> io::Result<()> {
        // Whoever moved it meanwhile has it.
        self.open_existing(path)?.map_or(Ok(()), |file| file.sync())
    }
}

/// Syncs what some outputs wrote since the last flush, and their names where that was not done since they were
/// opened. An output for which one of these fails has failed.
pub(super) fn sync_groups(disk: &dyn Disk, openings: &mut [&mut Opening], at_once: usize) {
    let synced = in_parallel(openings, at_once, |opening| {
        opening.output.to_sync().map_or(Ok(()), |file| file.sync())
    });
    let unnamed = openings.iter().filter(|opening| needs_its_name_synced(opening));
    let named = sync_names(disk, unnamed.map(|opening| opening.folder.clone()), at_once);
    for (opening, synced) in openings.iter_mut().zip(synced) {
        if opening.output.to_sync().is_none() {
            continue;
        }
        match (&synced, named.get(&opening.folder)) {
            (Err(error), _) | (Ok(()), Some(Err(error))) => opening.output.sync_failed(error),
            (Ok(()), Some(Ok(())) | None) => opening.is_named_durably = true,
        }
    }
}

fn needs_its_name_synced(opening: &Opening) -> bool {
    !opening.is_named_durably && opening.output.to_sync().is_some()
}

/// Makes all names in some folders durable, and those of the folders themselves.
pub(crate) fn sync_names(
    disk: &dyn Disk,
    folders: impl Iterator<Item = PathBuf>,
    at_once: usize,
) -> BTreeMap<PathBuf, io::Result<()>> {
    let folders: Vec<PathBuf> = folders.collect::<BTreeSet<PathBuf>>().into_iter().collect();
    let results = in_parallel(&folders, at_once, |folder| sync_folders(disk, folder));
    folders.into_iter().zip(results).collect()
}

/// Does something with each of many things, on several threads, and returns what came of it in their order.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    things: &[T],
    at_once: usize,
    run: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let one_after_another = |part: &[T]| part.iter().map(&run).collect::<Vec<R>>();
    let parts = things.chunks(things.len().div_ceil(at_once.max(1)).max(1));
    if parts.len() <= 1 {
        return one_after_another(things);
    }
    thread::scope(|scope| {
        let start = |part| {
            let run_part = move || one_after_another(part);
            let thread = thread::Builder::new().name("ksink-sync".to_owned());
            // Without a thread it is done here.
            thread.spawn_scoped(scope, run_part).map_err(|_| one_after_another(part))
        };
        let started: Vec<_> = parts.map(start).collect();
        let ended = started.into_iter().map(|started| match started {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(done) => done,
        });
        ended.flatten().collect()
    })
}

/// The folder whose entry leads to a file that is open. A link of the operator leads to another folder than its own.
pub(super) fn folder_of(disk: &dyn Disk, path: &Path) -> PathBuf {
    let is_link = matches!(disk.look(path), Ok(Some(look)) if look.kind == ksink_disk::Kind::Other);
    let resolved = if is_link { std::fs::canonicalize(path).ok() } else { None };
    let path = resolved.as_deref().unwrap_or(path);
    path.parent().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_questions_whatever_the_number_of_threads() {
        let numbers: Vec<u32> = (0..10).collect();
        let doubled: Vec<u32> = (0..10).map(|number| number * 2).collect();
        for at_once in [0, 1, 3, 10, 100] {
            assert_eq!(in_parallel(&numbers, at_once, |number| number * 2), doubled);
        }
        assert!(in_parallel(&[], 4, |number: &u32| *number).is_empty());
    }
}
