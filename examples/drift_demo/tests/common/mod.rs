//! What the tests share: a broker, strangers at it, and runs of the demo.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use bytes::Bytes;
use drift_demo::{Address, Failure, Link, Message, Report, Settings, TRIGGER, ids, run, start_broker};
use drift_proto::Package;

/// For what surely comes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own, gone after the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("drift_demo-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// All files, by their path in the folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(name(&self.0, &path), fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

fn name(folder: &Path, path: &Path) -> String {
    let levels = path.strip_prefix(folder).unwrap().iter().map(|level| level.to_str().unwrap());
    levels.collect::<Vec<_>>().join("/")
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A run of the demo: what came of it, what it printed, and what it complained of.
pub struct Ran {
    pub outcome: Result<Report, Failure>,
    pub table: String,
    pub log: String,
}

impl Ran {
    pub fn of(settings: &Settings) -> Self {
        let (mut out, mut log) = (Vec::new(), Vec::new());
        let outcome = run(settings, &mut out, &mut log);
        Self { outcome, table: String::from_utf8(out).unwrap(), log: String::from_utf8(log).unwrap() }
    }

    /// That all ids are complete, and what else was counted.
    #[track_caller]
    pub fn assert_complete(&self, triggers: u32, bad: u64, not_kept: u64) {
        let report = self.outcome.as_ref().unwrap_or_else(|failure| panic!("{failure}\n{}", self.log));
        let mut complete = report.complete.clone();
        complete.sort_unstable();
        assert_eq!(complete, ids(triggers).collect::<Vec<_>>(), "{}", self.log);
        assert_eq!((report.missing.len(), report.bad, report.not_kept), (0, bad, not_kept), "{}", self.log);
    }

    /// Words of the rows of this id.
    pub fn rows(&self, id: i64) -> Vec<Vec<&str>> {
        let id = id.to_string();
        let rows =
            self.table.lines().map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect());
        rows.filter(|row: &Vec<&str>| row.first() == Some(&&*id)).collect()
    }
}

/// Settings without waiting between triggers, at a broker of their own.
pub fn settings(triggers: u32) -> Settings {
    let broker = Some(start_broker().unwrap());
    Settings { broker, triggers, interval: Duration::ZERO, timeout: PATIENCE, ..Settings::default() }
}

/// What is published at topics of a filter, from now on.
pub fn listen(address: &Address, filter: &str) -> (Link, Receiver<(String, Bytes)>) {
    let (sender, messages) = mpsc::channel();
    let deliver = move |message| match message {
        Message::Published { topic, payload } => sender.send((topic, payload)).is_ok(),
        Message::Lost(_) => false,
    };
    (Link::connect(address, "listener", &[filter.to_owned()], deliver).unwrap(), messages)
}

/// Publishes for each trigger what `answers` says, in this order, until it ends with the test.
pub fn stranger(settings: &Settings, mut answers: impl FnMut(Package) -> Vec<(String, Vec<u8>)> + Send + 'static) {
    let (link, triggers) = listen(settings.broker.as_ref().unwrap(), TRIGGER);
    thread::spawn(move || {
        for (_, payload) in triggers {
            for (topic, payload) in answers(Package::decode(payload).unwrap()) {
                link.publisher().publish_bytes(&topic, &payload).unwrap();
            }
        }
    });
}
