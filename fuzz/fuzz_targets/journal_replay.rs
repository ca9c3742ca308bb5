#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ksink_fuzz::run("journal_replay", input));
