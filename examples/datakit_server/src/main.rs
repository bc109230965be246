//! A DataKit server over tokio. `connection.rs` is the loop around the machine, the part to copy; `board.rs` keeps what is
//! known of the sensors and shows it; here is what starts, what ends, and who listens to the keyboard.
#![expect(clippy::std_instead_of_alloc, reason = "a program, which has std")]

mod board;
mod connection;

use core::time::Duration;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::board::Board;
use crate::connection::{Clock, Note, Order, What};

const USAGE: &str = "usage: datakit_server [ADDRESS] [--once READINGS]
  ADDRESS  where to listen, 127.0.0.1:7777 unless told; with port 0 any that is free
  --once   end after so many readings
While it runs: start [UID], stop [UID], quit";

/// Connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1024;
/// News that may wait for the board. Who has more to tell waits, reads no more, and so slows down its sensor.
const MAX_NOTES: usize = 1024;

fn main() -> ExitCode {
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(what) => {
            let _ = writeln!(io::stderr(), "datakit_server: {what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error),
    };
    match runtime.block_on(serve(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

fn failure(error: &io::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "datakit_server: {error}");
    ExitCode::FAILURE
}

struct Settings {
    address: String,
    once: Option<u64>,
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings { address: "127.0.0.1:7777".into(), once: None };
    while let Some(word) = words.next() {
        match &*word {
            "--once" => {
                let value = words.next().ok_or("--once needs a number of readings")?;
                settings.once = Some(value.parse().map_err(|error| format!("--once {value:?}: {error}"))?);
            }
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ => settings.address = word,
        }
    }
    Ok(settings)
}

async fn serve(settings: Settings) -> io::Result<()> {
    let listener = TcpListener::bind(&settings.address).await?;
    let mut board = Board::new(io::stdout(), io::stdout().is_terminal());
    board.say(&format!("listening on {}", listener.local_addr()?))?;

    let (notes, mut news) = mpsc::channel(MAX_NOTES);
    let (orders, _) = broadcast::channel(64);
    let acceptor = tokio::spawn(accept(listener, notes, orders.clone()));
    let mut keyboard = keyboard();
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);

    while settings.once.is_none_or(|once| board.readings() < once) {
        tokio::select! {
            Some(note) = news.recv() => board.take(note)?,
            Some(line) = keyboard.recv() => {
                let mut words = line.split_whitespace();
                let (word, uid) = (words.next(), words.next().map(str::to_owned));
                match word {
                    // That nobody is connected is no error.
                    Some("start") => drop(orders.send(Order::Start(uid))),
                    Some("stop") => drop(orders.send(Order::Stop(uid))),
                    Some("quit") => break,
                    Some(_) => board.say("commands: start [UID], stop [UID], quit")?,
                    None => {}
                }
            }
            _ = tick.tick() => board.show()?,
        }
    }

    board.show()?;
    acceptor.abort();
    let _ = orders.send(Order::Close);
    // Until the last connection has let go of its end, or for a second.
    let end = sleep(Duration::from_secs(1));
    tokio::pin!(end);
    loop {
        tokio::select! {
            note = news.recv() => match note {
                Some(note) => board.take(note)?,
                None => break,
            },
            () = &mut end => break,
        }
    }
    board.say(&format!("readings: {}", board.readings()))
}

/// A task for each connection, each with a number of its own.
async fn accept(listener: TcpListener, notes: mpsc::Sender<Note>, orders: broadcast::Sender<Order>) {
    let (clock, room) = (Clock::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    for number in 1.. {
        // It is never closed, and so always gives a permit in the end.
        let permit = Arc::clone(&room).acquire_owned().await;
        let (stream, peer) = loop {
            match listener.accept().await {
                Ok(accepted) => break accepted,
                // Out of file descriptors, or a client that was gone again: neither is a reason to end.
                Err(error) => {
                    let what = What::Trouble(format!("not accepted: {error}"));
                    if notes.send(Note { connection: 0, what }).await.is_err() {
                        return;
                    }
                    sleep(Duration::from_millis(100)).await;
                }
            }
        };
        let (notes, orders) = (notes.clone(), orders.subscribe());
        tokio::spawn(async move {
            let what = What::Connected(peer);
            if notes.send(Note { connection: number, what }).await.is_ok() {
                connection::run(stream, number, clock, notes, orders).await;
            }
            drop(permit);
        });
    }
}

/// Lines of the standard input. A thread reads them, since a read from a terminal cannot be cancelled; at the end of the
/// program it is left where it is.
fn keyboard() -> mpsc::Receiver<String> {
    let (lines, keyboard) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    });
    keyboard
}
