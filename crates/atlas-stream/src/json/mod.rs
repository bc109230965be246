//! JSON (RFC 8259) read once, from the front, into what it is for: no tree is made of it.

mod messages;
mod path;
mod session;
mod telemetry;
mod text;
mod write;

use alloc::vec::Vec;

pub(crate) use self::path::path;
pub(crate) use self::text::Text;
pub(crate) use self::write::Writer;
use crate::error::{DecodeError, DecodeErrorKind as Kind, Field, Limit};
use crate::limits::Limits;
use crate::notes::Notes;
use crate::number::{self, Number};

/// What is left of a value, and what was noted on the way.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    input: &'a [u8],
    rest: &'a [u8],
    /// Arrays and objects that may still begin in one another.
    depth: u8,
    limits: Limits,
    /// Sessions in a session, so far.
    sources: u32,
    pub(crate) notes: Notes,
}

/// The kind of a value, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
    Text,
    Number,
    Null,
    Other,
}

impl<'a> Cursor<'a> {
    /// At the start of a value, behind a byte order mark.
    pub(crate) fn new(input: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        if u32::try_from(input.len()).map_or(true, |len| len > limits.max_len) {
            let error = DecodeError::json(Kind::LimitExceeded, 0, Field::Value);
            return Err(error.over(Limit::MaxLen, input.len(), limits.max_len));
        }
        let (rest, notes) = match input {
            [0xef, 0xbb, 0xbf, rest @ ..] => (rest, Notes::BYTE_ORDER_MARK),
            _ => (input, Notes::NONE),
        };
        Ok(Self { input, rest, depth: limits.depth(), limits: *limits, sources: 0, notes })
    }

    /// Bytes from the start of the input.
    #[inline]
    pub(crate) const fn offset(&self) -> usize {
        self.input.len().wrapping_sub(self.rest.len())
    }

    /// The same of the next value.
    #[inline]
    pub(crate) fn start(&mut self) -> usize {
        self.peek();
        self.offset()
    }

    #[cold]
    pub(crate) fn fault(&self, kind: Kind, field: Field) -> DecodeError {
        DecodeError::json(kind, self.offset(), field)
    }

