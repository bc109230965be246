use msgpack_numpy_codec::{DecodeError, DecodeErrorKind, Limit, Limits, MapRef, Node, Reader, Tape, Token, ValueRef};

use super::oracle::{self, Meaning};
use super::split;

/// Every way to read the same bytes agrees with every other, with `rmpv`, and with what the format says of its maps.
pub fn walk(data: &[u8]) {
    let Some((_, limits, input)) = split(data) else { return };
    let whole = ValueRef::decode_with(input, &limits);
    let walked = by_tokens(input, &limits);
    assert_eq!(whole.as_ref().map(|_| ()), walked.as_ref().map(|_| ()));
    pulled(input);

    let mut rest = input;
    let theirs = rmpv::decode::read_value_ref(&mut rest);
    if let Err(error) = whole {
        told(error, input, &theirs, rest.len());
        assert_eq!(Tape::new().parse(input, &limits).err(), Some(error));
        return;
    }
    let value = whole.expect("no error");
    let mut tape = Tape::new();
    let tree = tape.parse(input, &limits).expect("the view decoded");
    assert_eq!((tree.root().offset(), tree.root().as_encoded()), (0, input));
    same_node(tree.root(), value, input);
    if let Ok(theirs) = theirs {
        assert!(rest.is_empty());
        same(value, &theirs, &limits);
    } else {
        // Nested deeper than it goes.
        assert!(walked.is_ok_and(|depth| depth > 200), "{theirs:?}");
    }
    recode(value, &limits.with_max_depth(255));
    for len in input.len().saturating_sub(600)..input.len() {
        let prefix = &input[..len];
        let error = ValueRef::decode_with(prefix, &limits).expect_err("a value that is cut");
        assert_eq!((error.kind(), error.offset() as usize), (DecodeErrorKind::UnexpectedEnd, len));
    }
    let longer = [input, b"\x07"].concat();
    let error = ValueRef::decode_with(&longer, &limits).expect_err("a byte too many");
    assert_eq!((error.kind(), error.offset() as usize), (DecodeErrorKind::TrailingBytes, input.len()));
}

/// What is wrong is somewhere, and the oracle does not think otherwise.
fn told(error: DecodeError, input: &[u8], theirs: &Result<rmpv::ValueRef<'_>, rmpv::decode::Error>, left: usize) {
    let offset = error.offset() as usize;
    assert!(error.to_string().ends_with(&format!(" at byte {offset} (value)")));
    assert_eq!(error.limit(), (error.kind() == DecodeErrorKind::LimitExceeded).then_some(Limit::MaxDepth));
    match error.kind() {
        DecodeErrorKind::UnexpectedEnd => {
            assert_eq!(offset, input.len());
            assert!(theirs.is_err());
        }
        DecodeErrorKind::TrailingBytes => {
            assert!(theirs.is_err() || left == input.len() - offset);
            assert!(0 < offset && offset < input.len());
        }
        // The oracle takes c1 for nil.
        DecodeErrorKind::InvalidTag => assert_eq!(input[offset], 0xc1),
        DecodeErrorKind::LimitExceeded => assert!(matches!(input[offset], 0x80..=0x9f | 0xdc..=0xdf)),
        kind => panic!("{kind} of the value itself"),
    }
}

/// How deep the one value is, by a stack of our own.
fn by_tokens(input: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let mut reader = Reader::new(input);
    let mut open: Vec<u64> = vec![1];
    let mut deepest = 0;
    let mut at = 0;
    loop {
        while open.last() == Some(&0) {
            open.pop();
        }
        let Some(due) = open.last_mut() else { break };
        *due -= 1;
        let token = reader.token()?;
        assert!(reader.position() > at && reader.rest().len() == input.len() - reader.position());
        if let Token::List(_) | Token::Map(_) = token {
            if open.len() > usize::from(limits.max_depth) {
                // The error has no constructor, but the whole value tells of it.
                let error = ValueRef::decode_with(input, limits).expect_err("too deep");
                assert_eq!((error.kind(), error.offset() as usize), (DecodeErrorKind::LimitExceeded, at));
                return Err(error);
            }
            deepest = deepest.max(open.len());
        }
        at = reader.position();
        match token {
            Token::List(len) => open.push(len.into()),
            Token::Map(len) => open.push(u64::from(len) * 2),
            _ => {}
        }
    }
    reader.finish()?;
    Ok(deepest)
}

