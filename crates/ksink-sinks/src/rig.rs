//! The server's side of a sink that takes transactions, for tests: what it would remember, and when.

mod liar;
mod play;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use ksink_disk::{Disk, Kind, ModelDisk, Open, read_to_end};
use ksink_event::{
    Answer, Answers, Decided, DeliveryId, Held, Intent, LastStop, Position, Refusal, Resumed,
    Transaction,
};
pub(crate) use liar::Unsynced;
pub(crate) use play::{Play, below, lines, seeds, sweep};

use crate::{RecoverError, TransactionalSink, testing::values};

/// A sink, and the server that drives it as the pump would.
pub(crate) struct Rig<S> {
    pub(crate) sink: S,
    server: Server,
    next_serial: u64,
}

struct Server {
    /// What is framed.
    ledger: Ledger,
    /// What was framed when it was synced last, and after each frame since: the loss of power leaves one of these.
    since_sync: Vec<Ledger>,
    /// How many frames will be written from now on: behind them the process is dead.
    frames_left: u64,
    /// How many reports of positions it had to keep.
    reports: u64,
}

/// What a server remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) positions: BTreeMap<Arc<str>, Bytes>,
    pub(crate) open: BTreeMap<u64, Arc<Transaction>>,
    pub(crate) decided: BTreeMap<u64, Decided>,
    pub(crate) aborted: BTreeMap<u64, Arc<Transaction>>,
    /// What was accepted inside of each transaction, as (topic, value).
    pub(crate) written: BTreeMap<u64, Vec<(String, String)>>,
    /// What is visible by now: plain records and those of commits, as (transactional id, topic, value).
    pub(crate) visible: Vec<(String, String, String)>,
}

impl Ledger {
    fn apply(&mut self, positions: Vec<Position>) {
        for Position { output, bytes } in positions {
            match bytes {
                Some(bytes) => self.positions.insert(output, bytes),
                None => self.positions.remove(&output),
            };
        }
    }

    pub(crate) fn held(&self, last_stop: LastStop) -> Held {
        let position =
            |(output, bytes): (&Arc<str>, &Bytes)| Position::at(output.clone(), bytes.clone());
        Held {
            last_stop,
            positions: self.positions.iter().map(position).collect(),
            open: self.open.values().cloned().collect(),
            decided: self.decided.values().cloned().collect(),
            aborted: self.aborted.values().cloned().collect(),
        }
    }

    fn end_commit(&mut self, serial: u64) {
        if let Some(decided) = self.decided.remove(&serial) {
            for (topic, value) in self.written.remove(&serial).unwrap_or_default() {
                self.visible.push((decided.transaction.id.to_string(), topic, value));
            }
        }
    }

    fn end_abort(&mut self, serial: u64) {
        self.aborted.remove(&serial);
        self.written.remove(&serial);
    }

    /// What is visible, for one topic and perhaps one id.
    pub(crate) fn visible_in(&self, id: Option<&str>, topic: &str) -> Vec<String> {
        let of = |(of_id, of_topic, _): &&(String, String, String)| {
            id.is_none_or(|id| id == of_id) && of_topic == topic
        };
        self.visible.iter().filter(of).map(|(_, _, value)| value.clone()).collect()
    }
}

impl Server {
    fn new(ledger: Ledger) -> Self {
        let since_sync = vec![ledger.clone()];
        Self { ledger, since_sync, frames_left: u64::MAX, reports: 0 }
    }

    /// Writes a frame. Says whether the process lived to do so.
    fn frame(&mut self, change: impl FnOnce(&mut Ledger)) -> bool {
        if self.frames_left == 0 {
            return false;
        }
        self.frames_left -= 1;
        change(&mut self.ledger);
        self.since_sync.push(self.ledger.clone());
        true
    }

    fn sync(&mut self) {
        self.since_sync = vec![self.ledger.clone()];
    }

    fn answer(&mut self, answer: Answer) {
        let Answer::Reported { positions, framed, .. } = answer else { return };
        let is_barrier = positions.is_empty();
        self.reports += u64::from(!is_barrier);
        if self.frame(|ledger| ledger.apply(positions)) {
            // As a server does that power loss must not surprise.
            if !is_barrier {
                self.sync();
            }
            framed.say();
        }
    }
}

