//! The writer: what it borrows, what it refuses and in which state it is then, and that it counts as readers do.

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
#[path = "common/meaning.rs"]
mod meaning;
#[path = "common/tagged.rs"]
mod tagged;

use common::{Pack, array, array_of};
use msgpack_numpy_codec::{
    Array, ArrayRef, DType, EncodeError, Encoded, Limit, Limits, ScalarRef, ShapeRef, StridedArrayRef, ValueRef, Writer,
};
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config as Cases;
use rmpv::Value as Peer;
use tagged::{documents, encoded};
use testkit::vectors::to_hex;
use testkit::{laws, measure};

const NO_LIMIT: Limits = Limits::DEFAULT.with_max_depth(255);

fn finished(writer: Writer<'_>) -> Vec<u8> {
    writer.finish().unwrap().to_vec()
}

/// Lists and maps in one another, by rmpv.
fn depth(value: &Peer) -> usize {
    match value {
        Peer::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Peer::Map(entries) => 1 + entries.iter().map(|(key, value)| depth(key).max(depth(value))).max().unwrap_or(0),
        _ => 0,
    }
}

/// A value of each kind and form of dtype: name and encoding.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let bin = |bytes: &[u8]| Pack::default().bin(bytes).0;
    let with = |dtype: &[u8], kind: &[u8]| array_of(dtype, kind, &[1], &bin(b"abcd"));
    let scalar = |dtype: &[u8], data: &[u8]| {
        Pack::map(3).bin(b"nd").raw(b"\xc2").bin(b"type").raw(dtype).bin(b"data").bin(data).0
    };
    vec![
        ("nil", b"\xc0".to_vec()),
        ("text", b"\xa1a".to_vec()),
        ("bytes", b"\xc4\x01a".to_vec()),
        ("empty list", b"\x90".to_vec()),
        ("empty map", b"\x80".to_vec()),
        ("list", b"\x92\x91\x90\x01".to_vec()),
        ("map", b"\x82\x90\x91\x01\x02\x81\x03\x80".to_vec()),
        ("plain array", array("<i2", &[2], b"abcd")),
        ("plain array without axes", array("<i4", &[], b"abcd")),
        ("void array", array("|V4", &[1], b"abcd")),
        ("fields", with(b"\x92\x92\xa1a\xa3<i2\x92\xa1b\xa3<i2", b"V")),
        ("fields without axes", array_of(b"\x91\x92\xa1a\xa3<i4", b"V", &[], &bin(b"abcd"))),
        ("gap", with(b"\x92\x92\xa0\xa3|V2\x92\xa1b\xa3<i2", b"V")),
        ("sub-array", with(b"\x91\x93\xa1a\xa3<i2\x91\x02", b"V")),
        ("sub-array told by an integer", with(b"\x91\x93\xa1a\xa3<i2\x02", b"V")),
        ("title", with(b"\x91\x92\x92\xa1t\xa1a\xa3<i4", b"V")),
        ("title of the second", with(b"\x92\x92\xa1b\xa3<i2\x92\x92\xa1t\xa1a\xa3<i2", b"V")),
        ("nested", with(b"\x91\x92\xa1p\x91\x92\xa1a\xa3<i4", b"V")),
        ("nested and sub-array", with(b"\x91\x93\xa1p\x91\x92\xa1a\xa3<i2\x91\x02", b"V")),
        ("nested sub-array", with(b"\x91\x92\xa1p\x91\x93\xa1a\xa3<i2\x91\x02", b"V")),
        ("nested title", with(b"\x91\x92\xa1p\x91\x92\x92\xa1t\xa1a\xa3<i4", b"V")),
        ("nested beside title", with(b"\x92\x92\x92\xa1t\xa1b\xa3<i2\x92\xa1p\x91\x92\xa1a\xa3<i2", b"V")),
        ("nested twice", with(b"\x91\x92\xa1p\x91\x92\xa1q\x91\x92\xa1a\xa3<i4", b"V")),
        ("nested gap", with(b"\x91\x92\xa1p\x92\x92\xa0\xa3|V2\x92\xa1a\xa3<i2", b"V")),
        ("opaque list", with(b"\x91\xa1a", b"")),
        ("opaque lists", with(b"\x91\x91\x91\x91\xa2|O", b"V")),
        ("opaque map", with(b"\x81\xa1a\x91\x01", b"x")),
        ("scalar", scalar(b"\xa3<i4", b"abcd")),
        ("void scalar", scalar(b"\xa3|V4", b"abcd")),
        ("void scalar by its field", scalar(b"\x91\x92\xa0\xa3|V4", b"abcd")),
        ("scalar with fields", scalar(b"\x91\x92\xa1a\xa3<i4", b"abcd")),
        ("scalar with a title", scalar(b"\x91\x92\x92\xa1t\xa1a\xa3<i4", b"abcd")),
        ("opaque scalar", scalar(b"\xa3<i3", b"abc")),
        ("opaque scalar of nil", scalar(b"\xc0", b"abc")),
        ("opaque scalar of lists", scalar(b"\x91\x91\x90", b"abc")),
        ("complex number", Pack::map(2).bin(b"complex").raw(b"\xc3").bin(b"data").str("1j").0),
        ("pickle", array_of(b"\x91\x92\xa0\xa2|O", b"O", &[3], &bin(b"N."))),
        ("pickle of lists", array_of(b"\x91\x91\x91\x91\x90", b"O", &[3], &bin(b"N."))),
        ("masked", array_of(b"\xa3<i2", b"", &[2], &array("<i2", &[2], b"abcd"))),
        ("fault", array("<i2", &[2], b"abc")),
        ("deep fault", array_of(b"\xa3<i2", b"", &[2], b"\x91\x91\x91\x90")),
    ]
}

