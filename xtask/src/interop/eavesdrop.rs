//! What was really said: by the client, whether it compressed, what acknowledgement it wanted, whether its
//! batches were numbered; by ksink, with which code it refused. The sink's output looks the same either way,
//! so a client that silently fell back to something simpler, or a wrong code, would pass unnoticed.

use std::collections::{BTreeSet, HashMap, HashSet};

use ksink_wire::{
    ApiKey, ErrorCode, Uuid,
    messages::{
        add_partitions_to_txn::AddPartitionsToTxnRequest,
        end_txn::EndTxnRequest,
        metadata::{MetadataRequest, MetadataResponse},
        produce::{ProduceRequest, ProduceResponse},
    },
};

use super::{
    conversation::Then,
    manner::Manner,
    plan::Cell,
    recording::Recording,
    transactions::{
        heard::{HeardOfId, Side},
        script::Script,
        watch::Watch,
    },
};

/// What was heard on all connections of a client.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    names: HashMap<Uuid, String>,
    pub topics: HashMap<String, HeardOfTopic>,
    /// By the transactional id.
    pub transactions: HashMap<String, HeardOfId>,
    /// What can be seen meanwhile, if anything.
    watch: Option<Watch>,
    /// One request of each API and version.
    pub recording: Recording,
}

/// What was said of one topic.
#[derive(Clone, Default)]
pub(crate) struct HeardOfTopic {
    /// Whether ksink was asked for it at all.
    pub asked_for: bool,
    /// The ways in which batches were produced.
    pub manners: HashSet<Manner>,
    /// The error codes that ksink answered with, other than 0.
    pub codes: BTreeSet<i16>,
    /// How many acknowledgements were cut off, and how many still have to be.
    pub cut: usize,
    to_cut: usize,
}

impl Heard {
    /// Expects to hear of these cells, and cuts off as many acknowledgements as they ask for.
    pub(crate) fn expecting(cells: &[Cell], watch: Option<Watch>) -> Self {
        let mut heard = Self { watch, ..Self::default() };
        for cell in cells {
            for topic in cell.topics() {
                heard.topics.entry(topic.to_owned()).or_default().to_cut = cell.cuts;
            }
            for id in cell.script.iter().flat_map(Script::ids) {
                heard.transactions.insert(id.to_owned(), HeardOfId::expecting(cell));
            }
        }
        heard
    }

    /// How the client produces when it is asked for nothing in particular, or for transactions.
    pub(crate) fn defaults(&self, cells: &[Cell]) -> BTreeSet<String> {
        let by_default = cells.iter().filter(|cell| {
            cell.acks.is_none() && cell.compression.is_none() && cell.idempotent.is_none()
        });
        let topics = by_default.flat_map(Cell::topics).filter_map(|topic| self.topics.get(topic));
        topics.flat_map(|topic| &topic.manners).map(Manner::to_string).collect()
    }

    /// Where something else was said than the cell asks for, in sentences.
    pub(crate) fn check(&self, cell: &Cell) -> Vec<String> {
        let silence = HeardOfTopic::default();
        let heard_of = |topic: &str| self.topics.get(topic).unwrap_or(&silence).check(cell, topic);
        cell.topics().into_iter().flat_map(heard_of).collect()
    }

    /// What concerns one cell.
    pub(crate) fn of(&self, cell: &Cell) -> Self {
        let (topics, mut heard) = (cell.topics(), self.clone());
        heard.topics.retain(|topic, _| topics.contains(&**topic));
        let ids: HashSet<&str> = cell.script.iter().flat_map(Script::ids).collect();
        heard.transactions.retain(|id, _| ids.contains(&**id));
        heard
    }

    pub(super) fn hear_question(&mut self, request: &MetadataRequest<'_>) {
        for name in request.topics.iter().flatten().filter_map(|topic| topic.name) {
            self.topics.entry(name.to_owned()).or_default().asked_for = true;
        }
    }

