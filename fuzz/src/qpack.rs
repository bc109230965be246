//! qpack. The first byte of an input chooses settings and limits, the rest is what is read.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use qpack_codec::{
    Config, DecodeError, Decoded, Decoder, EncodeError, Limits, Node, Reader, Tape, Token, Value, ValueRef, Writer,
};
use serde::{Deserialize, Serialize};

fn split(data: &[u8]) -> Option<(Config, &[u8])> {
    let (&settings, input) = data.split_first()?;
    let mut limits = Limits::DEFAULT;
    if settings & 4 != 0 {
        limits = limits.with_max_depth(3);
    }
    if settings & 8 != 0 {
        limits = limits.with_max_values(10);
    }
    if settings & 16 != 0 {
        limits = limits.with_max_len(20);
    }
    if settings & 32 != 0 {
        limits = limits.with_max_depth(255);
    }
    let config = Config::DEFAULT
        .with_limits(limits)
        .with_end_closes_open(settings & 1 != 0)
        .with_ignore_trailing(settings & 2 != 0)
        .with_peer_compatible(settings & 64 != 0);
    Some((config, input))
}

/// Every way to read the same bytes agrees with every other, whole and in pieces.
pub fn reader(data: &[u8]) {
    let Some((config, input)) = split(data) else { return };
    let whole = ValueRef::decode_with(input, &config);
    let tokens = tokens(input, &config);
    assert_eq!(whole.is_ok(), tokens.is_ok());
    if let (Err(a), Err(b)) = (&whole, &tokens) {
        assert_eq!(a, b);
        assert!(a.offset() <= input.len());
        let _ = (a.to_string(), a.path(input).to_string());
    }

    if let Err(error) = tokens {
        let mut reader = Reader::with_config(input, &config);
        assert_eq!(reader.for_each_token(|_| {}).and_then(|()| reader.finish().map(|_| ())), Err(error));
        assert_eq!(reader.finish(), Err(error), "asked again");
    }
    let mut pulled = Reader::with_config(input, &config);
    pulled
        .skip()
        .and_then(|()| pulled.finish().map(|_| ()))
        .map_or_else(|error| assert_eq!(whole.as_ref().err(), Some(&error)), |()| assert!(whole.is_ok()));

    pieces(input, &config);

    let owned = Value::decode_with(input, &config);
    let Ok(value) = whole else {
        assert_eq!(owned.err(), whole.err());
        return;
    };
    let owned = owned.expect("the view decoded");
    assert_eq!(owned, value.into_owned());
    assert_eq!(format!("{owned:?}"), format!("{value:?}"));
    recode(&owned, value);
}

fn tokens<'a>(input: &'a [u8], config: &Config) -> Result<Vec<Token<'a>>, DecodeError> {
    let mut reader = Reader::with_config(input, config);
    let mut tokens = Vec::new();
    while let Some(token) = reader.token()? {
        assert!(reader.position() <= input.len());
        tokens.push(token);
    }
    reader.finish()?;
    Ok(tokens)
}

/// The values of a stream come out the same in one piece and byte by byte.
fn pieces(input: &[u8], config: &Config) {
    let run = |step: usize| {
        let mut decoder = Decoder::with_config(config);
        let (mut from, mut to, mut out) = (0, 0, Vec::new());
        loop {
            match decoder.decode(&input[from..to]) {
                Ok(Decoded::Complete { value, consumed }) => {
                    assert!(consumed > 0);
                    out.push(Ok(value.into_owned()));
                    from += consumed;
                }
                Ok(Decoded::Incomplete { .. }) if to == input.len() => {
                    out.push(Err(decoder.finish(&input[from..]).err()));
                    return out;
                }
                Ok(Decoded::Incomplete { .. }) => to = input.len().min(to + step),
                Err(error) => {
                    assert_eq!(decoder.decode(&input[from..]), Err(error));
                    out.push(Err(Some(error)));
                    return out;
                }
            }
        }
    };
    assert_eq!(run(input.len().max(1)), run(1));
}

/// What was read is written in a form that reads as the same.
fn recode(owned: &Value, value: ValueRef<'_>) {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(255));
    let encoded = owned.encode_to_vec_with(&config).expect("what was read can be written");
    let mut from_view = Vec::new();
    value.encode_with(&mut from_view, &config).expect("what was read can be written");
    assert_eq!(encoded, from_view);
    assert_eq!(encoded.len(), owned.encoded_len());
    assert_eq!(encoded.len(), value.encoded_len());
    let again = ValueRef::decode_with(&encoded, &config).expect("what we write we read");
    assert_eq!(again, value);
    assert_eq!(again.into_owned(), *owned);
}

/// The tree holds what the view holds, wherever one looks.
pub fn tree(data: &[u8]) {
    let Some((config, input)) = split(data) else { return };
    let mut tape = Tape::new();
    let whole = ValueRef::decode_with(input, &config);
    for _ in 0..2 {
        match (tape.parse(input, &config), &whole) {
            (Ok(tree), Ok(value)) => {
                assert_eq!(tree.root().value(), *value);
                assert_eq!(count(tree.root()), tree.len());
            }
            (Err(a), Err(b)) => assert_eq!(a, *b),
            (a, b) => panic!("{a:?} against {b:?}"),
        }
    }
}