/// Token by token, all at once and value by value is the same; after an error a reader stays where it was.
fn pulled(input: &[u8]) {
    let mut reader = Reader::new(input);
    let mut tokens = Vec::new();
    let end = loop {
        if reader.rest().is_empty() {
            break Ok(());
        }
        match reader.token() {
            Ok(token) => tokens.push(format!("{token:?}")),
            Err(error) => break Err(error),
        }
    };
    let mut at_once = Reader::new(input);
    let mut taken = Vec::new();
    assert_eq!(at_once.for_each_token(|token| taken.push(format!("{token:?}"))), end);
    assert_eq!((taken, at_once.position()), (tokens, reader.position()));
    if end.is_err() {
        assert_eq!(reader.token().map(|_| ()), end);
        assert_eq!(at_once.position(), reader.position());
    }
    assert_eq!(at_once.finish().is_ok(), at_once.rest().is_empty());

    let mut skipped = Reader::new(input);
    match skipped.skip() {
        Ok(()) => assert!(skipped.position() > 0),
        Err(error) => {
            assert_eq!((skipped.position(), skipped.skip()), (0, Err(error)));
            // Tokens do not know how many were announced.
            let lacks = (error.kind(), error.offset() as usize) == (DecodeErrorKind::UnexpectedEnd, input.len());
            assert!(end == Err(error) || end.is_ok() && lacks, "{end:?} is {error}");
        }
    }
}

/// The tree holds what the view holds, wherever one looks. As deep as values may be, a loop needs no stack.
fn same_node(root: Node<'_, '_>, value: ValueRef<'_>, input: &[u8]) {
    let mut due = vec![(root, value)];
    while let Some((node, value)) = due.pop() {
        same_one(node, value, input, &mut due);
    }
}

