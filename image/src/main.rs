//! The `braid` host tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    braid::terminal::restore_on_panic();
    braid::cli::main()
}