    pub(super) fn hear_metadata(&mut self, metadata: &MetadataResponse<'_>) {
        for topic in &metadata.topics {
            if let Some(name) = topic.name {
                self.names.insert(topic.topic_id, name.to_owned());
                self.hear_code(name, topic.error_code.0);
            }
        }
    }

    fn hear_code(&mut self, topic: &str, code: i16) {
        if code != 0 {
            self.topics.entry(topic.to_owned()).or_default().codes.insert(code);
        }
    }

    pub(super) fn hear_produce(&mut self, version: i16, request: &ProduceRequest<'_>) -> Then {
        for topic in &request.topic_data {
            let name = self.name(version, topic.name, topic.topic_id);
            let heard = self.topics.entry(name).or_default();
            heard.asked_for = true;
            heard.manners.extend(
                topic.partition_data.iter().map(|data| Manner::of(version, request.acks, data)),
            );
        }
        let Some(id) = request.transactional_id else { return Then::PassOn };
        let heard = self.transactions.entry(id.to_owned()).or_default();
        heard.produced.insert(version);
        heard.count(Side::Request, ApiKey::Produce)
    }

    pub(super) fn hear_added(&mut self, request: &AddPartitionsToTxnRequest<'_>) {
        let id = request.v3_and_below_transactional_id.to_owned();
        self.transactions.entry(id).or_default().added = true;
    }

    /// Gives the place of the end, by which its answer finds it.
    pub(super) fn hear_end(&mut self, version: i16, request: &EndTxnRequest<'_>) -> (usize, Then) {
        let heard = self.transactions.entry(request.transactional_id.to_owned()).or_default();
        let place = heard.hear_end(version, request.committed, self.watch.as_ref());
        (place, heard.count(Side::Request, ApiKey::EndTxn))
    }

    pub(super) fn hear_ended(&mut self, id: &str, place: usize, code: ErrorCode) -> Then {
        let Some(heard) = self.transactions.get_mut(id) else { return Then::PassOn };
        heard.hear_ended(place, code.0, self.watch.as_ref());
        match code {
            ErrorCode::NONE => heard.count(Side::Answer, ApiKey::EndTxn),
            _ => Then::PassOn,
        }
    }

    /// Says whether this acknowledgement is one to be cut off, or the moment to kill ksink.
    pub(super) fn hear_produced(
        &mut self,
        version: i16,
        response: &ProduceResponse<'_>,
        transactional_id: Option<&str>,
    ) -> Then {
        let mut then = Then::PassOn;
        for topic in &response.responses {
            let name = self.name(version, topic.name, topic.topic_id);
            for partition in &topic.partition_responses {
                self.hear_code(&name, partition.error_code.0);
            }
            let topic = self.topics.entry(name).or_default();
            if topic.to_cut > 0 {
                topic.to_cut -= 1;
                topic.cut += 1;
                then = Then::Cut;
            }
        }
        match transactional_id.and_then(|id| self.transactions.get_mut(id)) {
            Some(heard) if was_delivered(response) => heard.count(Side::Answer, ApiKey::Produce),
            Some(_) | None => then,
        }
    }

    /// Since version 13, Produce names a topic by its id (KIP-516).
    fn name(&self, version: i16, name: &str, id: Uuid) -> String {
        if version >= 13 {
            self.names.get(&id).cloned().unwrap_or_default()
        } else {
            name.to_owned()
        }
    }
}

fn was_delivered(response: &ProduceResponse<'_>) -> bool {
    let mut partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    partitions.all(|partition| partition.error_code.is_none())
}

impl HeardOfTopic {
    fn check(&self, cell: &Cell, topic: &str) -> Vec<String> {
        let mut differences: Vec<String> = self
            .manners
            .iter()
            .filter(|manner| !manner.fits(cell))
            .map(|manner| format!("was sent otherwise: {manner}"))
            .collect();
        if cell.delivers(topic) && self.manners.is_empty() {
            differences.push(format!("nobody was heard to produce to {topic}"));
        }
        // A client may know by itself that no broker would have a topic of that name.
        if let Some(refusal) = cell.refusal(topic)
            && self.asked_for
            && !self.codes.iter().eq([&refusal.code()])
        {
            differences.push(format!("ksink answered {:?}, not {}", self.codes, refusal.code()));
        }
        if self.cut != cell.cuts {
            differences.push(format!("{} of {} acknowledgements were cut", self.cut, cell.cuts));
        }
        differences
    }
}

