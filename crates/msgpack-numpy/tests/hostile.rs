//! Input that means harm to views and tokens: one test or comment for each bug class R1 to R15. For the index, owned values and writing see
//! `hostile_write.rs`.

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

testkit::counting_allocator!();

mod common;

use common::{Pack, array, array_of, described, golden};
use msgpack_numpy_codec::{
    DType, DTypeRef, DecodeError, DecodeErrorKind, Limit, Limits, MapRef, Reader, Token, ValueRef,
};
use testkit::laws::{self, hostile_lengths};
use testkit::vectors::to_hex;
use testkit::{SMALL_STACK, assert_no_alloc, on_small_stack};

/// Looks at all that a value has, three levels down.
fn touch(value: ValueRef<'_>, down: usize) -> usize {
    match value {
        ValueRef::List(list) if down > 0 => list.iter().map(|item| touch(item, down - 1)).sum(),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) if down > 0 => {
            let _ = map.get("data");
            map.iter().map(|(key, value)| touch(key, down - 1) + touch(value, down - 1)).sum()
        }
        ValueRef::Array(array) => {
            let mut seen = array.shape().iter().count() + array.data().len();
            seen += array.iter::<u8>().map_or(0, Iterator::count) + array.iter::<f64>().map_or(0, Iterator::count);
            seen += array.as_slice::<i32>().map_or(0, <[i32]>::len);
            if let DTypeRef::Structured(dtype) = array.dtype() {
                for field in dtype.all_fields() {
                    seen += array.field(field.name).map_or(0, |strided| strided.chunks().count());
                }
            }
            seen
        }
        ValueRef::Scalar(scalar) => scalar.data().len() + usize::from(scalar.get::<f64>().is_some()),
        ValueRef::Pickle(pickle) => pickle.pickle().len(),
        _ => 1,
    }
}

