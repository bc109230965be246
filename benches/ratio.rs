//! Side by side: two sides of the same work, timed in turns, told as a ratio.

use std::hint::black_box;
use std::time::{Duration, Instant};

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
