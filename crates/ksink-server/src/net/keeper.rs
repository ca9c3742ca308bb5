//! The keeper: hears what the sink answers, has the broker's frames kept, and says so.
//!
//! One task does it, so that frames are kept in the order of decisions. Writing a frame is a copy into the
//! kernel's memory and happens here; syncing takes as long as the disk takes, and happens on a thread of its
//! own while further frames are written: whoever waits for a sync then shares the next one.

use std::{
    collections::VecDeque,
    future::pending,
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use ksink_event::Answer;
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
    time::sleep_until,
};

use super::{desk::Desk, state::State};
use crate::state::{Frame, FrameId, Needs};

/// How many answers are settled under one lock.
const ANSWERS_AT_ONCE: usize = 256;

/// How long the journal is left alone after it failed: at first, and at most.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Keeps the frames of one desk.
pub(super) struct Keeper {
    desk: Arc<Desk>,
    heard: mpsc::UnboundedReceiver<Answer>,
    /// `None` while another thread has it, and for good where there is none.
    state: Option<State>,
    /// Written, and to be synced: with the number in the journal after which they are safe.
    unsynced: VecDeque<(u64, FrameId)>,
    syncing: Option<JoinHandle<Synced>>,
    trouble: Option<Trouble>,
    /// A journal that has grown could not start over, and is not tried again before.
    left_alone_until: Option<Instant>,
}

/// What came of a sync: up to which number everything is safe.
type Synced = Result<u64, ksink_journal::JournalError>;

/// The journal failed, and is to start over.
struct Trouble {
    /// What could not be written.
    frames: Vec<Frame>,
    again_at: Instant,
    pause: Duration,
}

/// What the keeper woke up for.
enum News {
    Answers(Vec<Answer>),
    /// There are frames.
    Frames,
    Synced(Synced),
    StartOver,
    /// A time has come that the broker waited for.
    Timeout,
    /// Nobody is left who could answer.
    SinkGone,
}

impl Keeper {
    pub(super) fn new(
        desk: Arc<Desk>,
        heard: mpsc::UnboundedReceiver<Answer>,
        state: Option<State>,
    ) -> Self {
        let (unsynced, syncing, trouble, left_alone_until) = Default::default();
        Self { desk, heard, state, unsynced, syncing, trouble, left_alone_until }
    }

    /// Keeps frames until nobody is left who could answer, and ends the journal then.
    pub(super) async fn run(mut self) {
        loop {
            match self.wait().await {
                News::Answers(answers) => self.desk.settle(answers),
                News::Frames => {}
                News::Synced(synced) => self.note_synced(synced),
                News::StartOver => self.start_over().await,
                News::Timeout => self.desk.handle_timeout(),
                News::SinkGone => break,
            }
            self.keep();
            if self.is_start_over_due() {
                self.start_over().await;
            }
        }
        self.end().await;
    }

    async fn wait(&mut self) -> News {
        let mut answers = Vec::new();
        tokio::select! {
            count = self.heard.recv_many(&mut answers, ANSWERS_AT_ONCE) => match count {
                0 => News::SinkGone,
                _ => News::Answers(answers),
            },
            () = self.desk.woken() => News::Frames,
            synced = joined(&mut self.syncing) => News::Synced(synced),
            () = until(self.desk.timeout()) => News::Timeout,
            () = until(self.trouble.as_ref().map(|trouble| trouble.again_at)) => News::StartOver,
        }
    }

    /// A journal that has grown starts over; one that could not goes on as it is for a while.
    fn is_start_over_due(&self) -> bool {
        let is_left_alone = self.left_alone_until.is_some_and(|until| Instant::now() < until);
        !is_left_alone && self.trouble.is_none() && self.state.as_ref().is_some_and(State::is_full)
    }

    /// Writes what the broker has decided.
    fn keep(&mut self) {
        let frames = self.desk.take_frames();
        if frames.is_empty() {
            return;
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.frames.extend(frames);
            return self.desk.keeper_failed();
        }
        // Without a state the broker makes no frames.
        let Some(state) = &mut self.state else { return };
        match state.write(&frames) {
            Ok(number) => {
                self.note_written(number, frames);
                self.sync();
            }
            Err(error) => self.fail(&error, frames),
        }
    }

    fn note_written(&mut self, number: u64, frames: Vec<Frame>) {
        let mut written = Vec::with_capacity(frames.len());
        for frame in frames {
            match frame.needs {
                Needs::Written => written.push(frame.id),
                Needs::Synced => self.unsynced.push_back((number, frame.id)),
            }
            if let Some(state) = &mut self.state {
                state.apply(frame);
            }
        }
        self.desk.framed(&written);
    }

