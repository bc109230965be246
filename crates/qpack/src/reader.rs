use crate::decode::Decoded;
use crate::error::{DecodeError, DecodeErrorKind, What};
use crate::limits::{Config, Limit};
use crate::token::Token;
use crate::value::Kind;
use crate::wire::{self, Lexeme, Short, Then, tag};

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
    rest: &'a [u8],
    /// Bytes of the input that may be read; fewer than were handed in where `max_len` cuts them.
    window: usize,
    given: usize,
    config: Config,
    state: State,
}

/// Where a reader stands in the structure, apart from its input: what a [`Decoder`](crate::Decoder) keeps between calls.
#[derive(Clone, Debug)]
pub(crate) struct State {
    nesting: Nesting,
    values_left: usize,
}

impl State {
    pub(crate) const fn new(config: &Config) -> Self {
        Self { nesting: Nesting::new(), values_left: config.limits.max_values }
    }

    /// In front of one value inside `depth` containers that somebody else keeps.
    #[cfg(feature = "serde")]
    pub(crate) const fn inside(depth: u8, values_left: usize) -> Self {
        let mut nesting = Nesting::new();
        nesting.depth = depth;
        Self { nesting, values_left }
    }

    #[cfg(feature = "serde")]
    pub(crate) const fn values_left(&self) -> usize {
        self.values_left
    }
}

impl<'a> Reader<'a> {
    /// A reader of the one value in `input`, strict, under [`Limits::DEFAULT`](crate::Limits::DEFAULT).
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self::with_config(input, &Config::DEFAULT)
    }

    /// A reader of the one value in `input`.
    #[must_use]
    pub fn with_config(input: &'a [u8], config: &Config) -> Self {
        Self::resume(input, 0, State::new(config), config)
    }

    /// Goes on at `at` where `state` was left.
    pub(crate) fn resume(input: &'a [u8], at: usize, state: State, config: &Config) -> Self {
        let window = input.get(..config.limits.max_len).unwrap_or(input);
        let rest = window.get(at..).unwrap_or_default();
        Self { rest, window: window.len(), given: input.len(), config: *config, state }
    }

    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.window.saturating_sub(self.rest.len())
    }

    /// Containers open at this point.
    #[must_use]
    pub fn depth(&self) -> usize {
        usize::from(self.state.nesting.depth)
    }

    /// The next token; `None` once the value is complete.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the next token, or with where it stands.
    // Inlined, and faults told from a copy of what they need, so that in a caller's loop the state stays in registers.
    #[inline(always)]
    pub fn token(&mut self) -> Result<Option<Token<'a>>, DecodeError> {
        if self.state.nesting.is_exhausted() {
            return Ok(self.state.nesting.pop().then_some(Token::End));
        }
        wire::lex_then(self.rest, self)
    }

    /// Whether the innermost container, or the input outside of any, holds another value. At the end of a container
    /// `more` leaves it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), if what comes is neither a value nor the right close.
    pub fn more(&mut self) -> Result<bool, DecodeError> {
        let nesting = &mut self.state.nesting;
        if nesting.is_exhausted() {
            nesting.pop();
            return Ok(false);
        }
        match self.rest.first() {
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
        if self.state.nesting.is_exhausted() {
            return Ok(None);
        }
        match self.rest.first() {
            Some(&(tag::ARRAY_CLOSE | tag::MAP_CLOSE)) | None => self.clone().token().map(|_| None),
            Some(&first) => Ok(Some(Kind::of(first))),
        }
    }

    /// Reads an integer.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::UnexpectedKind`] if something else comes, and what [`token`](Self::token) reports; so for the
    /// methods below.
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
        let offset = self.position();
        let first = self.first();
        let mut ahead = self.clone();
        let text = core::str::from_utf8(ahead.raw()?).map_err(|_| DecodeError::utf8(offset, first))?;
        *self = ahead;
        Ok(text)
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
            let depth = self.state.nesting.depth;
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
        match self.state.nesting.depth.checked_sub(1) {
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
        while self.token()?.is_some() {}
        match self.rest.first() {
            Some(&first) if !self.config.ignore_trailing => {
                let count = self.given.saturating_sub(self.position());
                Err(DecodeError::trailing(self.position(), first, count))
            }
            _ => Ok(self.position()),
        }
    }

    /// As [`finish`](Self::finish) for a stream: what follows is another value's, and running out of input is not a fault.
    pub(crate) fn finish_prefix(&mut self) -> Result<Decoded<()>, DecodeError> {
        self.config.end_closes_open = false;
        loop {
            match self.token() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Decoded::Complete { value: (), consumed: self.position() }),
                Err(error) if error.is_incomplete() => return Ok(Decoded::incomplete(error.missing())),
                Err(error) => return Err(error),
            }
        }
    }

    fn skip_to(&mut self, depth: u8) -> Result<(), DecodeError> {
        while self.state.nesting.depth > depth {
            self.token()?;
        }
        Ok(())
    }

    fn expect<T>(&mut self, kind: Kind, pick: impl FnOnce(Token<'a>) -> Option<T>) -> Result<T, DecodeError> {
        let offset = self.position();
        match self.peek()? {
            Some(met) if met == kind => {}
            Some(_) => {
                return Err(DecodeError::unexpected(offset, self.first(), kind));
            }
            None => return Err(DecodeError::end(offset, Nesting::awaited(self.state.nesting.top), 1)),
        }
        match self.token()?.and_then(pick) {
            Some(value) => Ok(value),
            None => Err(DecodeError::end(offset, What::Value, 1)),
        }
    }

    #[inline(always)]
    fn scalar(&mut self, token: Token<'a>, rest: &'a [u8]) -> Result<Option<Token<'a>>, DecodeError> {
        self.count()?;
        self.state.nesting.take();
        self.rest = rest;
        Ok(Some(token))
    }

    #[inline(always)]
    fn enter(&mut self, frame: u8, token: Token<'a>, rest: &'a [u8]) -> Result<Option<Token<'a>>, DecodeError> {
        if self.state.nesting.depth >= self.config.limits.max_depth {
            return Err(self.place().too_deep());
        }
        self.count()?;
        self.state.nesting.push(frame);
        self.rest = rest;
        Ok(Some(token))
    }

    #[inline(always)]
    fn close(&mut self, closable: u8, rest: &'a [u8]) -> Result<Option<Token<'a>>, DecodeError> {
        if self.state.nesting.top != closable {
            return Err(self.place().misplaced_close());
        }
        self.state.nesting.pop();
        self.rest = rest;
        Ok(Some(Token::End))
    }

    #[inline(always)]
    fn count(&mut self) -> Result<(), DecodeError> {
        if self.state.values_left == 0 {
            return Err(self.place().too_many());
        }
        self.state.values_left = self.state.values_left.wrapping_sub(1);
        Ok(())
    }

    /// The first byte of the token that comes next.
    fn first(&self) -> u8 {
        self.rest.first().copied().unwrap_or_default()
    }

    #[inline(always)]
    fn place(&self) -> Place<'a> {
        Place {
            rest: self.rest,
            window: self.window,
            cut: self.window != self.given,
            config: self.config,
            top: self.state.nesting.top,
        }
    }
}