/// One way to read to the end.
type Entry = (&'static str, fn(&[u8], &Limits) -> Result<(), DecodeError>);

/// Every public way to read a whole value without memory of its own. R15: whoever adds one adds it here.
const ENTRIES: [Entry; 1] = [("ValueRef::decode_with", |bytes, limits| ValueRef::decode_with(bytes, limits).map(drop))];

/// Those that know no limits, and need none: they go on token by token.
const UNLIMITED: [Entry; 3] = [
    ("Reader::skip", |bytes, _| {
        let mut reader = Reader::new(bytes);
        reader.skip()?;
        reader.finish()
    }),
    ("Reader::token", |bytes, _| {
        let mut reader = Reader::new(bytes);
        while !reader.rest().is_empty() {
            reader.token()?;
        }
        reader.finish()
    }),
    ("Reader::for_each_token", |bytes, _| Reader::new(bytes).for_each_token(drop)),
];

/// Heads with a length: the byte, the bytes of the length, and whether items follow instead of bytes.
const HEADS: [(u8, usize); 13] = [
    (0xc4, 1),
    (0xc5, 2),
    (0xc6, 4),
    (0xc7, 1),
    (0xc8, 2),
    (0xc9, 4),
    (0xd9, 1),
    (0xda, 2),
    (0xdb, 4),
    (0xdc, 2),
    (0xdd, 4),
    (0xde, 2),
    (0xdf, 4),
];

#[test]
fn r01_lengths_from_the_wire_reserve_nothing() {
    let mut count = 0;
    for before in [&b""[..], b"\x91", b"\x92\x01", b"\x81\xa1a", b"\x82\xc0\xc0\xc4\x02nd"] {
        for body in [&b""[..], b"\x01\x02\x03"] {
            for (head, size) in HEADS {
                for len in hostile_lengths(8 * size as u32, body.len() as u64) {
                    if len <= body.len() as u64 {
                        continue;
                    }
                    let input = [before, &[head], &len.to_be_bytes()[8 - size..], body].concat();
                    for (way, decode) in ENTRIES.iter().chain(&UNLIMITED[..2]) {
                        laws::totality(&input, 0, |bytes| {
                            let error = decode(bytes, &Limits::DEFAULT).expect_err(way);
                            let found = (error.kind(), error.offset(), error.what());
                            assert_eq!(found, (DecodeErrorKind::UnexpectedEnd, input.len() as u64, "value"), "{way}");
                        });
                    }
                    count += 1;
                }
            }
        }
    }
    assert!(count > 500, "{count}");
    // The same lengths as axes of an array with few bytes.
    for len in hostile_lengths(64, 3) {
        if len != 3 {
            laws::totality(&array("|u1", &[len], b"abc"), 0, |bytes| {
                let ValueRef::Faulty(_, error) = ValueRef::decode(bytes).unwrap() else { panic!("{len}") };
                assert_eq!(error.kind(), DecodeErrorKind::InvalidLength);
            });
        }
    }
}

#[test]
fn r02_views_cost_nothing_however_small_the_elements() {
    const N: usize = if cfg!(miri) { 100 } else { 50_000 };
    let empty = array("|u1", &[0], b"");
    let elements: [&[u8]; 7] = [b"\xc0", b"\x90", b"\x80", b"\xa0", b"\x81\xc0\xc0", b"\xc4\x00", &empty];
    for element in elements {
        for head in [0xdd_u8, 0xdf] {
            let items = if head == 0xdd { N } else { 2 * N };
            let input = [&[head][..], &(N as u32).to_be_bytes(), &element.repeat(items)].concat();
            let seen = assert_no_alloc(|| touch(ValueRef::decode(&input).unwrap(), 3));
            assert!(seen > 0 || element == b"\x90" || element == b"\x80" || element == &empty[..]);
        }
    }
}

/// What only opens: name, one turn of it.
const OPENERS: [(&str, &[u8]); 8] = [
    ("list of one", b"\x91"),
    ("list of fifteen", b"\x9f"),
    ("value of a map", b"\x81\xa1a"),
    ("key of a map", b"\x81"),
    ("last of two", b"\x92\x00"),
    ("all in turn", b"\x91\x81\xa1a\x81"),
    ("data of an array", b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3<i2\xc4\x04kind\xc4\x00\xc4\x05shape\x90\xc4\x04data"),
    ("data of a scalar", b"\x83\xc4\x02nd\xc2\xc4\x04type\xa3<i2\xc4\x04data"),
];

#[test]
fn r03_a_mebibyte_of_openers_is_refused_at_the_limit() {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    for (name, unit) in OPENERS {
        let input = unit.repeat(LEN / unit.len());
        on_small_stack(SMALL_STACK, || {
            for depth in [0, 1, 2, 64, 255] {
                for (way, decode) in ENTRIES {
                    let error = decode(&input, &Limits::DEFAULT.with_max_depth(depth)).expect_err(way);
                    let found = (error.kind(), error.limit());
                    assert_eq!(
                        found,
                        (DecodeErrorKind::LimitExceeded, Some(Limit::MaxDepth)),
                        "{way}, {name}, {depth}"
                    );
                    // None but lists and maps that are not empty lie before it, and so many of them.
                    let mut reader = Reader::new(&input);
                    let mut openers = 0;
                    while (reader.position() as u64) < error.offset() {
                        openers += usize::from(opens(reader.token().unwrap()));
                    }
                    assert_eq!(
                        (openers, matches!(reader.token().unwrap(), Token::List(_) | Token::Map(_))),
                        (depth.into(), true),
                        "{way}, {name}, {depth}"
                    );
                }
            }
            for (way, decode) in &UNLIMITED[..1] {
                let error = decode(&input, &Limits::DEFAULT).expect_err(way);
                assert_eq!(
                    (error.kind(), error.offset()),
                    (DecodeErrorKind::UnexpectedEnd, input.len() as u64),
                    "{way}"
                );
            }
        });
    }
}

fn opens(token: Token<'_>) -> bool {
    matches!(token, Token::List(1..) | Token::Map(1..))
}

#[test]
fn r03_lists_at_the_limit_pass_and_one_more_does_not() {
    for depth in [1_u8, 2, 64, 255] {
        let limits = Limits::DEFAULT.with_max_depth(depth);
        for (open, close) in [(&b"\x91"[..], &b"\x07"[..]), (b"\x81\xa1a", b"\x07"), (b"\x81", b"\x07")] {
            // As a key, a map has its value behind it.
            let closing = if open == b"\x81" { b"\x00".repeat(usize::from(depth)) } else { Vec::new() };
            let input = [&open.repeat(usize::from(depth)), close, &closing].concat();
            on_small_stack(SMALL_STACK, || {
                assert!(ValueRef::decode_with(&input, &limits).is_ok(), "{depth}");
                let less = Limits::DEFAULT.with_max_depth(depth - 1);
                let error = ValueRef::decode_with(&input, &less).unwrap_err();
                assert_eq!(error.limit(), Some(Limit::MaxDepth));
                assert_eq!(error.offset(), (usize::from(depth - 1) * open.len()) as u64);
                assert_eq!(
                    error.to_string(),
                    format!("exceeds max_depth {} at byte {} (value)", depth - 1, error.offset())
                );
            });
        }
    }
}

/// An empty list is a list, too.
#[test]
fn r03_empty_lists_count_as_lists() {
    for (input, depth) in [(&b"\x90"[..], 1_u8), (b"\x80", 1), (b"\x91\x90", 2), (b"\x91\x91\x80", 3)] {
        assert!(ValueRef::decode_with(input, &Limits::DEFAULT.with_max_depth(depth)).is_ok());
        let verdict = ValueRef::decode_with(input, &Limits::DEFAULT.with_max_depth(depth - 1));
        let error = verdict.expect_err(&to_hex(input));
        assert_eq!((error.limit(), error.offset()), (Some(Limit::MaxDepth), u64::from(depth - 1)));
    }
}

/// Masked arrays in one another: the data of each is the next.
fn masked(depth: usize) -> Vec<u8> {
    let mut message = array("|u1", &[2], b"ab");
    for _ in 1..depth {
        message = array_of(b"\xa3|u1", b"", &[2], &message);
    }
    message
}

/// SPEC.md §2: an array in the place of the data once, and no deeper.
fn assert_masked(depth: usize, max_depth: u8) {
    let limits = Limits::DEFAULT.with_max_depth(max_depth);
    let message = masked(depth);
    on_small_stack(SMALL_STACK, || match ValueRef::decode_with(&message, &limits).unwrap() {
        ValueRef::Array(array) => assert_eq!((array.data(), depth <= 2), (&b"ab"[..], true)),
        ValueRef::Faulty(_, error) => {
            assert_eq!((error.kind(), error.what(), depth > 2), (DecodeErrorKind::UnexpectedType, "data", true));
        }
        other => panic!("{depth}: {other:?}"),
    });
}

#[test]
fn r03_masked_arrays_in_one_another_need_no_stack() {
    for depth in [1, 2, 3, 8, 63] {
        assert_masked(depth, 64);
    }
    assert_masked(254, 255);
}

#[test]
fn r03_dtypes_in_one_another_need_no_stack() {
    // A list a level, and two as a field is one itself.
    for depth in [1, 7, 8, 9, 100] {
        let mut descr = Pack::default();
        for _ in 0..depth {
            descr = descr.raw(&[0x92, 0x92]).str("b").str("|u1").raw(&[0x92]).str("a");
        }
        let message = array_of(&descr.str("|u1").0, b"V", &[0], &Pack::default().bin(b"").0);
        let limits = Limits::DEFAULT.with_max_depth(255);
        on_small_stack(SMALL_STACK, || {
            let ValueRef::Array(array) = ValueRef::decode_with(&message, &limits).unwrap() else { panic!("{depth}") };
            let printed = format!("{} {array:?}", array.dtype());
            assert!(depth > 8 || printed.contains("|u1"), "{printed}");
            assert_eq!(array.field("b").is_some(), !matches!(array.dtype(), DTypeRef::Opaque(_)));
        });
    }
}

#[test]
fn r04_every_prefix_and_every_mutation_is_taken() {
    for class in ["valid", "legacy", "malformed"] {
        for (vector, bytes) in golden(class).into_iter().filter(|(_, bytes)| bytes.len() < 120) {
            if cfg!(miri) && bytes.len() > 40 {
                continue;
            }
            for hostile in laws::mutations(&bytes).step_by(if cfg!(miri) { 37 } else { 11 }) {
                let run = std::panic::catch_unwind(|| {
                    let _ = assert_no_alloc(|| ValueRef::decode(&hostile).map(|value| touch(value, 4)));
                    let _ = assert_no_alloc(|| Reader::new(&hostile).skip());
                    let _ = assert_no_alloc(|| Reader::new(&hostile).for_each_token(drop));
                });
                assert!(run.is_ok(), "{}: {}", vector["name"], to_hex(&hostile));
            }
        }
    }
    // On a small stack with a bound on memory: one of each kind.
    let names = ["i2_c", "struct_mixed", "scalar_c8", "pycomplex_6", "masked"];
    for (_, bytes) in
        golden("valid").into_iter().filter(|(vector, _)| names.contains(&vector["name"].as_str().unwrap()))
    {
        for hostile in laws::mutations(&bytes).step_by(if cfg!(miri) { 997 } else { 61 }) {
            laws::totality(&hostile, 0, |bytes| {
                let _ = ValueRef::decode(bytes).map(|value| touch(value, 4));
            });
        }
    }
}

#[test]
fn r05_shapes_whose_product_wraps_are_refused() {
    // Shape, typestr: 2^64 and more, of items or of bytes.
    let wrapping: [(&[u64], &str); 12] = [
        (&[1 << 32, 1 << 32], "|u1"),
        (&[1 << 63, 2], "|u1"),
        (&[u64::MAX, u64::MAX], "|u1"),
        (&[u64::MAX, 2], "|u1"),
        (&[1 << 61], "<f8"),
        (&[u64::MAX], "<u2"),
        (&[1 << 31, 1 << 31, 4], "|u1"),
        (&[1 << 60], "<c16"),
        (&[3, 6_148_914_691_236_517_206], "|u1"),
        (&[1 << 33], "<U536870912"),
        (&[1 << 33], "|S4294967295"),
        (&[2; 64], "|u1"),
    ];
    for (shape, typestr) in wrapping {
        for data in [&b""[..], b"\0", b"\0\0"] {
            let message = array(typestr, shape, data);
            let ValueRef::Faulty(_, error) = ValueRef::decode(&message).unwrap() else { panic!("{shape:?} {typestr}") };
            let whole = shape.iter().fold(1_u128, |product, axis| product.saturating_mul(u128::from(*axis)));
            let DType::Plain(plain) = DType::parse(typestr).unwrap() else { unreachable!() };
            let kind = match whole.saturating_mul(plain.itemsize().into()) {
                bytes if bytes > u64::MAX.into() => DecodeErrorKind::InvalidShape,
                _ => DecodeErrorKind::InvalidLength,
            };
            assert_eq!(error.kind(), kind, "{shape:?} {typestr}");
        }
    }
    // Fewer than 2^64, and more than there are: still no array.
    for shape in [&[1 << 32][..], &[u64::MAX], &[1 << 31, 1 << 31], &[(1 << 32) + 1]] {
        let message = array("|u1", shape, b"a");
        let ValueRef::Faulty(_, error) = ValueRef::decode(&message).unwrap() else { panic!("{shape:?}") };
        assert_eq!((error.kind(), error.what()), (DecodeErrorKind::InvalidLength, "data"), "{shape:?}");
    }
}

/// An axis of nothing makes an array of nothing, however long the others are.
#[test]
fn r05_an_axis_of_nothing_makes_nothing() {
    for shape in [&[0, u64::MAX, u64::MAX][..], &[u64::MAX, u64::MAX, 0], &[1 << 32, 0, 1 << 32]] {
        let message = array("<f8", shape, b"");
        let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!("{shape:?}") };
        assert_eq!((found.shape().product(), found.shape().iter().collect::<Vec<_>>()), (Some(0), shape.to_vec()));
        assert!(found.to_vec::<f64>().unwrap().is_empty());
        let message = array("<f8", shape, b"\0");
        assert!(matches!(ValueRef::decode(&message).unwrap(), ValueRef::Faulty(..)));
    }
}

#[test]
fn r05_fields_whose_size_wraps_are_no_dtype() {
    // Sub-arrays, and a sum of fields, beyond 64 bits: opaque, and their bytes are not counted.
    let huge = |axes: &[u64]| Pack::default().raw(&[0x93]).str("a").str("<f8").axes(axes).0;
    let lists = [
        [&[0x91][..], &huge(&[1 << 61])].concat(),
        [&[0x91][..], &huge(&[1 << 32, 1 << 32])].concat(),
        [&[0x92][..], &huge(&[1 << 60]), &huge(&[1 << 60])].concat(),
    ];
    for descr in lists {
        let message = array_of(&descr, b"V", &[1], &Pack::default().bin(b"abc").0);
        let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!() };
        assert!(matches!(found.dtype(), DTypeRef::Opaque(_)));
        assert_eq!(found.data(), b"abc");
    }
    // Without items a field has no bytes, and an item of such fields neither.
    let message = array_of(&[&[0x91][..], &huge(&[0, u64::MAX])].concat(), b"V", &[7], &Pack::default().bin(b"").0);
    let ValueRef::Faulty(_, error) = ValueRef::decode(&message).unwrap() else { panic!() };
    assert_eq!((error.kind(), error.what(), error.offset()), (DecodeErrorKind::ZeroItemSize, "type", 12));
}

