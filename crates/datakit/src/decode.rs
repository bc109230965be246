use core::iter::FusedIterator;
use core::num::NonZeroUsize;
use core::str;

use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::limits::{Config, Limit};
use crate::packet::PacketRef;
use crate::{fast, grammar};

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Decoded<T> {
    /// A whole line, and the bytes it took.
    Complete {
        /// What was read.
        value: T,
        /// Bytes to drop from the front of the stream.
        consumed: usize,
    },
    /// The start of one.
    Incomplete {
        /// At least so many bytes are missing: 1, since a line does not tell its length.
        needed: NonZeroUsize,
    },
}

/// Reads the packets of a stream that arrives in pieces; steps over bad lines; looks at no byte of a torn line twice
/// before the line is whole.
///
/// The caller keeps the buffer: hand in the bytes that are not consumed yet, from the first, each time there are more.
/// [`decode`](Self::decode) moves the front of the slice past what it consumed. The same packets and errors come out
/// however the stream is cut. A line over [`Limits::max_line_len`](crate::Limits::max_line_len) is one error, and its
/// bytes are consumed as they come: the caller never has to hold more than that limit and one byte.
///
/// ```
/// use datakit::{Decoder, PacketRef};
///
/// let mut decoder = Decoder::new();
/// let mut input = &b"START\nstop\nSTOP\n$"[..];
/// assert_eq!(decoder.decode(&mut input), Some(Ok(PacketRef::Start)));
/// assert_eq!(
///     decoder.decode(&mut input).unwrap().unwrap_err().to_string(),
///     "no packet begins like this at line 2, column 1, byte 6 (identifier)"
/// );
/// assert_eq!(decoder.decode(&mut input), Some(Ok(PacketRef::Stop)));
/// assert_eq!(decoder.decode(&mut input), None); // more bytes are needed, and "$" has to come again
/// assert_eq!(input, b"$");
/// ```
///
/// Over something that reads, moving the rest once per read:
///
/// ```
/// use std::io::Read;
///
/// use datakit::{Decoder, PacketRef};
///
/// fn sum(mut source: impl Read) -> std::io::Result<f64> {
///     let (mut decoder, mut buffer, mut chunk) = (Decoder::new(), Vec::new(), [0; 4096]);
///     let mut sum = 0.0;
///     loop {
///         let mut rest = &buffer[..];
///         while let Some(packet) = decoder.decode(&mut rest) {
///             match packet {
///                 Ok(PacketRef::Data(data)) => sum += data.value,
///                 Ok(_) => {}
///                 Err(error) => eprintln!("{error}"), // the next line is read as if nothing had happened
///             }
///         }
///         let consumed = buffer.len() - rest.len();
///         buffer.drain(..consumed);
///         match source.read(&mut chunk)? {
///             0 => {
///                 if let Err(error) = decoder.finish(&buffer) {
///                     eprintln!("{error}");
///                 }
///                 return Ok(sum);
///             }
///             len => buffer.extend_from_slice(&chunk[..len]),
///         }
///     }
/// }
///
/// assert_eq!(sum(&b">a|1|1.5\noops\n>b|1|2\n>torn|1"[..])?, 3.5);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    config: Config,
    scanner: Scanner,
}

