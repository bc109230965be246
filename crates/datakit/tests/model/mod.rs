//! What the models of client and server read lines with: a byte at a time, in the plainest words.

/// The limit of the models' lines.
pub(crate) const MAX_LINE: usize = 40;

/// Lines as SPEC.md §4 has them.
pub(crate) struct Lines {
    /// Those that are bad, with what SPEC.md §4 says of them and the column; others are taken for good.
    bad: &'static [(&'static [u8], &'static str, u64)],
    /// What came of a line whose end has not come.
    pub(crate) torn: Vec<u8>,
    is_skipping: bool,
    number: u64,
    start: u64,
}

pub(crate) enum Line {
    /// With its newline.
    Whole(Vec<u8>),
    Bad(String),
}

impl Lines {
    pub(crate) fn new(bad: &'static [(&'static [u8], &'static str, u64)]) -> Self {
        Self { bad, torn: Vec::new(), is_skipping: false, number: 0, start: 0 }
    }

    /// The line that is due is bad like this, as the tests print it.
    pub(crate) fn bad(&self, kind: &str, column: u64) -> String {
        let (number, at) = (self.number + 1, self.start + column - 1);
        format!("BAD {kind} {number}:{column}@{at} {}", self.torn.escape_ascii())
    }

    /// Takes bytes up to the end of a line.
    pub(crate) fn take(&mut self, input: &mut &[u8]) -> Option<Line> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            if self.is_skipping {
                self.start += 1;
                self.is_skipping = *byte != b'\n';
                self.number += u64::from(*byte == b'\n');
                continue;
            }
            self.torn.push(*byte);
            if *byte == b'\n' {
                let bad = self.bad.iter().find(|bad| bad.0 == self.torn);
                let bad = bad.map(|(_, kind, column)| self.bad(kind, *column));
                self.number += 1;
                self.start += self.torn.len() as u64;
                let line = std::mem::take(&mut self.torn);
                return Some(bad.map_or(Line::Whole(line), Line::Bad));
            }
            if self.torn.len() > MAX_LINE {
                let bad = self.bad("limit_exceeded", MAX_LINE as u64 + 1);
                self.start += self.torn.len() as u64;
                self.torn.clear();
                self.is_skipping = true;
                return Some(Line::Bad(bad));
            }
        }
        None
    }
}