#[test]
fn r05_axes_beyond_the_limit_are_refused() {
    for (axes, max) in [(65, 64), (64, 64), (0, 0), (1, 0), (255, 255), (256, 255), (4000, 64)] {
        let message = array("|u1", &vec![1; axes], b"a");
        let value = ValueRef::decode_with(&message, &Limits::DEFAULT.with_max_axes(max)).unwrap();
        if axes <= usize::from(max) {
            let ValueRef::Array(array) = value else { panic!("{axes}") };
            assert_eq!((array.shape().len(), array.data()), (axes, &b"a"[..]));
        } else {
            let ValueRef::Faulty(_, error) = value else { panic!("{axes}") };
            assert_eq!(
                (error.kind(), error.limit(), error.what()),
                (DecodeErrorKind::LimitExceeded, Some(Limit::MaxAxes), "shape")
            );
            assert_eq!(message[error.offset() as usize], 0xdc);
        }
    }
}

// R6: views write nothing; `hostile_write.rs`.

#[test]
fn r07_keys_are_looked_through_once() {
    if cfg!(miri) {
        return;
    }
    // As many keys as wanted, all the same or all different, and a tag behind them.
    let map = |n: usize, same: bool| {
        let mut message = [&[0xdf][..], &(n as u32 + 1).to_be_bytes()].concat();
        for key in 0..n as u32 {
            let key = if same { 7 } else { key };
            message.extend([&[0xce][..], &key.to_be_bytes(), b"\xc0"].concat());
        }
        [&message[..], b"\xc4\x02nd\xc3"].concat()
    };
    for same in [true, false] {
        laws::linear_cpu(1000, |n| map(n, same), |message| matches!(ValueRef::decode(&message), Ok(ValueRef::Map(_))));
    }
    // The same fields over and over: the first repetition counts.
    let repeated = |n: usize| [&[0xdf][..], &(n as u32).to_be_bytes(), &b"\xc4\x04data\xc0".repeat(n)].concat();
    laws::linear_cpu(1000, repeated, |message| ValueRef::decode(&message).is_ok());
    laws::linear_cpu(1000, |n| b"\x91".repeat(n), |message| Reader::new(&message).skip().is_err());
}

