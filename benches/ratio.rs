//! Side by side: two sides of the same work, timed in turns, told as a ratio.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::Worker;

/// One side of a row.
pub struct Side<'a> {
    /// What it does, in a few words.
    pub name: &'a str,
    /// What came of the work, in one number that both sides must agree on.
    pub checksum: u64,
    /// Does the work so many times and tells how long that took.
    pub batch: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Side<'a> {
    /// A side in this process. `checksum` is asserted equal to the other side's before anything is timed.
    pub fn new<T>(name: &'a str, checksum: u64, mut work: impl FnMut() -> T + 'a) -> Self {
        let batch = move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        };
        Self { name, checksum, batch: Box::new(batch) }
    }
}

/// A long-lived Python process that times its own batches. Its script defines `prepare(name, bytes)`, which returns a
/// function without arguments and the checksum of what that does, and a loop of ours does the rest.
pub struct Python(RefCell<Worker>);

/// What every script is put behind.
const PYTHON: &str = "
import time
works = {}
def prepare_work(request):
    work, checksum = prepare(request['name'], bytes.fromhex(request['hex']))
    works[request['name']] = work
    return {'checksum': str(checksum % 2**64)}
def run_batch(request):
    work = works[request['name']]
    times = range(request['times'])
    start = time.perf_counter_ns()
    for _ in times:
        work()
    return {'ns': time.perf_counter_ns() - start}
serve({'prepare': prepare_work, 'batch': run_batch})
";

impl Python {
    /// Starts one; `None` where live peers are skipped.
    pub fn start(script: &str) -> Option<Self> {
        Worker::start(&format!("{script}\n{PYTHON}")).map(|worker| Self(RefCell::new(worker)))
    }

    /// A side that does the work of this name on `input`.
    ///
    /// # Panics
    ///
    /// If the script does.
    pub fn side<'a>(&'a self, name: &'a str, label: &'a str, input: &[u8]) -> Side<'a> {
        let answer =
            self.0.borrow_mut().call(&json!({"op": "prepare", "name": name, "hex": testkit::vectors::to_hex(input)}));
        let checksum = answer["checksum"].as_str().and_then(|text| text.parse().ok()).expect("a checksum");
        let batch = move |times| {
            let answer = self.0.borrow_mut().call(&json!({"op": "batch", "name": name, "times": times}));
            Duration::from_nanos(answer["ns"].as_u64().expect("a duration"))
        };
        Side { name: label, checksum, batch: Box::new(batch) }
    }
}

/// Lets what a row borrows live as long as the program, which runs the rows and ends.
pub fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// A row of the table.
pub struct Row<'a> {
    /// The work both sides do.
    pub work: &'a str,
    /// Bytes of our input or output a time, for the rate.
    pub bytes: usize,
    /// How many times as fast as the rival we mean to be.
    pub goal: f64,
    /// Our side.
    pub ours: Side<'a>,
    /// The rival's.
    pub rival: Side<'a>,
}

/// What came of a row.
pub struct Outcome {
    /// Median of the rounds' ratios, rival's time over ours.
    pub ratio: f64,
    /// Whether it is at goal.
    pub at_goal: bool,
}

/// Rounds of one batch a side.
const ROUNDS: usize = 41;
/// How long a batch of ours is made to last.
const BATCH: Duration = Duration::from_millis(12);

/// Prints the head of the table.
pub fn head() {
    println!("| work | rival | ours | rival | ratio | goal | |");
    println!("|---|---|---|---|---|---|---|");
}

impl Row<'_> {
    /// Times the row and prints it.
    ///
    /// # Panics
    ///
    /// If the sides did not do the same work.
    pub fn run(mut self) -> Outcome {
        assert_eq!(self.ours.checksum, self.rival.checksum, "{}: both sides do the same work", self.work);
        let our_times = calibrate(&mut self.ours);
        let rival_times = calibrate(&mut self.rival);
        let mut ratios = Vec::with_capacity(ROUNDS);
        let (mut our_best, mut rival_best) = (f64::MAX, f64::MAX);
        for round in 0..ROUNDS {
            // Who goes first changes, so that neither always finds the machine as the other left it.
            let (ours, rival) = if round % 2 == 0 {
                let ours = (self.ours.batch)(our_times);
                (ours, (self.rival.batch)(rival_times))
            } else {
                let rival = (self.rival.batch)(rival_times);
                ((self.ours.batch)(our_times), rival)
            };
            let ours = ours.as_secs_f64() / our_times as f64;
            let rival = rival.as_secs_f64() / rival_times as f64;
            our_best = our_best.min(ours);
            rival_best = rival_best.min(rival);
            ratios.push(rival / ours);
        }
        ratios.sort_by(f64::total_cmp);
        let ratio = ratios[ROUNDS / 2];
        let at_goal = ratio >= self.goal;
        println!(
            "| {} | {} | {} ({:.0} MB/s) | {} | {ratio:.2}× | ≥ {}× | {} |",
            self.work,
            self.rival.name,
            time(our_best),
            self.bytes as f64 / our_best / 1e6,
            time(rival_best),
            self.goal,
            if at_goal { "at goal" } else { "MISSED" },
        );
        Outcome { ratio, at_goal }
    }
}

fn calibrate(side: &mut Side<'_>) -> u64 {
    (side.batch)(1);
    let mut times = 1;
    loop {
        let took = (side.batch)(times);
        if took >= BATCH / 4 || times >= 1 << 24 {
            let scale = BATCH.as_secs_f64() / took.as_secs_f64().max(1e-9);
            return ((times as f64 * scale) as u64).max(1);
        }
        times *= 4;
    }
}

fn time(seconds: f64) -> String {
    if seconds < 1e-6 {
        format!("{:.1} ns", seconds * 1e9)
    } else if seconds < 1e-3 {
        format!("{:.1} µs", seconds * 1e6)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}