/// Runs a call of the sink while the server answers its reports.
macro_rules! drive {
    ($rig:expr, |$sink:ident, $ack:ident| $call:expr) => {{
        let Rig { sink: $sink, server, .. } = $rig;
        let (answers, mut heard) = Answers::new();
        let $ack = &answers.expect(DeliveryId(0), None);
        let mut call = std::pin::pin!($call);
        loop {
            tokio::select! {
                biased;
                done = &mut call => break done,
                Some(answer) = heard.recv() => server.answer(answer),
            }
        }
    }};
}

impl<S: TransactionalSink> Rig<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { sink, server: Server::new(Ledger::default()), next_serial: 1 }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.server.ledger
    }

    /// What the loss of power may leave.
    pub(crate) fn ledgers_since_sync(&self) -> &[Ledger] {
        &self.server.since_sync
    }

    /// How many reports of positions there were.
    pub(crate) fn reports(&self) -> u64 {
        self.server.reports
    }

    /// Writes one set into each of many transactions, and flushes once.
    pub(crate) async fn write_together(&mut self, transactions: &[Arc<Transaction>]) {
        let sets: Vec<_> = transactions
            .iter()
            .map(|transaction| {
                let mut set = values("t", &["together"]);
                set.transaction = Some(transaction.clone());
                set
            })
            .collect();
        let flushed = drive!(self, |sink, ack| async {
            for set in &sets {
                sink.write(set, ack).await.expect("nothing is wrong with it");
            }
            sink.flush().await
        });
        assert!(flushed.failed.is_empty(), "{:?}", flushed.failed);
        self.server.frame(|ledger| ledger.apply(flushed.positions));
    }

    /// Lets the server write so many frames more, and then no more.
    pub(crate) fn limit_frames(&mut self, count: u64) {
        self.server.frames_left = count;
    }

    /// Lets the server write one frame more.
    pub(crate) fn allow_frame(&mut self) {
        self.server.frames_left = self.server.frames_left.max(1);
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self, id: &str) -> Arc<Transaction> {
        let transaction = Arc::new(Transaction { id: id.into(), serial: self.next_serial });
        self.next_serial += 1;
        let open = transaction.clone();
        self.server.frame(|ledger| {
            ledger.open.insert(open.serial, open);
        });
        transaction
    }

    /// Writes one set and flushes.
    pub(crate) async fn write(
        &mut self,
        transaction: Option<&Arc<Transaction>>,
        topic: &str,
        lines: &[&str],
    ) -> Result<(), Refusal> {
        let mut set = values(topic, lines);
        set.transaction = transaction.cloned();
        let (output, flushed) = drive!(self, |sink, ack| async {
            let output = sink.write(&set, ack).await;
            (output, sink.flush().await)
        });
        let output = output?;
        let failure = flushed.failed.into_iter().find(|failure| failure.output == output);
        self.server.frame(|ledger| {
            ledger.apply(flushed.positions);
            if failure.is_none() {
                for line in lines {
                    let (topic, line) = (topic.to_owned(), (*line).to_owned());
                    match transaction {
                        Some(it) => {
                            ledger.written.entry(it.serial).or_default().push((topic, line))
                        }
                        None => ledger.visible.push((String::new(), topic, line)),
                    }
                }
            }
        });
        failure.map_or(Ok(()), |failure| Err(failure.refusal))
    }

    pub(crate) async fn prepare(
        &mut self,
        transaction: &Arc<Transaction>,
    ) -> Result<Intent, Refusal> {
        let asked = [transaction.clone()];
        let prepared = drive!(self, |sink, _ack| sink.prepare(&asked)).remove(0)?;
        self.server.frame(|ledger| ledger.apply(prepared.positions));
        Ok(prepared.intent)
    }

    /// The commit point.
    pub(crate) fn decide(&mut self, transaction: &Arc<Transaction>, intent: Intent) {
        let decided = Decided { transaction: transaction.clone(), intent };
        let is_framed = self.server.frame(|ledger| {
            ledger.open.remove(&transaction.serial);
            ledger.decided.insert(transaction.serial, decided);
        });
        if is_framed {
            self.server.sync();
        }
    }

    /// Decides that a transaction is aborted.
    pub(crate) fn give_up(&mut self, transaction: &Arc<Transaction>) {
        self.server.frame(|ledger| {
            ledger.open.remove(&transaction.serial);
            ledger.aborted.insert(transaction.serial, transaction.clone());
        });
    }

    /// Asks for all that is decided.
    pub(crate) async fn commit_decided(&mut self) -> Vec<Result<u64, Refusal>> {
        let decided: Vec<Decided> = self.ledger().decided.values().cloned().collect();
        if decided.is_empty() {
            return Vec::new();
        }
        let mut results = Vec::new();
        for decided in decided.chunks(self.sink.commits_at_once()) {
            let done = drive!(self, |sink, ack| sink.commit(decided, ack));
            for (decided, done) in decided.iter().zip(done) {
                results.push(done.map_err(|undone| undone.refusal).map(|committed| {
                    self.server.frame(|ledger| {
                        ledger.apply(committed.positions);
                        ledger.end_commit(decided.transaction.serial);
                    });
                    committed.records
                }));
            }
        }
        results
    }

    /// Asks for all that is aborted.
    pub(crate) async fn abort_given_up(&mut self) -> Vec<Result<(), Refusal>> {
        let aborted: Vec<Arc<Transaction>> = self.ledger().aborted.values().cloned().collect();
        let done = drive!(self, |sink, _ack| sink.abort(&aborted));
        let mut results = Vec::new();
        for (transaction, done) in aborted.iter().zip(done) {
            results.push(done.map(|positions| {
                self.server.frame(|ledger| {
                    ledger.apply(positions);
                    ledger.end_abort(transaction.serial);
                });
            }));
        }
        results
    }

    /// Prepares, decides and applies one transaction that nothing happens to.
    pub(crate) async fn commit(&mut self, transaction: &Arc<Transaction>) -> u64 {
        let intent = self.prepare(transaction).await.expect("it can be prepared");
        self.decide(transaction, intent);
        let done = self.commit_decided().await;
        let [Ok(records)] = done[..] else { panic!("it can be committed: {done:?}") };
        records
    }

    /// Aborts one transaction that nothing happens to.
    pub(crate) async fn abort(&mut self, transaction: &Arc<Transaction>) {
        self.give_up(transaction);
        assert_eq!(self.abort_given_up().await, [Ok(())]);
    }

    /// Ends in good order.
    pub(crate) async fn close(mut self) -> Ledger {
        // A fault of the last moment leaves what is looked at all the same.
        let _ = drive!(&mut self, |sink, _ack| sink.close());
        self.server.ledger
    }

    /// Another run, with a new sink and what is remembered.
    pub(crate) async fn resume(
        ledger: Ledger,
        mut sink: S,
        last_stop: LastStop,
    ) -> Result<Self, RecoverError> {
        let Resumed { positions, applied, lost } = sink.recover(&ledger.held(last_stop)).await?;
        let last_serial = [
            ledger.open.keys().max(),
            ledger.decided.keys().max(),
            ledger.aborted.keys().max(),
            ledger.written.keys().max(),
        ];
        let next_serial = last_serial.into_iter().flatten().max().map_or(1000, |last| last + 1000);
        let mut server = Server::new(ledger);
        server.frame(|ledger| {
            ledger.apply(positions);
            for serial in applied {
                ledger.end_commit(serial);
                ledger.end_abort(serial);
            }
            for serial in lost {
                let transaction = ledger.open.remove(&serial).expect("what is lost was open");
                ledger.aborted.insert(serial, transaction);
            }
        });
        server.sync();
        Ok(Self { sink, server, next_serial })
    }

    /// All that is framed is synced, as it is for a plain write where power may be lost.
    pub(crate) fn sync_frames(&mut self) {
        if self.server.frames_left > 0 {
            self.server.sync();
        }
    }
}

/// All files below a folder, by path, with their content.
pub(crate) fn files(disk: &ModelDisk, folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let Ok(names) = disk.list(folder) else { return found };
    for name in names {
        let path = folder.join(name);
        match disk.look(&path).expect("the model can look").map(|look| look.kind) {
            Some(Kind::Folder) => found.extend(files(disk, &path)),
            Some(Kind::File) => {
                let file = disk.open(&path, Open::Read).expect("it is there");
                let bytes = read_to_end(&*file, 0).expect("it can be read");
                found.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
            Some(Kind::Other) | None => {}
        }
    }
    found
}
