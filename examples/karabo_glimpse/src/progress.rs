//! The line that tells how saving goes.

use core::time::Duration;
use std::io::Write;

use karabo_bridge::Arrivals;
use karabo_zeromq::count;

/// On a terminal the line is drawn anew, elsewhere another follows, and less often.
#[derive(Debug)]
pub(crate) struct Progress {
    redraw: bool,
    next: Duration,
    shown: bool,
}

impl Progress {
    pub(crate) const fn new(redraw: bool) -> Self {
        Self { redraw, next: Duration::ZERO, shown: false }
    }

    pub(crate) fn show(&mut self, now: Duration, messages: u64, bytes: u64, arrivals: &Arrivals, log: &mut dyn Write) {
        if now < self.next {
            return;
        }
        self.next = now.saturating_add(Duration::from_millis(if self.redraw { 200 } else { 5000 }));
        let rate = arrivals.rate().map_or_else(String::new, |rate| format!(", {rate:.1} trains/s"));
        let flow = arrivals.bytes_per_second().map_or_else(String::new, |flow| format!(", {:.1} MB/s", flow / 1e6));
        let line = format!(
            "{}, {:.1} MB{rate}{flow}, {} lost",
            count(messages, "message"),
            bytes as f64 / 1e6,
            arrivals.lost()
        );
        // A terminal that is gone is no reason to end.
        let _ = if self.redraw { write!(log, "\r{line}\u{1b}[K") } else { writeln!(log, "{line}") };
        let _ = log.flush();
        self.shown = true;
    }

    /// Makes room for another line.
    pub(crate) fn clear(&self, log: &mut dyn Write) {
        if self.shown && self.redraw {
            let _ = write!(log, "\r\u{1b}[K");
            let _ = log.flush();
        }
    }

    pub(crate) fn end(&self, log: &mut dyn Write) {
        if self.shown && self.redraw {
            let _ = writeln!(log);
        }
    }
}