/// Writes one value.
type Write<'a> = Box<dyn Fn(&mut Writer<'a>) -> Result<(), EncodeError> + 'a>;

/// What is to be lent to a writer besides the value.
struct Parts {
    array: Option<Array>,
    strides: Vec<i64>,
}

impl Parts {
    fn of(value: ValueRef<'_>) -> Self {
        let array = if let ValueRef::Array(array) = value { Some(array.into_owned()) } else { None };
        let strides = array.as_ref().map_or(0, |array| array.shape().len());
        Self { array, strides: vec![2; strides] }
    }

    /// The value by all methods of the writer that take it.
    fn ways<'a>(&'a self, value: ValueRef<'a>) -> Vec<(&'static str, Write<'a>)> {
        let mut all: Vec<(&'static str, Write<'a>)> = vec![("value", Box::new(move |writer| writer.value(value)))];
        if let Some(owned) = &self.array {
            all.push(("array", Box::new(|writer| writer.array(owned.as_ref()))));
            let dtype = owned.dtype().as_ref();
            if let Ok(strided) = StridedArrayRef::new(dtype, owned.shape(), &self.strides, owned.data(), 0) {
                all.push(("strided", Box::new(move |writer| writer.strided(strided))));
            }
        }
        match value {
            ValueRef::Array(array) => all.push(("array as it lies", Box::new(move |writer| writer.array(array)))),
            ValueRef::Scalar(scalar) => all.push(("scalar", Box::new(move |writer| writer.scalar(scalar)))),
            ValueRef::Complex(re, im) => all.push(("complex", Box::new(move |writer| writer.complex(re, im)))),
            ValueRef::Bin(bytes) => all.push(("bin", Box::new(move |writer| writer.bin(bytes)))),
            _ => {}
        }
        all
    }
}

