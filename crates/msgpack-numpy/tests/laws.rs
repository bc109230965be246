//! The laws of `DESIGN.md`, and values and tokens against rmpv, an independent reader of MessagePack.

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

use common::golden;
use msgpack_numpy_codec::{DecodeErrorKind, Limit, Limits, Reader, Token, ValueRef};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config as Cases;
use rmpv::Value as Peer;
use testkit::vectors::to_hex;
use testkit::{assert_no_alloc, laws};

/// All vectors, of any class, that are MessagePack.
fn messages() -> Vec<Vec<u8>> {
    let classes = ["valid", "legacy", "malformed"];
    let all = classes.into_iter().flat_map(golden).filter(|(vector, _)| vector["name"] != "bad_truncated");
    all.map(|(_, bytes)| bytes).collect()
}

#[test]
fn every_strict_prefix_ends_too_early() {
    for message in messages() {
        for end in 0..message.len() {
            let error = ValueRef::decode(&message[..end]).unwrap_err();
            let found = (error.kind(), error.offset(), error.what(), error.limit());
            assert_eq!(
                found,
                (DecodeErrorKind::UnexpectedEnd, end as u64, "value", None),
                "{end} of {}",
                to_hex(&message)
            );
            let mut reader = Reader::new(&message[..end]);
            assert_eq!((reader.skip(), reader.position()), (Err(error), 0));
        }
    }
}

#[test]
fn one_byte_more_is_one_too_many() {
    for message in messages() {
        for more in [0x00, 0xc1, 0xff] {
            let input = [&message[..], &[more]].concat();
            let error = ValueRef::decode(&input).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::TrailingBytes, message.len() as u64));
            let mut reader = Reader::new(&input);
            reader.skip().unwrap();
            assert_eq!((reader.position(), reader.rest()), (message.len(), &[more][..]));
            assert_eq!(reader.finish(), Err(error));
        }
    }
}

/// Law 6: the form that nearly all arrays have is read in haste, and to the same as any other. A sixth entry makes it another.
#[test]
fn arrays_in_the_common_form_are_read_as_any_other() {
    let mut arrays = 0;
    for (typestr, shape, len) in [
        ("<i2", &[2][..], 4),
        (">f8", &[], 8),
        ("|u1", &[3, 0, 200], 0),
        ("|b1", &[1; 15], 1),
        ("<i3", &[1], 3),
        ("|i2", &[1], 2),
        ("<f4", &[300], 1200),
    ] {
        let data = vec![1; len];
        let written = common::array(typestr, shape, &data);
        let written = ValueRef::decode(&written).unwrap().encode_to_vec().unwrap();
        let common: Vec<Vec<u8>> = laws::mutations(&written[..written.len().min(60)])
            .map(|head| [&head[..], &written[written.len().min(60)..]].concat())
            .chain([written.clone()])
            .collect();
        for bytes in common.iter().step_by(if cfg!(miri) { 101 } else { 1 }) {
            if bytes.first() != Some(&0x85) {
                continue;
            }
            for limits in [Limits::DEFAULT, Limits::DEFAULT.with_max_axes(2), Limits::DEFAULT.with_max_depth(1)] {
                let found = ValueRef::decode_with(bytes, &limits);
                let other = [&b"\x86"[..], &bytes[1..], b"\xa1x\xc0"].concat();
                match (found, ValueRef::decode_with(&other, &limits)) {
                    (Ok(ValueRef::Array(one)), Ok(ValueRef::Array(other))) => {
                        assert_eq!((one, one.dtype(), one.shape()), (other, other.dtype(), other.shape()));
                        arrays += 1;
                    }
                    (Ok(ValueRef::Faulty(_, one)), Ok(ValueRef::Faulty(_, other))) => assert_eq!(one, other),
                    (Ok(ValueRef::Map(one)), Ok(ValueRef::Map(other))) => assert_eq!(one.len() + 1, other.len()),
                    (Ok(one), Ok(other)) => {
                        assert_eq!(std::mem::discriminant(&one), std::mem::discriminant(&other), "{}", to_hex(bytes));
                    }
                    // What is cut has another end where more follows.
                    (Err(error), other) if error.kind() == DecodeErrorKind::LimitExceeded => {
                        assert_eq!(other.unwrap_err(), error);
                    }
                    (Err(error), _) => assert!(
                        matches!(
                            error.kind(),
                            DecodeErrorKind::UnexpectedEnd
                                | DecodeErrorKind::TrailingBytes
                                | DecodeErrorKind::InvalidTag
                        ),
                        "{error}"
                    ),
                    (Ok(one), Err(other)) => panic!("{}: {one:?} {other}", to_hex(bytes)),
                }
            }
        }
    }
    assert!(cfg!(miri) || arrays > 1000, "{arrays}");
}

