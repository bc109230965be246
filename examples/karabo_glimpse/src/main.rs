//! The program.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use karabo_glimpse::{Detail, Settings, run};
use karabo_zeromq::{block_on, interrupted, non_negative, wants_help, whole};

const USAGE: &str = "usage: karabo_glimpse ENDPOINT [--socket req|sub|pull] [--count N] [--timeout S]
                      [--full | --brief | --quiet] [--save FILE]
  ENDPOINT   where the bridge is, such as tcp://127.0.0.1:4545
  --socket   req unless told
  --count    end after so many trains: 1 unless told, with --save or --quiet until Ctrl-C; 0 is until Ctrl-C
  --timeout  end after so many seconds without a train; without, wait for ever
  --full     all of each train, which is so unless told, but not with --save
  --brief    a line for each train, as with --save
  --quiet    only what there was in all
  --save     keep the messages in a new file, for karabo_replay and 'inspect karabo'
  --help     this text";

fn main() -> ExitCode {
    if wants_help(std::env::args().skip(1)) {
        let _ = writeln!(io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "karabo_glimpse: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let program = async {
        let (mut out, mut log) = (io::stdout(), io::stderr());
        run(&settings, &mut out, &mut log, interrupted()).await
    };
    match block_on(program, Duration::ZERO) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => complain(&failure),
        Err(error) => complain(&error),
    }
}

fn complain(what: &dyn core::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "karabo_glimpse: {what}");
    ExitCode::FAILURE
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let (mut endpoint, mut count, mut detail) = (None, None, None);
    let mut settings = Settings::new(String::new());
    settings.redraw = io::stderr().is_terminal();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "--socket" => settings.socket = value()?.parse()?,
            "--count" => count = Some(whole(&word, &value()?)?),
            "--timeout" => settings.timeout = Some(Duration::from_secs_f64(non_negative(&word, &value()?)?)),
            "--full" => detail = Some(Detail::Full),
            "--brief" => detail = Some(Detail::Brief),
            "--quiet" => detail = Some(Detail::Quiet),
            "--save" => settings.save = Some(value()?.into()),
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ if endpoint.is_none() => endpoint = Some(word),
            _ => return Err(format!("unknown word {word}")),
        }
    }
    settings.endpoint = endpoint.ok_or("where is the bridge?")?;
    settings.detail = detail.unwrap_or(if settings.save.is_some() { Detail::Brief } else { Detail::Full });
    let endless = settings.save.is_some() || settings.detail == Detail::Quiet;
    settings.count = count.or(if endless { None } else { Some(1) }).filter(|count| *count > 0);
    Ok(settings)
}
