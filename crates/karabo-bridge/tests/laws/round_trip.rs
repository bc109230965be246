//! Generated trains come back in every version (3).

use bytes::Bytes;
use karabo_bridge::msgpack_numpy_codec::{Array, DType, Scalar, ValueRef};
use karabo_bridge::{Item, Property, TrainIndex, TrainWriter, Version};
use testkit::{Rng, rng};

use crate::support::*;

/// A value, to be given to the writer and to be expected of the reader.
#[derive(Clone, Debug)]
enum Made {
    /// In MessagePack, as the writer writes it.
    Packed(Vec<u8>),
    Array(Array<Bytes>),
    Number(Scalar, Vec<u8>),
}

fn packed(rng: &mut Rng, depth: usize) -> Vec<u8> {
    match rng.below(if depth == 0 { 9 } else { 11 }) {
        0 => vec![0xc0],
        1 => vec![0xc2 + rng.below(2) as u8],
        2 => vec![rng.below(128) as u8],
        3 => [&[0xcf][..], &(rng.next_u64() | 1 << 63).to_be_bytes()].concat(),
        4 => vec![0xe0 | rng.below(32) as u8],
        5 => [&[0xcb][..], &rng.f64().to_bits().to_be_bytes()].concat(),
        6 => {
            let text = "\u{e9}\u{1f600}x".repeat(rng.below(4));
            [&[0xa0 | text.len() as u8][..], text.as_bytes()].concat()
        }
        7 => {
            let bytes = rng.bytes(rng.clone().below(40));
            [&[0xc4, bytes.len() as u8][..], &bytes].concat()
        }
        8 => [&[0xca][..], &(rng.f64() as f32).to_bits().to_be_bytes()].concat(),
        9 => {
            let items: Vec<_> = (0..rng.below(5)).map(|_| packed(rng, depth - 1)).collect();
            [&[0x90 | items.len() as u8][..], &items.concat()].concat()
        }
        _ => {
            let items: Vec<_> =
                (0..rng.below(5)).map(|n| [&[0xa1, b'a' + n as u8][..], &packed(rng, depth - 1)].concat()).collect();
            [&[0x80 | items.len() as u8][..], &items.concat()].concat()
        }
    }
}

const DTYPES: [&str; 14] = [
    "|b1",
    "|i1",
    "|u1",
    "<i2",
    ">i2",
    "<u4",
    ">u8",
    "<f4",
    ">f8",
    "<c16",
    "|S3",
    "<U2",
    "<f2",
    "[('a', '<i4'), ('b', [('c', '>u2', (2,)), ('d', '|S1')])]",
];

fn made(rng: &mut Rng) -> Made {
    match rng.below(5) {
        0 | 1 => {
            let dtype = DType::parse(rng.choose::<&str>(&DTYPES)).unwrap();
            let shape: Vec<u64> = (0..rng.below(4)).map(|_| rng.below(4) as u64).collect();
            let len = dtype.itemsize().unwrap() * shape.iter().product::<u64>();
            let data = rng.bytes(len as usize);
            Made::Array(Array::new(dtype, shape, data.into()).unwrap())
        }
        2 => {
            let number = rng.below(100) as i32 - 50;
            Made::Number(Scalar::of(number), vec![number as u8])
        }
        _ => Made::Packed(packed(rng, 3)),
    }
}

#[derive(Clone, Debug)]
struct MadeSource {
    name: String,
    metadata: Vec<(String, Vec<u8>)>,
    properties: Vec<(String, Made)>,
}

fn made_train(rng: &mut Rng) -> Vec<MadeSource> {
    (0..1 + rng.below(4))
        .map(|n| MadeSource {
            // Neither in the order of their names, nor in the opposite one.
            name: format!("{}/\u{43a}\u{430}{n}", ["z", "a", "m", ""][n]),
            metadata: (0..1 + rng.below(4)).map(|n| (format!("timestamp.{n}"), packed(rng, 2))).collect(),
            properties: (0..rng.below(6))
                .map(|n| (format!("{}.p{n}", ["data", "image", "\u{e9}"][n % 3]), made(rng)))
                .collect(),
        })
        .collect()
}

