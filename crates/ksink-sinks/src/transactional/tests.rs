mod simulation;

use std::path::Path;

use ksink_disk::ModelDisk;
use ksink_event::LastStop;

use super::*;
use crate::{
    rig::{Ledger, Rig, files},
    testing::is_local,
};

/// A folder for a pattern on a disk of its own.
struct Bench {
    disk: ModelDisk,
    pattern: &'static str,
    options: TransactionalOptions,
}

impl Bench {
    fn new(pattern: &'static str) -> Self {
        Self { disk: ModelDisk::new(), pattern, options: TransactionalOptions::default() }
    }

    fn with(pattern: &'static str, existing: TxnExisting) -> Self {
        let options = TransactionalOptions { existing, ..Default::default() };
        Self { options, ..Self::new(pattern) }
    }

    fn sink(&self) -> TransactionalFiles {
        sink(&self.disk, self.pattern, self.options)
    }

    fn rig(&self) -> Rig<TransactionalFiles> {
        Rig::new(self.sink())
    }

    async fn resume(&self, ledger: Ledger, last_stop: LastStop) -> Rig<TransactionalFiles> {
        Rig::resume(ledger, self.sink(), last_stop).await.expect("nothing stops it")
    }

    /// The files below the folder, as `name=content`.
    fn files(&self) -> Vec<String> {
        let files = files(&self.disk, Path::new("/out"));
        let shown = |(path, content): (PathBuf, String)| {
            let name = path.strip_prefix("/out").expect("it is below").display().to_string();
            format!("{name}={}", content.replace('\n', ","))
        };
        files.into_iter().map(shown).collect()
    }

    /// Somebody else makes a file.
    fn put(&self, path: &str, content: &str) {
        self.disk.create_folder(Path::new("/out")).unwrap();
        let how = Open::Append(ksink_disk::NamedBy::Operator);
        let mut file = self.disk.open(Path::new(path), how).unwrap();
        ksink_disk::append_all(&mut *file, content.as_bytes()).unwrap();
    }
}

fn sink(disk: &ModelDisk, pattern: &str, options: TransactionalOptions) -> TransactionalFiles {
    let pattern = TransactionPattern::new(pattern).expect("a sound pattern");
    let disk = Arc::new(disk.clone());
    TransactionalFiles::open_on(disk, pattern, Format::default(), options).expect("a folder")
}

/// exactly-once, Transactions 1: the records wait in the temp file beside the final name.
#[tokio::test]
async fn a_transaction_is_a_temporary_file_until_it_is_committed() {
    let bench = Bench::new("/out/m-{txnID}.jsonl");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    rig.write(Some(&it), "u", &["b", "c"]).await.unwrap();
    assert_eq!(bench.files(), ["m-pay.jsonl.tmp=a,b,c,"]);
    assert_eq!(rig.commit(&it).await, 3);
    assert_eq!(bench.files(), ["m-pay.jsonl=a,b,c,"]);
    assert_eq!(rig.ledger().positions.len(), 0, "{:?}", rig.ledger().positions);
}

/// exactly-once, Transactions 8: aborted records are never visible.
#[tokio::test]
async fn an_aborted_transaction_leaves_nothing() {
    let bench = Bench::new("/out/m-{txnID}.jsonl");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    rig.abort(&it).await;
    assert_eq!(bench.files(), [""; 0]);
    assert_eq!(rig.ledger().positions.len(), 1, "the loss of power could bring it back");
    let next = rig.begin("other");
    rig.commit(&next).await;
    assert!(rig.ledger().positions.is_empty(), "its name was synced");
}

/// exactly-once, Transactions 2: with `{topic}` a transaction has a file for each, and all are committed.
#[tokio::test]
async fn a_transaction_has_a_file_for_each_topic() {
    let bench = Bench::new("/out/{topic}/{txnID}");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    for topic in ["t", "u", "t"] {
        rig.write(Some(&it), topic, &[topic]).await.unwrap();
    }
    rig.commit(&it).await;
    assert_eq!(bench.files(), ["t/pay=t,t,", "u/pay=u,"]);
}

/// Records outside of a transaction have no file to go to, and are refused for good.
#[tokio::test]
async fn records_outside_of_a_transaction_are_refused_for_good() {
    let mut rig = Bench::new("/out/{txnID}").rig();
    let refusal = rig.write(None, "t", &["a"]).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
}

