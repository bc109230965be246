//! The command: a sine wave as a sensor.

use core::time::Duration;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use datakit_sensor::{Sensor, Settings};

const USAGE: &str = "usage: datakit_sensor [ADDRESS] [--name NAME] [--units UNITS] [--tag TAG]
                      [--interval SECONDS] [--count READINGS] [--pause SECONDS]
  ADDRESS     host and port of the server, 127.0.0.1:7777 unless told
  --interval  how often to read, 1 unless told
  --count     how many readings to send before the end; there is none unless told
  --pause     how long to wait between connections, 1 unless told";

fn main() -> ExitCode {
    let mut log = io::stderr();
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(log, "datakit_sensor: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let start = Instant::now();
    let mut read = || 20.0 + start.elapsed().as_secs_f64().sin();
    let sensor = Sensor::new(&settings, &mut read, &mut log).map_err(datakit::Error::from);
    match sensor.and_then(Sensor::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "datakit_sensor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings {
        address: "127.0.0.1:7777".into(),
        name: "sine".into(),
        units: "degrees_celsius".into(),
        tag: "outside".into(),
        interval: Duration::from_secs(1),
        count: None,
        pause: Duration::from_secs(1),
    };
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            settings.address = word;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "--name" => settings.name = value?,
            "--units" => settings.units = value?,
            "--tag" => settings.tag = value?,
            "--interval" => settings.interval = seconds(&value?)?,
            "--pause" => settings.pause = seconds(&value?)?,
            "--count" => {
                settings.count = Some(value?.parse().map_err(|error| format!("--count: {error}"))?);
            }
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(settings)
}

fn seconds(word: &str) -> Result<Duration, String> {
    let seconds = word.parse().map_err(|error| format!("{word:?}: {error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{word:?}: {error}"))
}
