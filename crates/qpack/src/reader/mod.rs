mod cursor;

#[cfg(feature = "serde")]
pub(crate) use self::cursor::Due;
pub(crate) use self::cursor::State;
use self::cursor::{Bounds, Cursor, Stack, Stop, frame};
use crate::decode::Decoded;
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::{Config, Limit};
use crate::token::Token;
use crate::value::Kind;
use crate::wire::{self, tag};

/// Pulls the tokens of one value off a slice, checking as it goes; allocates nothing.
///
/// Either take every [`token`](Self::token), or ask for what you expect:
///
/// ```
/// use qpack_codec::Reader;
///
/// // {"temperature": 21.5, "unit": "C", "tags": [1, 2]}
/// let input = b"\xf6\x8btemperature\xec\x00\x00\x00\x00\x00\x80\x35\x40\x84unit\x81C\x84tags\xef\x01\x02";
/// let mut reader = Reader::new(input);
/// let (mut temperature, mut unit) = (0.0, "");
/// reader.map()?;
/// while reader.more()? {
///     match reader.str()? {
///         "temperature" => temperature = reader.double()?,
///         "unit" => unit = reader.str()?,
///         _ => reader.skip()?,
///     }
/// }
/// reader.finish()?;
/// assert_eq!((temperature, unit), (21.5, "C"));
/// # Ok::<(), qpack_codec::DecodeError>(())
/// ```
///
/// # Errors
///
/// Every method reports the fault at the token it met and leaves the reader in front of it, so that a second call says the
/// same again.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    input: &'a [u8],
    cursor: Cursor<'a>,
    stack: Stack,
    bounds: Bounds,
}

