//! The index for deep values: the same values at the same places as `ValueRef` and rmpv find, and the same errors.

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

use common::golden;
use msgpack_numpy_codec::{DecodeErrorKind, Limit, Limits, Node, Tape, Tree, ValueRef};
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config as Cases;
use rmpv::Value as Peer;
use tagged::{documents, encoded};
use testkit::vectors::to_hex;
use testkit::{assert_no_alloc, laws, measure};

/// Values in a value and itself, those inside tagged maps too.
fn values(value: &Peer) -> usize {
    match value {
        Peer::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Peer::Map(entries) => 1 + entries.iter().map(|(key, value)| values(key) + values(value)).sum::<usize>(),
        _ => 1,
    }
}

/// A node against rmpv's, which knows no tags, and against the value that its bytes are alone. Returns how many there were.
fn assert_node(node: Node<'_, '_>, theirs: &Peer, input: &[u8], limits: &Limits) -> usize {
    let bytes = node.as_encoded();
    assert_eq!(bytes.as_ptr().addr() - input.as_ptr().addr(), node.offset());
    assert_eq!(to_hex(bytes), to_hex(&encoded(theirs)));
    let alone = ValueRef::decode_with(bytes, limits).unwrap();
    assert_eq!(meaning::of(node.value()), meaning::of(alone), "{}", to_hex(bytes));
    assert_eq!(format!("{node:?}"), format!("{alone:?}"));
    let parts: Vec<&Peer> = match theirs {
        Peer::Array(items) => items.iter().collect(),
        Peer::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        _ => Vec::new(),
    };
    let is_map = matches!(theirs, Peer::Map(_));
    let len = if is_map { parts.len() / 2 } else { parts.len() };
    assert_eq!((node.len(), node.is_empty()), (len, len == 0));
    let mut children = node.children();
    assert_eq!(children.len(), parts.len());
    let mut count = 1;
    for (index, part) in parts.iter().enumerate() {
        assert_eq!(children.size_hint(), (parts.len() - index, Some(parts.len() - index)));
        count += assert_node(children.next().unwrap(), part, input, limits);
    }
    assert!(children.next().is_none() && children.next().is_none());
    let places: Vec<_> = node.children().map(Node::offset).collect();
    let of_entries = node.entries().flat_map(|(key, value)| [key.offset(), value.offset()]);
    assert_eq!(of_entries.collect::<Vec<_>>(), if is_map { places.clone() } else { Vec::new() });
    for index in 0..parts.len() + 2 {
        let expected = if is_map { None } else { places.get(index).copied() };
        assert_eq!(node.at(index).map(Node::offset), expected);
    }
    assert_keys(node, theirs, &places);
    count
}

