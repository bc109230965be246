//! The random walk of the documents, over Kafka: writers, readers that share the partitions, a restart, and a reader that comes late.

use std::io::{self, Write};
use std::process::ExitCode;

use atlas_kafka::{Settings, run, watch};

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|word| word == "--help" || word == "-h") {
        let _ = writeln!(io::stdout(), "{}", Settings::USAGE);
        return ExitCode::SUCCESS;
    }
    let settings = match Settings::parse(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "atlas_demo: {what}\n{}", Settings::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&settings, &mut io::stdout(), &mut io::stderr(), &watch()) {
        Ok(report) if report.faults.is_empty() => ExitCode::SUCCESS,
        Ok(report) => {
            for fault in &report.faults {
                let _ = writeln!(io::stderr(), "atlas_demo: {fault}");
            }
            ExitCode::FAILURE
        }
        Err(failure) => {
            let _ = writeln!(io::stderr(), "atlas_demo: {failure}");
            ExitCode::FAILURE
        }
    }
}
