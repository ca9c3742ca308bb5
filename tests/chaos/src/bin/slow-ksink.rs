//! ksink with an output that takes its time.

use std::process::ExitCode;

fn main() -> ExitCode {
    ksink_chaos::main()
}
