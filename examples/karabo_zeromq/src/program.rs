//! What every program needs.

use core::time::Duration;
use std::io;

use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

/// Runs a program to its end, and then what the transport still has to write, for so long at most.
///
/// The transport has no LINGER: what was sent is written by tasks of the runtime, and is lost with it.
///
/// # Errors
///
/// If the system has no room for a runtime.
pub fn block_on<F: Future>(program: F, linger: Duration) -> io::Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(program);
    runtime.block_on(async {
        let end = Instant::now().checked_add(linger);
        while runtime.metrics().num_alive_tasks() > 0 && end.is_some_and(|end| Instant::now() < end) {
            sleep(Duration::from_millis(2)).await;
        }
    });
    runtime.shutdown_background();
    Ok(output)
}

/// Returns when the program is asked to end: Ctrl-C, and elsewhere than on Windows SIGTERM.
pub async fn interrupted() {
    // Who cannot be told waits for ever, and is ended by the system.
    let key = async {
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let ended = async {
            match signal(SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => core::future::pending().await,
            }
        };
        tokio::select! {
            () = key => {}
            () = ended => {}
        }
    }
    #[cfg(not(unix))]
    key.await;
}

/// A number that an option was given.
///
/// # Errors
///
/// What is wrong, for who typed it.
pub fn whole(option: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|error| format!("{option} {value:?}: {error}"))
}

/// The same, with a fraction; not negative, and finite.
///
/// # Errors
///
/// What is wrong, for who typed it.
pub fn non_negative(option: &str, value: &str) -> Result<f64, String> {
    let number: f64 = value.parse().map_err(|error| format!("{option} {value:?}: {error}"))?;
    // A year in seconds: what is longer is a slip, and does not fit into a clock.
    if (0.0..=31_557_600.0).contains(&number) { Ok(number) } else { Err(format!("{option} {value:?}: out of range")) }
}

/// A text as a terminal may see it: what a peer sends never moves the cursor.
#[must_use]
pub fn printable(text: &str) -> String {
    let quotes = |c: char| matches!(c, '"' | '\'' | '\\');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if quotes(c) { out.push(c) } else { out.extend(c.escape_debug()) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_is_spelled_out() {
        assert_eq!(printable("a\u{1b}[2J\n\"ü\"\u{202e}"), "a\\u{1b}[2J\\n\"ü\"\\u{202e}");
    }

    #[test]
    fn numbers_that_are_none() {
        assert_eq!(non_negative("--rate", "0.5"), Ok(0.5));
        for bad in ["-1", "inf", "NaN", "1e9", "x", ""] {
            assert!(non_negative("--rate", bad).unwrap_err().starts_with("--rate "), "{bad}");
        }
        assert!(whole("--count", "-1").is_err());
    }
}
