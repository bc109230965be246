//! dtypes as text, against a table written by hand from numpy's grammar.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

mod common;

use common::{Pack, array, array_of};
use msgpack_numpy_codec::{ByteOrder, DType, DTypeRef, Kind, Plain, TimeUnit, Unit, ValueRef};
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config as Cases;

use ByteOrder::{Big, Little, NotApplicable as Na};

/// Text, kind, order, bytes of an item, the typestr it prints as, the name it prints as.
const TYPESTRS: &[(&str, Kind, ByteOrder, u32, &str, &str)] = &[
    ("|b1", Kind::Bool, Na, 1, "|b1", "bool"),
    ("b1", Kind::Bool, Na, 1, "|b1", "bool"),
    ("<b1", Kind::Bool, Na, 1, "|b1", "bool"),
    ("|i1", Kind::Int, Na, 1, "|i1", "int8"),
    (">i1", Kind::Int, Na, 1, "|i1", "int8"),
    ("<i2", Kind::Int, Little, 2, "<i2", "int16"),
    ("=i2", Kind::Int, Little, 2, "<i2", "int16"),
    ("i2", Kind::Int, Little, 2, "<i2", "int16"),
    (">i2", Kind::Int, Big, 2, ">i2", ">i2"),
    ("<i4", Kind::Int, Little, 4, "<i4", "int32"),
    (">i4", Kind::Int, Big, 4, ">i4", ">i4"),
    ("<i8", Kind::Int, Little, 8, "<i8", "int64"),
    (">i8", Kind::Int, Big, 8, ">i8", ">i8"),
    ("|u1", Kind::UInt, Na, 1, "|u1", "uint8"),
    ("<u2", Kind::UInt, Little, 2, "<u2", "uint16"),
    (">u2", Kind::UInt, Big, 2, ">u2", ">u2"),
    ("<u4", Kind::UInt, Little, 4, "<u4", "uint32"),
    ("<u8", Kind::UInt, Little, 8, "<u8", "uint64"),
    (">u8", Kind::UInt, Big, 8, ">u8", ">u8"),
    ("<f2", Kind::Float, Little, 2, "<f2", "float16"),
    (">f2", Kind::Float, Big, 2, ">f2", ">f2"),
    ("<f4", Kind::Float, Little, 4, "<f4", "float32"),
    (">f4", Kind::Float, Big, 4, ">f4", ">f4"),
    ("<f8", Kind::Float, Little, 8, "<f8", "float64"),
    ("<f12", Kind::Float, Little, 12, "<f12", "float96"),
    ("<f16", Kind::Float, Little, 16, "<f16", "float128"),
    ("<c8", Kind::Complex, Little, 8, "<c8", "complex64"),
    (">c8", Kind::Complex, Big, 8, ">c8", ">c8"),
    ("<c16", Kind::Complex, Little, 16, "<c16", "complex128"),
    ("<c24", Kind::Complex, Little, 24, "<c24", "complex192"),
    ("<c32", Kind::Complex, Little, 32, "<c32", "complex256"),
    ("|S5", Kind::Bytes, Na, 5, "|S5", "|S5"),
    ("S5", Kind::Bytes, Na, 5, "|S5", "|S5"),
    ("|S0", Kind::Bytes, Na, 0, "|S0", "|S0"),
    ("S", Kind::Bytes, Na, 0, "|S0", "|S0"),
    ("a5", Kind::Bytes, Na, 5, "|S5", "|S5"),
    ("|S1", Kind::Bytes, Na, 1, "|S1", "|S1"),
    ("|S4294967295", Kind::Bytes, Na, u32::MAX, "|S4294967295", "|S4294967295"),
    ("<U5", Kind::Str, Little, 20, "<U5", "<U5"),
    (">U5", Kind::Str, Big, 20, ">U5", ">U5"),
    ("U5", Kind::Str, Little, 20, "<U5", "<U5"),
    ("<U0", Kind::Str, Little, 0, "<U0", "<U0"),
    ("U", Kind::Str, Little, 0, "<U0", "<U0"),
    ("<U1073741823", Kind::Str, Little, 4_294_967_292, "<U1073741823", "<U1073741823"),
    ("|V8", Kind::Void, Na, 8, "|V8", "|V8"),
    ("V8", Kind::Void, Na, 8, "|V8", "|V8"),
    ("|V0", Kind::Void, Na, 0, "|V0", "|V0"),
    ("<M8", Kind::DateTime, Little, 8, "<M8", "datetime64"),
    (">M8", Kind::DateTime, Big, 8, ">M8", ">M8"),
    ("M8", Kind::DateTime, Little, 8, "<M8", "datetime64"),
    ("<m8", Kind::TimeDelta, Little, 8, "<m8", "timedelta64"),
    ("m8", Kind::TimeDelta, Little, 8, "<m8", "timedelta64"),
    ("<M8[ns]", Kind::DateTime, Little, 8, "<M8[ns]", "datetime64[ns]"),
    (">M8[s]", Kind::DateTime, Big, 8, ">M8[s]", ">M8[s]"),
    ("<m8[25us]", Kind::TimeDelta, Little, 8, "<m8[25us]", "timedelta64[25us]"),
    ("<M8[1s]", Kind::DateTime, Little, 8, "<M8[s]", "datetime64[s]"),
];