    /// That nothing follows but space.
    pub(crate) fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(Kind::TrailingBytes, Field::Value)),
        }
    }

    /// The first byte that is no space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    /// What the next value is.
    #[inline]
    pub(crate) fn shape(&mut self, field: Field) -> Result<Shape, DecodeError> {
        Ok(match self.peek() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b'"') => Shape::Text,
            Some(b'-' | b'0'..=b'9') => Shape::Number,
            Some(b'n') => Shape::Null,
            Some(_) => Shape::Other,
            None => return Err(self.fault(Kind::UnexpectedEnd, field)),
        })
    }

    /// Passes `null`, if that is next.
    #[inline]
    pub(crate) fn null(&mut self, field: Field) -> Result<bool, DecodeError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null", field)?;
        Ok(true)
    }

    #[cold]
    fn word(&mut self, word: &str, field: Field) -> Result<(), DecodeError> {
        match self.rest.strip_prefix(word.as_bytes()) {
            Some(rest) => self.rest = rest,
            None => return Err(self.not_a_word(word, field)),
        }
        Ok(())
    }

    /// Where a word differs.
    #[cold]
    fn not_a_word(&self, word: &str, field: Field) -> DecodeError {
        let same = self.rest.iter().zip(word.as_bytes()).take_while(|(byte, due)| byte == due).count();
        let kind = if same == self.rest.len() { Kind::UnexpectedEnd } else { Kind::InvalidSyntax };
        DecodeError::json(kind, self.offset().wrapping_add(same), field)
    }

    /// What a value of another type is refused with, if it is one.
    #[cold]
    fn unexpected(&mut self, field: Field) -> DecodeError {
        let kind = match self.peek() {
            None => Kind::UnexpectedEnd,
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b'n' | b't' | b'f') => Kind::UnexpectedType,
            Some(_) => Kind::InvalidSyntax,
        };
        self.fault(kind, field)
    }

    /// Begins an array or an object.
    #[inline]
    fn open(&mut self, bracket: u8, field: Field) -> Result<(), DecodeError> {
        match (self.peek(), self.depth.checked_sub(1)) {
            (Some(byte), Some(depth)) if byte == bracket => {
                self.depth = depth;
                self.rest = self.rest.get(1..).unwrap_or_default();
                Ok(())
            }
            (Some(byte), None) if byte == bracket => Err(self.too_deep(field)),
            _ => Err(self.unexpected(field)),
        }
    }

    #[cold]
    fn too_deep(&self, field: Field) -> DecodeError {
        let max = self.limits.depth();
        let met = usize::from(max).wrapping_add(1);
        self.fault(Kind::LimitExceeded, field).over(Limit::MaxDepth, met, max.into())
    }

    /// Whether another item follows, behind a comma unless it is the first; else passes the bracket that closes.
    #[inline]
    fn goes_on(&mut self, is_first: bool, bracket: u8, field: Field) -> Result<bool, DecodeError> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                self.depth = self.depth.wrapping_add(1);
                Ok(false)
            }
            Some(_) if is_first => Ok(true),
            Some(b',') => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                match self.peek() {
                    // A comma with nothing behind it is told where that is.
                    Some(byte) if byte == bracket => Err(self.fault(Kind::InvalidSyntax, field)),
                    _ => Ok(true),
                }
            }
            Some(_) => Err(self.fault(Kind::InvalidSyntax, field)),
            None => Err(self.fault(Kind::UnexpectedEnd, field)),
        }
    }

    /// Reads an object: each member by its name, behind which the cursor is at its value. Returns where it ended, to tell what is missing.
    #[inline]
    pub(crate) fn object(
        &mut self,
        field: Field,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), DecodeError>,
    ) -> Result<usize, DecodeError> {
        self.open(b'{', field)?;
        let mut is_first = true;
        while self.goes_on(is_first, b'}', field)? {
            is_first = false;
            let name = self.name(field)?;
            member(self, name)?;
        }
        Ok(self.offset().wrapping_sub(1))
    }

    /// Reads an array: each item by its index, with the cursor at it.
    #[inline]
    pub(crate) fn array(
        &mut self,
        field: Field,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), DecodeError>,
    ) -> Result<usize, DecodeError> {
        self.open(b'[', field)?;
        let mut len = 0_usize;
        while self.goes_on(len == 0, b']', field)? {
            item(self, len)?;
            len = len.wrapping_add(1);
        }
        Ok(len)
    }

    /// Reads a text.
    pub(crate) fn text(&mut self, field: Field) -> Result<Text<'a>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected(field));
        }
        let start = self.offset().wrapping_add(1);
        let inner = self.rest.get(1..).unwrap_or_default();
        match Text::read(inner) {
            Ok((text, rest)) => {
                self.rest = rest;
                Ok(text)
            }
            Err((kind, at)) => Err(DecodeError::json(kind, start.wrapping_add(at), field)),
        }
    }

    /// Reads a number.
    #[inline]
    fn number(&mut self, field: Field) -> Result<Number<'a>, DecodeError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.unexpected(field));
        }
        let (number, rest) = number::read(self.rest).map_err(|at| self.not_a_number(at, field))?;
        self.rest = rest;
        Ok(number)
    }

    #[cold]
    fn not_a_number(&self, at: usize, field: Field) -> DecodeError {
        let kind = if at >= self.rest.len() { Kind::UnexpectedEnd } else { Kind::InvalidNumber };
        DecodeError::json(kind, self.offset().wrapping_add(at), field)
    }

    /// Reads a whole number: `15`, `15.0` and `1.5e1` are the same.
    #[inline]
    pub(crate) fn integer(&mut self, field: Field) -> Result<i64, DecodeError> {
        let start = self.start();
        let number = self.number(field)?;
        number.to_i64().ok_or_else(|| DecodeError::json(Kind::InvalidInteger, start, field))
    }

    /// Reads a double that is a number.
    pub(crate) fn double(&mut self, field: Field) -> Result<f64, DecodeError> {
        let start = self.start();
        let value = self.number(field)?.to_f64();
        if value.is_infinite() {
            return Err(DecodeError::json(Kind::NumberOutOfRange, start, field));
        }
        Ok(value)
    }

    /// Reads an array of doubles, with what stands for NaN and infinities.
    pub(crate) fn doubles(&mut self, out: &mut Vec<f64>, field: Field) -> Result<(), DecodeError> {
        self.items(field, |cursor| {
            if cursor.plain_doubles(out) {
                return Ok(());
            }
            let value = match number::read(cursor.rest) {
                Ok((number, rest)) => {
                    let value = number.to_f64();
                    if value.is_infinite() {
                        return Err(cursor.fault(Kind::NumberOutOfRange, field));
                    }
                    cursor.rest = rest;
                    value
                }
                Err(at) => cursor.not_finite(at, field)?,
            };
            out.push(value);
            Ok(())
        })
    }

    /// Reads doubles with nothing but commas between them, up to the first that is not plain; returns whether there were any. The comma
    /// behind the last is left.
    #[inline(always)]
    fn plain_doubles(&mut self, out: &mut Vec<f64>) -> bool {
        let (mut next, mut is_any) = (self.rest, false);
        while let Some((value, rest)) = number::read_plain(next) {
            out.push(value);
            (self.rest, is_any) = (rest, true);
            let [b',', behind @ ..] = rest else { break };
            next = behind;
        }
        is_any
    }

    /// Reads an array of whole numbers.
    pub(crate) fn integers(&mut self, out: &mut Vec<i64>, field: Field) -> Result<(), DecodeError> {
        self.items(field, |cursor| {
            let (number, rest) = cursor.read_number(field)?;
            out.push(number.to_i64().ok_or_else(|| cursor.fault(Kind::InvalidInteger, field))?);
            cursor.rest = rest;
            Ok(())
        })
    }

    /// Reads an array of flags, which are whole numbers of 32 bits.
    pub(crate) fn flags(&mut self, out: &mut Vec<u32>, field: Field) -> Result<(), DecodeError> {
        let mut all = 0;
        self.items(field, |cursor| {
            if cursor.digits(out) {
                return Ok(());
            }
            let (number, rest) = cursor.read_number(field)?;
            let flags = number.to_i64().and_then(|flags| u32::try_from(flags).ok());
            let flags = flags.ok_or_else(|| cursor.fault(Kind::InvalidInteger, field))?;
            cursor.rest = rest;
            all |= flags;
            out.push(flags);
            Ok(())
        })?;
        if all > u32::from(u8::MAX) {
            self.notes |= Notes::UNKNOWN_STATUS;
        }
        Ok(())
    }

    /// Reads flags of one digit, as nearly all are, with nothing but commas between them; returns whether there were any. The comma behind
    /// the last is left.
    #[inline(always)]
    fn digits(&mut self, out: &mut Vec<u32>) -> bool {
        let (mut next, mut is_any) = (self.rest, false);
        while let [digit @ b'0'..=b'9', rest @ ..] = next {
            let behind = match rest {
                [b',', behind @ ..] => behind,
                [b']', ..] => &[],
                _ => break,
            };
            out.push(u32::from(digit.wrapping_sub(b'0')));
            (self.rest, next, is_any) = (rest, behind, true);
        }
        is_any
    }

    /// The number at the cursor, which it does not pass.
    #[inline]
    fn read_number(&mut self, field: Field) -> Result<(Number<'a>, &'a [u8]), DecodeError> {
        number::read(self.rest).map_err(|at| match self.rest.first() {
            Some(b'-' | b'0'..=b'9') => self.not_a_number(at, field),
            _ => self.unexpected(field),
        })
    }

    /// An array of values that the item reads without the space around them.
    #[inline(always)]
    fn items(
        &mut self,
        field: Field,
        mut item: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.open(b'[', field)?;
        let mut is_first = true;
        loop {
            // The bytes that compact JSON has, first.
            match self.rest {
                [b',', rest @ ..] if !is_first && rest.first().is_some_and(|byte| *byte > b' ' && *byte != b']') => {
                    self.rest = rest;
                }
                _ => {
                    if !self.goes_on(is_first, b']', field)? {
                        return Ok(());
                    }
                    is_first = false;
                }
            }
            item(self)?;
        }
    }

    /// NaN and infinities, in quotes or not, and `null`.
    #[cold]
    #[inline(never)]
    fn not_finite(&mut self, at: usize, field: Field) -> Result<f64, DecodeError> {
        const NAMED: [(&str, f64); 3] =
            [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];
        if self.rest.first() == Some(&b'n') {
            self.word("null", field)?;
            self.notes |= Notes::NULL_NAN;
            return Ok(f64::NAN);
        }
        if self.rest.first() == Some(&b'"') {
            let unexpected = self.unexpected(field);
            let text = self.text(field)?;
            let (_, value) = NAMED.into_iter().find(|(name, _)| text.is(name)).ok_or(unexpected)?;
            self.notes |= Notes::QUOTED_NAN;
            return Ok(value);
        }
        for (name, value) in NAMED {
            if let Some(rest) = self.rest.strip_prefix(name.as_bytes()) {
                self.rest = rest;
                self.notes |= Notes::BARE_NAN;
                return Ok(value);
            }
        }
        Err(match self.rest.first() {
            Some(b'-' | b'0'..=b'9') => self.not_a_number(at, field),
            _ => self.unexpected(field),
        })
    }

    /// Passes a value of any kind, and returns its text; without recursion.
    pub(crate) fn any(&mut self, field: Field) -> Result<&'a str, DecodeError> {
        self.peek();
        let (start, outer) = (self.rest, self.depth);
        // The lowest bit says whether the innermost that is open is an object; the others those around it.
        let mut objects = 0_u64;
        loop {
            let mut is_first = true;
            match self.peek() {
                Some(b'{') => {
                    self.open(b'{', field)?;
                    objects = objects << 1 | 1;
                }
                Some(b'[') => {
                    self.open(b'[', field)?;
                    objects <<= 1;
                }
                _ => {
                    self.scalar(field)?;
                    is_first = false;
                }
            }
            // Up to the next value, or to the end of the outermost.
            loop {
                if self.depth == outer {
                    let len = start.len().wrapping_sub(self.rest.len());
                    // Texts were checked, and nothing else has bytes beyond ASCII.
                    return Ok(core::str::from_utf8(start.get(..len).unwrap_or_default()).unwrap_or_default());
                }
                let is_object = objects & 1 == 1;
                if self.goes_on(is_first, if is_object { b'}' } else { b']' }, field)? {
                    if is_object {
                        self.name(field)?;
                    }
                    break;
                }
                objects >>= 1;
                is_first = false;
            }
        }
    }

    /// The name of a member and its colon.
    fn name(&mut self, field: Field) -> Result<Text<'a>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.fault(if self.rest.is_empty() { Kind::UnexpectedEnd } else { Kind::InvalidSyntax }, field));
        }
        let name = self.text(field)?;
        match self.peek() {
            Some(b':') => self.rest = self.rest.get(1..).unwrap_or_default(),
            Some(_) => return Err(self.fault(Kind::InvalidSyntax, field)),
            None => return Err(self.fault(Kind::UnexpectedEnd, field)),
        }
        Ok(name)
    }

    /// Passes the value of a member with this name, and returns both as they lie.
    pub(crate) fn whole(&mut self, name: Text<'a>) -> Result<&'a str, DecodeError> {
        self.any(Field::Member)?;
        let quote = (name.raw().as_ptr() as usize).wrapping_sub(self.input.as_ptr() as usize).wrapping_sub(1);
        // Both were checked, and between them is a colon, perhaps with space around it.
        Ok(core::str::from_utf8(self.input.get(quote..self.offset()).unwrap_or_default()).unwrap_or_default())
    }

    /// The next of members that lie between commas, without brackets around them.
    pub(crate) fn member(&mut self) -> Option<(Text<'a>, &'a str)> {
        if self.peek()? == b',' {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        let name = self.name(Field::Member).ok()?;
        Some((name, self.any(Field::Member).ok()?))
    }

    fn scalar(&mut self, field: Field) -> Result<(), DecodeError> {
        match self.peek() {
            Some(b'"') => self.text(field).map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(field).map(drop),
            Some(b'n') => self.word("null", field),
            Some(b't') => self.word("true", field),
            Some(b'f') => self.word("false", field),
            Some(_) => Err(self.fault(Kind::InvalidSyntax, field)),
            None => Err(self.fault(Kind::UnexpectedEnd, field)),
        }
    }

    /// What a member holds, of which `null` is nothing.
    #[inline]
    pub(crate) fn optional<T>(
        &mut self,
        field: Field,
        read: impl FnOnce(&mut Self, Field) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.null(field)? {
            self.notes |= Notes::NULL_MEMBER;
            return Ok(None);
        }
        read(self, field).map(Some)
    }

    /// One more session in a session, of which there may be as many as parameters elsewhere.
    pub(crate) fn count_source(&mut self) -> Result<(), DecodeError> {
        self.sources = self.sources.saturating_add(1);
        let max = self.limits.max_parameters;
        if self.sources > max {
            return Err(self.fault(Kind::LimitExceeded, Field::Sources).over(
                Limit::MaxParameters,
                self.sources as usize,
                max,
            ));
        }
        Ok(())
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// Which of the members with names that are known were there.
#[derive(Default)]
pub(crate) struct Seen(u32);

impl Seen {
    /// Counts a member in; if it was there before, that is noted.
    #[inline]
    pub(crate) fn member(&mut self, cursor: &mut Cursor<'_>, bit: u32) {
        let flag = 1_u32.wrapping_shl(bit);
        if self.0 & flag != 0 {
            cursor.notes |= Notes::DUPLICATE_MEMBER;
        }
        self.0 |= flag;
    }

    /// That it was `null`.
    pub(crate) const fn forget(&mut self, bit: u32) {
        self.0 &= !1_u32.wrapping_shl(bit);
    }

    pub(crate) const fn is_there(&self, bit: u32) -> bool {
        self.0 & 1_u32.wrapping_shl(bit) != 0
    }
}
