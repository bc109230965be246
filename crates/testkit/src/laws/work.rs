//! Law 11: twice the input is twice the work, not four times.

use std::hint::black_box;
use std::time::Duration;

/// Law 11, linear work: `work(2 n)` is at most 2.2 times `work(n)`.
///
/// For what can be counted and comes out the same each time: bytes visited, calls, allocations.
#[track_caller]
pub fn linear_work(n: usize, work: impl Fn(usize) -> u64) {
    let (single, double) = (work(n), work(2 * n));
    assert!(single > 0, "{LINEAR}: no work is counted for {n}");
    let ratio = double as f64 / single as f64;
    assert!(
        ratio <= MAX_COUNT_RATIO,
        "{LINEAR} is broken: {single} for {n} and {double} for {} is {ratio:.2} times, more than {MAX_COUNT_RATIO}",
        2 * n
    );
}

/// Law 11, linear work: 2 n take at most three times the processor time of n, each the fastest of seven runs.
///
/// `prepare` makes the input, off the clock; `run` takes it, and its result is dropped on the clock. Where a run is too short to be told from noise, `n` is
/// doubled until it takes a millisecond. Only this ratio is judged, never a time, and a bad one is measured twice more:
/// what fails is bad three times in a row.
#[track_caller]
pub fn linear_cpu<I, T>(n: usize, prepare: impl Fn(usize) -> I, run: impl Fn(I) -> T) {
    let time = |n: usize| {
        let input = prepare(n);
        let start = thread_cpu_time();
        drop(black_box(run(black_box(input))));
        thread_cpu_time().saturating_sub(start)
    };
    let mut n = n.max(1);
    for _ in 0..MAX_DOUBLINGS {
        if time(n).min(time(n)) >= SHORTEST_RUN {
            break;
        }
        n *= 2;
    }
    let mut found = (Duration::ZERO, Duration::ZERO, f64::INFINITY);
    for _ in 0..ATTEMPTS {
        let (mut single, mut double) = (Duration::MAX, Duration::MAX);
        // By turns, so that a busy moment of the machine meets both.
        for _ in 0..RUNS {
            single = single.min(time(n));
            double = double.min(time(2 * n));
        }
        found = (single, double, double.as_secs_f64() / single.as_secs_f64().max(1e-9));
        if found.2 <= MAX_TIME_RATIO {
            return;
        }
    }
    let (single, double, ratio) = found;
    panic!(
        "{LINEAR} is broken: {single:?} for {n} and {double:?} for {} is {ratio:.2} times, more than {MAX_TIME_RATIO}",
        2 * n
    );
}

/// The processor time that this thread has used.
#[cfg(unix)]
pub fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert!(status == 0, "no processor time: {}", std::io::Error::last_os_error());
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The time since the first call: the nearest to processor time that is the same everywhere.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "the law compares running times")]
pub fn thread_cpu_time() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

const LINEAR: &str = "law 11 (linear work)";
const MAX_COUNT_RATIO: f64 = 2.2;
const MAX_TIME_RATIO: f64 = 3.0;
const RUNS: usize = 7;
const ATTEMPTS: usize = 3;
const SHORTEST_RUN: Duration = Duration::from_millis(1);
const MAX_DOUBLINGS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes bytes one at a time; a careless reader looks at all of them again each time.
    fn visited(n: usize, careless: bool) -> u64 {
        (1..=n as u64).map(|held| if careless { held } else { 1 }).sum()
    }

    fn checksum(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |sum, &byte| black_box(sum + u64::from(byte)))
    }

    #[test]
    fn linear_work_passes() {
        linear_work(100, |n| visited(n, false));
    }

    #[test]
    #[should_panic(expected = "law 11 (linear work) is broken: 5050 for 100 and 20100 for 200 is 3.98 times")]
    fn linear_work_catches_a_rescan() {
        linear_work(100, |n| visited(n, true));
    }

    #[test]
    #[should_panic(expected = "no work is counted for 100")]
    fn linear_work_wants_something_to_count() {
        linear_work(100, |_| 0);
    }

    #[test]
    fn linear_cpu_passes() {
        linear_cpu(1000, |n| vec![1; n], |bytes| checksum(&bytes));
    }

    /// Cubic, so that a busy machine cannot hide it: each byte has all before it looked over, once for each of them.
    #[test]
    #[should_panic(expected = "law 11 (linear work) is broken: ")]
    fn linear_cpu_catches_a_rescan() {
        let careless = |bytes: Vec<u8>| {
            let looks = (0..bytes.len()).flat_map(|end| std::iter::repeat_n(end, end));
            looks.map(|end| checksum(&bytes[..end])).sum::<u64>()
        };
        linear_cpu(20, |n| vec![1; n], careless);
    }

    #[test]
    fn processor_time_goes_on_with_work() {
        let start = thread_cpu_time();
        while thread_cpu_time() == start {
            black_box(checksum(&[1; 1000]));
        }
    }
}
