//! What is said to both servers.

mod admin;
mod coordinators;
mod idempotence;
mod malformed;
mod metadata;
mod produce;
mod producer_ids;
mod reads;
mod versions;

use anyhow::Result;

use super::player::Player;

/// A conversation with a server.
pub(crate) struct Transcript {
    pub name: &'static str,
    pub play: fn(&mut Player) -> Result<()>,
}

/// All of them. The list of all topics comes first, while a server knows few.
pub(crate) const TRANSCRIPTS: &[Transcript] = &[
    Transcript { name: "all-topics", play: metadata::all_topics },
    Transcript { name: "metadata", play: metadata::by_name },
    Transcript { name: "metadata-ids", play: metadata::by_id },
    Transcript { name: "versions", play: versions::play },
    Transcript { name: "produce", play: produce::versions },
    Transcript { name: "produce-acks", play: produce::acks },
    Transcript { name: "produce-many", play: produce::many },
    Transcript { name: "produce-ids", play: produce::by_id },
    Transcript { name: "produce-odd", play: produce::odd },
    Transcript { name: "idempotence", play: idempotence::play },
    Transcript { name: "producer-ids", play: producer_ids::play },
    Transcript { name: "offsets", play: reads::offsets },
    Transcript { name: "fetch", play: reads::fetch },
    Transcript { name: "coordinators", play: coordinators::play },
    Transcript { name: "create-topics", play: admin::create },
    Transcript { name: "create-partitions", play: admin::change },
    Transcript { name: "delete-topics", play: admin::delete },
    Transcript { name: "describe", play: admin::describe },
    Transcript { name: "malformed", play: malformed::requests },
    Transcript { name: "sequences", play: malformed::sequences },
    Transcript { name: "frames", play: malformed::frames },
];