/// Each key that is a text finds the first value that it has.
fn assert_keys(node: Node<'_, '_>, theirs: &Peer, places: &[usize]) {
    let Peer::Map(entries) = theirs else {
        assert!(node.get("a").is_none() && node.get("").is_none());
        return;
    };
    fn text(key: &Peer) -> Option<&[u8]> {
        match key {
            Peer::String(text) => Some(text.as_bytes()),
            Peer::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }
    for (key, _) in entries {
        let Some(name) = text(key) else { continue };
        let first = entries.iter().position(|(other, _)| text(other) == Some(name)).unwrap();
        assert_eq!(node.get(name).unwrap().offset(), places[2 * first + 1]);
        // The same as the cursor finds, where there is one.
        if let ValueRef::Map(map) | ValueRef::Faulty(map, _) = node.value() {
            assert_eq!(meaning::of(map.get(name).unwrap()), meaning::of(node.get(name).unwrap().value()));
        }
    }
    assert!(node.get("no such key, and so long that none is").is_none());
}

fn assert_tree(input: &[u8], theirs: &Peer) -> usize {
    let mut tape = Tape::new();
    let tree = tape.parse(input, &Limits::DEFAULT).unwrap();
    assert_eq!(format!("{tree:?}"), format!("{:?}", ValueRef::decode(input).unwrap()));
    assert_eq!((tree.root().offset(), tree.root().as_encoded()), (0, input));
    assert_node(tree.root(), theirs, input, &Limits::DEFAULT)
}

proptest! {
    #![proptest_config(Cases { cases: if cfg!(miri) { 2 } else { 120 }, failure_persistence: None, ..Cases::default() })]

    #[test]
    fn nodes_are_what_rmpv_and_the_cursors_find(document in documents()) {
        let theirs = document.came();
        let input = encoded(&theirs);
        assert_eq!(assert_tree(&input, &theirs), values(&theirs));
        // And wherever the bytes lie.
        let mut seen = String::new();
        testkit::slices::at_every_offset(&input, |input| {
            let mut tape = Tape::new();
            let found = describe(tape.parse(input, &Limits::DEFAULT).unwrap().root());
            assert!(seen.is_empty() || seen == found);
            seen = found;
        });
    }

    #[test]
    fn values_of_documents_in_turn_are_those_that_the_cursors_find(document in documents()) {
        assert_values(&encoded(&document.came()));
    }

    /// The same verdict as without an index: kind, place, limit.
    #[test]
    fn errors_are_those_of_a_value(
        document in documents(),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0..3), 0..4),
        max_depth in 0_u8..12,
    ) {
        let mut bytes = encoded(&document.came());
        for (at, byte, how) in changes {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 if bytes.len() > 1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, byte),
            }
        }
        for limits in [Limits::DEFAULT, Limits::DEFAULT.with_max_depth(max_depth).with_max_axes(max_depth)] {
            assert_same_verdict(&bytes, &limits);
        }
    }

    #[test]
    fn any_bytes_have_the_same_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..60), max_depth in 0_u8..6) {
        assert_same_verdict(&bytes, &Limits::DEFAULT.with_max_depth(max_depth));
        assert_same_verdict(&bytes, &Limits::DEFAULT);
    }

    /// Law 8, and a tape that was used before is as good as a new one, whatever it was used for.
    #[test]
    fn used_tapes_are_as_good_as_new_ones(one in documents(), other in documents(), end in any::<usize>()) {
        let [one, other] = [one, other].map(|document| encoded(&document.came()));
        let mut tape = Tape::new();
        let new = describe(tape.parse(&one, &Limits::DEFAULT).unwrap().root());
        tape.parse(&other, &Limits::DEFAULT).unwrap();
        // One that ended in an error, too.
        let _ = tape.parse(&other[..end % other.len()], &Limits::DEFAULT);
        assert_eq!(describe(tape.parse(&one, &Limits::DEFAULT).unwrap().root()), new);
    }
}

/// All values with their places.
fn describe(node: Node<'_, '_>) -> String {
    let inside: String = node.children().map(describe).collect();
    format!("{} {} {} ({inside})", node.offset(), node.len(), meaning::of(node.value()))
}

fn assert_same_verdict(bytes: &[u8], limits: &Limits) {
    let one = |bytes| ValueRef::decode_with(bytes, limits).map(meaning::of);
    let other = |bytes| Tape::new().parse(bytes, limits).map(|tree| meaning::of(tree.root().value()));
    laws::two_forms(bytes, one, other);
}

#[test]
fn vectors_have_the_same_verdict_whole_and_cut() {
    for class in ["valid", "legacy", "malformed"] {
        for (vector, bytes) in golden(class) {
            assert_same_verdict(&bytes, &Limits::DEFAULT);
            assert_same_verdict(&[&bytes[..], b"\xc0"].concat(), &Limits::DEFAULT);
            if vector["name"] == "bad_truncated" || bytes.len() > 2000 {
                continue;
            }
            for end in 0..bytes.len() {
                let error = Tape::new().parse(&bytes[..end], &Limits::DEFAULT).map(drop).unwrap_err();
                assert_eq!(
                    (error.kind(), error.offset(), error.what()),
                    (DecodeErrorKind::UnexpectedEnd, end as u64, "value")
                );
            }
            for changed in laws::mutations(&bytes).step_by(if cfg!(miri) { 97 } else { 7 }) {
                assert_same_verdict(&changed, &Limits::DEFAULT);
            }
        }
    }
}

