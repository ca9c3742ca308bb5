mod simulation;

use std::path::Path;

use ksink_disk::ModelDisk;
use ksink_event::LastStop;

use super::*;
use crate::{
    FileOptions, FileSink, Format, PathPattern,
    rig::{Ledger, Rig, below},
    testing::is_local,
};

/// What a server sees that each record is posted to, one after the other.
#[derive(Clone, Debug, Default)]
struct Remote(Arc<std::sync::Mutex<RemoteState>>);

#[derive(Debug, Default)]
struct RemoteState {
    /// Topic and value.
    seen: Vec<String>,
    /// How many more it takes before it refuses.
    takes: Option<usize>,
    waiting: Vec<RecordSet>,
    is_gone: bool,
}

impl Remote {
    fn takes(&self, count: Option<usize>) {
        self.0.lock().unwrap().takes = count;
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().seen.clone()
    }
}

impl Sink for Remote {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        let mut state = self.0.lock().unwrap();
        state.waiting.push(set.clone());
        Ok(OutputId(state.waiting.len() as u64))
    }

    async fn flush(&mut self) -> Flushed {
        let mut state = self.0.lock().unwrap();
        let mut flushed = Flushed::default();
        for (at, set) in std::mem::take(&mut state.waiting).into_iter().enumerate() {
            let mut kept = 0;
            for record in set.records() {
                match &mut state.takes {
                    Some(0) => break,
                    Some(left) => *left -= 1,
                    None => {}
                }
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                state.seen.push(format!("{}:{}:{value}", set.topic, record.offset));
                kept += 1;
            }
            if kept < set.len() as u64 {
                let refusal = Refusal::rejected("it takes no more");
                let output = OutputId(at as u64 + 1);
                flushed.failed.push(Failure {
                    kept,
                    gone: state.is_gone,
                    ..Failure::passing(output, refusal)
                });
            }
        }
        flushed
    }
}

const STATE: &str = "/state/spill";

fn options(folder: Option<&str>) -> HeldBackOptions {
    HeldBackOptions {
        folder: folder.map(PathBuf::from),
        temporary_folder: PathBuf::from("/tmp"),
        ..Default::default()
    }
}

fn over<S: Sink>(sink: S, disk: &ModelDisk) -> HeldBack<S> {
    HeldBack::new(sink, Arc::new(disk.clone()), options(Some(STATE)))
}

fn files_on(disk: &ModelDisk) -> FileSink {
    let options = FileOptions { durability: Durability::Power, ..Default::default() };
    let pattern = PathPattern::new("/out/{topic}");
    FileSink::open_on(Arc::new(disk.clone()), pattern, Format::default(), options)
        .expect("a folder")
}

/// exactly-once, Transactions 1: held back in a spill file of the state, and nothing is seen before the commit.
#[tokio::test]
async fn nothing_of_a_transaction_is_seen_before_its_commit() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let it = rig.begin("pay");
    for value in ["a", "b"] {
        rig.write(Some(&it), "t", &[value]).await.unwrap();
        rig.write(None, "t", &[&format!("plain-{value}")]).await.unwrap();
    }
    assert_eq!(remote.seen(), ["t:0:plain-a", "t:0:plain-b"]);
    assert_eq!(below(&disk, STATE).len(), 1);
    assert_eq!(rig.commit(&it).await, 2);
    assert_eq!(remote.seen()[2..], ["t:0:a", "t:0:b"]);
    assert!(rig.ledger().positions.is_empty(), "{:?}", rig.ledger().positions);
}

/// exactly-once, Transactions 8: aborted records are never visible.
#[tokio::test]
async fn an_aborted_transaction_is_dropped() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    rig.abort(&it).await;
    assert_eq!((remote.seen().len(), below(&disk, STATE).len()), (0, 0));
    assert!(rig.ledger().positions.is_empty());
}

/// exactly-once, Transactions 4: what cannot be cut goes on from the first undelivered record; a record refused for good
/// is waited for.
#[tokio::test]
async fn a_commit_goes_on_from_the_first_record_that_was_not_delivered() {
    for restarts in [false, true] {
        let (disk, remote) = (ModelDisk::new(), Remote::default());
        let mut rig = Rig::new(over(remote.clone(), &disk));
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &["a", "b", "c"]).await.unwrap();
        rig.write(Some(&it), "u", &["d", "e"]).await.unwrap();
        let intent = rig.prepare(&it).await.unwrap();
        rig.decide(&it, intent);
        for taken in [2, 0, 1] {
            remote.takes(Some(taken));
            let done = rig.commit_decided().await;
            let [Err(refusal)] = &done[..] else { panic!("{done:?}") };
            assert!(matches!(refusal, Refusal::Unavailable { .. }), "{refusal}");
            if restarts {
                let sink = over(remote.clone(), &disk);
                let resumed = Rig::resume(rig.ledger().clone(), sink, LastStop::Unclean).await;
                rig = resumed.expect("nothing stops it");
            }
        }
        remote.takes(None);
        assert_eq!(rig.commit_decided().await, [Ok(5)]);
        assert_eq!(remote.seen(), ["t:0:a", "t:1:b", "t:2:c", "u:0:d", "u:1:e"]);
        assert!(rig.ledger().positions.is_empty(), "{:?}", rig.ledger().positions);
    }
}