/// What a writer takes under a limit a reader takes under the same, and what it refuses the reader refuses.
fn assert_depth(name: &str, came: &[u8]) {
    let value = ValueRef::decode_with(came, &NO_LIMIT).unwrap();
    let written = value.encode_to_vec().unwrap();
    let own = depth(&rmpv::decode::read_value(&mut &written[..]).unwrap());
    let parts = Parts::of(value);
    for (way, write) in parts.ways(value) {
        for around in 0..4 {
            for max_depth in 0..=own + around + 2 {
                let place = format!("{name} by {way}, {around} lists around, max_depth {max_depth}");
                let limits = Limits::DEFAULT.with_max_depth(max_depth as u8);
                let error = EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: max_depth as u64 };
                let mut writer = Writer::with_limits(limits);
                let mut lists = 0;
                for _ in 0..around {
                    let fits = lists < max_depth;
                    assert_eq!(writer.list(1), if fits { Ok(()) } else { Err(error) }, "{place}");
                    lists += usize::from(fits);
                }
                assert_eq!(lists, around.min(max_depth), "{place}");
                let before = format!("{writer:?}");
                let taken = write(&mut writer);
                // A value that is no container may stand where nothing fits any more.
                let fits = own == 0 || lists + own <= max_depth;
                assert_eq!(taken, if fits { Ok(()) } else { Err(error) }, "{place}: {own} deep");
                if !fits {
                    assert_eq!(format!("{writer:?}"), before, "{place}");
                    writer.nil().unwrap();
                }
                let bytes = finished(writer);
                assert!(ValueRef::decode_with(&bytes, &limits).is_ok(), "{place}");
                let whole = [&b"\x91".repeat(lists)[..], &written].concat();
                assert_eq!(ValueRef::decode_with(&whole, &limits).is_ok(), fits, "{place}");
                if fits {
                    assert!(bytes.starts_with(&b"\x91".repeat(lists)) && bytes.len() > lists, "{place}");
                }
            }
        }
    }
}

#[test]
fn depth_counts_as_for_readers() {
    for (name, came) in forms() {
        assert_depth(name, &came);
    }
}

/// The list of axes counts where `type` has no list.
#[test]
fn depth_counts_as_for_readers_where_the_type_is_no_list() {
    for dtype in [&b"\xa3<i3"[..], b"\xc0", b"\x07"] {
        for kind in [&b""[..], b"x"] {
            assert_depth("opaque", &array_of(dtype, kind, &[1], b"\xc4\x02ab"));
        }
        assert_depth("pickle", &array_of(dtype, b"O", &[1], b"\xc4\x02ab"));
    }
}

/// A dtype without fields is a list of nothing.
#[test]
fn depth_counts_as_for_readers_where_a_field_has_no_fields() {
    assert_depth("no fields", &array_of(b"\x92\x92\xa1a\xa3|u1\x92\xa1b\x90", b"V", &[1], b"\xc4\x01a"));
}

/// One that is wider than a void can be is told by a shape.
#[test]
fn depth_counts_as_for_readers_where_a_gap_is_wide() {
    let (wide, field) = (&b"\x92\xa0\xac|V4294967295"[..], &b"\x92\xa1a\xa3|u1"[..]);
    let empty = |descr: &[&[u8]]| array_of(&descr.concat(), b"V", &[0], b"\xc4\x00");
    assert_depth("wider", &empty(&[b"\x93", wide, wide, field]));
    assert_depth("behind", &empty(&[b"\x93", field, wide, wide]));
    assert_depth("nested", &empty(&[b"\x91\x92\xa1p\x93", wide, wide, field]));
    assert_depth("beside what is nested", &empty(&[b"\x93", wide, wide, b"\x92\xa1p\x91", field]));
}

/// Gaps count, whether there are fields or not.
#[test]
fn depth_counts_as_for_readers_where_all_is_a_gap() {
    assert_depth("nested", &array_of(b"\x91\x92\xa1p\x91\x92\xa0\xa3|V4", b"V", &[1], b"\xc4\x04abcd"));
    let wide = b"\x92\xa0\xac|V4294967295";
    let descr = [&b"\x92"[..], wide, wide].concat();
    assert_depth("wide", &array_of(&descr, b"V", &[0], b"\xc4\x00"));
}

/// Items may be wide, and their gaps not.
#[test]
fn depth_counts_as_for_readers_where_items_are_wide_and_no_gap_is() {
    let descr = [&b"\x92"[..], b"\x92\xa1a\xac|V4294967295", b"\x92\xa1b\xac|V4294967295"].concat();
    assert_depth("fields", &array_of(&descr, b"V", &[0], b"\xc4\x00"));
    let descr = [&b"\x92"[..], b"\x92\xa0\xac|V4294967295", b"\x92\xa1b\xa3|u1"].concat();
    assert_depth("the widest void", &array_of(&descr, b"V", &[0], b"\xc4\x00"));
}

