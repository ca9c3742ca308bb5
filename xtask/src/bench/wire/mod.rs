//! `cargo xtask bench wire`: the wire crate against the crate `kafka-protocol`, and against what the machine can do.

mod ours;
mod peer;

use std::{hint::black_box, time::Duration};

use anyhow::{Context, Result, ensure};
use ksink_wire::records::Compression;

use self::{
    ours::{Encoder, decoding_floor, encoding_floor},
    peer::PeerEncoder,
};
use super::{
    batches::{Sample, Shape},
    cores::{Cores, pin},
    effort::Effort,
    goals::{self, Goal, Must, Unit},
    race::race,
    table::{Table, number, percent, times},
    walk::Walker,
};

/// Less than the most that glibc keeps by itself (32 MiB), and more than any batch here takes.
const SETTLING_BYTES: usize = 24 << 20;

/// How thoroughly, and what.
#[derive(Debug, clap::Args)]
pub(super) struct WireArgs {
    /// How long each side of each row is measured.
    #[arg(long, default_value_t = 0.25)]
    seconds: f64,

    /// How many samples that time is cut into; what is shown is their median.
    #[arg(long, default_value_t = 25)]
    samples: usize,

    /// Only the rows whose description contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Fails when a goal was missed.
    #[arg(long)]
    strict: bool,
}

/// What is done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// One full walk, as a sink makes it: CRC, every check, every field and header visited.
    Decode,
    /// From records in memory to a sealed batch.
    Encode,
}

/// What must be reached.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// So many times as fast as `kafka-protocol`.
    Peer(f64),
    /// At most so many times what the floor takes.
    Floor(f64),
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    way: Way,
    shape: Shape,
    must: Bound,
}

/// What came out, in nanoseconds a record.
#[derive(Clone, Copy, Debug)]
struct Times {
    ours: f64,
    peer: f64,
    /// CRC-32C and one copy of the same bytes; the codec alone instead of the copy where there is one.
    floor: f64,
    record_bytes: f64,
}

/// Measures and prints; whether all goals were reached, where that was asked for.
pub(super) fn run(args: &WireArgs) -> Result<bool> {
    pin(Cores::find()?.server)?;
    settle_allocator();
    let samples = args.samples.max(1);
    let time = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let effort = Effort { sample: time / u32::try_from(samples)?, samples };
    let rows = rows().into_iter().filter(|row| row.name().contains(&args.only));
    let measured: Vec<_> =
        rows.map(|row| Ok((row, row.measure(effort)?))).collect::<Result<_>>()?;
    println!("Medians of {samples} samples of {:?}, the sides of a row in turns.\n", effort.sample);
    println!("{}", table(&measured));
    let goals: Vec<_> = measured.iter().map(|(row, times)| row.goal(times)).collect();
    Ok(goals::print(&goals) || !args.strict)
}

/// Brings the allocator to the state that suits `kafka-protocol` best.
///
/// glibc takes large blocks from the kernel and gives them back each time, until the first one was freed: then it keeps
/// memory up to that size. Which state a process is in would be an accident otherwise, and change its numbers by half.
fn settle_allocator() {
    drop(black_box(vec![1_u8; SETTLING_BYTES]));
}

fn rows() -> Vec<Row> {
    use Way::{Decode, Encode};

    let plain = Shape::plain;
    let keyed = |value_bytes| Shape::keyed(1000, value_bytes, Compression::None);
    let compressed = |codec| Shape::keyed(1000, 100, codec);
    let row = |way, shape, must| Row { way, shape, must };
    vec![
        row(Decode, plain(1000, 100), Bound::Peer(5.0)),
        row(Decode, keyed(100), Bound::Peer(7.0)),
        row(Decode, plain(1000, 1024), Bound::Floor(1.15)),
        row(Decode, keyed(1024), Bound::Floor(1.15)),
        row(Decode, plain(10, 100), Bound::Peer(1.0)),
        row(Decode, plain(1, 100), Bound::Peer(1.0)),
        row(Decode, compressed(Compression::Lz4), Bound::Peer(4.0)),
        row(Decode, compressed(Compression::Zstd), Bound::Peer(2.2)),
        row(Decode, compressed(Compression::Snappy), Bound::Peer(2.7)),
        row(Decode, compressed(Compression::Gzip), Bound::Peer(1.7)),
        row(Encode, plain(1000, 100), Bound::Peer(1.2)),
        row(Encode, keyed(100), Bound::Peer(1.2)),
        row(Encode, keyed(1024), Bound::Peer(1.2)),
        row(Encode, plain(1, 100), Bound::Peer(1.0)),
        row(Encode, compressed(Compression::Lz4), Bound::Peer(1.0)),
        row(Encode, compressed(Compression::Zstd), Bound::Peer(1.0)),
        row(Encode, compressed(Compression::Snappy), Bound::Peer(1.0)),
        row(Encode, compressed(Compression::Gzip), Bound::Peer(1.0)),
    ]
}

