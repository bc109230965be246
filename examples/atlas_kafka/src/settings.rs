//! What the commands are told.

use core::time::Duration;
use std::path::PathBuf;

use atlas_stream::{MessageType, TypeMap};

use crate::walk::RATE;
use crate::words::{brokers, factor, topic, whole};

/// The mock cluster keeps 5 MiB of a partition, and forgets what is older.
const MOST_IN_MOCK: u64 = 40_000;

/// What of the demo is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writers, and readers that verify what comes.
    All,
    /// Only writers.
    Write,
    /// Only readers, until they are interrupted.
    Read,
}

/// What `atlas_demo` does.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Brokers; without, a mock cluster in this process.
    pub brokers: Option<String>,
    /// The topic.
    pub topic: String,
    /// Partitions of the mock cluster's topic; real topics have what they have.
    pub partitions: u32,
    /// What is run.
    pub role: Role,
    /// How many streams are written.
    pub streams: u32,
    /// How many samples each has.
    pub samples: u64,
    /// How many of them are a lap.
    pub lap_samples: u64,
    /// How much faster than real time; 0 for as fast as it goes.
    pub speed: f64,
    /// How many readers share the partitions.
    pub readers: u32,
    /// The group of readers that only read.
    pub group: String,
    /// The type of telemetry in protobuf; without, it is `tdata` in JSON.
    pub protobuf: Option<String>,
    /// The folder of documents; without, they are in memory.
    pub documents: Option<PathBuf>,
    /// How long the writer that is stopped stays away.
    pub pause: Duration,
    /// Of the walks.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            brokers: None,
            topic: "atlas_demo".to_owned(),
            partitions: 4,
            role: Role::All,
            streams: 3,
            samples: 2000,
            lap_samples: 450,
            speed: 4.0,
            readers: 2,
            group: "atlas_demo".to_owned(),
            protobuf: None,
            documents: None,
            pause: Duration::from_millis(2000),
            seed: 10,
        }
    }
}

impl Settings {
    /// The words of the command.
    pub const USAGE: &str =
        "usage: atlas_demo [--brokers HOST:PORT,…] [--topic NAME] [--partitions N] [--role all|write|read]
                  [--streams N] [--samples N | --seconds S] [--lap-samples N] [--speed X] [--readers N]
                  [--group NAME] [--protobuf TYPE] [--documents DIR] [--pause-ms MS] [--seed N]
  --brokers      a real cluster; without, a mock cluster in this program
  --topic        atlas_demo unless told
  --partitions   of the mock cluster's topic, 4 unless told
  --role         write and read unless told; with read, until Ctrl-C
  --streams      how many are written, 3 unless told
  --samples      of each stream, 2000 unless told: 100 are a second of telemetry
  --lap-samples  samples in a lap, 450 unless told
  --speed        how much faster than real time, 4 unless told; 0 is as fast as it goes
  --readers      how many share the partitions, 2 unless told
  --group        of readers with --role read, atlas_demo unless told
  --protobuf     telemetry in protobuf, with this type in keys
  --documents    a folder for data formats, for readers in other processes
  --pause-ms     how long the writer that is stopped stays away, 2000 unless told
  --seed         of the walks, 10 unless told
  --help         this text";

    /// From the words behind the name of the program.
    ///
    /// # Errors
    ///
    /// What is wrong with a word, in half a line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut partitions = None;
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match &*word {
                "--brokers" => settings.brokers = Some(brokers(value()?)?),
                "--topic" => settings.topic = topic(value()?)?,
                "--partitions" => partitions = Some(small(whole(&word, &value()?, 1, 1000)?)),
                "--role" => settings.role = role(&value()?)?,
                "--streams" => settings.streams = small(whole(&word, &value()?, 1, 1000)?),
                "--samples" => settings.samples = whole(&word, &value()?, 1, 100_000_000)?,
                "--seconds" => settings.samples = whole(&word, &value()?, 1, 1_000_000)?.saturating_mul(RATE),
                "--lap-samples" => settings.lap_samples = whole(&word, &value()?, 1, 100_000_000)?,
                "--speed" => settings.speed = factor(&word, &value()?, 1.0)?,
                "--readers" => settings.readers = small(whole(&word, &value()?, 1, 64)?),
                "--group" => settings.group = value()?,
                "--protobuf" => settings.protobuf = Some(message_type(value()?)?),
                "--documents" => settings.documents = Some(value()?.into()),
                "--pause-ms" => settings.pause = Duration::from_millis(whole(&word, &value()?, 0, 86_400_000)?),
                "--seed" => settings.seed = whole(&word, &value()?, 0, u64::MAX)?,
                _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
                _ => return Err(format!("unknown word {word}")),
            }
        }
        if settings.brokers.is_none() {
            if settings.role != Role::All {
                return Err("--role needs --brokers: a mock cluster is in this program only".to_owned());
            }
            let all = settings.samples.saturating_mul(settings.streams.into());
            if all > MOST_IN_MOCK {
                return Err(format!("{all} samples: the mock cluster forgets what is old, at most {MOST_IN_MOCK}"));
            }
        } else if partitions.is_some() {
            return Err("--partitions is of the mock cluster: a real topic has what it has".to_owned());
        }
        settings.partitions = partitions.unwrap_or(settings.partitions);
        Ok(settings)
    }
}

