//! What the loss of power leaves.

use std::sync::Arc;

use ksink_disk::{Crash, Disk, Fault, ModelDisk, Open, read_to_end};

use ksink_event::Transaction;

use super::*;

fn sink_on(disk: &ModelDisk, durability: Durability) -> FileSink {
    let options = FileOptions { durability, ..Default::default() };
    let pattern = PathPattern::new("/new/out/{topic}");
    FileSink::open_on(Arc::new(disk.clone()), pattern, Format::default(), options).unwrap()
}

/// What a file holds, if there is one.
fn content(disk: &ModelDisk, topic: &str) -> Option<String> {
    let file = disk.open(format!("/new/out/{topic}").as_ref(), Open::Read).ok()?;
    Some(String::from_utf8(read_to_end(&*file, 0).unwrap()).unwrap())
}

/// exactly-once, Levels: at power a batch is answered after the outputs' fdatasync, entries of new files and folders
/// too.
#[tokio::test]
async fn what_was_flushed_survives_the_loss_of_power_with_its_names() {
    let disk = ModelDisk::new();
    let mut sink = sink_on(&disk, Durability::Power);
    for topic in ["a", "b", "c"] {
        write(&mut sink, topic, &["x"]).await;
    }
    kept(sink.flush().await);
    for seed in 0..10 {
        disk.crash(Crash::PowerCut { seed });
    }
    for topic in ["a", "b", "c"] {
        assert_eq!(content(&disk, topic).as_deref(), Some("x\n"));
    }
}

#[tokio::test]
async fn syncs_are_made_at_power_only_and_names_once() {
    for (durability, expected) in [
        // A file; the file, its folder and the two above.
        (Durability::Process, [2, 1]),
        (Durability::None, [2, 1]),
        (Durability::Power, [2 + 1 + 3, 2]),
    ] {
        let disk = ModelDisk::new();
        let mut sink = sink_on(&disk, durability);
        for calls in expected {
            let before = disk.calls();
            write(&mut sink, "t", &["x"]).await;
            kept(sink.flush().await);
            assert_eq!(disk.calls() - before, calls, "{durability:?}");
        }
    }
}

/// exactly-once, Levels: only the commit of a transaction syncs, at process too; none skips it.
#[tokio::test]
async fn records_of_a_transaction_are_synced_at_process_too() {
    for (durability, survives) in [(Durability::Process, true), (Durability::None, false)] {
        let disk = ModelDisk::new();
        let mut sink = sink_on(&disk, durability);
        let before = disk.calls();
        let mut set = values("t", &["x"]);
        set.transaction = Some(Arc::new(Transaction { id: "id".into(), serial: 1 }));
        sink.write(&set, &remembered()).await.unwrap();
        kept(sink.flush().await);
        let after_transaction = disk.calls();
        assert_eq!(after_transaction - before > 2, survives, "{durability:?}: synced");
        write(&mut sink, "t", &["plain"]).await;
        kept(sink.flush().await);
        assert_eq!(disk.calls() - after_transaction, 1, "a plain record is only written");
    }
}

/// exactly-once, Faults: a failed sync of an output is cut back and refused; never retried and acknowledged. What an
/// earlier one covered stays.
#[tokio::test]
async fn after_a_failed_sync_the_group_is_cut_and_the_file_opened_anew() {
    let disk = ModelDisk::new();
    let mut sink = sink_on(&disk, Durability::Power);
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    let first = write(&mut sink, "t", &["lost"]).await;
    disk.fail(1, 1, Fault::Io);
    let failure = failed(sink.flush().await);
    assert!(is_local(&failure.refusal) && failure.refusal.reason().contains("cannot sync"));
    assert_eq!(content(&disk, "t").as_deref(), Some("good\n"));
    assert_ne!(write(&mut sink, "t", &["more"]).await, first, "it is another opening");
    kept(sink.flush().await);
    disk.crash(Crash::PowerCut { seed: 1 });
    assert_eq!(content(&disk, "t").as_deref(), Some("good\nmore\n"));
}

/// exactly-once, Faults: a failed sync of an output: the name of a new file is a part of it.
#[tokio::test]
async fn a_group_whose_files_name_cannot_be_synced_is_refused() {
    let disk = ModelDisk::new();
    let mut sink = sink_on(&disk, Durability::Power);
    write(&mut sink, "t", &["x"]).await;
    // The write and the file's sync go well.
    disk.fail(2, 1, Fault::Io);
    let failure = failed(sink.flush().await);
    assert!(failure.refusal.reason().contains("cannot sync"), "{}", failure.refusal);
    assert_eq!(content(&disk, "t").as_deref(), Some(""));
}

/// exactly-once, Plain records 4: while a cut fails that output refuses everything.
#[tokio::test]
async fn a_file_of_which_sync_and_cut_failed_takes_nothing_until_it_is_cut() {
    let disk = ModelDisk::new();
    let mut sink = sink_on(&disk, Durability::Power);
    write(&mut sink, "t", &["good"]).await;
    kept(sink.flush().await);
    write(&mut sink, "t", &["lost"]).await;
    disk.fail(1, 3, Fault::Io);
    for said in ["cannot sync", "cannot cut"] {
        let failure = failed(sink.flush().await);
        assert!(failure.refusal.reason().contains(said), "{}", failure.refusal);
        write(&mut sink, "t", &["more"]).await;
    }
    kept(sink.flush().await);
    assert_eq!(content(&disk, "t").as_deref(), Some("good\nmore\n"));
}

/// exactly-once, Start and stop: a clean stop cuts back a half-done append and syncs outputs, whether or not they are
/// open still.
#[tokio::test]
async fn a_clean_stop_cuts_what_was_not_flushed_and_syncs_the_rest() {
    let disk = ModelDisk::new();
    let mut sink = sink_on(&disk, Durability::Process);
    sink.options.open_files_max = 1;
    for topic in ["a", "b"] {
        write(&mut sink, topic, &["good"]).await;
    }
    kept(sink.flush().await);
    write(&mut sink, "b", &[&large()]).await;
    assert!(content(&disk, "b").is_some_and(|content| content.len() > 5), "a part is there");
    sink.close().await.expect("nothing fails");
    disk.crash(Crash::PowerCut { seed: 1 });
    for topic in ["a", "b"] {
        assert_eq!(content(&disk, topic).as_deref(), Some("good\n"), "{topic}");
    }
}

/// exactly-once, Start and stop: a stop is clean if the half-done append is cut and outputs are synced.
#[tokio::test]
async fn a_stop_is_not_clean_if_something_cannot_be_cut_or_synced() {
    for after in 0..6 {
        let disk = ModelDisk::new();
        let mut sink = sink_on(&disk, Durability::Process);
        write(&mut sink, "t", &[&large()]).await;
        // The cut, the file, its folder and the two above; and all goes well.
        disk.fail(after, 1, Fault::Io);
        assert_eq!(sink.close().await.is_ok(), after > 4, "call {after}");
    }
}

#[tokio::test]
async fn many_files_are_synced_at_once() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.durability = Durability::Power;
    sink.options.syncs_at_once = 4;
    for topic in 0..10 {
        write(&mut sink, &topic.to_string(), &["x"]).await;
    }
    assert_eq!(kept(sink.flush().await).len(), 10);
    for topic in 0..10 {
        check_content(&folder, &topic.to_string(), "x\n");
    }
}
