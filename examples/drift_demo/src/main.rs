//! The command.

use std::io::{self, Write};
use std::process::ExitCode;

use drift_demo::{Settings, USAGE, run};

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|word| word == "--help" || word == "-h") {
        let _ = writeln!(io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    let settings = match Settings::parse(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "drift_demo: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&settings, &mut io::stdout(), &mut io::stderr()) {
        Ok(report) if report.missing.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "drift_demo: {failure}");
            ExitCode::FAILURE
        }
    }
}
