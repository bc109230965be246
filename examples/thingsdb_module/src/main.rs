//! The module. Its standard output belongs to the protocol; what there is to say goes to the standard error.

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut log = io::stderr();
    match thingsdb_module::serve(io::stdin().lock(), io::stdout().lock(), &mut log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(log, "thingsdb_module: {error}");
            ExitCode::FAILURE
        }
    }
}