impl<'a> Then<'a> for &mut Reader<'a> {
    type Out = Result<Option<Token<'a>>, DecodeError>;

    #[inline(always)]
    fn token(self, lexeme: Lexeme<'a>, rest: &'a [u8]) -> Self::Out {
        match lexeme {
            Lexeme::Int(value) => self.scalar(Token::Int(value), rest),
            Lexeme::Double(value) => self.scalar(Token::Double(value), rest),
            Lexeme::Raw(bytes) => self.scalar(Token::Raw(bytes), rest),
            Lexeme::Bool(value) => self.scalar(Token::Bool(value), rest),
            Lexeme::Null => self.scalar(Token::Null, rest),
            Lexeme::Hook => self.scalar(Token::Hook, rest),
            Lexeme::Array(items) => {
                self.enter(Nesting::counted_array(items), Token::Array(Some(usize::from(items))), rest)
            }
            Lexeme::Map(pairs) => self.enter(Nesting::counted_map(pairs), Token::Map(Some(usize::from(pairs))), rest),
            Lexeme::ArrayOpen => self.enter(Nesting::OPEN_ARRAY, Token::Array(None), rest),
            Lexeme::MapOpen => self.enter(Nesting::OPEN_MAP, Token::Map(None), rest),
            Lexeme::ArrayClose => self.close(Nesting::OPEN_ARRAY, rest),
            Lexeme::MapClose => self.close(Nesting::OPEN_MAP, rest),
        }
    }

    #[inline(always)]
    fn short(self, short: Short) -> Self::Out {
        self.place().ended(short)?;
        self.state.nesting.pop();
        Ok(Some(Token::End))
    }
}

/// Where a fault was met: what it takes to tell it.
#[derive(Clone, Copy)]
struct Place<'a> {
    rest: &'a [u8],
    window: usize,
    /// Whether `max_len` hides a part of the input.
    cut: bool,
    config: Config,
    top: u8,
}

