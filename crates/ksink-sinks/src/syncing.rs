//! Syncing many files at once: what a disk can do together is not waited for one by one.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use ksink_disk::DiskFile;

/// So many syncs go side by side.
const THREADS_MAX: usize = 16;

/// Makes the bytes of files durable, side by side, and says of each what came of it.
pub(crate) fn sync_files(files: &[Box<dyn DiskFile>]) -> Vec<io::Result<()>> {
    side_by_side(files, |file| file.sync_data())
}

/// Does the same with many things, side by side. The results are in their order.
pub(crate) fn side_by_side<T: Sync, R: Send>(things: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if let [one] = things {
        return vec![act(one)];
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(at) =
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < things.len())
        {
            done.push((at, act(&things[at])));
        }
        done
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..things.len().min(THREADS_MAX)).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("syncing does not panic"))
            .collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn results_are_in_the_order_of_the_things() {
        let things: Vec<usize> = (0..100).collect();
        assert_eq!(
            side_by_side(&things, |thing| thing * 2),
            things.iter().map(|thing| thing * 2).collect::<Vec<_>>()
        );
        assert!(side_by_side(&[0; 0], |thing| *thing).is_empty());
    }
}
