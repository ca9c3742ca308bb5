//! Each fault, between a client and a server that answers everything at once. Nothing here waits for time to
//! pass: an end of a stream says when there is nothing more to come.

mod stage;

use std::time::Duration;

use ksink_proxy::{Counts, Ending, Fault};
use tokio::time::Instant;

use self::stage::{Heard, Stage};

#[tokio::test]
async fn without_faults_everything_passes_in_its_order() {
    let mut stage = Stage::open([]).await;
    let mut client = stage.connect().await;
    client.send(&[1, 2, 3]).await;
    assert_eq!(client.hear_all(3).await, [1, 2, 3]);
    client.hang_up().await;
    assert_eq!(stage.heard(4).await, [asked(0, 1), asked(0, 2), asked(0, 3), Heard::Ended(0)]);
    let expected =
        Counts { connections: 1, requests: 3, records: 6, replies: 3, ..Counts::default() };
    assert_eq!(stage.counts(), expected);
}

#[tokio::test]
async fn a_reply_is_lost_after_the_server_has_done_the_work() {
    for ending in [Ending::Fin, Ending::Rst] {
        let mut stage = Stage::open([Fault::None, Fault::DropReply(ending)]).await;
        let mut client = stage.connect().await;
        client.send(&[1, 2]).await;
        assert_eq!(client.hear_all(1).await, [1]);
        assert_eq!(client.hear_end().await, (Vec::new(), ending));
        assert_eq!(stage.heard(2).await, [asked(0, 1), asked(0, 2)]);
        assert_eq!(
            (stage.counts().replies, stage.counts().dropped_replies, stage.counts().cuts()),
            (1, 1, 1)
        );
    }
}

#[tokio::test]
async fn half_of_a_reply_passes() {
    let mut stage = Stage::open([Fault::HalfReply(Ending::Fin)]).await;
    let mut client = stage.connect().await;
    client.send(&[1]).await;
    let (rest, ending) = client.hear_end().await;
    assert_eq!(
        (rest, ending),
        (stage::reply(1)[..stage::reply(1).len() / 2].to_vec(), Ending::Fin)
    );
    assert_eq!(stage.heard(1).await, [asked(0, 1)]);
    assert_eq!(
        (stage.counts().replies, stage.counts().half_replies, stage.counts().cuts()),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn a_request_is_delivered_although_its_connection_is_cut_at_once() {
    for ending in [Ending::Fin, Ending::Rst] {
        let mut stage = Stage::open([Fault::DeliverAndCut(ending)]).await;
        let mut client = stage.connect().await;
        client.send(&[1]).await;
        assert_eq!(client.hear_end().await, (Vec::new(), ending));
        assert_eq!(stage.heard(2).await, [asked(0, 1), Heard::Ended(0)]);
        assert_eq!((stage.counts().delivered_and_cut, stage.counts().cuts()), (1, 1));
    }
}

#[tokio::test]
async fn after_a_cut_the_client_comes_again_and_gets_through() {
    let stage = Stage::open([Fault::DropReply(Ending::Fin)]).await;
    let mut client = stage.connect().await;
    client.send(&[1]).await;
    client.hear_end().await;
    let mut client = stage.connect().await;
    client.send(&[1]).await;
    assert_eq!(client.hear_all(1).await, [1]);
    assert_eq!((stage.counts().connections, stage.counts().requests), (2, 2));
}

#[tokio::test]
async fn a_duplicate_comes_on_another_connection_once_its_predecessors_are_answered() {
    let mut stage = Stage::open([Fault::None, Fault::Duplicate]).await;
    let mut client = stage.connect().await;
    client.send(&[1, 2, 3]).await;
    assert_eq!(client.hear_all(3).await, [1, 2, 3]);
    client.hang_up().await;
    let heard = stage.heard(6).await;
    let at = |wanted| heard.iter().position(|heard| *heard == wanted).unwrap();
    assert!(at(asked(1, 2)) > at(asked(0, 1)), "{heard:?}");
    assert_eq!(heard.iter().filter(|heard| **heard == asked(0, 2)).count(), 1);
    let counts = stage.counts();
    assert_eq!((counts.requests, counts.duplicates, counts.duplicates_accepted), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_makes_all_that_follow_late_and_keeps_the_order() {
    let mut stage = Stage::open([Fault::Delay(Duration::from_secs(3600))]).await;
    let mut client = stage.connect().await;
    let start = Instant::now();
    client.send(&[1, 2]).await;
    assert_eq!(client.hear_all(2).await, [1, 2]);
    assert!(start.elapsed() >= Duration::from_secs(3600));
    assert_eq!(stage.heard(2).await, [asked(0, 1), asked(0, 2)]);
    assert_eq!(stage.counts().delays, 1);
}

#[tokio::test]
async fn a_black_hole_swallows_a_request_and_all_that_follow() {
    let mut stage = Stage::open([Fault::None, Fault::BlackHole]).await;
    let mut client = stage.connect().await;
    client.send(&[1]).await;
    assert_eq!(client.hear_all(1).await, [1]);
    client.send(&[2, 3]).await;
    client.hang_up().await;
    assert_eq!(client.hear_end().await, (Vec::new(), Ending::Fin));
    assert_eq!(stage.heard(2).await, [asked(0, 1), Heard::Ended(0)]);
    assert_eq!((stage.counts().requests, stage.counts().black_holes), (2, 1));
}

#[tokio::test]
async fn what_wants_no_answer_and_what_does_not_produce_meets_no_fault() {
    let mut stage = Stage::open([Fault::BlackHole]).await;
    let mut client = stage.connect().await;
    client.send_unanswered(1).await;
    client.send_api_versions(2).await;
    assert_eq!(client.hear_all(1).await, [2]);
    client.hang_up().await;
    assert_eq!(stage.heard(3).await, [asked(0, 1), asked(0, 2), Heard::Ended(0)]);
    let expected = Counts { connections: 1, requests: 1, records: 2, ..Counts::default() };
    assert_eq!(stage.counts(), expected);
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_its_reply_is_noticed() {
    let stage = Stage::open_with_a_confused_server().await;
    let mut client = stage.connect().await;
    client.send(&[1]).await;
    client.hang_up().await;
    assert_eq!(client.hear_end().await, (Vec::new(), Ending::Fin));
    assert_eq!(stage.counts().given_up, 1);
}

#[tokio::test]
async fn a_server_that_mixes_up_its_replies_is_found_out() {
    let stage = Stage::open_with_a_confused_server().await;
    let mut client = stage.connect().await;
    client.send(&[1, 2]).await;
    assert_eq!(client.hear_all(2).await, [2, 1]);
    assert_eq!(stage.counts().misplaced_replies, 2);
}

fn asked(connection: usize, correlation_id: i32) -> Heard {
    Heard::Asked { connection, correlation_id }
}
