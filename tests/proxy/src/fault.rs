//! What can happen to a Produce request.

use std::time::Duration;

/// What happens to one Produce request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it passes, and so does its reply.
    None,
    /// The server processes it and answers; the reply is thrown away and the connection ends.
    DropReply(Ending),
    /// The server processes it and answers; half of the reply passes, and the connection ends.
    HalfReply(Ending),
    /// It is delivered, and the connection ends before the server had time to answer.
    DeliverAndCut(Ending),
    /// It passes, and comes to the server a second time, on a connection of its own. That happens once
    /// everything that was asked before it is answered: earlier, it would overtake its predecessors, which
    /// no network does to a single connection.
    Duplicate,
    /// Its reply, and with it all that follow on the connection, comes that much later.
    Delay(Duration),
    /// It and all that follows on the connection vanish; what was asked before is still answered. The
    /// connection stays open until the client gives up.
    BlackHole,
}

/// How the client learns that a connection is over. After [`DeliverAndCut`](Fault::DeliverAndCut) the server
/// hears of the end in order, so that the request is not lost with it; otherwise it learns it in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order: the end of the stream.
    Fin,
    /// A reset, which destroys what is still on its way.
    Rst,
}
