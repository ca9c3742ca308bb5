//! What a client really said: whether it compressed, what acknowledgement it wanted, whether its batches
//! were numbered. The sink's output looks the same either way, so a client that silently fell back to
//! something simpler would pass unnoticed.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

use ksink_wire::{
    ApiKey, Request, RequestHeader, Response, ResponseHeader, Uuid,
    compression::Compression,
    messages::{
        metadata::MetadataResponse,
        produce::{PartitionProduceData, ProduceRequest},
    },
    records::RecordBatch,
};

use super::plan::Cell;

/// How one batch was produced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Manner {
    pub version: i16,
    pub acks: i16,
    /// None where it was not a record batch but one of the older message sets.
    pub compression: Option<Compression>,
    pub idempotent: bool,
}

impl Manner {
    fn of(version: i16, acks: i16, data: &PartitionProduceData<'_>) -> Self {
        let batch = data.records.and_then(|records| RecordBatch::parse_single(records).ok());
        Self {
            version,
            acks,
            compression: batch.and_then(|batch| batch.attributes.compression().ok()),
            idempotent: batch.is_some_and(|batch| batch.producer_id >= 0),
        }
    }

    /// Whether a cell asks for this. Every client here is new enough for record batches; a message set
    /// is a fallback.
    fn fits(&self, cell: &Cell) -> bool {
        let Some(compression) = self.compression else { return false };
        cell.acks.is_none_or(|asked| asked == acks_name(self.acks))
            && cell.compression.is_none_or(|asked| asked == compression_name(compression))
    }
}

fn acks_name(acks: i16) -> String {
    if acks == -1 { "all".to_owned() } else { acks.to_string() }
}

fn compression_name(compression: Compression) -> String {
    format!("{compression:?}").to_lowercase()
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = self.compression.map_or_else(|| "message set".to_owned(), compression_name);
        let idempotent = if self.idempotent { "idempotent" } else { "not idempotent" };
        let acks = acks_name(self.acks);
        write!(f, "Produce {}, acks {acks}, compression {form}, {idempotent}", self.version)
    }
}

/// What was heard on all connections of a client.
#[derive(Default)]
pub(crate) struct Heard {
    names: HashMap<Uuid, String>,
    manners: HashMap<String, HashSet<Manner>>,
}

impl Heard {
    /// The ways in which batches of a topic were produced.
    fn manners(&self, topic: &str) -> impl Iterator<Item = &Manner> {
        self.manners.get(topic).into_iter().flatten()
    }

    /// How the client produces when it is asked for nothing in particular.
    pub(crate) fn defaults(&self, cells: &[Cell]) -> BTreeSet<String> {
        let by_default =
            cells.iter().filter(|cell| cell.acks.is_none() && cell.compression.is_none());
        let topics = by_default.flat_map(Cell::topics);
        topics.flat_map(|topic| self.manners(topic)).map(Manner::to_string).collect()
    }

    /// Where the client did otherwise than the cell asked, in sentences.
    pub(crate) fn check(&self, cell: &Cell) -> Vec<String> {
        let check_topic = |topic: &str| match self.manners(topic).next() {
            None => vec![format!("nobody was heard to produce to {topic}")],
            Some(_) => {
                let otherwise = self.manners(topic).filter(|manner| !manner.fits(cell));
                otherwise.map(|manner| format!("was sent otherwise: {manner}")).collect()
            }
        };
        cell.topics().into_iter().flat_map(check_topic).collect()
    }

    fn hear_names(&mut self, metadata: &MetadataResponse<'_>) {
        for topic in &metadata.topics {
            if let Some(name) = topic.name {
                self.names.insert(topic.topic_id, name.to_owned());
            }
        }
    }

    fn hear_produce(&mut self, version: i16, request: &ProduceRequest<'_>) {
        for topic in &request.topic_data {
            let name = if version >= 13 {
                self.names.get(&topic.topic_id).cloned()
            } else {
                Some(topic.name.to_owned())
            };
            let manners = self.manners.entry(name.unwrap_or_default()).or_default();
            manners.extend(
                topic.partition_data.iter().map(|data| Manner::of(version, request.acks, data)),
            );
        }
    }
}

/// One connection: requests, and the answers that they explain.
#[derive(Default)]
pub(crate) struct Conversation {
    asked: HashMap<i32, RequestHead>,
}

struct RequestHead {
    api: ApiKey,
    version: i16,
}

impl Conversation {
    /// Listens to a frame of the client. What cannot be read is ksink's to refuse; here it goes unheard.
    pub(crate) fn hear_request(&mut self, frame: &[u8], heard: &mut Heard) {
        let Ok((header, body)) = RequestHeader::decode(frame) else { return };
        let head = RequestHead { api: header.api_key, version: header.api_version };
        if let Ok(Request::Produce(request)) = Request::decode(head.api, head.version, body) {
            heard.hear_produce(head.version, &request);
        }
        self.asked.insert(header.correlation_id, head);
    }

    /// Listens to a frame of ksink.
    pub(crate) fn hear_response(&mut self, frame: &[u8], heard: &mut Heard) {
        let Some(correlation_id) = frame.first_chunk().map(|id| i32::from_be_bytes(*id)) else {
            return;
        };
        let Some(RequestHead { api, version }) = self.asked.remove(&correlation_id) else { return };
        let Ok((_, body)) = ResponseHeader::decode(api, version, frame) else { return };
        if let Ok(Response::Metadata(metadata)) = Response::decode(api, version, body) {
            heard.hear_names(&metadata);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plan::Record, *};

    fn heard(manner: Manner) -> Heard {
        let mut heard = Heard::default();
        heard.manners.insert("t".to_owned(), HashSet::from([manner]));
        heard
    }

    fn cell(acks: Option<&'static str>, compression: Option<&'static str>) -> Cell {
        Cell { name: "row", acks, compression, records: vec![Record::new("t", "value")] }
    }

    fn zstd_to_all() -> Manner {
        Manner { version: 9, acks: -1, compression: Some(Compression::Zstd), idempotent: true }
    }

    #[test]
    fn a_client_that_does_as_asked_is_believed() {
        for cell in [cell(None, None), cell(Some("all"), None), cell(None, Some("zstd"))] {
            assert_eq!(heard(zstd_to_all()).check(&cell), Vec::<String>::new());
        }
    }

    #[test]
    fn a_client_that_silently_does_otherwise_is_found_out() {
        for cell in [
            cell(Some("1"), None),
            cell(Some("0"), None),
            cell(None, Some("gzip")),
            cell(None, Some("none")),
        ] {
            assert_eq!(heard(zstd_to_all()).check(&cell).len(), 1);
        }
        assert_eq!(
            heard(Manner { compression: None, ..zstd_to_all() }).check(&cell(None, None)).len(),
            1
        );
        assert_eq!(Heard::default().check(&cell(None, None)).len(), 1);
    }
}
