//! What the command line means. Every rule that concerns more than one flag lives here.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use ksink_server::{Durability, HostPort, Limits, ListenAddr, ServerConfig};
use ksink_sinks::{
    Format, HttpOptions, HttpRetries, HttpTarget, PathPattern, TlsIdentity, TlsOptions,
    TransactionPattern, TxnExisting,
    format::{Binary, JsonTimestamp, Jsonl, Kcat, Separator},
};

use crate::{
    args::{DurabilityLevel, Existing, LogFormat, LogLevel, ServeArgs, TimestampStyle},
    exit::Exit,
    state::StateDir,
};

/// A batch may become so many times larger when it is decompressed.
const DECOMPRESSION_RATIO_MAX: usize = 8;

/// What is to be run: every value is checked, and nothing on the machine was touched yet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) listen: ListenAddr,
    pub(crate) server: ServerConfig,
    pub(crate) output: Output,
    /// As it was written.
    pub(crate) output_text: String,
    pub(crate) format: Format,
    /// The format in words: a state is not opened with another one.
    pub(crate) format_name: String,
    pub(crate) existing: TxnExisting,
    pub(crate) state_dir: StateDir,
    /// What is allowed and may not be meant.
    pub(crate) warnings: Vec<String>,
    pub(crate) http: HttpOptions,
    /// How an `https://` output is encrypted. It must be sound whatever the output is.
    pub(crate) tls: TlsOptions,
    /// A topic that producers may write to, to show how.
    pub(crate) example_topic: String,
    pub(crate) port_file: Option<PathBuf>,
    pub(crate) exit_after_records: Option<u64>,
    pub(crate) exit_when_idle: Option<Duration>,
    pub(crate) drain_timeout: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
}

/// Where records go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Null,
    Http(HttpTarget),
    File(PathPattern),
    /// A file for each transaction.
    Transactions(TransactionPattern),
}

impl TryFrom<&ServeArgs> for Plan {
    type Error = Exit;

    fn try_from(args: &ServeArgs) -> Result<Self, Exit> {
        let output = output(args)?;
        let state_dir = args.state_dir.as_deref().map(StateDir::from).unwrap_or_default();
        Ok(Self {
            listen: args.addr.parse().map_err(|error| Exit::usage(format!("--addr: {error}")))?,
            server: server(args)?,
            format: format(args)?,
            format_name: format_name(args),
            existing: existing(args)?,
            warnings: warnings(args, &output, &state_dir),
            output,
            output_text: args.output.clone(),
            state_dir,
            http: http(args),
            tls: tls(args)?,
            example_topic: example_topic(&args.topics),
            port_file: args.port_file.clone(),
            exit_after_records: args.exit_after_records,
            exit_when_idle: args.exit_when_idle,
            drain_timeout: args.drain_timeout,
            log_format: args.log_format,
            log_level: args.log_level,
        })
    }
}

fn server(args: &ServeArgs) -> Result<ServerConfig, Exit> {
    let message_bytes_max = args.max_message_bytes as usize;
    let default = Limits::default();
    let decompressed = message_bytes_max.saturating_mul(DECOMPRESSION_RATIO_MAX);
    let limits = Limits {
        connections_max: args.max_connections as usize,
        memory_bytes_max: usize::try_from(args.memory_limit).unwrap_or(usize::MAX),
        message_bytes_max,
        // A request of one batch is a little larger than the batch.
        frame_bytes_max: default.frame_bytes_max.max(message_bytes_max.saturating_mul(2)),
        decompressed_bytes_max: decompressed.max(default.decompressed_bytes_max),
        idle_max: args.idle_timeout,
        ..default
    };
    let topics = args.topics.iter().map(|topic| topic.trim().parse());
    Ok(ServerConfig {
        advertised: args.advertised_addr.as_deref().map(advertised).transpose()?,
        topics: topics
            .collect::<Result<_, _>>()
            .map_err(|error| Exit::usage(format!("--topics: {error}")))?,
        partitions: args.partitions,
        limits,
        durability: args.durability.into(),
        ..ServerConfig::default()
    })
}

fn example_topic(topics: &[String]) -> String {
    topics.first().map_or("test", |topic| topic.trim()).replace('*', "test")
}