/// Lists and maps of the writer's own count, empty ones too.
#[test]
fn lists_and_maps_are_refused_at_the_limit() {
    for max_depth in [0_u8, 1, 2, 64, 255] {
        let limits = Limits::DEFAULT.with_max_depth(max_depth);
        let error = Err(EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: max_depth.into() });
        let mut writer = Writer::with_limits(limits);
        for level in 0..max_depth {
            if level % 2 == 0 { writer.list(1) } else { writer.map(1).and_then(|()| writer.nil()) }.unwrap();
        }
        let before = format!("{writer:?}");
        for len in [0, 1, u32::MAX] {
            assert_eq!((writer.list(len), writer.map(len)), (error, error), "{max_depth}");
        }
        assert_eq!(format!("{writer:?}"), before);
        writer.bool(true).unwrap();
        let bytes = finished(writer);
        assert!(ValueRef::decode_with(&bytes, &limits).is_ok());
        assert_eq!(depth(&rmpv::decode::read_value(&mut &bytes[..]).unwrap()), usize::from(max_depth));
    }
}

#[test]
fn axes_count_as_for_readers() {
    let pickle = array_of(b"\x91\x92\xa0\xa2|O", b"O", &[1; 3], b"\xc4\x01.");
    let fields = array_of(b"\x91\x93\xa1a\xa3|u1\x94\x01\x01\x01\x01", b"V", &[1; 3], b"\xc4\x01a");
    let messages =
        [array("|u1", &[1; 3], b"a"), array("|V1", &[1; 3], b"a"), array("bogus", &[1; 3], b"a"), pickle, fields];
    for message in &messages {
        let value = ValueRef::decode(message).unwrap();
        let parts = Parts::of(value);
        for max_axes in 0..5 {
            let limits = Limits::DEFAULT.with_max_axes(max_axes);
            let expected = if max_axes >= 3 {
                Ok(())
            } else {
                Err(EncodeError::LimitExceeded { limit: Limit::MaxAxes, max: max_axes.into() })
            };
            for (way, write) in parts.ways(value) {
                let mut writer = Writer::with_limits(limits);
                writer.list(2).unwrap();
                let before = format!("{writer:?}");
                assert_eq!(write(&mut writer), expected, "{way} {max_axes}");
                if expected.is_err() {
                    assert_eq!(format!("{writer:?}"), before);
                    writer.nil().unwrap();
                }
                writer.nil().unwrap();
                let bytes = finished(writer);
                let ValueRef::List(list) = ValueRef::decode_with(&bytes, &limits).unwrap() else { panic!() };
                let first = list.iter().next().unwrap();
                assert_eq!(matches!(first, ValueRef::Array(_) | ValueRef::Pickle(_)), max_axes >= 3);
                let alone = ValueRef::decode_with(message, &limits).unwrap();
                assert_eq!(matches!(alone, ValueRef::Faulty(..)), max_axes < 3);
            }
        }
    }
    // Scalars have none.
    let mut writer = Writer::with_limits(Limits::DEFAULT.with_max_axes(0));
    writer.scalar(ScalarRef::new(DType::parse("|u1").unwrap().as_ref(), b"a").unwrap()).unwrap();
    assert_eq!(finished(writer), Pack::map(3).bin(b"nd").raw(b"\xc2").bin(b"type").str("|u1").bin(b"data").bin(b"a").0);
}

