//! A Karabo bridge that serves a capture. Messages are read from the file one by one, when there is room for the next, and sent as they
//! are: nothing is decoded.

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use karabo_zeromq::{
    Error, Playback, PlaybackError, PlaybackLimits, Server, ServerSocket, block_on, interrupted, non_negative, rate,
    said, wants_help, whole,
};
use tokio::time::{MissedTickBehavior, interval};

const USAGE: &str = "usage: karabo_replay FILE [ENDPOINT] [--socket rep|pub|push] [--loop] [--rate HZ]
                     [--max-message BYTES] [--max-parts N] [--linger S]
  FILE       a capture, as karabo_glimpse --save writes it
  ENDPOINT   where to be, tcp://127.0.0.1:4545 unless told; with port 0 any that is free
  --socket   rep unless told
  --loop     begin again at the end, until Ctrl-C
  --rate     messages a second, 10 unless told; 0 is as fast as they are taken, not with pub
  --max-message  most bytes of a message, 4294967296 unless told
  --max-parts    most parts of a message, 65536 unless told
  --linger   how many seconds the last messages may take to be sent, 60 unless told
  --help     this text";

fn main() -> ExitCode {
    if wants_help(std::env::args().skip(1)) {
        let _ = writeln!(io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "karabo_replay: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match block_on(run(&settings), settings.linger) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => complain(&failure),
        Err(error) => complain(&error),
    }
}

fn complain(what: &dyn fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "karabo_replay: {what}");
    ExitCode::FAILURE
}

struct Settings {
    file: PathBuf,
    endpoint: String,
    socket: ServerSocket,
    again: bool,
    rate: f64,
    limits: PlaybackLimits,
    linger: Duration,
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let (mut file, mut endpoint) = (None, None);
    let mut settings = Settings {
        file: PathBuf::new(),
        endpoint: "tcp://127.0.0.1:4545".to_owned(),
        socket: ServerSocket::Reply,
        again: false,
        rate: 10.0,
        limits: PlaybackLimits::default(),
        linger: Duration::from_secs(60),
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match &*word {
            "--socket" => settings.socket = value()?.parse()?,
            "--loop" => settings.again = true,
            "--rate" => settings.rate = rate(&word, &value()?)?,
            "--max-message" => settings.limits.max_message = whole(&word, &value()?)?,
            "--max-parts" => {
                let value = value()?;
                let parts = u32::try_from(whole(&word, &value)?);
                settings.limits.max_parts = parts.map_err(|_| format!("--max-parts {value:?}: too large"))?;
            }
            "--linger" => settings.linger = Duration::from_secs_f64(non_negative(&word, &value()?)?),
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ if file.is_none() => file = Some(word),
            _ if endpoint.is_none() => endpoint = Some(word),
            _ => return Err(format!("unknown word {word}")),
        }
    }
    if settings.rate == 0.0 && settings.socket == ServerSocket::Publish {
        return Err("pub needs a rate: it waits for nobody".to_owned());
    }
    settings.file = file.ok_or("which capture?")?.into();
    settings.endpoint = endpoint.unwrap_or(settings.endpoint);
    Ok(settings)
}

#[derive(Debug)]
enum Failure {
    Bridge(String, Error),
    File(PathBuf, PlaybackError),
    /// The first message of it is none, for this reason.
    NoCapture(PathBuf, String),
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(endpoint, error) => write!(f, "{endpoint}: {error}"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoCapture(path, why) => write!(f, "{}: not a capture: {why}", path.display()),
            Self::Output(error) => f.write_str(&said(error)),
        }
    }
}

/// Whole messages in front of a fault are still sent.
async fn run(settings: &Settings) -> Result<(), Failure> {
    let file = |error: PlaybackError| Failure::File(settings.file.clone(), error);
    let mut playback = Playback::open(&settings.file, settings.limits).map_err(|error| file(error.into()))?;
    // What is none is told before anybody could connect.
    let mut first = match playback.read() {
        Ok(Some(parts)) => Some(parts),
        Ok(None) => return Err(Failure::NoCapture(settings.file.clone(), "there is nothing in it".to_owned())),
        Err(error @ (PlaybackError::Decode(..) | PlaybackError::Torn(_))) => {
            return Err(Failure::NoCapture(settings.file.clone(), error.to_string()));
        }
        Err(error) => return Err(file(error)),
    };
    let bridge = |error| Failure::Bridge(settings.endpoint.clone(), error);
    let server = Server::bind(&settings.endpoint, settings.socket).await.map_err(bridge)?;
    let say = |line: String| {
        let mut out = io::stdout();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(Failure::Output)
    };
    say(format!("listening on {}", server.endpoint()))?;
    let mut linger = settings.linger;
    let mut tick = (settings.rate > 0.0).then(|| {
        let mut tick = interval(Duration::from_secs_f64(settings.rate.recip()));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick
    });
    let mut interrupted = pin!(interrupted());
    let outcome = loop {
        let parts = match first.take().map_or_else(|| playback.read(), |parts| Ok(Some(parts))) {
            Ok(Some(parts)) => parts,
            Ok(None) if settings.again => match playback.rewind() {
                Ok(()) => continue,
                Err(error) => break Err(file(error.into())),
            },
            Ok(None) => break Ok(()),
            Err(error) => break Err(file(error)),
        };
        let sent = async {
            if let Some(tick) = &mut tick {
                tick.tick().await;
            }
            server.send(parts).await
        };
        tokio::select! {
            sent = sent => if let Err(error) = sent { break Err(bridge(error)) },
            () = &mut interrupted => {
                // Who interrupts does not want to wait.
                linger = Duration::ZERO;
                break Ok(());
            }
        }
    };
    let counts = server.close(linger).await;
    say(counts.to_string())?;
    outcome
}