/// One by one as in a list.
#[test]
fn values_one_by_one_are_those_of_a_list() {
    let all: Vec<_> = messages().into_iter().filter(|bytes| bytes.len() < 5000).collect();
    let list = [&[0xdc][..], &(all.len() as u16).to_be_bytes(), &all.concat()].concat();
    let ValueRef::List(items) = ValueRef::decode(&list).unwrap() else { panic!() };
    let mut reader = Reader::new(&list);
    assert_eq!(reader.token().unwrap(), Token::List(all.len() as u32));
    for ((item, bytes), index) in items.iter().zip(&all).zip(0..) {
        let before = reader.position();
        let value = reader.value().unwrap();
        assert_eq!(format!("{value:?}"), format!("{item:?}"), "{index}");
        assert_eq!(reader.position() - before, bytes.len(), "{index}");
    }
    reader.finish().unwrap();
    // After an error it stays where it was.
    for bytes in &all {
        let mut reader = Reader::new(&bytes[..bytes.len() - 1]);
        let error = reader.value().unwrap_err();
        assert_eq!((error.kind(), reader.position()), (DecodeErrorKind::UnexpectedEnd, 0));
        let deep = [&b"\x91\x91"[..], bytes].concat();
        let mut reader = Reader::new(&deep);
        let error = reader.value_with(&Limits::DEFAULT.with_max_depth(1)).unwrap_err();
        assert_eq!((error.limit(), error.offset(), reader.position()), (Some(Limit::MaxDepth), 1, 0));
    }
}

/// Goes through all of a value.
fn walk(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::List(list) => 1 + list.iter().map(walk).sum::<usize>(),
        ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
            1 + map.iter().map(|(key, value)| walk(key) + walk(value)).sum::<usize>()
        }
        ValueRef::Array(array) => {
            let bytes = array.iter::<u8>().map_or(0, |items| items.map(usize::from).sum());
            bytes + array.iter::<f64>().map_or(0, |items| items.map(|item| item as usize & 1).sum()) + 1
        }
        _ => 1,
    }
}

#[test]
fn views_allocate_nothing() {
    for message in messages() {
        assert_no_alloc(|| {
            walk(ValueRef::decode(&message).unwrap());
            let mut reader = Reader::new(&message);
            reader.skip().unwrap();
            reader.finish().unwrap();
            Reader::new(&message).for_each_token(drop).unwrap();
        });
    }
}

/// Tokens until the end, or the error.
fn tokens(bytes: &[u8]) -> (Vec<Token<'_>>, Option<DecodeErrorKind>) {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::new();
    while !reader.rest().is_empty() {
        match reader.token() {
            Ok(token) => found.push(token),
            Err(error) => return (found, Some(error.kind())),
        }
    }
    (found, None)
}

fn assert_loops_agree(bytes: &[u8]) {
    laws::two_forms(
        bytes,
        |bytes| format!("{:?}", tokens(bytes)),
        |bytes| {
            let mut found = Vec::new();
            let end = Reader::new(bytes).for_each_token(|token| found.push(token));
            format!("{:?}", (found, end.err().map(|error| error.kind())))
        },
    );
}

