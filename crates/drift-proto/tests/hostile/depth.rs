//! Nesting (R3): a megabyte of openers, and the deepest that is allowed, on a stack of 128 KiB and on every path.

use std::fmt::Write as _;

use drift_proto::{
    AnyRef, DecodeError, DriftBytesRef, EncodeError, Info, Limit, Limits, Meta, Package, PackageBuilder, PackageRef,
    Trigger, Unpack,
};
use testkit::{SMALL_STACK, on_small_stack};

use crate::proto::*;
use crate::support::*;

/// As deep as a limit can be set, which is 100.
const DEEPEST: &Limits = &Limits::DEFAULT.with_max_depth(u8::MAX);
const MEGABYTE: usize = if cfg!(miri) { 1 << 10 } else { 1 << 20 };

/// Messages up to the limit are read, one more is not.
#[test]
fn r03_depth_is_counted_in_messages() {
    for max in [0, 1, 2, 3, 63, 64, 99, 100, 101, 254, 255] {
        let (limits, depth) = (Limits::DEFAULT.with_max_depth(max), max.min(100));
        assert_eq!(read(&aligned(depth.into(), b""), &limits).map(drop), Ok(()), "{depth}");
        let over = aligned(usize::from(depth) + 1, b"");
        assert_eq!(kind(read(&over, &limits).unwrap_err()), too_much(Limit::MaxDepth), "{depth}");
        // A group is as deep as a message.
        assert_eq!(kind(read(&aligned(depth.into(), &groups(1)), &limits).unwrap_err()), too_much(Limit::MaxDepth));
        if depth > 0 {
            let (messages, group) = (aligned(usize::from(depth) - 1, &groups(1)), &limits);
            assert_eq!(read(&messages, group).map(drop), Ok(()), "{depth}");
        }
        // And so are groups alone.
        assert_eq!(read(&groups(depth.into()), &limits), Ok(usize::from(depth > 0)));
        let over = groups(usize::from(depth) + 1);
        assert_eq!(kind(read(&over, &limits).unwrap_err()), too_much(Limit::MaxDepth));
    }
}

#[test]
fn r03_a_megabyte_of_openers_is_refused_on_a_small_stack() {
    let openers = [
        aligned(MEGABYTE / 4, b""),
        tag(10, 3).repeat(MEGABYTE),
        groups(MEGABYTE / 2),
        [&tag(6, 2)[..], &varint(MEGABYTE as u64), &tag(10, 3).repeat(MEGABYTE)].concat(),
        // In a field of another wire type, and under a number that is none.
        tag(1, 3).repeat(MEGABYTE),
        tag((1 << 29) - 1, 3).repeat(MEGABYTE / 5),
        // Of two groups by turns, and with fields between them.
        [tag(10, 3), tag(11, 3), number(3, 7)].concat().repeat(MEGABYTE / 4),
    ];
    for limits in [&Limits::DEFAULT, DEEPEST] {
        on_small_stack(SMALL_STACK, || {
            for bytes in &openers {
                assert_eq!(kind(read(bytes, limits).unwrap_err()), too_much(Limit::MaxDepth));
                let in_a_payload = any(PAYLOAD, bytes);
                let payload = PackageRef::decode_with(&in_a_payload, limits).unwrap().payload();
                // A payload has no field 6, and what begins with one is bytes to it.
                let due = if bytes[0] == tag(6, 2)[0] { Ok(()) } else { Err(too_much(Limit::MaxDepth)) };
                assert_eq!(payload.map(drop).map_err(kind), due);
            }
        });
    }
}

/// The path to what is too deep ends there: it is no longer for what is deeper still.
#[test]
fn r03_the_path_to_what_is_too_deep_ends_there() {
    let (over, deep) = (aligned(65, b""), aligned(MEGABYTE / 4, b""));
    let path = |bytes: &[u8]| PackageRef::decode(bytes).unwrap_err().path(bytes);
    // The outermost meta, and 64 messages in it, the last of them a package.
    let due = ["meta", &".alignment_info.packages[0].meta".repeat(21), ".alignment_info"].concat();
    assert_eq!(path(&over), due);
    assert_eq!(path(&deep), due);
}

/// Messages in `Any` in messages: nobody goes down by himself.
#[test]
fn r03_an_any_is_opened_only_when_it_is_asked_for() {
    let name = "/drift.proto.common.DriftPackage";
    // What is in front of the inner message, from the inside out.
    let (mut len, mut heads) = (0, Vec::new());
    for _ in 0..MEGABYTE / 40 {
        let value = [&part(1, name)[..], &tag(2, 2), &varint(len as u64)].concat();
        let head = [&tag(5, 2)[..], &varint((value.len() + len) as u64), &value].concat();
        len += head.len();
        heads.push(head);
    }
    heads.reverse();
    let bytes = heads.concat();
    on_small_stack(SMALL_STACK, || {
        let (mut package, mut depth) =
            (PackageRef::decode_with(&bytes, &Limits::DEFAULT.with_max_depth(1)).unwrap(), 0);
        // As deep as somebody cares to go; each step costs what is left.
        while let Some(inner) = package.data().next().filter(|_| depth < 100) {
            package = inner.unpack().unwrap().unwrap();
            depth += 1;
        }
        assert_eq!(depth, 100);
    });
}

