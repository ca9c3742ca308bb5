//! What is said to both servers.

mod admin;
mod coordinators;
mod idempotence;
mod malformed;
mod metadata;
mod produce;
mod producer_ids;
mod reads;
mod transactions;
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
    Transcript { name: "txn-init", play: transactions::init },
    Transcript { name: "txn-add", play: transactions::add },
    Transcript { name: "txn-produce", play: transactions::produce },
    Transcript { name: "txn-end", play: transactions::end },
    Transcript { name: "txn-init-odd", play: transactions::odd_inits },
    Transcript { name: "txn-add-odd", play: transactions::odd_adds },
    Transcript { name: "txn-produce-odd", play: transactions::odd_produces },
    Transcript { name: "txn-agreement", play: transactions::agreement },
    Transcript { name: "txn-sequences", play: transactions::sequences },
    Transcript { name: "txn-successors", play: transactions::successors },
    Transcript { name: "txn-timeouts", play: transactions::timeouts },
    Transcript { name: "txn-epochs", play: transactions::epochs },
    Transcript { name: "offsets", play: reads::offsets },
    Transcript { name: "fetch", play: reads::fetch },
    Transcript { name: "coordinators", play: coordinators::play },
    Transcript { name: "topics", play: admin::topics },
    Transcript { name: "partitions", play: admin::partitions },
    Transcript { name: "configs", play: admin::configs },
    Transcript { name: "cluster", play: admin::cluster },
    Transcript { name: "malformed", play: malformed::requests },
    Transcript { name: "sequences", play: malformed::sequences },
    Transcript { name: "frames", play: malformed::frames },
];
