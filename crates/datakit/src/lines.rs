use core::iter::FusedIterator;

/// The whole lines of a piece of a stream, unread and without their `\n`: for those who pass lines on, or look for one.
///
/// ```
/// use datakit::Lines;
///
/// let mut lines = Lines::new(b"START\n\nnot a packet\nST");
/// assert_eq!(lines.next(), Some(&b"START"[..]));
/// assert_eq!(lines.by_ref().count(), 2);
/// assert_eq!(lines.rest(), b"ST"); // torn
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is looked for until it is asked for"]
pub struct Lines<'a> {
    input: &'a [u8],
    start: usize,
    ends: memchr::Memchr<'a>,
}

impl<'a> Lines<'a> {
    /// The lines of `input`, which starts with one.
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, start: 0, ends: memchr::memchr_iter(b'\n', input) }
    }

    /// What is behind the lines given so far.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.start..).unwrap_or_default()
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.ends.next()?;
        let line = self.input.get(self.start..end);
        self.start = end.wrapping_add(1);
        line
    }
}

impl FusedIterator for Lines<'_> {}
