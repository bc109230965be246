//! dtypes as text: typestrs, names, and what Python prints for dtypes with fields (SPEC.md §3).

use alloc::string::String;
use alloc::vec::Vec;

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while_m_n};
use nom::character::complete::{char, digit1, multispace0, none_of, one_of};
use nom::combinator::{all_consuming, map, map_opt, opt, value};
use nom::multi::{fold_many0, separated_list0};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::plain::{ByteOrder, Kind, Plain, TimeUnit, Unit};
use super::{DType, Field, MAX_DEPTH};

/// A typestr: a plain dtype, or that of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeStr {
    Plain(Plain),
    Object,
}

/// The whole text as a typestr.
pub(crate) fn typestr(text: &str) -> Option<TypeStr> {
    let (rest, found) = parse_typestr(text).ok()?;
    rest.is_empty().then_some(found)
}

/// `order code size [unit]`
fn parse_typestr(input: &str) -> IResult<&str, TypeStr> {
    let object = value(TypeStr::Object, (opt(one_of("<>|=")), char('O'), opt(tag("8"))));
    let parts = (opt(one_of("<>|=")), one_of("biufcSaUVMm"), opt(number), opt(delimited(char('['), unit, char(']'))));
    let plain = map_opt(parts, |(order, code, width, unit)| plain(order, code, width, unit));
    alt((object, map(plain, TypeStr::Plain))).parse(input)
}

fn plain(order: Option<char>, code: char, width: Option<u32>, unit: Option<Unit>) -> Option<Plain> {
    let kind = match code {
        'b' => Kind::Bool,
        'i' => Kind::Int,
        'u' => Kind::UInt,
        'f' => Kind::Float,
        'c' => Kind::Complex,
        'U' => Kind::Str,
        'V' => Kind::Void,
        'M' => Kind::DateTime,
        'm' => Kind::TimeDelta,
        _ => Kind::Bytes,
    };
    let itemsize = match kind {
        Kind::Str => width.unwrap_or(0).checked_mul(4)?,
        Kind::Bytes | Kind::Void => width.unwrap_or(0),
        // Without a width they are of another machine's choice; only these have none to choose.
        Kind::DateTime | Kind::TimeDelta => width.unwrap_or(8),
        Kind::Bool | Kind::Int | Kind::UInt | Kind::Float | Kind::Complex => width?,
    };
    let order = match order {
        Some('>') => ByteOrder::Big,
        Some('|') => ByteOrder::NotApplicable,
        _ => ByteOrder::Little,
    };
    let plain = Plain::new(kind, order, itemsize)?;
    match unit {
        Some(unit) => plain.with_unit(unit),
        None => Some(plain),
    }
}

fn number(input: &str) -> IResult<&str, u32> {
    map_opt(digit1, |digits: &str| digits.parse().ok()).parse(input)
}

fn long(input: &str) -> IResult<&str, u64> {
    // `1L`, as Python 2 printed it.
    terminated(map_opt(digit1, |digits: &str| digits.parse().ok()), opt(char('L'))).parse(input)
}

/// `[count] name`
fn unit(input: &str) -> IResult<&str, Unit> {
    // Names of two letters first: `ms` is not `m` and an `s`.
    let name = |len: usize| map_opt(take(len), TimeUnit::from_name);
    map((opt(number), alt((name(2), name(1)))), |(count, base)| Unit { count: count.unwrap_or(1), base }).parse(input)
}

/// Names of `str(dtype)`, of numpy's types and of single letters, as they are on 64-bit Linux.
pub(crate) fn name(text: &str) -> Option<TypeStr> {
    if matches!(text, "object" | "object_") {
        return Some(TypeStr::Object);
    }
    let (kind, itemsize) = match text {
        "bool" | "bool_" | "?" | "bool8" => (Kind::Bool, 1),
        "int8" | "byte" | "b" => (Kind::Int, 1),
        "int16" | "short" | "h" => (Kind::Int, 2),
        "int32" | "intc" | "i" => (Kind::Int, 4),
        "int64" | "int" | "int_" | "long" | "longlong" | "intp" | "l" | "q" | "p" | "int0" => (Kind::Int, 8),
        "uint8" | "ubyte" | "B" => (Kind::UInt, 1),
        "uint16" | "ushort" | "H" => (Kind::UInt, 2),
        "uint32" | "uintc" | "I" => (Kind::UInt, 4),
        "uint64" | "uint" | "ulong" | "ulonglong" | "uintp" | "L" | "Q" | "P" | "uint0" => (Kind::UInt, 8),
        "float16" | "half" | "e" => (Kind::Float, 2),
        "float32" | "single" | "f" => (Kind::Float, 4),
        "float64" | "double" | "float" | "d" | "float_" => (Kind::Float, 8),
        "float96" => (Kind::Float, 12),
        "float128" | "longdouble" | "g" | "longfloat" => (Kind::Float, 16),
        "complex64" | "csingle" | "F" | "singlecomplex" => (Kind::Complex, 8),
        "complex128" | "cdouble" | "complex" | "D" | "complex_" | "cfloat" => (Kind::Complex, 16),
        "complex192" => (Kind::Complex, 24),
        "complex256" | "clongdouble" | "G" | "clongfloat" => (Kind::Complex, 32),
        "str" | "str_" | "unicode" | "unicode_" | "str0" => (Kind::Str, 0),
        "bytes" | "bytes_" | "string_" | "bytes0" | "c" => (Kind::Bytes, if text == "c" { 1 } else { 0 }),
        "void" | "void0" => (Kind::Void, 0),
        _ => return time(text),
    };
    Plain::new(kind, ByteOrder::Little, itemsize).map(TypeStr::Plain)
}