impl Row {
    fn name(&self) -> String {
        let way = match self.way {
            Way::Decode => "decode",
            Way::Encode => "encode",
        };
        format!("{way} {}", self.shape.name())
    }

    fn measure(&self, effort: Effort) -> Result<Times> {
        let batch = self.shape.batch()?;
        let uncompressed = Shape { codec: Compression::None, ..self.shape }.batch()?;
        let [ours, peer, floor] = match self.way {
            Way::Decode => race_decoders(&batch, effort),
            Way::Encode => race_encoders(&self.shape, effort),
        }
        .with_context(|| self.name())?;
        let records = self.shape.records as f64;
        Ok(Times {
            ours: ours / records,
            peer: peer / records,
            floor: floor / records,
            record_bytes: uncompressed.len() as f64 / records,
        })
    }

    fn goal(&self, times: &Times) -> Goal {
        let (against, must, reached) = match self.must {
            Bound::Peer(least) => {
                ("as fast as kafka-protocol", Must::AtLeast(least), times.peer / times.ours)
            }
            Bound::Floor(most) => {
                ("time of CRC + one memcpy", Must::AtMost(most), times.ours / times.floor)
            }
        };
        Goal { what: format!("{}: {against}", self.name()), must, unit: Unit::Times, reached }
    }
}

/// Nanoseconds a batch: ours, the peer's, the floor's.
fn race_decoders(batch: &[u8], effort: Effort) -> Result<[f64; 3]> {
    let mut walker = Walker::default();
    ensure!(walker.walk(batch)? == peer::walk(batch)?, "the two decoders read different records");
    Ok(race(
        [
            Box::new(|| {
                let _ = black_box(walker.walk(black_box(batch)));
            }),
            Box::new(peer::decode_work(batch)),
            decoding_floor(batch)?,
        ],
        effort,
    ))
}

/// Nanoseconds a batch: ours, the peer's, the floor's.
fn race_encoders(shape: &Shape, effort: Effort) -> Result<[f64; 3]> {
    let samples = shape.samples();
    let headers: Vec<_> = samples.iter().map(Sample::headers).collect();
    let records: Vec<_> =
        samples.iter().zip(&headers).map(|(sample, headers)| sample.record(headers)).collect();
    let mut ours = Encoder::new(shape.codec, &records);
    let mut peer = PeerEncoder::new(shape.codec, &samples);
    let mut walker = Walker::default();
    ensure!(
        walker.walk(ours.encode()?)? == walker.walk(peer.encode()?)?,
        "the two encoders write different records"
    );
    Ok(race(
        [
            Box::new(move || {
                let _ = black_box(ours.encode());
            }),
            Box::new(move || {
                let _ = black_box(peer.encode());
            }),
            encoding_floor(shape)?,
        ],
        effort,
    ))
}

fn table(measured: &[(Row, Times)]) -> Table {
    let head = ["", "ns/record", "GB/s", "kafka-protocol", "as fast", "floor", "of floor"];
    let mut table = Table::new(1, &head);
    for (row, Times { ours, peer, floor, record_bytes }) in measured {
        table.row([
            row.name(),
            number(*ours),
            number(record_bytes / ours),
            number(*peer),
            times(peer / ours),
            number(*floor),
            percent(floor / ours),
        ]);
    }
    table
}