/// Everything that can be done with the deepest package there is.
fn every_path(bytes: &[u8], limits: &Limits, metas: usize) {
    let package = PackageRef::decode_with(bytes, limits).unwrap();
    let meta = package.meta().unwrap();
    assert_eq!(read_meta(meta), metas);
    let other = bytes.to_vec();
    let same = PackageRef::decode_with(&other, limits).unwrap();
    assert!(meta == same.meta().unwrap() && package == same);
    write!(Nowhere, "{meta:?} {meta:#?}").unwrap();
    let owned = package.into_owned();
    assert!(owned.clone() == owned && owned.as_ref().meta() == Some(meta));
    write!(Nowhere, "{:?}", Meta::from(meta).clone()).unwrap();
    let mut builder = PackageBuilder::from(package);
    builder.id = 1;
    let mut written = Vec::new();
    builder.clone().encode_with(&mut written, limits).unwrap();
    assert_eq!(written, [&number(1, 1)[..], bytes].concat());
    let unpacked = AnyRef::new("/drift.proto.common.DriftPackage", bytes).unpack_with::<PackageRef<'_>>(limits);
    assert!(unpacked.unwrap().unwrap().meta() == Some(meta));
    #[cfg(feature = "prost")]
    {
        use drift_proto::proto::common::DriftPackage;
        use prost::Message as _;
        let prost = DriftPackage::from(&owned);
        assert!(prost == DriftPackage::from(package));
        let copy = prost.clone();
        write!(Nowhere, "{copy:?}").unwrap();
        drop(prost);
        assert_eq!(copy.encoded_len(), bytes.len());
        let back = Package::try_from(&copy);
        assert_eq!(
            back.map(|back| back.bytes() == bytes).map_err(kind),
            match limits.max_depth {
                ..=64 => Ok(true),
                _ => Err(too_much(Limit::MaxDepth)),
            }
        );
    }
    drop(Package::decode_with(bytes.to_vec().into(), limits).unwrap());
}

#[test]
fn r03_the_deepest_package_takes_every_path_on_a_small_stack() {
    // A meta is the first of three messages.
    for (limits, depth, metas) in [(&Limits::DEFAULT, 64, 22), (DEEPEST, 100, 34)] {
        // Once plain, and with meta and what it is about in three pieces at each level, all but one empty.
        let plain = aligned(depth, b"");
        let mut pieces = Vec::new();
        for level in (0..metas).rev() {
            let empty = if level + 1 == metas { Vec::new() } else { part(6, []) };
            let info = if level + 1 == metas { Vec::new() } else { part(6, part(1, &pieces)) };
            let meta = [&empty[..], &info, &empty].concat();
            let field = if level == 0 { 6 } else { 2 };
            pieces = [part(field, []), part(field, meta), part(field, [])].concat();
        }
        on_small_stack(SMALL_STACK, || every_path(&plain, limits, metas));
        on_small_stack(SMALL_STACK, || {
            let package = PackageRef::decode_with(&pieces, limits).unwrap();
            let meta = package.meta().unwrap();
            assert_eq!(read_meta(meta), metas);
            let plain = PackageRef::decode_with(&plain, limits).unwrap();
            assert!(Some(meta) == plain.meta(), "merged, it is the same");
            write!(Nowhere, "{meta:?} {meta:#?}").unwrap();
        });
    }
}

/// What was made, and not read: as deep as the caller likes, and written only as deep as limits say.
#[test]
fn r03_a_meta_that_was_made_is_written_up_to_the_limit() {
    let made = |metas: usize| {
        let mut meta = Meta::new(Info::Text("a/b"));
        for _ in 1..metas {
            meta = Meta::new(Info::Aligned(vec![("t", Some(meta))]));
        }
        let mut builder = PackageBuilder::new(0);
        builder.meta = Some(meta);
        builder
    };
    for (limits, metas, max) in [(&Limits::DEFAULT, 21, 64), (DEEPEST, 33, 100)] {
        on_small_stack(SMALL_STACK, || {
            let builder = made(metas);
            let mut written = Vec::new();
            builder.clone().encode_with(&mut written, limits).unwrap();
            assert_eq!(written.len(), builder.encoded_len());
            assert_eq!(read_meta(PackageRef::decode_with(&written, limits).unwrap().meta().unwrap()), metas);
            write!(Nowhere, "{builder:?}").unwrap();
            let found = made(metas + 1).encode_with(&mut written, limits);
            // Three messages to a level, and the text in the last.
            assert_eq!(found, Err(EncodeError::TooDeep { max }));
        });
    }
}

#[test]
fn r03_other_messages_are_as_deep_as_limits_say() {
    on_small_stack(SMALL_STACK, || {
        let trigger = part(2, groups(99));
        assert_eq!(Trigger::unpack(&trigger, DEEPEST).map(|trigger| trigger.timestamp.is_some()), Ok(true));
        assert_eq!(kind(Trigger::unpack(&trigger, &Limits::DEFAULT).unwrap_err()), too_much(Limit::MaxDepth));
        // Typed data does not nest.
        let deep: Result<_, DecodeError> = DriftBytesRef::decode(&[1, 0]);
        assert_eq!(deep.unwrap().items().count(), 0);
    });
}
