use core::fmt;

use crate::error::{DecodeError, DecodeErrorKind, Limit, What};
use crate::limits::Limits;
use crate::tag::Common;
use crate::value::{MapRef, ValueRef};
use crate::wire::{NoToken, Token, hop, is_text, lex};

/// Pulls MessagePack off a slice, token by token or value by value; allocates nothing. After an error it stays where it was.
///
/// Tokens know nothing of arrays: a tagged map is a map, and what is in it. [`ValueRef`](crate::ValueRef) knows.
///
/// ```
/// use msgpack_numpy_codec::{Reader, Token};
///
/// let mut reader = Reader::new(b"\x82\xa1a\x01\xa1b\x92\xc2\xc3");
/// assert_eq!(reader.token()?, Token::Map(2));
/// assert_eq!(reader.token()?, Token::Str(b"a"));
/// assert_eq!(reader.token()?, Token::Int(1));
/// reader.skip()?; // "b"
/// reader.skip()?; // [false, true]
/// reader.finish()?;
/// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the front of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, rest: input }
    }

    /// With `rest` of `input` left.
    pub(crate) const fn at(input: &'a [u8], rest: &'a [u8]) -> Self {
        Self { input, rest }
    }

    /// Bytes read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.input.len().saturating_sub(self.rest.len())
    }

    /// What was not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next token.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEnd`](DecodeErrorKind::UnexpectedEnd), also for a list or map with more items than bytes are left, and
    /// [`InvalidTag`](DecodeErrorKind::InvalidTag).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        match lex(self.rest) {
            Ok((token, rest)) if token.items() <= rest.len() as u64 => {
                self.rest = rest;
                Ok(token)
            }
            Ok(_) => Err(self.end()),
            Err(NoToken::Short) => Err(self.end()),
            Err(NoToken::Reserved) => Err(self.error(DecodeErrorKind::InvalidTag, What::Value)),
        }
    }

    /// The next value, whatever it is, under [`Limits::DEFAULT`]: how the items of a long list are read one after the other, once its
    /// [`Token::List`] is.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Reader, Token, ValueRef};
    ///
    /// let mut reader = Reader::new(b"\x92\x07\xa2on");
    /// assert_eq!(reader.token()?, Token::List(2));
    /// assert_eq!(reader.value()?, ValueRef::Int(7));
    /// assert_eq!(reader.value()?, ValueRef::Str(b"on"));
    /// reader.finish()?;
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    #[inline]
    pub fn value(&mut self) -> Result<ValueRef<'a>, DecodeError> {
        self.value_with(&Limits::DEFAULT)
    }

    /// The same under limits of the caller's; what is around the value does not count.
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`].
    #[inline]
    pub fn value_with(&mut self, limits: &Limits) -> Result<ValueRef<'a>, DecodeError> {
        let Some((token, after)) = pass(self.rest) else { return Err(self.clone().wrong()) };
        if let Some(value) = ValueRef::leaf(token) {
            self.rest = after;
            return Ok(value);
        }
        self.items_with(token, limits)
    }

    /// The next value, if its token has items.
    fn items_with(&mut self, token: Token<'a>, limits: &Limits) -> Result<ValueRef<'a>, DecodeError> {
        let whole = matches!(token, Token::Map(5)) && limits.max_depth >= Common::DEPTH;
        let common = if whole { Common::read(self.rest) } else { None };
        if let Some((array, rest)) = common.and_then(|(common, rest)| Some((common.array(limits)?, rest))) {
            self.rest = rest;
            return Ok(ValueRef::Array(array));
        }
        let start = self.rest;
        self.check(limits)?;
        let len = start.len().saturating_sub(self.rest.len());
        Ok(ValueRef::of_items(token, start.get(..len).unwrap_or(start), limits))
    }

    /// The next value as a map, though its keys may be those of an array: for maps whose keys are names of the sender's.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Limits, Reader, ValueRef};
    ///
    /// let parameters = b"\x82\xa2nd\xc2\xa4type\xa6camera";
    /// let map = Reader::new(parameters).map_with(&Limits::DEFAULT)?;
    /// assert_eq!(map.get("type"), Some(ValueRef::Str(b"camera")));
    /// # Ok::<(), msgpack_numpy_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ValueRef::decode`], and [`UnexpectedType`](DecodeErrorKind::UnexpectedType) for a value that is none.
    pub fn map_with(&mut self, limits: &Limits) -> Result<MapRef<'a>, DecodeError> {
        let start = self.rest;
        let Token::Map(len) = self.clone().token()? else {
            return Err(self.error(DecodeErrorKind::UnexpectedType, What::Value));
        };
        self.check(limits)?;
        let taken = start.len().saturating_sub(self.rest.len());
        Ok(MapRef::new(start.get(..taken).unwrap_or(start), len, limits))
    }

    /// The next value, if it is a map whose keys are texts in UTF-8, as text or as bytes, and none of them those by which arrays, scalars
    /// and complex numbers are told: in one go where [`map_with`](Self::map_with) and a look at each key would be two. If it is not, or
    /// if something is wrong with it, there is nothing, and the reader stays where it was.
    ///
    /// ```
    /// use msgpack_numpy_codec::{Limits, Reader};
    ///
    /// let map = Reader::new(b"\x82\xa1a\x01\xa1b\x92\xc2\xc3").map_of_texts(&Limits::DEFAULT).unwrap();
    /// assert_eq!(map.named().map(|(name, _)| name).collect::<Vec<_>>(), [b"a", b"b"]);
    /// assert_eq!(Reader::new(b"\x81\x07\xc3").map_of_texts(&Limits::DEFAULT), None);
    /// assert_eq!(Reader::new(b"\x81\xa2nd\xc3").map_of_texts(&Limits::DEFAULT), None);
    /// ```
    #[must_use]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn map_of_texts(&mut self, limits: &Limits) -> Option<MapRef<'a>> {
        let start = self.rest;
        let (len, rest) = pass_texts(start, limits)?;
        let whole = start.len().saturating_sub(rest.len());
        self.rest = rest;
        Some(MapRef::new(start.get(..whole)?, len, limits))
    }

    /// Hands every token that is left to `take`: a loop over [`token`](Self::token), and faster.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), once the tokens before were handed out.
    #[inline]
    pub fn for_each_token(&mut self, mut take: impl FnMut(Token<'a>)) -> Result<(), DecodeError> {
        // A copy that nobody holds a pointer to stays in registers.
        let mut rest = self.rest;
        loop {
            match lex(rest) {
                Ok((token, after)) if token.items() <= after.len() as u64 => {
                    rest = after;
                    take(token);
                }
                _ => {
                    self.rest = rest;
                    return if rest.is_empty() { Ok(()) } else { self.token().map(|_| ()) };
                }
            }
        }
    }

    /// Passes one value, with all that is in it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        let mut rest = self.rest;
        let mut open = 1_u64;
        while open > 0 {
            if let Some(after) = hop(rest) {
                rest = after;
                open = open.saturating_sub(1);
                continue;
            }
            match pass(rest) {
                Some((token, after)) => {
                    // All of an array at once.
                    if let (Token::Map(5), Some((_, after))) = (token, Common::read(rest)) {
                        rest = after;
                        open = open.saturating_sub(1);
                        continue;
                    }
                    rest = after;
                    open = open.saturating_add(token.items()).saturating_sub(1);
                }
                // What exactly is wrong is found out off the path of what is right.
                None => return Err(Self::at(self.input, rest).wrong()),
            }
        }
        self.rest = rest;
        Ok(())
    }

    /// There is nothing left.
    ///
    /// # Errors
    ///
    /// [`TrailingBytes`](DecodeErrorKind::TrailingBytes) if there is.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(DecodeErrorKind::TrailingBytes, What::Value)) }
    }

    /// The bytes of one value.
    pub(crate) fn pass(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.rest;
        self.skip()?;
        let len = start.len().saturating_sub(self.rest.len());
        Ok(start.get(..len).unwrap_or(start))
    }

    /// Passes one value that is not nested deeper than allowed.
    pub(crate) fn check(&mut self, limits: &Limits) -> Result<(), DecodeError> {
        // The wide stack takes longer to make than nearly all values to pass.
        match self.check_within::<8>(limits)? {
            true => Ok(()),
            false => self.check_within::<256>(limits).map(drop),
        }
    }

    /// Whether room for so many containers in one another was enough; if not, nothing was passed.
    fn check_within<const DEEP: usize>(&mut self, limits: &Limits) -> Result<bool, DecodeError> {
        // What the containers around the innermost one still lack.
        let mut stack = [0_u64; DEEP];
        let (mut depth, mut open) = (0_u8, 1_u64);
        let mut rest = self.rest;
        loop {
            while open == 0 {
                let Some(outer) = depth.checked_sub(1) else {
                    self.rest = rest;
                    return Ok(true);
                };
                depth = outer;
                open = stack.get(usize::from(depth)).copied().unwrap_or_default();
            }
            open = open.saturating_sub(1);
            if let Some(after) = hop(rest) {
                rest = after;
                continue;
            }
            let Some((token, mut after)) = pass(rest) else { return Err(Self::at(self.input, rest).wrong()) };
            // All of an array at once.
            let whole = matches!(token, Token::Map(5)) && limits.max_depth.saturating_sub(depth) >= Common::DEPTH;
            let common = if whole { Common::read(rest) } else { None };
            if let Some((_, behind)) = common {
                after = behind;
            } else if let Token::List(_) | Token::Map(_) = token {
                if depth >= limits.max_depth {
                    let at = Self::at(self.input, rest).position();
                    return Err(DecodeError::over(Limit::MaxDepth, limits.max_depth.into(), at, What::Value));
                }
                let Some(slot) = stack.get_mut(usize::from(depth)) else { return Ok(false) };
                *slot = open;
                depth = depth.saturating_add(1);
                open = token.items();
            }
            rest = after;
        }
    }

    /// What is wrong with the next token.
    #[cold]
    pub(crate) fn wrong(mut self) -> DecodeError {
        self.token().err().unwrap_or_else(|| self.end())
    }

    pub(crate) fn error(&self, kind: DecodeErrorKind, what: What) -> DecodeError {
        DecodeError::new(kind, self.position(), what)
    }

    #[cold]
    fn end(&self) -> DecodeError {
        DecodeError::new(DecodeErrorKind::UnexpectedEnd, self.input.len(), What::Value)
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader(byte {} of {})", self.position(), self.input.len())
    }
}

