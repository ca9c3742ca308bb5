//! What was typed. Nothing here asks the machine anything; see [`Plan`](crate::plan::Plan) for what it means.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum, builder::BoolishValueParser,
};
use clap_complete::Shell;

/// The longest time that a flag takes: 100 years. Points in time can be counted on with it.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A Kafka endpoint without the Kafka cluster: any Kafka producer connects, and what it produces lands in
/// stdout, in files, or at an HTTP server.
#[derive(Debug, Parser)]
#[command(name = "ksink", version, disable_version_flag = true)]
#[command(args_conflicts_with_subcommands = true, args_override_self = true)]
#[command(max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    /// Prints the version.
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: (),
}

impl Args {
    /// The flags of serving, where it is about them.
    pub(crate) fn serving(&self) -> Option<&ServeArgs> {
        match &self.command {
            None => Some(&self.serve),
            Some(Command::Check(serve)) => Some(serve),
            Some(Command::JsonSchema { .. } | Command::Completion { .. } | Command::Recover(_)) => {
                None
            }
        }
    }
}

/// Everything else than serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks everything that serving would be told, touches nothing, and exits.
    Check(Box<ServeArgs>),
    /// Shows what a state remembers, and settles what a start stopped at. Nobody may use the state meanwhile.
    Recover(RecoverArgs),
    /// Prints the JSON schema of the lines that `--output-format jsonl` writes.
    JsonSchema {
        /// As `--output-json-timestamp`.
        #[arg(long = "output-json-timestamp", value_name = "STYLE", default_value = "rfc3339")]
        #[arg(env = "KSINK_OUTPUT_JSON_TIMESTAMP")]
        style: TimestampStyle,
    },
    /// Prints a completion script for a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
}

/// The flags of `ksink recover`.
#[derive(Debug, ClapArgs)]
pub(crate) struct RecoverArgs {
    /// The folder of the state.
    #[arg(long, value_name = "DIR", env = "KSINK_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// The output that the state is beside, as ksink was given it.
    #[arg(long, value_name = "OUTPUT", env = "KSINK_OUTPUT")]
    pub(crate) output: Option<OsString>,

    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,

    /// Lets something that has the name of a committed file of this transactional id give way: it gets the ending
    /// .conflict-1. The next start then gives the committed file its name. Both are kept.
    #[arg(long, value_name = "ID")]
    pub(crate) keep_both: Option<String>,
}