    /// Begins to sync, if somebody waits for it and no sync is under way.
    fn sync(&mut self) {
        if self.unsynced.is_empty() || self.syncing.is_some() || self.trouble.is_some() {
            return;
        }
        let Some(state) = &mut self.state else { return };
        match state.syncer() {
            Ok(syncer) => self.syncing = Some(spawn_blocking(move || syncer.sync())),
            Err(error) => self.fail(&error, Vec::new()),
        }
    }

    fn note_synced(&mut self, synced: Synced) {
        match synced {
            Ok(number) => {
                let safe = self.unsynced.partition_point(|(needed, _)| *needed <= number);
                let safe: Vec<FrameId> = self.unsynced.drain(..safe).map(|(_, id)| id).collect();
                self.desk.framed(&safe);
                self.sync();
            }
            Err(error) => self.fail(&error, Vec::new()),
        }
    }

    /// Nothing more is said to be kept until the journal has started over.
    fn fail(&mut self, error: &ksink_journal::JournalError, frames: Vec<Frame>) {
        tracing::error!(%error, "the journal failed: nothing is acknowledged until a new one is written");
        let again_at = Instant::now();
        match &mut self.trouble {
            Some(trouble) => trouble.frames.extend(frames),
            None => self.trouble = Some(Trouble { frames, again_at, pause: RETRY_PAUSE }),
        }
        self.desk.keeper_failed();
    }

    /// Writes a new journal from all that is known, what waits included, and goes on with it.
    async fn start_over(&mut self) {
        // A sync of the old file that fails later would speak of frames that the new one holds.
        if let Some(syncing) = self.syncing.take() {
            let _ = syncing.await;
        }
        let Some(state) = self.state.take() else { return };
        let waiting = self.trouble.as_mut().map(|trouble| mem::take(&mut trouble.frames));
        let waiting = waiting.unwrap_or_default();
        let started = spawn_blocking(move || state.start_over(waiting)).await;
        let (state, waiting, result) = started.expect("starting over does not panic");
        self.state = Some(state);
        match result {
            Ok(()) => {
                let unsynced = self.unsynced.drain(..).map(|(_, id)| id);
                let safe: Vec<_> = unsynced.chain(waiting.iter().map(|frame| frame.id)).collect();
                if self.trouble.take().is_some() {
                    tracing::warn!("a new journal is written, and acknowledging goes on");
                }
                self.desk.framed(&safe);
                // What was decided meanwhile.
                self.keep();
            }
            Err(error) => self.postpone(&error, waiting),
        }
    }

    fn postpone(&mut self, error: &ksink_journal::JournalError, waiting: Vec<Frame>) {
        let is_sound = self.state.as_ref().is_some_and(|state| !state.is_poisoned());
        if is_sound && self.trouble.is_none() {
            tracing::warn!(%error, again_in = ?RETRY_PAUSE_MAX, "the journal grows on: cannot write a new one");
            self.left_alone_until = Some(Instant::now() + RETRY_PAUSE_MAX);
            return self.sync();
        }
        let pause = self.trouble.as_ref().map_or(RETRY_PAUSE, |trouble| trouble.pause);
        tracing::error!(%error, again_in = ?pause, "cannot write a new journal");
        let again_at = Instant::now() + pause;
        self.trouble =
            Some(Trouble { frames: waiting, again_at, pause: (pause * 2).min(RETRY_PAUSE_MAX) });
        self.desk.keeper_failed();
    }

    /// Syncs what was framed, and says goodbye in the journal.
    async fn end(mut self) {
        self.keep();
        if self.trouble.is_some() {
            self.start_over().await;
        }
        if let Some(syncing) = self.syncing.take() {
            let _ = syncing.await;
        }
        let Some(state) = self.state.take() else { return };
        if self.desk.was_left_in_disorder() {
            tracing::error!(
                "outputs are not in order: the next start will look for what a crash left"
            );
            return;
        }
        let closed = spawn_blocking(move || state.close()).await;
        if let Ok(Err(error)) = closed {
            tracing::error!(%error, "the journal cannot be ended: the next start will look for what a crash left");
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// Waits for a sync that is under way, and for ever where there is none.
async fn joined(syncing: &mut Option<JoinHandle<Synced>>) -> Synced {
    let Some(handle) = syncing else { return pending().await };
    let synced = handle.await.expect("a sync does not panic");
    *syncing = None;
    synced
}