#[cfg(test)]
impl Heard {
    /// What is heard where everything is as a cell asks.
    pub(crate) fn as_asked(
        cell: &Cell,
        protocol: super::transactions::heard::Protocol,
        temporary: bool,
    ) -> Self {
        let mut heard = Self::default();
        for id in cell.script.iter().flat_map(Script::ids) {
            let told = HeardOfId::as_asked(cell, protocol, temporary);
            heard.transactions.insert(id.to_owned(), told);
        }
        for topic in cell.topics() {
            let manner = Manner::as_asked(cell);
            let told = HeardOfTopic {
                asked_for: true,
                manners: cell.delivers(topic).then_some(manner).into_iter().collect(),
                codes: cell.refusal(topic).map(|refusal| refusal.code()).into_iter().collect(),
                cut: cell.cuts,
                to_cut: 0,
            };
            heard.topics.insert(topic.to_owned(), told);
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use ksink_wire::{compression::Compression, messages::produce::TopicProduceResponse};

    use super::{
        super::{plan::Record, refusal::Refusal, transactions::heard::Protocol},
        *,
    };

    fn heard(manner: Manner) -> Heard {
        let mut heard = Heard::default();
        heard.topics.entry("t".to_owned()).or_default().manners.insert(manner);
        heard
    }

    fn cell(acks: Option<&'static str>, compression: Option<&'static str>) -> Cell {
        let records = vec![Record::new("t", "value")];
        Cell { name: "row", acks, compression, records, ..Cell::default() }
    }

    fn zstd_to_all() -> Manner {
        Manner {
            version: 9,
            acks: -1,
            compression: Some(Compression::Zstd),
            idempotent: true,
            transactional: false,
        }
    }

    #[test]
    fn a_client_that_does_as_asked_is_believed() {
        for cell in [cell(None, None), cell(Some("all"), None), cell(None, Some("zstd"))] {
            assert_eq!(heard(zstd_to_all()).check(&cell), Vec::<String>::new());
        }
    }

    #[test]
    fn batches_without_numbers_are_found_out() {
        let cell = Cell { idempotent: Some(true), ..cell(None, None) };
        assert_eq!(heard(zstd_to_all()).check(&cell), Vec::<String>::new());
        let unnumbered = Manner { idempotent: false, ..zstd_to_all() };
        assert_eq!(heard(unnumbered).check(&cell).len(), 1);
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

    fn refused(code: i16) -> Vec<String> {
        let record = Record::new("t", "value").refused(Refusal::TooLarge);
        let cell = Cell { records: vec![record], ..Cell::default() };
        let mut heard = Heard::as_asked(&cell, Protocol::One, false);
        heard.topics.get_mut("t").unwrap().codes = [code].into();
        heard.check(&cell)
    }

    #[test]
    fn a_refusal_has_one_code() {
        assert_eq!(refused(10), Vec::<String>::new());
        assert_eq!(refused(-1), ["ksink answered {-1}, not 10"]);
    }

    #[test]
    fn as_many_acknowledgements_are_cut_as_a_cell_asks_for() {
        let cell = Cell { cuts: 1, ..cell(None, None) };
        let mut heard = Heard::expecting(std::slice::from_ref(&cell), None);
        let topic = TopicProduceResponse { name: "t", ..Default::default() };
        let response = ProduceResponse { responses: vec![topic], ..Default::default() };
        assert!(heard.topics["t"].check(&cell, "t").len() == 2, "neither sent nor cut");
        let then = [(); 2].map(|()| heard.hear_produced(9, &response, None));
        assert!(then == [Then::Cut, Then::PassOn]);
        assert_eq!(heard.topics["t"].cut, 1);
    }
}