/// Values that are due, behind the last and before.
#[test]
fn values_are_counted() {
    let missing = |writer: &Writer<'_>| match writer.clone().finish() {
        Ok(_) => 0,
        Err(EncodeError::Incomplete { missing }) => missing,
        Err(other) => panic!("{other}"),
    };
    let mut writer = Writer::new();
    assert_eq!(missing(&writer), 1);
    writer.list(2).unwrap();
    assert_eq!(missing(&writer), 2);
    writer.map(2).unwrap();
    // A map of two entries, and the list's second.
    assert_eq!(missing(&writer), 5);
    writer.str("key").unwrap();
    assert_eq!(missing(&writer), 4);
    writer.list(0).unwrap();
    assert_eq!(missing(&writer), 3);
    // As a key.
    writer.map(0).unwrap();
    assert_eq!(missing(&writer), 2);
    writer.f64(1.0).unwrap();
    assert_eq!(missing(&writer), 1);
    writer.uint(u64::MAX).unwrap();
    assert_eq!(missing(&writer), 0);
    let bytes = finished(writer.clone());
    assert_eq!(to_hex(&bytes), "9282a36b6579 90 80 cb3ff0000000000000 cfffffffffffffffff".replace(' ', ""));
    // Nothing more is taken, by any method, and nothing is lost.
    let array = Array::from_slice(&[1], &[1_u8]).unwrap();
    let strided = StridedArrayRef::new(array.dtype().as_ref(), array.shape(), &[1], array.data(), 0).unwrap();
    let scalar = ScalarRef::new(array.dtype().as_ref(), b"a").unwrap();
    let before = format!("{writer:?}");
    let tries = [
        writer.list(0),
        writer.list(1),
        writer.map(0),
        writer.map(1),
        writer.nil(),
        writer.bool(true),
        writer.int(-1),
        writer.uint(1),
        writer.f32(0.0),
        writer.f64(0.0),
        writer.str(""),
        writer.bin(b""),
        writer.bin(b"abc"),
        writer.complex(0.0, 1.0),
        writer.array(array.as_ref()),
        writer.strided(strided),
        writer.scalar(scalar),
        writer.value(ValueRef::decode(b"\x91\x01").unwrap()),
        writer.value(ValueRef::decode(b"\x81\x01\x01").unwrap()),
        writer.value(ValueRef::Ext(1, b"a")),
    ];
    assert_eq!(tries, [Err(EncodeError::Complete); 20]);
    assert_eq!((format!("{writer:?}"), finished(writer)), (before, bytes));
    // Announced values are counted, however many.
    let mut writer = Writer::new();
    writer.map(u32::MAX).unwrap();
    writer.nil().unwrap();
    writer.list(u32::MAX).unwrap();
    assert_eq!(missing(&writer), 3 * u64::from(u32::MAX) - 2);
    assert_eq!(writer.finish().unwrap_err().to_string(), "12884901883 more values are due");
}

/// Payloads are lent, and stand between what is the writer's own, in order.
#[test]
fn payloads_are_not_copied() {
    const LEN: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };
    let payloads: Vec<Vec<u8>> = (0..5_u8).map(|n| vec![n; LEN]).collect();
    let [plain, void, bytes, list, pickle] = &payloads[..] else { unreachable!() };
    let list = [&b"\x92\xc0\xc6"[..], &(LEN as u32).to_be_bytes(), list].concat();
    let pickle = array_of(b"\x91\x92\xa0\xa2|O", b"O", &[3], &Pack::default().bin(pickle).0);
    let map = [&b"\x81\x01"[..], &list].concat();
    let fault = array("<i2", &[1], plain);
    let read = |bytes| ValueRef::decode(bytes).unwrap();
    let (shape, void_dtype) = ([LEN as u64 / 4], DType::parse("|V4").unwrap());
    let plain = Array::from_slice(&[2, LEN as u64 / 2], plain).unwrap();
    let void = ArrayRef::new(void_dtype.as_ref(), ShapeRef::new(&shape), void).unwrap();
    let ValueRef::Pickle(pickled) = read(&pickle) else { panic!() };
    let write = || -> Result<Encoded<'_>, EncodeError> {
        let mut writer = Writer::new();
        writer.list(9)?;
        writer.array(plain.as_ref())?;
        writer.array(void)?;
        writer.bin(bytes)?;
        writer.value(read(&list))?;
        writer.value(read(&map))?;
        writer.value(read(&pickle))?;
        writer.value(read(&fault))?;
        writer.bin(b"")?;
        writer.str("end")?;
        writer.finish()
    };
    let (encoded, stats) = measure(|| write().unwrap());
    // Heads of a hundred bytes each at most, and a pointer to each payload, with what vectors grow by.
    assert!(stats.bytes < 4096 && stats.peak < 2048, "{stats:?}");
    let slices: Vec<&[u8]> = encoded.slices().collect();
    let lent = [plain.data(), void.data(), bytes, &list, &map, pickled.pickle(), &fault];
    for payload in lent {
        let same = slices.iter().filter(|slice| slice.as_ptr() == payload.as_ptr() && slice.len() == payload.len());
        assert_eq!(same.count(), 1);
    }
    assert!(slices.iter().all(|slice| !slice.is_empty()));
    let whole = slices.concat();
    assert_eq!((encoded.len(), &encoded.to_vec()), (whole.len(), &whole));
    assert_eq!(format!("{encoded:?}"), format!("Encoded([{} bytes], 7 borrowed)", whole.len()));
    let ValueRef::List(found) = ValueRef::decode(&whole).unwrap() else { panic!() };
    let found: Vec<_> = found.iter().collect();
    let [a, b, c, d, e, f, g, ValueRef::Bin(b""), ValueRef::Str(b"end")] = found[..] else { panic!("{found:?}") };
    assert_eq!((a, b), (ValueRef::Array(plain.as_ref()), ValueRef::Array(void)));
    assert_eq!((c, f, meaning::of(g)), (ValueRef::Bin(bytes), read(&pickle), meaning::of(read(&fault))));
    assert_eq!((d, e), (read(&list), read(&map)));
    // One copy where it is asked for.
    let (copy, stats) = measure(|| encoded.to_vec());
    assert_eq!((copy, stats.allocations, stats.bytes), (whole.clone(), 1, whole.len() as u64));
    // A strided array is copied once: room for it is made at once.
    let strides = [LEN as i64 / 2, 1];
    let strided = StridedArrayRef::new(plain.dtype().as_ref(), plain.shape(), &strides, plain.data(), 0).unwrap();
    let mut writer = Writer::new();
    let (_, stats) = measure(|| writer.strided(strided).unwrap());
    assert!(stats.allocations == 1 && stats.bytes < LEN as u64 + 200, "{stats:?}");
    assert_eq!(finished(writer), plain.encode_to_vec().unwrap());
}