/// exactly-once, Names: the first commit renames, later ones append.
#[tokio::test]
async fn later_transactions_of_an_id_are_added_to_its_file() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    for value in ["a", "b", "c"] {
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &[value]).await.unwrap();
        rig.commit(&it).await;
    }
    assert_eq!(bench.files(), ["pay=a,b,c,", "pay.tmp=c,"], "the next commit deletes what is left");
    let other = rig.begin("other");
    rig.commit(&other).await;
    assert_eq!(bench.files(), ["pay=a,b,c,"]);
    let other = rig.begin("other");
    rig.commit(&other).await;
    assert!(rig.ledger().positions.is_empty(), "{:?}", rig.ledger().positions);
}

/// exactly-once, Transactions 4: what the intent names is deleted only when the acceptance is synced.
#[tokio::test]
async fn a_commit_that_was_prepared_before_deletes_nothing() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    bench.put("/out/pay", "old\n");
    let [pay, other] = [rig.begin("pay"), rig.begin("other")];
    rig.write(Some(&pay), "t", &["a"]).await.unwrap();
    let intent = rig.prepare(&other).await.unwrap();
    rig.commit(&pay).await;
    rig.decide(&other, intent);
    rig.commit_decided().await;
    assert_eq!(bench.files(), ["pay=old,a,", "pay.tmp=a,"]);
}

/// exactly-once, Names: `suffix` takes the next free name.
#[tokio::test]
async fn a_suffix_counts() {
    let bench = Bench::with("/out/{txnID}.x", TxnExisting::Suffix);
    let mut rig = bench.rig();
    for value in ["a", "b", "c"] {
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &[value]).await.unwrap();
        rig.commit(&it).await;
    }
    assert_eq!(bench.files(), ["pay.1.x=b,", "pay.2.x=c,", "pay.x=a,"]);
}

#[tokio::test]
async fn two_transactions_are_not_promised_one_name() {
    let bench = Bench::with("/out/{txnID}.x", TxnExisting::Suffix);
    bench.put("/out/pay.x", "old\n");
    let mut rig = bench.rig();
    let [pay, other] = [rig.begin("pay"), rig.begin("pay.1")];
    for it in [&pay, &other] {
        rig.write(Some(it), "t", &[&it.id]).await.unwrap();
    }
    for it in [&pay, &other] {
        let intent = rig.prepare(it).await.unwrap();
        rig.decide(it, intent);
    }
    assert_eq!(rig.commit_decided().await, [Ok(1), Ok(1)]);
    assert_eq!(bench.files(), ["pay.1.1.x=pay.1,", "pay.1.x=pay,", "pay.x=old,"]);
}

/// exactly-once, Names: with `fail` a second commit is rejected.
#[tokio::test]
async fn a_second_commit_can_be_refused_for_good() {
    let bench = Bench::with("/out/{txnID}", TxnExisting::Fail);
    let mut rig = bench.rig();
    let first = rig.begin("pay");
    rig.write(Some(&first), "t", &["a"]).await.unwrap();
    rig.commit(&first).await;
    let second = rig.begin("pay");
    rig.write(Some(&second), "t", &["b"]).await.unwrap();
    let refusal = rig.prepare(&second).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
    rig.abort(&second).await;
    assert_eq!(bench.files(), ["pay=a,"]);
}

/// exactly-once, Names: `replace` replaces.
#[tokio::test]
async fn a_later_transaction_can_take_the_place_of_an_earlier_one() {
    let bench = Bench::with("/out/{txnID}", TxnExisting::Replace);
    let mut rig = bench.rig();
    for value in ["a", "b"] {
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &[value]).await.unwrap();
        rig.commit(&it).await;
    }
    assert_eq!(bench.files(), ["pay=b,"]);
}

/// exactly-once, Names: `{txnSeq}` counts per id, from 1, 20 digits, committed ones only.
#[tokio::test]
async fn a_number_counts_the_committed_transactions_of_an_id() {
    let bench = Bench::new("/out/{txnID}-{txnSeq}");
    let mut rig = bench.rig();
    for (id, value, commits) in
        [("x", "a", true), ("x", "b", false), ("y", "c", true), ("x", "d", true)]
    {
        let it = rig.begin(id);
        rig.write(Some(&it), "t", &[value]).await.unwrap();
        if commits { assert_eq!(rig.commit(&it).await, 1) } else { rig.abort(&it).await }
    }
    let name = |id: &str, seq: u64, value: &str| format!("{id}-{seq:020}={value},");
    assert_eq!(bench.files(), [name("x", 1, "a"), name("x", 2, "d"), name("y", 1, "c")]);
    let mut rig = bench.resume(rig.close().await, LastStop::Clean).await;
    bench.put("/out/x-00000000000000000003", "foreign\n");
    let it = rig.begin("x");
    rig.write(Some(&it), "t", &["e"]).await.unwrap();
    rig.commit(&it).await;
    assert!(bench.files().contains(&name("x", 4, "e")), "{:?}", bench.files());
    let next = rig.begin("x");
    rig.write(Some(&next), "t", &["f"]).await.unwrap();
    rig.commit(&next).await;
    assert!(bench.files().contains(&name("x", 5, "f")), "{:?}", bench.files());
}