/// `host:port`, of which clients need both.
fn advertised(text: &str) -> Result<HostPort, Exit> {
    let error = || {
        Exit::usage(format!(
            "--advertised-addr: `{text}` is no address that a client could connect to: expected host:port"
        ))
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bracketed.unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(error)?;
    let usable = !host.is_empty() && (bracketed.is_some() || !host.contains(':'));
    usable.then(|| HostPort { host: host.to_owned(), port }).ok_or_else(error)
}

fn output(args: &ServeArgs) -> Result<Output, Exit> {
    let text = args.output.as_str();
    let no_file = |what: &str| {
        Err(Exit::usage(format!("--transactional needs files, and --output is {what}")))
    };
    match text {
        "" => {
            Err(Exit::usage("--output: an output is needed: -, null:, http://, https:// or a file"))
        }
        "-" if args.transactional => no_file("stdout"),
        "-" => Ok(Output::Stdout),
        "null:" if args.transactional => no_file("nowhere"),
        "null:" => Ok(Output::Null),
        _ if text.starts_with("http://") || text.starts_with("https://") => {
            if args.transactional {
                return no_file("a URL");
            }
            // The URL itself may hold a password.
            let target = text.parse().map_err(|error| Exit::usage(format!("--output: {error}")))?;
            Ok(Output::Http(target))
        }
        _ if text.contains("://") => Err(Exit::usage(format!(
            "--output: unsupported output `{text}`: expected -, null:, http://, https:// or a file (./{text} is one)"
        ))),
        _ if args.transactional => TransactionPattern::new(text)
            .map(Output::Transactions)
            .map_err(|error| Exit::usage(format!("--output with --transactional: {error}"))),
        _ => Ok(Output::File(PathPattern::new(OsString::from(text)))),
    }
}

fn existing(args: &ServeArgs) -> Result<TxnExisting, Exit> {
    if args.txn_existing.is_some() && !args.transactional {
        return Err(Exit::usage("--txn-existing can only be used with --transactional"));
    }
    Ok(args.txn_existing.map(TxnExisting::from).unwrap_or_default())
}

/// What is allowed and may not be meant.
fn warnings(args: &ServeArgs, output: &Output, state_dir: &StateDir) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |applies: bool, line: &str| {
        if applies {
            warnings.push(line.to_owned());
        }
    };
    let has = |placeholder| args.output.contains(placeholder);
    match output {
        Output::Transactions(pattern) => {
            warn(
                pattern.names_may_meet(),
                "--output: two pairs of topic and transactional id may have the same file name (a-b and c, a and b-c): \
                 the second of them is refused; a / between {topic} and {txnID} tells them apart",
            );
            warn(
                *state_dir == StateDir::Nowhere,
                "--state-dir none: a transaction that is open when ksink ends is lost, and one that is being committed then \
                 may be there in part",
            );
        }
        Output::File(_) => warn(
            has("{txnID}") || has("{txnSeq}"),
            "--output: {txnID} and {txnSeq} stand for themselves without --transactional",
        ),
        Output::Stdout | Output::Null | Output::Http(_) => {}
    }
    let is_remembered = match state_dir {
        StateDir::BesideOutput => matches!(output, Output::File(_) | Output::Transactions(_)),
        StateDir::Nowhere => false,
        StateDir::At(_) => true,
    };
    warn(
        args.durability == DurabilityLevel::Power && !is_remembered,
        "--durability power without a state: a restart knows no producer, and what one sends again is kept twice",
    );
    warnings
}

fn http(args: &ServeArgs) -> HttpOptions {
    let default = HttpOptions::default();
    let timeout = Some(args.output_http_timeout).filter(|timeout| !timeout.is_zero());
    let retries = HttpRetries {
        count: u32::try_from(args.output_http_retries.max(0)).unwrap_or(u32::MAX),
        delay: args.output_http_retry_delay,
        timeout: timeout.unwrap_or(default.retries.timeout),
    };
    HttpOptions { retries, dead_letters: named(args.output_http_dlq.as_ref()), ..default }
}