#[test]
fn both_loops_over_tokens_hand_out_the_same() {
    for message in messages() {
        assert_loops_agree(&message);
        assert_loops_agree(&message[..message.len() / 2]);
    }
    for first in 0..=255 {
        assert_loops_agree(&[first, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_loops_agree(&[first]);
    }
}

/// Whether a value is that of rmpv, which knows no tags.
fn is_same(ours: ValueRef<'_>, theirs: &Peer) -> bool {
    match (ours, theirs) {
        (ValueRef::Nil, Peer::Nil) => true,
        (ValueRef::Bool(a), Peer::Boolean(b)) => a == *b,
        (ValueRef::Int(a), Peer::Integer(b)) => b.as_i64() == Some(a),
        (ValueRef::UInt(a), Peer::Integer(b)) => b.as_i64().is_none() && b.as_u64() == Some(a),
        (ValueRef::F32(a), Peer::F32(b)) => a.to_bits() == b.to_bits(),
        (ValueRef::F64(a), Peer::F64(b)) => a.to_bits() == b.to_bits(),
        (ValueRef::Str(a), Peer::String(b)) => a == b.as_bytes(),
        (ValueRef::Bin(a), Peer::Binary(b)) => a == b,
        (ValueRef::Ext(a, bytes), Peer::Ext(b, theirs)) => a == *b && bytes == theirs,
        (ValueRef::List(list), Peer::Array(items)) => {
            list.len() == items.len() && list.iter().zip(items).all(|(a, b)| is_same(a, b))
        }
        (ValueRef::Map(map), Peer::Map(entries)) => {
            let alike = |((k, v), (key, value)): ((_, _), &(Peer, Peer))| is_same(k, key) && is_same(v, value);
            map.len() == entries.len() && map.iter().zip(entries).all(alike)
        }
        _ => false,
    }
}

/// The tokens of rmpv's tree, in the order of the wire.
fn flattened(value: &Peer, out: &mut Vec<String>) {
    let token = match value {
        Peer::Nil => Token::Nil,
        Peer::Boolean(value) => Token::Bool(*value),
        Peer::Integer(value) => value.as_i64().map_or_else(|| Token::UInt(value.as_u64().unwrap()), Token::Int),
        Peer::F32(value) => Token::F32(*value),
        Peer::F64(value) => Token::F64(*value),
        Peer::String(value) => Token::Str(value.as_bytes()),
        Peer::Binary(value) => Token::Bin(value),
        Peer::Ext(kind, bytes) => Token::Ext(*kind, bytes),
        Peer::Array(items) => Token::List(items.len() as u32),
        Peer::Map(entries) => Token::Map(entries.len() as u32),
    };
    out.push(format!("{token:?}"));
    match value {
        Peer::Array(items) => items.iter().for_each(|item| flattened(item, out)),
        Peer::Map(entries) => entries.iter().for_each(|(key, value)| {
            flattened(key, out);
            flattened(value, out);
        }),
        _ => {}
    }
}

/// What rmpv makes of all bytes; `None` where it refuses them.
fn peer(bytes: &[u8]) -> Option<Peer> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value(&mut rest).ok()?;
    rest.is_empty().then_some(value)
}

/// Both readers come to the same. Tells whether there was a value.
fn assert_same_verdict(bytes: &[u8]) -> bool {
    let theirs = peer(bytes);
    match (ValueRef::decode_with(bytes, &Limits::DEFAULT.with_max_depth(255)), theirs) {
        (Ok(ours), Some(theirs)) => {
            assert!(is_same(ours, &theirs), "{}: {ours:?} {theirs:?}", to_hex(bytes));
            let mut flat = Vec::new();
            flattened(&theirs, &mut flat);
            let (found, end) = tokens(bytes);
            assert_eq!((found.iter().map(|token| format!("{token:?}")).collect::<Vec<_>>(), end), (flat, None));
            true
        }
        // To rmpv it is nil.
        (Err(error), _) if error.kind() == DecodeErrorKind::InvalidTag => {
            assert_eq!(bytes[error.offset() as usize], 0xc1);
            false
        }
        (Err(_), None) => false,
        (ours, theirs) => panic!("{}: {ours:?} {theirs:?}", to_hex(bytes)),
    }
}

/// Documents without tags; keys are anything.
fn documents() -> impl Strategy<Value = Peer> {
    let leaf = prop_oneof![
        Just(Peer::Nil),
        any::<bool>().prop_map(Peer::from),
        any::<i64>().prop_map(Peer::from),
        any::<u64>().prop_map(Peer::from),
        (-200_i64..70_000).prop_map(Peer::from),
        any::<f32>().prop_map(Peer::from),
        any::<f64>().prop_map(Peer::from),
        "[a-zé€]{0,40}".prop_map(Peer::from),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Peer::from),
        (any::<i8>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| Peer::Ext(kind, bytes)),
        (any::<i8>(), Just(vec![7; 16])).prop_map(|(kind, bytes)| Peer::Ext(kind, bytes)),
    ];
    leaf.prop_recursive(6, 60, 20, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..20).prop_map(Peer::Array),
            proptest::collection::vec((inner.clone(), inner), 0..20).prop_map(Peer::Map),
        ]
    })
}

