//! One client's connection, and the one to the server that belongs to it.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::sleep,
};

use crate::{
    conversation::Conversation,
    fault::{Ending, Fault},
    frame::{Frame, Head},
    proxy::Ledger,
};

/// Passes frames until both sides have hung up, or a fault ends it.
pub(crate) async fn relay(mut client: TcpStream, server: SocketAddr, ledger: Ledger) {
    // A client that cannot be passed on is hung up on.
    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and_then(|()| upstream.set_nodelay(true)).is_err() {
        return;
    }
    let line = Line { server, ledger, conversation: Mutex::default() };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = upstream.split();
    let passed = tokio::try_join!(
        line.pass_requests(from_client, to_server),
        line.pass_replies(from_server, to_client)
    );
    match passed {
        Ok(((), ())) | Err(End::Broken) => {}
        Err(End::Cut { client: how, server: how_there }) => {
            tokio::join!(part(client, how), part(upstream, how_there));
        }
    }
}

/// Why a connection does not go on.
enum End {
    /// One side is gone; dropping both sockets tells the other.
    Broken,
    /// A fault.
    Cut { client: Ending, server: Ending },
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

struct Line {
    server: SocketAddr,
    ledger: Ledger,
    conversation: Mutex<Conversation>,
}

impl Line {
    async fn pass_requests(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), End> {
        while let Some(frame) = self.hear_request(&mut from).await? {
            let head = frame.head();
            let fault = self.meet(head);
            if fault == Fault::BlackHole {
                self.ledger.count(|counts| counts.black_holes += 1);
                swallow(&mut from).await;
                return Err(End::Broken);
            }
            self.conversation().ask(&frame, head, fault);
            to.write_all(&frame.0).await?;
            if let Fault::DeliverAndCut(ending) = fault {
                self.ledger.count(|counts| counts.delivered_and_cut += 1);
                return Err(End::Cut { client: ending, server: Ending::Fin });
            }
            self.send_due_duplicate();
        }
        Ok(to.shutdown().await?)
    }

    async fn hear_request(&self, from: &mut ReadHalf<'_>) -> io::Result<Option<Frame>> {
        let heard = Frame::read(from).await;
        if !matches!(heard, Ok(Some(_))) {
            let given_up = self.conversation().waiting_to_produce();
            self.ledger.count(|counts| counts.given_up += given_up);
        }
        heard
    }

    async fn pass_replies(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), End> {
        while let Some(frame) = Frame::read(&mut from).await? {
            let asked = self.conversation().answer();
            self.send_due_duplicate();
            if asked.as_ref().map(|asked| asked.correlation_id) != frame.reply_id() {
                self.ledger.count(|counts| counts.misplaced_replies += 1);
            }
            let is_produce = asked.as_ref().is_some_and(|asked| asked.produce.is_some());
            self.pass_reply(&frame, asked.map_or(Fault::None, |asked| asked.fault), &mut to)
                .await?;
            if is_produce {
                self.ledger.count(|counts| counts.replies += 1);
            }
        }
        Ok(to.shutdown().await?)
    }

    async fn pass_reply(
        &self,
        frame: &Frame,
        fault: Fault,
        to: &mut WriteHalf<'_>,
    ) -> Result<(), End> {
        match fault {
            Fault::DropReply(ending) => {
                self.ledger.count(|counts| counts.dropped_replies += 1);
                return Err(End::Cut { client: ending, server: ending });
            }
            Fault::HalfReply(ending) => {
                to.write_all(&frame.0[..frame.0.len() / 2]).await?;
                self.ledger.count(|counts| counts.half_replies += 1);
                return Err(End::Cut { client: ending, server: ending });
            }
            Fault::Delay(duration) => {
                self.ledger.count(|counts| counts.delays += 1);
                sleep(duration).await;
            }
            Fault::None | Fault::DeliverAndCut(_) | Fault::Duplicate | Fault::BlackHole => {}
        }
        Ok(to.write_all(&frame.0).await?)
    }

    /// The fault that a request meets: only those that produce, and can be read and answered, meet any.
    fn meet(&self, head: Head) -> Fault {
        let Some(produce) = head.produce else { return Fault::None };
        let mut entries = self.ledger.entries();
        entries.counts.requests += 1;
        entries.counts.records += produce.records;
        if produce.is_answered { entries.schedule.draw() } else { Fault::None }
    }

    fn send_due_duplicate(&self) {
        let Some((frame, version)) = self.conversation().due_duplicate() else { return };
        self.ledger.count(|counts| counts.duplicates += 1);
        let (server, ledger) = (self.server, self.ledger.clone());
        tokio::spawn(async move {
            if let Ok(Some(reply)) = send_once(server, &frame).await
                && reply.is_success(version)
            {
                ledger.count(|counts| counts.duplicates_accepted += 1);
            }
        });
    }

    fn conversation(&self) -> MutexGuard<'_, Conversation> {
        self.conversation.lock().expect("nobody panics within a conversation")
    }
}

/// Sends a frame on a connection of its own, and gives the reply.
async fn send_once(server: SocketAddr, frame: &Frame) -> io::Result<Option<Frame>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&frame.0).await?;
    Frame::read(&mut stream).await
}

/// Ends a connection. In order, it stays until the peer has hung up too: closing a socket with unread bytes
/// in it would reset it.
async fn part(mut stream: TcpStream, ending: Ending) {
    match ending {
        // Where this fails, the connection is gone already, which is what was asked for.
        Ending::Rst => drop(stream.set_zero_linger()),
        Ending::Fin => {
            if stream.shutdown().await.is_ok() {
                swallow(&mut stream).await;
            }
        }
    }
}

/// Reads until the peer hangs up.
async fn swallow(from: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; 4096];
    while let Ok(1..) = from.read(&mut bytes).await {}
}