/// Lent slices side by side, first and last, and none.
#[test]
fn slices_are_in_order_wherever_payloads_stand() {
    let [one, two] = [&b"\x91\x01"[..], b"\x81\x02\x03"].map(|bytes| ValueRef::decode(bytes).unwrap());
    let mut writer = Writer::new();
    writer.value(one).unwrap();
    let encoded = writer.finish().unwrap();
    assert_eq!((encoded.slices().collect::<Vec<_>>(), encoded.len()), (vec![&b"\x91\x01"[..]], 2));
    assert_eq!(encoded.into_buffer(), b"");
    let mut writer = Writer::new();
    writer.list(4).unwrap();
    for value in [one, two, one] {
        writer.value(value).unwrap();
    }
    writer.nil().unwrap();
    let encoded = writer.finish().unwrap();
    let slices: Vec<_> = encoded.slices().collect();
    assert_eq!(slices, [&b"\x94"[..], b"\x91\x01", b"\x81\x02\x03", b"\x91\x01", b"\xc0"]);
    assert_eq!((encoded.to_vec(), encoded.clone().into_buffer()), (slices.concat(), b"\x94\xc0".to_vec()));
    let mut writer = Writer::default();
    writer.str("all its own").unwrap();
    let encoded = writer.finish().unwrap();
    assert_eq!(encoded.slices().count(), 1);
    assert_eq!(format!("{encoded:?}"), "Encoded([12 bytes], 0 borrowed)");
}

/// A vector serves again: nothing of what it held is left, and what was written before stays.
#[test]
fn buffers_serve_again() {
    let buffer = vec![0xff; 4096];
    let place = buffer.as_ptr();
    let mut writer = Writer::new().with_buffer(buffer);
    writer.list(2).unwrap();
    writer.str(&"x".repeat(1000)).unwrap();
    writer.bin(b"lent").unwrap();
    let encoded = writer.finish().unwrap();
    assert_eq!((encoded.slices().next().unwrap().as_ptr(), encoded.len()), (place, 1 + 1003 + 6));
    let buffer = encoded.into_buffer();
    assert_eq!((buffer.as_ptr(), buffer.len()), (place, 1006));
    // In the midst of writing.
    let mut writer = Writer::new();
    writer.list(3).unwrap();
    writer.bin(b"first").unwrap();
    let mut writer = writer.with_buffer(buffer);
    writer.bin(b"second").unwrap();
    writer.nil().unwrap();
    let encoded = writer.finish().unwrap();
    assert_eq!(encoded.slices().next().unwrap().as_ptr(), place);
    assert_eq!(encoded.to_vec(), b"\x93\xc4\x05first\xc4\x06second\xc0");
}

