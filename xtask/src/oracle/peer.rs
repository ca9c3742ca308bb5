//! One connection to a server, and what comes back on it.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result};

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It sent a frame; these are its bytes, without the prefix.
    Frame(Vec<u8>),
    /// It closed the connection.
    Closed,
    /// It did nothing for as long as we waited.
    Silence,
}

/// A connection.
pub(crate) struct Peer(TcpStream);

impl Peer {
    pub(crate) fn connect(addr: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(addr).with_context(|| format!("nobody listens at {addr}"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends bytes. A server that hung up is noticed when its answer is waited for.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).ok();
    }

    /// The next thing that the server does.
    pub(crate) fn hear(&mut self) -> Result<Heard> {
        match self.read_frame() {
            Ok(frame) => Ok(Heard::Frame(frame)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Heard::Silence),
                ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe => Ok(Heard::Closed),
                _ => Err(error).context("cannot read from the server"),
            },
        }
    }

    fn read_frame(&mut self) -> io::Result<Vec<u8>> {
        let mut prefix = [0; 4];
        self.0.read_exact(&mut prefix)?;
        let mut frame = Vec::new();
        let length = u64::from(u32::from_be_bytes(prefix));
        (&mut self.0).take(length).read_to_end(&mut frame)?;
        Ok(frame)
    }
}