/// The depth of fields is bounded, and so is how often each is passed.
#[test]
fn r07_wide_dtypes_are_walked_in_linear_time() {
    if cfg!(miri) {
        return;
    }
    let wide = |n: usize| {
        let fields = Pack::default().raw(&[0x92]).str("a").str("|u1").0.repeat(n);
        let descr = [&[0xdd][..], &(n as u32).to_be_bytes(), &fields].concat();
        array_of(&descr, b"V", &[1], &Pack::default().bin(&vec![0; n]).0)
    };
    laws::linear_cpu(1000, wide, |message| {
        let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!() };
        array.dtype().itemsize()
    });
}

#[test]
fn r08_every_token_takes_bytes_or_ends() {
    for first in 0..=255_u8 {
        for tail in [&b""[..], b"\x00", &[0xff; 20], &[0; 300]] {
            let input = [&[first][..], tail].concat();
            let mut reader = Reader::new(&input);
            let mut before = 0;
            while reader.token().is_ok() {
                assert!(reader.position() > before, "{first:02x}");
                before = reader.position();
            }
            // After an error it stays where it was, and says the same again.
            let error = reader.token().unwrap_err();
            assert_eq!((reader.position(), reader.token()), (before, Err(error)));
            assert!(error.offset() <= input.len() as u64);
        }
    }
}

