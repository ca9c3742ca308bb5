//! What a batch and its request say about their transaction, in all combinations.

use std::fmt;

use anyhow::Result;
use ksink_wire::messages::produce::ProduceRequest;

use super::{
    life::{NOBODY, record},
    story::{Story, stage},
};
use crate::oracle::player::Player;

pub(in super::super) fn play(player: &mut Player) -> Result<()> {
    let (topic, _) = stage(player)?;
    for version in [7, 11, 12] {
        for when in [When::AtRest, When::Added, When::Written] {
            for kind in [Kind::Transactional, Kind::Plain] {
                for id in [Id::Own, Id::Others, Id::Unknown, Id::Empty, Id::None] {
                    for by in [By::Own, By::Other, By::Nobody] {
                        Combination { version, when, kind, by, id }.play(player, &topic)?;
                    }
                }
            }
        }
    }
    Ok(())
}

struct Combination {
    version: i16,
    when: When,
    kind: Kind,
    by: By,
    id: Id,
}

/// What has become of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    AtRest,
    Added,
    Written,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transactional,
    Plain,
}

/// Whose producer a batch names.
#[derive(Clone, Copy)]
enum By {
    Own,
    Other,
    Nobody,
}

/// Whose id a request names.
#[derive(Clone, Copy)]
enum Id {
    Own,
    Others,
    Unknown,
    Empty,
    None,
}

impl Combination {
    fn play(&self, player: &mut Player, topic: &str) -> Result<()> {
        let scene = self.to_string();
        let other = Story::begin(player, topic, &format!("{scene}: the other"))?.life;
        let story = &mut Story::begin(player, topic, &scene)?;
        let written = self.open(story)?;
        let (by, sequence) = match self.by {
            By::Own => (story.producer(), written),
            By::Other => (other.producer, 0),
            By::Nobody => (NOBODY, -1),
        };
        let transactional_id = match self.id {
            Id::Own => Some(&*story.life.id),
            Id::Others => Some(&*other.id),
            Id::Unknown => Some("nobody"),
            Id::Empty => Some(""),
            Id::None => None,
        };
        let is_transactional = self.kind == Kind::Transactional;
        let records = record(story.player.now_ms, by, sequence, is_transactional);
        let request = story.life.produce_request(0, &records);
        let request = ProduceRequest { transactional_id, ..request };
        story.player.ask_settled(story.life.step("produce"), self.version, request)?;
        // Their epochs tell which of them has a transaction now.
        story.init("the next producer", None)?;
        Story { player: story.player, life: other }.init("the next producer", None)
    }

    /// Brings the transaction where it is to be, and says how many records it has.
    fn open(&self, story: &mut Story<'_>) -> Result<i32> {
        if self.when == When::AtRest {
            return Ok(0);
        }
        story.add("add", &[0])?;
        if self.when == When::Added {
            return Ok(0);
        }
        story.send("write", self.version)?;
        Ok(1)
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, when, kind, by, id } = self;
        write!(f, "{when}, Produce {version} of a {kind} batch by {by} under {id}")
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtRest => "at rest",
            Self::Added => "added",
            Self::Written => "written",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transactional => "transactional",
            Self::Plain => "plain",
        })
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "its producer",
            Self::Other => "another's producer",
            Self::Nobody => "no producer",
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "its own id",
            Self::Others => "another's id",
            Self::Unknown => "an unknown id",
            Self::Empty => "an empty id",
            Self::None => "no id",
        })
    }
}
