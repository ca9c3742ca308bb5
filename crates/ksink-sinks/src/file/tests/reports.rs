//! What the server remembers before the first byte.

use std::{
    io::Write,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use ksink_event::{Answer, Answers, DeliveryId};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;

/// A duty to answer, and the server that hears what is said about it.
fn ack_and_server() -> (Ack, UnboundedReceiver<Answer>) {
    let (answers, heard) = Answers::new();
    (answers.expect(DeliveryId(1), None), heard)
}

fn poll<F: Future>(work: Pin<&mut F>) -> Option<F::Output> {
    match work.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// The one position that was reported, and its name. The reporter is told that it is remembered.
#[track_caller]
fn reported(heard: &mut UnboundedReceiver<Answer>) -> (String, FilePosition) {
    let Ok(Answer::Reported { positions, framed, .. }) = heard.try_recv() else {
        panic!("nothing was reported");
    };
    framed.say();
    let [position] = positions.try_into().expect("one position");
    let parsed = FilePosition::parse(bytes_of(&position)).expect("a file's position");
    (position.output.to_string(), parsed)
}

/// Writes to a topic, and returns the positions that were reported meanwhile.
fn write_and_hear(sink: &mut FileSink, topic: &str) -> Vec<FilePosition> {
    let (ack, mut heard) = ack_and_server();
    let set = values(topic, &["x"]);
    let mut positions = Vec::new();
    let mut work = pin!(sink.write(&set, &ack));
    loop {
        match poll(work.as_mut()) {
            Some(written) => {
                written.expect("it is written");
                return positions;
            }
            None => positions.push(reported(&mut heard).1),
        }
    }
}

fn length(position: FilePosition) -> Option<u64> {
    match position {
        FilePosition::At { length, .. } => Some(length),
        FilePosition::Absent => None,
    }
}

/// exactly-once, Plain records 3: a new one is reported absent, created, reported with identity and length 0; only
/// then comes the first byte.
#[test]
fn a_new_file_is_remembered_twice_before_its_first_byte() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("new/t");
    let mut sink = sink_in(&folder, "new/{topic}");
    let (ack, mut heard) = ack_and_server();
    let large = values("t", &[&large()]);
    let mut work = pin!(sink.write(&large, &ack));

    assert!(poll(work.as_mut()).is_none(), "it waits until the server remembers");
    assert!(!path.exists());
    assert_eq!(reported(&mut heard), ("t".to_owned(), FilePosition::Absent));

    assert!(poll(work.as_mut()).is_none());
    assert_eq!(fs::read(&path).unwrap(), b"");
    let (name, position) = reported(&mut heard);
    assert_eq!((name.as_str(), length(position)), ("t", Some(0)));

    assert!(poll(work.as_mut()).is_some_and(|written| written.is_ok()));
    assert!(!fs::read(&path).unwrap().is_empty(), "now it may grow");
}

/// exactly-once, Plain records 3: before the first byte into an output after each opening.
#[tokio::test]
async fn a_file_is_reported_when_it_is_opened_and_not_when_it_is_written_to() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a"), "old\n").unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    let lengths = |positions: Vec<_>| positions.into_iter().map(length).collect::<Vec<_>>();
    assert_eq!(lengths(write_and_hear(&mut sink, "a")), [Some(4)]);
    assert!(write_and_hear(&mut sink, "a").is_empty());
    assert_eq!(lengths(write_and_hear(&mut sink, "b")), [None, Some(0)], "absent, and empty");
}

/// exactly-once, Plain records 3: what a flush told of a file is what the server remembers, or what it is going to:
/// to report it would run ahead of what is accepted.
#[tokio::test]
async fn a_file_that_is_opened_again_where_it_was_left_is_not_reported_again() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 1;
    for flush in [true, true, false, false] {
        for topic in ["a", "b"] {
            let opened_before = folder.path().join(topic).exists();
            assert_eq!(write_and_hear(&mut sink, topic).is_empty(), opened_before);
        }
        if flush {
            kept(sink.flush().await);
        }
    }
}

/// exactly-once, Plain records 3: what others appended or replaced between two openings is theirs.
#[tokio::test]
async fn a_file_that_others_changed_is_reported_when_it_is_opened_again() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 1;
    for (content, replace, expected) in [("x\nmore\n", false, 7), ("another\n", true, 8)] {
        write_and_hear(&mut sink, "a");
        kept(sink.flush().await);
        write_and_hear(&mut sink, "b");
        kept(sink.flush().await);
        if replace {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, content).unwrap();
        let reported = write_and_hear(&mut sink, "a");
        assert_eq!(reported.into_iter().filter_map(length).collect::<Vec<_>>(), [expected]);
    }
}

/// exactly-once, Start and stop: what a recovery found is what the server remembers.
#[tokio::test]
async fn a_file_that_was_recovered_is_not_reported_again() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    write_and_hear(&mut sink, "a");
    let positions = kept(sink.flush().await);
    drop(sink);
    for (appended, reports) in [("", 0), ("more\n", 1)] {
        let mut sink = sink_in(&folder, "{topic}");
        let held = Held { positions: positions.clone(), ..Held::default() };
        sink.recover(&held).await.unwrap();
        let mut file = File::options().append(true).open(folder.path().join("a")).unwrap();
        file.write_all(appended.as_bytes()).unwrap();
        assert_eq!(write_and_hear(&mut sink, "a").len(), reports, "{appended}");
    }
}

/// What the server remembers must not cover what it did not accept yet.
#[tokio::test]
async fn a_file_that_others_changed_within_a_group_is_remembered_as_before_the_group() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    sink.options.open_files_max = 1;
    write_and_hear(&mut sink, "a");
    write_and_hear(&mut sink, "b");
    fs::write(folder.path().join("a"), "x\nmore\n").unwrap();
    assert!(write_and_hear(&mut sink, "a").is_empty());
    kept(sink.flush().await);
}

#[tokio::test]
async fn nothing_is_made_while_the_server_cannot_remember_it() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "t");
    let (ack, heard) = ack_and_server();
    drop(heard);
    sink.write(&values("t", &["x"]), &ack).await.unwrap();
    assert!(is_local(&failed(sink.flush().await).refusal));
    assert!(!folder.path().join("t").exists());
    write(&mut sink, "t", &["y"]).await;
    kept(sink.flush().await);
    check_content(&folder, "t", "y\n");
}

/// exactly-once, Plain records 3: what appears under a name that was remembered as absent is foreign if it holds
/// something: it is kept, and appended to.
#[test]
fn what_somebody_else_makes_meanwhile_is_appended_to() {
    let folder = tempdir().unwrap();
    let mut sink = sink_in(&folder, "{topic}");
    let (ack, mut heard) = ack_and_server();
    let set = values("t", &["x"]);
    let mut work = pin!(sink.write(&set, &ack));
    assert!(poll(work.as_mut()).is_none());
    fs::write(folder.path().join("t"), "old\n").unwrap();
    assert_eq!(reported(&mut heard).1, FilePosition::Absent);
    assert!(poll(work.as_mut()).is_none());
    assert_eq!(length(reported(&mut heard).1), Some(4));
    assert!(poll(work.as_mut()).is_some());
}
