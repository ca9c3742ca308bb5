//! What may have become of a transactional id before a request comes.

use std::fmt;

use anyhow::Result;

use super::{life::Life, timeouts::TIMEOUT_MS};
use crate::oracle::player::Player;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unknown,
    Fresh,
    InitAgain,
    Renewed,
    OpenWithout,
    OpenAdded,
    OpenWritten,
    OpenByProduce,
    Committed,
    Aborted,
    CommittedRaised,
    AbortedRaised,
    CommittedThenOpen,
    RaisedThenOpen,
    Fenced,
    TimedOut,
    TimedOutByProduce,
}

impl State {
    pub(super) const ALL: &[Self] = &[
        Self::Unknown,
        Self::Fresh,
        Self::InitAgain,
        Self::Renewed,
        Self::OpenWithout,
        Self::OpenAdded,
        Self::OpenWritten,
        Self::OpenByProduce,
        Self::Committed,
        Self::Aborted,
        Self::CommittedRaised,
        Self::AbortedRaised,
        Self::CommittedThenOpen,
        Self::RaisedThenOpen,
        Self::Fenced,
        Self::TimedOut,
        Self::TimedOutByProduce,
    ];

    /// Brings a transactional id into the state. The producer of the life is the one that the server knows then,
    /// but for a transaction that timed out: nobody was told.
    pub(super) fn arrange(self, life: &mut Life, player: &mut Player) -> Result<()> {
        if self == Self::Unknown {
            return Ok(());
        }
        if self.times_out() {
            life.timeout_ms = TIMEOUT_MS;
        }
        life.init(player, "before: init", 4, None)?;
        let first = life.producer;
        match self {
            Self::Unknown | Self::Fresh => Ok(()),
            Self::InitAgain => life.init(player, "before: init again", 4, None),
            Self::Renewed => life.init(player, "before: renew", 4, Some(first)),
            Self::OpenWithout => life.add(player, "before: add nothing", 3, first, &[]),
            Self::OpenAdded => life.add(player, "before: add", 3, first, &[0]),
            Self::OpenWritten | Self::TimedOut => open(life, player),
            Self::OpenByProduce | Self::TimedOutByProduce => open_by_produce(life, player),
            Self::Committed => end(life, player, 4, true),
            Self::Aborted => end(life, player, 4, false),
            Self::CommittedRaised => end(life, player, 5, true),
            Self::AbortedRaised => end(life, player, 5, false),
            Self::CommittedThenOpen => {
                end(life, player, 4, true)?;
                open(life, player)
            }
            Self::RaisedThenOpen => {
                end(life, player, 5, true)?;
                open_by_produce(life, player)
            }
            Self::Fenced => {
                open(life, player)?;
                life.init(player, "before: another one comes", 4, None)
            }
        }
    }

    /// Whether time has to pass until a life that was brought into it is in it.
    pub(super) fn times_out(self) -> bool {
        matches!(self, Self::TimedOut | Self::TimedOutByProduce)
    }
}

/// Opens a transaction as the first protocol does, and writes to one of two partitions.
fn open(life: &mut Life, player: &mut Player) -> Result<()> {
    let by = life.producer;
    life.add(player, "before: add", 3, by, &[0, 1])?;
    life.send(player, "before: produce", 9, by, 0)
}

/// Opens a transaction as the second protocol does.
fn open_by_produce(life: &mut Life, player: &mut Player) -> Result<()> {
    life.send(player, "before: produce", 12, life.producer, 0)
}

/// Opens a transaction in the protocol of EndTxn's version and ends it; asked again, that is over.
fn end(life: &mut Life, player: &mut Player, version: i16, committed: bool) -> Result<()> {
    if version < 5 {
        open(life, player)?
    } else {
        open_by_produce(life, player)?
    }
    let by = life.producer;
    life.end(player, "before: end", version, by, committed)?;
    life.end(player, "before: end again", version, by, committed)
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Fresh => "fresh",
            Self::InitAgain => "init again",
            Self::Renewed => "renewed",
            Self::OpenWithout => "open without partitions",
            Self::OpenAdded => "open, added",
            Self::OpenWritten => "open, written",
            Self::OpenByProduce => "open by produce",
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::CommittedRaised => "committed and raised",
            Self::AbortedRaised => "aborted and raised",
            Self::CommittedThenOpen => "committed, then open",
            Self::RaisedThenOpen => "committed and raised, then open",
            Self::Fenced => "fenced",
            Self::TimedOut => "timed out",
            Self::TimedOutByProduce => "timed out, by produce",
        })
    }
}
