//! One connection between the client and ksink: the requests, and the answers that they explain.

use std::collections::HashMap;

use ksink_wire::{ApiKey, Request, RequestHeader, Response, ResponseHeader};

use super::eavesdrop::Heard;

/// What is to be done with a frame that was heard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    PassOn,
    /// It must not arrive, and nothing after it.
    Cut,
    /// So, and ksink is killed.
    Kill,
}

/// One connection: requests, and the answers that they explain.
#[derive(Default)]
pub(crate) struct Conversation {
    asked: HashMap<i32, RequestHead>,
}

struct RequestHead {
    api: ApiKey,
    version: i16,
    /// Where it concerns a transaction.
    transactional_id: Option<String>,
    /// Where it ends one: which of those that were heard to end.
    end: usize,
}

impl Conversation {
    /// Listens to a frame of the client. What cannot be read is ksink's to refuse; here it goes unheard.
    pub(crate) fn hear_request(&mut self, frame: &[u8], heard: &mut Heard) -> Then {
        let Ok((header, body)) = RequestHeader::decode(frame) else { return Then::PassOn };
        heard.recording.hear(&header, frame);
        let (api, version) = (header.api_key, header.api_version);
        let mut head = RequestHead { api, version, transactional_id: None, end: 0 };
        let mut then = Then::PassOn;
        match Request::decode(api, version, body) {
            Ok(Request::Metadata(request)) => heard.hear_question(&request),
            Ok(Request::Produce(request)) => {
                then = heard.hear_produce(version, &request);
                head.transactional_id = request.transactional_id.map(str::to_owned);
            }
            Ok(Request::AddPartitionsToTxn(request)) => heard.hear_added(&request),
            Ok(Request::EndTxn(request)) => {
                (head.end, then) = heard.hear_end(version, &request);
                head.transactional_id = Some(request.transactional_id.to_owned());
            }
            _ => {}
        }
        self.asked.insert(header.correlation_id, head);
        then
    }

    /// Listens to a frame of ksink.
    pub(crate) fn hear_response(&mut self, frame: &[u8], heard: &mut Heard) -> Then {
        self.understand(frame, heard).unwrap_or(Then::PassOn)
    }

    fn understand(&mut self, frame: &[u8], heard: &mut Heard) -> Option<Then> {
        let correlation_id = i32::from_be_bytes(*frame.first_chunk()?);
        let RequestHead { api, version, transactional_id, end } =
            self.asked.remove(&correlation_id)?;
        let (_, body) = ResponseHeader::decode(api, version, frame).ok()?;
        match Response::decode(api, version, body).ok()? {
            Response::Metadata(metadata) => heard.hear_metadata(&metadata),
            Response::Produce(response) => {
                return Some(heard.hear_produced(version, &response, transactional_id.as_deref()));
            }
            Response::EndTxn(response) => {
                return Some(heard.hear_ended(&transactional_id?, end, response.error_code));
            }
            _ => {}
        }
        None
    }
}
