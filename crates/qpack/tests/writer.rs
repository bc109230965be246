//! The push writer: the forms of containers, every canonical form at its boundary, and misuse.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

use bytes::BytesMut;
use qpack_codec::{Config, EncodeError, Limit, Limits, Token, Value, ValueRef, Writer};
use testkit::vectors::{hex, to_hex};

type Pen<'a> = Writer<'a, Vec<u8>>;

/// What comes out behind bytes that were there before.
fn write_with(
    config: &Config,
    write: impl FnOnce(&mut Pen<'_>) -> Result<(), EncodeError>,
) -> Result<String, EncodeError> {
    let mut out = b"before".to_vec();
    let mut writer = Writer::with_config(&mut out, config);
    let result = match write(&mut writer) {
        Ok(()) => writer.finish(),
        Err(error) => {
            // Whatever follows, the error stays.
            assert_eq!(writer.int(1).map(drop), Err(error));
            assert_eq!(writer.end().map(drop), Err(error));
            assert_eq!(writer.finish(), Err(error));
            Err(error)
        }
    };
    let written = out.strip_prefix(b"before").expect("what was there is kept").to_vec();
    match result {
        Ok(len) => assert_eq!(len, written.len()),
        Err(_) => assert!(written.is_empty(), "{}", to_hex(&written)),
    }
    result.map(|_| to_hex(&written))
}

fn write(write: impl FnOnce(&mut Pen<'_>) -> Result<(), EncodeError>) -> Result<String, EncodeError> {
    write_with(&Config::DEFAULT, write)
}

fn ones(writer: &mut Pen<'_>, count: usize) -> Result<(), EncodeError> {
    (0..count).try_for_each(|_| writer.int(1).map(drop))
}

#[test]
fn containers_of_known_and_unknown_length_look_alike() {
    for count in 0..=8 {
        let items = "01".repeat(count);
        let array = if count <= 5 { format!("{:02x}{items}", 0xed + count) } else { format!("fc{items}fe") };
        let pairs = "0101".repeat(count);
        let map = if count <= 5 { format!("{:02x}{pairs}", 0xf3 + count) } else { format!("fd{pairs}ff") };
        let end = |writer: &mut Pen<'_>, count| {
            ones(writer, count)?;
            writer.end().map(drop)
        };
        assert_eq!(write(|writer| end(writer.array(count)?, count)).as_ref(), Ok(&array));
        assert_eq!(write(|writer| end(writer.array_auto()?, count)).as_ref(), Ok(&array));
        assert_eq!(write(|writer| end(writer.array_open()?, count)), Ok(format!("fc{items}fe")));
        assert_eq!(write(|writer| end(writer.map(count)?, 2 * count)).as_ref(), Ok(&map));
        assert_eq!(write(|writer| end(writer.map_auto()?, 2 * count)).as_ref(), Ok(&map));
        assert_eq!(write(|writer| end(writer.map_open()?, 2 * count)), Ok(format!("fd{pairs}ff")));
        for (token, expected) in [
            (Token::Array(None), &array),
            (Token::Array(Some(count)), &array),
            (Token::Map(None), &map),
            (Token::Map(Some(count)), &map),
        ] {
            let values = if expected == &map { 2 * count } else { count };
            let tokens = |writer: &mut Pen<'_>| {
                writer.token(token)?;
                (0..values).try_for_each(|_| writer.token(Token::Int(1)).map(drop))?;
                writer.token(Token::End).map(drop)
            };
            assert_eq!(write(tokens).as_ref(), Ok(expected), "{token:?}");
        }
    }
}

#[test]
fn containers_nest_in_every_form() {
    let nested = |writer: &mut Pen<'_>| {
        writer.map_auto()?.str("a")?.array_open()?.int(-1)?.array(0)?.end()?.end()?;
        writer.map(1)?.null()?.bool(true)?.end()?.hook()?;
        writer.end().map(drop)
    };
    assert_eq!(write(nested).unwrap(), "f58161fc40edfef4fbf97c");
    // Six pairs of which the last was not foreseen: what lies inside stays where it is.
    let late = |writer: &mut Pen<'_>| {
        writer.array_auto()?;
        for _ in 0..6 {
            writer.array_auto()?.end()?;
        }
        writer.end().map(drop)
    };
    assert_eq!(write(late).unwrap(), "fcededededededfe");
}

#[test]
fn every_integer_takes_its_smallest_form() {
    for (value, expected) in [
        (0, "00"),
        (63, "3f"),
        (64, "e840"),
        (127, "e87f"),
        (128, "e98000"),
        (32_767, "e9ff7f"),
        (32_768, "ea00800000"),
        (2_147_483_647, "eaffffff7f"),
        (2_147_483_648, "eb0000008000000000"),
        (i64::MAX, "ebffffffffffffff7f"),
        (-1, "40"),
        (-60, "7b"),
        (-61, "e8c3"),
        (-128, "e880"),
        (-129, "e97fff"),
        (-32_768, "e90080"),
        (-32_769, "eaff7fffff"),
        (-2_147_483_648, "ea00000080"),
        (-2_147_483_649, "ebffffff7fffffffff"),
        (i64::MIN, "eb0000000000000080"),
    ] {
        assert_eq!(write(|writer| writer.int(value).map(drop)).unwrap(), expected);
        assert_eq!(ValueRef::decode(&hex(expected)).unwrap().as_int(), Some(value));
    }
}

