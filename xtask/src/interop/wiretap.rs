//! Passes every byte between the client and ksink on, and listens; where a cell asks for it, it hangs up
//! in place of passing a frame on, and kills ksink too.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use ksink_wire::frame::{PREFIX_BYTES, frame_len};

use super::{
    conversation::{Conversation, Then},
    eavesdrop::Heard,
    server::Server,
};

/// The largest frame that is listened to; larger ones pass unheard.
const FRAME_BYTES_MAX: usize = 100 << 20;

/// A port of its own, which ksink advertises in place of its own.
pub(crate) struct Wiretap {
    listener: TcpListener,
}

impl Wiretap {
    pub(crate) fn bind() -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind("127.0.0.1:0")? })
    }

    pub(crate) fn addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Passes connections on for as long as this program runs; it ends when its few clients have.
    pub(crate) fn tap(self, server: &Arc<Mutex<Server>>, heard: Heard) -> Arc<Mutex<Heard>> {
        let heard = Arc::new(Mutex::new(heard));
        let addr = server.lock().expect("starting does not panic").addr();
        let ear = Ear { heard: Arc::clone(&heard), server: Arc::clone(server) };
        thread::spawn(move || {
            for client in self.listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, which its client will tell.
                let Ok(ksink) = TcpStream::connect(addr) else { continue };
                connect(client, ksink, &ear).ok();
            }
        });
        heard
    }
}

/// What all connections have in common.
#[derive(Clone)]
struct Ear {
    heard: Arc<Mutex<Heard>>,
    server: Arc<Mutex<Server>>,
}

fn connect(client: TcpStream, ksink: TcpStream, ear: &Ear) -> io::Result<()> {
    client.set_nodelay(true)?;
    ksink.set_nodelay(true)?;
    let conversation = Arc::new(Mutex::new(Conversation::default()));
    let requests = Line {
        from: client.try_clone()?,
        to: ksink.try_clone()?,
        hear: Conversation::hear_request,
    };
    let responses = Line { from: ksink, to: client, hear: Conversation::hear_response };
    for line in [requests, responses] {
        let (conversation, ear) = (Arc::clone(&conversation), ear.clone());
        thread::spawn(move || line.pass_on(&conversation, &ear));
    }
    Ok(())
}

/// One direction of a connection.
struct Line {
    from: TcpStream,
    to: TcpStream,
    hear: fn(&mut Conversation, &[u8], &mut Heard) -> Then,
}

impl Line {
    /// Until one side hangs up; then the other one hears of it. Frames are heard before they arrive, so
    /// that an answer never comes before what it answers.
    fn pass_on(mut self, conversation: &Mutex<Conversation>, ear: &Ear) {
        let mut unheard = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        while let Ok(length @ 1..) = self.from.read(&mut chunk) {
            unheard.extend_from_slice(&chunk[..length]);
            match self.listen(&mut unheard, conversation, &ear.heard) {
                Then::PassOn => {}
                Then::Cut => return self.cut(),
                Then::Kill => {
                    let mut server = ear.server.lock().expect("starting does not panic");
                    // Where it does not come up again, its last stop tells why.
                    server.kill_and_start_again().ok();
                    return self.cut();
                }
            }
            if self.to.write_all(&chunk[..length]).is_err() {
                break;
            }
        }
        // Either may be gone already.
        self.to.shutdown(Shutdown::Write).ok();
        self.from.shutdown(Shutdown::Read).ok();
    }

    fn listen(
        &self,
        unheard: &mut Vec<u8>,
        conversation: &Mutex<Conversation>,
        heard: &Mutex<Heard>,
    ) -> Then {
        while let Some(frame) = take_frame(unheard) {
            let mut conversation = conversation.lock().expect("listening does not panic");
            let mut heard = heard.lock().expect("listening does not panic");
            let then = (self.hear)(&mut conversation, &frame, &mut heard);
            if then != Then::PassOn {
                return then;
            }
        }
        Then::PassOn
    }

    /// Hangs up on both sides; frames that came in the same chunk are lost with the last one.
    fn cut(self) {
        for side in [&self.to, &self.from] {
            // It may be gone already.
            side.shutdown(Shutdown::Both).ok();
        }
    }
}

/// Takes a whole frame from the front, without its prefix.
fn take_frame(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = PREFIX_BYTES + frame_len(bytes, FRAME_BYTES_MAX).ok()??;
    if bytes.len() < end {
        return None;
    }
    let rest = bytes.split_off(end);
    let frame = std::mem::replace(bytes, rest).split_off(PREFIX_BYTES);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_whole_and_in_order() {
        let mut bytes = vec![0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 2, 8];
        assert_eq!(take_frame(&mut bytes), Some(vec![7]));
        assert_eq!(take_frame(&mut bytes), Some(vec![]));
        assert_eq!(take_frame(&mut bytes), None);
        bytes.push(9);
        assert_eq!(take_frame(&mut bytes), Some(vec![8, 9]));
        assert_eq!(bytes, Vec::<u8>::new());
    }
}
