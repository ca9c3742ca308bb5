//! Rules of the house that no compiler knows. They are ordinary tests; a rule is a function from a
//! file to its offences, so that another test can show that it bites.

use std::{fs, path::Path};

use crate::places;

/// A text file of the repository.
struct Source {
    /// From the top of the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn lies_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            self.path.strip_prefix(place).is_some_and(|rest| rest.starts_with(['/', '.']))
        })
    }

    /// The lines that are neither comments nor unit tests, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let shipped = self.text.lines().take_while(|line| *line != "#[cfg(test)]");
        let lines = shipped.enumerate().map(|(n, line)| (n + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn offences(&self, why: &str, offends: impl Fn(&str) -> bool) -> Vec<String> {
        let lines = self.code().filter(|(_, line)| offends(line));
        lines.map(|(n, line)| format!("{}:{n}: {why}: {}", self.path, line.trim())).collect()
    }
}

/// Sessions and the broker decide without knowing what time it is: it is an argument.
fn protocol_logic_has_no_clock_and_no_task(file: &Source) -> Vec<String> {
    const PURE: &[&str] = &[
        "crates/ksink-server/src/session",
        "crates/ksink-server/src/broker",
        "crates/ksink-server/src/txn",
    ];
    if !file.is_rust() || !file.lies_in(PURE) || file.path.contains("/tests") {
        return Vec::new();
    }
    let impure = ["tokio", "Instant::now", "SystemTime::now", ".elapsed()"];
    file.offences("no clock and no task here", |line| impure.iter().any(|word| line.contains(word)))
}

fn the_wire_has_no_tokio(file: &Source) -> Vec<String> {
    if !file.lies_in(&["crates/ksink-wire/src", "crates/ksink-wire/Cargo"]) {
        return Vec::new();
    }
    file.offences("the wire crate has no runtime", |line| line.contains("tokio"))
}

fn nothing_is_left_to_do(file: &Source) -> Vec<String> {
    // Put together, so that this file passes its own rule.
    let words = [concat!("FIX", "ME"), concat!("to", "do!("), concat!("un", "implemented!(")];
    let lines = file
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)));
    lines.map(|(n, line)| format!("{}:{}: unfinished: {}", file.path, n + 1, line.trim())).collect()
}

/// Each handler opens with its card: which API, its versions, how it behaves.
fn every_handler_has_its_card(file: &Source) -> Vec<String> {
    let Some(api) = file.path.strip_prefix("crates/ksink-server/src/broker/") else {
        return Vec::new();
    };
    if !places::root().join("crates/ksink-wire/src/messages").join(api).is_file() || api == "mod.rs"
    {
        return Vec::new();
    }
    let card: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let has = |what: &str| card.iter().any(|line| line.contains(what));
    let missing = ["(key ", "**Versions**", "**Behaviour**"].into_iter().find(|what| !has(what));
    missing
        .map(|what| format!("{}: the card of the handler lacks {what}", file.path))
        .into_iter()
        .collect()
}

/// A crate that aborts on what a peer may send serves to compare with, in tests.
fn kafka_protocol_is_for_tests(file: &Source) -> Vec<String> {
    let is_shipped = file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml");
    let dependencies = file.text.split("[dev-dependencies]").next().unwrap_or_default();
    let offends = is_shipped && dependencies.contains("kafka-protocol");
    offends
        .then(|| format!("{}: kafka-protocol outside of dev-dependencies", file.path))
        .into_iter()
        .collect()
}

/// Which floor each shipped crate is on.
const FLOORS: &[(&str, u32)] = &[
    ("ksink-wire", 0),
    ("ksink-disk", 0),
    ("ksink-event", 1),
    ("ksink-journal", 1),
    ("ksink-server", 2),
    ("ksink-sinks", 2),
    ("ksink-cli", 3),
];

/// A crate depends on crates of lower floors only; its tests may look further.
fn imports_go_down_the_floors(file: &Source) -> Vec<String> {
    let named = |(name, _): &&(&str, u32)| file.path == format!("crates/{name}/Cargo.toml");
    let Some((_, own)) = FLOORS.iter().find(named) else { return Vec::new() };
    let dependencies = file.text.split("[dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    let not_below = FLOORS.iter().filter(|(_, floor)| floor >= own);
    let offends = |(name, _): &&(&str, u32)| {
        let is_it =
            |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ']));
        dependencies.lines().any(is_it)
    };
    let offences = not_below.filter(offends);
    offences.map(|(name, _)| format!("{}: {name} is not on a floor below", file.path)).collect()
}

/// The guarantees name the tests that show them: words of code with three underscores or more.
fn every_guarantee_names_tests_that_exist(file: &Source) -> Vec<String> {
    if file.path != "docs/guarantees.md" {
        return Vec::new();
    }
    let sources = repository();
    let sources: Vec<&Source> = sources.iter().filter(|source| source.is_rust()).collect();
    let is_name = |word: &&str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        word.chars().all(is_plain) && word.matches('_').count() >= 3
    };
    let missing = |name: &&str| {
        let test = format!("fn {name}(");
        !sources.iter().any(|source| source.text.contains(&test))
    };
    let names = file.text.split('`').filter(is_name).filter(missing);
    names.map(|name| format!("{}: there is no test {name}", file.path)).collect()
}

