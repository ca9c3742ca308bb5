//! A server that does as it is told, one act a request.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Barrier, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

/// What the server does with a request.
#[derive(Clone)]
pub(super) enum Act {
    /// Answers with this status and a short body.
    Answer(u16),
    /// Answers with this status and this header.
    AnswerWith(u16, String),
    /// Answers once so many requests wait here.
    Meet(Arc<Barrier>),
    /// Answers, says that the connection stays open, and closes it.
    AnswerAndClose,
    /// Never answers.
    Hang,
    /// Answers so slowly that nobody waits for the end: a byte now and then.
    Drip,
    /// Begins to answer, and never ends the body.
    HangInBody,
    /// Answers with a body that does not end.
    Endless,
    /// Writes these bytes, and resets the connection.
    Reset(&'static str),
}

/// What was requested.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Which connection it came over, from 0.
    pub(super) connection: usize,
    /// The request line and the headers.
    pub(super) head: Vec<String>,
    pub(super) body: String,
}

#[derive(Clone)]
pub(super) struct Stub {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Act>,
    seen: Vec<Seen>,
}

impl Seen {
    /// The values of a header, by its name as it was written.
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.iter().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
    }
}

impl Stub {
    /// A server that acts so, and then answers everything with 200.
    pub(super) fn new(script: impl IntoIterator<Item = Act>) -> Self {
        Self::serve(script, None)
    }

    /// The same, encrypted.
    pub(super) fn encrypted(tls: ServerConfig) -> Self {
        Self::serve([], Some(Arc::new(tls)))
    }

    fn serve(script: impl IntoIterator<Item = Act>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let script = script.into_iter().collect();
        let stub = Self { addr, state: Arc::new(Mutex::new(State { script, seen: Vec::new() })) };
        let serving = stub.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (serving, tls) = (serving.clone(), tls.clone());
                thread::spawn(move || serving.talk(connection, stream.unwrap(), tls));
            }
        });
        stub
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}/path?query", self.addr.port())
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The bodies of all requests.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.body).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Whatever ends a connection ends its talk; tests look at what was seen.
    fn talk(&self, connection: usize, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        let socket = stream.try_clone().unwrap();
        let _ = match tls {
            None => self.answer_all(connection, stream, &socket),
            Some(tls) => {
                let session = ServerConnection::new(tls).unwrap();
                self.answer_all(connection, StreamOwned::new(session, stream), &socket)
            }
        };
    }

    fn answer_all(
        &self,
        connection: usize,
        stream: impl Read + Write,
        socket: &TcpStream,
    ) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(seen) = read_request(connection, &mut stream)? {
            let act = {
                let mut state = self.state();
                state.seen.push(seen);
                state.script.pop_front().unwrap_or(Act::Answer(200))
            };
            act.perform(stream.get_mut(), socket)?;
        }
        Ok(())
    }
}

fn read_request(connection: usize, stream: &mut impl BufRead) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end_matches("\r\n") {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let mut seen = Seen { connection, head, body: String::new() };
    let length: usize = seen.header("Content-Length")[0].parse().expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    seen.body = String::from_utf8(body).expect("the tests' values are text");
    Ok(Some(seen))
}

impl Act {
    fn perform(&self, stream: &mut (impl Read + Write), socket: &TcpStream) -> io::Result<()> {
        match self {
            Self::Answer(status) => answer(stream, *status, "X-Nothing: 1"),
            Self::AnswerWith(status, header) => answer(stream, *status, header),
            Self::Meet(barrier) => {
                barrier.wait();
                answer(stream, 200, "X-Nothing: 1")
            }
            Self::AnswerAndClose => {
                answer(stream, 200, "Connection: keep-alive")?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Self::Hang => wait_for_close(stream),
            Self::HangInBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")?;
                wait_for_close(stream)
            }
            Self::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nX-Drip: ")?;
                loop {
                    stream.write_all(b"x")?;
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Self::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 4096])?;
                }
            }
            Self::Reset(bytes) => {
                stream.write_all(bytes.as_bytes())?;
                SockRef::from(socket).set_linger(Some(Duration::ZERO))?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

fn answer(stream: &mut impl Write, status: u16, header: &str) -> io::Result<()> {
    // These have no body (RFC 9110 sections 15.3.5 and 15.4.5).
    let body = if matches!(status, 204 | 304) { "" } else { "Content-Length: 2\r\n\r\nok" };
    let end = if body.is_empty() { "\r\n" } else { "" };
    write!(stream, "HTTP/1.1 {status} Told\r\n{header}\r\n{body}{end}")?;
    stream.flush()
}

fn wait_for_close(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}