/// exactly-once, Transactions 7: while the server does not know what a try delivered, nothing else is written.
#[tokio::test]
async fn nothing_is_written_before_the_server_knows_what_a_try_delivered() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a", "b"]).await.unwrap();
    let intent = rig.prepare(&it).await.unwrap();
    rig.decide(&it, intent);
    remote.takes(Some(1));
    rig.limit_frames(0);
    assert!(rig.commit_decided().await[0].is_err());
    remote.takes(None);
    rig.write(None, "t", &["plain"]).await.unwrap_err();
    rig.limit_frames(100);
    rig.write(None, "t", &["plain"]).await.unwrap();
    rig.commit_decided().await;
    assert_eq!(remote.seen(), ["t:0:a", "t:0:plain", "t:1:b"]);
}

#[tokio::test]
async fn what_is_gone_ends_the_pump() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    remote.0.lock().unwrap().is_gone = true;
    remote.takes(Some(0));
    let mut sink = over(remote, &disk);
    let transaction = Arc::new(Transaction { id: "x".into(), serial: 1 });
    let mut set = crate::testing::values("t", &["a"]);
    set.transaction = Some(transaction.clone());
    let ack = crate::testing::remembered();
    sink.write(&set, &ack).await.unwrap();
    sink.flush().await;
    let prepared = sink.prepare(std::slice::from_ref(&transaction)).await.remove(0).unwrap();
    let decided = [Decided { transaction, intent: prepared.intent }];
    let undone = sink.commit(&decided, &ack).await.remove(0).unwrap_err();
    assert!(undone.gone);
}

/// exactly-once, Start and stop: open transactions go on, cut to what was framed.
#[tokio::test]
async fn an_open_transaction_goes_on_after_a_kill() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let ledger = rig.ledger().clone();
    rig.write(Some(&it), "t", &["not framed"]).await.unwrap();
    let sink = over(remote.clone(), &disk);
    let mut rig = Rig::resume(ledger, sink, LastStop::Unclean).await.unwrap();
    rig.write(Some(&it), "t", &["b"]).await.unwrap();
    assert_eq!(rig.commit(&it).await, 2);
    assert_eq!(remote.seen(), ["t:0:a", "t:0:b"]);
}

/// exactly-once, Start and stop: after a reboot every open transaction is aborted.
#[tokio::test]
async fn an_open_transaction_ends_with_the_machine() {
    let disk = ModelDisk::new();
    let mut rig = Rig::new(over(Remote::default(), &disk));
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let sink = over(Remote::default(), &disk);
    let rig = Rig::resume(rig.ledger().clone(), sink, LastStop::Rebooted).await.unwrap();
    assert!(rig.ledger().aborted.contains_key(&it.serial));
}

/// exactly-once, Start and stop: spill files of transactions that are neither open nor decided are deleted.
#[tokio::test]
async fn what_is_left_of_other_transactions_is_deleted() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let [open, done, unknown] = ["x", "y", "z"].map(|id| rig.begin(id));
    for it in [&open, &done, &unknown] {
        rig.write(Some(it), "t", &[&it.id]).await.unwrap();
    }
    rig.commit(&done).await;
    let mut ledger = rig.ledger().clone();
    ledger.open.remove(&unknown.serial);
    let sink = over(remote.clone(), &disk);
    let mut rig = Rig::resume(ledger, sink, LastStop::Unclean).await.unwrap();
    rig.write(None, "t", &["plain"]).await.unwrap();
    let names: Vec<_> = below(&disk, STATE).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [open.serial.to_string()]);
    assert_eq!(rig.ledger().positions.len(), 1);
}

