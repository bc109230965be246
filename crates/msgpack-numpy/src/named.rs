use core::fmt;
use core::iter::FusedIterator;

use crate::reader::{Reader, pass};
use crate::value::{Entries, ValueRef};
use crate::wire::Token;

/// Iterator over those entries of a [`MapRef`](crate::MapRef) whose keys are texts or bytes.
#[derive(Clone)]
pub struct Named<'a> {
    entries: Entries<'a>,
}

impl<'a> Named<'a> {
    pub(crate) const fn new(entries: Entries<'a>) -> Self {
        Self { entries }
    }

    /// The next key alone. It is followed by one [`value_into`](Self::value_into) or one [`pass`](Self::pass).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn key(&mut self) -> Option<&'a [u8]> {
        let Entries { reader, left, .. } = &mut self.entries;
        loop {
            *left = left.checked_sub(1)?;
            if let (Token::Str(key) | Token::Bin(key), after) = pass(reader.rest())? {
                *reader = Reader::new(after);
                return Some(key);
            }
            reader.skip().ok()?;
            reader.skip().ok()?;
        }
    }

    /// The value of the key before, handed to `take` with what was taken before it.
    ///
    /// A value takes ten words, and whoever moves it waits for it: it is handed over where it is made.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn value_into<T>(&mut self, taken: T, take: impl FnOnce(T, ValueRef<'a>) -> T) -> T {
        ValueRef::next_into(&mut self.entries.reader, &self.entries.limits, taken, take)
    }

    /// Passes the value of the key before.
    pub fn pass(&mut self) {
        // It was checked.
        let _ = self.entries.reader.skip();
    }
}

impl<'a> Iterator for Named<'a> {
    type Item = (&'a [u8], ValueRef<'a>);

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&mut self) -> Option<Self::Item> {
        let key = self.key()?;
        self.value_into(None, |_, value| Some((key, value)))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn fold<T, F: FnMut(T, Self::Item) -> T>(mut self, mut folded: T, mut fold: F) -> T {
        while let Some(key) = self.key() {
            folded = self.value_into(folded, |folded, value| fold(folded, (key, value)));
        }
        folded
    }
}

impl FusedIterator for Named<'_> {}

impl fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({} left)", self.entries.left)
    }
}