/// Other names that numpy takes on 64-bit Linux, and what they are.
const NAMES: &[(&str, &[&str])] = &[
    ("|b1", &["bool", "bool_", "?", "bool8"]),
    ("|i1", &["int8", "byte", "b"]),
    ("<i2", &["int16", "short", "h"]),
    ("<i4", &["int32", "intc", "i"]),
    ("<i8", &["int64", "int", "int_", "long", "longlong", "intp", "l", "q", "p", "int0"]),
    ("|u1", &["uint8", "ubyte", "B"]),
    ("<u2", &["uint16", "ushort", "H"]),
    ("<u4", &["uint32", "uintc", "I"]),
    ("<u8", &["uint64", "uint", "ulong", "ulonglong", "uintp", "L", "Q", "P", "uint0"]),
    ("<f2", &["float16", "half", "e"]),
    ("<f4", &["float32", "single", "f"]),
    ("<f8", &["float64", "double", "float", "d", "float_"]),
    ("<f16", &["float128", "longdouble", "g", "longfloat"]),
    ("<c8", &["complex64", "csingle", "F", "singlecomplex"]),
    ("<c16", &["complex128", "cdouble", "complex", "D", "complex_", "cfloat"]),
    ("<c32", &["complex256", "clongdouble", "G"]),
    ("<U0", &["str", "str_", "unicode", "unicode_"]),
    ("|S0", &["bytes", "bytes_", "string_"]),
    ("|V0", &["void", "void0"]),
    ("<M8", &["datetime64"]),
    ("<m8", &["timedelta64"]),
    ("<M8[D]", &["datetime64[D]"]),
    ("<m8[25us]", &["timedelta64[25us]"]),
];

/// No dtypes, objects, and numbers whose order or width is not told.
const REFUSED: &[&str] = &[
    "",
    " ",
    "<",
    "|",
    "<i",
    "i3",
    "<i3",
    "<i16",
    "u16",
    "<u0",
    "<i0",
    "f5",
    "<f1",
    "<f10",
    "c4",
    "<c12",
    "<b2",
    "b8",
    "|i2",
    "|f8",
    "|u4",
    "|c8",
    "|U5",
    "|M8[ns]",
    "|m8",
    "<M4",
    "<m16",
    "<M8[]",
    "<M8[0s]",
    "<M8[xs]",
    "<M8[D/2]",
    "<M8[ns",
    "<M8ns]",
    "<M8[nss]",
    "<M8[-1s]",
    "<M8[4294967296s]",
    "<M8[s]x",
    "<i4[s]",
    "<S4[s]",
    "O",
    "|O",
    "<O",
    "O8",
    "|O8",
    "object",
    "object_",
    "<i4 ",
    " <i4",
    "<<i4",
    "!i4",
    "@i4",
    "<i4,<i4",
    "i2,i4",
    "<q9",
    "<x4",
    "(2,)<i4",
    "<i-4",
    "<i+4",
    "<i4\0",
    "|S4294967296",
    "<U1073741824",
    "<U18446744073709551616",
    "|S99999999999999999999999999",
    "é",
    "<é4",
    "Int8",
    "float33",
    "datetime64[",
    "datetime64[]",
    "datetime64[0s]",
    "datetime64[s]s",
    "datetime",
    "int",
    "nd",
];