#[test]
fn every_raw_takes_its_smallest_form() {
    for (len, head) in [
        (0, "80"),
        (1, "81"),
        (99, "e3"),
        (100, "e464"),
        (255, "e4ff"),
        (256, "e50001"),
        (65_535, "e5ffff"),
        (65_536, "e600000100"),
        (65_537, "e601000100"),
    ] {
        if cfg!(miri) && len > 1000 {
            continue;
        }
        let body = vec![b'x'; len];
        let expected = format!("{head}{}", to_hex(&body));
        assert_eq!(write(|writer| writer.raw(&body).map(drop)).as_ref(), Ok(&expected));
        assert_eq!(write(|writer| writer.str(&"x".repeat(len)).map(drop)).as_ref(), Ok(&expected));
        assert_eq!(ValueRef::decode(&hex(&expected)).unwrap().as_raw(), Some(&body[..]));
    }
    // The length counts bytes.
    assert_eq!(write(|writer| writer.str("é€😀").map(drop)).unwrap(), "89c3a9e282acf09f9880");
}

#[test]
fn doubles_keep_their_bits_unless_a_peer_would_not() {
    for (value, exact, peer) in [
        (0.0, "7e", "7e"),
        (1.0, "7f", "7f"),
        (-1.0, "7d", "7d"),
        (-0.0, "ec0000000000000080", "7e"),
        (2.0, "ec0000000000000040", "ec0000000000000040"),
        (f64::from_bits(0x7ff0_0000_0000_0001), "ec010000000000f07f", "ec010000000000f07f"),
        (f64::from_bits(0xfff8_0000_0000_0000), "ec000000000000f8ff", "ec000000000000f8ff"),
    ] {
        assert_eq!(write(|writer| writer.double(value).map(drop)).unwrap(), exact);
        assert_eq!(write_with(&Config::PEER, |writer| writer.double(value).map(drop)).unwrap(), peer);
    }
}

/// What the pure-Python peer writes in longer forms is read, and written in the short ones.
#[test]
fn the_fallback_packers_longer_forms_are_read_only() {
    for (longer, value, canonical) in [
        ("e980ff", -128, "e880"),
        ("ea0080ffff", -32_768, "e90080"),
        ("eb00000080ffffffff", -2_147_483_648, "ea00000080"),
    ] {
        let bytes = hex(longer);
        let view = ValueRef::decode(&bytes).unwrap();
        assert_eq!(view.as_int(), Some(value));
        for config in [Config::DEFAULT, Config::PEER] {
            assert_eq!(write_with(&config, |writer| writer.value_ref(view).map(drop)).unwrap(), canonical);
        }
    }
}

#[test]
fn misuse_is_told() {
    let mismatch = |announced, written| Err(EncodeError::CountMismatch { announced, written });
    // Too many.
    assert_eq!(write(|writer| ones(writer.array(2)?, 3)), mismatch(2, 3));
    assert_eq!(write(|writer| ones(writer.array(0)?, 1)), mismatch(0, 1));
    assert_eq!(write(|writer| writer.array(0)?.array(0).map(drop)), mismatch(0, 1));
    assert_eq!(write(|writer| ones(writer.map(1)?, 3)), mismatch(1, 2));
    assert_eq!(write(|writer| ones(writer.map(0)?, 1)), mismatch(0, 1));
    assert_eq!(write(|writer| ones(writer.array(6)?, 7)), mismatch(6, 7));
    // Too few.
    let end = |writer: &mut Pen<'_>, count| {
        ones(writer, count)?;
        writer.end().map(drop)
    };
    assert_eq!(write(|writer| end(writer.array(2)?, 1)), mismatch(2, 1));
    assert_eq!(write(|writer| end(writer.array(6)?, 5)), mismatch(6, 5));
    assert_eq!(write(|writer| end(writer.map(2)?, 2)), mismatch(2, 1));
    // Half a pair.
    assert_eq!(write(|writer| end(writer.map(2)?, 3)), Err(EncodeError::MissingValue));
    assert_eq!(write(|writer| end(writer.map_auto()?, 1)), Err(EncodeError::MissingValue));
    assert_eq!(write(|writer| end(writer.map_open()?, 5)), Err(EncodeError::MissingValue));
    // Ends without a start.
    assert_eq!(write(|writer| writer.end().map(drop)), Err(EncodeError::NothingOpen));
    assert_eq!(write(|writer| writer.token(Token::End).map(drop)), Err(EncodeError::NothingOpen));
    assert_eq!(write(|writer| writer.array(0)?.end()?.end().map(drop)), Err(EncodeError::NothingOpen));
    // Two values.
    assert_eq!(write(|writer| writer.int(1)?.int(2).map(drop)), Err(EncodeError::AlreadyComplete));
    assert_eq!(write(|writer| writer.array(0)?.end()?.array_auto().map(drop)), Err(EncodeError::AlreadyComplete));
    // No value, or half of one.
    assert_eq!(write(|_| Ok(())), Err(EncodeError::Unfinished));
    assert_eq!(write(|writer| writer.array(1).map(drop)), Err(EncodeError::Unfinished));
    assert_eq!(write(|writer| writer.array_open()?.int(1).map(drop)), Err(EncodeError::Unfinished));
    assert_eq!(write(|writer| writer.map(0)?.end()?.raw(b"").map(drop)), Err(EncodeError::AlreadyComplete));
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let mut out = b"before".to_vec();
    drop(Writer::new(&mut out));
    assert_eq!(out, b"before");
    let mut writer = Writer::new(&mut out);
    writer.array_open().unwrap().str("abc").unwrap();
    drop(writer);
    assert_eq!(out, b"before");
    // Complete, and yet not settled.
    let mut writer = Writer::new(&mut out);
    writer.int(1).unwrap();
    drop(writer);
    assert_eq!(out, b"before");
    let mut shared = BytesMut::from(&b"before"[..]);
    let mut writer = Writer::new(&mut shared);
    writer.map_auto().unwrap();
    drop(writer);
    assert_eq!(shared, "before");
    // One after the other into one buffer.
    for value in 0..3 {
        let mut writer = Writer::new(&mut shared);
        writer.array_auto().unwrap().int(value).unwrap().end().unwrap();
        assert_eq!(writer.finish(), Ok(2));
    }
    assert_eq!(&shared[..], b"before\xee\x00\xee\x01\xee\x02");
}

