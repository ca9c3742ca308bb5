//! Kafka's wire protocol: requests, responses and record batches, borrowed from the bytes they came in.
//!
//! Everything is read and written in both directions, so that the crate serves a server as well as a client.
//! It opens no socket, starts no task, knows no clock and keeps no state. Bytes of a stranger can neither make
//! it panic nor make it reserve memory for what they only claim to hold.
//!
//! A connection carries [`frame`]s. In a frame is a [`RequestHeader`] and a [`Request`], or a
//! [`ResponseHeader`] and a [`Response`]; [`messages`] has their structures, and a table of the APIs with their
//! versions. Where the messages carry [`records`], these are still sealed.
//!
//! Names say how far a function goes: `decode` reads all of something, `parse` reads its header and leaves the rest
//! sealed, `open` unseals it; `encode` and `put_*` append to a vector, which keeps what it has.
//!
//! # Decode a produce request
//!
//! This is what kcat 1.7.1 sends, without the four bytes before it that say how long it is.
//!
//! ```
//! use ksink_wire::{Request, RequestHeader};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let frame = b"\x00\x00\x00\x07\x00\x00\x00\x03\x00\x07rdkafka\xff\xff\xff\xff\x00\x00u0\
//!     \x00\x00\x00\x01\x00\x06events\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00L\
//!     \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00@\x00\x00\x00\x00\x02\x9as\x8b\x84\
//!     \x00\x00\x00\x00\x00\x00\x00\x00\x01\xa1\xf9\xd7|j\x00\x00\x01\xa1\xf9\xd7|j\
//!     \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01\
//!     \x1c\x00\x00\x00\x06key\x0ahello\x00";
//! let (header, body) = RequestHeader::decode(frame)?;
//! assert_eq!((header.api_key.name(), header.api_version), ("Produce", 7));
//!
//! let Request::Produce(request) = Request::decode(header.api_key, header.api_version, body)? else {
//!     return Err("another API".into());
//! };
//! assert_eq!((request.acks, request.timeout_ms), (-1, 30_000));
//! for topic in &request.topic_data {
//!     for partition in &topic.partition_data {
//!         let records: &[u8] = partition.records.ok_or("no records")?;
//!         assert_eq!((topic.name, partition.index, records.len()), ("events", 0, 76));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A request that this crate does not know is a [`HeaderError`], which says what it was and how to address an answer;
//! bytes that are no such request are a [`DecodeError`], which names the field.
//!
//! # Walk a batch
//!
//! The records of that request are one batch. Opening it checks every byte of every record, so that afterwards
//! nothing can fail.
//!
//! ```
//! use ksink_wire::{compression::Decompressor, records::RecordBatch};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let bytes = b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00@\x00\x00\x00\x00\x02\x9as\x8b\x84\
//! #     \x00\x00\x00\x00\x00\x00\x00\x00\x01\xa1\xf9\xd7|j\x00\x00\x01\xa1\xf9\xd7|j\
//! #     \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x01\
//! #     \x1c\x00\x00\x00\x06key\x0ahello\x00";
//! // These serve any number of batches; once they are warm, a batch costs no allocation.
//! let (mut decompressor, mut out) = (Decompressor::new(), Vec::new());
//!
//! let batch = RecordBatch::parse_single(bytes)?;
//! batch.check_produced()?; // Base offset, CRC, counts, attributes, producer: what a broker checks.
//! let decompressed_bytes_max = 1 << 20;
//! let records = batch.open(&mut decompressor, &mut out, decompressed_bytes_max)?;
//! records.check_produced()?;
//!
//! for record in &records {
//!     assert_eq!((record.key, record.value), (Some(&b"key"[..]), Some(&b"hello"[..])));
//!     for header in record.headers.iter() {
//!         println!("{:?}: {:?}", header.key_str(), header.value);
//!     }
//! }
//! # assert_eq!(records.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! A [`RecordError`](records::RecordError) says what is wrong with a batch, and
//! [which code](records::RecordError::error_code) tells its producer. The sealed bytes stay in reach
//! ([`RecordBatch::bytes`](records::RecordBatch::bytes)) and can be stored or forwarded as they came, with
//! [another offset](records::set_base_offset) if need be.
//!
//! # Build a batch and send it
//!
//! ```no_run
//! use std::{io::{Read, Write}, net::TcpStream};
//!
//! use ksink_wire::{
//!     ApiKey, Response, ResponseHeader,
//!     compression::{Compression, Compressor},
//!     frame::{PREFIX_BYTES, frame_len, put_request},
//!     messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
//!     records::{BatchBuilder, Header, NewRecord},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut batch, mut compressor) = (Vec::new(), Compressor::new());
//! let mut builder = BatchBuilder::new(&mut batch).compression(Compression::Lz4, &mut compressor);
//! builder.push(&NewRecord {
//!     timestamp: 1_700_000_000_000,
//!     key: Some(b"key"),
//!     value: Some(b"hello"),
//!     headers: &[Header { key: b"trace", value: None }],
//! })?;
//! builder.finish()?;
//!
//! let partition = PartitionProduceData { index: 0, records: Some(&batch) };
//! let topic = TopicProduceData {
//!     name: "events",
//!     partition_data: vec![partition],
//!     ..TopicProduceData::default()
//! };
//! let request = ProduceRequest {
//!     acks: -1,
//!     timeout_ms: 30_000,
//!     topic_data: vec![topic],
//!     ..ProduceRequest::default()
//! };
//! let (version, correlation_id) = (9, 1);
//! let mut out = Vec::new();
//! put_request(&mut out, version, correlation_id, Some(b"app"), &request.into());
//! let mut broker = TcpStream::connect("127.0.0.1:9092")?;
//! broker.write_all(&out)?;
//!
//! let mut prefix = [0; PREFIX_BYTES];
//! broker.read_exact(&mut prefix)?;
//! let frame_bytes_max = 1 << 20;
//! let mut frame = vec![0; frame_len(&prefix, frame_bytes_max)?.ok_or("a whole prefix")?];
//! broker.read_exact(&mut frame)?;
//! let (header, body) = ResponseHeader::decode(ApiKey::Produce, version, &frame)?;
//! assert_eq!(header.correlation_id, correlation_id);
//! if let Response::Produce(response) = Response::decode(ApiKey::Produce, version, body)? {
//!     for partition in response.responses.iter().flat_map(|topic| &topic.partition_responses) {
//!         println!("{}: offset {}", partition.error_code, partition.base_offset);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! All are on by default. `gzip`, `snappy`, `lz4` and `zstd` bring a codec each; `crc-fast` computes checksums with the
//! newest instructions of the processor. Without any of them the crate needs nothing but nom and `crc32c`.

#![warn(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used))]

#[macro_use]
mod message;

mod api;
mod crc;
mod error;
mod error_code;
mod header;
mod tags;
mod uuid;
mod varint;

pub mod compression;
pub mod frame;
pub mod messages;
pub mod primitives;
pub mod records;
pub mod schema;

pub use api::{ApiKey, Request, Response};
pub use error::{DecodeError, Reason};
pub use error_code::ErrorCode;
pub use header::{HeaderError, RequestHeader, ResponseHeader};
pub use primitives::{Version, Wire};
pub use uuid::Uuid;