fn check(rule: fn(&Source) -> Vec<String>) {
    let files = repository();
    assert!(
        files.iter().any(|file| file.path == "xtask/src/tidy.rs"),
        "the repository was not found"
    );
    let offences: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

/// The text of every Rust file.
pub(crate) fn rust_sources() -> Vec<String> {
    let files = repository().into_iter().filter(Source::is_rust);
    files.map(|file| file.text).collect()
}

fn repository() -> Vec<Source> {
    let mut files = Vec::new();
    for place in [
        "crates",
        "xtask",
        "tests",
        "docs",
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "Cargo.toml",
    ] {
        read(&places::root().join(place), &mut files);
    }
    files
}

fn read(place: &Path, files: &mut Vec<Source>) {
    if let Ok(entries) = fs::read_dir(place) {
        entries.flatten().for_each(|entry| read(&entry.path(), files));
    } else if let Ok(text) = fs::read_to_string(place) {
        let path = place.strip_prefix(places::root()).expect("it was found there");
        files.push(Source { path: path.to_string_lossy().into_owned(), text });
    }
}

fn bites(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) {
    assert_eq!(
        rule(&Source { path: path.to_owned(), text: text.to_owned() }).len(),
        1,
        "{path}: {text}"
    );
}

#[test]
fn session_and_broker_take_time_as_an_argument() {
    check(protocol_logic_has_no_clock_and_no_task);
    bites(
        protocol_logic_has_no_clock_and_no_task,
        "crates/ksink-server/src/session.rs",
        "let now = Instant::now();",
    );
    bites(
        protocol_logic_has_no_clock_and_no_task,
        "crates/ksink-server/src/broker/a.rs",
        "// tokio\nuse tokio::spawn;",
    );
}

#[test]
fn the_wire_crate_does_not_know_a_runtime() {
    check(the_wire_has_no_tokio);
    bites(the_wire_has_no_tokio, "crates/ksink-wire/Cargo.toml", "tokio.workspace = true");
}

#[test]
fn crates_depend_on_lower_floors_only() {
    check(imports_go_down_the_floors);
    bites(
        imports_go_down_the_floors,
        "crates/ksink-journal/Cargo.toml",
        "[dependencies]\nksink-disk.workspace = true\nksink-event.workspace = true",
    );
    for (name, _) in FLOORS {
        assert!(places::root().join("crates").join(name).is_dir(), "{name}");
    }
    let crates = fs::read_dir(places::root().join("crates")).unwrap().count();
    assert_eq!(crates, FLOORS.len(), "every crate has its floor");
}

#[test]
fn no_file_leaves_something_undone() {
    check(nothing_is_left_to_do);
    bites(nothing_is_left_to_do, "docs/a.md", concat!("FIX", "ME: write this"));
    bites(nothing_is_left_to_do, "crates/a.rs", concat!("    to", "do!()"));
}

#[test]
fn handlers_open_with_their_card() {
    check(every_handler_has_its_card);
    let handler = "crates/ksink-server/src/broker/produce.rs";
    bites(
        every_handler_has_its_card,
        handler,
        "//! Produce (key 0): records for partitions.\nuse std::fmt;",
    );
}

#[test]
fn guarantees_name_tests_that_exist() {
    check(every_guarantee_names_tests_that_exist);
    let named = fs::read_to_string(places::root().join("docs/guarantees.md")).unwrap();
    assert!(named.contains("`after_kill_9_the_tail_that_was_not_acknowledged_is_cut`"));
    bites(
        every_guarantee_names_tests_that_exist,
        "docs/guarantees.md",
        concat!("Nothing is lost. `nothing_is_ever", "_lost_by_anybody`, `power`"),
    );
}

#[test]
fn shipped_crates_do_without_kafka_protocol() {
    check(kafka_protocol_is_for_tests);
    bites(
        kafka_protocol_is_for_tests,
        "crates/a/Cargo.toml",
        "[dependencies]\nkafka-protocol.workspace = true",
    );
}
