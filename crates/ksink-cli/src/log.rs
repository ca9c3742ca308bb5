//! Log lines on stderr: for people, or one JSON object a line.

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing::level_filters::LevelFilter;

use crate::args::{LogFormat, LogLevel};

/// Begins to log.
pub(crate) fn init(format: LogFormat, level: LogLevel) {
    let builder = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(LevelFilter::from(level))
        .with_target(false)
        // It would complain on stderr that nobody reads stderr, and panic because nobody does.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.with_ansi(has_colour()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Colours are for terminals, and only as long as nobody says no (<https://no-color.org>).
fn has_colour() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
