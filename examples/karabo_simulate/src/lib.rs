//! A Karabo bridge that makes its trains up, in every version: so that others can be tried with nothing else installed.
//!
//! [`Simulation`] makes trains: the same seed and number are the same train. [`run`] is the program without its words and its exit
//! code.

mod detectors;
mod in_thread;
mod random;

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, Value};
use karabo_bridge::{EncodeError, TrainWriter, Version};
use karabo_zeromq::{Counts, Error, Server, ServerSocket, said};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

pub use crate::detectors::Source;
pub use crate::in_thread::InThread;

/// A train that was made up.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Made {
    /// Its sources.
    pub sources: Vec<MadeSource>,
}

/// One of its sources.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct MadeSource {
    /// Its name.
    pub name: &'static str,
    /// What is told of it.
    pub metadata: Vec<(&'static str, Value)>,
    /// What it has.
    pub properties: Vec<(&'static str, Field)>,
}

/// A property.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Field {
    /// Any value.
    Value(Value),
    /// An array.
    Array(Array),
}

impl Made {
    /// The parts of its message; arrays are shared, not copied, but for version 1.0. With a time since 1970, sources that have no timestamp
    /// get that one.
    ///
    /// # Errors
    ///
    /// As [`TrainWriter::finish`].
    pub fn encode(&self, version: Version, dummy: Option<Duration>) -> Result<Vec<Bytes>, EncodeError> {
        let mut train = TrainWriter::new(version);
        if let Some(now) = dummy {
            train = train.with_dummy_timestamps(now);
        }
        for source in &self.sources {
            train.source(source.name);
            for (name, value) in &source.metadata {
                train.metadata(*name, value.as_ref())?;
            }
            for (path, field) in &source.properties {
                match field {
                    Field::Value(value) => train.value(*path, value.as_ref())?,
                    Field::Array(array) => train.shared(*path, array)?,
                }
            }
        }
        Ok(train.finish()?.into_iter().map(Bytes::from).collect())
    }
}

/// Why a train could not be made up: a mistake in this program.
pub type MakeError = Box<dyn core::error::Error + Send + Sync>;

/// What the trains are like.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Simulation {
    /// What is in a train; each at most once.
    pub sources: Vec<Source>,
    /// Where chance begins.
    pub seed: u64,
    /// The number of the first train.
    pub first: u64,
    /// Trains a second, for their timestamps.
    pub rate: f64,
    /// Whether the time is left to who sends the train.
    pub dummy: bool,
}

impl Default for Simulation {
    /// All that is small, ten times a second.
    fn default() -> Self {
        let sources = vec![Source::AgipdModule, Source::Camera, Source::Xgm];
        Self { sources, seed: 0, first: 10_000_000_000, rate: 10.0, dummy: false }
    }
}

impl Simulation {
    /// The train that comes after so many others.
    ///
    /// # Errors
    ///
    /// None that a simulation should have.
    pub fn train(&self, index: u64) -> Result<Made, MakeError> {
        let tid = self.first.saturating_add(index);
        let time = if self.dummy { None } else { Some(index as f64 / if self.rate > 0.0 { self.rate } else { 10.0 }) };
        let sources = self.sources.iter().map(|source| source.make(self.seed, tid, time));
        Ok(Made { sources: sources.collect::<Result<_, _>>()? })
    }
}

/// What to do.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// Where to be.
    pub endpoint: String,
    /// How to give trains away.
    pub socket: ServerSocket,
    /// In which version.
    pub version: Version,
    /// What they are like.
    pub simulation: Simulation,
    /// End after so many; without, when interrupted.
    pub count: Option<u64>,
    /// How long the last trains may take to be sent.
    pub linger: Duration,
}

impl Settings {
    /// Without end, at an endpoint.
    #[must_use]
    pub const fn new(endpoint: String, socket: ServerSocket, version: Version, simulation: Simulation) -> Self {
        Self { endpoint, socket, version, simulation, count: None, linger: Duration::from_secs(60) }
    }
}

/// Why it came to nothing.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a program, not a library that grows")]
pub enum Failure {
    /// The socket.
    Bridge(String, Error),
    /// A train.
    Make(MakeError),
    /// The standard output.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bridge(endpoint, error) => write!(f, "{endpoint}: {error}"),
            Self::Make(error) => error.fmt(f),
            Self::Output(error) => f.write_str(&said(error)),
        }
    }
}

impl core::error::Error for Failure {}

/// Makes trains and sends them, until there were enough or `interrupted` is done. Tells first where it is.
///
/// # Errors
///
/// [`Failure`].
pub async fn run(
    settings: &Settings,
    out: &mut dyn Write,
    interrupted: impl Future<Output = ()>,
) -> Result<Counts, Failure> {
    let bridge = |error| Failure::Bridge(settings.endpoint.clone(), error);
    let server = Server::bind(&settings.endpoint, settings.socket).await.map_err(bridge)?;
    let mut say = |line: String| out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Output);
    say(format!("listening on {}\n", server.endpoint()))?;
    let mut interrupted = pin!(interrupted);
    let simulation = &settings.simulation;
    let mut tick = (simulation.rate > 0.0).then(|| {
        let mut tick = interval(Duration::from_secs_f64(simulation.rate.recip()));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick
    });
    let mut linger = settings.linger;
    for index in 0..settings.count.unwrap_or(u64::MAX) {
        let next = async {
            if let Some(tick) = &mut tick {
                tick.tick().await;
            }
            if !server.admit().await.map_err(bridge)? {
                return Ok(());
            }
            // Elsewhere, since it takes a while in which the last train is still to be sent.
            let (simulation, version) = (simulation.clone(), settings.version);
            let made = spawn_blocking(move || {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Ok(simulation.train(index)?.encode(version, simulation.dummy.then_some(now))?)
            });
            let parts = made.await.unwrap_or_else(|error| Err(error.into())).map_err(Failure::Make)?;
            server.send(parts).await.map_err(bridge)
        };
        tokio::select! {
            sent = next => sent?,
            () = &mut interrupted => {
                // Who interrupts does not want to wait.
                linger = Duration::ZERO;
                break;
            }
        }
    }
    let counts = server.close(linger).await;
    say(format!("{counts}\n"))?;
    Ok(counts)
}
