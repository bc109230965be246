//! The common DATA line, read in one pass without looking for its end first. `None` means: ask the grammar.

use core::str;

use crate::packet::DataRef;

pub(crate) fn data(input: &[u8], max_line_len: usize) -> Option<(DataRef<'_>, usize)> {
    let _ = (input, max_line_len, str::from_utf8(b""));
    None
}
