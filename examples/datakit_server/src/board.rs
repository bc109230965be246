//! What is known of the sensors, as lines: one after the other, or redrawn in place on a terminal.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Instant;

use crate::connection::{Note, What};

/// Tags of a sensor that are told apart.
const MAX_TAGS: usize = 999;
/// Complaints about one connection from one table to the next; the rest is counted.
const MAX_COMPLAINTS: u32 = 5;
/// Characters of a name.
const MAX_NAME: usize = 20;
/// Characters of a unit.
const MAX_UNITS: usize = 16;

pub(crate) struct Board<W> {
    out: W,
    is_terminal: bool,
    /// Lines of the table on the terminal, to go back over.
    drawn: usize,
    shown_at: Instant,
    readings: u64,
    connections: BTreeMap<u64, Connection>,
}

struct Connection {
    peer: SocketAddr,
    sensor: Option<Sensor>,
    complaints: u32,
}

struct Sensor {
    uid: String,
    name: String,
    units: String,
    tags: BTreeSet<String>,
    readings: u64,
    /// Those since the last table.
    new_readings: u64,
    last: Option<(f64, Instant)>,
}

impl<W: Write> Board<W> {
    pub(crate) fn new(out: W, is_terminal: bool) -> Self {
        Self { out, is_terminal, drawn: 0, shown_at: Instant::now(), readings: 0, connections: BTreeMap::new() }
    }

    /// Readings of all sensors so far.
    pub(crate) fn readings(&self) -> u64 {
        self.readings
    }

    pub(crate) fn take(&mut self, Note { connection: number, what }: Note) -> io::Result<()> {
        if let What::Connected(peer) = what {
            self.connections.insert(number, Connection { peer, sensor: None, complaints: 0 });
            return self.say(&format!("{peer}: connected"));
        }
        let Some(connection) = self.connections.get_mut(&number) else {
            return if let What::Trouble(words) = what { self.say(&words) } else { Ok(()) };
        };
        let peer = connection.peer;
        match what {
            What::Connected(_) => Ok(()),
            What::Registered { uid, hello } => {
                let words = format!("{peer}: {} is registered as {uid}", clean(&hello.name));
                connection.sensor = Some(Sensor {
                    uid,
                    name: printable(&hello.name, MAX_NAME),
                    units: printable(&hello.units, MAX_UNITS),
                    tags: BTreeSet::new(),
                    readings: 0,
                    new_readings: 0,
                    last: None,
                });
                self.say(&words)
            }
            What::Reading { data, late } => {
                self.readings = self.readings.saturating_add(1);
                let Some(sensor) = &mut connection.sensor else { return Ok(()) };
                sensor.readings = sensor.readings.saturating_add(1);
                sensor.new_readings = sensor.new_readings.saturating_add(1);
                if !late {
                    sensor.last = Some((data.value, Instant::now()));
                }
                if sensor.tags.len() < MAX_TAGS {
                    sensor.tags.insert(data.tag);
                }
                Ok(())
            }
            What::Trouble(words) => {
                connection.complaints = connection.complaints.saturating_add(1);
                if connection.complaints > MAX_COMPLAINTS {
                    return Ok(());
                }
                self.say(&format!("{peer}: {}", clean(&words)))
            }
            What::Unregistered { uid, reason } => {
                let readings = connection.sensor.take().map_or(0, |sensor| sensor.readings);
                self.say(&format!("{peer}: {uid} is unregistered, readings: {readings}; {reason}"))
            }
            What::Gone(reason) => {
                self.connections.remove(&number);
                reason.map_or(Ok(()), |reason| self.say(&format!("{peer}: closed: {reason}")))
            }
        }
    }

    /// A line above the table.
    pub(crate) fn say(&mut self, words: &str) -> io::Result<()> {
        self.wipe()?;
        writeln!(self.out, "{words}")?;
        self.out.flush()
    }

    /// The table as it is now, if there is anybody to show.
    pub(crate) fn show(&mut self) -> io::Result<()> {
        let seconds = self.shown_at.elapsed().as_secs_f64();
        self.shown_at = Instant::now();
        let mut lines = Vec::new();
        for connection in self.connections.values_mut() {
            let more = core::mem::take(&mut connection.complaints).saturating_sub(MAX_COMPLAINTS);
            if more > 0 {
                lines.push(format!("{}: {more} more complaints", connection.peer));
            }
        }
        for words in core::mem::take(&mut lines) {
            self.say(&words)?;
        }
        for sensor in self.connections.values_mut().filter_map(|connection| connection.sensor.as_mut()) {
            lines.push(sensor.row(seconds));
        }
        if !lines.is_empty() {
            let head = row(["NAME", "UID", "UNITS", "TAGS", "READINGS/S", "LAST", "AGE"]);
            lines.insert(0, head);
        }
        self.wipe()?;
        for line in &lines {
            writeln!(self.out, "{line}")?;
        }
        self.drawn = if self.is_terminal { lines.len() } else { 0 };
        self.out.flush()
    }

    /// Takes the table off the terminal.
    fn wipe(&mut self) -> io::Result<()> {
        match core::mem::take(&mut self.drawn) {
            0 => Ok(()),
            lines => write!(self.out, "\x1b[{lines}A\x1b[J"),
        }
    }
}

impl Sensor {
    fn row(&mut self, seconds: f64) -> String {
        let new_readings = core::mem::take(&mut self.new_readings);
        // The first table may come with the first reading.
        let rate = u32::try_from(new_readings).map_or(f64::INFINITY, f64::from) / seconds.max(0.001);
        let mut tags = self.tags.len().to_string();
        if self.tags.len() >= MAX_TAGS {
            tags.push('+');
        }
        let (last, age) = match self.last {
            Some((value, at)) => (short(value), seconds_of(at.elapsed())),
            None => ("-".into(), "-".into()),
        };
        row([&self.name, &self.uid, &self.units, &tags, &format!("{rate:.1}"), &last, &age])
    }
}

/// 80 columns: a line that wraps cannot be redrawn.
fn row([name, uid, units, tags, rate, last, age]: [&str; 7]) -> String {
    format!("{name:<20} {uid:<5} {units:<16} {tags:>4} {rate:>10} {last:>13} {age:>6}")
}

/// A value in at most 13 characters.
fn short(value: f64) -> String {
    match value.to_string() {
        text if text.len() <= 13 => text,
        _ if (1e-3..1e6).contains(&value.abs()) => format!("{value:.5}"),
        _ => format!("{value:.5e}"),
    }
}

fn seconds_of(age: Duration) -> String {
    match age.as_secs() {
        ..100 => format!("{:.1} s", age.as_secs_f64()),
        seconds => format!("{seconds} s"),
    }
}

/// A sensor's text, without what a terminal would take for an order, and not too long.
fn printable(text: &str, max: usize) -> String {
    let mut characters = text.chars();
    let mut kept: String = characters.by_ref().take(max).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if characters.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// What came, in a line for a person.
fn clean(words: &str) -> String {
    let mut kept = String::new();
    for c in words.chars().take(200) {
        let _ = if c.is_control() { write!(kept, "{}", c.escape_default()) } else { kept.write_char(c) };
    }
    kept
}
