//! The program.

use core::time::Duration;
use std::io::{self, Write};
use std::process::ExitCode;

use karabo_bridge::Version;
use karabo_simulate::{Settings, Simulation, run};
use karabo_zeromq::{ServerSocket, block_on, interrupted, non_negative, rate, version, wants_help, whole};

const USAGE: &str = "usage: karabo_simulate [ENDPOINT] [--socket rep|pub|push] [--protocol 1.0|2.0|2.1|2.2]
                       [--source NAME,...] [--rate HZ] [--count N] [--seed N] [--first TID]
                       [--dummy-timestamps] [--linger S]
  ENDPOINT   where to be, tcp://127.0.0.1:4545 unless told; with port 0 any that is free
  --socket   rep unless told
  --protocol the version of it, 2.2 unless told
  --source   agipd-module,camera,xgm unless told; there are agipd (277 MB) and lpd (1.3 GB), too
  --rate     trains a second, 10 unless told; 0 is as fast as they are taken, not with pub
  --count    end after so many trains; without, at Ctrl-C
  --seed     of the numbers in the trains, which are the same for the same seed; 0 unless told
  --first    number of the first train, 10000000000 unless told
  --dummy-timestamps  the time of sending, in place of one that was made up
  --linger   how many seconds the last trains may take to be sent, 60 unless told
  --help     this text";

fn main() -> ExitCode {
    if wants_help(std::env::args().skip(1)) {
        let _ = writeln!(io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "karabo_simulate: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let program = async { run(&settings, &mut io::stdout(), interrupted()).await };
    match block_on(program, settings.linger) {
        Ok(Ok(_)) => ExitCode::SUCCESS,
        Ok(Err(failure)) => complain(&failure),
        Err(error) => complain(&error),
    }
}

fn complain(what: &dyn core::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "karabo_simulate: {what}");
    ExitCode::FAILURE
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut endpoint = None;
    let place = "tcp://127.0.0.1:4545".to_owned();
    let mut settings = Settings::new(place, ServerSocket::Reply, Version::V2_2, Simulation::default());
    let simulation = &mut settings.simulation;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "--socket" => settings.socket = value()?.parse()?,
            "--protocol" => settings.version = version(&value()?)?,
            "--source" => {
                simulation.sources = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                simulation.sources.sort_unstable();
                simulation.sources.dedup();
            }
            "--rate" => simulation.rate = rate(&word, &value()?)?,
            "--count" => settings.count = Some(whole(&word, &value()?)?),
            "--seed" => simulation.seed = whole(&word, &value()?)?,
            "--first" => simulation.first = whole(&word, &value()?)?,
            "--dummy-timestamps" => simulation.dummy = true,
            "--linger" => settings.linger = Duration::from_secs_f64(non_negative(&word, &value()?)?),
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ if endpoint.is_none() => endpoint = Some(word),
            _ => return Err(format!("unknown word {word}")),
        }
    }
    if simulation.rate == 0.0 && settings.socket == ServerSocket::Publish {
        return Err("pub needs a rate: it waits for nobody".to_owned());
    }
    settings.endpoint = endpoint.unwrap_or(settings.endpoint);
    Ok(settings)
}