#[test]
fn every_typestr_of_the_table_is_what_it_says() {
    for &(text, kind, order, itemsize, typestr, name) in TYPESTRS {
        let plain = Plain::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((plain.kind(), plain.order(), plain.itemsize()), (kind, order, itemsize), "{text}");
        assert_eq!((plain.to_string().as_str(), plain.name().to_string().as_str()), (typestr, name), "{text}");
        assert_eq!(DType::parse(text), Some(DType::Plain(plain)), "{text}");
        // What it prints is itself again, either way.
        assert_eq!(Plain::parse(typestr), Some(plain), "{text}");
        assert_eq!(DType::parse(name), Some(DType::Plain(plain)), "{text}");
        let made = Plain::new(kind, order, itemsize).unwrap();
        assert_eq!(plain.unit().map_or(Some(made), |unit| made.with_unit(unit)), Some(plain), "{text}");
        let native = order == Na || (order == Little) == cfg!(target_endian = "little");
        assert_eq!(plain.is_native(), native, "{text}");
    }
}

#[test]
fn every_name_of_the_table_is_what_it_says() {
    for (typestr, names) in NAMES {
        for name in *names {
            let plain = Plain::from_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(plain, Plain::parse(typestr).unwrap(), "{name}");
            assert_eq!(DType::parse(name), Some(DType::Plain(plain)), "{name}");
        }
    }
    // A byte of C has the kind of bytes.
    assert_eq!(Plain::from_name("c"), Plain::parse("|S1"));
    // Texts that are no names are none, and names are no typestrs.
    for text in ["<i4", "|S5", "O", "", "object", "i4x"] {
        assert_eq!(Plain::from_name(text), None, "{text}");
    }
    for text in ["int32", "d", "i", "bool", "object"] {
        assert_eq!(Plain::parse(text), None, "{text}");
    }
}

#[test]
fn what_is_no_dtype_is_refused() {
    for &text in REFUSED {
        assert_eq!(Plain::parse(text), None, "{text:?}");
        // A name after all.
        if text != "int" {
            assert_eq!(DType::parse(text), None, "{text:?}");
            assert_eq!(Plain::from_name(text), None, "{text:?}");
        }
    }
}

/// On the wire the same texts are opaque: a value with its bytes, none of them counted.
#[test]
fn what_is_no_dtype_is_opaque_on_the_wire() {
    for &text in REFUSED {
        if text == "int" || text.len() > 31 {
            continue;
        }
        let message = array(text, &[7], b"abc");
        let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!("{text:?}") };
        let DTypeRef::Opaque(dtype) = found.dtype() else { panic!("{text:?}") };
        assert_eq!((dtype.as_str(), found.data()), (Some(text), &b"abc"[..]), "{text:?}");
    }
}

#[test]
fn units_are_numpys_thirteen_with_any_count_but_none() {
    let units = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"];
    let mut bases = Vec::new();
    for name in units {
        let base = TimeUnit::from_name(name).unwrap();
        assert_eq!(base.name(), name);
        bases.push(base);
        for count in [1_u32, 2, 25, 1000, u32::MAX] {
            let text = if count == 1 { name.to_owned() } else { format!("{count}{name}") };
            let plain = Plain::parse(&format!("<m8[{text}]")).unwrap();
            assert_eq!(plain.unit(), Some(Unit { count, base }));
            assert_eq!(plain.to_string(), format!("<m8[{text}]"));
            assert_eq!(Plain::from_name(&format!("timedelta64[{text}]")), Some(plain));
        }
    }
    // The longest first, each of them once.
    assert!(bases.is_sorted() && bases.len() == 13);
    bases.dedup();
    assert_eq!(bases.len(), 13);
    for name in ["", "y", "d", "S", "min", "Ms", "μs", "sec"] {
        assert_eq!(TimeUnit::from_name(name), None);
    }
    let second = Unit { count: 1, base: TimeUnit::Second };
    assert_eq!(Plain::parse("<i8").unwrap().with_unit(second), None);
    assert_eq!(Plain::parse("<M8").unwrap().with_unit(Unit { count: 0, ..second }), None);
}