/// `datetime64[unit]`
fn time(text: &str) -> Option<TypeStr> {
    let (kind, rest) = match text.strip_prefix("datetime64") {
        Some(rest) => (Kind::DateTime, rest),
        None => (Kind::TimeDelta, text.strip_prefix("timedelta64")?),
    };
    let plain = Plain::new(kind, ByteOrder::Little, 8)?;
    if rest.is_empty() {
        return Some(TypeStr::Plain(plain));
    }
    let (_, unit) = all_consuming(delimited(char('['), unit, char(']'))).parse(rest).ok()?;
    plain.with_unit(unit).map(TypeStr::Plain)
}

/// The whole text as a dtype, whichever form it has.
pub(crate) fn dtype(text: &str) -> Option<DType> {
    if let Some(found) = typestr(text).or_else(|| name(text)) {
        return match found {
            TypeStr::Plain(plain) => Some(DType::Plain(plain)),
            TypeStr::Object => None,
        };
    }
    let (_, found) = all_consuming(token(|input| literal(input, MAX_DEPTH))).parse(text).ok()?;
    let (dtype, shape) = found;
    // A sub-array stands in a field only.
    shape.is_empty().then_some(dtype)
}

/// A dtype with the shape of the sub-array it is, as Python prints it.
type Item = (DType, Vec<u64>);

/// A field: name, title, dtype and shape.
pub(crate) type Named = (String, Option<String>, Item);

/// Something with blanks around.
fn token<'a, T>(
    inner: impl Parser<&'a str, Output = T, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = T, Error = nom::error::Error<&'a str>> {
    delimited(multispace0, inner, multispace0)
}

/// `[items]` with brackets of any kind, and perhaps a comma behind the last.
fn list<'a, T>(
    open: char,
    inner: impl Parser<&'a str, Output = T, Error = nom::error::Error<&'a str>>,
    close: char,
) -> impl Parser<&'a str, Output = Vec<T>, Error = nom::error::Error<&'a str>> {
    let items = terminated(separated_list0(char(','), token(inner)), opt(token(char(','))));
    delimited((char(open), multispace0), items, char(close))
}

/// One rule for each first character, and each in a frame of its own: this recurses, as deep as dtypes may be nested.
fn literal(input: &str, depth: u8) -> IResult<&str, Item> {
    if !input.starts_with(['[', '{', '(']) {
        return scalar(input);
    }
    if input.starts_with('(') {
        return sub_array(input, depth);
    }
    let depth = deeper(input, depth)?;
    if input.starts_with('[') {
        return fields(input, depth);
    }
    dict(input, depth).map(|(rest, dtype)| (rest, (dtype, Vec::new())))
}

/// `'<i4'`
fn scalar(input: &str) -> IResult<&str, Item> {
    map_opt(string, |text| match typestr(&text).or_else(|| name(&text))? {
        TypeStr::Plain(plain) => Some((DType::Plain(plain), Vec::new())),
        TypeStr::Object => None,
    })
    .parse(input)
}

/// `[('a', '<i4'), ...]`
fn fields(input: &str, depth: u8) -> IResult<&str, Item> {
    let (rest, fields) = items(input, |input| field(input, depth))?;
    match DType::in_a_row(fields) {
        Some(dtype) => Ok((rest, (dtype, Vec::new()))),
        None => fail(input),
    }
}

/// `[item, ...]` of items that may be nested: a loop, which takes less of the stack than combinators do.
fn items<'a, T>(input: &'a str, item: impl Fn(&'a str) -> IResult<&'a str, T>) -> IResult<&'a str, Vec<T>> {
    let (mut rest, mut found) = (opening(input)?, Vec::new());
    while !rest.starts_with(']') {
        let (after, next) = item(rest)?;
        found.push(next);
        rest = comma(after, ']')?;
    }
    Ok((rest.get(1..).unwrap_or_default(), found))
}

