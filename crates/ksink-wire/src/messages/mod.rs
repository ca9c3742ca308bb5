//! The requests and responses, one file an API. Each is a table that reads like Kafka's own schema.
//!
//! Names are Kafka's, in snake case. Every field's documentation ends with the versions that carry it; where
//! a version does not, decoding gives the default (as do the `Default` implementations) and encoding leaves
//! it out.

pub mod api_versions;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod produce;