/// What is no container has no parts; a tagged map has those of its map.
#[test]
fn parts_of_tagged_maps_and_of_single_values() {
    let array = common::array("<i2", &[1], b"ab");
    let mut tape = Tape::new();
    let tree = tape.parse(&array, &Limits::DEFAULT).unwrap();
    let root = tree.root();
    let ValueRef::Array(found) = root.value() else { panic!("{root:?}") };
    assert_eq!((found.to_vec::<i16>().unwrap(), root.len(), root.children().len()), (vec![0x6261], 5, 10));
    assert_eq!(root.get("type").unwrap().value(), ValueRef::Str(b"<i2"));
    assert_eq!(root.get("shape").and_then(|shape| shape.at(0)).unwrap().value(), ValueRef::Int(1));
    assert_eq!(root.get(b"data").unwrap().value(), ValueRef::Bin(b"ab"));
    assert!(root.at(0).is_none());
    for input in [&b"\xc0"[..], b"\x07", b"\xa1a", b"\xc4\x01a", b"\xcb\0\0\0\0\0\0\0\0", b"\xd4\x01a"] {
        let tree = tape.parse(input, &Limits::DEFAULT).unwrap();
        let root = tree.root();
        assert_eq!((root.len(), root.is_empty(), root.children().count(), root.entries().count()), (0, true, 0, 0));
        assert!(root.at(0).is_none() && root.get("a").is_none());
    }
    // `nd` and `complex` make a map tagged as keys, and only there.
    for (input, is_map) in [
        (&b"\x82\xc4\x07complex\xc3\xa4data\xa21j"[..], false),
        (b"\x82\xa7complex\xc3\xc4\x04data\xa21j", false),
        (b"\x82\xa4data\xa21j\xa7complex\xc3", false),
        (b"\x82\xa1a\xa7complex\xa4data\xa21j", true),
        (b"\x82\xa2nd\xc3\xa4data\xa21j", true),
        (b"\x83\xa2nd\xc2\xa4data\xa1j\xa4type\xa2i1", false),
        (b"\x83\xa1a\xa2nd\xa4data\xa1j\xa4type\xa2i1", true),
        // In another map, as its key and as its value.
        (b"\x82\x81\xa7complex\xc3\x01\xa4data\xa21j", true),
        (b"\x82\xa1a\x81\xa7complex\xc3\xa4data\xa21j", true),
        // Behind another list or map.
        (b"\x83\x90\x80\xa7complex\xc3\xa4data\xa21j", false),
        (b"\x83\x81\x01\x91\xa2nd\xc2\xa7complex\xc3\xa4data\xa21j", false),
    ] {
        let tree = tape.parse(input, &Limits::DEFAULT).unwrap();
        assert_eq!(matches!(tree.root().value(), ValueRef::Map(_)), is_map, "{}", to_hex(input));
        assert_eq!(meaning::of(tree.root().value()), meaning::of(ValueRef::decode(input).unwrap()));
    }
}

/// Limits go along to every node.
#[test]
fn nodes_know_the_limits() {
    let array = common::array("|u1", &[1, 1, 1], b"a");
    let input = [&b"\x92\x81\xa1a"[..], &array, &array].concat();
    let mut tape = Tape::new();
    let tree = tape.parse(&input, &Limits::DEFAULT.with_max_axes(2)).unwrap();
    let ValueRef::Faulty(_, second) = tree.root().at(1).unwrap().value() else { panic!() };
    let ValueRef::Faulty(_, first) = tree.root().at(0).unwrap().get("a").unwrap().value() else { panic!() };
    assert_eq!((first, first.limit()), (second, Some(Limit::MaxAxes)));
    let ValueRef::List(list) = tree.root().value() else { panic!() };
    assert!(matches!(list.iter().nth(1), Some(ValueRef::Faulty(..))));
}

#[test]
fn nodes_and_trees_allocate_nothing() {
    let messages: Vec<_> = golden("valid").into_iter().map(|(_, bytes)| bytes).collect();
    let mut tape = Tape::new();
    for message in &messages {
        let tree = tape.parse(message, &Limits::DEFAULT).unwrap();
        assert_no_alloc(|| count(tree.root()));
    }
    // Once it has room for the value with most containers, parsing does not either.
    for message in &messages {
        let tree = assert_no_alloc(|| tape.parse(message, &Limits::DEFAULT)).unwrap();
        assert!(count(tree.root()) > 0);
    }
}

fn count(node: Node<'_, '_>) -> usize {
    let found = node.get("data").map_or(0, Node::len) + node.at(1).map_or(0, Node::len);
    found + 1 + node.children().map(count).sum::<usize>() + node.entries().map(|(key, _)| key.len()).sum::<usize>()
}

/// A value, and what is in it: of a list its items, of a map keys and values, of anything else nothing.
fn in_order(value: ValueRef<'_>, out: &mut Vec<String>) {
    out.push(meaning::of(value));
    match value {
        ValueRef::List(list) => list.iter().for_each(|item| in_order(item, out)),
        ValueRef::Map(map) => map.iter().for_each(|(key, value)| {
            in_order(key, out);
            in_order(value, out);
        }),
        _ => {}
    }
}

