//! Standard output.

use std::{fs::File, io, os::fd::AsFd, sync::Arc};

use ksink_event::{Ack, RecordSet, Refusal};

use crate::{Flushed, Format, OutputId, Sink, append::AppendFile, output::Output};

/// Writes to standard output. When nobody reads it any more (a broken pipe), it is gone for good.
///
/// It is never cut back, also where the shell made it a file: the file is the shell's. After a fault in the
/// middle of a group nobody knows what was read, and its producers hear so.
#[derive(Debug)]
pub struct StdoutSink {
    output: Output,
    format: Format,
}

impl StdoutSink {
    /// Takes a descriptor of its own for standard output, without std's line buffer.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn new(format: Format) -> io::Result<Self> {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::over(File::from(descriptor), format))
    }

    fn over(file: File, format: Format) -> Self {
        let output = Output::new(OutputId(0), Arc::from("stdout"), AppendFile::borrowed(file));
        Self { output, format }
    }
}

impl Sink for StdoutSink {
    async fn write(&mut self, set: &RecordSet, _ack: &Ack) -> Result<OutputId, Refusal> {
        Ok(self.output.write(set, &self.format))
    }

    async fn flush(&mut self) -> Flushed {
        let mut flushed = Flushed::default();
        flushed.add(self.output.flush());
        flushed
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, pipe},
        os::fd::OwnedFd,
    };

    use rustix::fs::{OFlags, fcntl_setfl};

    use super::*;
    use crate::testing::{unheard, values};

    fn sink_and_reader() -> (StdoutSink, io::PipeReader) {
        let (reader, writer) = pipe().unwrap();
        (sink_over(writer), reader)
    }

    fn sink_over(writer: io::PipeWriter) -> StdoutSink {
        StdoutSink::over(OwnedFd::from(writer).into(), Format::default())
    }

    #[tokio::test]
    async fn what_is_flushed_can_be_read() {
        let (mut sink, mut reader) = sink_and_reader();
        sink.write(&values("t", &["a", "b"]), &unheard()).await.unwrap();
        let flushed = sink.flush().await;
        assert!(flushed.failed.is_empty() && flushed.positions.is_empty());
        drop(sink);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "a\nb\n");
    }

    #[tokio::test]
    async fn a_pipe_that_somebody_made_non_blocking_is_waited_for() {
        let (mut reader, writer) = pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let mut sink = sink_over(writer);
        let large = "x".repeat(1 << 20);
        let reading = std::thread::spawn(move || {
            let mut read = String::new();
            reader.read_to_string(&mut read).unwrap();
            read.len()
        });
        sink.write(&values("t", &[&large]), &unheard()).await.unwrap();
        assert!(sink.flush().await.failed.is_empty());
        drop(sink);
        assert_eq!(reading.join().unwrap(), large.len() + 1);
    }

    #[tokio::test]
    async fn a_pipe_that_nobody_reads_is_gone() {
        let (mut sink, reader) = sink_and_reader();
        drop(reader);
        let id = sink.write(&values("t", &["a"]), &unheard()).await.unwrap();
        let [failure] = sink.flush().await.failed.try_into().unwrap();
        assert_eq!((failure.output, failure.gone), (id, true));
        assert!(matches!(failure.refusal, Refusal::Unavailable { .. }), "nothing was written");
    }

    #[tokio::test]
    async fn after_a_fault_in_the_middle_nobody_knows() {
        let (mut sink, mut reader) = sink_and_reader();
        // More than a pipe holds: the sink waits in the middle of a write until the reader goes away.
        let large = "x".repeat(8 << 20);
        let reading = std::thread::spawn(move || reader.read_exact(&mut [0; 100_000]).unwrap());
        sink.write(&values("t", &[&large]), &unheard()).await.unwrap();
        let [failure] = sink.flush().await.failed.try_into().unwrap();
        reading.join().unwrap();
        assert!(failure.gone);
        assert!(matches!(failure.refusal, Refusal::Unknown { .. }), "{}", failure.refusal);
    }

    /// exactly-once, Transactions 4: what cannot be cut goes on from the first undelivered record.
    #[tokio::test]
    async fn after_a_fault_in_a_commit_it_is_known_how_many_records_landed() {
        let (mut sink, mut reader) = sink_and_reader();
        let large = "x".repeat(100_000);
        let mut set = values("t", &[&*large; 80]);
        set.transaction = Some(Arc::new(ksink_event::Transaction { id: "x".into(), serial: 1 }));
        // Two records and a part of the third, and what is in the pipe when the reader goes away.
        let reading = std::thread::spawn(move || reader.read_exact(&mut [0; 250_000]).unwrap());
        sink.write(&set, &unheard()).await.unwrap();
        let [failure] = sink.flush().await.failed.try_into().unwrap();
        reading.join().unwrap();
        assert!((2..10).contains(&failure.kept), "{}", failure.kept);
    }
}