#[test]
fn only_what_numpy_has_can_be_made() {
    let kinds = [
        (Kind::Bool, &[1][..]),
        (Kind::Int, &[1, 2, 4, 8]),
        (Kind::UInt, &[1, 2, 4, 8]),
        (Kind::Float, &[2, 4, 8, 12, 16]),
        (Kind::Complex, &[8, 16, 24, 32]),
        (Kind::DateTime, &[8]),
        (Kind::TimeDelta, &[8]),
    ];
    for (kind, sizes) in kinds {
        for itemsize in 0..=64 {
            let fits = sizes.contains(&itemsize);
            assert_eq!(Plain::new(kind, Big, itemsize).is_some(), fits, "{kind:?} {itemsize}");
            assert_eq!(Plain::new(kind, Na, itemsize).is_some(), fits && itemsize == 1, "{kind:?} {itemsize}");
        }
    }
    assert!(Plain::new(Kind::Str, Little, 6).is_none() && Plain::new(Kind::Str, Little, 8).is_some());
}

/// What Python prints for dtypes with fields, and the bytes of an item.
const LITERALS: &[(&str, u64)] = &[
    ("(numpy.record, [('a', '<i4')])", 4),
    ("[('r', (numpy.record, [('x', '<f8'), ('y', 'i1')])), ('s', (numpy.record, [('x', 'i1')]), (2,))]", 11),
    ("[('a', '<i4'), ('b', '<f8')]", 12),
    ("[('a', '<i4'), ('b', '<u2', (2, 3))]", 16),
    ("[('a', '<i4'), ('b', '<u2', (3,))]", 10),
    ("[('b', '<u2', 3)]", 6),
    ("[('p', [('x', '<f4'), ('y', '<f4')]), ('q', '<u2')]", 10),
    ("[('p', [('z', 'u1')], (2,))]", 2),
    ("[('p', [('x', [('z', 'u1')])])]", 1),
    ("[('s', 'S3'), ('u', '<U2'), ('b', '?'), ('c', '<c8')]", 20),
    ("[(('T', 'a'), '<i2')]", 2),
    ("[('a', '<M8[ns]'), ('b', '<m8[25us]')]", 16),
    ("[]", 0),
    ("[('a','<i4'),('b','<f8')]", 12),
    ("  [ ( 'a' , '<i4' ) , ]  ", 4),
    ("[(\"it's\", '<i4')]", 4),
    ("[('it\\'s \\x41 \\u00e9 \\\\', '<i4')]", 4),
    ("[(u'a', '<i4'), (b'b', '<i4')]", 8),
    ("[('a', '<i4'), ('', '|V4'), ('', '|V4')]", 12),
    ("{'names': ['a', 'b'], 'formats': ['i1', '<f8'], 'offsets': [0, 8], 'itemsize': 16, 'aligned': True}", 16),
    ("{'names':['a','b'], 'formats':['i1','<f8'], 'offsets':[0,8], 'itemsize':16, 'aligned':True}", 16),
    ("{'names':['a','b'], 'formats':['<i2','<i4'], 'offsets':[0,4], 'itemsize':12}", 12),
    ("{'names': ['b', 'a'], 'formats': ['<i2', '<i4'], 'offsets': [4, 0], 'itemsize': 6}", 6),
    ("{'names': ['a', 'b'], 'formats': ['<i4', 'u1'], 'offsets': [0, 0], 'itemsize': 4}", 4),
    ("{'names': ['a'], 'formats': [('<u2', (2, 3))], 'offsets': [4], 'itemsize': 16}", 16),
    ("{'names': ['a'], 'formats': [[('x', '<f4')]], 'offsets': [4], 'titles': ['T'], 'itemsize': 8}", 8),
    ("{'names': ['a', 'b'], 'formats': ['u1', 'u1'], 'titles': [None, 'T'], 'offsets': [0, 1], 'itemsize': 2}", 2),
];