impl Decoder {
    /// A decoder under [`Config::DEFAULT`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with_config(&Config::DEFAULT)
    }

    /// A decoder with settings of the caller's.
    #[must_use]
    pub const fn with_config(config: &Config) -> Self {
        Self { config: *config, scanner: Scanner::new() }
    }

    /// Reads the line at the front of `input`, which starts where the last call left it, and moves `input` past it.
    ///
    /// `None` means that there is no whole line: what is left of `input` has to come again, with more behind it. After an
    /// error go on as if nothing had happened.
    #[inline]
    #[must_use = "the packet is consumed"]
    pub fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Option<Result<PacketRef<'a>, DecodeError>> {
        self.scanner.next(input, &self.config)
    }

    /// The packets and errors that [`decode`](Self::decode) gives for `input`, one after another; the fastest way through
    /// many lines.
    ///
    /// ```
    /// use datakit::{Decoder, PacketRef};
    ///
    /// let (mut decoder, mut input) = (Decoder::new(), &b">a|1|1.5\noops\n>b|1|2\n>to"[..]);
    /// let mut sum = 0.0;
    /// for packet in decoder.packets(&mut input) {
    ///     if let Ok(PacketRef::Data(data)) = packet {
    ///         sum += data.value;
    ///     }
    /// }
    /// assert_eq!((sum, input), (3.5, &b">to"[..]));
    /// ```
    #[inline]
    pub fn packets<'d, 'a>(&'d mut self, input: &'d mut &'a [u8]) -> Packets<'d, 'a> {
        Packets { decoder: self, input, text: "" }
    }

    /// At the end of the stream: is there a torn line in `rest`, the bytes not consumed? This consumes them.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](DecodeErrorKind::UnexpectedEnd) if so.
    pub fn finish(&mut self, rest: &[u8]) -> Result<(), DecodeError> {
        self.scanner.finish(rest.len())
    }

    /// The number of the line that is due; the first is 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.scanner.line
    }

    /// Bytes consumed so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.scanner.offset
    }

    /// Starts over, for another stream.
    pub fn reset(&mut self) {
        self.scanner = Scanner::new();
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The packets of a piece of a stream: [`Decoder::packets`].
///
/// Ends where there is no whole line; what is left then has to come again, with more behind it.
#[derive(Debug)]
#[must_use = "nothing is read until it is asked for"]
pub struct Packets<'d, 'a> {
    decoder: &'d mut Decoder,
    input: &'d mut &'a [u8],
    /// The front of the input as far as it is known to be text. Checked a block at a time, since to check each tag by
    /// itself takes a quarter of all the time.
    text: &'a str,
}

#[cfg(feature = "alloc")]
impl Packets<'_, '_> {
    /// The number of the line that is due, and the bytes before it.
    pub(crate) fn position(&mut self) -> (u64, u64) {
        self.decoder.scanner.skip(self.input);
        (self.decoder.line(), self.decoder.offset())
    }
}

impl<'a> Iterator for Packets<'_, 'a> {
    type Item = Result<PacketRef<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Decoder { config, scanner } = &mut *self.decoder;
        if self.text.is_empty() {
            self.text = scanner.text(self.input);
        }
        // A line whose end has not come is no text here, and not looked at again each time there is more of it.
        if !self.text.is_empty() {
            if let Some((data, len)) = fast::data_of_text(self.text, self.input, config.limits.max_line_len) {
                self.text = self.text.get(len..).unwrap_or_default();
                scanner.consume_line(self.input, len);
                return Some(Ok(PacketRef::Data(data)));
            }
        }
        let before = self.input.len();
        let packet = scanner.next_by_grammar(self.input, config);
        let consumed = before.saturating_sub(self.input.len());
        // The rest of a line over the limit is text, perhaps, but no line.
        self.text = if scanner.is_skipping { "" } else { self.text.get(consumed..).unwrap_or_default() };
        packet
    }
}

impl FusedIterator for Packets<'_, '_> {}

/// A decoder without its settings: all that a machine has to keep for each connection.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    line: u64,
    /// Bytes consumed.
    offset: u64,
    /// Bytes at the front of the input that hold no `\n`.
    scanned: usize,
    /// In a line that was reported as too long.
    is_skipping: bool,
}

/// Bytes checked to be text at once: few enough to be still at hand when they are read.
const BLOCK: usize = 4096;

impl Scanner {
    pub(crate) const fn new() -> Self {
        Self { line: 1, offset: 0, scanned: 0, is_skipping: false }
    }