impl Place<'_> {
    fn offset(self) -> usize {
        self.window.saturating_sub(self.rest.len())
    }

    fn what(self) -> What {
        self.rest.first().map_or(Nesting::awaited(self.top), |&first| What::Token(first))
    }

    #[cold]
    #[inline(never)]
    fn too_deep(self) -> DecodeError {
        let max = self.config.limits.max_depth;
        let met = u64::from(max).saturating_add(1);
        DecodeError::limited(Limit::MaxDepth, self.offset(), self.what(), met, max.into())
    }

    #[cold]
    #[inline(never)]
    fn too_many(self) -> DecodeError {
        let max = self.config.limits.max_values;
        let met = (max as u64).saturating_add(1);
        DecodeError::limited(Limit::MaxValues, self.offset(), self.what(), met, max)
    }

    #[cold]
    #[inline(never)]
    fn misplaced_close(self) -> DecodeError {
        let first = self.rest.first().copied().unwrap_or_default();
        let lacks_value = first == tag::MAP_CLOSE && self.top == Nesting::OPEN_MAP_AT_VALUE;
        let kind = if lacks_value { DecodeErrorKind::MissingValue } else { DecodeErrorKind::UnexpectedClose };
        DecodeError::close(kind, self.offset(), first)
    }

    /// The input ran out at or inside a token: is that the end of the innermost container?
    #[cold]
    #[inline(never)]
    fn ended(self, short: Short) -> Result<(), DecodeError> {
        let at_close = self.rest.is_empty() && Nesting::is_closable(self.top);
        if at_close && self.config.end_closes_open && !self.cut {
            return Ok(());
        }
        let wanted = (self.window as u64).saturating_add(short.missing);
        let max = self.config.limits.max_len;
        if wanted > max as u64 {
            return Err(DecodeError::limited(Limit::MaxLen, self.offset(), self.what(), wanted, max));
        }
        if at_close {
            return Err(DecodeError::unclosed(self.offset(), self.what()));
        }
        Err(DecodeError::end(self.offset(), self.what(), short.missing))
    }
}

/// The containers that are open, a byte each.
///
/// A counted container is the number of values it still lacks, with bit 4 set for a map, whose key is due when the number
/// is even. An open container has bit 7 set, a map bit 6 too, and there bit 0 tells that a value is due. Outside of all
/// stands a counted container of one: the value that is read.
#[derive(Clone)]
struct Nesting {
    top: u8,
    depth: u8,
    below: [u8; 256],
}

impl Nesting {
    const OPEN_ARRAY: u8 = 0x80;
    const OPEN_MAP: u8 = 0xc0;
    const OPEN_MAP_AT_VALUE: u8 = 0xc1;
    const COUNTED_MAP: u8 = 0x10;

    const fn new() -> Self {
        Self { top: 1, depth: 0, below: [0; 256] }
    }

    const fn counted_array(items: u8) -> u8 {
        items & 0x0f
    }

    const fn counted_map(pairs: u8) -> u8 {
        (pairs << 1) & 0x0f | Self::COUNTED_MAP
    }

    /// A counted container with nothing left to come.
    #[inline(always)]
    const fn is_exhausted(&self) -> bool {
        self.top & 0x8f == 0
    }

    /// An open container at a place where it may be closed.
    const fn is_closable(top: u8) -> bool {
        matches!(top, Self::OPEN_ARRAY | Self::OPEN_MAP)
    }

    /// Whether a key or a value is due.
    const fn awaited(top: u8) -> What {
        let is_map = top & 0xc0 == 0xc0 || top & 0x90 == Self::COUNTED_MAP;
        if is_map && top & 1 == 0 { What::Key } else { What::Value }
    }

    /// Notes that the innermost container got one of its values.
    #[inline(always)]
    const fn take(&mut self) {
        if self.top < Self::OPEN_ARRAY {
            self.top = self.top.wrapping_sub(1);
        } else {
            self.top ^= (self.top >> 6) & 1;
        }
    }

    #[inline(always)]
    const fn push(&mut self, frame: u8) {
        self.take();
        #[expect(clippy::indexing_slicing, reason = "a u8 indexes 256 entries")]
        {
            self.below[self.depth as usize] = self.top;
        }
        self.depth = self.depth.wrapping_add(1);
        self.top = frame;
    }

    /// Leaves the innermost container; false if there is none.
    #[inline(always)]
    const fn pop(&mut self) -> bool {
        match self.depth.checked_sub(1) {
            Some(depth) => {
                self.depth = depth;
                #[expect(clippy::indexing_slicing, reason = "a u8 indexes 256 entries")]
                {
                    self.top = self.below[depth as usize];
                }
                true
            }
            None => false,
        }
    }
}

impl core::fmt::Debug for Nesting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Nesting").field("top", &self.top).field("depth", &self.depth).finish_non_exhaustive()
    }
}
