//! The progress line: how much of a large input was read.

use std::io::Write;

/// A large input has more.
const STEP: u64 = 16 << 20;

/// Counts in bytes and not in time, so that small inputs are never spoken of and tests need no clock.
pub(crate) struct Progress<'a> {
    out: &'a mut dyn Write,
    style: Style,
    /// Bytes at which the next line is due.
    due: u64,
    is_shown: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// One line, written over every 16 MiB.
    Rewritten,
    /// For a log: a line at 16 MiB, and at every doubling.
    Appended,
    /// Where frames run over the same screen.
    None,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self { out, style, due: STEP, is_shown: false }
    }

    /// Notes that `read` of perhaps `total` bytes were read.
    pub(crate) fn at(&mut self, read: u64, total: Option<u64>, frames: u64) {
        if read < self.due || self.style == Style::None {
            return;
        }
        let of = total.map(|total| format!(" of {}", total >> 20)).unwrap_or_default();
        let line = format!("inspect: {}{of} MiB read, {frames} frames", read >> 20);
        // Nobody is told when the one who asked cannot be told.
        let _ = match self.style {
            Style::Rewritten => write!(self.out, "\r{line}\x1b[K").and_then(|()| self.out.flush()),
            Style::Appended | Style::None => writeln!(self.out, "{line}"),
        };
        self.is_shown = true;
        while self.due <= read {
            self.due = match self.style {
                Style::Rewritten => self.due.saturating_add(STEP),
                Style::Appended | Style::None => self.due.saturating_mul(2),
            };
        }
    }

    /// Clears a line that would be written over, and says `message`.
    pub(crate) fn say(&mut self, message: &str) {
        self.clear();
        let _ = writeln!(self.out, "inspect: {message}");
    }

    /// Clears a line that would be written over.
    pub(crate) fn clear(&mut self) {
        if core::mem::take(&mut self.is_shown) && self.style == Style::Rewritten {
            let _ = write!(self.out, "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: Style, reads: &[u64]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, style);
        for read in reads {
            progress.at(read << 20, Some(128 << 20), 7);
        }
        progress.clear();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_has_one_line() {
        assert_eq!(
            shown(Style::Rewritten, &[1, 15, 16, 17, 40, 47, 48]),
            "\rinspect: 16 of 128 MiB read, 7 frames\x1b[K\rinspect: 40 of 128 MiB read, 7 frames\x1b[K\
             \rinspect: 48 of 128 MiB read, 7 frames\x1b[K\r\x1b[K"
        );
    }

    #[test]
    fn a_log_has_a_line_for_each_doubling() {
        let reads: Vec<u64> = (0..100).collect();
        assert_eq!(
            shown(Style::Appended, &reads),
            "inspect: 16 of 128 MiB read, 7 frames\ninspect: 32 of 128 MiB read, 7 frames\n\
             inspect: 64 of 128 MiB read, 7 frames\n"
        );
    }

    #[test]
    fn small_inputs_are_not_spoken_of() {
        assert_eq!(shown(Style::Rewritten, &[0, 15]), "");
        assert_eq!(shown(Style::None, &[1000]), "");
    }
}