fn write(version: Version, train: &[MadeSource]) -> Vec<Vec<u8>> {
    let mut writer = TrainWriter::new(version);
    for source in train {
        writer.source(&source.name);
        for (name, value) in &source.metadata {
            writer.metadata(name, ValueRef::decode(value).unwrap()).unwrap();
        }
        for (path, value) in &source.properties {
            match value {
                Made::Packed(bytes) => writer.value(path, ValueRef::decode(bytes).unwrap()).unwrap(),
                Made::Array(array) if path.len() % 2 == 0 => writer.array(path, array.as_ref()).unwrap(),
                Made::Array(array) => writer.shared(path, array).unwrap(),
                Made::Number(scalar, _) => writer.value(path, ValueRef::Scalar(scalar.as_ref())).unwrap(),
            }
        }
    }
    writer.finish().unwrap().iter().map(|part| part.as_ref().to_vec()).collect()
}

/// Whether a value that was read has the bytes it was made of: floats by their bits.
fn same(found: ValueRef<'_>, packed: &[u8]) -> bool {
    found.encode_to_vec().unwrap() == packed
}

#[test]
fn law_3_trains_come_back_in_every_version() {
    let mut rng = Rng::new(rng::seed() ^ 3);
    for round in 0..if cfg!(miri) { 5 } else { 300 } {
        let due = made_train(&mut rng);
        for version in VERSIONS {
            let parts = write(version, &due);
            let train = train(&parts);
            assert_eq!(train.version(), Some(version));
            let mut names: Vec<_> = due.iter().map(|source| source.name.as_str()).collect();
            if version == Version::V2_2 {
                names.sort_unstable();
            }
            let items: Vec<_> = train.items().map(Result::unwrap).collect();
            let sources = items
                .iter()
                .filter_map(|item| if let Item::Source(source) = item { Some(source.name()) } else { None });
            assert!(sources.eq(names), "{version}, round {round}");
            let mut index = TrainIndex::new();
            let indexed = index.build(train);
            assert_eq!(index_errors(&indexed), []);
            for made in &due {
                let source = indexed.source(&made.name).unwrap();
                let entries: Vec<_> = source.metadata().entries().collect();
                assert_eq!(entries.len(), made.metadata.len());
                for ((name, value), (due_name, due_value)) in entries.iter().zip(&made.metadata) {
                    assert!(name == due_name && same(*value, due_value), "{version}: {name}");
                }
                let is_pair = |value: &Made| version != Version::V1_0 && matches!(value, Made::Array(_));
                let values = made.properties.iter().filter(|(_, value)| !is_pair(value)).map(|(path, _)| path.as_str());
                assert!(source.properties().map(|(path, _)| path).eq(values), "{version}, round {round}");
                for (path, value) in &made.properties {
                    match (indexed.get(&made.name, path).unwrap(), value) {
                        (Property::Value(found), Made::Packed(bytes)) => {
                            assert!(same(found, bytes), "{version}: {found:?}")
                        }
                        (Property::Value(ValueRef::Scalar(found)), Made::Number(number, _))
                            if version == Version::V1_0 =>
                        {
                            assert_eq!(found.into_owned().as_ref(), number.as_ref());
                        }
                        (Property::Value(ValueRef::Int(found)), Made::Number(_, due)) if version != Version::V1_0 => {
                            assert_eq!(found as u8, due[0]);
                        }
                        (Property::Value(ValueRef::Array(found)), Made::Array(array)) if version == Version::V1_0 => {
                            assert_eq!(found, array.as_ref());
                        }
                        (Property::Array(found), Made::Array(array)) => {
                            assert_eq!(found.to_array().unwrap(), *array);
                            assert_eq!(found.dtype().as_str(), array.dtype().as_ref().name().to_string());
                        }
                        (found, due) => panic!("{found:?} for {due:?} in {version}"),
                    }
                }
            }
            // What was written is canonical.
            assert_eq!(write(version, &due), parts);
        }
    }
}
