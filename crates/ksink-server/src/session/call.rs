//! What a session asks of the broker, and what it hears back.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;
use ksink_wire::{ApiKey, RequestHeader, Response, frame::put_response};

use super::{Goodbye, Ticket};

/// Who is asking. Only a session makes one, and only once its client may ask.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The client's end of the connection.
    pub client: SocketAddr,
    /// Our end of it: an address that this client can reach.
    pub local: SocketAddr,
}

/// A request for the broker. The session holds the reply's place in line.
#[derive(Debug)]
pub struct Call {
    /// The place in line.
    pub ticket: Ticket,
    /// Who is asking.
    pub caller: Caller,
    /// What is asked.
    pub head: Head,
    /// The body, not decoded yet.
    pub body: Bytes,
}

/// The parts of a request header that an answer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which API.
    pub api: ApiKey,
    /// In which version; one that the wire crate knows.
    pub version: i16,
    /// Returned as it came.
    pub correlation_id: i32,
}

impl Head {
    /// The reply that carries `response`.
    pub(crate) fn reply<'a>(&self, response: impl Into<Response<'a>>) -> Reply {
        Reply::Send(self.encode(response))
    }

    /// The whole frame that carries `response`.
    pub(crate) fn encode<'a>(&self, response: impl Into<Response<'a>>) -> Vec<u8> {
        let mut out = Vec::new();
        put_response(&mut out, self.version, self.correlation_id, &response.into());
        out
    }

    pub(super) fn of(header: &RequestHeader<'_>) -> Self {
        Self {
            api: header.api_key,
            version: header.api_version,
            correlation_id: header.correlation_id,
        }
    }
}

/// How a call is answered.
#[derive(Debug)]
pub enum Reply {
    /// A whole frame.
    Send(Vec<u8>),
    /// A whole frame, but not before this time.
    SendAt(Instant, Vec<u8>),
    /// Nothing: a produce request with acks=0.
    Silence,
    /// By closing the connection.
    Hangup(Goodbye),
}