/// Writes a tree of rmpv's with what cannot be written tried in between.
fn write_with_errors<'a>(value: &'a Peer, writer: &mut Writer<'a>, bad: ArrayRef<'a>, dice: &mut u64) {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    if *dice >> 62 == 0 {
        let before = format!("{writer:?}");
        let strided = StridedArrayRef::new(bad.dtype(), &[1], &[8], bad.data(), 0).unwrap();
        let scalar = ScalarRef::new(bad.dtype(), bad.data()).unwrap();
        let tries = [writer.array(bad), writer.strided(strided), writer.scalar(scalar)];
        assert_eq!(tries, [Err(EncodeError::Fields); 3]);
        assert_eq!(format!("{writer:?}"), before);
    }
    match value {
        Peer::Nil => writer.nil(),
        Peer::Boolean(value) => writer.bool(*value),
        Peer::Integer(value) => match value.as_i64() {
            Some(value) => writer.int(value),
            None => writer.uint(value.as_u64().unwrap()),
        },
        Peer::F32(value) => writer.f32(*value),
        Peer::F64(value) => writer.f64(*value),
        Peer::String(text) => writer.str(text.as_str().unwrap()),
        Peer::Binary(bytes) => writer.bin(bytes),
        Peer::Ext(kind, bytes) => writer.value(ValueRef::Ext(*kind, bytes)),
        Peer::Array(items) => {
            writer.list(items.len() as u32).unwrap();
            items.iter().for_each(|item| write_with_errors(item, writer, bad, dice));
            Ok(())
        }
        Peer::Map(entries) => {
            writer.map(entries.len() as u32).unwrap();
            for (key, value) in entries {
                write_with_errors(key, writer, bad, dice);
                write_with_errors(value, writer, bad, dice);
            }
            Ok(())
        }
    }
    .unwrap();
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 2 } else { 300 }, failure_persistence: None, ..Cases::default() })]

    /// Token by token the same bytes as rmpv's, whatever went wrong on the way.
    #[test]
    fn documents_are_written_as_rmpv_writes_them(document in documents(), dice in any::<u64>()) {
        let overlapping = "{'names': ['a', 'b'], 'formats': ['<i4', '<i4'], 'offsets': [0, 2], 'itemsize': 8}";
        let bad = Array::new(DType::parse(overlapping).unwrap(), vec![1], vec![0; 8]).unwrap();
        let document = document.came();
        laws::deterministic(|| {
            let mut writer = Writer::new();
            write_with_errors(&document, &mut writer, bad.as_ref(), &mut dice.clone());
            let written = writer.finish().unwrap();
            assert_eq!(written.len(), written.slices().map(<[u8]>::len).sum::<usize>());
            assert_eq!(to_hex(&written.to_vec()), to_hex(&encoded(&document)));
            written.to_vec()
        });
    }
}

/// What errors say.
#[test]
fn errors_say_what_is_wrong() {
    for (error, text) in [
        (EncodeError::TooLong { len: 1 << 32 }, "4294967296 bytes exceed the 4294967295 of MessagePack"),
        (EncodeError::Fields, "fields that overlap or are out of order cannot be described"),
        (EncodeError::BufferFull { needed: 7, available: 3 }, "7 bytes do not fit into the 3 left"),
        (EncodeError::OutOfMemory { len: 7 }, "no memory for 7 bytes"),
        (EncodeError::LimitExceeded { limit: Limit::MaxDepth, max: 64 }, "exceeds max_depth 64"),
        (EncodeError::LimitExceeded { limit: Limit::MaxAxes, max: 2 }, "exceeds max_axes 2"),
        (EncodeError::Complete, "the value is complete"),
        (EncodeError::Incomplete { missing: 2 }, "2 more values are due"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
