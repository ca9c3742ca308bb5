//! What is sent to which outputs.

use std::time::Duration;

use ksink_wire::records::Compression;

use crate::bench::{batches::Shape, load::Pace};

/// Requests of one kind, and the outputs that they go to.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    pub(super) pace: Pace,
    pub(super) outputs: &'static [Output],
}

/// By what the goals find their traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 1000 records of 100 B in each request.
    Small,
    /// 1000 records of 1 KiB in each request.
    Large,
    /// One record in each request, one request in flight.
    Single,
    /// 1000 records of 100 B with key and headers in each request, compressed.
    Compressed,
    /// Eight producers, 100 records of 100 B in each request.
    Crowd,
    /// 200,000 records a second, 100 of 100 B in each request.
    Paced,
}

/// Where records go, and how they are written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Thrown away before they are formatted.
    Null,
    BinaryFile,
    /// Formatted, and written to `/dev/null`.
    JsonlDevice,
    JsonlFile,
}

/// What follows each record of the binary format.
const SEPARATOR_BYTES: usize = 1;

/// The name of the file that records go to.
pub(super) const FILE: &str = "out";

/// In the order in which it is measured; that whose name contains `only`.
pub(super) fn traffic(only: &str) -> Vec<Traffic> {
    use Output::{BinaryFile, JsonlDevice, JsonlFile, Null};

    let pipelined = Pace { connections: 1, in_flight: 4, interval: None };
    let alone = Pace { in_flight: 1, ..pipelined };
    let crowd = Pace { connections: 8, ..pipelined };
    let paced = Pace { interval: Some(Duration::from_micros(500)), ..alone };
    let keyed = |codec| Shape::keyed(1000, 100, codec);
    let all = [
        (
            Kind::Small,
            Shape::plain(1000, 100),
            pipelined,
            &[Null, BinaryFile, JsonlDevice, JsonlFile][..],
        ),
        (Kind::Large, Shape::plain(1000, 1024), pipelined, &[Null, BinaryFile, JsonlFile]),
        (Kind::Single, Shape::plain(1, 100), alone, &[Null, BinaryFile, JsonlFile]),
        (Kind::Compressed, keyed(Compression::Lz4), pipelined, &[BinaryFile]),
        (Kind::Compressed, keyed(Compression::Zstd), pipelined, &[BinaryFile]),
        (Kind::Crowd, Shape::plain(100, 100), crowd, &[BinaryFile]),
        (Kind::Paced, Shape::plain(100, 100), paced, &[BinaryFile]),
    ];
    all.into_iter()
        .map(|(kind, shape, pace, outputs)| Traffic { kind, shape, pace, outputs })
        .filter(|traffic| traffic.name().contains(only))
        .collect()
}

impl Traffic {
    pub(super) fn name(&self) -> String {
        let Pace { connections, interval, .. } = self.pace;
        let connections = match connections {
            1 => String::new(),
            connections => format!(", {connections} producers"),
        };
        let paced = match interval {
            None => String::new(),
            Some(interval) => format!(", {:.0} a second", 1.0 / interval.as_secs_f64()),
        };
        format!("{}{connections}{paced}", self.shape.name())
    }

    /// What the server must hold while requests are in flight: them, and what they decompress to.
    pub(super) fn bytes_in_flight(&self, request_bytes: usize) -> usize {
        let opened = match self.shape.codec {
            Compression::None => 0,
            _ => Shape { codec: Compression::None, ..self.shape }
                .batch()
                .map_or(0, |batch| batch.len()),
        };
        self.pace.connections * self.pace.in_flight * (request_bytes + opened)
    }
}

impl Output {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null:",
            Self::BinaryFile => "file, binary",
            Self::JsonlDevice => "/dev/null, jsonl",
            Self::JsonlFile => "file, jsonl",
        }
    }

    /// What ksink is told.
    pub(super) fn args(self) -> &'static [&'static str] {
        match self {
            Self::Null => &["--output", "null:"],
            Self::BinaryFile => &["--output", FILE],
            Self::JsonlDevice => &["--output", "/dev/null", "--output-format", "jsonl"],
            Self::JsonlFile => &["--output", FILE, "--output-format", "jsonl"],
        }
    }

    /// What a record takes in the output at least; in binary exactly, so that one that is missing shows in the length.
    pub(super) fn record_bytes_min(self, shape: &Shape) -> usize {
        match self {
            Self::Null => 0,
            Self::BinaryFile => shape.value_bytes + SEPARATOR_BYTES,
            Self::JsonlDevice | Self::JsonlFile => shape.value_bytes,
        }
    }

    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::BinaryFile | Self::JsonlFile)
    }
}
