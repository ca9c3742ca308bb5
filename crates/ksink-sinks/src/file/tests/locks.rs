//! Two who would write to one file.

use super::*;

/// exactly-once, Where the state lies: each open output is locked: held by another ksink it is an error at start.
#[tokio::test]
async fn a_file_that_another_one_writes_to_cannot_be_opened_at_start() {
    let folder = tempdir().unwrap();
    let mut first = sink_in(&folder, "out");
    write(&mut first, "t", &["x"]).await;
    let path = folder.path().join("out");
    let error = open(&path).map(|_| ()).expect_err("it is locked");
    assert_eq!((error.cause.kind(), &error.path), (io::ErrorKind::ResourceBusy, &path));
    drop(first);
    open(&path).expect("nobody holds it any more");
}

/// exactly-once, Where the state lies: held by another ksink it is refused later.
#[tokio::test]
async fn a_file_that_another_one_writes_to_is_refused_later() {
    let folder = tempdir().unwrap();
    let [mut first, mut second] = [(); 2].map(|()| sink_in(&folder, "{topic}"));
    write(&mut first, "t", &["first"]).await;
    kept(first.flush().await);
    write(&mut second, "t", &["second"]).await;
    let failure = failed(second.flush().await);
    assert!(is_local(&failure.refusal) && failure.refusal.reason().contains("another process"));
    drop(first);
    write(&mut second, "t", &["second"]).await;
    kept(second.flush().await);
    check_content(&folder, "t", "first\nsecond\n");
}

#[tokio::test]
async fn a_device_belongs_to_nobody() {
    let [mut first, mut second] = [(); 2].map(|()| open("/dev/null").unwrap());
    for sink in [&mut first, &mut second] {
        write(sink, "t", &["x"]).await;
        kept(sink.flush().await);
    }
}
