//! Frames: how requests and responses follow each other on a connection.
//!
//! A frame is four bytes that say how long it is, not counting themselves, and then a header and a body.
//! Source: <https://kafka.apache.org/protocol#protocol_common>.

use std::fmt;

use crate::{
    api::{Request, Response},
    header::{RequestHeader, ResponseHeader},
};

/// The bytes before a frame that say its length.
pub const PREFIX_BYTES: usize = 4;

/// A length that no frame may have. The connection cannot go on: where the next frame starts is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is negative.
    Negative(i32),
    /// The length is beyond what the receiver allows.
    TooLarge {
        /// What the frame claims to be, in bytes.
        length: usize,
        /// What the receiver allows, in bytes.
        frame_bytes_max: usize,
    },
}

/// The length of the frame that starts at the front of `input`, without the prefix; `None` while fewer
/// than [`PREFIX_BYTES`] are there.
///
/// # Errors
/// When the length is negative or above `frame_bytes_max`.
pub fn frame_len(input: &[u8], frame_bytes_max: usize) -> Result<Option<usize>, FrameError> {
    let Some(prefix) = input.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
    let length = i32::from_be_bytes(*prefix);
    match usize::try_from(length) {
        Err(_) => Err(FrameError::Negative(length)),
        Ok(length) if length > frame_bytes_max => {
            Err(FrameError::TooLarge { length, frame_bytes_max })
        }
        Ok(length) => Ok(Some(length)),
    }
}

/// Appends a whole request: prefix, header and body.
///
/// # Panics
/// When the API does not have the version, or the frame would exceed 2 GiB.
pub fn put_request(
    out: &mut Vec<u8>,
    version: i16,
    correlation_id: i32,
    client_id: Option<&[u8]>,
    request: &Request<'_>,
) {
    let header =
        RequestHeader { api_key: request.api(), api_version: version, correlation_id, client_id };
    put_frame(out, |out| {
        header.encode(out);
        request.encode(out, version);
    });
}

/// Appends a whole response: prefix, header and body.
///
/// ```
/// use ksink_wire::{
///     ApiKey, ErrorCode, Response,
///     frame::put_response,
///     messages::api_versions::{ApiVersion, ApiVersionsResponse},
/// };
///
/// // The client asked in a version that we do not have: the answer is in version 0, which everybody can read.
/// let versions = ApiKey::ApiVersions.versions();
/// let response = Response::from(ApiVersionsResponse {
///     error_code: ErrorCode::UNSUPPORTED_VERSION,
///     api_keys: vec![ApiVersion {
///         api_key: ApiKey::ApiVersions.key(),
///         min_version: versions.first,
///         max_version: versions.last,
///     }],
///     ..ApiVersionsResponse::default()
/// });
/// let mut out = Vec::new();
/// put_response(&mut out, 0, 1, &response);
/// assert_eq!(out, [0, 0, 0, 16, 0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 5]);
/// ```
///
/// # Panics
/// When the API does not have the version, or the frame would exceed 2 GiB.
pub fn put_response(out: &mut Vec<u8>, version: i16, correlation_id: i32, response: &Response<'_>) {
    put_frame(out, |out| {
        ResponseHeader { correlation_id }.encode(out, response.api(), version);
        response.encode(out, version);
    });
}

/// Appends what `content` appends, with its length before it.
fn put_frame(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX_BYTES]);
    content(out);
    let length = i32::try_from(out.len() - start - PREFIX_BYTES).expect("a frame is under 2 GiB");
    let (_, frame) = out.split_at_mut(start);
    let prefix = frame.first_chunk_mut().expect("the prefix was just written");
    *prefix = length.to_be_bytes();
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(length) => write!(f, "a frame of {length} bytes"),
            Self::TooLarge { length, frame_bytes_max } => {
                write!(f, "a frame of {length} bytes, where {frame_bytes_max} are allowed")
            }
        }
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: Result<Option<usize>, FrameError>) {
        assert_eq!(frame_len(input, 100), expected, "{input:?}");
    }

    #[test]
    fn a_frame_is_as_long_as_its_prefix_says() {
        check(&[], Ok(None));
        check(&[0, 0, 0], Ok(None));
        check(&[0, 0, 0, 0], Ok(Some(0)));
        check(&[0, 0, 0, 100, 7], Ok(Some(100)));
    }

    #[test]
    fn a_length_outside_of_the_bounds_is_an_error() {
        check(&[0, 0, 0, 101], Err(FrameError::TooLarge { length: 101, frame_bytes_max: 100 }));
        check(&[0xff; 4], Err(FrameError::Negative(-1)));
        check(&[0x80, 0, 0, 0], Err(FrameError::Negative(i32::MIN)));
    }
}