    #[inline]
    pub(crate) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        config: &Config,
    ) -> Option<Result<PacketRef<'a>, DecodeError>> {
        // Looked at once, so that a line which comes byte by byte is not read anew with each of them.
        if self.scanned == 0 && !self.is_skipping {
            if let Some((data, len)) = fast::data(input, config.limits.max_line_len) {
                self.consume_line(input, len);
                return Some(Ok(PacketRef::Data(data)));
            }
        }
        self.next_by_grammar(input, config)
    }

    #[inline(never)]
    fn next_by_grammar<'a>(
        &mut self,
        input: &mut &'a [u8],
        config: &Config,
    ) -> Option<Result<PacketRef<'a>, DecodeError>> {
        self.skip(input);
        let max = config.limits.max_line_len;
        let window = input.get(..max.saturating_add(1)).unwrap_or(input);
        // If these are not the bytes of the last call, start over on them.
        let from = if self.scanned <= window.len() { self.scanned } else { 0 };
        let end = memchr::memchr(b'\n', window.get(from..).unwrap_or_default());
        let Some(end) = end.map(|at| at.saturating_add(from)) else {
            if window.len() <= max {
                self.scanned = window.len();
                return None;
            }
            let error = DecodeError::limit_exceeded(Limit::MaxLineLen, Field::Line, max, max);
            let error = error.placed(self.line, self.offset);
            self.consume(input, window.len());
            self.is_skipping = true;
            return Some(Err(error));
        };
        let line = window.get(..end).unwrap_or_default();
        let (number, start) = (self.line, self.offset);
        let with_end = input.get(..end.saturating_add(1)).unwrap_or_default();
        self.consume_line(input, with_end.len());
        // If the line was torn when it was looked at first, it was not read in one pass.
        let data = if from > 0 { fast::data(with_end, max) } else { None };
        let packet = match data {
            Some((data, len)) if len == with_end.len() => Ok(PacketRef::Data(data)),
            _ => grammar::packet(line, config),
        };
        Some(packet.map_err(|error| error.placed(number, start)))
    }

    /// The front of the input that is text, up to the last line end in a block; nothing if the first line was looked at.
    #[inline(never)]
    fn text<'a>(&self, input: &'a [u8]) -> &'a str {
        if self.scanned != 0 || self.is_skipping {
            return "";
        }
        let block = input.get(..BLOCK).unwrap_or(input);
        let end = memchr::memrchr(b'\n', block).map_or(0, |at| at.saturating_add(1));
        let lines = block.get(..end).unwrap_or_default();
        str::from_utf8(lines).unwrap_or_else(|error| {
            let text = lines.get(..error.valid_up_to()).unwrap_or_default();
            str::from_utf8(text).unwrap_or_default()
        })
    }

    /// Drops the rest of a line that was reported as too long, as far as it has come.
    pub(crate) fn skip(&mut self, input: &mut &[u8]) {
        if self.is_skipping {
            match memchr::memchr(b'\n', input) {
                Some(end) => {
                    self.consume_line(input, end.saturating_add(1));
                    self.is_skipping = false;
                }
                None => self.consume(input, input.len()),
            }
        }
    }

    pub(crate) fn finish(&mut self, left: usize) -> Result<(), DecodeError> {
        let (line, start) = (self.line, self.offset);
        let was_told = core::mem::take(&mut self.is_skipping);
        self.scanned = 0;
        self.offset = start.saturating_add(left as u64);
        if left > 0 || was_told {
            self.line = line.saturating_add(1);
        }
        if left == 0 || was_told {
            return Ok(());
        }
        Err(DecodeError::new(DecodeErrorKind::UnexpectedEnd, Field::Line, left).placed(line, start))
    }

    #[inline]
    fn consume_line(&mut self, input: &mut &[u8], len: usize) {
        self.consume(input, len);
        self.line = self.line.saturating_add(1);
    }

    #[inline]
    fn consume(&mut self, input: &mut &[u8], len: usize) {
        *input = input.get(len..).unwrap_or_default();
        self.offset = self.offset.saturating_add(len as u64);
        self.scanned = 0;
    }
}