/// exactly-once, Names: claims and numbers are limited.
#[tokio::test]
async fn what_is_remembered_of_ids_does_not_grow_without_end() {
    let mut bench = Bench::new("/out/{txnID}-{txnSeq}");
    bench.options.names_max = 2;
    let mut rig = bench.rig();
    for id in ["x", "y", "z", "x"] {
        let it = rig.begin(id);
        rig.write(Some(&it), "t", &[id]).await.unwrap();
        rig.commit(&it).await;
    }
    assert_eq!(rig.ledger().positions.len(), 2);
    let name = |id: &str, seq: u64| format!("{id}-{seq:020}={id},");
    assert_eq!(bench.files(), [name("x", 1), name("x", 2), name("y", 1), name("z", 1)]);
}

/// exactly-once, Names: a path belongs to one id and one topic; a second claimant is refused with 87.
#[tokio::test]
async fn a_name_belongs_to_one_id_and_topic() {
    let bench = Bench::new("/out/{topic}-{txnID}.x");
    let mut rig = bench.rig();
    let first = rig.begin("c");
    rig.write(Some(&first), "a-b", &["1"]).await.unwrap();
    rig.commit(&first).await;
    let mut rig = bench.resume(rig.close().await, LastStop::Clean).await;
    let second = rig.begin("b-c");
    let refusal = rig.write(Some(&second), "a", &["2"]).await.unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Rejected { reason } if reason.contains("\"c\"")),
        "{refusal}"
    );
    let third = rig.begin("c");
    rig.write(Some(&third), "a-b", &["3"]).await.unwrap();
    rig.commit(&third).await;
    assert!(bench.files().contains(&"a-b-c.x=1,3,".to_owned()));
}

/// exactly-once, Names: what is no regular file makes Prepare Unavailable.
#[tokio::test]
async fn a_folder_in_the_way_keeps_the_transaction_open() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    bench.disk.create_folder(Path::new("/out/pay")).unwrap();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let refusal = rig.prepare(&it).await.unwrap_err();
    assert!(is_local(&refusal), "{refusal}");
    bench
        .disk
        .rename(Path::new("/out/pay"), Path::new("/moved"), ksink_disk::Existing::Refuse)
        .unwrap();
    rig.commit(&it).await;
    assert_eq!(bench.files(), ["pay=a,"]);
}

