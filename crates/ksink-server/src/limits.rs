//! Every limit of the server, in one place.

use std::time::Duration;

/// What no peer can exceed. Each queue, buffer, map and wait that a peer can grow is held by one of these.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once; further ones are closed as they are accepted. Default 10,000.
    pub connections_max: usize,
    /// The largest frame that is read, size prefix excluded. Default 100 MiB, as Kafka's
    /// `socket.request.max.bytes`.
    pub frame_bytes_max: usize,
    /// Frames and opened batches of all connections together. While it is used up no socket is read.
    /// Default 256 MiB.
    pub memory_bytes_max: usize,
    /// The largest batch that is accepted, compressed as it came. Default 1,048,588, as Kafka's
    /// `max.message.bytes`.
    pub message_bytes_max: usize,
    /// What one batch may become when it is decompressed; at least eight times `message_bytes_max` is
    /// sensible. Default 16 MiB.
    pub decompressed_bytes_max: usize,
    /// Requests of one connection that wait for their answers. Default 64.
    pub pipeline_requests_max: usize,
    /// Bytes of those requests. One request is always allowed. Default 16 MiB.
    pub pipeline_bytes_max: usize,
    /// Produce requests of all connections that wait for the sink to take them. Default 1,024.
    pub queue_requests_max: usize,
    /// Topics at one time. Default 10,000.
    pub topics_max: usize,
    /// Idempotent producers that are remembered, counted once for each partition that they write to. Who
    /// was heard of least recently is forgotten first. Default 100,000.
    pub producers_max: usize,
    /// Names of topics, those of deleted topics included: their offsets are never given away again.
    /// Default 100,000.
    pub topic_names_max: usize,
    /// Partitions of all topics, those of deleted topics included if something was produced to them.
    /// Default 200,000.
    pub partitions_max: usize,
    /// Transactional ids that are remembered. Where there are more, those are forgotten that have nothing open and
    /// were used least recently. Default 10,000.
    pub transactions_max: usize,
    /// Bytes of those ids; the same holds where there are more. Default 16 MiB.
    pub transactional_id_bytes_max: usize,
    /// Partitions of all open transactions together, each counted once for each transaction. Default 200,000.
    pub transaction_partitions_max: usize,
    /// The longest timeout that a producer may ask for its transactions. Default 15 minutes, as Kafka's
    /// `transaction.max.timeout.ms`.
    pub transaction_time_max: Duration,
    /// How long a connection may be silent while it waits for nothing. Default 10 minutes, as Kafka's
    /// `connections.max.idle.ms`.
    pub idle_max: Duration,
    /// How long a frame may take from its first byte to its last, besides a second for each 16 KiB.
    /// Default 30 s.
    pub frame_time_max: Duration,
    /// How long a client may take to read an answer. Default 30 s.
    pub write_time_max: Duration,
    /// How long a Fetch may wait, whatever it asks for. Default 30 s.
    pub fetch_wait_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            frame_bytes_max: 100 << 20,
            memory_bytes_max: 256 << 20,
            message_bytes_max: 1_048_588,
            decompressed_bytes_max: 16 << 20,
            pipeline_requests_max: 64,
            pipeline_bytes_max: 16 << 20,
            queue_requests_max: 1_024,
            topics_max: 10_000,
            producers_max: 100_000,
            topic_names_max: 100_000,
            partitions_max: 200_000,
            transactions_max: 10_000,
            transactional_id_bytes_max: 16 << 20,
            transaction_partitions_max: 200_000,
            transaction_time_max: Duration::from_secs(900),
            idle_max: Duration::from_secs(600),
            frame_time_max: Duration::from_secs(30),
            write_time_max: Duration::from_secs(30),
            fetch_wait_max: Duration::from_secs(30),
        }
    }
}