#[test]
fn limits_stop_the_writer() {
    let limited = |limits| Config::DEFAULT.with_limits(limits);
    let exceeded = |limit, met, max| Err(EncodeError::LimitExceeded { limit, met, max });
    let config = limited(Limits::DEFAULT.with_max_depth(2));
    assert_eq!(write_with(&config, |w| w.array(1)?.map(0)?.end()?.end().map(drop)).unwrap(), "eef3");
    assert_eq!(
        write_with(&config, |w| w.array(1)?.map_open()?.array_auto().map(drop)),
        exceeded(Limit::MaxDepth, 3, 2)
    );
    let config = limited(Limits::DEFAULT.with_max_depth(0));
    assert_eq!(write_with(&config, |w| w.int(1).map(drop)).unwrap(), "01");
    assert_eq!(write_with(&config, |w| w.array(0).map(drop)), exceeded(Limit::MaxDepth, 1, 0));
    let config = limited(Limits::DEFAULT.with_max_values(3));
    assert_eq!(write_with(&config, |w| w.map(1)?.int(1)?.int(2)?.end().map(drop)).unwrap(), "f40102");
    assert_eq!(write_with(&config, |w| w.array(3)?.int(1)?.int(2)?.int(3).map(drop)), exceeded(Limit::MaxValues, 4, 3));
    // Bytes: the close of an open container is one, that of a counted one is none.
    let config = limited(Limits::DEFAULT.with_max_len(3));
    assert_eq!(write_with(&config, |w| w.array(2)?.int(1)?.int(2)?.end().map(drop)).unwrap(), "ef0102");
    assert_eq!(write_with(&config, |w| w.array_open()?.int(1)?.int(2)?.end().map(drop)), exceeded(Limit::MaxLen, 4, 3));
    assert_eq!(write_with(&config, |w| w.int(70_000).map(drop)), exceeded(Limit::MaxLen, 5, 3));
    assert_eq!(write_with(&config, |w| w.raw(b"ab").map(drop)).unwrap(), "826162");
    assert_eq!(write_with(&config, |w| w.raw(b"abc").map(drop)), exceeded(Limit::MaxLen, 4, 3));
    // The limit is of the value, not of what the buffer held before: `write_with` has six bytes there.
    assert!(write_with(&config, |w| w.raw(&[0; 1000]).map(drop)).is_err());
}

#[test]
fn values_and_views_may_be_parts() {
    let owned = Value::from_iter([Value::from("a"), Value::Hook]);
    let bytes = hex("fd8161e80100ff");
    assert!(ValueRef::decode(&bytes).is_err());
    let bytes = hex("fd8161e801ff");
    let view = ValueRef::decode(&bytes).unwrap();
    let parts = |writer: &mut Pen<'_>| {
        writer.array(2)?.value(&owned)?.value_ref(view)?;
        writer.end().map(drop)
    };
    assert_eq!(write(parts).unwrap(), "efef81617cf4816101");
    // A part counts against the limits of the whole.
    let config = Config::DEFAULT.with_limits(Limits::DEFAULT.with_max_depth(1));
    let error = write_with(&config, |writer| writer.array(1)?.value(&owned).map(drop)).unwrap_err();
    assert_eq!(error, EncodeError::LimitExceeded { limit: Limit::MaxDepth, met: 2, max: 1 });
    assert_eq!(write(|writer| writer.int(1)?.value(&owned).map(drop)), Err(EncodeError::AlreadyComplete));
}
