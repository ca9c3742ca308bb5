//! ksink without a memory: it keeps every copy of a batch. Runs against it must turn red.

use std::process::ExitCode;

fn main() -> ExitCode {
    ksink_disk::plant("no-dedupe");
    ksink_chaos::main()
}
