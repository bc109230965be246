//! Small stacks: recursion that follows the input ends here, not in a user's service.

use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, Builder};
use std::time::Duration;

/// The stack that hostile input is decoded on: 128 KiB.
pub const SMALL_STACK: usize = 128 * 1024;

/// Runs `f` on a thread with a stack of `bytes` and hands back what it returns, or its panic.
///
/// An overflow cannot be caught: it ends the process with a message that holds the thread's name.
pub fn on_small_stack<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    let name = thread::current().name().unwrap_or("test").to_owned();
    on_named_stack(&format!("{name} (stack of {bytes} bytes)"), bytes, f)
}

/// As [`on_small_stack`]; the name is what the message of an overflow shows, and what is said when `f` takes very long.
pub(crate) fn on_named_stack<T: Send>(name: &str, bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    let (running, done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let thread = Builder::new()
            .name(name.replace('\0', "?"))
            .stack_size(bytes)
            .spawn_scoped(scope, move || {
                let _running = running;
                f()
            })
            .expect("no thread to be had");
        // A loop without end cannot be stopped from here, but it can be named.
        while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(PATIENCE) {
            eprintln!("still running after another {PATIENCE:?}: {name}");
        }
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn hands_back_the_value_and_may_borrow() {
        let text = String::from("borrowed");
        assert_eq!(on_small_stack(SMALL_STACK, || text.len()), 8);
    }

    #[test]
    #[should_panic(expected = "passed on")]
    fn hands_back_the_panic() {
        on_small_stack(SMALL_STACK, || panic!("passed on"));
    }

    /// Where the frames lie: within the small stack. What an overflow does is shown in `tests/fatal.rs`.
    #[test]
    #[cfg_attr(miri, ignore = "locals have no stack there")]
    fn the_stack_is_as_small_as_asked() {
        fn depth(left: usize, from: usize) -> usize {
            let here = black_box([0_u8; 512]);
            let used = from.abs_diff(here.as_ptr() as usize);
            if left == 0 { used } else { black_box(depth(left - 1, from)) }
        }
        let used = on_small_stack(SMALL_STACK, || depth(50, black_box([0_u8; 1]).as_ptr() as usize));
        assert!(used > 50 * 512 && used < SMALL_STACK, "{used}");
    }
}