/// How many entries the map at the front of `input` has, and what follows it; `None` unless all its keys are texts and none of them tags.
fn pass_texts<'a>(input: &'a [u8], limits: &Limits) -> Option<(u32, &'a [u8])> {
    let (Token::Map(len), mut rest) = pass(input)? else { return None };
    let inner = limits.with_max_depth(limits.max_depth.checked_sub(1)?);
    for _ in 0..len {
        let (Token::Str(key) | Token::Bin(key), after) = pass(rest)? else { return None };
        if is_tag(key) || !is_text(key) {
            return None;
        }
        rest = match hop(after) {
            Some(behind) => behind,
            None => {
                let mut value = Reader::new(after);
                value.check(&inner).ok()?;
                value.rest
            }
        };
    }
    Some((len, rest))
}

/// Whether a map with this key may stand for something else.
#[cfg_attr(not(debug_assertions), inline(always))]
fn is_tag(key: &[u8]) -> bool {
    matches!(key, [b'n', b'd'] | [b'c', b'o', b'm', b'p', b'l', b'e', b'x'])
}

/// The next token, and what follows it; `None` if something is wrong.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn pass(rest: &[u8]) -> Option<(Token<'_>, &[u8])> {
    lex(rest).ok().filter(|(token, after)| token.items() <= after.len() as u64)
}
