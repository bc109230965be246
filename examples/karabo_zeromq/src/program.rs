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
    let is_large = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    let what = if is_large { "too large" } else { "not a whole number" };
    value.parse().map_err(|_| format!("{option} {value:?}: {what}"))
}

/// The same, with a fraction; not negative, and finite.
///
/// # Errors
///
/// What is wrong, for who typed it.
pub fn non_negative(option: &str, value: &str) -> Result<f64, String> {
    let number: f64 = value.parse().map_err(|_| format!("{option} {value:?}: not a number"))?;
    // A year in seconds: what is longer is a slip, and does not fit into a clock.
    if (0.0..=31_557_600.0).contains(&number) { Ok(number) } else { Err(format!("{option} {value:?}: out of range")) }
}

/// The same, of a rate: 0, or from 0.000001, which is once in twelve days, to 1000 a second.
///
/// # Errors
///
/// What is wrong, for who typed it.
pub fn rate(option: &str, value: &str) -> Result<f64, String> {
    let number = non_negative(option, value)?;
    let is_rate = number == 0.0 || (1e-6..=1000.0).contains(&number);
    if is_rate { Ok(number) } else { Err(format!("{option} {value:?}: out of range, 0 or 0.000001 to 1000")) }
}

/// Whether a program is asked for its options.
pub fn wants_help(mut words: impl Iterator<Item = String>) -> bool {
    words.any(|word| word == "--help" || word == "-h")
}

/// So many of it, in words.
#[must_use]
pub fn count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What the system says, without its number.
#[must_use]
pub fn said(error: &io::Error) -> String {
    let text = printable(&error.to_string());
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

/// From 1970-01-01 to 0000-03-01 it is so many days, and the calendar repeats itself after so many.
const ERA_START: u64 = 719_468;
const ERA: u64 = 146_097;

/// Seconds since 1970 as ISO 8601 has them; years of more than four digits have a sign.
#[must_use]
#[expect(clippy::arithmetic_side_effects, reason = "a u64 of seconds is fewer than 2^48 days")]
pub fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + ERA_START, seconds % 86_400);
    let (era, day) = (days / ERA, days % ERA);
    // Years begin in March, so that the day that leap years have more is their last.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let year = 400 * era + year + u64::from(month > 9);
    let month = (month + 2) % 12 + 1;
    let sign = if year > 9999 { "+" } else { "" };
    format!("{sign}{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
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
        for (bad, due) in
            [("-1", "not a whole number"), ("", "not a whole number"), ("99999999999999999999", "too large")]
        {
            assert_eq!(whole("--count", bad), Err(format!("--count {bad:?}: {due}")));
        }
        assert_eq!(non_negative("--timeout", "x"), Err("--timeout \"x\": not a number".to_owned()));
        assert_eq!(rate("--rate", "0"), Ok(0.0));
        for bad in ["0.0000001", "1001"] {
            assert_eq!(rate("--rate", bad), Err(format!("--rate {bad:?}: out of range, 0 or 0.000001 to 1000")));
        }
    }

    /// Made with Python's `datetime`; the last by whole cycles of four hundred years.
    #[test]
    fn any_second_has_a_date() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (68_169_600, "1972-02-29T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_692_748_800, "2023-08-23T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "+10000-01-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), date, "{seconds}");
        }
        assert!(utc(u64::MAX).starts_with('+'));
    }

    #[test]
    fn counts_and_errors_in_words() {
        assert_eq!([0, 1, 2].map(|number| count(number, "train")), ["0 trains", "1 train", "2 trains"]);
        assert_eq!(said(&io::Error::from_raw_os_error(2)), "No such file or directory");
    }
}