const NO_LITERALS: &[&str] = &[
    "[",
    "]",
    "[()]",
    "[('a')]",
    "[('a',)]",
    "[('a', '<i4', (2,), 4)]",
    "[('a', '<i3')]",
    "[('a', 'O')]",
    "[('a', '|O'), ('b', '<i4')]",
    "[('p', [('x', 'O')])]",
    "[('a', '<i4')] x",
    "[('a', '<i4')",
    "[('a' '<i4')]",
    "[('a, '<i4')]",
    "['a', '<i4']",
    "('<i4', (2,))",
    "[('a', '<i4', (-2,))]",
    "[('a', '<i4', (2.0,))]",
    "[('a', '<i4', (18446744073709551615, 2))]",
    "[('a', '<i4', (4294967296, 4294967296))]",
    "{}",
    "{'names': ['a']}",
    "{'formats': ['<i4']}",
    "{'names': ['a', 'b'], 'formats': ['<i4']}",
    "{'names': ['a'], 'formats': ['<i4'], 'offsets': [0, 4]}",
    "{'names': ['a'], 'formats': ['<i4'], 'offsets': [0], 'titles': []}",
    // The item ends before its last field does.
    "{'names': ['a'], 'formats': ['<i4'], 'offsets': [2], 'itemsize': 5}",
    "{'names': ['a'], 'formats': ['<i4'], 'offsets': [18446744073709551615], 'itemsize': 18446744073709551615}",
    "{'names': ['a'], 'formats': ['O'], 'offsets': [0], 'itemsize': 8}",
    "{'fields': ['a']}",
    "__import__('os')",
    "[('a\\', '<i4')]",
];

#[test]
fn what_python_prints_is_read() {
    for &(text, itemsize) in LITERALS {
        let dtype = DType::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert!(matches!(dtype, DType::Structured(_)), "{text}");
        assert_eq!(dtype.itemsize(), Some(itemsize), "{text}");
    }
}

#[test]
fn what_python_does_not_print_is_refused() {
    for &text in NO_LITERALS {
        assert_eq!(DType::parse(text), None, "{text}");
    }
}

/// `[('a', [('a', … '<i4' …)])]`
fn nested(depth: usize) -> String {
    ["[('a', ".repeat(depth).as_str(), "'<i4'", ")]".repeat(depth).as_str()].concat()
}

#[test]
fn eight_dtypes_in_one_another_are_read_on_the_wire_and_no_more() {
    for depth in 1..40 {
        // One field, whose dtype is the next list.
        let mut descr = Pack::default();
        for _ in 0..depth {
            descr = descr.raw(&[0x91, 0x92]).str("a");
        }
        let message = array_of(&descr.str("<i4").0, b"V", &[1], &Pack::default().bin(b"\x07\0\0\0").0);
        // 40 of them are 80 lists, and more than a value may have.
        let limits = msgpack_numpy_codec::Limits::DEFAULT.with_max_depth(255);
        let ValueRef::Array(found) = ValueRef::decode_with(&message, &limits).unwrap() else { panic!("{depth}") };
        assert_eq!(matches!(found.dtype(), DTypeRef::Structured(_)), depth <= 8, "{depth}");
        assert_eq!(found.data(), [7, 0, 0, 0]);
    }
}

#[test]
fn eight_dtypes_in_one_another_are_read_as_text_and_no_more() {
    for depth in 1..40 {
        assert_eq!(DType::parse(&nested(depth)).is_some(), depth <= 8, "{depth}");
    }
}

#[test]
fn texts_that_only_open_are_refused_on_a_small_stack() {
    testkit::on_small_stack(testkit::SMALL_STACK, || {
        let len = if cfg!(miri) { 1 << 10 } else { 1 << 16 };
        for opener in
            ["[", "(", "{", "[('a', ", "[(", "[('a', (", "{'formats': [", "{'names': [", "'", "[('", "('<i4', ("]
        {
            assert_eq!(DType::parse(&opener.repeat(len)), None, "{opener}");
        }
    });
}

/// The shape of a sub-array may be one integer, in any form that integers have.
#[test]
fn one_integer_is_one_axis_of_a_sub_array() {
    let with = |shape: &[u8]| {
        let descr = Pack::default().raw(&[0x91, 0x93]).str("a").str("<u2").raw(shape).0;
        array_of(&descr, b"V", &[1], &Pack::default().bin(b"\x01\0\x02\0\x03\0").0)
    };
    let forms: [&[u8]; 10] = [
        b"\x03",
        b"\xcc\x03",
        b"\xcd\0\x03",
        b"\xce\0\0\0\x03",
        b"\xcf\0\0\0\0\0\0\0\x03",
        b"\xd0\x03",
        b"\xd1\0\x03",
        b"\xd2\0\0\0\x03",
        b"\xd3\0\0\0\0\0\0\0\x03",
        b"\xdc\0\x01\xcc\x03",
    ];
    for shape in forms {
        let message = with(shape);
        let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!("{shape:?}") };
        let field = found.field("a").unwrap();
        assert_eq!((field.field().shape.to_string(), field.to_vec::<u16>().unwrap()), ("(3,)".into(), vec![1, 2, 3]));
    }
    // Negative, a float, a text, nothing, and an axis of these kinds: no dtype.
    for shape in [&b"\xff"[..], b"\xd0\x80", b"\xca\0\0\0\0", b"\xa13", b"\xc0", b"\x91\xff", b"\x91\xc3"] {
        let message = with(shape);
        let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!("{shape:?}") };
        assert!(matches!(found.dtype(), DTypeRef::Opaque(_)), "{shape:?}");
    }
}

