//! One life of a journal, in which the n-th call to the disk fails, for every n.

use ksink_disk::{Crash, Fault, ModelDisk};

use crate::{lying::lying, user::User};

/// A life with everything in it. After a failure it goes on as a server does: it starts over.
fn live(user: &mut User) -> Result<(), String> {
    open(user)?;
    append_and_sync(user, 1)?;
    append_and_sync(user, 4)?;
    user.start_over()?;
    append_and_sync(user, 3)?;
    user.sync_elsewhere()?;
    // More than is allocated, so that it grows.
    append_and_sync(user, 30)?;
    user.start_over()?;
    append_and_sync(user, 1)?;
    user.close()?;
    open(user)?;
    append_and_sync(user, 2)
}

/// A disk that fails once may prevent a start once.
fn open(user: &mut User) -> Result<(), String> {
    user.open()?;
    if user.is_open() { Ok(()) } else { user.open() }
}

fn append_and_sync(user: &mut User, count: usize) -> Result<(), String> {
    user.append(count)?;
    user.sync()?;
    // One fault may be in the way of two attempts: a short write is followed by a full disk.
    for _ in 0..3 {
        if user.is_poisoned() {
            user.start_over()?;
        }
    }
    if user.is_open() && !user.is_poisoned() {
        Ok(())
    } else {
        Err("work does not resume".to_owned())
    }
}

/// Lets every call of a life fail, one life after the other, until one has no such call.
#[track_caller]
fn check(fault: Fault, times: u64, play: impl Fn(&mut User) -> Result<(), String>) {
    let mut call = 0;
    loop {
        let disk = ModelDisk::new();
        let mut user = User::new(disk.clone(), lying(disk.clone(), None));
        user.fail(call, times, fault);
        if let Err(why) = play(&mut user) {
            panic!("call {call}: {}", user.broken(why));
        }
        if disk.calls() <= call {
            break;
        }
        call += 1;
    }
    assert!(call > 30, "a life has more calls than {call}");
}

/// The disk fails once, and in the end loses power.
fn goes_on(user: &mut User) -> Result<(), String> {
    live(user)?;
    user.crash(Crash::PowerCut { seed: 7 })?;
    user.open_until_it_works()
}

/// exactly-once, Faults: a failed write or sync of the journal; a new file from a snapshot of all, and it goes on.
#[test]
fn an_error_at_any_call_loses_nothing_and_work_resumes() {
    check(Fault::Io, 1, goes_on);
}

/// exactly-once, Faults: the same with a full disk.
#[test]
fn a_full_disk_at_any_call_loses_nothing_and_work_resumes() {
    check(Fault::Full, 1, goes_on);
}

/// exactly-once, Faults: the same with a write that is cut short.
#[test]
fn a_short_write_at_any_call_loses_nothing_and_work_resumes() {
    check(Fault::Short, 1, goes_on);
}

/// Nothing reaches the disk from a call on, and then everything ends.
fn crash_at_every_call(crash: Crash) {
    check(Fault::Io, u64::MAX, |user| {
        // The life ends wherever the disk does.
        live(user).ok();
        user.crash(crash)?;
        user.open_until_it_works()?;
        append_and_sync(user, 3)?;
        user.crash(Crash::PowerCut { seed: 3 })?;
        user.open_until_it_works()
    });
}

/// exactly-once, Journal: a kill at every call.
#[test]
fn a_kill_at_any_call_loses_nothing() {
    crash_at_every_call(Crash::Kill);
}

/// exactly-once, Journal: a power cut at every call.
#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_synced() {
    (0..50).for_each(|seed| crash_at_every_call(Crash::PowerCut { seed }));
}