/// exactly-once, Names: what appears between Prepare and Commit is a wait; at start it stops, naming both files.
#[tokio::test]
async fn what_appears_before_a_rename_is_waited_for() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let intent = rig.prepare(&it).await.unwrap();
    bench.put("/out/pay", "foreign\n");
    rig.decide(&it, intent);
    let done = rig.commit_decided().await;
    let [Err(refusal)] = &done[..] else { panic!("{done:?}") };
    assert!(is_local(refusal), "{refusal}");
    assert_eq!(bench.files(), ["pay=foreign,", "pay.tmp=a,"]);

    let ledger = rig.close().await;
    for last_stop in [LastStop::Clean, LastStop::Unclean, LastStop::Rebooted] {
        match Rig::resume(ledger.clone(), bench.sink(), last_stop).await.map(|_| ()) {
            Err(RecoverError::Stopped(reason)) => {
                assert!(
                    reason.contains("/out/pay.tmp ") && reason.contains("/out/pay "),
                    "{reason}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    bench.disk.remove(Path::new("/out/pay")).unwrap();
    let mut rig = bench.resume(ledger, LastStop::Clean).await;
    assert_eq!(bench.files(), ["pay=a,"]);
    assert!(rig.commit_decided().await.is_empty(), "it was applied at start");
}

/// exactly-once, Start and stop: a temp name that no frame holds is foreign, and what needs it is refused (56).
#[tokio::test]
async fn a_foreign_temporary_file_stays() {
    let bench = Bench::new("/out/{txnID}");
    bench.put("/out/pay.tmp", "foreign\n");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    let refusal = rig.write(Some(&it), "t", &["a"]).await.unwrap_err();
    assert!(is_local(&refusal), "{refusal}");
    assert_eq!(bench.files(), ["pay.tmp=foreign,"]);
    bench.disk.remove(Path::new("/out/pay.tmp")).unwrap();
    rig.write(Some(&it), "t", &["b"]).await.unwrap();
    rig.commit(&it).await;
    assert_eq!(bench.files(), ["pay=b,"]);
}

/// exactly-once, Start and stop: open transactions go on, cut to what was framed.
#[tokio::test]
async fn an_open_transaction_goes_on_after_a_kill() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let ledger = rig.ledger().clone();
    rig.write(Some(&it), "t", &["not framed"]).await.unwrap();
    let mut rig = bench.resume(ledger, LastStop::Unclean).await;
    rig.write(Some(&it), "t", &["b"]).await.unwrap();
    rig.commit(&it).await;
    assert_eq!(bench.files(), ["pay=a,b,"]);
}

/// exactly-once, Start and stop: after a reboot every open transaction is aborted.
#[tokio::test]
async fn an_open_transaction_ends_with_the_machine() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let mut rig = bench.resume(rig.ledger().clone(), LastStop::Rebooted).await;
    assert!(rig.ledger().open.is_empty());
    rig.abort_given_up().await;
    assert_eq!(bench.files(), [""; 0]);
}

/// exactly-once, Start and stop: an open transaction whose temp file is gone is lost.
#[tokio::test]
async fn an_open_transaction_whose_file_somebody_took_is_lost() {
    let bench = Bench::new("/out/{txnID}");
    for take in [
        |bench: &Bench| bench.disk.remove(Path::new("/out/pay.tmp")).unwrap(),
        |bench: &Bench| {
            bench.disk.remove(Path::new("/out/pay.tmp")).unwrap();
            bench.put("/out/pay.tmp", "foreign\n");
        },
    ] {
        let mut rig = bench.rig();
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &["a"]).await.unwrap();
        take(&bench);
        let mut rig = bench.resume(rig.ledger().clone(), LastStop::Unclean).await;
        assert!(rig.ledger().aborted.contains_key(&it.serial));
        assert_eq!(rig.abort_given_up().await, [Ok(())]);
        let next = rig.begin("other");
        rig.commit(&next).await;
        assert!(rig.ledger().positions.is_empty());
    }
    assert_eq!(bench.files(), ["pay.tmp=foreign,"], "foreign files are never deleted");
}

/// exactly-once, Plain records 3, for temporary files: an empty file under a name framed as absent is ours, one
/// with bytes is foreign.
#[tokio::test]
async fn a_file_that_was_made_and_not_framed_is_ours_while_it_is_empty() {
    for (content, left) in [("", vec![]), ("foreign\n", vec!["pay.tmp=foreign,"])] {
        let bench = Bench::new("/out/{txnID}");
        let mut rig = bench.rig();
        let it = rig.begin("pay");
        rig.limit_frames(1);
        rig.write(Some(&it), "t", &["a"]).await.unwrap_err();
        bench.put("/out/pay.tmp", content);
        let mut rig = bench.resume(rig.ledger().clone(), LastStop::Unclean).await;
        assert_eq!(bench.files(), left);
        rig.abort(&it).await;
        let next = rig.begin("other");
        rig.commit(&next).await;
        assert!(rig.ledger().positions.is_empty());
    }
}

/// exactly-once, Start and stop: a decided append whose file was moved, removed or shortened goes to the name as it is
/// now; one whose file was only added to goes behind that.
#[tokio::test]
async fn a_decided_append_goes_to_the_name_as_it_is() {
    type Act = fn(&Bench);
    let acts: [(Act, &[&str]); 4] = [
        (|bench| bench.put("/out/pay", "foreign\n"), &["pay=old,foreign,a,"]),
        (
            |bench| {
                let (pay, moved) = (Path::new("/out/pay"), Path::new("/moved"));
                bench.disk.rename(pay, moved, ksink_disk::Existing::Refuse).unwrap();
            },
            &["pay=a,"],
        ),
        (
            |bench| {
                bench.disk.remove(Path::new("/out/pay")).unwrap();
                bench.put("/out/pay", "n\n");
            },
            &["pay=n,a,"],
        ),
        (
            |bench| {
                let how = Open::ReadWrite { create: false };
                bench.disk.open(Path::new("/out/pay"), how).unwrap().set_len(2).unwrap();
            },
            &["pay=ola,"],
        ),
    ];
    for (act, expected) in acts {
        for restarts in [false, true] {
            let bench = Bench::new("/out/{txnID}");
            bench.put("/out/pay", "old\n");
            let mut rig = bench.rig();
            let it = rig.begin("pay");
            rig.write(Some(&it), "t", &["a"]).await.unwrap();
            let intent = rig.prepare(&it).await.unwrap();
            rig.decide(&it, intent);
            act(&bench);
            if restarts {
                rig = bench.resume(rig.close().await, LastStop::Clean).await;
            }
            rig.commit_decided().await;
            assert!(rig.ledger().decided.is_empty());
            let other = rig.begin("other");
            rig.commit(&other).await;
            assert_eq!(bench.files(), expected, "restarts: {restarts}");
        }
    }
}

