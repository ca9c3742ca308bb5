//! A sink of your own that keeps every record once, across `kill -9` and power loss: it appends to one file.
//!
//! ```sh
//! cargo run -p ksink-server --example exactly_once -- /tmp/exactly-once
//! echo hello | kcat -P -b localhost:9092 -t greetings -X enable.idempotence=true
//! ```
//!
//! The server remembers what this sink tells it: after each group how long the file is, and for each transaction where
//! its records wait. At start it gives that back, and the sink makes the file what the server remembers.

use std::{
    collections::HashMap,
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use ksink_event::{
    Ack, Decided, Deliveries, Delivery, Event, Held, Intent, LastStop, Position, RecordSet,
    Refusal, Resumed, Transaction, accept,
};
use ksink_server::{Server, ServerConfig, StateConfig};

/// What the server calls the file.
const OUTPUT: &str = "records";

/// What the name of a file begins with in which a transaction waits. The rest is its serial, which is never used
/// again.
const WAITING: &str = "waiting-";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: exactly_once FOLDER")?);
    let (server, records) = open(&folder)?;
    let (running, deliveries) = server.bind(&"127.0.0.1:9092".parse()?).await?;
    records.keep(deliveries).await?;
    running.stopped().await;
    Ok(())
}

/// Opens the server and its sink, and makes the file what the server remembers.
pub fn open(folder: &Path) -> Result<(Server, RecordsFile), Box<dyn Error>> {
    let state = Some(StateConfig::at(folder.join("state")));
    let mut server = Server::open(ServerConfig { state, ..Default::default() })?;
    let (records, resumed) = RecordsFile::open(folder, server.held())?;
    server.resume(resumed)?;
    Ok((server, records))
}

/// One file for all records, and a file for each open transaction.
pub struct RecordsFile {
    folder: PathBuf,
    /// How much of each file counts. What lies beyond was never acknowledged.
    lens: HashMap<String, u64>,
    /// What transactions waited in that are in the file now. It may go once a later commit has come: only then is
    /// it certain that a restart would not ask for it again.
    applied: Vec<String>,
}

impl RecordsFile {
    fn open(folder: &Path, held: &Held) -> io::Result<(Self, Resumed)> {
        fs::create_dir_all(folder)?;
        let mut sink = Self { folder: folder.into(), lens: HashMap::new(), applied: Vec::new() };
        let found = sink.file(OUTPUT)?.metadata()?.len();
        let len = match (held.last_stop, position_of(held, OUTPUT)) {
            // After a crash the server knows better how much of the file counts.
            (LastStop::Unclean | LastStop::Rebooted, Some(told)) => told.min(found),
            (LastStop::Unclean | LastStop::Rebooted, None) | (LastStop::Clean, _) => found,
        };
        sink.lens.insert(OUTPUT.into(), len);
        sink.append(OUTPUT, &[])?;
        let resumed = sink.resume(held)?;
        Ok((sink, resumed))
    }

    /// Finishes what is decided, finds what open transactions wait in, and removes what nobody waits for.
    fn resume(&mut self, held: &Held) -> io::Result<Resumed> {
        let mut resumed = Resumed::default();
        for transaction in &held.open {
            let name = name_of(transaction);
            let told = position_of(held, &name).unwrap_or(0);
            match self.file(&name)?.metadata()?.len() >= told {
                true => drop(self.lens.insert(name, told)),
                false => resumed.lost.push(transaction.serial),
            }
        }
        for decided in &held.decided {
            resumed.positions.extend(self.commit(decided)?);
            resumed.applied.push(decided.transaction.serial);
        }
        for transaction in &held.aborted {
            resumed.positions.extend(self.abort(transaction)?);
            resumed.applied.push(transaction.serial);
        }
        self.remove_strangers()?;
        // Also the file's own position: from here on the server knows it before the first byte is written.
        resumed.positions.push(at(OUTPUT, self.lens[OUTPUT]));
        Ok(resumed)
    }

