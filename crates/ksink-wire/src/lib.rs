//! Kafka's wire protocol: requests, responses and record batches, borrowed from the bytes they came in.
//!
//! Everything is read and written in both directions, so that the crate serves a server as well as a client.
//! It opens no socket, starts no task, knows no clock and keeps no state. Bytes of a stranger can neither make
//! it panic nor make it reserve memory for what they only claim to hold.
//!
//! A connection carries [`frame`]s. In a frame is a [`RequestHeader`] and a [`Request`], or a
//! [`ResponseHeader`] and a [`Response`]; [`messages`] has their structures, [`ApiKey`] the versions of each.
//! Where the messages carry [`records`], these are still sealed.
//!
//! # A server reads a request
//!
//! ```
//! use ksink_wire::{Request, RequestHeader};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // ApiVersions, version 3, correlation id 1, from the client `app`; the four bytes before it are off.
//! let frame = b"\0\x12\0\x03\0\0\0\x01\0\x03app\0\x0blibrdkafka\x062.0.2\0";
//! let (header, body) = RequestHeader::decode(frame)?;
//! let request = Request::decode(header.api_key, header.api_version, body)?;
//!
//! let Request::ApiVersions(request) = request else { panic!("another API") };
//! assert_eq!(request.client_software_name, "librdkafka");
//! # Ok(())
//! # }
//! ```
//!
//! A request that this crate does not know is a [`HeaderError`] that says what it was and how to address an answer.
//!
//! # It answers
//!
//! ```
//! use ksink_wire::{
//!     ApiKey, ErrorCode, Response,
//!     frame::put_response,
//!     messages::api_versions::{ApiVersion, ApiVersionsResponse},
//! };
//!
//! // The client asked in a version that we do not have: the answer is in version 0, which everybody can read.
//! let versions = ApiKey::ApiVersions.versions();
//! let response = Response::from(ApiVersionsResponse {
//!     error_code: ErrorCode::UNSUPPORTED_VERSION,
//!     api_keys: vec![ApiVersion {
//!         api_key: ApiKey::ApiVersions.key(),
//!         min_version: versions.first,
//!         max_version: versions.last,
//!     }],
//!     ..ApiVersionsResponse::default()
//! });
//! let mut out = Vec::new();
//! put_response(&mut out, 0, 1, &response);
//! assert_eq!(out, [0, 0, 0, 16, 0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 5]);
//! ```
//!
//! # A client asks
//!
//! ```no_run
//! use std::{io::{Read, Write}, net::TcpStream};
//!
//! use ksink_wire::{
//!     ApiKey, Request, Response, ResponseHeader,
//!     frame::{PREFIX_BYTES, frame_len, put_request},
//!     messages::metadata::MetadataRequest,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let all_topics = Request::from(MetadataRequest { topics: None, ..MetadataRequest::default() });
//! let mut out = Vec::new();
//! put_request(&mut out, 12, 1, Some(b"app"), &all_topics);
//! let mut broker = TcpStream::connect("127.0.0.1:9092")?;
//! broker.write_all(&out)?;
//!
//! let mut prefix = [0; PREFIX_BYTES];
//! broker.read_exact(&mut prefix)?;
//! let mut frame = vec![0; frame_len(&prefix, 1 << 20)?.expect("the prefix is whole")];
//! broker.read_exact(&mut frame)?;
//! let (header, body) = ResponseHeader::decode(ApiKey::Metadata, 12, &frame)?;
//! assert_eq!(header.correlation_id, 1);
//! if let Response::Metadata(metadata) = Response::decode(ApiKey::Metadata, 12, body)? {
//!     println!("{} topics", metadata.topics.len());
//! }
//! # Ok(())
//! # }
//! ```

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