fn opening(input: &str) -> Result<&str, Failed<'_>> {
    (char('['), multispace0).parse(input).map(|(rest, _)| rest)
}

/// One level less is left.
fn deeper(input: &str, depth: u8) -> Result<u8, Failed<'_>> {
    depth
        .checked_sub(1)
        .ok_or_else(|| nom::Err::Failure(nom::error::Error::new(input, nom::error::ErrorKind::TooLarge)))
}

type Failed<'a> = nom::Err<nom::error::Error<&'a str>>;

fn fail<T>(input: &str) -> Result<T, Failed<'_>> {
    Err(nom::Err::Failure(nom::error::Error::new(input, nom::error::ErrorKind::Verify)))
}

/// `('<f4', (2,))`, `({...}, (3,))`
fn sub_array(input: &str, depth: u8) -> IResult<&str, Item> {
    let inside = input.strip_prefix('(').unwrap_or(input).trim_ascii_start();
    if let Some(rest) = inside.strip_prefix("numpy.record") {
        return record(rest, depth);
    }
    // A sub-array is no dtype with fields: only those in one another count, so that they end somewhere.
    let depth = if inside.starts_with('(') { deeper(inside, depth)? } else { depth };
    let (input, (dtype, inner)) = literal(inside, depth)?;
    let (input, mut shape) = sub_shape(input)?;
    shape.extend(inner);
    Ok((input, (dtype, shape)))
}

/// `(numpy.record, [...])`, which is no different from what it holds.
fn record(input: &str, depth: u8) -> IResult<&str, Item> {
    let (input, _) = token(char(',')).parse(input)?;
    let depth = if input.starts_with('(') { deeper(input, depth)? } else { depth };
    let (input, dtype) = literal(input, depth)?;
    let (input, _) = (multispace0, char(')')).parse(input)?;
    Ok((input, dtype))
}

/// From the dtype of a sub-array on.
fn sub_shape(input: &str) -> IResult<&str, Vec<u64>> {
    map((token(char(',')), shape, multispace0, char(')')), |(_, shape, _, _)| shape).parse(input)
}

/// `('name', dtype)`, `('name', dtype, shape)`, `(('title', 'name'), dtype)`
fn field(input: &str, depth: u8) -> IResult<&str, Named> {
    let (input, (name, title)) = field_name(input)?;
    let (input, (dtype, inner)) = literal(input, depth)?;
    let (input, mut shape) = field_end(input)?;
    shape.extend(inner);
    Ok((input, (name, title, (dtype, shape))))
}

/// Up to the dtype.
fn field_name(input: &str) -> IResult<&str, (String, Option<String>)> {
    let titled = delimited(char('('), (token(string), char(','), token(string)), char(')'));
    let name = alt((map(string, |name| (name, None)), map(titled, |(title, _, name)| (name, Some(title)))));
    delimited(char('('), token(name), (char(','), multispace0)).parse(input)
}

/// From the dtype on.
fn field_end(input: &str) -> IResult<&str, Vec<u64>> {
    let shape = preceded((multispace0, char(',')), token(shape));
    map((opt(shape), multispace0, char(')')), |(shape, _, _)| shape.unwrap_or_default()).parse(input)
}

/// `(2, 3)`, `(2,)`, `2`
fn shape(input: &str) -> IResult<&str, Vec<u64>> {
    alt((list('(', long, ')'), map(long, |len| alloc::vec![len]))).parse(input)
}

/// `{'names': [...], 'formats': [...], 'offsets': [...], 'titles': [...], 'itemsize': 16, 'aligned': True}`
fn dict(input: &str, depth: u8) -> IResult<&str, DType> {
    let mut parts = Parts::default();
    let mut input = input.strip_prefix('{').unwrap_or(input).trim_ascii_start();
    loop {
        if let Some(rest) = input.strip_prefix('}') {
            return match parts.dtype() {
                Some(dtype) => Ok((rest, dtype)),
                None => fail(input),
            };
        }
        let (rest, name) = key(input)?;
        input = match name.as_str() {
            "formats" => formats(rest, depth, &mut parts)?,
            _ => parts.entry(&name, rest)?,
        };
        input = comma(input, '}')?;
    }
}

/// Between two items, or behind the last.
fn comma(input: &str, close: char) -> Result<&str, Failed<'_>> {
    let rest = input.trim_ascii_start();
    match rest.strip_prefix(',') {
        Some(rest) => Ok(rest.trim_ascii_start()),
        None if rest.starts_with(close) => Ok(rest),
        None => fail(rest),
    }
}

fn formats<'a>(input: &'a str, depth: u8, parts: &mut Parts) -> Result<&'a str, Failed<'a>> {
    let (rest, found) = items(input, |input| literal(input, depth))?;
    parts.formats = Some(found);
    Ok(rest)
}