fn role(name: &str) -> Result<Role, String> {
    match name {
        "all" => Ok(Role::All),
        "write" => Ok(Role::Write),
        "read" => Ok(Role::Read),
        _ => Err(format!("no role {name:?}: all, write or read")),
    }
}

/// One that means nothing else.
fn message_type(name: String) -> Result<String, String> {
    let is_free = MessageType::new(&name).is_some_and(|known| TypeMap::new().get(known).is_none());
    if is_free { Ok(name) } else { Err(format!("--protobuf {name:?}: no type, or one that is described in JSON")) }
}

/// What `atlas_replay` does.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplaySettings {
    /// The capture; `-` is the standard input.
    pub file: PathBuf,
    /// Brokers; without, a mock cluster in this process, and what comes back is told.
    pub brokers: Option<String>,
    /// The topic.
    pub topic: String,
    /// Partitions of the mock cluster's topic.
    pub partitions: u32,
    /// How much faster than it was recorded; 0 for as fast as it goes.
    pub speed: f64,
    /// Longer pauses are cut.
    pub max_gap: Duration,
    /// Whether streams get new ids.
    pub new_ids: bool,
    /// Files with data formats.
    pub formats: Vec<PathBuf>,
    /// Most bytes of a line.
    pub max_line: usize,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            brokers: None,
            topic: "atlas_replay".to_owned(),
            partitions: 4,
            speed: 1.0,
            max_gap: Duration::from_secs(2),
            new_ids: false,
            formats: Vec::new(),
            max_line: 4 << 20,
        }
    }
}

impl ReplaySettings {
    /// The words of the command.
    pub const USAGE: &str =
        "usage: atlas_replay FILE [--brokers HOST:PORT,…] [--topic NAME] [--partitions N] [--speed X] [--max-gap S]
                    [--new-ids] [--format FILE] [--max-line BYTES]
  FILE          lines of key, TAB and value, as kafka-console-consumer.sh --property print.key=true prints them;
                values that are no text as base64:…; - is the standard input
  --brokers     a real cluster; without, a mock cluster in this program, and what comes back is told
  --topic       atlas_replay unless told
  --partitions  of the mock cluster's topic, 4 unless told
  --speed       how much faster than recorded, 1 unless told; 0 is as fast as it goes
  --max-gap     longer pauses are cut, 2 seconds unless told
  --new-ids     each stream gets a new id
  --format      a data format, for what comes back; its id is the name of the file. May be given more than once
  --max-line    most bytes of a line, 4194304 unless told
  --help        this text";

    /// From the words behind the name of the program.
    ///
    /// # Errors
    ///
    /// What is wrong with a word, in half a line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        let (mut file, mut partitions) = (None, None);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match &*word {
                "--brokers" => settings.brokers = Some(brokers(value()?)?),
                "--topic" => settings.topic = topic(value()?)?,
                "--partitions" => partitions = u32::try_from(whole(&word, &value()?, 1, 1000)?).ok(),
                "--speed" => settings.speed = factor(&word, &value()?, 0.001)?,
                "--max-gap" => settings.max_gap = Duration::from_secs_f64(factor(&word, &value()?, 0.001)?),
                "--new-ids" => settings.new_ids = true,
                "--format" => settings.formats.push(value()?.into()),
                "--max-line" => {
                    settings.max_line = usize::try_from(whole(&word, &value()?, 1, 1 << 26)?).unwrap_or(usize::MAX);
                }
                _ if word.starts_with('-') && word != "-" => return Err(format!("unknown option {word}")),
                _ if file.is_none() => file = Some(word),
                _ => return Err(format!("unknown word {word}")),
            }
        }
        if settings.brokers.is_some() && partitions.is_some() {
            return Err("--partitions is of the mock cluster: a real topic has what it has".to_owned());
        }
        settings.partitions = partitions.unwrap_or(settings.partitions);
        settings.file = file.ok_or("which capture?")?.into();
        Ok(settings)
    }
}
