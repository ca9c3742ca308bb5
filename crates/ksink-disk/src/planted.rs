//! Faults that are planted on purpose, so that a test suite shows that it would notice them.
//!
//! A build with the feature `planted-faults` reads the name of one from `KSINK_PLANTED_FAULT`. Without the feature no
//! fault is there, and the compiler removes the question.

/// Every fault, by name: what is left out, or done too early.
pub const PLANTED_FAULTS: &[&str] =
    &["no-dedupe", "no-truncation", "no-directory-sync", "commit-before-data"];

#[cfg(feature = "planted-faults")]
static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();

/// Plants a fault whatever the environment says; before anything else is done.
///
/// # Panics
/// When it is too late for that.
#[cfg(feature = "planted-faults")]
pub fn plant(name: &'static str) {
    CHOSEN.set(Some(name.to_owned())).expect("nothing was asked yet");
}

/// Whether this is the fault that `KSINK_PLANTED_FAULT` names.
///
/// # Panics
/// When either is not one of [`PLANTED_FAULTS`].
#[cfg(feature = "planted-faults")]
pub fn planted(name: &'static str) -> bool {
    assert!(PLANTED_FAULTS.contains(&name), "{name} is missing in PLANTED_FAULTS");
    let chosen = CHOSEN.get_or_init(|| std::env::var("KSINK_PLANTED_FAULT").ok());
    chosen.as_ref().is_some_and(|chosen| {
        assert!(
            PLANTED_FAULTS.contains(&&**chosen),
            "KSINK_PLANTED_FAULT names no fault: {chosen}"
        );
        chosen == name
    })
}

/// There is none in this build.
#[cfg(not(feature = "planted-faults"))]
#[inline]
pub const fn planted(_name: &'static str) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_planted_unless_it_is_named() {
        assert!(PLANTED_FAULTS.iter().all(|name| !planted(name)));
    }
}
