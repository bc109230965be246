//! The core: it listens to everybody, joins what belongs together, prints and keeps it.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use bytes::Bytes;
use drift_proto::{Correlated, Correlator, CorrelatorLimits, Package, source_of};

use crate::Failure;
use crate::broker::start_broker;
use crate::mqtt::{Link, Message};
use crate::services::{self, Service, Source, ids};
use crate::settings::{Address, Settings, TRIGGER};
use crate::store::Store;
use crate::table::{content, header, printable, row};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a program, not a library that grows")]
pub struct Report {
    /// Ids of triggers that all have answered.
    pub complete: Vec<i64>,
    /// Ids of triggers that not all have answered.
    pub missing: Vec<i64>,
    /// Packages that are none, or whose payload is none.
    pub bad: u64,
    /// Packages that were to be kept, whose topic names no file or whose file cannot be written.
    pub not_kept: u64,
}

/// Messages between the connection and the core, few since each may have 256 MiB. Behind them the broker waits.
const QUEUE: usize = 4;

enum Event {
    Message(Message),
    /// All triggers were published.
    Triggered,
    Failed(Failure),
}

/// Runs all of it. Tables go to `out`, complaints to `log`.
///
/// # Errors
///
/// [`Failure`]; ids that are not complete are none, but in the report.
pub fn run(settings: &Settings, out: &mut dyn Write, log: &mut dyn Write) -> Result<Report, Failure> {
    let store = settings.store.as_deref().map(Store::create).transpose()?;
    let address = settings.broker.clone().map_or_else(start_broker, Ok)?;
    let (sender, events) = mpsc::sync_channel(QUEUE);
    // Who listens is there before somebody speaks.
    let core = Link::connect(&address, "core", &settings.filters(), {
        let sender = sender.clone();
        move |message| sender.send(Event::Message(message)).is_ok()
    })?;
    // Nobody listens to this any more when the core has ended before.
    let report =
        move |done: Result<(), Failure>| drop(sender.send(done.map_or_else(Event::Failed, |()| Event::Triggered)));
    let mut services = Vec::new();
    // Whatever comes of it, all that was started is closed.
    let outcome = start(&mut services, settings, &address, report)
        .and_then(|()| Core::new(settings, store, out, log)?.run(&address, &events));
    // Nothing waits for room in it then.
    drop(events);
    services.into_iter().for_each(Service::close);
    core.close();
    outcome
}

/// Starts all services, up to the first that cannot; who triggers is the last.
fn start(
    services: &mut Vec<Service>,
    settings: &Settings,
    address: &Address,
    report: impl services::Report,
) -> Result<(), Failure> {
    for source in Source::ALL.into_iter().filter(|source| !settings.mute.contains(source)) {
        services.push(Service::answering(source, settings, address, report.clone())?);
    }
    services.push(Service::triggering(settings, address, report)?);
    Ok(())
}

struct Core<'a> {
    settings: &'a Settings,
    store: Option<Store>,
    out: &'a mut dyn Write,
    log: &'a mut dyn Write,
    /// The topics of an id that is complete.
    topics: Vec<String>,
    /// The widest of them.
    width: usize,
    /// Ids of triggers that were not told yet.
    left: BTreeSet<i64>,
    report: Report,
}

impl<'a> Core<'a> {
    fn new(
        settings: &'a Settings,
        store: Option<Store>,
        out: &'a mut dyn Write,
        log: &'a mut dyn Write,
    ) -> Result<Self, Failure> {
        let mut topics = vec![TRIGGER.to_owned()];
        for source in Source::ALL {
            topics.push(settings.topic(source).ok_or_else(|| Failure::Topic(settings.prefix.clone()))?);
        }
        let width = topics.iter().map(String::len).max().unwrap_or_default();
        let left = ids(settings.triggers).collect();
        Ok(Self { settings, store, out, log, topics, width, left, report: Report::default() })
    }