fn assert_values(bytes: &[u8]) {
    let mut expected = Vec::new();
    in_order(ValueRef::decode(bytes).unwrap(), &mut expected);
    let mut tape = Tape::new();
    let tree = tape.parse(bytes, &Limits::DEFAULT).unwrap();
    let mut values = tree.values();
    let found: Vec<_> = values.by_ref().map(meaning::of).collect();
    assert_eq!(found, expected, "{}", to_hex(bytes));
    assert!(values.next().is_none() && values.next().is_none());
    assert_no_alloc(|| tree.values().count());
}

#[test]
fn values_in_turn_are_those_that_the_cursors_find() {
    for class in ["valid", "legacy", "malformed"] {
        for (_, bytes) in golden(class) {
            if ValueRef::decode(&bytes).is_ok() {
                assert_values(&bytes);
                // Between others, as a key and as a value.
                assert_values(
                    &[&b"\x94\xc0"[..], &bytes, b"\x82", &bytes, b"\x91\x07", &bytes, &bytes, b"\x80"].concat(),
                );
            }
        }
    }
}

/// Twelve bytes for each list and map: docs of `Tape`. It grows by doubling.
#[test]
fn a_tape_takes_twelve_bytes_for_each_list_and_map() {
    const N: usize = if cfg!(miri) { 200 } else { 100_000 };
    let array = common::array("|u1", &[0], b"");
    // A value, and how many containers it is: an array is a map and a shape.
    for (element, each) in [(&b"\x90"[..], 1), (b"\x80", 1), (b"\x91\x80", 2), (b"\xc0", 0), (&array[..], 2)] {
        let input = [&[0xdd][..], &(N as u32).to_be_bytes(), &element.repeat(N)].concat();
        let containers = N * each + 1;
        let mut tape = Tape::new();
        assert_eq!(tape.capacity(), 0);
        let (is_ok, stats) = measure(|| tape.parse(&input, &Limits::DEFAULT).is_ok());
        assert!(is_ok);
        let room = tape.capacity();
        // A vector begins with room for four.
        assert!((12 * containers..=24 * containers.max(2)).contains(&room), "{room} for {containers}");
        assert!(stats.peak <= room && stats.live == room as isize, "{stats:?}");
        assert_no_alloc(|| tape.parse(&input, &Limits::DEFAULT).map(|tree| tree.root().len())).unwrap();
        assert_eq!(tape.capacity(), room);
    }
    let tape = Tape::default();
    assert_eq!((tape.capacity(), tape.clone().capacity()), (0, 0));
}

/// Going down all of a deep and wide value takes as long as it is, where cursors read it as often as it is deep.
#[test]
fn going_down_is_linear() {
    if cfg!(miri) {
        return;
    }
    // 60 levels of lists; each holds the next and some numbers behind it.
    let deep = |n: usize| {
        let mut input = Vec::new();
        for _ in 0..60 {
            input.extend([&[0xdd][..], &(n as u32 + 1).to_be_bytes()].concat());
        }
        input.push(0xc0);
        input.extend(vec![1; 60 * n]);
        input
    };
    laws::linear_cpu(200, deep, |input| count(Tape::new().parse(&input, &Limits::DEFAULT).unwrap().root()));
    let wide = |n: usize| [&[0xdd][..], &(n as u32).to_be_bytes(), &b"\x81\xa1a\x90".repeat(n)].concat();
    laws::linear_cpu(1000, wide, |input| {
        let mut tape = Tape::new();
        let tree: Tree<'_, '_> = tape.parse(&input, &Limits::DEFAULT).unwrap();
        tree.root().children().filter_map(|node| node.get("a")).count()
    });
    // One step passes a value by, however much is in it.
    let pair = |n: usize| [&[0x92, 0xdd][..], &(n as u32).to_be_bytes(), &b"\x90".repeat(n), b"\x07"].concat();
    for n in [10, 100_000] {
        let input = pair(n);
        let mut tape = Tape::new();
        let tree = tape.parse(&input, &Limits::DEFAULT).unwrap();
        assert_eq!(tree.root().at(1).unwrap().value(), ValueRef::Int(7));
        assert_eq!(tree.root().at(0).unwrap().len(), n);
    }
}
