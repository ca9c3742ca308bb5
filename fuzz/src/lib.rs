//! Fuzzing of what a stranger's bytes reach. The targets themselves are those of the ordinary tests; `cargo xtask fuzz`
//! runs them.

#[path = "../../crates/ksink-wire/tests/wire/hostile/targets.rs"]
mod wire;

#[path = "../../crates/ksink-journal/tests/hostile/targets.rs"]
mod journal;

/// Feeds an input to a target.
///
/// # Panics
/// When the target's promises do not hold for the input, or there is no target of that name.
pub fn run(name: &str, input: &[u8]) {
    let mut targets = wire::TARGETS.iter().chain(journal::TARGETS);
    let (_, target) = targets.find(|(known, _)| *known == name).expect("a target");
    target(input);
}
