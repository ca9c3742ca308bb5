//! How often the heap is asked, counted by an allocator that counts.
//!
//! Everything here is warm: contexts of codecs were made and vectors have grown when counting begins.

use ksink_wire::{
    ErrorCode, Request, RequestHeader, Response,
    compression::{Compressor, Decompressor},
    frame::{PREFIX_BYTES, frame_len, put_request, put_response},
    messages::produce::{
        PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
        TopicProduceData, TopicProduceResponse,
    },
    records::{BatchBuilder, Compression, Header, MessageSet, NewRecord, RecordBatch, Records},
};

use super::support::{CAP, Owned, batch, message_set};

const OLD_CODECS: [Compression; 4] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4];

fn records() -> Vec<Owned> {
    (0..1000_i64)
        .map(|n| Owned {
            key: Some(format!("key {n}").into_bytes()),
            headers: vec![(b"trace".to_vec(), Some(vec![n as u8; 16])), (b"null".to_vec(), None)],
            ..Owned::value(n, format!("{{\"number\": {n}, \"text\": \"some text\"}}").as_bytes())
        })
        .collect()
}

/// Does the work once so that all is warm, and counts while it is done again.
fn count(mut work: impl FnMut()) -> u64 {
    work();
    allocation_counter::measure(&mut work).count_total
}

/// Looks at every record and every header.
fn visit(records: Records<'_>, expected: usize) {
    let visited: usize = records.iter().map(|record| 1 + record.headers.iter().count()).sum();
    assert_eq!(visited, expected);
}

/// A request of Produce with that many partitions, each with these records.
fn produce_request(version: i16, partitions: i32, records: &[u8]) -> Vec<u8> {
    let partition = |index| PartitionProduceData { index, records: Some(records) };
    let topic = TopicProduceData {
        name: "events",
        partition_data: (0..partitions).map(partition).collect(),
        ..TopicProduceData::default()
    };
    let request = ProduceRequest { acks: -1, topic_data: vec![topic], ..ProduceRequest::default() };
    let mut out = Vec::new();
    put_request(&mut out, version, 1, Some(b"app"), &request.into());
    out
}

fn produce_response(partitions: i32) -> Response<'static> {
    let partition = |index| PartitionProduceResponse {
        index,
        error_code: ErrorCode::NONE,
        ..PartitionProduceResponse::default()
    };
    let topic = TopicProduceResponse {
        name: "events",
        partition_responses: (0..partitions).map(partition).collect(),
        ..TopicProduceResponse::default()
    };
    ProduceResponse { responses: vec![topic], ..ProduceResponse::default() }.into()
}

/// Takes a produce request apart down to its records, and writes the answer.
fn serve(frame: &[u8], response: &Response<'_>, state: &mut State) {
    let length = frame_len(frame, CAP * 64).expect("a lawful length").expect("a whole prefix");
    let content = &frame[PREFIX_BYTES..PREFIX_BYTES + length];
    let (header, body) = RequestHeader::decode(content).expect("a header");
    let request = Request::decode(header.api_key, header.api_version, body).expect("a request");
    let Request::Produce(request) = request else { panic!("not Produce: {request:?}") };
    for partition in request.topic_data.iter().flat_map(|topic| &topic.partition_data) {
        let bytes = partition.records.expect("records");
        let State { decompressor, records, .. } = state;
        if header.api_version < 3 {
            let set = MessageSet::parse(bytes).expect("a whole set");
            visit(set.open(decompressor, records, CAP).expect("whole messages"), 1000);
        } else {
            let batch = RecordBatch::parse_single(bytes).expect("a whole batch");
            batch.check_produced().expect("a sealed batch");
            let opened = batch.open(decompressor, records, CAP).expect("whole records");
            opened.check_produced().expect("numbered records");
            visit(opened, 3000);
        }
    }
    state.out.clear();
    put_response(&mut state.out, header.api_version, header.correlation_id, response);
}

/// What a server keeps from request to request.
#[derive(Default)]
struct State {
    decompressor: Decompressor,
    records: Vec<u8>,
    out: Vec<u8>,
}

/// How much more a request with many batches costs than one with a single batch, once warm.
fn allocations_of_more_batches(version: i16, records: &[u8]) -> u64 {
    let [one, many] = [1, 20].map(|partitions| {
        let frame = produce_request(version, partitions, records);
        let response = produce_response(partitions);
        let mut state = State::default();
        count(|| serve(&frame, &response, &mut state))
    });
    assert_eq!(one, 2, "the lists of topics and of partitions");
    many - one
}

#[test]
fn a_batch_costs_no_allocation_from_the_frame_to_the_answer() {
    for codec in Compression::ALL {
        let batch = batch(&records(), codec);
        for version in [3, 8, 9, 12, 13] {
            assert_eq!(allocations_of_more_batches(version, &batch), 0, "{codec:?} {version}");
        }
    }
}

#[test]
fn a_message_set_costs_no_allocation_from_the_frame_to_the_answer() {
    for codec in OLD_CODECS {
        for (magic, version) in [(0, 0), (0, 1), (1, 2)] {
            let set = message_set(magic, &records(), codec);
            assert_eq!(allocations_of_more_batches(version, &set), 0, "{codec:?} {version}");
        }
    }
}

#[test]
fn writing_a_batch_costs_no_allocation() {
    let records = records();
    let headers: Vec<Vec<Header<'_>>> = records
        .iter()
        .map(|record| &record.headers)
        .map(|headers| {
            headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect()
        })
        .collect();
    for codec in Compression::ALL {
        let (mut compressor, mut out) = (Compressor::new(), Vec::new());
        let allocations = count(|| {
            out.clear();
            let mut builder = BatchBuilder::new(&mut out)
                .producer(4000, 0, 0)
                .compression(codec, &mut compressor);
            for (record, headers) in records.iter().zip(&headers) {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                builder
                    .push(&NewRecord { timestamp: record.timestamp, key, value, headers })
                    .expect("a small record");
            }
            builder.finish().expect("a small batch");
        });
        let allowed = if codec == Compression::Gzip { 2 } else { 0 };
        assert!(allocations <= allowed, "{codec:?}: {allocations}");
    }
}
