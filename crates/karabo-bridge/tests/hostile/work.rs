//! Work that grows with the square (R7).

use std::time::Duration;

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{Indexed, Item, Limits, MessageRef, TrainIndex, TrainRef, TrainWriter, Version};
use testkit::laws;

use crate::support::VERSIONS;

fn error_count<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> usize {
    indexed.errors().len()
}

fn text(text: &str) -> Vec<u8> {
    [&[0xdb][..], &(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

/// A map of so many entries, made one by one.
fn map(n: usize, entry: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    [&[0xdf][..], &(n as u32).to_be_bytes(), &(0..n).flat_map(entry).collect::<Vec<_>>()].concat()
}

fn header(name: &str, more: &[u8]) -> Vec<u8> {
    [b"\x83\xa6source", &text(name)[..], b"\xa7content\xa7msgpack\xa8metadata", more].concat()
}

fn array(name: &str, path: &str, dtype: &str) -> Vec<u8> {
    [
        b"\x85\xa6source",
        &text(name)[..],
        b"\xa7content\xa5array\xa4path",
        &text(path),
        b"\xa5dtype",
        &text(dtype),
        b"\xa5shape\x91\x01",
    ]
    .concat()
}

const LEN: usize = 1000;

/// Twice the work takes twice the time; both to go through and to build an index.
fn linear(make: impl Fn(usize) -> Vec<Vec<u8>>) {
    repeated(1, make);
}

/// What is little work is done many times: parts of megabytes would tell of the memory.
fn repeated(times: usize, make: impl Fn(usize) -> Vec<Vec<u8>>) {
    laws::linear_cpu(LEN, &make, |parts| {
        let items: usize = (0..times).map(|_| train_of(&parts).items().count()).sum();
        (items, parts)
    });
    laws::linear_cpu(
        LEN,
        |n| (make(n), TrainIndex::new()),
        |(parts, mut index)| {
            let build = |_| {
                let indexed = index.build(train_of(&parts));
                indexed.sources().count() + usize::from(indexed.train().is_mixed()) + error_count(&indexed)
            };
            let seen: usize = (0..times).map(build).sum();
            (seen, parts, index)
        },
    );
}

/// As many parts as there are: work is what is looked at here.
fn train_of(parts: &[Vec<u8>]) -> TrainRef<'_, Vec<u8>> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode_with(parts, &Limits::DEFAULT.with_max_parts(u32::MAX)) else {
        panic!("no train")
    };
    train
}

#[test]
fn r07_many_sources() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned(), |n| format!("{:07}", 9_999_999 - n)] {
        linear(|n| {
            (0..n).flat_map(|n| [header(&name(n), b"\x81\xadtimestamp.tid\x05"), b"\x81\xa1p\x01".into()]).collect()
        });
        linear(|n| vec![map(n, |n| [&text(&name(n))[..], b"\x81\xa8metadata\x80"].concat())]);
    }
}

#[test]
fn r07_many_arrays() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned()] {
        // Of one source, of the one before, and of none.
        linear(|n| {
            let arrays = (0..n).flat_map(|n| [array("s", &name(n), "uint8"), b"x".into()]);
            [header("s", b"\x80"), b"\x80".into()].into_iter().chain(arrays).collect()
        });
        linear(|n| {
            let source = |n| [header(&name(n), b"\x80"), b"\x80".into(), array(&name(n), "a", "uint8"), b"x".into()];
            (0..n).flat_map(source).collect()
        });
        linear(|n| (0..n).flat_map(|n| [array(&name(n), "a", "uint8"), b"x".into()]).collect());
    }
}

