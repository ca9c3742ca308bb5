//! ksink.

fn main() {}
