//! Fuzzing of what a stranger's bytes reach. The targets themselves are those of the ordinary tests; `cargo xtask fuzz`
//! runs them.

#[path = "../../crates/ksink-wire/tests/wire/hostile/targets.rs"]
mod targets;

/// Feeds an input to a target.
///
/// # Panics
/// When the target's promises do not hold for the input, or there is no target of that name.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    target(input);
}