fn same_one<'t, 'a>(
    node: Node<'t, 'a>,
    value: ValueRef<'a>,
    input: &[u8],
    due: &mut Vec<(Node<'t, 'a>, ValueRef<'a>)>,
) {
    assert_eq!(format!("{:?}", node.value()), format!("{value:?}"));
    assert_eq!(&input[node.offset()..node.offset() + node.as_encoded().len()], node.as_encoded());
    assert_eq!(node.is_empty(), node.children().next().is_none());
    match value {
        ValueRef::List(list) => {
            assert_eq!((list.len(), list.as_encoded(), node.entries().count()), (node.len(), node.as_encoded(), 0));
            assert_eq!((list.iter().count(), node.children().count()), (node.len(), node.len()));
            due.extend(node.children().zip(list.iter()));
            if let Some(last) = node.len().checked_sub(1) {
                assert_eq!(node.at(last).map(Node::offset), node.children().last().map(Node::offset));
            }
            assert!(node.at(node.len()).is_none());
        }
        ValueRef::Map(map) | ValueRef::Faulty(map, _) => {
            assert_eq!((map.len(), map.as_encoded(), node.len()), (node.len(), node.as_encoded(), map.iter().count()));
            assert_eq!(node.children().count(), node.len() * 2);
            assert_eq!(node.entries().count(), node.len());
            for ((key, value), (key_node, value_node)) in map.iter().zip(node.entries()) {
                due.extend([(key_node, key), (value_node, value)]);
                if let Some(name) = key.as_bytes() {
                    assert_eq!(format!("{:?}", node.get(name)), format!("{:?}", map.get(name)));
                }
            }
        }
        // What is tagged is still a map to who goes down.
        ValueRef::Array(_) | ValueRef::Scalar(_) | ValueRef::Complex(..) | ValueRef::Pickle(_) => {
            assert!(node.len() >= 2);
            assert_eq!(node.entries().count(), node.len());
        }
        _ => assert_eq!((node.len(), node.children().count()), (0, 0)),
    }
}

fn same(ours: ValueRef<'_>, theirs: &rmpv::ValueRef<'_>, limits: &Limits) {
    match (ours, theirs) {
        (ValueRef::Nil, rmpv::ValueRef::Nil) => {}
        (ValueRef::Bool(ours), rmpv::ValueRef::Boolean(theirs)) => assert_eq!(ours, *theirs),
        (ValueRef::Int(ours), rmpv::ValueRef::Integer(theirs)) => assert_eq!(Some(ours), theirs.as_i64()),
        (ValueRef::UInt(ours), rmpv::ValueRef::Integer(theirs)) => {
            assert_eq!((Some(ours), None), (theirs.as_u64(), theirs.as_i64()));
        }
        (ValueRef::F32(ours), rmpv::ValueRef::F32(theirs)) => assert_eq!(ours.to_bits(), theirs.to_bits()),
        (ValueRef::F64(ours), rmpv::ValueRef::F64(theirs)) => assert_eq!(ours.to_bits(), theirs.to_bits()),
        (ValueRef::Str(bytes), rmpv::ValueRef::String(theirs)) => {
            assert_eq!((bytes, ours.as_str()), (theirs.as_bytes(), theirs.as_str()));
        }
        (ValueRef::Bin(ours), rmpv::ValueRef::Binary(theirs)) => assert_eq!(ours, *theirs),
        (ValueRef::Ext(kind, ours), rmpv::ValueRef::Ext(their_kind, theirs)) => {
            assert_eq!((kind, ours), (*their_kind, *theirs));
        }
        (ValueRef::List(list), rmpv::ValueRef::Array(items)) => {
            assert_eq!(list.len(), items.len());
            list.iter().zip(items).for_each(|(ours, theirs)| same(ours, theirs, limits));
        }
        (ours, rmpv::ValueRef::Map(entries)) => same_map(ours, entries, limits),
        (ours, theirs) => panic!("{ours:?} is {theirs:?}"),
    }
}

fn same_map(ours: ValueRef<'_>, entries: &[(rmpv::ValueRef<'_>, rmpv::ValueRef<'_>)], limits: &Limits) {
    match (ours, oracle::meaning(entries, limits.max_axes)) {
        (ValueRef::Map(map), Meaning::Map) => same_entries(map, entries, limits),
        (ValueRef::Faulty(map, error), Meaning::Faulty(fault)) => {
            assert_eq!((error.kind(), error.what()), fault);
            place(map, error);
            same_entries(map, entries, limits);
        }
        (ValueRef::Array(array), Meaning::Array { dtype, shape, data }) => {
            dtype.is(array.dtype());
            assert!(array.shape().iter().eq(shape));
            assert_eq!(array.data(), data);
        }
        (ValueRef::Scalar(scalar), Meaning::Scalar { dtype, data }) => {
            dtype.is(scalar.dtype());
            assert_eq!(scalar.data(), data);
        }
        (ValueRef::Complex(real, imaginary), Meaning::Complex(their_real, their_imaginary)) => {
            assert_eq!([real, imaginary].map(f64::to_bits), [their_real, their_imaginary].map(f64::to_bits));
        }
        (ValueRef::Pickle(ours), Meaning::Pickle { shape, pickle }) => {
            assert!(ours.shape().iter().eq(shape));
            assert_eq!(ours.pickle(), pickle);
        }
        (ours, theirs) => panic!("{ours:?} is {theirs:?}"),
    }
}

fn same_entries(map: MapRef<'_>, entries: &[(rmpv::ValueRef<'_>, rmpv::ValueRef<'_>)], limits: &Limits) {
    assert_eq!((map.len(), map.is_empty()), (entries.len(), entries.is_empty()));
    for ((key, value), (their_key, their_value)) in map.iter().zip(entries) {
        same(key, their_key, limits);
        same(value, their_value, limits);
        if let Some(name) = key.as_bytes() {
            let first = map.iter().find(|(key, _)| key.as_bytes() == Some(name)).map(|(_, value)| value);
            assert_eq!(format!("{:?}", map.get(name)), format!("{first:?}"));
        }
    }
}

/// The fault is at the value of its field (SPEC.md §2).
fn place(map: MapRef<'_>, error: DecodeError) {
    let offset = error.offset() as usize;
    assert!(offset < map.as_encoded().len());
    let mut reader = Reader::new(map.as_encoded());
    reader.token().expect("it was walked before");
    let (mut seen, mut twice, mut found) = (Vec::new(), None, None);
    for _ in 0..map.len() {
        let key = reader.clone().token().expect("it was walked before");
        reader.skip().expect("it was walked before");
        let start = reader.position();
        reader.skip().expect("it was walked before");
        let (Token::Str(name) | Token::Bin(name)) = key else { continue };
        if name == error.what().as_bytes() {
            found = found.or(Some(start..reader.position()));
        }
        if seen.contains(&name) && oracle::NAMES.contains(&name) {
            twice = twice.or(Some(start));
        }
        seen.push(name);
    }
    match (error.kind(), error.what()) {
        (DecodeErrorKind::DuplicateField, "value") => assert_eq!(Some(offset), twice),
        (DecodeErrorKind::InvalidShape, "shape") => assert!(found.expect("it has one").contains(&offset)),
        _ => assert_eq!(found.map(|place| place.start), Some(offset)),
    }
}

/// What was read is written in a form that reads as the same.
fn recode(value: ValueRef<'_>, limits: &Limits) {
    let written = value.encode_to_vec().expect("what was read can be written");
    assert_eq!(value.encoded_len(), Ok(written.len()));
    let again = ValueRef::decode_with(&written, limits).expect("what we write we read");
    match (value, again) {
        (ValueRef::Array(ours), ValueRef::Array(again)) => assert_eq!(ours, again),
        (ValueRef::Scalar(ours), ValueRef::Scalar(again)) => assert_eq!(ours, again),
        (ValueRef::Pickle(ours), ValueRef::Pickle(again)) => {
            assert_eq!((ours.shape(), ours.pickle()), (again.shape(), again.pickle()));
        }
        (ValueRef::List(ours), ValueRef::List(again)) => assert_eq!(ours.as_encoded(), again.as_encoded()),
        (ValueRef::Map(ours), ValueRef::Map(again)) | (ValueRef::Faulty(ours, _), ValueRef::Faulty(again, _)) => {
            assert_eq!(ours.as_encoded(), again.as_encoded());
        }
        (ours, again) => assert_eq!(format!("{ours:?}"), format!("{again:?}")),
    }
    let owned = value.into_owned().expect("as above");
    assert_eq!(format!("{owned:?}"), format!("{value:?}"));
    assert_eq!(owned.as_encoded()[..], written);
}