/// The flags of serving. Each can also be given as an environment variable.
#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// Settings that are neither flags nor in the environment: TOML, with the names of the flags.
    #[arg(long, value_name = "FILE", env = "KSINK_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// Where to listen: host:port, or :port for every address of this machine.
    #[arg(long, value_name = "ADDR", default_value = ":9092", env = "KSINK_ADDR")]
    pub(crate) addr: String,

    /// What clients are told to connect to: host:port [default: the address that each connected to].
    #[arg(long, value_name = "ADDR", env = "KSINK_ADVERTISED_ADDR")]
    pub(crate) advertised_addr: Option<String>,

    /// Topics that exist from the start, and patterns of those that may come (a,b,events-*) [default: any].
    #[arg(long, value_name = "LIST", value_delimiter = ',', env = "KSINK_TOPICS")]
    pub(crate) topics: Vec<String>,

    /// How many partitions each topic has.
    #[arg(long, value_name = "N", default_value_t = 1, env = "KSINK_PARTITIONS")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) partitions: u16,

    /// Where records go: - for stdout, null: for nowhere, http:// or https:// for a POST a record, or a
    /// file, which may hold {topic}.
    #[arg(long, value_name = "OUTPUT", default_value = "-", env = "KSINK_OUTPUT")]
    pub(crate) output: String,

    /// Gives each transaction a file of its own, which appears when it is committed: --output must hold
    /// {txnID}, and may hold {topic} and {txnSeq}. Records outside of transactions are refused.
    #[arg(long, env = "KSINK_TRANSACTIONAL")]
    #[arg(num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    pub(crate) transactional: bool,

    /// What a transaction's file does when its name is taken (--transactional) [default: append].
    #[arg(long, value_name = "HOW", env = "KSINK_TXN_EXISTING")]
    pub(crate) txn_existing: Option<Existing>,

    /// What an acknowledgement survives.
    #[arg(long, value_name = "LEVEL", default_value = "process", env = "KSINK_DURABILITY")]
    pub(crate) durability: DurabilityLevel,

    /// A folder for what a restart must know: offsets, producers, transactions, how far each file got; or the word
    /// none, and all of it is forgotten [default: below .ksink/ beside files; none for other outputs].
    #[arg(long, value_name = "DIR", env = "KSINK_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// How records are written: binary, jsonl or kcat.
    #[arg(long, value_name = "FORMAT", default_value = "binary", env = "KSINK_OUTPUT_FORMAT")]
    pub(crate) output_format: String,

    /// The format string of --output-format kcat, such as '%t %p %o %k %s\n'.
    #[arg(
        long,
        value_name = "STRING",
        env = "KSINK_OUTPUT_FORMAT_STRING",
        allow_hyphen_values = true
    )]
    pub(crate) output_format_string: Option<String>,

    /// Writes keys in base64 (jsonl).
    #[arg(long, env = "KSINK_OUTPUT_JSON_BASE64_KEY")]
    #[arg(num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    pub(crate) output_json_base64_key: bool,

    /// Writes values in base64 (jsonl).
    #[arg(long, env = "KSINK_OUTPUT_JSON_BASE64_VALUE")]
    #[arg(num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    pub(crate) output_json_base64_value: bool,

    /// How timestamps are written (jsonl) [default: rfc3339].
    #[arg(long, value_name = "STYLE", env = "KSINK_OUTPUT_JSON_TIMESTAMP")]
    pub(crate) output_json_timestamp: Option<TimestampStyle>,

    /// What follows each record (binary); knows \n \r \t \0 and \\ [default: \n].
    #[arg(long, value_name = "TEXT", env = "KSINK_OUTPUT_SEPARATOR", allow_hyphen_values = true)]
    pub(crate) output_separator: Option<String>,

    /// What follows each record, in hexadecimal (binary); wins over --output-separator.
    #[arg(long, value_name = "HEX", env = "KSINK_OUTPUT_SEPARATOR_HEX")]
    pub(crate) output_separator_hex: Option<String>,

    /// Puts nothing between records (binary); wins over the other two.
    #[arg(long, env = "KSINK_NO_SEPARATOR")]
    #[arg(num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    pub(crate) no_separator: bool,

    /// A certificate (PEM) to show to the server of an https:// output; needs --output-tls-key.
    #[arg(long, value_name = "FILE", env = "KSINK_OUTPUT_TLS_CERT")]
    pub(crate) output_tls_cert: Option<OsString>,

    /// The private key (PEM) of --output-tls-cert.
    #[arg(long, value_name = "FILE", env = "KSINK_OUTPUT_TLS_KEY")]
    pub(crate) output_tls_key: Option<OsString>,

    /// Certificates (PEM) that vouch for the server of an https:// output [default: the system's].
    #[arg(long, value_name = "FILE", env = "KSINK_OUTPUT_TLS_CA")]
    pub(crate) output_tls_ca: Option<OsString>,

    /// Takes whatever certificate the server of an https:// output shows. For tests: anybody may be in between.
    #[arg(long, env = "KSINK_OUTPUT_TLS_SKIP_VERIFY")]
    #[arg(num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    #[arg(hide_possible_values = true)]
    pub(crate) output_tls_skip_verify: bool,

    /// How often a record is posted again after a failure that may pass (HTTP).
    #[arg(long, value_name = "N", default_value_t = 0, env = "KSINK_OUTPUT_HTTP_RETRIES")]
    #[arg(allow_negative_numbers = true)]
    pub(crate) output_http_retries: i64,

    /// The wait before the first retry, more or less; it doubles from retry to retry (HTTP).
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    #[arg(env = "KSINK_OUTPUT_HTTP_RETRY_DELAY", value_parser = parse_duration)]
    pub(crate) output_http_retry_delay: Duration,

    /// The limit of a single request, from connecting to the answer; 0 is the default (HTTP).
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    #[arg(env = "KSINK_OUTPUT_HTTP_TIMEOUT", value_parser = parse_duration)]
    pub(crate) output_http_timeout: Duration,

    /// A file for records that the server refuses for good; they count as kept (HTTP).
    #[arg(long, value_name = "FILE", env = "KSINK_OUTPUT_HTTP_DLQ")]
    pub(crate) output_http_dlq: Option<OsString>,

    /// Writes the port to this file, as decimal text, once the server listens.
    #[arg(long, value_name = "FILE", env = "KSINK_PORT_FILE")]
    pub(crate) port_file: Option<PathBuf>,

    /// Exits after so many records were kept. Batches are never split.
    #[arg(long, value_name = "N", env = "KSINK_EXIT_AFTER_RECORDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) exit_after_records: Option<u64>,

    /// Exits when no record came for so long, counted from the start or from the last one.
    #[arg(long, value_name = "DURATION", env = "KSINK_EXIT_WHEN_IDLE")]
    #[arg(value_parser = parse_duration)]
    pub(crate) exit_when_idle: Option<Duration>,

    /// The largest batch that is accepted, in bytes as it came.
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1_048_588,
        env = "KSINK_MAX_MESSAGE_BYTES"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_message_bytes: u32,

    /// How many connections may be open at once.
    #[arg(long, value_name = "N", default_value_t = 10_000, env = "KSINK_MAX_CONNECTIONS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,

    /// How much memory requests may hold together: bytes, or with a unit (256MiB).
    #[arg(long, value_name = "BYTES", default_value = "256MiB", env = "KSINK_MEMORY_LIMIT")]
    #[arg(value_parser = parse_bytes)]
    pub(crate) memory_limit: u64,

    /// Closes a connection that was silent for so long.
    #[arg(long, value_name = "DURATION", default_value = "10m", env = "KSINK_IDLE_TIMEOUT")]
    #[arg(value_parser = parse_duration)]
    pub(crate) idle_timeout: Duration,

    /// How long a stop waits for what is in flight.
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "KSINK_DRAIN_TIMEOUT")]
    #[arg(value_parser = parse_duration)]
    pub(crate) drain_timeout: Duration,

    /// How log lines look on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "KSINK_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,

    /// The least important log lines that are written.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "KSINK_LOG_LEVEL")]
    pub(crate) log_level: LogLevel,
}

