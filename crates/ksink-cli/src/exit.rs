//! How ksink ends: one clear line, and a code that a script can tell apart.

use std::{fmt, process::ExitCode};

/// Why ksink ends with something else than 0.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    line: String,
}

impl Exit {
    /// Something that happened while it ran, or kept it from running: a port in use, say.
    pub(crate) fn run_time(line: impl Into<String>) -> Self {
        Self { code: 1, line: line.into() }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self { code: 2, line: format!("{} (try 'ksink --help')", line.into()) }
    }

    /// A configuration that makes no sense, or names what cannot be used, a certificate or a state say (`EX_CONFIG`
    /// of sysexits.h).
    pub(crate) fn config(line: impl Into<String>) -> Self {
        Self { code: 78, line: line.into() }
    }

    /// An output that cannot be used, or a state that somebody else uses, found at start (`EX_UNAVAILABLE` of
    /// sysexits.h).
    pub(crate) fn output(line: impl Into<String>) -> Self {
        Self { code: 69, line: line.into() }
    }

    /// Something was still in flight when the time to drain was over (`EX_TEMPFAIL` of sysexits.h).
    pub(crate) fn not_drained(line: impl Into<String>) -> Self {
        Self { code: 75, line: line.into() }
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
