//! Many producers of our own at once.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use super::{
    caller::Caller,
    dice::Dice,
    own::{Kind, Own},
    story::{Producer, Story},
};

/// A server that is killed again and again may let a question wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordeal {
    /// Open transactions outlive it.
    Death,
    /// They do not.
    PowerCut,
}

/// Producers at work, each on a thread.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    threads: Vec<(String, JoinHandle<Producer>)>,
}

impl Load {
    /// Starts one producer of each kind that is named, with a pause of up to so many milliseconds between what
    /// each of them does.
    pub(crate) fn start(
        addr: SocketAddr,
        kinds: &[Kind],
        pause_ms: u64,
        ordeal: Ordeal,
        dice: &mut Dice,
    ) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let start = |(n, kind): (usize, &Kind)| {
            let name = format!("own{n}");
            let own = Own::new(name.clone(), *kind, Caller::new(addr, PATIENCE), dice.split());
            let (kind, dice, is_over) = (*kind, dice.split(), is_over.clone());
            (name, thread::spawn(move || work(own, kind, ordeal, pause_ms, dice, &is_over)))
        };
        let threads = kinds.iter().enumerate().map(start).collect();
        Self { is_over, threads }
    }

    /// Lets everybody end what they have begun, and gives what they remember.
    pub(crate) fn finish(self) -> Story {
        self.is_over.store(true, Ordering::Relaxed);
        let mut story = Story::default();
        for (name, thread) in self.threads {
            story.insert(name, thread.join().expect("a producer keeps its errors to its story"));
        }
        story
    }
}

fn work(
    mut own: Own,
    kind: Kind,
    ordeal: Ordeal,
    pause_ms: u64,
    mut dice: Dice,
    is_over: &AtomicBool,
) -> Producer {
    let mut outcome = own.init();
    while outcome.is_ok() && !is_over.load(Ordering::Relaxed) {
        outcome = match (kind, ordeal) {
            (Kind::Plain, Ordeal::Death | Ordeal::PowerCut) => own.burst(),
            (Kind::Announcing | Kind::Implicit, Ordeal::Death) => own.transact(),
            (Kind::Announcing | Kind::Implicit, Ordeal::PowerCut) => own.transact_or_begin_again(),
        };
        sleep(Duration::from_micros(dice.pick(0..pause_ms * 1000 + 1)));
    }
    if let Err(error) = outcome {
        own.story.failed.push(format!("{error:#}"));
    }
    own.story
}
