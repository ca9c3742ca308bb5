//! Reading a frame, and what its header says.

use std::io;

use ksink_wire::{
    ApiKey, ErrorCode, Request, RequestHeader, Response, ResponseHeader,
    frame::{PREFIX_BYTES, frame_len},
    records::RecordBatch,
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// No client or server here sends more in one frame.
const FRAME_BYTES_MAX: usize = 100 << 20;

/// A whole frame, its prefix included.
#[derive(Clone, Debug)]
pub(crate) struct Frame(pub Vec<u8>);

/// What a request says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub correlation_id: i32,
    /// Some if it is a Produce request that can be read.
    pub produce: Option<Produce>,
}

/// What a Produce request says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Produce {
    pub version: i16,
    /// With acks=0 there is no reply.
    pub is_answered: bool,
    pub records: u64,
}

impl Frame {
    /// Reads the next frame; `None` at the end of the stream, also when that is within a frame.
    pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; PREFIX_BYTES];
        if is_end(from.read_exact(&mut bytes).await)? {
            return Ok(None);
        }
        let length = frame_len(&bytes, FRAME_BYTES_MAX)
            .map_err(|error| io::Error::other(error.to_string()))?;
        bytes.resize(PREFIX_BYTES + length.expect("the prefix is there"), 0);
        if is_end(from.read_exact(&mut bytes[PREFIX_BYTES..]).await)? {
            return Ok(None);
        }
        Ok(Some(Self(bytes)))
    }

    /// What follows the prefix.
    fn content(&self) -> &[u8] {
        &self.0[PREFIX_BYTES..]
    }

    /// Reads a request's header. A header that the wire crate does not know still has its correlation id in
    /// its place; one too short for that gets 0, and its server will hang up anyway.
    pub(crate) fn head(&self) -> Head {
        let content = self.content();
        let id = content.get(4..).and_then(|rest| rest.first_chunk());
        let correlation_id = id.map_or(0, |id| i32::from_be_bytes(*id));
        Head { correlation_id, produce: Produce::read(content) }
    }

    /// The correlation id of a reply.
    pub(crate) fn reply_id(&self) -> Option<i32> {
        self.content().first_chunk().map(|id| i32::from_be_bytes(*id))
    }

    /// Whether this is the reply to a Produce request, and tells of no error.
    pub(crate) fn is_success(&self, version: i16) -> bool {
        let Ok((_, body)) = ResponseHeader::decode(ApiKey::Produce, version, self.content()) else {
            return false;
        };
        let Ok(Response::Produce(reply)) = Response::decode(ApiKey::Produce, version, body) else {
            return false;
        };
        let mut partitions = reply.responses.iter().flat_map(|topic| &topic.partition_responses);
        partitions.all(|partition| partition.error_code == ErrorCode::NONE)
    }
}

impl Produce {
    fn read(content: &[u8]) -> Option<Self> {
        let (header, body) = RequestHeader::decode(content).ok()?;
        let Ok(Request::Produce(request)) =
            Request::decode(header.api_key, header.api_version, body)
        else {
            return None;
        };
        let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
        let batches = partitions.filter_map(|data| RecordBatch::parse_single(data.records?).ok());
        let records =
            batches.map(|batch| u64::try_from(batch.records_count).unwrap_or_default()).sum();
        Some(Self { version: header.api_version, is_answered: request.acks != 0, records })
    }
}

/// Whether a read came to the end of the stream instead.
fn is_end(read: io::Result<usize>) -> io::Result<bool> {
    match read {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
        Err(error) => Err(error),
    }
}