#[test]
fn r09_bytes_are_lent_at_any_alignment_and_none_past_the_end() {
    let message = array("<f8", &[2], &[1.5_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat());
    testkit::slices::at_every_offset(&message, |bytes| {
        let ValueRef::Array(array) = ValueRef::decode(bytes).unwrap() else { panic!() };
        assert_eq!(array.to_vec::<f64>().unwrap(), [1.5, -2.0]);
        let native = cfg!(target_endian = "little") && array.data().as_ptr().addr() % align_of::<f64>() == 0;
        assert_eq!(array.as_slice::<f64>().is_some(), native);
        // Other types lend nothing, of the same size or not.
        assert!(array.as_slice::<i64>().is_none() && array.as_slice::<u8>().is_none());
        assert!(array.as_slice::<[f32; 2]>().is_none());
    });
    #[cfg(all(unix, not(miri)))]
    for end in 0..=message.len() {
        testkit::slices::before_guard_page(&message[..end], |bytes| {
            assert_eq!(ValueRef::decode(bytes).map(|value| touch(value, 3)).is_ok(), end == message.len());
        });
    }
}

/// R10: times are counts, and no date is made of them. The least is not a time, and stays what it is.
#[test]
fn r10_times_are_handed_out_as_they_came() {
    let all = [i64::MIN, i64::MAX, -1, 0];
    let message = array("<M8[as]", &[4], &all.map(i64::to_le_bytes).concat());
    let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!() };
    assert_eq!(array.to_vec::<i64>().unwrap(), all);
}