    fn remove_strangers(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let is_known = self.lens.contains_key(&name) || self.applied.contains(&name);
            if name.starts_with(WAITING) && !is_known {
                fs::remove_file(self.folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Keeps all that comes until the server stops.
    pub async fn keep(mut self, mut deliveries: Deliveries) -> io::Result<()> {
        while let Some(first) = deliveries.next().await {
            let mut next = Some(first);
            let mut group = Group::default();
            while let Some(delivery) = next {
                self.take(delivery, &mut group).await;
                next = deliveries.next_ready();
            }
            group.accept();
        }
        self.file(OUTPUT)?.sync_all()
    }

    async fn take(&mut self, Delivery { event, ack }: Delivery, group: &mut Group) {
        match event {
            Event::Records(_) if ack.is_void() => {
                ack.refuse(Refusal::local("an earlier batch was refused"))
            }
            Event::Records(set) => match self.write(&set) {
                Ok(position) => group.add(ack, position),
                Err(error) => ack.refuse(Refusal::local(error.to_string())),
            },
            // Plain records and commits into one file take turns: what was written before must be remembered first.
            Event::Prepare(_) | Event::Commit(_) | Event::Abort(_) => {
                std::mem::take(group).accept();
                self.decide(event, ack).await;
            }
        }
    }

    async fn decide(&mut self, event: Event, ack: Ack) {
        let reporter = ack.reporter();
        if let Err(refusal) = reporter.report(Vec::new()).await {
            return ack.refuse(refusal);
        }
        let done = match &event {
            Event::Prepare(transaction) => match self.prepare(transaction) {
                Ok(intent) => return ack.accept_prepared(intent, Vec::new()),
                Err(error) => Err(error),
            },
            Event::Commit(decided) => {
                // That this commit came means that every earlier one is remembered for good.
                let applied = std::mem::take(&mut self.applied);
                applied.iter().for_each(|name| drop(fs::remove_file(self.folder.join(name))));
                self.commit(decided)
            }
            Event::Abort(transaction) => self.abort(transaction),
            Event::Records(_) => return,
        };
        match done {
            Ok(positions) => ack.accept(positions),
            Err(error) => ack.refuse(Refusal::local(error.to_string())),
        }
        // Nothing else is written until the server remembers where the file stands now.
        let _ = reporter.report(Vec::new()).await;
    }

    /// Appends records where they belong, and says how far that got.
    fn write(&mut self, set: &RecordSet) -> io::Result<Position> {
        let mut lines = Vec::new();
        for record in set.records().iter() {
            lines.extend_from_slice(record.value.unwrap_or_default());
            lines.push(b'\n');
        }
        match &set.transaction {
            None => self.append(OUTPUT, &lines),
            Some(transaction) => self.append(&name_of(transaction), &lines),
        }
    }

    /// Makes a transaction's records safe. What a commit will do is to append so many bytes of them.
    fn prepare(&self, transaction: &Transaction) -> io::Result<Intent> {
        let name = name_of(transaction);
        self.file(&name)?.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        let len = self.lens.get(&name).copied().unwrap_or(0);
        Ok(Intent(len.to_be_bytes().to_vec().into()))
    }

    /// Appends a transaction's records. After a crash, or an error, it is asked again, and begins where it began.
    fn commit(&mut self, decided: &Decided) -> io::Result<Vec<Position>> {
        let name = name_of(&decided.transaction);
        let mut records = Vec::new();
        self.file(&name)?.take(number(&decided.intent.0)).read_to_end(&mut records)?;
        let before = self.lens[OUTPUT];
        let position = self.append(OUTPUT, &records)?;
        if let Err(error) = self.file(OUTPUT)?.sync_all() {
            self.lens.insert(OUTPUT.into(), before);
            return Err(error);
        }
        self.lens.remove(&name);
        self.applied.push(name.clone());
        Ok(vec![position, Position::withdrawn(name)])
    }

    fn abort(&mut self, transaction: &Transaction) -> io::Result<Vec<Position>> {
        let name = name_of(transaction);
        self.lens.remove(&name);
        match fs::remove_file(self.folder.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(vec![Position::withdrawn(name)]),
        }
    }

    /// Appends to a file, after cutting off what an append that failed, or a crash, has left there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<Position> {
        let len = self.lens.get(name).copied().unwrap_or(0);
        let mut file = self.file(name)?;
        file.set_len(len)?;
        file.write_all(bytes)?;
        let len = len + bytes.len() as u64;
        self.lens.insert(name.into(), len);
        Ok(at(name, len))
    }

    fn file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).read(true).append(true).open(self.folder.join(name))
    }
}

/// What is written and waits to be accepted, with where the outputs stand.
#[derive(Default)]
struct Group {
    acks: Vec<Ack>,
    positions: Vec<Position>,
}

impl Group {
    fn add(&mut self, ack: Ack, position: Position) {
        self.acks.push(ack);
        self.positions.retain(|earlier| earlier.output != position.output);
        self.positions.push(position);
    }

    /// One answer for all of them: the server remembers the group with its positions, or nothing of it.
    fn accept(self) {
        accept(self.acks, self.positions);
    }
}

fn name_of(transaction: &Transaction) -> String {
    format!("{WAITING}{}", transaction.serial)
}

fn at(output: &str, len: u64) -> Position {
    Position::at(output, len.to_be_bytes().to_vec())
}

fn position_of(held: &Held, output: &str) -> Option<u64> {
    let position = held.positions.iter().find(|position| &*position.output == output)?;
    position.bytes.as_deref().map(number)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
