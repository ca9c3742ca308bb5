//! A connection that outlives its server: a question is asked until it is answered.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use ksink_wire::{ApiKey, ErrorCode, Request, Response, ResponseHeader, frame::put_request};

/// How long one answer may take; then the connection is given up and the question asked again.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(3);

/// What an answer means for the question.
pub(crate) enum Heard<T> {
    Done(T),
    /// The same question may be answered otherwise in a moment.
    Again(ErrorCode),
    /// It will not.
    Refused(ErrorCode),
}

/// Sorts the codes of an answer: the first one that is final, or else the first one that is not.
pub(crate) fn heard<T>(codes: impl IntoIterator<Item = ErrorCode>, done: T) -> Heard<T> {
    let mut again = None;
    for code in codes {
        match code {
            ErrorCode::NONE => {}
            code if code.is_retriable() => again = again.or(Some(code)),
            code => return Heard::Refused(code),
        }
    }
    again.map_or(Heard::Done(done), Heard::Again)
}

/// An answer that no other try will change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    api: ApiKey,
    code: ErrorCode,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} was refused with {:?}", self.api, self.code)
    }
}

impl std::error::Error for Refused {}

/// A caller of one server, which may be killed and come again.
#[derive(Debug)]
pub(crate) struct Caller {
    addr: SocketAddr,
    /// How long the world may refuse to answer.
    patience: Duration,
    stream: Option<TcpStream>,
    correlation_id: i32,
}

impl Caller {
    pub(crate) fn new(addr: SocketAddr, patience: Duration) -> Self {
        Self { addr, patience, stream: None, correlation_id: 0 }
    }

    /// Asks until there is an answer that is not retriable.
    pub(crate) fn ask<T>(
        &mut self,
        api: ApiKey,
        version: i16,
        request: &Request<'_>,
        read: impl Fn(Response<'_>) -> Heard<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.patience;
        loop {
            let trouble = match self.try_ask(version, request) {
                Ok(frame) => {
                    let (_, body) = ResponseHeader::decode(api, version, &frame)?;
                    match read(Response::decode(api, version, body)?) {
                        Heard::Done(done) => return Ok(done),
                        Heard::Refused(code) => bail!(Refused { api, code }),
                        Heard::Again(code) => format!("{code:?}"),
                    }
                }
                Err(error) => {
                    self.stream = None;
                    error.to_string()
                }
            };
            let waited = self.patience;
            ensure!(Instant::now() < deadline, "{api:?} had no answer in {waited:?}: {trouble}");
            sleep(PAUSE);
        }
    }

    fn try_ask(&mut self, version: i16, request: &Request<'_>) -> io::Result<Vec<u8>> {
        self.correlation_id += 1;
        let mut bytes = Vec::new();
        put_request(&mut bytes, version, self.correlation_id, Some(b"crash"), request);
        let stream = self.connection()?;
        stream.write_all(&bytes)?;
        let mut len = [0; 4];
        stream.read_exact(&mut len)?;
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        stream.read_exact(&mut frame)?;
        Ok(frame)
    }

    fn connection(&mut self) -> io::Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.addr)?;
            stream.set_read_timeout(Some(ANSWER_WAIT))?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(self.stream.as_mut().expect("it was just opened"))
    }
}
