//! What goes before the body of a request and of a response.
//!
//! Source: <https://kafka.apache.org/protocol#protocol_messages>, KIP-482 and KIP-511. Which header
//! goes with which version follows from whether the version is flexible, with two exceptions: the
//! client id never became compact, and the response to ApiVersions never got tagged fields, since a
//! client must be able to read it before it knows what the server speaks.

use std::fmt;

use nom::{
    Parser,
    bytes::complete::take,
    number::complete::{be_i16, be_i32},
};

use crate::{
    api::ApiKey,
    error::{DecodeError, in_field, without_nom},
    primitives::{Parsed, Version, Wire},
    tags::{NewTags, skip_tags},
};

/// The header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// What is asked for.
    pub api_key: ApiKey,
    /// In which version; one that [`ApiKey::versions`] contains.
    pub api_version: i16,
    /// Chosen by the client; the response carries it back.
    pub correlation_id: i32,
    /// How the client calls itself. Kafka asks for no encoding, so it is bytes; at most 32,767 of them.
    pub client_id: Option<&'a [u8]>,
}

/// Why the header of a request cannot be read, or its body not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The bytes are not a request header.
    Malformed(DecodeError),
    /// There is no such API, as far as this crate knows.
    UnknownApi {
        /// The key that the header has.
        api_key: i16,
        /// The version that the header has.
        api_version: i16,
        /// Of the request, for an answer.
        correlation_id: i32,
    },
    /// The API does not have this version. For ApiVersions the answer is UNSUPPORTED_VERSION in version 0
    /// (KIP-511), with the versions of ApiVersions itself; Kafka closes the connection for any other API.
    UnsupportedVersion {
        /// What was asked for.
        api_key: ApiKey,
        /// The version that the header has; may be negative.
        api_version: i16,
        /// Of the request, for an answer.
        correlation_id: i32,
    },
}

impl<'a> RequestHeader<'a> {
    /// Reads a header from the front of a frame, and gives the body after it.
    ///
    /// # Errors
    /// When the frame is too short, or names an API or a version that this crate does not know. API, version
    /// and correlation id are judged before the rest is read, since only they are the same in every version.
    pub fn decode(frame: &'a [u8]) -> Result<(Self, &'a [u8]), HeaderError> {
        let (rest, (key, api_version, correlation_id)) = decode_fixed(frame).map_err(malformed)?;
        let api_key = ApiKey::from_key(key).ok_or(HeaderError::UnknownApi {
            api_key: key,
            api_version,
            correlation_id,
        })?;
        let version = api_key.version(api_version).ok_or(HeaderError::UnsupportedVersion {
            api_key,
            api_version,
            correlation_id,
        })?;
        let (body, client_id) = decode_rest(rest, version).map_err(malformed)?;
        Ok((Self { api_key, api_version, correlation_id, client_id }, body))
    }

    /// Appends the header: version 2 where the API is flexible, otherwise version 1. A client id of more
    /// than 32,767 bytes is cut.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let version = Version {
            number: self.api_version,
            flexible: self
                .api_key
                .version(self.api_version)
                .is_some_and(|version| version.flexible),
        };
        self.api_key.key().encode(out, version);
        self.api_version.encode(out, version);
        self.correlation_id.encode(out, version);
        put_client_id(out, self.client_id);
        NewTags::new(version).append_to(out);
    }
}

/// Key, version and correlation id: the same in every version of the header.
fn decode_fixed(input: &[u8]) -> Parsed<'_, (i16, i16, i32)> {
    let (input, api_key) = be_i16(input).map_err(in_field("request_api_key"))?;
    let (input, api_version) = be_i16(input).map_err(in_field("request_api_version"))?;
    let (input, correlation_id) = be_i32(input).map_err(in_field("correlation_id"))?;
    Ok((input, (api_key, api_version, correlation_id)))
}

fn decode_rest(input: &[u8], version: Version) -> Parsed<'_, Option<&[u8]>> {
    let (input, client_id) = decode_client_id(input).map_err(in_field("client_id"))?;
    let (body, ()) = skip_tags(input, version)?;
    Ok((body, client_id))
}

fn decode_client_id(input: &[u8]) -> Parsed<'_, Option<&[u8]>> {
    match be_i16.map(usize::try_from).parse(input)? {
        (rest, Ok(length)) => take(length).map(Some).parse_complete(rest),
        (rest, Err(_)) => Ok((rest, None)),
    }
}

fn put_client_id(out: &mut Vec<u8>, client_id: Option<&[u8]>) {
    let Some(client_id) = client_id else {
        return out.extend_from_slice(&(-1i16).to_be_bytes());
    };
    let length = i16::try_from(client_id.len()).unwrap_or(i16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(client_id.iter().take(length.unsigned_abs().into()));
}

fn malformed(error: nom::Err<DecodeError>) -> HeaderError {
    HeaderError::Malformed(without_nom(error))
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a request header: {error}"),
            Self::UnknownApi { api_key, api_version, .. } => {
                write!(f, "unknown API key {api_key} (version {api_version})")
            }
            Self::UnsupportedVersion { api_key, api_version, .. } => {
                write!(f, "{api_key} has no version {api_version}, only {}", api_key.versions())
            }
        }
    }
}