fn tls(args: &ServeArgs) -> Result<TlsOptions, Exit> {
    let pair = (named(args.output_tls_cert.as_ref()), named(args.output_tls_key.as_ref()));
    let identity = match pair {
        (Some(certificate), Some(key)) => Some(TlsIdentity { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Exit::usage(
                "--output-tls-cert and --output-tls-key must be specified together",
            ));
        }
    };
    let ca = named(args.output_tls_ca.as_ref());
    Ok(TlsOptions { identity, ca, skip_verify: args.output_tls_skip_verify })
}

/// The empty name is how scripts say that there is no file.
fn named(file: Option<&OsString>) -> Option<PathBuf> {
    file.filter(|file| !file.is_empty()).map(PathBuf::from)
}

fn format(args: &ServeArgs) -> Result<Format, Exit> {
    let name = args.output_format.as_str();
    for (flag, belongs_to, given) in format_flags(args) {
        if given && name != belongs_to {
            return Err(Exit::usage(format!(
                "{flag} can only be used with --output-format {belongs_to}"
            )));
        }
    }
    match name {
        "binary" => Ok(Format::Binary(Binary { separator: separator(args)? })),
        "jsonl" => Ok(Format::Jsonl(Jsonl {
            base64_key: args.output_json_base64_key,
            base64_value: args.output_json_base64_value,
            timestamp: args.output_json_timestamp.map(JsonTimestamp::from).unwrap_or_default(),
        })),
        "kcat" => kcat(args.output_format_string.as_deref()),
        _ => Err(Exit::usage(format!(
            "--output-format: unknown output format `{name}`: expected binary, jsonl or kcat"
        ))),
    }
}

/// A format with all that shapes its bytes.
fn format_name(args: &ServeArgs) -> String {
    let mut name = args.output_format.clone();
    let mut add = |applies: bool, what: &str| {
        if applies {
            name.push(' ');
            name.push_str(what);
        }
    };
    add(args.output_json_base64_key, "base64-key");
    add(args.output_json_base64_value, "base64-value");
    let style = args.output_json_timestamp.filter(|style| *style != TimestampStyle::Rfc3339);
    add(style == Some(TimestampStyle::Ms), "timestamp-ms");
    add(style == Some(TimestampStyle::Go), "timestamp-go");
    if let Ok(separator) = separator(args)
        && separator != Separator::default()
    {
        add(true, &format!("separated by {:?}", separator.as_bytes().escape_ascii().to_string()));
    }
    if let Some(format) = &args.output_format_string {
        add(true, &format!("{format:?}"));
    }
    name
}

/// The flags that only one format knows, and whether they were given.
fn format_flags(args: &ServeArgs) -> [(&'static str, &'static str, bool); 7] {
    [
        ("--output-format-string", "kcat", args.output_format_string.is_some()),
        ("--output-json-base64-key", "jsonl", args.output_json_base64_key),
        ("--output-json-base64-value", "jsonl", args.output_json_base64_value),
        ("--output-json-timestamp", "jsonl", args.output_json_timestamp.is_some()),
        ("--output-separator", "binary", args.output_separator.is_some()),
        ("--output-separator-hex", "binary", args.output_separator_hex.is_some()),
        ("--no-separator", "binary", args.no_separator),
    ]
}

fn kcat(format: Option<&str>) -> Result<Format, Exit> {
    let format = format.filter(|format| !format.is_empty()).ok_or_else(|| {
        Exit::usage("--output-format-string is required with --output-format kcat")
    })?;
    Kcat::new(format)
        .map(Format::Kcat)
        .map_err(|error| Exit::usage(format!("--output-format-string: {error}")))
}

/// The most particular wish wins: none, then hexadecimal, then text.
fn separator(args: &ServeArgs) -> Result<Separator, Exit> {
    let hex = args.output_separator_hex.as_deref().filter(|hex| !hex.is_empty());
    match (args.no_separator, hex, &args.output_separator) {
        (true, _, _) => Ok(Separator::NONE),
        (false, Some(hex), _) => Separator::from_hex(hex)
            .map_err(|error| Exit::usage(format!("--output-separator-hex: {error}"))),
        (false, None, Some(text)) => Ok(Separator::from_text(text)),
        (false, None, None) => Ok(Separator::default()),
    }
}