/// A pickle that prints, one that is garbage, and none: bytes like any others.
#[test]
fn r11_pickles_are_never_interpreted() {
    let programs: [&[u8]; 4] = [b"cos\nsystem\n(S'exit 1'\ntR.", b"\x80\x02}q\x00.", b"", b"xx"];
    for program in programs {
        for data in [Pack::default().bin(program).0, Pack::default().str(std::str::from_utf8(program).unwrap_or("?")).0]
        {
            let message = array_of(b"\x91\x92\xa0\xa2|O", b"O", &[3], &data);
            let value = assert_no_alloc(|| ValueRef::decode(&message)).unwrap();
            let ValueRef::Pickle(pickle) = value else { panic!("{value:?}") };
            assert!(data.ends_with(pickle.pickle()));
            assert_eq!(pickle.shape().to_string(), "(3,)");
        }
    }
    // Whatever its `type` says; and it is no array of numbers.
    for dtype in [&b"\xc0"[..], b"\xa3<i2", b"\x91\x92\xa0\xa2|O", b"\xa2|O"] {
        let message = array_of(dtype, b"O", &[1], &Pack::default().bin(b"\0\0").0);
        assert!(matches!(ValueRef::decode(&message).unwrap(), ValueRef::Pickle(_)));
    }
    // Objects by any other way are opaque, and their bytes no pointers.
    for dtype in [
        &b"\xa2|O"[..],
        b"\xa1O",
        b"\xa3|O8",
        b"\xa6object",
        b"\x92\x92\xa1a\xa3<i2\x92\xa1b\xa2|O",
        b"\x91\x92\xa1p\x91\x92\xa1x\xa1O",
    ] {
        for kind in [&b""[..], b"V"] {
            let message = array_of(dtype, kind, &[1], &Pack::default().bin(&[1; 8]).0);
            let ValueRef::Array(array) = ValueRef::decode(&message).unwrap() else { panic!("{}", to_hex(dtype)) };
            assert!(matches!(array.dtype(), DTypeRef::Opaque(_)), "{}", to_hex(dtype));
            assert_eq!((array.data(), array.iter::<u64>().is_none()), (&[1; 8][..], true));
        }
    }
}

