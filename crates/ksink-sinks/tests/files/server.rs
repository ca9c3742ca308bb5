//! What a server does with a sink's answers, and what it remembers.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use ksink_event::{Ack, Answer, Answers, Chain, DeliveryId, Durability, Fault, Position, Refusal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{dice::Dice, planted::Planted};

/// What must not be, and was seen.
pub(crate) type Violation = String;

/// A batch on its way: the `number`-th of a producer.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) producer: usize,
    pub(crate) number: u64,
    pub(crate) path: String,
    /// As it must be in the file.
    pub(crate) bytes: Vec<u8>,
}

/// What a frame says.
#[derive(Clone, Debug, Default)]
struct Frame {
    positions: Vec<Position>,
    batches: Vec<Batch>,
}

/// All that is remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) positions: BTreeMap<Arc<str>, Bytes>,
    /// How many batches of each producer were accepted.
    pub(crate) accepted: BTreeMap<usize, u64>,
    /// What must be in each file.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// Memory that outlives crashes: of a power cut, the synced part and some more.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) written: Memory,
    synced: Memory,
    unsynced: Vec<Frame>,
}

/// One life of the server.
#[derive(Debug)]
pub(crate) struct Server {
    journal: Rc<RefCell<Journal>>,
    answers: Answers,
    heard: UnboundedReceiver<Answer>,
    waiting: BTreeMap<DeliveryId, Batch>,
    chains: BTreeMap<usize, Arc<Chain>>,
    deliveries: u64,
    durability: Durability,
    planted: Option<Planted>,
    pub(crate) violations: Vec<Violation>,
}

impl Memory {
    fn apply(&mut self, frame: &Frame) -> Result<(), Violation> {
        for Position { output, bytes } in &frame.positions {
            match bytes {
                Some(bytes) => self.positions.insert(output.clone(), bytes.clone()),
                None => self.positions.remove(output),
            };
        }
        for batch in &frame.batches {
            let accepted = self.accepted.entry(batch.producer).or_default();
            if *accepted != batch.number {
                return Err(format!("{batch:?} was accepted after {accepted} others"));
            }
            *accepted += 1;
            self.files.entry(batch.path.clone()).or_default().extend_from_slice(&batch.bytes);
        }
        Ok(())
    }
}

impl Journal {
    pub(crate) fn sync(&mut self) {
        for frame in self.unsynced.drain(..) {
            self.synced.apply(&frame).expect("it was applied before");
        }
    }

    pub(crate) fn cut_power(&mut self, dice: &mut Dice) {
        let kept = dice.below(self.unsynced.len() as u64 + 1);
        self.unsynced.truncate(kept as usize);
        self.sync();
        self.written = self.synced.clone();
    }

    /// Changes what must be in the files.
    pub(crate) fn change_files(&mut self, change: impl Fn(&mut BTreeMap<String, Vec<u8>>)) {
        self.sync();
        change(&mut self.written.files);
        change(&mut self.synced.files);
    }
}

impl Server {
    pub(crate) fn new(
        journal: Rc<RefCell<Journal>>,
        durability: Durability,
        planted: Option<Planted>,
    ) -> Self {
        let (answers, heard) = Answers::new();
        Self {
            journal,
            answers,
            heard,
            waiting: BTreeMap::new(),
            chains: BTreeMap::new(),
            deliveries: 0,
            durability,
            planted,
            violations: Vec::new(),
        }
    }

    /// Hands a batch out. Batches of one producer are one chain, until one is refused.
    pub(crate) fn deliver(&mut self, batch: Batch) -> (DeliveryId, Ack) {
        self.deliveries += 1;
        let delivery = DeliveryId(self.deliveries);
        let chain = self.chains.entry(batch.producer).or_default();
        if chain.is_broken() {
            *chain = Arc::default();
        }
        let ack = self.answers.expect(delivery, Some(chain.clone()));
        self.waiting.insert(delivery, batch);
        (delivery, ack)
    }

    /// Lets a sink work, and answers its reports.
    pub(crate) fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(done) => return done,
                Poll::Pending => assert!(self.step(), "the sink waits for nothing"),
            }
        }
    }

    /// Hears all answers.
    pub(crate) fn hear(&mut self) {
        while self.step() {}
    }

    /// Remembers what a sink found at start.
    pub(crate) fn resume(&mut self, positions: Vec<Position>) {
        self.frame(Frame { positions, batches: Vec::new() });
        self.journal.borrow_mut().sync();
    }

    /// Hears one answer, if there is one.
    fn step(&mut self) -> bool {
        let Ok(answer) = self.heard.try_recv() else { return false };
        match answer {
            Answer::Accepted { deliveries, positions } => {
                let batch = |id| self.waiting.remove(&id).expect("a delivery is answered once");
                let batches = deliveries.into_iter().map(batch).collect();
                self.frame(Frame { positions, batches });
            }
            Answer::Reported { positions, framed, .. } => {
                if self.planted != Some(Planted::ReportsAreForgotten) {
                    self.frame(Frame { positions, batches: Vec::new() });
                }
                framed.say();
            }
            Answer::Refused { delivery, refusal } => {
                self.waiting.remove(&delivery);
                if !is_retriable(&refusal) {
                    self.violations.push(format!("a producer gives up for: {refusal}"));
                }
            }
            Answer::LeftInDisorder => unreachable!("the sink itself is asked how it was closed"),
            Answer::Prepared { .. } => unreachable!("nobody asked for a transaction"),
        }
        true
    }

    fn frame(&mut self, frame: Frame) {
        let is_left_out =
            frame.batches.is_empty() && self.planted == Some(Planted::ReportsAreNotSynced);
        let mut journal = self.journal.borrow_mut();
        match journal.written.apply(&frame) {
            Ok(()) => journal.unsynced.push(frame),
            Err(violation) => self.violations.push(violation),
        }
        if self.durability == Durability::Power && !is_left_out {
            journal.sync();
        }
    }
}

fn is_retriable(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unavailable { fault: Fault::Local, .. })
}