impl<'a> Reader<'a> {
    /// A reader of the one value in `input`, strict, under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self::with_config(input, &Config::DEFAULT)
    }

    /// A reader of the one value in `input`.
    #[must_use]
    #[inline]
    pub fn with_config(input: &'a [u8], config: &Config) -> Self {
        Self::resume(input, 0, State::new(config), config)
    }

    /// Goes on at `at` where `state` was left.
    #[inline]
    pub(crate) fn resume(input: &'a [u8], at: usize, state: State, config: &Config) -> Self {
        let window = input.get(..config.limits.max_len).unwrap_or(input);
        let State { values_left, top, depth, stack } = state;
        let cursor = Cursor { rest: window.get(at..).unwrap_or_default(), values_left, top, depth };
        Self { input, cursor, stack, bounds: Bounds { window: window.len(), config: *config } }
    }

    pub(crate) fn into_state(self) -> State {
        let Cursor { values_left, top, depth, .. } = self.cursor;
        State { values_left, top, depth, stack: self.stack }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.bounds.window.saturating_sub(self.cursor.rest.len())
    }

    /// Containers open at this point.
    #[must_use]
    pub fn depth(&self) -> usize {
        usize::from(self.cursor.depth)
    }

    /// The next token; `None` once the value is complete.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the next token, or with where it stands.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn token(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        match self.cursor.token(&mut self.stack, &self.bounds) {
            Ok(token) => Ok(token),
            Err(stop) => self.stopped(stop).map(Some),
        }
    }

    /// Hands every token that is left to `take`: a loop over [`token`](Self::token), at twice its speed.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), once the tokens before were handed out.
    #[inline]
    pub fn for_each_token(&mut self, mut take: impl FnMut(Token<'a>)) -> Result<(), DecodeError> {
        loop {
            // A copy that nobody holds a pointer to stays in registers.
            let mut cursor = self.cursor;
            let stop = loop {
                match cursor.token(&mut self.stack, &self.bounds) {
                    Ok(Some(token)) => take(token),
                    Ok(None) => break None,
                    Err(stop) => break Some(stop),
                }
            };
            self.cursor = cursor;
            match stop {
                None => return Ok(()),
                Some(stop) => take(self.stopped(stop)?),
            }
        }
    }

    /// Whether the innermost container, or the input outside of any, holds another value. At the end of a container
    /// `more` leaves it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), if what comes is neither a value nor the right close.
    pub fn more(&mut self) -> Result<bool, DecodeError> {
        if frame::is_exhausted(self.cursor.top) {
            self.cursor.pop(&self.stack);
            return Ok(false);
        }
        match self.cursor.rest.first() {
            Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) | None => self.token().map(|_| false),
            Some(_) => Ok(true),
        }
    }

    /// What kind of value comes next; `None` where a container ends or the value is complete.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token); for a token cut short only when it is read.
    pub fn peek(&self) -> Result<Option<Kind>, DecodeError> {
        if frame::is_exhausted(self.cursor.top) {
            return Ok(None);
        }
        match self.cursor.rest.first() {
            Some(&tag::ARRAY_CLOSE) if self.cursor.top == frame::OPEN_ARRAY => Ok(None),
            Some(&tag::MAP_CLOSE) if self.cursor.top == frame::OPEN_MAP => Ok(None),
            Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) | None => self.clone().token().map(|_| None),
            Some(&first) => Ok(Some(Kind::of(first))),
        }
    }

    /// Reads an integer.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::UnexpectedKind`] if something else comes, [`DecodeErrorKind::NoMoreValues`] at the end of a
    /// container or of the value, and what [`token`](Self::token) reports; so for the methods below.
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        self.expect(Kind::Int, |token| if let Token::Int(value) = token { Some(value) } else { None })
    }

    /// Reads a double. An integer is not taken for one.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn double(&mut self) -> Result<f64, DecodeError> {
        self.expect(Kind::Double, |token| if let Token::Double(value) = token { Some(value) } else { None })
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.expect(Kind::Bool, |token| if let Token::Bool(value) = token { Some(value) } else { None })
    }

    /// Reads null.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn null(&mut self) -> Result<(), DecodeError> {
        self.expect(Kind::Null, |token| if let Token::Null = token { Some(()) } else { None })
    }

    /// Reads the hook byte.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn hook(&mut self) -> Result<(), DecodeError> {
        self.expect(Kind::Hook, |token| if let Token::Hook = token { Some(()) } else { None })
    }

    /// Reads a raw, borrowed from the input.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn raw(&mut self) -> Result<&'a [u8], DecodeError> {
        self.expect(Kind::Raw, |token| if let Token::Raw(bytes) = token { Some(bytes) } else { None })
    }

    /// Reads a raw as text, borrowed from the input.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int), and [`DecodeErrorKind::InvalidUtf8`].
    pub fn str(&mut self) -> Result<&'a str, DecodeError> {
        let before = self.cursor;
        let bytes = self.raw()?;
        core::str::from_utf8(bytes).map_err(|_| {
            self.cursor = before;
            DecodeError::utf8(self.position(), self.first())
        })
    }

    /// Enters an array; the number of items where the tag tells it.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn array(&mut self) -> Result<Option<usize>, DecodeError> {
        self.expect(Kind::Array, |token| if let Token::Array(count) = token { Some(count) } else { None })
    }

    /// Enters a map; the number of pairs where the tag tells it.
    ///
    /// # Errors
    ///
    /// As [`int`](Self::int).
    pub fn map(&mut self) -> Result<Option<usize>, DecodeError> {
        self.expect(Kind::Map, |token| if let Token::Map(count) = token { Some(count) } else { None })
    }

    /// Skips one value, however deep; does nothing where a container ends or the value is complete.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token): what is skipped is checked as well.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        if self.peek()?.is_some() {
            let depth = self.cursor.depth;
            self.token()?;
            self.skip_to(depth)?;
        }
        Ok(())
    }

    /// Skips what is left of the innermost container and leaves it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and [`DecodeErrorKind::NothingOpen`] outside of any container.
    pub fn leave(&mut self) -> Result<(), DecodeError> {
        match self.cursor.depth.checked_sub(1) {
            Some(depth) => self.skip_to(depth),
            None => Err(DecodeError::nothing_open(self.position())),
        }
    }

    /// Checks that the value is complete, skipping what is left of it, and that nothing follows; returns its length.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and [`DecodeErrorKind::TrailingBytes`] unless
    /// [`Config::ignore_trailing`] is set.
    pub fn finish(&mut self) -> Result<usize, DecodeError> {
        self.for_each_token(|_| {})?;
        let position = self.position();
        match self.input.get(position..) {
            Some(trailing @ &[first, ..]) if !self.bounds.config.ignore_trailing => {
                Err(DecodeError::trailing(position, first, trailing.len()))
            }
            _ => Ok(position),
        }
    }

    /// As [`finish`](Self::finish) for a stream: what follows is another value's, and running out of input is not a fault.
    pub(crate) fn finish_prefix(&mut self) -> Result<Decoded<()>, DecodeError> {
        self.bounds.config.end_closes_open = false;
        match self.for_each_token(|_| {}) {
            Ok(()) => Ok(Decoded::Complete { value: (), consumed: self.position() }),
            Err(error) if error.is_incomplete() => Ok(Decoded::incomplete(error.missing())),
            Err(error) => Err(error),
        }
    }

    /// Whether the next token is the end of a counted container, for which no byte stands.
    pub(crate) const fn is_at_counted_end(&self) -> bool {
        frame::is_exhausted(self.cursor.top) && self.cursor.depth > 0
    }

    fn skip_to(&mut self, depth: u8) -> Result<(), DecodeError> {
        while self.cursor.depth > depth {
            let mut cursor = self.cursor;
            let mut stop = None;
            while cursor.depth > depth && stop.is_none() {
                stop = cursor.token(&mut self.stack, &self.bounds).err();
            }
            self.cursor = cursor;
            if let Some(stop) = stop {
                self.stopped(stop)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn expect<T>(&mut self, kind: Kind, pick: impl FnOnce(Token<'a>) -> Option<T>) -> Result<T, DecodeError> {
        // What a token writes to the stack stands above the depth that the cursor goes back to.
        let before = self.cursor;
        let token = self.token()?;
        if let Some(value) = token.and_then(pick) {
            return Ok(value);
        }
        self.cursor = before;
        Err(match token {
            None | Some(Token::End) => DecodeError::no_more_values(self.position()),
            Some(_) => DecodeError::unexpected(self.position(), self.first(), kind),
        })
    }

    /// What to make of a stop: the end of a container that the end of the input closes, or an error.
    #[cold]
    #[inline(never)]
    fn stopped(&mut self, stop: Stop) -> Result<Token<'a>, DecodeError> {
        let config = &self.bounds.config;
        let (offset, top) = (self.position(), self.cursor.top);
        let first = self.cursor.rest.first().copied();
        let what = first.map_or(frame::awaited(top), What::Token);
        let limited = |limit, met: u64, max| DecodeError::limited(limit, offset, what, met, max);
        Err(match stop {
            Stop::TooDeep => {
                let max = config.limits.max_depth;
                limited(Limit::MaxDepth, u64::from(max).saturating_add(1), max.into())
            }
            Stop::TooMany => {
                let max = config.limits.max_values;
                limited(Limit::MaxValues, (max as u64).saturating_add(1), max)
            }
            Stop::Close => {
                let lacks_value = first == Some(tag::MAP_CLOSE) && top == frame::OPEN_MAP_AT_VALUE;
                let kind = if lacks_value { DecodeErrorKind::MissingValue } else { DecodeErrorKind::UnexpectedClose };
                DecodeError::close(kind, offset, first.unwrap_or_default())
            }
            Stop::Short => {
                let missing = wire::lex(self.cursor.rest).err().map_or(1, |short| short.missing);
                let at_close = first.is_none() && frame::is_closable(top);
                if at_close && config.end_closes_open && self.bounds.window == self.input.len() {
                    self.cursor.pop(&self.stack);
                    return Ok(Token::End);
                }
                let wanted = (self.bounds.window as u64).saturating_add(missing);
                let max = config.limits.max_len;
                if wanted > max as u64 {
                    limited(Limit::MaxLen, wanted, max)
                } else if at_close {
                    DecodeError::unclosed(offset, what)
                } else {
                    DecodeError::end(offset, what, missing)
                }
            }
        })
    }

    /// The first byte of the token that comes next.
    fn first(&self) -> u8 {
        self.cursor.rest.first().copied().unwrap_or_default()
    }
}
