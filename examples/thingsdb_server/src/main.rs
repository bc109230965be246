//! The command: a listener, and who listens to the keyboard.

use core::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use thingsdb_server::{Listener, Settings, Spoken, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const USAGE: &str = "usage: thingsdb_server [HOST:PORT | --unix PATH] [--dialect v1|legacy]
  HOST:PORT  where to listen, 127.0.0.1:9200 unless told; with port 0 any that is free
  --unix     a Unix socket instead
  --dialect  what clients speak; unless told, each one's first request shows it
It ends on Ctrl-C, or when `quit` is typed.";

fn main() -> ExitCode {
    let (place, spoken) = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            say(format_args!("thingsdb_server: {what}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let run = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match run.and_then(|runtime| runtime.block_on(listen(place, Settings { spoken, log: say }))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("thingsdb_server: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{words}");
}

enum Place {
    Tcp(String),
    #[cfg(unix)]
    Unix(String),
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<(Place, Option<Spoken>), String> {
    let (mut place, mut spoken) = (Place::Tcp("127.0.0.1:9200".into()), None);
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            place = Place::Tcp(word);
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match (&*word, &*value) {
            #[cfg(unix)]
            ("--unix", _) => place = Place::Unix(value),
            ("--dialect", "v1") => spoken = Some(Spoken::V1),
            ("--dialect", "legacy") => spoken = Some(Spoken::Legacy),
            _ => return Err(format!("unknown option {word} {value}")),
        }
    }
    Ok((place, spoken))
}

async fn listen(place: Place, settings: Settings) -> io::Result<()> {
    let (listener, address) = match &place {
        Place::Tcp(address) => {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?.to_string();
            (Listener::Tcp(listener), address)
        }
        #[cfg(unix)]
        Place::Unix(path) => (Listener::Unix(tokio::net::UnixListener::bind(path)?), path.clone()),
    };
    writeln!(io::stdout(), "listening on {address}")?;
    let keyboard = keyboard();
    let quit = async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            Ok(()) = keyboard => {}
        }
    };
    serve(listener, settings, quit).await;
    #[cfg(unix)]
    if let Place::Unix(path) = place {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Done when `quit` is typed. A thread reads the lines, since a read from a terminal cannot be cancelled; at the end of the
/// program it is left where it is. The end of the standard input is no reason to end.
fn keyboard() -> oneshot::Receiver<()> {
    let (quit, keyboard) = oneshot::channel();
    std::thread::spawn(move || {
        if io::stdin().lines().map_while(Result::ok).any(|line| line.trim() == "quit") {
            let _ = quit.send(());
        }
    });
    keyboard
}
