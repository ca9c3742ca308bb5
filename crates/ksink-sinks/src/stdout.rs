//! Standard output.

use std::{fs::File, io, os::fd::AsFd, sync::Arc};

use ksink_event::{RecordSet, Refusal};

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
    async fn write(&mut self, set: &RecordSet) -> Result<OutputId, Refusal> {
        Ok(self.output.write(set, &self.format))
    }

    async fn flush(&mut self) -> Flushed {
        let mut flushed = Flushed::default();
        flushed.add(self.output.flush());
        flushed
    }
}