/// exactly-once, Transactions 4: a spill is deleted when the frame that says so is synced; the next commit's sync does it.
#[tokio::test]
async fn a_spill_is_deleted_with_the_next_commit() {
    let disk = ModelDisk::new();
    let mut rig = Rig::new(over(Remote::default(), &disk));
    let [first, second, third] = ["x", "y", "z"].map(|id| rig.begin(id));
    for it in [&first, &second, &third] {
        rig.write(Some(it), "t", &[&it.id]).await.unwrap();
    }
    let second_intent = rig.prepare(&second).await.unwrap();
    rig.commit(&first).await;
    rig.decide(&second, second_intent);
    rig.commit_decided().await;
    assert_eq!(below(&disk, STATE).len(), 3, "the second was prepared before the first was done");
    rig.commit(&third).await;
    assert_eq!(below(&disk, STATE).len(), 1);
}

/// exactly-once, Transactions 4: no output is cut or written for an intent before its source was found whole.
#[tokio::test]
async fn a_damaged_spill_is_waited_for_and_a_missing_one_stops_the_start() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    let mut rig = Rig::new(over(remote.clone(), &disk));
    let it = rig.begin("pay");
    for value in ["a", "b"] {
        rig.write(Some(&it), "t", &[value]).await.unwrap();
    }
    let intent = rig.prepare(&it).await.unwrap();
    rig.decide(&it, intent);
    let path = Path::new(STATE).join(it.serial.to_string());
    let mut file = disk.open(&path, ksink_disk::Open::ReadWrite { create: false }).unwrap();
    let last = file.len().unwrap() - 1;
    file.write_at(b"X", last).unwrap();
    let done = rig.commit_decided().await;
    let [Err(refusal)] = &done[..] else { panic!("{done:?}") };
    assert!(is_local(refusal) && refusal.reason().contains("damaged"), "{refusal}");
    assert_eq!(remote.seen().len(), 0);

    disk.remove(&path).unwrap();
    let sink = over(remote, &disk);
    match Rig::resume(rig.ledger().clone(), sink, LastStop::Unclean).await.map(|_| ()) {
        Err(RecoverError::Stopped(reason)) => assert!(reason.contains("\"pay\""), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// exactly-once, Faults: a failed sync aborts; it is never retried and acknowledged.
#[tokio::test]
async fn a_transaction_whose_sync_failed_can_never_be_committed() {
    for after in [0, 1] {
        let disk = ModelDisk::new();
        let mut rig = Rig::new(over(Remote::default(), &disk));
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &["a"]).await.unwrap();
        disk.fail(after, 1, ksink_disk::Fault::Io);
        let refusal = rig.prepare(&it).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
    }
}

/// exactly-once, Transactions 1: without state in bounded memory, then in an unlinked temporary file.
#[tokio::test]
async fn without_state_large_transactions_leave_memory() {
    let (disk, remote) = (ModelDisk::new(), Remote::default());
    disk.create_folder(Path::new("/tmp")).unwrap();
    let options =
        HeldBackOptions { memory_bytes_max: 2_000, total_memory_bytes_max: 3_000, ..options(None) };
    let sink = HeldBack::new(remote.clone(), Arc::new(disk.clone()), options);
    let mut rig = Rig::new(sink);
    let transactions: Vec<_> = (0..6).map(|n| rig.begin(&format!("x{n}"))).collect();
    let long = "v".repeat(400);
    for _ in 0..4 {
        for it in &transactions[..3] {
            rig.write(Some(it), "t", &[&long]).await.unwrap();
        }
    }
    rig.write(Some(&transactions[3]), "t", &["short"]).await.unwrap();
    assert!(disk.calls() > 3, "something went to files without names");
    assert!(below(&disk, "/").is_empty() && rig.ledger().positions.is_empty());
    for it in &transactions {
        rig.commit(it).await;
    }
    assert_eq!(remote.seen().len(), 13);
}

/// exactly-once, Faults: an output of several that fails is tried again alone.
#[tokio::test]
async fn of_several_files_only_the_one_that_failed_is_written_again() {
    let disk = ModelDisk::new();
    let mut rig = Rig::new(over(files_on(&disk), &disk));
    disk.create_folder(Path::new("/out/u")).unwrap();
    let it = rig.begin("pay");
    for topic in ["t", "u"] {
        rig.write(Some(&it), topic, &["a"]).await.unwrap();
    }
    let intent = rig.prepare(&it).await.unwrap();
    rig.decide(&it, intent);
    for _ in 0..2 {
        assert!(rig.commit_decided().await[0].is_err());
        assert_eq!(below(&disk, "/out"), [("t".to_owned(), "a\n".to_owned())]);
    }
    rig.write(None, "t", &["plain"]).await.unwrap();
    let (from, to) = (Path::new("/out/u"), Path::new("/moved"));
    disk.rename(from, to, ksink_disk::Existing::Refuse).unwrap();
    assert_eq!(rig.commit_decided().await, [Ok(2)]);
    let expected = [("t", "a\nplain\n"), ("u", "a\n")];
    assert_eq!(below(&disk, "/out"), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}
