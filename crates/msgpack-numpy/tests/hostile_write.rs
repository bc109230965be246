//! What means harm to the index, to owned values and to writing: input, shapes, strides and lengths. One test or comment for each bug class
//! R1 to R15; views and tokens have theirs in `hostile.rs`.

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
#[path = "common/layout.rs"]
mod layout;
#[path = "common/meaning.rs"]
mod meaning;

use bytes::Bytes;
use common::{Pack, array, array_of, golden};
use layout::Layout;
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, DTypeRef, DecodeError, DecodeErrorKind, Field, Limit, Limits, Node, StridedArrayRef, Tape,
    Value, ValueRef, Writer,
};
use testkit::laws::{self, hostile_lengths};
use testkit::rng::{self, Rng};
use testkit::vectors::to_hex;
use testkit::{SMALL_STACK, assert_no_alloc, measure, on_small_stack};

/// One way to read to the end, and what it may take of the heap for an input and the lists and maps in it.
type Entry = (&'static str, fn(&[u8], &Limits) -> Result<(), DecodeError>, fn(usize, usize) -> usize);

/// Every public way to read a whole value that takes memory. R15: whoever adds one adds it here.
const ENTRIES: [Entry; 2] = [
    // Twelve bytes a container, four at first, doubled to grow.
    (
        "Tape::parse",
        |bytes, limits| Tape::new().parse(bytes, limits).map(drop),
        |_, containers| {
            if containers == 0 { 0 } else { (24 * containers).max(48) }
        },
    ),
    // The copy that it is given here, and the count of those who share it.
    (
        "Value::decode_bytes_with",
        |bytes, limits| Value::decode_bytes_with(&Bytes::copy_from_slice(bytes), limits).map(drop),
        |len, _| len + 64,
    ),
];

/// A way to read an array.
type OfArray = (&'static str, fn(&[u8], &Limits) -> Result<(), DecodeError>);

/// The same for an array alone.
const ARRAYS: [OfArray; 2] = [
    ("ArrayRef::decode_with", |bytes, limits| ArrayRef::decode_with(bytes, limits).map(drop)),
    ("Array::decode_bytes_with", |bytes, limits| {
        Array::decode_bytes_with(&Bytes::copy_from_slice(bytes), limits).map(drop)
    }),
];

#[test]
fn r01_lengths_from_the_wire_reserve_nothing() {
    let mut count = 0;
    for before in [&b""[..], b"\x91", b"\x92\x01", b"\x81\xa1a", b"\x82\xc0\xc0\xc4\x02nd"] {
        for (head, size) in [(0xc6_u8, 4), (0xc9, 4), (0xdb, 4), (0xdc, 2), (0xdd, 4), (0xde, 2), (0xdf, 4)] {
            for len in hostile_lengths(8 * size as u32, 3) {
                if len <= 3 {
                    continue;
                }
                let input = [before, &[head], &len.to_be_bytes()[8 - size..], b"\x01\x02\x03"].concat();
                for (way, decode, room) in ENTRIES {
                    laws::totality(&input, room(input.len(), 1), |bytes| {
                        let error = decode(bytes, &Limits::DEFAULT).expect_err(way);
                        assert_eq!(
                            (error.kind(), error.offset()),
                            (DecodeErrorKind::UnexpectedEnd, input.len() as u64)
                        );
                    });
                }
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
    // A list that is announced, and a shape that is claimed.
    let (missing, stats) = measure(|| {
        let mut writer = Writer::new();
        writer.list(u32::MAX).unwrap();
        writer.map(u32::MAX).unwrap();
        writer.finish().unwrap_err()
    });
    assert!(stats.peak < 200, "{missing} {stats:?}");
    for len in hostile_lengths(64, 3) {
        let dtype = DType::parse("|u1").unwrap();
        let (found, stats) = measure(|| Array::new(dtype.clone(), vec![len], b"abc"));
        assert_eq!((found.is_ok(), stats.peak <= 64), (len == 3, true), "{stats:?}");
    }
}

#[test]
fn r02_owned_values_take_a_stated_multiple_of_their_input() {
    const N: usize = if cfg!(miri) { 100 } else { 20_000 };
    // The most of all: fields of one letter; and such that are alone in their dtype, since a vector begins with room for four.
    let field = Pack::default().raw(&[0x92]).str("a").str("|u1").0;
    let deep = [&b"\x92\xa1p\x91".repeat(7)[..], &field].concat();
    for (unit, ratio) in [(&field, 40), (&deep, 120)] {
        let descr = [&[0xdd][..], &(N as u32).to_be_bytes(), &unit.repeat(N)].concat();
        let message = array_of(&descr, b"V", &[1], &Pack::default().bin(&vec![0; N]).0);
        let view = ArrayRef::decode(&message).unwrap();
        let (owned, stats) = measure(|| view.into_owned());
        assert_eq!(owned.as_ref(), view);
        assert!(stats.peak <= ratio * message.len(), "{} bytes of {}", stats.peak, message.len());
    }
    let axes = array("|u1", &[1; 64], b"a");
    let (owned, stats) = measure(|| Array::decode(&axes).unwrap());
    assert!(stats.peak <= 10 * axes.len(), "{stats:?} {owned:?}");
    // Values keep the bytes as they are, whatever is in them.
    for element in [&b"\xc0"[..], b"\x90", b"\x80", &axes] {
        let input: Bytes = [&[0xdd][..], &(N as u32).to_be_bytes(), &element.repeat(N)].concat().into();
        let (value, stats) = measure(|| Value::decode_bytes(&input).unwrap());
        // To share it at all it is given a count.
        assert!(stats.bytes <= 64, "{stats:?}");
        let (copy, stats) = measure(|| value.as_ref().into_owned().unwrap());
        assert!(stats.bytes <= input.len() as u64 + 64, "{stats:?}");
        assert_eq!(copy, value);
        assert_no_alloc(|| assert!(value.clone() == copy));
    }
}

/// What only opens.
const OPENERS: [(&str, &[u8]); 6] = [
    ("list of one", b"\x91"),
    ("list of fifteen", b"\x9f"),
    ("value of a map", b"\x81\xa1a"),
    ("key of a map", b"\x81"),
    ("data of an array", b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3<i2\xc4\x04kind\xc4\x00\xc4\x05shape\x90\xc4\x04data"),
    ("type of an array", b"\x81\xc4\x04type"),
];

#[test]
fn r03_a_mebibyte_of_openers_is_refused_at_the_limit() {
    const LEN: usize = if cfg!(miri) { 1 << 12 } else { 1 << 20 };
    for (name, unit) in OPENERS {
        let input = unit.repeat(LEN / unit.len());
        for max_depth in [0_u8, 1, 64, 255] {
            let limits = Limits::DEFAULT.with_max_depth(max_depth);
            let expected = ValueRef::decode_with(&input, &limits).unwrap_err();
            assert_eq!(expected.limit(), Some(Limit::MaxDepth), "{name}");
            for (way, decode, room) in ENTRIES {
                // An array has a shape beside the next.
                laws::totality(&input, room(input.len(), 2 * usize::from(max_depth) + 1), |bytes| {
                    assert_eq!(decode(bytes, &limits), Err(expected), "{way}, {name}, {max_depth}");
                });
            }
            for (way, decode) in ARRAYS {
                on_small_stack(SMALL_STACK, || assert_eq!(decode(&input, &limits), Err(expected), "{way}, {name}"));
            }
        }
    }
}

fn count(node: Node<'_, '_>) -> usize {
    // Only this test recurses.
    1 + node.children().map(count).sum::<usize>()
}

/// As deep as values may be, by all that could recurse.
#[test]
fn r03_values_at_the_limit_need_no_stack() {
    for (open, close) in [(&b"\x91"[..], &b"\x07"[..]), (b"\x81\xa1a", b"\x07"), (b"\x92\xc0", b"\x90")] {
        let levels = if close == b"\x90" { 254 } else { 255 };
        let input: Bytes = [&open.repeat(levels), close].concat().into();
        let limits = Limits::DEFAULT.with_max_depth(255);
        on_small_stack(SMALL_STACK, || {
            let value = Value::decode_bytes_with(&input, &limits).unwrap();
            let copy = value.as_ref().into_owned().unwrap();
            assert_eq!((copy.clone(), format!("{value:?}")), (value.clone(), format!("{:?}", value.as_ref())));
            let mut tape = Tape::new();
            let tree = tape.parse(&input, &limits).unwrap();
            let mut node = tree.root();
            let mut down = 0;
            while let Some(last) = node.children().last() {
                node = last;
                down += 1;
            }
            assert_eq!((down, format!("{tree:?}")), (levels, format!("{value:?}")));
            let mut writer = Writer::with_limits(limits);
            writer.value(value.as_ref()).unwrap();
            assert_eq!(writer.finish().unwrap().to_vec(), input);
            let mut writer = Writer::with_limits(limits);
            (0..255).for_each(|_| writer.list(1).unwrap());
            drop(writer.clone());
            writer.nil().unwrap();
            assert_eq!(writer.finish().unwrap().len(), 256);
            drop((value, copy));
        });
    }
    let input = [&b"\x91".repeat(63)[..], b"\x90"].concat();
    assert_eq!(count(Tape::new().parse(&input, &Limits::DEFAULT).unwrap().root()), 64);
}

/// Fields in one another, so many levels.
fn nested(levels: usize) -> Option<DType> {
    let mut dtype = DType::parse("<i4").unwrap();
    for level in 0..levels {
        let size = dtype.itemsize().unwrap();
        let field = Field { name: format!("f{level}"), title: Some("t".into()), offset: 0, dtype, shape: vec![2] };
        dtype = DType::structured(vec![field], 2 * size)?;
    }
    Some(dtype)
}

#[test]
fn r03_dtypes_are_eight_deep_and_no_deeper() {
    assert_eq!((nested(9), nested(300)), (None, None));
    on_small_stack(SMALL_STACK, || {
        let dtype = nested(8).unwrap();
        let copy = dtype.clone();
        assert_eq!((&copy, format!("{copy:?}")), (&dtype, format!("{dtype:?}")));
        assert_eq!(copy.as_ref(), dtype.as_ref());
        assert_eq!(dtype.to_string().matches('[').count(), 8);
        let array = Array::new(dtype.clone(), vec![1], vec![7; 4 << 8]).unwrap();
        let bytes = array.encode_to_vec().unwrap();
        // Eight lists, each in a field: with the map 17, and its names and sub-arrays one more.
        for (max_depth, is_ok) in [(17, false), (18, true)] {
            let limits = Limits::DEFAULT.with_max_depth(max_depth);
            assert_eq!(ArrayRef::decode_with(&bytes, &limits).is_ok(), is_ok);
            let mut writer = Writer::with_limits(limits);
            assert_eq!(writer.array(array.as_ref()).is_ok(), is_ok);
        }
        let back = ArrayRef::decode(&bytes).unwrap();
        let owned = back.dtype().into_owned();
        assert_eq!((&owned, back), (&dtype, array.as_ref()));
        drop((dtype, copy, owned));
    });
    // One more from the wire is opaque, and stays as it is.
    let inner = nested(8).unwrap().as_ref().into_owned();
    let whole = Array::new(inner, vec![0], b"").unwrap().encode_to_vec().unwrap();
    let start = whole.windows(5).position(|window| window == b"\xc4\x04typ").unwrap() + 6;
    let end = whole.windows(5).position(|window| window == b"\xc4\x04kin").unwrap();
    let descr = Pack::default().raw(&[0x91, 0x92]).str("more").raw(&whole[start..end]).0;
    let message = array_of(&descr, b"V", &[0], b"\xc4\x00");
    on_small_stack(SMALL_STACK, || {
        let array = Array::decode(&message).unwrap();
        let DTypeRef::Opaque(opaque) = array.dtype().as_ref() else { panic!("{array:?}") };
        assert_eq!(opaque.as_encoded(), descr);
        assert_eq!(Array::decode(&array.encode_to_vec().unwrap()).unwrap(), array);
    });
}

#[test]
fn r04_every_prefix_is_refused_and_every_mutation_is_taken() {
    for class in ["valid", "legacy"] {
        for (vector, bytes) in golden(class).into_iter().filter(|(_, bytes)| bytes.len() < 120) {
            if cfg!(miri) && bytes.len() > 40 {
                continue;
            }
            for end in 0..bytes.len() {
                for (_, decode, _) in ENTRIES {
                    let error = decode(&bytes[..end], &Limits::DEFAULT).unwrap_err();
                    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::UnexpectedEnd, end as u64));
                }
                for (_, decode) in ARRAYS {
                    assert_eq!(decode(&bytes[..end], &Limits::DEFAULT).unwrap_err().offset(), end as u64);
                }
            }
            for hostile in laws::mutations(&bytes).step_by(if cfg!(miri) { 37 } else { 9 }) {
                let run = std::panic::catch_unwind(|| write_again(&hostile));
                assert!(run.is_ok(), "{}: {}", vector["name"], to_hex(&hostile));
            }
        }
    }
}

/// What can be read is written, and read again: the same.
fn write_again(bytes: &[u8]) {
    let Ok(value) = ValueRef::decode(bytes) else { return };
    match value.encode_to_vec() {
        Ok(again) => {
            let mut tape = Tape::new();
            let tree = tape.parse(&again, &Limits::DEFAULT).unwrap();
            assert_eq!(meaning::of(tree.root().value()), meaning::of(value));
            assert_eq!(value.into_owned().unwrap().as_encoded(), &again);
            if let ValueRef::Array(array) = value {
                assert_eq!(Array::decode(bytes).unwrap().as_ref(), array);
            }
        }
        Err(error) => panic!("{error}"),
    }
}

// R5 and R6: `hostile_sizes.rs`.

#[test]
fn r07_writing_takes_linear_time() {
    if cfg!(miri) {
        return;
    }
    let array = Array::from_slice(&[2], &[1_u8, 2]).unwrap();
    laws::linear_cpu(
        1000,
        |n| n,
        |n| {
            let mut writer = Writer::new();
            writer.list(2 * n as u32).unwrap();
            for _ in 0..n {
                writer.array(array.as_ref()).unwrap();
                writer.str("text").unwrap();
            }
            let encoded = writer.finish().unwrap();
            encoded.slices().map(<[u8]>::len).sum::<usize>()
        },
    );
    // Wide dtypes, and deep ones, are described in one go.
    let wide = |n: usize| {
        let field = Pack::default().raw(&[0x92]).str("a").str("|u1").0;
        let inner = [&[0xdd][..], &(n as u32).to_be_bytes(), &field.repeat(n)].concat();
        let descr = Pack::default().raw(&[0x91, 0x92]).str("p").raw(&[0x91, 0x92]).str("q").raw(&inner).0;
        array_of(&descr, b"V", &[0], b"\xc4\x00")
    };
    laws::linear_cpu(200, wide, |message| {
        let array = ArrayRef::decode(&message).unwrap();
        let mut writer = Writer::new();
        writer.array(array).unwrap();
        (writer.finish().unwrap().len(), array.encoded_len().unwrap(), array.into_owned().as_ref() == array)
    });
    let strided = |n: usize| vec![0_u8; 4 * n];
    laws::linear_cpu(1000, strided, |data| {
        let dtype = DType::parse("<i2").unwrap();
        let shape = [data.len() as u64 / 4, 2];
        StridedArrayRef::new(dtype.as_ref(), &shape, &[4, -2], &data, 2).unwrap().encode_to_vec().unwrap()
    });
}

/// Each level of a dtype in another is passed a few times, and not as often as there are ways down. Only the ratio of two times is judged.
#[test]
fn r07_deep_dtypes_cost_little_more_than_flat_ones() {
    if cfg!(miri) {
        return;
    }
    let field = Pack::default().raw(&[0x92]).str("a").str("|u1").0;
    let deep = [&b"\x92\xa1p\x91".repeat(7)[..], &field].concat();
    let message = |unit: &[u8]| {
        let n = 40_000 / unit.len();
        let descr = [&[0xdd][..], &(n as u32).to_be_bytes(), &unit.repeat(n)].concat();
        array_of(&descr, b"V", &[0], b"\xc4\x00")
    };
    let messages = [message(&field), message(&deep)];
    for name in ["read", "written", "owned", "printed"] {
        let work = |array: ArrayRef<'_>| match name {
            "written" => array.encoded_len().unwrap(),
            "owned" => array.into_owned().shape().len(),
            "printed" => array.dtype().to_string().len(),
            _ => 0,
        };
        let time = |message: &[u8]| {
            let run = || {
                let start = laws::thread_cpu_time();
                let seen = work(ArrayRef::decode(message).unwrap());
                (laws::thread_cpu_time() - start, seen)
            };
            (0..3).map(|_| run().0).min().unwrap().as_secs_f64()
        };
        let [flat, deep] = [&messages[0], &messages[1]].map(|message| time(message));
        assert!(deep < 40.0 * flat.max(1e-6), "{name}: {} times", deep / flat);
    }
}

// R8: each call writes a value or says why not, and `finish` tells what lacks; `values_are_counted` in `writer.rs`.

/// Reads at any alignment, and none outside of the data: a page behind it may not be touched.
#[test]
fn r09_strided_arrays_are_read_within_their_data() {
    let mut rng = Rng::new(rng::seed());
    for size in [1_u64, 2, 3, 4, 8, 12, 16] {
        let dtype = DType::parse(&format!("|S{size}")).unwrap();
        for name in layout::LAYOUTS {
            let array = Layout::random(name, size, &mut rng);
            let Layout { shape, strides, start, data } = &array;
            let expected = array.items(size);
            let check = |data: &[u8]| {
                let strided = StridedArrayRef::new(dtype.as_ref(), shape, strides, data, *start).unwrap();
                assert_eq!(strided.to_array().unwrap().data(), expected);
            };
            testkit::slices::at_every_offset(data, check);
            #[cfg(all(unix, not(miri)))]
            for end in (0..=data.len()).rev() {
                testkit::slices::before_guard_page(&data[..end], |data| {
                    if StridedArrayRef::new(dtype.as_ref(), shape, strides, data, *start).is_ok() {
                        check(data);
                    }
                });
            }
        }
    }
}

// R10: times are counts, which are written as they came.

#[test]
fn r11_pickles_are_written_as_they_came() {
    for program in [&b"cos\nsystem\n(S'exit 1'\ntR."[..], b"\x80\x02}q\x00.", b"", b"xx"] {
        for dtype in [&b"\xc0"[..], b"\xa3<i2", b"\x91\x92\xa0\xa2|O", b"\xa2|O"] {
            let message = array_of(dtype, b"O", &[3], &Pack::default().bin(program).0);
            let value = ValueRef::decode(&message).unwrap();
            let ValueRef::Pickle(pickle) = value else { panic!("{value:?}") };
            let owned = value.into_owned().unwrap();
            let ValueRef::Pickle(copy) = owned.as_ref() else { panic!("{owned:?}") };
            assert_eq!((copy, copy.pickle()), (pickle, program));
            assert_eq!(pickle.encode_to_vec().unwrap(), value.encode_to_vec().unwrap());
            assert!(ArrayRef::decode(&message).is_err() && Array::decode(&message).is_err());
        }
    }
}

/// One fault costs its own map only, and that is written as it came.
#[test]
fn r12_a_faulty_array_harms_no_other() {
    let good = array("<i2", &[2], &[1, 0, 2, 0]);
    for (vector, bad) in golden("malformed") {
        if ValueRef::decode(&bad).is_err() {
            continue;
        }
        let input = [&[0x93][..], &good, &bad, &good].concat();
        let mut tape = Tape::new();
        let tree = tape.parse(&input, &Limits::DEFAULT).unwrap();
        let mut writer = Writer::new();
        writer.list(3).unwrap();
        tree.root().children().for_each(|node| writer.value(node.value()).unwrap());
        let written = writer.finish().unwrap().to_vec();
        let again = tape.parse(&written, &Limits::DEFAULT).unwrap();
        let [first, middle, last] = [0, 1, 2].map(|index| again.root().at(index).unwrap().value());
        assert_eq!(first, ValueRef::decode(&good).unwrap(), "{}", vector["name"]);
        assert_eq!((first, meaning::of(middle)), (last, meaning::of(ValueRef::decode(&bad).unwrap())));
    }
}

// R13: nothing is waited for. A tape keeps the room of the largest value, as its docs say: `tree.rs`.

/// Numbers that print long.
#[test]
fn r14_complex_numbers_print_in_bounded_room() {
    let all = [f64::MAX, -f64::MAX, f64::MIN_POSITIVE, -5e-324, 1e15, -1.234_567_890_123_456_7e-4, 0.0, -0.0, f64::NAN];
    for real in all {
        for imaginary in all {
            let bytes = ValueRef::Complex(real, imaginary).encode_to_vec().unwrap();
            let value = ValueRef::decode(&bytes).unwrap();
            assert!(bytes.len() < 18 + 2 + 52, "{value:?}");
            assert_eq!(meaning::of(value), meaning::of(ValueRef::Complex(real, imaginary)));
        }
    }
}

#[test]
fn r15_every_way_to_read_honours_every_limit() {
    let deep = b"\x91\x91\x91\x01";
    for (way, decode, _) in ENTRIES {
        assert_eq!(decode(deep, &Limits::DEFAULT.with_max_depth(3)), Ok(()), "{way}");
        let error = decode(deep, &Limits::DEFAULT.with_max_depth(2)).expect_err(way);
        assert_eq!((error.limit(), error.offset()), (Some(Limit::MaxDepth), 2), "{way}");
    }
    let message = array("|u1", &[1, 1, 1], b"a");
    for (way, decode) in ARRAYS {
        assert_eq!(decode(&message, &Limits::DEFAULT), Ok(()), "{way}");
        assert_eq!(decode(&message, &Limits::DEFAULT.with_max_depth(2).with_max_axes(3)), Ok(()), "{way}");
        let error = decode(&message, &Limits::DEFAULT.with_max_depth(1)).expect_err(way);
        assert_eq!(error.limit(), Some(Limit::MaxDepth), "{way}");
        let error = decode(&message, &Limits::DEFAULT.with_max_axes(2)).expect_err(way);
        assert_eq!((error.limit(), error.what()), (Some(Limit::MaxAxes), "shape"), "{way}");
        let error = decode(b"\x90", &Limits::DEFAULT).expect_err(way);
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::UnexpectedType, 0), "{way}");
    }
    // Without limits they are the defaults.
    for axes in [64, 65] {
        let message = array("|u1", &vec![1; axes], b"a");
        let bytes = Bytes::copy_from_slice(&message);
        let verdicts =
            [Array::decode(&message).is_ok(), Array::decode_bytes(&bytes).is_ok(), ArrayRef::decode(&message).is_ok()];
        assert_eq!(verdicts, [axes == 64; 3]);
        let value = Value::decode_bytes(&bytes).unwrap();
        assert_eq!(matches!(value.as_ref(), ValueRef::Array(_)), axes == 64);
        let lists: Bytes = [&b"\x91".repeat(axes)[..], b"\x01"].concat().into();
        assert_eq!(Value::decode_bytes(&lists).is_ok(), axes == 64);
        let mut writer = Writer::new();
        assert_eq!((0..axes).filter(|_| writer.list(1).is_ok()).count(), 64);
    }
}