    fn run(mut self, address: &Address, events: &Receiver<Event>) -> Result<Report, Failure> {
        let topics = self.topics.clone();
        let rule = move |_id: i64, packages: &[(String, Package)]| {
            topics.iter().all(|topic| packages.iter().any(|(other, _)| other == topic))
        };
        let timeout = self.settings.timeout;
        // All triggers may be on their way at once; bytes have a limit of their own.
        let limits = CorrelatorLimits::DEFAULT;
        let most = usize::try_from(self.settings.triggers).unwrap_or(usize::MAX);
        let limits = limits.with_max_groups(limits.max_groups.saturating_add(most));
        let mut correlator = Correlator::new(rule, timeout).with_limits(limits);
        let origin = Instant::now();
        // After the last trigger, and the time for its answers. Not before: it may be that none ever comes back.
        let mut end = None;
        self.print(&format!("broker {address}"))?;
        self.print(&header(self.width))?;
        while !self.left.is_empty() && end.is_none_or(|end| origin.elapsed() < end) {
            let due = [correlator.poll_deadline(), end].into_iter().flatten().min();
            let event = match due {
                Some(due) => events.recv_timeout(due.saturating_sub(origin.elapsed())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = origin.elapsed();
            let mut told = Vec::new();
            match event {
                Ok(Event::Message(Message::Published { topic, payload })) => {
                    if let Some(package) = self.take(&topic, payload)? {
                        told.extend(correlator.handle_package(now, &topic, package));
                    }
                }
                Ok(Event::Message(Message::Lost(why))) => return Err(Failure::Broker(address.clone(), why)),
                Ok(Event::Triggered) => end = Some(now.saturating_add(timeout)),
                Ok(Event::Failed(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Broker(address.clone(), "all connections have ended".to_owned()));
                }
            }
            // Whatever comes, and however much of it.
            told.extend(correlator.handle_timeout(now));
            told.into_iter().try_for_each(|event| self.tell(event))?;
        }
        correlator.finish().try_for_each(|event| self.tell(event))?;
        for id in core::mem::take(&mut self.left) {
            self.complain(&format!("{id}: nothing came"))?;
            self.report.missing.push(id);
        }
        self.report.missing.sort_unstable();
        let Report { complete, bad, not_kept, .. } = &self.report;
        let (complete, bad, not_kept) = (complete.len(), *bad, *not_kept);
        self.print(&format!(
            "{complete} of {} ids complete, {bad} bad packages{}",
            self.settings.triggers,
            if not_kept > 0 { format!(", {not_kept} not kept") } else { String::new() },
        ))?;
        Ok(self.report)
    }

    /// Reads a package, and keeps it. One that is none, or cannot be kept, costs no other.
    fn take(&mut self, topic: &str, payload: Bytes) -> Result<Option<Package>, Failure> {
        // The copy shares the bytes.
        let package = match Package::decode(payload.clone()) {
            Ok(package) => package,
            Err(error) => {
                self.report.bad = self.report.bad.saturating_add(1);
                let path = error.path(&payload);
                let place = if path.is_empty() { path } else { format!(", in {path}") };
                let (topic, len) = (printable(topic), payload.len());
                self.complain(&format!("{topic}: {len} bytes are no package: {error}{place}"))?;
                return Ok(None);
            }
        };
        let view = package.as_ref();
        if let Err(error) = content(view) {
            self.report.bad = self.report.bad.saturating_add(1);
            self.complain(&format!("{} {}: bad payload: {error}", printable(topic), view.id()))?;
        }
        if let (Some(store), Some(source)) = (&self.store, source_of(&self.settings.prefix, topic))
            && let Err(why) = store.keep(source, view)
        {
            self.report.not_kept = self.report.not_kept.saturating_add(1);
            self.complain(&format!("{} {}: not kept, {why}", printable(topic), view.id()))?;
        }
        Ok(Some(package))
    }

    fn tell(&mut self, event: Correlated) -> Result<(), Failure> {
        let (id, packages, why) = match event {
            Correlated::Complete { id, packages } => (id, packages, None),
            Correlated::TimedOut { id, packages } => (id, packages, Some("not complete in time")),
            Correlated::Evicted { id, packages } => (id, packages, Some("given up, for too much is waited for")),
            Correlated::Late { topic, package } => return self.pass(&topic, &package, "too late"),
            Correlated::Duplicate { topic, package } => return self.pass(&topic, &package, "came before"),
            Correlated::TooMany { topic, package } => return self.pass(&topic, &package, "one too many"),
            _ => return Ok(()),
        };
        for (topic, package) in &packages {
            self.print(&row(topic, package.as_ref(), &packages, self.width))?;
        }
        // Others may be at the same broker.
        let is_ours = self.left.remove(&id);
        let Some(why) = why else {
            self.report.complete.extend(is_ours.then_some(id));
            return Ok(());
        };
        self.report.missing.extend(is_ours.then_some(id));
        let missing = self.topics.iter().filter(|topic| packages.iter().all(|(other, _)| other != *topic));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        let missing = missing.join(", ");
        self.complain(&format!("{id}: {why}, without {missing}"))
    }

    fn pass(&mut self, topic: &str, package: &Package, why: &str) -> Result<(), Failure> {
        self.complain(&format!("{} {}: {why}", printable(topic), package.as_ref().id()))
    }

    fn print(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(Failure::Output)
    }

    fn complain(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.log, "{line}").map_err(Failure::Output)
    }
}