/// Names may repeat on the wire; the first counts.
#[test]
fn of_fields_with_one_name_the_first_counts() {
    let descr = Pack::default().raw(&[0x92, 0x92]).str("a").str("|u1").raw(&[0x92]).str("a").str("<u2").0;
    let message = array_of(&descr, b"V", &[1], &Pack::default().bin(b"\x01\x02\x03").0);
    let ValueRef::Array(found) = ValueRef::decode(&message).unwrap() else { panic!() };
    let field = found.field("a").unwrap();
    assert_eq!((field.field().offset, field.to_vec::<u8>().unwrap()), (0, vec![1]));
}

#[test]
fn of_fields_with_one_name_the_first_counts_in_texts_too() {
    assert!(DType::parse("[('a', 'u1'), ('a', '<u2')]").is_some());
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 8 } else { 2_000 }, failure_persistence: None, ..Cases::default() })]

    #[test]
    fn any_text_is_a_dtype_or_none(text in any::<String>()) {
        if let Some(DType::Plain(plain)) = DType::parse(&text) {
            assert_eq!(Plain::parse(&plain.to_string()), Some(plain));
        }
    }

    /// Made of the letters of the grammar: some of them are dtypes.
    #[test]
    fn any_text_of_the_grammar_is_a_dtype_or_none(text in "[<>|=]?[biufcSaUVMmO?]?[0-9]{0,3}(\\[[0-9]{0,2}[a-zA-Z]{0,2}\\])?") {
        if let Some(DType::Plain(plain)) = DType::parse(&text) {
            assert_eq!(Plain::parse(&plain.to_string()), Some(plain));
            assert_eq!(DType::parse(&plain.name().to_string()), Some(DType::Plain(plain)));
        }
    }

    /// What is left of a literal that was cut, or had a letter changed.
    #[test]
    fn broken_literals_do_no_harm(which in 0..LITERALS.len(), at in any::<usize>(), letter in "[\\[\\](){}',:0-9a-z\\\\ ]") {
        let whole = LITERALS[which].0.trim_end();
        let at = at % whole.len();
        let cut = whole.get(..at).unwrap();
        assert_eq!(DType::parse(cut), None, "{cut}");
        let changed = [cut, letter.as_str(), whole.get(at + 1..).unwrap()].concat();
        let _ = DType::parse(&changed);
    }
}

/// What numpy 1.26 prints, in which nothing is left to choice.
const PRINTED: &[&str] = &[
    "float32",
    ">u2",
    "|S5",
    "datetime64[25us]",
    "[('a', '<i4'), ('b', '<f8')]",
    "[('a', 'i1'), ('b', '?'), ('c', 'S3'), ('d', 'V2'), ('e', '<U2'), ('f', '<M8[ns]')]",
    "[('b', '<u2', (2, 3)), ('c', '>u2', (3,))]",
    "[('p', [('x', '<f4'), ('y', '<f4')]), ('q', '<u2')]",
    "[(('T', 'a'), '<i2')]",
    "{'names': ['a', 'b'], 'formats': ['i1', '<f8'], 'offsets': [0, 8], 'itemsize': 16}",
    "{'names': ['a'], 'formats': [('<f4', (2,))], 'offsets': [4], 'itemsize': 12}",
    "[('r', {'names': ['a'], 'formats': ['i1'], 'offsets': [1], 'itemsize': 2}), ('s', '<c8')]",
    "{'names': ['a', 'b'], 'formats': ['i1', 'i1'], 'offsets': [0, 2], 'titles': ['t', None], 'itemsize': 3}",
];

#[test]
fn what_python_prints_is_printed() {
    for &text in PRINTED {
        assert_eq!(DType::parse(text).unwrap().as_ref().name().to_string(), text);
    }
}
