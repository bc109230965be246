//! Laws over state machines.

use std::fmt::Debug;

use super::report::{difference, within};

/// Law 7, idle: polls and timeouts that nobody needed bring nothing and change nothing.
///
/// `step` does one step of `script` and returns everything that came out (events, transmits, the deadline as it is
/// afterwards). `poke` follows a step with what must be harmless: polls of a drained machine, a timeout that is not due,
/// one with a time before the last; it returns what came out, which must be nothing. The script runs without pokes,
/// with one and with three after each step, and with a poke after each single step alone.
#[track_caller]
pub fn idle<M, S, O>(
    script: &[S],
    machine: impl Fn() -> M,
    step: impl Fn(&mut M, &S) -> Vec<O>,
    poke: impl Fn(&mut M, &S) -> Vec<O>,
) where
    S: Debug,
    O: PartialEq + Debug,
{
    let run = |pokes: &dyn Fn(usize) -> usize| -> Vec<Vec<O>> {
        let mut machine = machine();
        let steps = script.iter().enumerate().map(|(index, action)| {
            let place = format!("step {index} ({action:?})");
            let out = within(IDLE, &place, || step(&mut machine, action));
            for _ in 0..pokes(index) {
                let more = within(IDLE, &place, || poke(&mut machine, action));
                assert!(more.is_empty(), "{IDLE} is broken after {place}: a poke brings {more:?}");
            }
            out
        });
        steps.collect()
    };
    let undisturbed = run(&|_| 0);
    let check = |how: &str, pokes: &dyn Fn(usize) -> usize| {
        let found = run(pokes);
        if let Some(index) = (0..script.len()).find(|&index| undisturbed[index] != found[index]) {
            let difference = difference(&undisturbed[index], &found[index]);
            panic!("{IDLE} is broken at step {index} ({:?}) with {how}: {difference}", script[index]);
        }
    };
    check("a poke after each step", &|_| 1);
    check("three pokes after each step", &|_| 3);
    for poked in 0..script.len() {
        check(&format!("a poke after step {poked}"), &|index| usize::from(index == poked));
    }
}

/// Law 7, idle: after a fatal error every call repeats it.
///
/// `again` gets 0, 1, 2 … 15 and makes some call with it, a different one each time if there are several.
#[track_caller]
pub fn repeats_error<E>(error: &E, mut again: impl FnMut(usize) -> Option<E>)
where
    E: PartialEq + Debug,
{
    for round in 0..16 {
        let place = format!("call {round} after {error:?}");
        let found = within(IDLE, &place, || again(round));
        assert!(found.as_ref() == Some(error), "{IDLE} is broken: {place} gives {found:?}");
    }
}

/// Law 8, determinism: the same inputs and times give the same outputs, eight times over.
#[track_caller]
pub fn deterministic<T>(run: impl Fn() -> T)
where
    T: PartialEq + Debug,
{
    let first = within(DETERMINISM, "the first run", &run);
    // Two keys in a hash map keep their order every other time: one more run would be a coin toss.
    for round in 2..=8 {
        let found = within(DETERMINISM, format_args!("run {round}"), &run);
        assert!(found == first, "{DETERMINISM} is broken in run {round}: {}", difference(&first, &found));
    }
}

const IDLE: &str = "law 7 (idle)";
const DETERMINISM: &str = "law 8 (determinism)";

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    /// Says how much time passed since the last tick, and that it expired when that was 10 or more.
    #[derive(Default)]
    struct Watch {
        last: u64,
    }

    impl Watch {
        fn tick(&mut self, now: u64) -> Vec<u64> {
            let passed = now.saturating_sub(self.last);
            self.last = self.last.max(now);
            if passed >= 10 { vec![passed] } else { Vec::new() }
        }
    }

    #[test]
    fn idle_passes() {
        let harmless = |watch: &mut Watch, now: &u64| {
            let mut out = watch.tick(*now);
            out.extend(watch.tick(now.saturating_sub(5)));
            out
        };
        idle(&[3, 20, 25, 40], Watch::default, |watch, now| watch.tick(*now), harmless);
        idle::<Watch, u64, u64>(&[], Watch::default, |_, _| Vec::new(), |_, _| Vec::new());
    }

    #[test]
    #[should_panic(expected = "law 7 (idle) is broken at step 1 (12) with a poke after each step")]
    fn idle_catches_time_that_goes_back() {
        let backwards = |watch: &mut Watch, now: &u64| {
            watch.last = now - 3;
            Vec::new()
        };
        idle(&[3, 12, 21], Watch::default, |watch, now| watch.tick(*now), backwards);
    }

    #[test]
    #[should_panic(expected = "law 7 (idle) is broken after step 0 (3): a poke brings [7]")]
    fn idle_catches_a_poll_that_makes_something_up() {
        idle(&[3], Watch::default, |watch, now| watch.tick(*now), |_, _| vec![7]);
    }

    #[test]
    fn repeated_errors_pass() {
        repeats_error(&"broken", |_| Some("broken"));
    }

    #[test]
    #[should_panic(expected = "law 7 (idle) is broken: call 2 after \"broken\" gives None")]
    fn a_machine_that_heals_by_itself_is_caught() {
        repeats_error(&"broken", |round| (round < 2).then_some("broken"));
    }

    #[test]
    fn determinism_passes() {
        deterministic(|| vec![1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "law 8 (determinism) is broken in run")]
    fn determinism_catches_the_order_of_a_hash_set() {
        deterministic(|| (0..100).collect::<HashSet<u32>>().into_iter().collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "law 8 (determinism) is broken in run 2")]
    fn determinism_catches_a_counter() {
        let counter = Cell::new(0);
        deterministic(|| counter.replace(counter.get() + 1));
    }
}
