//! Drift. The first byte of an input chooses limits, what is read, and how it is made; the rest is what it is made of, or what is done.

mod build;
mod bytes;
mod correlator;
mod oracle;
mod package;

pub use self::bytes::bytes;
pub use self::correlator::correlator;
pub use self::package::package;

/// Reads what is to be done from an input: a byte each, and zeros behind the end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// A length and so many bytes, or what is left of them.
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte() % 24).min(self.0.len());
        self.0.split_off(..len).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        let width = self.byte() % 9;
        (0..width).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }
}
