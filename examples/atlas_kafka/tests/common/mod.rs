//! What the tests share: output that is looked at while it grows, and clusters of their own.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use atlas_kafka::{Failure, Report, Settings, run};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// What is written, for more than one to see.
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until it is as it should be.
    pub fn wait(&self, what: &str, is_due: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !is_due(&self.text()) {
            assert!(start.elapsed() < PATIENCE, "{what}:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A demo that runs.
pub struct Running {
    pub out: Output,
    pub log: Output,
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Result<Report, Failure>>,
}

impl Running {
    pub fn start(settings: Settings) -> Self {
        let (out, log, stop) = (Output::default(), Output::default(), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (mut out, mut log, stop) = (out.clone(), log.clone(), Arc::clone(&stop));
            thread::spawn(move || run(&settings, &mut out, &mut log, &stop))
        };
        Self { out, log, stop, thread }
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub fn end(self) -> Report {
        let report = self.thread.join().unwrap();
        report.unwrap_or_else(|failure| panic!("{failure}\n{}", self.log.text()))
    }
}

/// A mock cluster that runs take for a real one.
pub fn cluster(topic: &str, partitions: i32) -> (MockCluster<'static, DefaultProducerContext>, String) {
    let mock = MockCluster::new(2).unwrap();
    mock.create_topic(topic, partitions, 1).unwrap();
    let servers = mock.bootstrap_servers();
    (mock, servers)
}
