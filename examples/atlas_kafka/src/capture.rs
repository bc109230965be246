//! Lines of a capture: key, TAB and value, as `kafka-console-consumer` prints them.

use std::io::{self, BufRead};

use crate::base64;

/// In front of a value that is base64.
const PREFIX: &[u8] = b"base64:";

/// Lines, none longer than a limit.
pub(crate) struct Lines<R> {
    input: R,
    max_len: usize,
    line: Vec<u8>,
    number: u64,
}

/// A line: its number from 1, and what it holds.
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) record: Result<Captured<'a>, String>,
}

/// A record as it was.
pub(crate) struct Captured<'a> {
    pub(crate) key: &'a [u8],
    /// `None` is Kafka's null.
    pub(crate) value: Option<Vec<u8>>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(input: R, max_len: usize) -> Self {
        Self { input, max_len, line: Vec::new(), number: 0 }
    }

    /// The next line that is not empty.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let Some(is_whole) = self.read()? else { return Ok(None) };
            self.number = self.number.saturating_add(1);
            if self.line.is_empty() && is_whole {
                continue;
            }
            let too_long = || format!("longer than {} bytes", self.max_len);
            let record = if is_whole { cut(&self.line) } else { Err(too_long()) };
            return Ok(Some(Line { number: self.number, record }));
        }
    }

    /// Reads up to the next newline, and keeps no more than a line may have. Whether that was all of it; `None` at the end.
    fn read(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut is_whole, mut is_some) = (true, false);
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                break;
            }
            is_some = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            // One more, for a `\r`.
            is_whole &= self.line.len().saturating_add(part.len()) <= self.max_len.saturating_add(1);
            if is_whole {
                self.line.extend_from_slice(part);
            }
            let taken = part.len().saturating_add(usize::from(end.is_some()));
            self.input.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        is_whole &= self.line.len() <= self.max_len;
        Ok(is_some.then_some(is_whole))
    }
}

fn cut(line: &[u8]) -> Result<Captured<'_>, String> {
    let tab = line.iter().position(|byte| *byte == b'\t').ok_or("no TAB behind a key")?;
    let (key, text) = line.split_at_checked(tab).ok_or("no TAB behind a key")?;
    let text = text.get(1..).unwrap_or_default();
    let value = match text.strip_prefix(PREFIX) {
        Some(digits) => {
            let mut value = Vec::new();
            base64::decode(digits, &mut value).map_err(|wrong| {
                let at = tab.saturating_add(1).saturating_add(PREFIX.len()).saturating_add(wrong.at);
                format!("{} at column {}", wrong.message, at.saturating_add(1))
            })?;
            Some(value)
        }
        None if text == b"null" => None,
        None => Some(text.to_vec()),
    };
    Ok(Captured { key, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<(String, Option<String>), String>;

    fn lines(text: &[u8], max_len: usize) -> Vec<(u64, Read)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text), max_len);
        let mut all = Vec::new();
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        while let Some(line) = lines.next().unwrap() {
            let record = line.record.map(|one| (string(one.key), one.value.as_deref().map(string)));
            all.push((line.number, record));
        }
        all
    }

    #[test]
    fn lines_are_keys_and_values() {
        let due = |key: &str, value: Option<&str>| Ok((key.to_owned(), value.map(str::to_owned)));
        assert_eq!(
            lines(b"a:1\tx\ty\r\n\nb:1\tnull\nc:1\t\nd:1\tbase64:Zm9v", 20),
            [
                (1, due("a:1", Some("x\ty"))),
                (3, due("b:1", None)),
                (4, due("c:1", Some(""))),
                (5, due("d:1", Some("foo"))),
            ]
        );
    }

    #[test]
    fn a_bad_line_costs_no_other() {
        let all = lines(b"12345678\t0\n1234567\t0\nno tab\nk\tbase64:Zm!v\nk\tv", 9);
        let words = |at: usize| all[at].1.clone().unwrap_err();
        assert_eq!(words(0), "longer than 9 bytes");
        assert_eq!(all[1].1.clone().unwrap().0, "1234567");
        assert_eq!(words(2), "no TAB behind a key");
        assert_eq!(words(3), "longer than 9 bytes");
        assert_eq!((all[4].0, all[4].1.clone().unwrap().0), (5, "k".to_owned()));
        assert_eq!(lines(b"k\tbase64:Zm!v", 99)[0].1, Err("character that is not of base64 at column 12".to_owned()));
    }
}