/// The entries of a dict.
#[derive(Default)]
struct Parts {
    names: Option<Vec<String>>,
    formats: Option<Vec<Item>>,
    offsets: Option<Vec<u64>>,
    titles: Option<Vec<Option<String>>>,
    itemsize: Option<u64>,
    aligned: bool,
}

impl Parts {
    fn entry<'a>(&mut self, name: &str, input: &'a str) -> Result<&'a str, Failed<'a>> {
        let (rest, ()) = match name {
            "names" => map(list('[', string, ']'), |found| self.names = Some(found)).parse(input)?,
            "offsets" => map(list('[', long, ']'), |found| self.offsets = Some(found)).parse(input)?,
            "titles" => {
                let title = alt((map(string, Some), value(None, tag("None"))));
                map(list('[', title, ']'), |found| self.titles = Some(found)).parse(input)?
            }
            "itemsize" => map(long, |found| self.itemsize = Some(found)).parse(input)?,
            "aligned" => {
                let aligned = alt((value(true, tag("True")), value(false, tag("False"))));
                map(aligned, |found| self.aligned = found).parse(input)?
            }
            _ => return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag))),
        };
        Ok(rest)
    }

    fn dtype(self) -> Option<DType> {
        let (names, formats) = (self.names?, self.formats?);
        // Python then aligns what is in lists in it, too, which have been placed already.
        if self.aligned && formats.iter().any(|(dtype, _)| alignment(dtype).is_none()) {
            return None;
        }
        let count = names.len();
        let titles = self.titles.unwrap_or_else(|| alloc::vec![None; count]);
        let offsets = self.offsets;
        if formats.len() != count || titles.len() != count || offsets.as_ref().is_some_and(|all| all.len() != count) {
            return None;
        }
        let mut next = 0_u64;
        let mut fields = Vec::with_capacity(count);
        for (index, (((dtype, shape), name), title)) in formats.into_iter().zip(names).zip(titles).enumerate() {
            let offset = match &offsets {
                Some(offsets) => *offsets.get(index)?,
                None => next,
            };
            let field = Field { name, title, offset, dtype, shape };
            next = field.end()?;
            fields.push(field);
        }
        DType::with_offsets(fields, self.itemsize)
    }
}

/// At multiples of how many bytes C puts such a number, and the widest field of a struct; `None` if its fields are not put so.
fn alignment(dtype: &DType) -> Option<u64> {
    let DType::Structured(structured) = dtype else {
        let DType::Plain(plain) = dtype else { return None };
        return Some(match (plain.kind(), plain.itemsize()) {
            (Kind::Bool | Kind::Bytes | Kind::Void, _) => 1,
            (Kind::Str, _) | (Kind::Float, 12) | (Kind::Complex, 24) => 4,
            (Kind::Complex, itemsize) => u64::from(itemsize / 2),
            (Kind::Int | Kind::UInt | Kind::Float | Kind::DateTime | Kind::TimeDelta, itemsize) => itemsize.into(),
        });
    };
    let (mut end, mut widest) = (0_u64, 1);
    for field in structured.fields() {
        let own = alignment(&field.dtype)?;
        if field.offset != end.checked_next_multiple_of(own)? {
            return None;
        }
        end = field.end()?;
        widest = widest.max(own);
    }
    (end.checked_next_multiple_of(widest)? == structured.itemsize()).then_some(widest)
}

/// `'name':`
fn key(input: &str) -> IResult<&str, String> {
    terminated(string, token(char(':'))).parse(input)
}

/// A text in Python's quotes.
fn string(input: &str) -> IResult<&str, String> {
    // `b'...'` and `u'...'`, as Python 2 printed them or as keys of Python 3.
    let (input, _) = opt(one_of("ub")).parse(input)?;
    let (input, quote) = one_of("'\"").parse(input)?;
    let hex = |len: usize| {
        map_opt(take_while_m_n(len, len, |letter: char| letter.is_ascii_hexdigit()), |digits| {
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
        })
    };
    let escape = preceded(
        char('\\'),
        alt((
            one_of("\\'\""),
            value('\n', char('n')),
            value('\r', char('r')),
            value('\t', char('t')),
            preceded(char('x'), hex(2)),
            preceded(char('u'), hex(4)),
            preceded(char('U'), hex(8)),
        )),
    );
    let plain = none_of(if quote == '"' { "\"\\" } else { "'\\" });
    let (input, text) = fold_many0(alt((escape, plain)), String::new, |mut text, letter| {
        text.push(letter);
        text
    })
    .parse(input)?;
    let (input, _) = char(quote).parse(input)?;
    Ok((input, text))
}