fn encoded(document: &Peer) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, document).unwrap();
    out
}

/// Every head of a value, with all that may follow it being there or not.
#[test]
fn every_head_is_read_as_rmpv_reads_it() {
    let mut values = 0;
    for first in 0..=255_u8 {
        for len in [0_usize, 1, 2, 3, 5, 9, 17, 18, 40] {
            for fill in [0x00, 0x01, 0x10, 0xff, 0x80] {
                let bytes = [&[first][..], &vec![fill; len]].concat();
                values += usize::from(assert_same_verdict(&bytes));
            }
        }
    }
    assert!(values > 400, "{values}");
}

/// Lengths at and beyond those of each head.
#[test]
fn lists_maps_and_texts_of_every_head_are_read() {
    for len in [0_usize, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        if cfg!(miri) && len > 256 {
            continue;
        }
        let pairs = vec![(Peer::from(1), Peer::Nil); len];
        let all = [
            Peer::Array(vec![Peer::Nil; len]),
            Peer::Map(pairs),
            Peer::from("x".repeat(len)),
            Peer::Binary(vec![1; len]),
            Peer::Ext(-5, vec![2; len]),
        ];
        for document in all {
            assert!(assert_same_verdict(&encoded(&document)), "{len}");
        }
    }
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 3 } else { 1_000 }, failure_persistence: None, ..Cases::default() })]

    #[test]
    fn documents_are_read_as_rmpv_reads_them(document in documents()) {
        assert!(assert_same_verdict(&encoded(&document)));
    }

    /// Some bytes of them changed, left out or doubled.
    #[test]
    fn changed_documents_are_read_as_rmpv_reads_them(
        document in documents(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut bytes = encoded(&document);
        for (at, byte, how) in changes {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        assert_same_verdict(&bytes);
    }

    #[test]
    fn any_bytes_are_read_as_rmpv_reads_them(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        assert_same_verdict(&bytes);
        assert_loops_agree(&bytes);
    }

    /// A view, or a token, is the same wherever the bytes are.
    #[test]
    fn what_is_read_does_not_hang_on_where_it_lies(document in documents()) {
        let bytes = encoded(&document);
        let at_home = format!("{:?} {:?}", ValueRef::decode(&bytes), tokens(&bytes));
        testkit::slices::at_every_offset(&bytes, |bytes| {
            assert_eq!(format!("{:?} {:?}", ValueRef::decode(bytes), tokens(bytes)), at_home);
        });
    }
}