fn count(node: Node<'_>) -> usize {
    match node.value() {
        ValueRef::Array(array) => {
            assert_eq!(array.len(), node.len());
            assert!(array.iter().eq(node.children().map(Node::value)));
        }
        ValueRef::Map(map) => {
            assert_eq!(map.len(), node.len());
            assert!(map.iter().eq(node.entries().map(|(key, value)| (key.value(), value.value()))));
            if let Some((key, _)) = node.entries().next()
                && let Some(name) = key.value().as_raw()
            {
                assert_eq!(node.get(name).map(Node::value), map.get(name));
            }
        }
        _ => assert_eq!(node.len(), 0),
    }
    1 + node.children().map(count).sum::<usize>()
}

/// A type that uses most of serde's model.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Any<'a> {
    Unit,
    Newtype(Option<Box<Any<'a>>>),
    Tuple(i64, f64),
    Struct {
        #[serde(borrow)]
        text: &'a str,
        #[serde(with = "serde_bytes", borrow)]
        bytes: &'a [u8],
        items: Vec<Any<'a>>,
        #[serde(default)]
        small: u8,
    },
}

/// serde refuses what the reader refuses, and what it takes it writes back.
pub fn serde(data: &[u8]) {
    let Some((config, input)) = split(data) else { return };
    let whole = ValueRef::decode_with(input, &config);
    let ignored = qpack_codec::serde::from_slice_with::<serde::de::IgnoredAny>(input, &config);
    assert_eq!(whole.is_ok(), ignored.is_ok());
    if let (Err(a), Err(b)) = (&whole, &ignored) {
        assert_eq!(Some(a), b.decode_error());
    }
    if let Ok(any) = qpack_codec::serde::from_slice_with::<Any<'_>>(input, &config) {
        assert!(whole.is_ok());
        if !format!("{any:?}").contains("NaN") {
            let bytes = qpack_codec::serde::to_vec(&any).expect("what was read can be written");
            assert_eq!(qpack_codec::serde::from_slice::<Any<'_>>(&bytes).expect("what we write we read"), any);
        }
    }
    let items = qpack_codec::serde::from_slice_with::<Vec<(u64, Option<String>)>>(input, &config);
    let map = qpack_codec::serde::from_slice_with::<BTreeMap<String, Vec<i32>>>(input, &config);
    if let Err(error) = whole {
        assert!(items.is_err(), "taken by a sequence, refused by the view: {error}");
        assert!(map.is_err(), "taken by a map, refused by the view: {error}");
    }
}

#[derive(Debug, Arbitrary)]
enum Call<'a> {
    Int(i64),
    Double(u64),
    Raw(&'a [u8]),
    Bool(bool),
    Null,
    Hook,
    Array(u8),
    Map(u8),
    ArrayAuto,
    MapAuto,
    ArrayOpen,
    MapOpen,
    End,
}

/// Values are written as they are, and a writer leaves either a whole value or nothing, however it is called.
pub fn writer(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(settings) = u8::arbitrary(&mut u) else { return };
    if settings & 128 == 0 {
        let Ok(value) = Value::arbitrary(&mut u) else { return };
        let encoded = value.encode_to_vec().expect("16 deep at most");
        assert_eq!(encoded.len(), value.encoded_len());
        assert_eq!(Value::decode(&encoded).expect("what we write we read"), value);
        let view = ValueRef::decode(&encoded).expect("what we write we read");
        assert_eq!(view.encode_to_vec().expect("as above"), encoded);
        return;
    }
    let Some((config, _)) = split(&[settings]) else { return };
    let mut out = b"before".to_vec();
    let mut writer = Writer::with_config(&mut out, &config);
    let mut failed: Option<EncodeError> = None;
    while let Ok(call) = Call::arbitrary(&mut u) {
        let done = match call {
            Call::Int(value) => writer.int(value),
            Call::Double(bits) => writer.double(f64::from_bits(bits)),
            Call::Raw(bytes) => writer.raw(bytes),
            Call::Bool(value) => writer.bool(value),
            Call::Null => writer.null(),
            Call::Hook => writer.hook(),
            Call::Array(len) => writer.array(len.into()),
            Call::Map(len) => writer.map(len.into()),
            Call::ArrayAuto => writer.array_auto(),
            Call::MapAuto => writer.map_auto(),
            Call::ArrayOpen => writer.array_open(),
            Call::MapOpen => writer.map_open(),
            Call::End => writer.end(),
        };
        match (done.map(|_| ()), failed) {
            (Err(again), Some(error)) => assert_eq!(again, error),
            (done, None) => failed = done.err(),
            (Ok(()), Some(error)) => panic!("went on after {error}"),
        }
        if u.is_empty() {
            break;
        }
    }
    match writer.finish() {
        Ok(len) => {
            let written = &out[b"before".len()..];
            assert_eq!(written.len(), len);
            ValueRef::decode_with(written, &config).expect("what we write we read, under the same limits");
        }
        Err(_) => assert_eq!(out, b"before"),
    }
}