/// exactly-once, Start and stop: a decided rename whose temp file is gone is done.
#[tokio::test]
async fn a_decided_rename_whose_file_somebody_took_is_done() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let intent = rig.prepare(&it).await.unwrap();
    rig.decide(&it, intent);
    let (from, to) = (Path::new("/out/pay.tmp"), Path::new("/taken"));
    bench.disk.rename(from, to, ksink_disk::Existing::Refuse).unwrap();
    let rig = bench.resume(rig.ledger().clone(), LastStop::Unclean).await;
    assert!(rig.ledger().decided.is_empty() && rig.ledger().positions.is_empty());
}

/// exactly-once, Faults: a failed sync aborts; it is never retried and acknowledged.
#[tokio::test]
async fn a_transaction_whose_sync_failed_can_never_be_committed() {
    for after in [0, 1] {
        let bench = Bench::new("/out/{txnID}");
        let mut rig = bench.rig();
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &["a"]).await.unwrap();
        // The file's sync, then the folder's.
        bench.disk.fail(after, 1, ksink_disk::Fault::Io);
        let refusal = rig.prepare(&it).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
        rig.abort(&it).await;
        assert_eq!(bench.files(), [""; 0]);
    }
}

/// What begins together waits for the server together.
#[tokio::test]
async fn many_transactions_begin_with_two_reports() {
    let bench = Bench::new("/out/{txnID}");
    let mut rig = bench.rig();
    let transactions: Vec<_> = (0..20).map(|n| rig.begin(&format!("x{n}"))).collect();
    rig.write_together(&transactions).await;
    assert_eq!((rig.reports(), bench.files().len()), (2, 20));
    rig.write_together(&transactions).await;
    assert_eq!(rig.reports(), 2);
    for it in &transactions {
        rig.commit(it).await;
    }
    assert!(bench.files().iter().all(|file| file.ends_with("=together,together,")));
}

/// exactly-once, Transactions 4: a commit is repeated until it is accepted, and doing it twice does no more.
#[tokio::test]
async fn a_commit_that_is_asked_for_again_does_nothing_more() {
    let bench = Bench::new("/out/{txnID}");
    bench.put("/out/pay", "old\n");
    let mut rig = bench.rig();
    let it = rig.begin("pay");
    rig.write(Some(&it), "t", &["a"]).await.unwrap();
    let intent = rig.prepare(&it).await.unwrap();
    rig.decide(&it, intent.clone());
    assert_eq!(rig.commit_decided().await, [Ok(1)]);
    rig.decide(&it, intent);
    assert_eq!(rig.commit_decided().await, [Ok(0)]);
    assert_eq!(bench.files(), ["pay=old,a,", "pay.tmp=a,"]);
}

/// Kill after the append, before the acceptance is framed: at the restart it is done once.
#[tokio::test]
async fn an_append_that_was_not_framed_is_not_done_twice() {
    for last_stop in [LastStop::Clean, LastStop::Unclean] {
        let bench = Bench::new("/out/{txnID}");
        bench.put("/out/pay", "old\n");
        let mut rig = bench.rig();
        let it = rig.begin("pay");
        rig.write(Some(&it), "t", &["a"]).await.unwrap();
        let intent = rig.prepare(&it).await.unwrap();
        rig.decide(&it, intent);
        let ledger = rig.ledger().clone();
        rig.commit_decided().await;
        let mut rig = bench.resume(ledger, last_stop).await;
        assert!(rig.ledger().decided.is_empty());
        let other = rig.begin("other");
        rig.commit(&other).await;
        assert_eq!(bench.files(), ["pay=old,a,"]);
    }
}
