//! Producers, sink, server and disk; and what must be in the files.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io, mem,
    path::Path,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use ksink_disk::{Crash, Disk, Fault, ModelDisk, Open, TwistedDisk, read_to_end, sync_folders};
use ksink_event::{Ack, Durability, Held, LastStop, Position, RecordSet, Refusal, Topic, accept};
use ksink_sinks::{FileOptions, FileSink, Flushed, Format, OutputId, PathPattern, Sink};
use ksink_wire::{
    compression::Decompressor,
    records::{BatchBuilder, NewRecord, RecordBatch},
};

use crate::{
    dice::Dice,
    planted::{Planted, Plot},
    server::{Batch, Journal, Server, Violation},
};

/// The folder that all files lie in.
pub(crate) const FOLDER: &str = "/data/out";

/// What the paths of files begin with that strangers moved away.
pub(crate) const MOVED: &str = "/data/out/moved-";

/// How many producers there are. Each writes to one topic.
pub(crate) const PRODUCERS: usize = 4;

/// What stays the same from run to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) pattern: &'static str,
    pub(crate) topics: u64,
    pub(crate) open_files_max: usize,
    pub(crate) durability: Durability,
    pub(crate) planted: Option<Planted>,
}

/// The machine, with what outlives a run.
pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) disk: TwistedDisk<Plot>,
    pub(crate) journal: Rc<RefCell<Journal>>,
    pub(crate) last_stop: LastStop,
    /// Whether power was lost since the last start.
    pub(crate) lost_power: bool,
}

/// A sink and its server, as long as they live.
pub(crate) struct Life {
    pub(crate) sink: FileSink,
    pub(crate) server: Server,
    setting: Setting,
    /// What each producer sends next.
    next: [u64; PRODUCERS],
    group: Vec<(Ack, OutputId, usize, u64)>,
}

impl Setting {
    fn topic_of(&self, producer: usize) -> String {
        format!("t{}", producer as u64 % self.topics)
    }

