//! What the command is told.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;

use drift_proto::{DRIFT_PREFIX, TopicFilter, topic_of};

use crate::services::Source;

/// Where triggers are published, whatever the prefix.
pub const TRIGGER: &str = "trigger";

/// The words of the command.
pub const USAGE: &str = "usage: drift_demo [--broker HOST[:PORT]] [--triggers N] [--interval-ms MS] [--timeout-ms MS]
                  [--prefix PREFIX] [--store DIR] [--mute SOURCE]
  --broker       a broker, port 1883 unless told; without, one in this program
  --triggers     how many, 3 unless told
  --interval-ms  time between them, 200 unless told
  --timeout-ms   how long to wait for the answers to one, 10000 unless told
  --prefix       in front of the topics of data, drift/ unless told
  --store        keep packages of data as DIR/SOURCE/ID.dp
  --mute         sensor, camera or plc: it does not answer. May be given more than once
  --help         this text";

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Settings {
    /// Where a broker is; without, one is started.
    pub broker: Option<Address>,
    /// How many triggers.
    pub triggers: u32,
    /// Time between them.
    pub interval: Duration,
    /// How long to wait for the answers to a trigger.
    pub timeout: Duration,
    /// In front of the topics of data: nothing, or whole levels.
    pub prefix: String,
    /// Where to keep packages.
    pub store: Option<PathBuf>,
    /// Services that do not answer.
    pub mute: Vec<Source>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            broker: None,
            triggers: 3,
            interval: Duration::from_millis(200),
            timeout: Duration::from_secs(10),
            prefix: DRIFT_PREFIX.to_owned(),
            store: None,
            mute: Vec::new(),
        }
    }
}

impl Settings {
    /// From the words behind the name of the program.
    ///
    /// # Errors
    ///
    /// What is wrong with a word, in half a line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match &*word {
                "--broker" => settings.broker = Some(value()?.parse()?),
                "--triggers" => settings.triggers = whole(&word, &value()?, 1, 1_000_000)?,
                "--interval-ms" => settings.interval = millis(&word, &value()?)?,
                "--timeout-ms" => settings.timeout = millis(&word, &value()?)?,
                "--prefix" => settings.prefix = prefix(value()?)?,
                "--store" => settings.store = Some(value()?.into()),
                "--mute" => settings.mute.push(value()?.parse()?),
                _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
                _ => return Err(format!("unknown word {word}")),
            }
        }
        Ok(settings)
    }

    /// The topic of a source; `None` for a prefix that [`parse`](Self::parse) does not take.
    #[must_use]
    pub fn topic(&self, source: Source) -> Option<String> {
        topic_of(&self.prefix, source.name())
    }

    /// What the core subscribes to. A filter that takes the triggers, too, is enough: of two, many brokers send everything twice.
    #[must_use]
    pub fn filters(&self) -> Vec<String> {
        let data = format!("{}#", self.prefix);
        let both = TopicFilter::new(&data).is_some_and(|filter| filter.matches(TRIGGER));
        let trigger = (!both).then(|| TRIGGER.to_owned());
        trigger.into_iter().chain([data]).collect()
    }
}

fn whole(word: &str, value: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = value.parse().map_err(|_| format!("{word} {value:?}: not a whole number"))?;
    let fits = (least..=most).contains(&number);
    if fits { Ok(number) } else { Err(format!("{word} {value:?}: out of range, {least} to {most}")) }
}

/// Up to a day.
fn millis(word: &str, value: &str) -> Result<Duration, String> {
    whole(word, value, 0, 86_400_000).map(|millis| Duration::from_millis(millis.into()))
}

fn prefix(prefix: String) -> Result<String, String> {
    let is_whole = prefix.is_empty() || prefix.ends_with('/');
    // Wildcards and the like show here.
    let is_filter = topic_of(&prefix, "x").is_some() && TopicFilter::new(&format!("{prefix}#")).is_some();
    match (is_whole, is_filter) {
        (true, true) => Ok(prefix),
        (false, _) => Err(format!("--prefix {prefix:?}: ends with a slash, or is empty")),
        (_, false) => Err(format!("--prefix {prefix:?}: no part of a topic")),
    }
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a place has")]
pub struct Address {
    /// A name, an address, or one of IPv6 in brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("no broker {text:?}: HOST, HOST:PORT, or [IPV6]:PORT");
        // In brackets there are colons, too.
        let behind = text.rfind(']').map_or(0, |at| at.saturating_add(1));
        let (host, port) = match text.get(behind..).and_then(|rest| rest.find(':')) {
            Some(at) => text.split_at_checked(behind.saturating_add(at)).ok_or_else(wrong)?,
            None => (text, ":1883"),
        };
        let port = port.get(1..).and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inner) => inner.parse::<core::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains(['/', '[', ']', ':', ' ']),
        };
        match port {
            Some(port) if is_host => Ok(Self { host: host.to_owned(), port }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
