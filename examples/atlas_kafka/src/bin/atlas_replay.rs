//! Sends a capture again: records as kafka-console-consumer prints them.

use std::io::{self, Write};
use std::process::ExitCode;

use atlas_kafka::{ReplaySettings, replay, watch};

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|word| word == "--help" || word == "-h") {
        let _ = writeln!(io::stdout(), "{}", ReplaySettings::USAGE);
        return ExitCode::SUCCESS;
    }
    let settings = match ReplaySettings::parse(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "atlas_replay: {what}\n{}", ReplaySettings::USAGE);
            return ExitCode::from(2);
        }
    };
    match replay(&settings, &mut io::stdout(), &mut io::stderr(), &watch()) {
        Ok(replayed) if replayed.bad == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "atlas_replay: {failure}");
            ExitCode::FAILURE
        }
    }
}