    fn path_of(&self, producer: usize) -> String {
        let path = PathPattern::new(self.pattern).path(&self.topic_of(producer));
        path.to_str().expect("text").to_owned()
    }
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let disk = TwistedDisk { disk: ModelDisk::new(), twist: Plot::new(setting.planted) };
        Self {
            setting,
            disk,
            journal: Rc::default(),
            last_stop: LastStop::Clean,
            lost_power: false,
        }
    }

    /// Starts sink and server.
    ///
    /// # Errors
    /// When the disk refuses something. The start can be tried again.
    pub(crate) fn start(&self) -> Result<Life, String> {
        let options = FileOptions {
            open_files_max: self.setting.open_files_max,
            durability: self.setting.durability,
            syncs_at_once: 1,
        };
        let pattern = PathPattern::new(self.setting.pattern);
        let disk = Arc::new(self.disk.clone());
        let mut sink = FileSink::open_on(disk, pattern, Format::default(), options)
            .map_err(|error| error.to_string())?;
        let held = self.held();
        let journal = self.journal.clone();
        let mut server = Server::new(journal, self.setting.durability, self.setting.planted);
        self.disk.twist.recovering.store(true, Ordering::Relaxed);
        let recovered = server.drive(sink.recover(&held));
        self.disk.twist.recovering.store(false, Ordering::Relaxed);
        server.resume(recovered.map_err(|error| error.to_string())?.positions);
        let accepted = &self.journal.borrow().written.accepted;
        let next = std::array::from_fn(|n| accepted.get(&n).copied().unwrap_or_default());
        Ok(Life { sink, server, setting: self.setting, next, group: Vec::new() })
    }

    /// Whether what was accepted must be there.
    pub(crate) fn promises_hold(&self) -> bool {
        if self.setting.durability == Durability::Power {
            return true;
        }
        let sync_failed = self.disk.twist.sync_failed.load(Ordering::Relaxed);
        match self.last_stop {
            LastStop::Clean => !(self.lost_power && sync_failed),
            LastStop::Unclean => true,
            LastStop::Rebooted => false,
        }
    }

    fn held(&self) -> Held {
        let at = |(output, bytes): (&Arc<str>, &Bytes)| Position::at(output.clone(), bytes.clone());
        let positions = self.journal.borrow().written.positions.iter().map(at).collect();
        Held { last_stop: self.last_stop, positions, ..Held::default() }
    }

    /// Ends a life in good order.
    pub(crate) fn stop(&mut self, mut life: Life) -> Result<(), Violation> {
        life.settle();
        let closed = life.server.drive(life.sink.close());
        life.server.hear();
        self.journal.borrow_mut().sync();
        self.last_stop = if closed.is_ok() { LastStop::Clean } else { LastStop::Unclean };
        end(life)
    }

    /// Ends a life at once, whatever it was doing.
    pub(crate) fn crash(
        &mut self,
        life: Life,
        crash: Crash,
        dice: &mut Dice,
    ) -> Result<(), Violation> {
        self.disk.disk.crash(crash);
        self.last_stop = LastStop::Unclean;
        self.lose(crash, dice);
        end(life)
    }

    /// What the end of the machine takes beside files. Of a clean stop nothing is left to lose.
    pub(crate) fn lose(&mut self, crash: Crash, dice: &mut Dice) {
        if matches!(crash, Crash::PowerCut { .. }) {
            self.lost_power = true;
            self.journal.borrow_mut().cut_power(dice);
            if self.last_stop == LastStop::Unclean {
                self.last_stop = LastStop::Rebooted;
            }
        }
    }

    /// What a file holds; nothing where there is none.
    pub(crate) fn content(&self, path: &str) -> Vec<u8> {
        match self.disk.disk.open(Path::new(path), Open::Read) {
            Ok(file) => read_to_end(&*file, 0).expect("the model reads"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// All files must hold what is remembered of them, and nothing else.
    pub(crate) fn check_files(&self) -> Result<(), Violation> {
        let memory = &self.journal.borrow().written;
        let mut paths: Vec<String> = memory.files.keys().cloned().collect();
        paths.extend(self.paths());
        for path in paths {
            let (found, expected) = (self.content(&path), memory.files.get(&path));
            let expected = expected.map(Vec::as_slice).unwrap_or_default();
            // What was moved away after a kill takes along what was not accepted.
            let found = if path.starts_with(MOVED) {
                &found[..expected.len().min(found.len())]
            } else {
                &found[..]
            };
            if found != expected {
                return Err(format!("{path} holds {}\nand not {}", said(found), said(expected)));
            }
        }
        Ok(())
    }

    /// The files that there are.
    pub(crate) fn paths(&self) -> Vec<String> {
        let names = self.disk.disk.list(Path::new(FOLDER)).unwrap_or_default();
        let path = |name: std::ffi::OsString| format!("{FOLDER}/{}", name.display());
        names.into_iter().map(path).collect()
    }

    /// Lets somebody else change the files, durably.
    pub(crate) fn strangers_change<T>(&self, change: impl FnOnce(&dyn Disk) -> io::Result<T>) -> T {
        let changed = change(&self.disk.disk).expect("the model does it");
        for path in self.paths() {
            let file = self.disk.disk.open(Path::new(&path), Open::Read).expect("it is there");
            file.sync_all().expect("the model syncs");
        }
        sync_folders(&self.disk.disk, Path::new(FOLDER)).expect("the model syncs");
        changed
    }

    /// Takes the files as they are for what must be there.
    pub(crate) fn believe_files(&self) {
        let paths = self.paths().into_iter();
        let there: BTreeMap<String, Vec<u8>> =
            paths.map(|path| (path.clone(), self.content(&path))).collect();
        self.journal.borrow_mut().change_files(|files| files.clone_from(&there));
    }

    pub(crate) fn fail(&self, after: u64, times: u64, fault: Fault) {
        self.disk.disk.fail(after, times, fault);
    }

    pub(crate) fn heal(&self) {
        self.fail(0, 0, Fault::Io);
    }
}

fn end(life: Life) -> Result<(), Violation> {
    let Life { sink, server, group, .. } = life;
    drop(sink);
    // Nobody hears what the end refuses.
    drop(group);
    server.violations.into_iter().next().map_or(Ok(()), Err)
}

impl Life {
    /// Lets a producer write its next batch, of so many records.
    pub(crate) fn write(&mut self, producer: usize, records: u64, padding: usize) {
        let number = self.next[producer];
        self.next[producer] += 1;
        let padding = "x".repeat(padding);
        let line = |n| format!("p{producer} b{number} r{n} {padding}");
        let lines: Vec<String> = (0..records).map(line).collect();
        let mut bytes = lines.join("\n").into_bytes();
        bytes.push(b'\n');
        let path = self.setting.path_of(producer);
        let (_, ack) = self.server.deliver(Batch { producer, number, path, bytes });
        if ack.is_void() {
            return self.refuse(
                ack,
                Refusal::local("an earlier batch was refused"),
                producer,
                number,
            );
        }
        let set = record_set(&self.setting.topic_of(producer), &lines);
        match self.server.drive(self.sink.write(&set, &ack)) {
            Ok(output) => self.group.push((ack, output, producer, number)),
            Err(refusal) => self.refuse(ack, refusal, producer, number),
        }
    }

    /// Ends the group: accepts what is kept, and refuses the rest.
    pub(crate) fn flush(&mut self) {
        let Flushed { positions, failed } = self.server.drive(self.sink.flush());
        let mut kept = Vec::new();
        for (ack, output, producer, number) in mem::take(&mut self.group) {
            match failed.iter().find(|failure| failure.output == output) {
                Some(failure) => self.refuse(ack, failure.refusal.clone(), producer, number),
                None => kept.push(ack),
            }
        }
        accept(kept, positions);
    }

    /// Ends the group, and lets the server remember everything.
    pub(crate) fn settle(&mut self) {
        self.flush();
        self.server.hear();
    }

    /// How many batches of a producer are sent and not refused.
    pub(crate) fn sent(&self, producer: usize) -> u64 {
        self.next[producer]
    }

    /// A producer sends again from the first refused batch on.
    fn refuse(&mut self, ack: Ack, refusal: Refusal, producer: usize, number: u64) {
        ack.refuse(refusal);
        self.next[producer] = self.next[producer].min(number);
    }
}

fn record_set(topic: &str, lines: &[String]) -> RecordSet {
    let mut batch = Vec::new();
    let mut builder = BatchBuilder::new(&mut batch);
    for line in lines {
        let value = Some(line.as_bytes());
        let record = NewRecord { timestamp: -1, key: None, value, headers: &[] };
        builder.push(&record).expect("a small record");
    }
    builder.finish().expect("a small batch");
    let mut scratch = Vec::new();
    let records = RecordBatch::parse_single(&batch)
        .expect("it was just built")
        .open(&mut Decompressor::new(), &mut scratch, usize::MAX)
        .expect("it is whole");
    let body = Bytes::copy_from_slice(records.body());
    let client = ([127, 0, 0, 1], 50_000).into();
    RecordSet::new(Topic::from(topic), 0, 0, client, body, records.walk())
}

/// The end of a content, for people.
fn said(content: &[u8]) -> String {
    let tail = &content[content.len().saturating_sub(400)..];
    format!("{} bytes: {:?}", content.len(), String::from_utf8_lossy(tail))
}