/// What a transaction's file does when its name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Existing {
    /// Its records are added to the file that has the name.
    Append,
    /// It gets a number: x.1.jsonl.
    Suffix,
    /// Its commit is refused.
    Fail,
    /// It takes the place of the file that has the name.
    Replace,
}

/// What an acknowledgement survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityLevel {
    /// The end of ksink, kill -9 included.
    Process,
    /// The loss of power: everything is synced first.
    Power,
    /// Nothing: batches are acknowledged before they are written.
    None,
}

/// How jsonl writes timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimestampStyle {
    /// 2026-11-20T09:30:00.000Z
    Rfc3339,
    /// Milliseconds since the epoch, as a number.
    Ms,
    /// 2026-11-20 09:30:00 +0000 UTC, as ksink-go wrote it.
    Go,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What needs a person.
    Error,
    /// What may need one.
    Warn,
    /// What happens once.
    Info,
    /// What happens to each connection.
    Debug,
    /// Everything.
    Trace,
}

/// A number of bytes, with or without a unit: `1048576`, `1MiB`, `1MB`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        unit => return Err(format!("`{unit}` is no unit of bytes; try KiB, MiB or GiB")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{digits}` is no number"))?;
    number.checked_mul(unit).ok_or_else(|| "that is too large".to_owned())
}

/// A duration as Go writes it and then some: `0`, `1.5s`, `1m30s`, `2 days`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match duration <= DURATION_MAX {
        true => Ok(duration),
        false => Err("that is too long; at most 100 years".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serving_is_also_an_environment_variable() {
        let command = Args::command();
        let flags = command.get_arguments().filter(|flag| flag.get_id() != "version");
        let mut count = 0;
        for flag in flags {
            let name = flag.get_long().expect("there are only long flags");
            let variable = format!("KSINK_{}", name.replace('-', "_").to_uppercase());
            assert_eq!(flag.get_env(), Some(variable.as_ref()), "--{name}");
            count += 1;
        }
        assert!(count > 20, "{count} flags");
    }

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        let check = |text: &str, bytes| assert_eq!(parse_bytes(text).ok(), bytes, "{text}");
        check("1048588", Some(1_048_588));
        check("256MiB", Some(256 << 20));
        check("1GB", Some(1_000_000_000));
        check("", None);
        check("MiB", None);
        check("1.5MiB", None);
        check("99999999999GiB", None);
    }

    #[test]
    fn durations_are_those_of_go_and_can_be_added_to_a_point_in_time() {
        let check = |text: &str, ms: Option<u64>| {
            assert_eq!(parse_duration(text).ok(), ms.map(Duration::from_millis), "{text}");
        };
        check("0", Some(0));
        check("1.5s", Some(1_500));
        check("1m30s", Some(90_000));
        check("200ms", Some(200));
        check("101years", None);
        check("5", None);
        check("-1s", None);
    }
}
