//! What may be asked about a transactional id.

use std::fmt;

use anyhow::Result;

use super::life::{Life, Producer};
use crate::oracle::player::Player;

/// Whom a request says it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Who the client believes to be the producer.
    Producer,
    /// The same producer id, one epoch ago.
    Older,
    /// The same producer id, in an epoch that is not yet.
    Newer,
    /// Another producer id.
    Stranger,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    Init { version: i16, who: Option<Who> },
    Add { version: i16, who: Who, partitions: &'static [i32] },
    Produce { version: i16, who: Who, partition: i32 },
    End { version: i16, who: Who, committed: bool },
}

impl Who {
    const ALL: [Self; 4] = [Self::Producer, Self::Older, Self::Newer, Self::Stranger];

    fn of(self, life: &Life) -> Producer {
        let Producer { id, epoch } = life.producer;
        match self {
            Self::Producer => life.producer,
            Self::Older => Producer { id, epoch: epoch - 1 },
            Self::Newer => Producer { id, epoch: epoch + 1 },
            Self::Stranger => Producer { id: life.stranger, epoch },
        }
    }
}

impl Input {
    pub(super) fn apply(self, life: &mut Life, player: &mut Player) -> Result<()> {
        match self {
            Self::Init { version, who } => {
                let known = who.map(|who| who.of(life));
                // The first answer may be that something is to be ended first.
                player.ask(life.step(""), version, life.init_request(known))?;
                life.init(player, "until it is settled", version, known)
            }
            Self::Add { version, who, partitions } => {
                life.add(player, "", version, who.of(life), partitions)
            }
            Self::Produce { version, who, partition } => {
                life.send(player, "", version, who.of(life), partition)
            }
            Self::End { version, who, committed } => {
                life.end(player, "", version, who.of(life), committed)
            }
        }
    }
}

pub(super) fn inits() -> Vec<Input> {
    let of = |version, who| Input::Init { version, who };
    let anew = [0, 1, 2, 3, 4, 5].map(|version| of(version, None));
    let known =
        [3, 4, 5].into_iter().flat_map(|version| Who::ALL.map(|who| of(version, Some(who))));
    anew.into_iter().chain(known).collect()
}

pub(super) fn adds() -> Vec<Input> {
    let of = |version, who| Input::Add { version, who, partitions: &[0] };
    let versions = (0..=3).flat_map(|version| Who::ALL.map(|who| of(version, who)));
    let new = Input::Add { version: 3, who: Who::Producer, partitions: &[2, 3] };
    let none = Input::Add { version: 3, who: Who::Producer, partitions: &[] };
    versions.chain([new, none]).collect()
}

pub(super) fn produces() -> Vec<Input> {
    let mut inputs = Vec::new();
    for version in [7, 9, 11, 12] {
        for who in Who::ALL {
            inputs.extend([0, 2].map(|partition| Input::Produce { version, who, partition }));
        }
    }
    inputs
}

pub(super) fn ends() -> Vec<Input> {
    let mut inputs = Vec::new();
    for version in [0, 1, 3, 4, 5] {
        for who in Who::ALL {
            inputs.extend([true, false].map(|committed| Input::End { version, who, committed }));
        }
    }
    inputs
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "the producer",
            Self::Older => "an older epoch",
            Self::Newer => "a newer epoch",
            Self::Stranger => "another producer id",
        })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init { version, who: None } => write!(f, "InitProducerId {version}"),
            Self::Init { version, who: Some(who) } => {
                write!(f, "InitProducerId {version} by {who}")
            }
            Self::Add { version, who, partitions } => {
                write!(f, "AddPartitionsToTxn {version} of {partitions:?} by {who}")
            }
            Self::Produce { version, who, partition } => {
                write!(f, "Produce {version} to {partition} by {who}")
            }
            Self::End { version, who, committed } => {
                let outcome = if *committed { "commit" } else { "abort" };
                write!(f, "EndTxn {version}, {outcome}, by {who}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::oracle::transcripts::transactions::state::State;

    #[test]
    fn each_state_and_input_has_a_name_of_its_own() {
        let inputs = [inits(), adds(), produces(), ends()].concat();
        let names = inputs.iter().map(ToString::to_string);
        let names: HashSet<String> =
            names.chain(State::ALL.iter().map(ToString::to_string)).collect();
        assert_eq!(names.len(), inputs.len() + State::ALL.len());
    }
}