impl std::error::Error for HeaderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::UnknownApi { .. } | Self::UnsupportedVersion { .. } => None,
        }
    }
}

/// The header of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHeader {
    /// That of the request which is answered.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of a response from the front of a frame, and gives the body after it. Which form
    /// it has follows from what was asked: responses do not say.
    ///
    /// # Errors
    /// When the frame is too short.
    pub fn decode(api: ApiKey, version: i16, frame: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let parse = |input| {
            let (input, correlation_id) = be_i32(input).map_err(in_field("correlation_id"))?;
            let (body, ()) = skip_tags(input, response_header_version(api, version))?;
            Ok((Self { correlation_id }, body))
        };
        parse(frame).map_err(without_nom)
    }

    /// Appends the header: version 1 where the API is flexible, otherwise and for ApiVersions version 0.
    pub fn encode(&self, out: &mut Vec<u8>, api: ApiKey, version: i16) {
        let version = response_header_version(api, version);
        self.correlation_id.encode(out, version);
        NewTags::new(version).append_to(out);
    }
}

fn response_header_version(api: ApiKey, number: i16) -> Version {
    let tagged =
        api != ApiKey::ApiVersions && api.version(number).is_some_and(|version| version.flexible);
    Version { number: i16::from(tagged), flexible: tagged }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;

    const PRODUCE_3: RequestHeader<'_> = RequestHeader {
        api_key: ApiKey::Produce,
        api_version: 3,
        correlation_id: 7,
        client_id: Some(b"app"),
    };

    /// The header and the bytes are each other's, with a body after them.
    fn check(header: RequestHeader<'_>, expected: &[u8]) {
        let mut frame = Vec::new();
        header.encode(&mut frame);
        assert_eq!(frame, expected);
        frame.extend(b"body");
        assert_eq!(RequestHeader::decode(&frame), Ok((header, &b"body"[..])));
    }

    #[test]
    fn only_flexible_requests_have_tagged_fields_in_their_header() {
        check(PRODUCE_3, &[0, 0, 0, 3, 0, 0, 0, 7, 0, 3, b'a', b'p', b'p']);
        check(
            RequestHeader { api_version: 9, ..PRODUCE_3 },
            &[0, 0, 0, 9, 0, 0, 0, 7, 0, 3, b'a', b'p', b'p', 0],
        );
    }

    #[test]
    fn a_client_id_is_any_bytes_or_null() {
        check(
            RequestHeader { client_id: None, ..PRODUCE_3 },
            &[0, 0, 0, 3, 0, 0, 0, 7, 0xff, 0xff],
        );
        check(
            RequestHeader { client_id: Some(&[0xff]), ..PRODUCE_3 },
            &[0, 0, 0, 3, 0, 0, 0, 7, 0, 1, 0xff],
        );
    }

    #[test]
    fn what_nobody_knows_is_named_with_the_correlation_id() {
        assert_eq!(
            RequestHeader::decode(&[0x7f, 0, 0, 1, 0, 0, 0, 7]),
            Err(HeaderError::UnknownApi { api_key: 0x7f00, api_version: 1, correlation_id: 7 })
        );
        for version in [6i16, -1] {
            let [high, low] = version.to_be_bytes();
            assert_eq!(
                RequestHeader::decode(&[0, 18, high, low, 0, 0, 0, 7]),
                Err(HeaderError::UnsupportedVersion {
                    api_key: ApiKey::ApiVersions,
                    api_version: version,
                    correlation_id: 7,
                })
            );
        }
    }

    #[test]
    fn a_header_that_is_cut_names_the_field() {
        let fields =
            |cut| match RequestHeader::decode(&[0, 0, 0, 9, 0, 0, 0, 7, 0, 1, b'a', 0][..cut]) {
                Err(HeaderError::Malformed(DecodeError {
                    reason: Reason::Truncated,
                    field,
                    ..
                })) => field,
                other => panic!("expected a truncated header, got {other:?}"),
            };
        assert_eq!(fields(1), Some("request_api_key"));
        assert_eq!(fields(3), Some("request_api_version"));
        assert_eq!(fields(7), Some("correlation_id"));
        assert_eq!(fields(10), Some("client_id"));
        assert_eq!(fields(11), Some("_tagged_fields"));
    }

    #[test]
    fn responses_to_api_versions_never_have_tagged_fields_in_their_header() {
        let check = |api, version, expected: &[u8]| {
            let mut frame = Vec::new();
            ResponseHeader { correlation_id: 7 }.encode(&mut frame, api, version);
            assert_eq!(frame, expected);
            let decoded = ResponseHeader::decode(api, version, &frame);
            assert_eq!(decoded, Ok((ResponseHeader { correlation_id: 7 }, &[][..])));
        };
        check(ApiKey::Produce, 8, &[0, 0, 0, 7]);
        check(ApiKey::Produce, 9, &[0, 0, 0, 7, 0]);
        check(ApiKey::ApiVersions, 3, &[0, 0, 0, 7]);
    }
}