#[test]
fn r07_many_properties() {
    for name in [|n: usize| format!("{n:07}"), |_| "same".to_owned()] {
        let property = move |n| [&text(&name(n))[..], b"\x01"].concat();
        linear(|n| vec![header("s", b"\x80"), map(n, property)]);
        linear(|n| vec![map(1, |_| [text("s"), map(n, property)].concat())]);
        linear(|n| vec![header("s", &map(n, property)), b"\x80".into()]);
        // As many unknown fields.
        linear(|n| {
            let field = |at: usize| if at < n { property(at) } else { b"\xa6source\xa1s".into() };
            let end = b"\xa7content\xa7msgpack".to_vec();
            vec![map(n + 2, |at| if at == n + 1 { end.clone() } else { field(at) }), b"\x80".into()]
        });
        // Properties and arrays of the same names.
        linear(|n| {
            let arrays = (0..n).flat_map(|n| [array("s", &name(n), "uint8"), b"x".into()]);
            [header("s", b"\x80"), map(n, property)].into_iter().chain(arrays).collect()
        });
    }
    // Lists of lists, names of names, texts of digits.
    linear(|n| vec![header("s", b"\x80"), [&b"\x81\xa1p"[..], &map(n, |_| b"\xc0\x91\x80".into())].concat()]);
    repeated(50, |n| vec![header(&"x".repeat(n * 16), b"\x80"), b"\x80".into()]);
    let digits = |n: usize| {
        let digits = text(&"9".repeat(n * 16));
        let metadata = [&b"\x82\xadtimestamp.sec"[..], &digits, b"\xaetimestamp.frac", &digits].concat();
        vec![header("s", &metadata), b"\x80".into()]
    };
    laws::linear_cpu(LEN, digits, |parts| {
        let Some(Ok(Item::Source(source))) = train_of(&parts).items().next() else { panic!("no source") };
        let found = (0..50).filter_map(|_| source.metadata().time()).count();
        assert_eq!(found, 0);
        parts
    });
}

#[test]
fn r07_long_dtypes() {
    let fields = |n: usize, name: &dyn Fn(usize) -> String| {
        let fields: Vec<_> = (0..n).map(|n| format!("('{}', 'u1')", name(n))).collect();
        format!("[{}]", fields.join(", "))
    };
    let with = |dtype: String| vec![header("s", b"\x80"), b"\x80".into(), array("s", "p", &dtype), b"".into()];
    linear(|n| with(fields(n, &|n| n.to_string())));
    linear(|n| with(fields(n, &|_| "same".into())));
    repeated(50, |n| with("[".repeat(n * 4)));
    repeated(50, |n| with("[('a', 'u1'), ".repeat(n)));
    repeated(50, |n| with(format!("'{}", "\\'".repeat(n * 4))));
    repeated(50, |n| with(format!("S{}", "1".repeat(n * 4))));
    repeated(50, |n| with(format!("{{'names': [{}]}}", "'a', ".repeat(n))));
}

/// Arrays behind all sources, with names that differ late.
#[test]
fn r07_writing_what_was_read() {
    let name = |n: usize| format!("{}{n:05}", "x".repeat(200));
    let make = |n: usize| -> Vec<Vec<u8>> {
        let sources = (0..n).flat_map(|n| [header(&name(n), b"\x80"), b"\x80".into()]);
        sources.chain((0..n).flat_map(|n| [array(&name(n), "p", "uint8"), b"x".into()])).collect()
    };
    laws::linear_cpu(LEN, make, |parts| {
        let mut writer = TrainWriter::new(Version::V2_0);
        train_of(&parts).items().for_each(|item| writer.item(item.unwrap()).unwrap());
        let written = writer.finish().unwrap().len();
        assert_eq!(written, parts.len());
        parts
    });
}

#[test]
fn r07_writing() {
    for version in VERSIONS {
        laws::linear_cpu(
            LEN,
            |n| {
                (0..n)
                    .map(|n| format!("{:07}", n * 7919 % 9973))
                    .zip(0..)
                    .map(|(name, n)| format!("{name}{n}"))
                    .collect()
            },
            |names: Vec<String>| {
                let mut writer = TrainWriter::new(version).with_dummy_timestamps(Duration::from_secs(1));
                for name in &names {
                    writer.source(name);
                    writer.metadata("timestamp.tid", ValueRef::Int(1)).unwrap();
                }
                names.iter().for_each(|name| writer.value(name, ValueRef::Nil).unwrap());
                let parts = writer.finish().unwrap().len();
                (parts, names)
            },
        );
    }
}