/// One fault costs its own map only.
#[test]
fn r12_a_faulty_array_harms_no_other() {
    let good = array("<i2", &[2], &[1, 0, 2, 0]);
    for (vector, bad) in golden("malformed") {
        let Ok(alone) = ValueRef::decode(&bad).map(described) else { continue };
        let list = [&[0x93][..], &good, &bad, &good].concat();
        let ValueRef::List(list) = ValueRef::decode(&list).unwrap() else { panic!() };
        let found: Vec<_> = list.iter().collect();
        let [ValueRef::Array(first), middle, ValueRef::Array(last)] = found[..] else { panic!("{}", vector["name"]) };
        assert_eq!((first.to_vec::<i16>(), last.to_vec::<i16>()), (Ok(vec![1, 2]), Ok(vec![1, 2])));
        // Its offsets count from its own start.
        assert_eq!(described(middle), alone, "{}", vector["name"]);
    }
}

// R13: it keeps nothing from one call to the next, and waits for nothing.

#[test]
fn r14_long_numbers_are_read_in_linear_time() {
    let complex = |text: &[u8]| Pack::map(2).bin(b"complex").raw(&[0xc3]).bin(b"data").bin(text).0;
    for (text, real, imaginary) in [
        ("1e999999999+0j", f64::INFINITY, 0.0),
        ("1e-999999999-5e-324j", 0.0, -5e-324),
        ("(-0-0j)", -0.0, -0.0),
        ("-1e400j", 0.0, f64::NEG_INFINITY),
    ] {
        let message = complex(text.as_bytes());
        let value = ValueRef::decode(&message).unwrap();
        let ValueRef::Complex(re, im) = value else { panic!("{text}: {value:?}") };
        assert_eq!((re.to_bits(), im.to_bits()), (real.to_bits(), imaginary.to_bits()), "{text}");
    }
    for len in [10_000, 100_000] {
        let len = if cfg!(miri) { len / 100 } else { len };
        for text in ["9".repeat(len) + "j", "-".repeat(len) + "j", "(".repeat(len), "1e".repeat(len), " ".repeat(len)] {
            laws::totality(&complex(text.as_bytes()), 0, |message| {
                let value = ValueRef::decode(message).unwrap();
                assert_eq!(matches!(value, ValueRef::Complex(0.0, f64::INFINITY)), text.starts_with('9'));
                assert_eq!(matches!(value, ValueRef::Faulty(..)), !text.starts_with('9'));
            });
        }
    }
    assert_eq!(DType::parse(&format!("<i{}", "9".repeat(10_000))), None);
}

/// The texts of Python's `complex`, by its grammar: blanks and one pair of parentheses around the whole.
#[test]
fn r14_texts_of_complex_numbers_are_those_of_python() {
    let taken = [
        ("1+2j", 1.0, 2.0),
        ("(1+2j)", 1.0, 2.0),
        ("  ( 1+2J )  ", 1.0, 2.0),
        ("j", 0.0, 1.0),
        ("-j", 0.0, -1.0),
        ("+j", 0.0, 1.0),
        ("1-j", 1.0, -1.0),
        ("3.5", 3.5, 0.0),
        ("(3)", 3.0, 0.0),
        ("1e+5j", 0.0, 1e5),
        ("1e-5+1e+5j", 1e-5, 1e5),
        ("-INF+Infinityj", f64::NEG_INFINITY, f64::INFINITY),
        (".5+5.j", 0.5, 5.0),
    ];
    let complex = |text: &str| Pack::map(2).bin(b"complex").raw(&[0xc3]).bin(b"data").str(text).0;
    for (text, real, imaginary) in taken {
        let found = described(ValueRef::decode(&complex(text)).unwrap());
        let expected = described(ValueRef::Complex(real, imaginary));
        assert_eq!(found, expected, "{text:?}");
    }
    for text in [
        "", " ", "()", "(1+2j", "1+2j)", "((1+2j))", "1 + 2j", "1+ 2j", "1+2", "1+2i", "jj", "1j+2", "--1j", "1+-2j",
        "0x1j", "1e", "1ej", "e5j", "in", "nanj1", "1,5j", "1+2j\0", "é",
    ] {
        let ValueRef::Faulty(_, error) = ValueRef::decode(&complex(text)).unwrap() else { panic!("{text:?}") };
        // Behind both keys and the true.
        assert_eq!(
            (error.kind(), error.offset(), error.what()),
            (DecodeErrorKind::InvalidComplex, 17, "data"),
            "{text:?}"
        );
    }
}