impl From<Existing> for TxnExisting {
    fn from(existing: Existing) -> Self {
        match existing {
            Existing::Append => Self::Append,
            Existing::Suffix => Self::Suffix,
            Existing::Fail => Self::Fail,
            Existing::Replace => Self::Replace,
        }
    }
}

impl From<DurabilityLevel> for Durability {
    fn from(level: DurabilityLevel) -> Self {
        match level {
            DurabilityLevel::Process => Self::Process,
            DurabilityLevel::Power => Self::Power,
            DurabilityLevel::None => Self::None,
        }
    }
}

impl From<TimestampStyle> for JsonTimestamp {
    fn from(style: TimestampStyle) -> Self {
        match style {
            TimestampStyle::Rfc3339 => Self::Rfc3339,
            TimestampStyle::Ms => Self::Millis,
            TimestampStyle::Go => Self::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Args;

    fn plan(flags: &[&str]) -> Result<Plan, String> {
        let args = Args::try_parse_from([&["ksink"], flags].concat())
            .map_err(|error| error.to_string())?;
        Plan::try_from(&args.serve).map_err(|exit| exit.to_string())
    }

    #[track_caller]
    fn refused(flags: &[&str], because: &str) {
        match plan(flags) {
            Ok(plan) => panic!("{flags:?} was accepted: {plan:?}"),
            Err(line) => assert!(line.contains(because), "{flags:?}: {line}"),
        }
    }

    #[test]
    fn the_defaults_are_those_of_ksink_go() {
        let plan = plan(&[]).expect("no flag is needed");
        assert_eq!(plan.listen.to_string(), ":9092");
        assert_eq!(plan.output, Output::Stdout);
        assert!(
            matches!(plan.format, Format::Binary(Binary { separator }) if separator == Separator::default())
        );
        assert_eq!(plan.server.partitions, 1);
        assert_eq!(plan.server.limits.message_bytes_max, 1_048_588);
    }

    #[test]
    fn a_flag_of_another_format_is_refused() {
        refused(&["--output-format-string", "%s"], "only be used with --output-format kcat");
        refused(&["--output-json-base64-key"], "only be used with --output-format jsonl");
        refused(&["--output-json-base64-value"], "only be used with --output-format jsonl");
        refused(&["--output-json-timestamp", "ms"], "only be used with --output-format jsonl");
        let jsonl = ["--output-format", "jsonl"];
        refused(&[&jsonl[..], &["--output-separator", ";"]].concat(), "--output-format binary");
        refused(
            &[&jsonl[..], &["--output-separator-hex", "00"]].concat(),
            "--output-format binary",
        );
        refused(&[&jsonl[..], &["--no-separator"]].concat(), "--output-format binary");
        assert!(plan(&[&jsonl[..], &["--no-separator=false"]].concat()).is_ok());
    }

    #[test]
    fn a_format_that_nobody_knows_is_refused() {
        refused(&["--output-format", "xml"], "unknown output format `xml`");
        refused(&["--output-format", "kcat"], "--output-format-string is required");
        refused(
            &["--output-format", "kcat", "--output-format-string", "%x"],
            "unknown kcat format specifier: %x",
        );
    }

    #[test]
    fn of_the_separators_none_wins_over_hexadecimal_and_that_over_text() {
        let separator = |flags: &[&str]| match plan(flags).map(|plan| plan.format) {
            Ok(Format::Binary(Binary { separator })) => separator,
            other => panic!("{other:?}"),
        };
        let (text, hex) = (["--output-separator", "\\t"], ["--output-separator-hex", "0d0a"]);
        assert_eq!(separator(&text), Separator::from_text("\t"));
        assert_eq!(separator(&[text, hex].concat()), Separator::from_text("\r\n"));
        assert_eq!(separator(&[&text[..], &hex, &["--no-separator"]].concat()), Separator::NONE);
        assert_eq!(separator(&["--output-separator-hex", ""]), Separator::default());
        refused(&["--output-separator-hex", "0"], "odd length");
        refused(&["--output-separator-hex", "zz"], "--output-separator-hex");
    }

    #[test]
    fn an_output_is_stdout_nowhere_or_a_file_and_nothing_with_a_scheme() {
        for scheme in ["tcp://h:1", "tls://h:1", "nanomsg://x", "ftp://h/x", "HTTP://h"] {
            refused(&["--output", scheme], "unsupported output");
        }
        refused(&["--output", ""], "an output is needed");
        assert_eq!(plan(&["--output", "null:"]).map(|plan| plan.output), Ok(Output::Null));
        let file = Output::File(PathPattern::new("a/{topic}.jsonl"));
        assert_eq!(plan(&["--output", "a/{topic}.jsonl"]).map(|plan| plan.output), Ok(file));
    }

    #[test]
    fn an_output_may_be_a_url() {
        let output = |url: &str| plan(&["--output", url]).map(|plan| plan.output);
        let target = "https://h:1/path".parse().expect("a URL");
        assert_eq!(output("https://h:1/path"), Ok(Output::Http(target)));
        assert!(matches!(output("http://h"), Ok(Output::Http(_))));
        refused(&["--output", "http://user:secret@h:99999/"], "--output: its port is no number");
        assert!(!output("http://user:secret@h:99999/").unwrap_err().contains("secret"));
        refused(&["--output", "https://"], "--output: it is no URL");
    }

    #[test]
    fn transactions_have_files_of_their_own_where_that_was_asked_for() {
        let output = |flags: &[&str]| plan(flags).map(|plan| (plan.output, plan.existing));
        let pattern = TransactionPattern::new("m-{txnID}").expect("a pattern");
        let flags = ["--transactional", "--output", "m-{txnID}"];
        let (files, append) = (Output::Transactions(pattern), TxnExisting::Append);
        assert_eq!(output(&flags), Ok((files, append)));
        let suffix = output(&[&flags[..], &["--txn-existing", "suffix"]].concat());
        assert_eq!(suffix.map(|(_, existing)| existing), Ok(TxnExisting::Suffix));
        let literal = Output::File(PathPattern::new("m-{txnID}"));
        assert_eq!(output(&["--output", "m-{txnID}"]), Ok((literal, append)));
        refused(&["--transactional"], "--transactional needs files, and --output is stdout");
        refused(&["--transactional", "--output", "out"], "it does not contain {txnID}");
        refused(&["--txn-existing", "append"], "can only be used with --transactional");
    }

    #[test]
    fn a_state_is_beside_the_output_or_where_it_was_asked_for_or_nowhere() {
        let state = |flags: &[&str]| plan(flags).expect("sound flags").state_dir;
        assert_eq!(state(&[]), StateDir::BesideOutput);
        assert_eq!(state(&["--state-dir", "none"]), StateDir::Nowhere);
        assert_eq!(state(&["--state-dir", "./none"]), StateDir::At("./none".into()));
    }

    #[test]
    fn an_acknowledgement_survives_the_process_unless_more_or_less_is_wanted() {
        let durability = |flags: &[&str]| plan(flags).expect("sound flags").server.durability;
        assert_eq!(durability(&[]), Durability::Process);
        assert_eq!(durability(&["--durability", "power"]), Durability::Power);
        assert_eq!(durability(&["--durability", "none"]), Durability::None);
    }

    #[test]
    fn formats_that_write_other_bytes_have_other_names() {
        let name = |flags: &[&str]| plan(flags).expect("sound flags").format_name;
        assert_eq!(name(&[]), "binary");
        assert_eq!(name(&["--output-separator", "\\n"]), "binary", "it is the same separator");
        assert_eq!(name(&["--output-separator-hex", "00"]), r#"binary separated by "\\x00""#);
        assert_eq!(name(&["--no-separator"]), r#"binary separated by """#);
        let kcat = ["--output-format", "kcat", "--output-format-string", "%s\n"];
        assert_eq!(name(&kcat), r#"kcat "%s\n""#);
        let jsonl = ["--output-format", "jsonl", "--output-json-timestamp"];
        assert_eq!(name(&[&jsonl[..], &["rfc3339"]].concat()), "jsonl");
        let other = [&jsonl[..], &["ms", "--output-json-base64-key"]].concat();
        assert_eq!(name(&other), "jsonl base64-key timestamp-ms");
    }

    #[test]
    fn what_may_not_be_meant_is_warned_of() {
        let warned = |flags: &[&str], says: &str| {
            let warnings = plan(flags).expect("sound flags").warnings;
            assert!(warnings.iter().any(|line| line.contains(says)), "{flags:?}: {warnings:?}");
        };
        let quiet = |flags: &[&str]| {
            assert_eq!(plan(flags).expect("sound flags").warnings, Vec::<String>::new());
        };
        quiet(&[]);
        quiet(&["--output", "{topic}", "--durability", "power"]);
        quiet(&["--durability", "power", "--state-dir", "state"]);
        quiet(&["--transactional", "--output", "{topic}/{txnID}"]);
        quiet(&["--output", "out", "--state-dir", "none"]);
        warned(&["--transactional", "--output", "{topic}-{txnID}"], "the same file name");
        let forgetful = ["--transactional", "--output", "{txnID}", "--state-dir", "none"];
        warned(&forgetful, "--state-dir none");
        warned(&["--output", "{txnSeq}"], "without --transactional");
        warned(&["--durability", "power"], "--durability power without a state");
    }

    #[test]
    fn the_flags_of_http_mean_what_they_mean_in_ksink_go() {
        let http = |flags: &[&str]| plan(flags).expect("sound flags").http;
        let HttpOptions { retries, dead_letters, .. } = http(&[]);
        let seconds = Duration::from_secs;
        assert_eq!(retries, HttpRetries { count: 0, delay: seconds(1), timeout: seconds(30) });
        assert_eq!(dead_letters, None);
        assert_eq!(http(&["--output-http-retries", "-1"]).retries.count, 0);
        assert_eq!(http(&["--output-http-retries", "3"]).retries.count, 3);
        assert_eq!(http(&["--output-http-timeout", "0"]).retries.timeout, seconds(30));
        assert_eq!(http(&["--output-http-timeout", "5s"]).retries.timeout, seconds(5));
        assert_eq!(http(&["--output-http-retry-delay", "0"]).retries.delay, seconds(0));
        assert_eq!(http(&["--output-http-dlq", ""]).dead_letters, None);
        assert_eq!(http(&["--output-http-dlq", "f"]).dead_letters, Some("f".into()));
    }

    #[test]
    fn a_certificate_and_its_key_come_together_whatever_the_output_is() {
        refused(&["--output-tls-cert", "c"], "must be specified together");
        refused(&["--output-tls-key", "k", "--output", "out"], "must be specified together");
        let tls = plan(&["--output-tls-cert", "c", "--output-tls-key", "k"]).expect("both").tls;
        let identity = TlsIdentity { certificate: "c".into(), key: "k".into() };
        assert_eq!(tls, TlsOptions { identity: Some(identity), ca: None, skip_verify: false });
        let none = ["--output-tls-cert", "", "--output-tls-key", "", "--output-tls-ca", ""];
        assert_eq!(plan(&none).map(|plan| plan.tls), Ok(TlsOptions::default()));
    }

    #[test]
    fn an_advertised_address_is_one_that_a_client_can_use() {
        let advertised = |text: &str| {
            plan(&["--advertised-addr", text])
                .map(|plan| plan.server.advertised.map(|HostPort { host, port }| (host, port)))
        };
        assert_eq!(advertised("kafka.example:9092"), Ok(Some(("kafka.example".into(), 9092))));
        assert_eq!(advertised("[::1]:1"), Ok(Some(("::1".into(), 1))));
        for text in ["kafka.example", ":9092", "kafka.example:0", "::1:9092", "h:99999"] {
            refused(&["--advertised-addr", text], "--advertised-addr");
        }
    }

    #[test]
    fn topics_are_names_and_patterns() {
        let topics = plan(&["--topics", "a,b, events-*"]).map(|plan| plan.server.topics.len());
        assert_eq!(topics, Ok(3));
        let example = |topics: &str| plan(&["--topics", topics]).map(|plan| plan.example_topic);
        assert_eq!(example("a,b"), Ok("a".to_owned()));
        assert_eq!(example(" events-*"), Ok("events-test".to_owned()));
        assert_eq!(plan(&[]).map(|plan| plan.example_topic), Ok("test".to_owned()));
        refused(&["--topics", "a/b"], "`a/b` is no topic name or pattern");
        refused(&["--partitions", "0"], "0");
    }
}
