//! What cannot work ends with one clear line and a code; what is only asked is answered on stdout.

use std::{fs, net::TcpListener};

use crate::process::{Ended, Setup};

/// One line on stderr that says so, nothing on stdout.
#[track_caller]
fn check(ended: &Ended, code: i32, says: &str) {
    ended.assert_code(code);
    assert_eq!(ended.stdout_text(), "");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(matches!(lines[..], [line] if line.starts_with("ksink: ")), "{lines:?}");
    assert!(lines[0].contains(says), "{}", lines[0]);
}

#[track_caller]
fn refused(flags: &[&str], code: i32, says: &str) {
    check(&Setup::new(flags).run(), code, says);
}

#[test]
fn a_wrong_command_line_is_a_matter_of_usage() {
    let usage = |flags: &[&str], says| refused(flags, 2, says);
    usage(&["--outptu", "x"], "unexpected argument '--outptu' found");
    usage(&["--outptu", "x"], "a similar argument exists: '--output'");
    usage(&["--output"], "a value is required for '--output <OUTPUT>'");
    usage(&["--partitions", "0"], "'--partitions <N>'");
    usage(&["--log-level", "loud"], "[possible values: error, warn, info, debug, trace]");
    usage(&["serve"], "unrecognized subcommand 'serve'");
    usage(&["completion", "csh"], "csh");
    usage(&["--addr", "9092"], "--addr: `9092` is no address");
    usage(&["--advertised-addr", "nowhere"], "--advertised-addr");
    usage(&["--exit-when-idle", "5"], "--exit-when-idle");
}

#[test]
fn an_output_of_an_unknown_scheme_is_a_matter_of_usage() {
    refused(&["--output", "ftp://host/x"], 2, "--output: unsupported output `ftp://host/x`");
}

#[test]
fn a_format_that_means_nothing_is_a_matter_of_usage() {
    let kcat = |format| ["--output-format", "kcat", "--output-format-string", format];
    refused(&kcat("%t %x"), 2, "unknown kcat format specifier: %x");
    refused(&["--output-format", "kcat"], 2, "--output-format-string is required");
    refused(&["--output-format", "xml"], 2, "unknown output format `xml`");
    refused(&["--output-json-base64-key"], 2, "can only be used with --output-format jsonl");
    refused(&["--output-separator-hex", "0"], 2, "odd length hex string");
}

#[test]
fn a_pattern_that_no_topic_can_have_is_a_matter_of_usage() {
    refused(&["--topics", "orders,a/b"], 2, "--topics: `a/b` is no topic name or pattern");
    refused(&["--topics", "orders,"], 2, "--topics: `` is no topic name or pattern");
}

#[test]
fn an_output_that_cannot_be_opened_is_unavailable() {
    let check = |output: &str, named: &str| {
        let setup = Setup::new(&["--output", output]).file("taken", "");
        fs::create_dir(setup.folder().join("folder")).expect("a folder");
        check(&setup.run(), 69, &format!("failed to open output file {named}: "));
    };
    check("folder", "folder");
    check("taken/below", "taken/below");
    check("taken/{topic}", "taken/");
}

#[test]
fn a_port_in_use_is_an_error_of_the_run() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address").to_string();
    refused(&["--addr", &addr], 1, &format!("failed to listen on {addr}: "));
}

#[test]
fn a_port_file_that_cannot_be_written_is_an_error_of_the_run() {
    let flags = ["--addr", "127.0.0.1:0", "--log-level", "error", "--port-file", "nowhere/port"];
    refused(&flags, 1, "failed to write port file nowhere/port: ");
}

#[track_caller]
fn answer(flags: &[&str]) -> String {
    let ended = Setup::new(flags).run();
    ended.assert_code(0);
    assert_eq!(ended.stderr, "");
    ended.stdout_text().to_owned()
}

#[test]
fn the_version_is_told() {
    let version = format!("ksink {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["--version", "-v", "-V"] {
        assert_eq!(answer(&[flag]), version);
    }
}

#[test]
fn help_names_every_way_to_be_told_something() {
    let help = answer(&["--help"]);
    for word in ["--addr", "KSINK_OUTPUT_FORMAT", "json-schema", "completion", "--drain-timeout"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(answer(&["-h"]).contains("--addr"));
    assert!(answer(&["help", "completion"]).contains("powershell"));
}

#[test]
fn shells_can_complete_the_command_line() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = answer(&["completion", shell]);
        assert!(script.contains("output-format-string"), "{shell}");
    }
}

#[test]
fn the_schema_is_json_and_describes_the_timestamps_that_are_asked_for() {
    let timestamp_type = |flags: &[&str]| {
        let text = answer(flags);
        assert!(text.ends_with("}\n"), "the last line is a whole one");
        let schema: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(schema["title"], "ksink JSON message");
        schema["properties"]["timestamp"]["type"].clone()
    };
    assert_eq!(timestamp_type(&["json-schema"]), "string");
    assert_eq!(timestamp_type(&["json-schema", "--output-json-timestamp", "ms"]), "integer");
}