#[test]
fn r15_every_way_to_read_honours_every_limit() {
    let deep = b"\x91\x91\x91\x01";
    let message = array("|u1", &[1, 1, 1], b"a");
    for (way, decode) in ENTRIES {
        assert_eq!(decode(deep, &Limits::DEFAULT.with_max_depth(3)), Ok(()), "{way}");
        let error = decode(deep, &Limits::DEFAULT.with_max_depth(2)).expect_err(way);
        assert_eq!((error.limit(), error.offset()), (Some(Limit::MaxDepth), 2), "{way}");
    }
    // Limits go along into lists and maps.
    let wrapped = [&b"\x92\x81\xa1a"[..], &message, &message].concat();
    let limits = Limits::DEFAULT.with_max_axes(2);
    let ValueRef::List(list) = ValueRef::decode_with(&wrapped, &limits).unwrap() else { panic!() };
    let found: Vec<_> = list.iter().collect();
    let [ValueRef::Map(map), ValueRef::Faulty(_, second)] = found[..] else { panic!("{found:?}") };
    let Some(ValueRef::Faulty(_, first)) = map.get("a") else { panic!() };
    assert_eq!((first, first.limit()), (second, Some(Limit::MaxAxes)));
    let entries: Vec<_> = MapRef::iter(map).collect();
    assert!(matches!(entries[..], [(ValueRef::Str(b"a"), ValueRef::Faulty(..))]));
    // Large values of real use pass: 32 axes, and lists of arrays.
    let array = array("<f4", &[1; 32], &[0; 4]);
    let list = [&[0xdc, 0x03, 0xe8][..], &array.repeat(1000)].concat();
    let ValueRef::List(list) = ValueRef::decode(&list).unwrap() else { panic!() };
    assert!(list.iter().all(|item| matches!(item, ValueRef::Array(_))));
}

/// The docs of `Limits::max_depth` say so: its map counts, and its shape in it.
#[test]
fn r15_a_tagged_map_counts_as_nesting() {
    let message = array("|u1", &[1], b"a");
    for (around, is_ok) in [(62, true), (63, false), (64, false)] {
        let nested = [&b"\x91".repeat(around), &message[..]].concat();
        assert_eq!(ValueRef::decode(&nested).is_ok(), is_ok, "{around}");
    }
}

/// A field that is there twice is a fault of every tagged map.
#[test]
fn fields_that_are_there_twice_are_faults() {
    let pair = |pack: Pack, key: &str, value: &[u8]| pack.bin(key.as_bytes()).raw(value);
    let fields: [(&str, &[u8]); 5] =
        [("nd", b"\xc3"), ("type", b"\xa3|u1"), ("kind", b"\xc4\x00"), ("shape", b"\x91\x01"), ("data", b"\xc4\x01a")];
    for (twice, again) in fields {
        let whole = fields.iter().fold(Pack::map(6), |pack, (key, value)| pair(pack, key, value));
        // The other form of the key is the same key.
        let message = whole.str(twice);
        let offset = message.0.len() as u64;
        let message = message.raw(again).0;
        let ValueRef::Faulty(_, error) = ValueRef::decode(&message).unwrap() else { panic!("{twice}") };
        assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::DuplicateField, offset, "value"));
    }
    // Any other key may be there as often as it likes.
    let whole = fields.iter().fold(Pack::map(7), |pack, (key, value)| pair(pack, key, value));
    let message = whole.str("x").raw(b"\x01").str("x").raw(b"\x02").0;
    assert!(matches!(ValueRef::decode(&message).unwrap(), ValueRef::Array(_)));
}

#[test]
fn data_of_a_complex_number_that_is_there_twice_is_a_fault() {
    let head = Pack::map(3).bin(b"complex").raw(&[0xc3]).bin(b"data").str("1j").bin(b"data");
    let offset = head.0.len() as u64;
    let message = head.str("2j").0;
    let value = ValueRef::decode(&message).unwrap();
    let ValueRef::Faulty(_, error) = value else { panic!("{value:?}") };
    assert_eq!((error.kind(), error.offset(), error.what()), (DecodeErrorKind::DuplicateField, offset, "value"));
}
