//! What was wrong once, each under the name of what it did.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::std_instead_of_alloc)]

use qpack_codec::{
    Config, DecodeErrorKind, Decoder, EncodeError, Limit, Limits, Path, Reader, Value, ValueRef, Writer,
};

fn values(max_values: usize) -> Config {
    Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_values(max_values))
}

/// A counted container over `max_values` moved the reader before it was refused; asked again, the reader was at the end.
#[test]
fn a_reader_asked_again_after_a_limit_said_the_value_was_complete() {
    for (input, max_values) in [(&b"\xef\x01\x02"[..], 2), (b"\xef\xef\x01\x02\x03", 4), (b"\xfd\xf4\x01\x02\x03", 3)] {
        let mut reader = Reader::with_config(input, &values(max_values).with_ignore_trailing(true));
        let error = loop {
            match reader.token() {
                Ok(token) => assert!(token.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.limit(), Some(Limit::MaxValues));
        for _ in 0..3 {
            assert_eq!(reader.token(), Err(error));
            assert_eq!(reader.skip(), Err(error));
            assert_eq!(reader.finish(), Err(error));
        }
    }
}

/// The ends of counted containers, for which no byte stands, were not counted as passed.
#[test]
fn the_path_behind_a_counted_container_led_into_it() {
    for (input, path) in [
        (&b"\xef\xee\x01\xe8"[..], "[1]"),
        (b"\xf5\x81a\xee\x01\xe8", ""),
        (b"\xf5\x81a\xee\x01", ""),
        (b"\xfc\xee\x01\xff", "[1]"),
        (b"\xf0\xed\xed\xe8", "[2]"),
        (b"\xee\x01\x05", ""),
        (b"\xf4\x81a\xef\x01\xf4\x03\xe8", "a[1][=3]"),
    ] {
        let error = ValueRef::decode(input).unwrap_err();
        assert_eq!(error.path(input).to_string(), path, "{input:x?}");
        assert_eq!(Path::to(input, error.offset()), error.path(input));
    }
}

/// A value asked for at the end of a container was reported as torn input, for which a caller waits in vain.
#[test]
fn a_read_past_the_end_of_a_container_asked_for_more_bytes() {
    for (input, offset) in [(&b"\xfc\xfe"[..], 1), (b"\xed", 1)] {
        let mut reader = Reader::new(input);
        reader.array().unwrap();
        for _ in 0..2 {
            let error = reader.int().unwrap_err();
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::NoMoreValues, offset));
            assert!(!error.is_incomplete());
        }
        assert!(!reader.more().unwrap());
        assert_eq!(reader.finish(), Ok(input.len()));
    }
    let mut reader = Reader::new(b"\x05");
    assert_eq!(reader.int(), Ok(5));
    assert_eq!(reader.str().unwrap_err().kind(), DecodeErrorKind::NoMoreValues);
}

/// `Decoder::finish` looked at the first value only, and forgot what it said.
#[test]
fn a_torn_value_behind_a_whole_one_was_not_seen_at_the_end() {
    let mut decoder = Decoder::new();
    let error = decoder.finish(b"\x01\xee\x02\xe8").unwrap_err();
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::UnexpectedEnd, 3));
    assert_eq!(decoder.decode(b"\x01"), Err(error));
    decoder.reset();
    assert_eq!(decoder.finish(b"\x01\xee\x02"), Ok(()));
}

/// The length told was one over the limit, whatever was reached.
#[test]
fn a_length_over_the_limit_was_told_wrong() {
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_len(2));
    let error = EncodeError::LimitExceeded { limit: Limit::MaxLen, met: 11, max: 2 };
    assert_eq!(Value::from("hello world").encode_to_vec_with(&config), Err(error));
    let mut out = Vec::new();
    let mut writer = Writer::with_config(&mut out, &config);
    assert_eq!(writer.str("hello world").map(|_| ()), Err(error));
}

#[cfg(feature = "serde")]
mod serde {
    use std::collections::BTreeMap;

    use super::*;
    use ::serde::ser::{Serialize, SerializeSeq, Serializer};
    use qpack_codec::serde::{Error, from_slice, from_slice_with, to_vec};

    /// The values of an open map were not counted, only its keys.
    #[test]
    fn open_maps_went_through_at_half_price() {
        let input = b"\xfd\x01\x02\x03\x04\xff";
        for max_values in 1..=5 {
            let view = ValueRef::decode_with(input, &values(max_values)).map(drop);
            let map = from_slice_with::<BTreeMap<i64, i64>>(input, &values(max_values)).map(drop);
            assert_eq!(map.as_ref().map_err(Error::decode_error), view.as_ref().map_err(Some));
            assert_eq!(view.is_ok(), max_values == 5);
        }
    }

    /// Where the input is wrong and a limit is reached, serde named the limit and the reader the fault.
    #[test]
    fn serde_and_the_reader_named_different_faults() {
        let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_values(1).with_max_depth(1));
        for input in [&b"\xfc\xff"[..], b"\xfc\xe8", b"\xfc\xfc", b"\xfc", b"\xfc\x01"] {
            let view = ValueRef::decode_with(input, &config).unwrap_err();
            let typed = from_slice_with::<Vec<i64>>(input, &config).unwrap_err();
            assert_eq!(typed.decode_error(), Some(&view), "{input:x?}");
        }
    }

    /// Options were counted as containers, and refused for a depth that the bytes do not have.
    #[test]
    fn options_were_taken_for_depth() {
        let flat = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(0));
        assert_eq!(from_slice_with::<Option<i64>>(b"\x05", &flat).unwrap(), Some(5));
        let input = b"\xee".repeat(64);
        #[derive(::serde::Deserialize)]
        struct Nested(Option<Vec<Self>>);
        let depth = |mut nested: &Nested| {
            let mut depth = 0;
            while let Some(inner) = nested.0.as_ref().and_then(|items| items.first()) {
                nested = inner;
                depth += 1;
            }
            depth
        };
        let input = [input, b"\xfb".to_vec()].concat();
        assert_eq!(depth(&from_slice::<Nested>(&input).unwrap()), 64);
    }

    /// A type that passes over the error of a part got half of that part into its output.
    #[test]
    fn a_part_that_failed_stayed_in_the_output() {
        struct Careless;

        impl Serialize for Careless {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut items = serializer.serialize_seq(None)?;
                let _ = items.serialize_element(&[1, u64::MAX]);
                items.serialize_element(&1)?;
                items.end()
            }
        }

        let error = to_vec(&Careless).unwrap_err();
        assert_eq!(error.to_string(), "a part of the value could not be written");
    }

    /// Keys that are no text stopped a struct from being read, though unknown fields are passed over.
    #[test]
    fn an_unknown_key_of_bytes_was_refused() {
        #[derive(Debug, PartialEq, ::serde::Deserialize)]
        struct One {
            a: i64,
        }
        assert_eq!(from_slice::<One>(b"\xf5\x81\xff\x07\x81a\x01").unwrap(), One { a: 1 });
        assert!(from_slice::<One>(b"\xf5\x05\x07\x81a\x01").is_err());
    }
}
