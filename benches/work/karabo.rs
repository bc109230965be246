//! The work of the karabo-bridge rows: trains of one large detector and of many small sources, read and written.

use karabo_bridge::msgpack_numpy_codec::{Array, Kind, Plain, ShapeRef, ValueRef, Writer};
use karabo_bridge::{
    ArrayPart, Indexed, Item, MessageRef, Part, SourceRef, TrainIndex, TrainRef, TrainWriter, Version,
};

use crate::ratio::leak;

/// Sources and their properties, as a server has them before it writes them.
pub struct Train(Vec<Source>);

struct Source {
    name: &'static str,
    metadata: Vec<(&'static str, ValueRef<'static>)>,
    values: Vec<(&'static str, ValueRef<'static>)>,
    arrays: Vec<(&'static str, Array)>,
}

/// The axes of the arrays of [`agipd`]: image, cells, gain, pulses, trains.
pub type Axes = [&'static [u64]; 5];
/// Corrected, 64 pulses: 277 MB.
pub const FULL: Axes = [&[16, 128, 512, 64], &[64], &[128, 512, 64], &[64], &[64]];
/// As many axes, and 1 kB each.
pub const SMALL: Axes = [&[16, 1, 1, 16], &[512], &[8, 1, 64], &[128], &[128]];

/// What the simulation of the Python package sends of an AGIPD of 1 Mpixel, corrected.
#[must_use]
pub fn agipd([image, cells, gain, pulses, trains]: Axes) -> Train {
    let len = |axes: &[u64]| axes.iter().product::<u64>();
    let name = "SPB_DET_AGIPD1M-1/CAL/APPEND_CORRECTED";
    let small = |axes| (0..len(axes)).map(|n| n as u16).collect();
    let pixels = (0..len(image)).map(|n| 1500.0 + (n % 1013) as f32 / 8.0).collect();
    let passport =
        ["THRESHOLDING", "OFFSET_CORR", "RELGAIN_CORR"].map(|step| format!("SPB_DET_AGIPD1M-1/CAL/{step}_Q1M1"));
    let modules = (0..16).map(|module| format!("SPB_DET_AGIPD1M-1/CAL/{module}CH0:xtdf")).collect::<Vec<_>>();
    let source = Source {
        name,
        metadata: metadata(name),
        values: vec![
            ("image.passport", texts(&passport)),
            ("sources", texts(&modules)),
            ("modulesPresent", list(16, |out, _| out.bool(true).expect("fits"))),
        ],
        arrays: [
            ("image.data", Array::from_vec(image.to_vec(), pixels)),
            ("image.cellId", Array::from_vec(cells.to_vec(), small(cells))),
            ("image.gain", Array::from_vec(gain.to_vec(), small(gain))),
            ("image.pulseId", Array::from_vec(pulses.to_vec(), (0..len(pulses)).collect())),
            ("image.trainId", Array::from_vec(trains.to_vec(), vec![TID; len(trains) as usize])),
        ]
        .map(|(path, array)| (path, array.expect("fits")))
        .to_vec(),
    };
    Train(vec![source])
}

/// 100 sources with three scalars, a small array and metadata each: 400 parts.
#[must_use]
pub fn sources() -> Train {
    let source = |n: u64| {
        let trace = (0..20).map(|pulse| (pulse * n) as f32).collect();
        let name: &str = leak(format!("SA1_XTD2_XGM/DOOCS/MAIN_{n:03}:output"));
        Source {
            name,
            metadata: metadata(name),
            values: vec![
                ("beamPosition.ixPos.value", ValueRef::F64(n as f64 / 7.0)),
                ("pressure.pressureFiltered.value", ValueRef::F64(1.5e-7 * n as f64)),
                ("pulseEnergy.numberOfBunches.value", ValueRef::UInt(2 * n)),
            ],
            arrays: vec![("data.intensityTD", Array::from_vec(vec![20], trace).expect("fits"))],
        }
    };
    Train((0..100).map(source).collect())
}

/// The number of the train.
const TID: u64 = 10_000_000_000;

fn metadata(name: &'static str) -> Vec<(&'static str, ValueRef<'static>)> {
    vec![
        ("source", ValueRef::Str(name.as_bytes())),
        ("timestamp", ValueRef::F64(1_526_464_869.410_975_5)),
        ("timestamp.tid", ValueRef::UInt(TID)),
        ("timestamp.sec", ValueRef::Str(b"1526464869")),
        ("timestamp.frac", ValueRef::Str(b"410975500000000000")),
    ]
}

fn texts(texts: &[String]) -> ValueRef<'static> {
    list(texts.len(), |out, at| out.str(&texts[at]).expect("fits"))
}

fn list(len: usize, mut item: impl FnMut(&mut Writer<'_>, usize)) -> ValueRef<'static> {
    let mut out = Writer::new();
    out.list(len as u32).expect("fits");
    (0..len).for_each(|at| item(&mut out, at));
    let encoded: &[u8] = leak(out.finish().expect("whole").to_vec());
    ValueRef::decode(encoded).expect("a list")
}

/// The parts of a train.
#[must_use]
pub fn encode(train: &Train, version: Version) -> Vec<Part<'_>> {
    let mut writer = TrainWriter::new(version);
    for source in &train.0 {
        writer.source(source.name);
        for (name, value) in &source.metadata {
            writer.metadata(*name, *value).expect("of a source");
        }
        for (path, value) in &source.values {
            writer.value(*path, *value).expect("of a source");
        }
        for (path, array) in &source.arrays {
            writer.array(*path, array.as_ref()).expect("of a source");
        }
    }
    writer.finish().expect("a train")
}

/// What a socket gives: parts that know nothing of each other.
#[must_use]
pub fn message(train: &Train, version: Version) -> Vec<Vec<u8>> {
    encode(train, version).iter().map(|part| part.as_ref().to_vec()).collect()
}

/// One number for the parts of a message, all of their bytes in it.
#[must_use]
pub fn sum_parts(parts: &[impl AsRef<[u8]>]) -> u64 {
    parts.iter().fold(0, |sum: u64, part| sum.wrapping_mul(31).wrapping_add(Whole::data(part.as_ref())))
}

/// How closely texts and bytes are looked at.
pub trait Look {
    /// One number for a text.
    fn text(text: &[u8]) -> u64;
    /// One number for the bytes of an array.
    fn data(data: &[u8]) -> u64;
}

/// At every byte: to know that both sides have the same.
pub enum Whole {}
/// At length and ends: cheap enough not to be what is measured.
pub enum Ends {}

impl Look for Whole {
    fn text(text: &[u8]) -> u64 {
        text.iter().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()))
    }

    fn data(data: &[u8]) -> u64 {
        data.iter().map(|byte| u64::from(*byte)).fold(data.len() as u64, u64::wrapping_add)
    }
}

impl Look for Ends {
    fn text(text: &[u8]) -> u64 {
        text.len() as u64 + text.first().copied().map_or(0, u64::from)
    }

    fn data(data: &[u8]) -> u64 {
        data.len() as u64 + data.first().copied().map_or(0, u64::from) + data.last().copied().map_or(0, u64::from)
    }
}

/// The train of a message.
fn train<P: AsRef<[u8]>>(parts: &[P]) -> TrainRef<'_, P> {
    let Ok(MessageRef::Train(train)) = MessageRef::decode(parts) else { panic!("no train") };
    train
}

/// A sum over sources, metadata, paths, dtypes, shapes and values, as they come: their order does not matter.
#[must_use]
pub fn walk<L: Look>(parts: &[impl AsRef<[u8]>]) -> u64 {
    let mut sum = 0_u64;
    let mut items = train(parts).items();
    // Where it lies: not moved to be looked at.
    while let Some(item) = &items.next() {
        sum = sum.wrapping_add(match item {
            Ok(Item::Source(source)) => of_source::<L>(source),
            Ok(Item::Array(array)) => of_array::<L>(array),
            other => panic!("{other:?}"),
        });
    }
    sum
}

/// The same by name.
#[must_use]
pub fn walk_index<L: Look>(parts: &[impl AsRef<[u8]>], index: &mut TrainIndex) -> u64 {
    let indexed = index.build(train(parts));
    assert!(is_whole(&indexed), "{indexed:?}");
    let arrays = |source: &SourceRef<'_>| {
        indexed.arrays(source.name()).map(|array| of_array::<L>(&array)).fold(0, u64::wrapping_add)
    };
    indexed.sources().map(|source| of_source::<L>(&source).wrapping_add(arrays(&source))).fold(0, u64::wrapping_add)
}

fn is_whole<P: AsRef<[u8]>>(indexed: &Indexed<'_, '_, P>) -> bool {
    indexed.errors().next().is_none()
}

fn of_source<L: Look>(source: &SourceRef<'_>) -> u64 {
    let name = L::text(source.name().as_bytes());
    let metadata = source.metadata().entries().map(|(path, value)| entry::<L>(!name, path, of_value::<L>(value)));
    let properties = source.properties().map(|(path, value)| entry::<L>(name, path, of_value::<L>(value)));
    metadata.fold(0, u64::wrapping_add).wrapping_add(properties.fold(0, u64::wrapping_add))
}

fn of_array<L: Look>(array: &ArrayPart<'_>) -> u64 {
    let value = of_items::<L>(array.dtype().as_plain().expect("a plain dtype"), array.shape(), array.data());
    entry::<L>(L::text(array.source().as_bytes()), array.path(), value)
}

fn entry<L: Look>(source: u64, path: &str, value: u64) -> u64 {
    source.wrapping_mul(31).wrapping_add(L::text(path.as_bytes())).wrapping_mul(31).wrapping_add(value)
}

#[inline]
fn of_value<L: Look>(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Bool(value) => value.into(),
        ValueRef::Int(value) => value as u64,
        ValueRef::UInt(value) => value,
        ValueRef::F64(value) => value.to_bits(),
        ValueRef::Str(text) => L::text(text),
        value => of_branch::<L>(value),
    }
}

/// Apart, so that what is in the one above is small.
fn of_branch<L: Look>(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::List(items) => {
            items.iter().fold(3, |sum: u64, item| sum.wrapping_mul(31).wrapping_add(of_value::<L>(item)))
        }
        ValueRef::Array(array) => {
            of_items::<L>(array.dtype().as_plain().expect("a plain dtype"), array.shape(), array.data())
        }
        other => panic!("{other:?}"),
    }
}

fn of_items<L: Look>(dtype: Plain, shape: ShapeRef<'_>, data: &[u8]) -> u64 {
    let kind = match dtype.kind() {
        Kind::UInt => 'u',
        Kind::Float => 'f',
        kind => panic!("{kind:?}"),
    };
    let dtype = u64::from(kind) * 31 + u64::from(dtype.itemsize());
    let shape = shape.iter().fold(dtype, |sum, axis| sum.wrapping_mul(31).wrapping_add(axis));
    shape.wrapping_mul(31).wrapping_add(L::data(data))
}

/// Sources, paths and dtypes of a train in 2.x and how many axes there are, but for how long these are.
#[must_use]
pub fn outline(parts: &[impl AsRef<[u8]>]) -> u64 {
    let of = |item: Result<Item<'_>, _>| match item {
        Ok(Item::Source(source)) => of_source::<Whole>(&source),
        Ok(Item::Array(array)) => {
            let axes = Whole::text(array.dtype().as_str().as_bytes()).wrapping_add(array.shape().len() as u64);
            entry::<Whole>(Whole::text(array.source().as_bytes()), array.path(), axes)
        }
        other => panic!("{other:?}"),
    };
    train(parts).items().map(of).fold(0, u64::wrapping_add)
}

/// Arrays that were read lie in the parts where they came in.
///
/// # Panics
///
/// If one was copied, or there is none.
pub fn assert_read_in_place(parts: &[impl AsRef<[u8]>]) {
    let mut arrays = 0;
    for item in train(parts).items() {
        match item.expect("whole") {
            Item::Array(array) => {
                assert!(core::ptr::eq(array.data(), parts[array.part() + 1].as_ref()), "{array:?} was copied");
                arrays += 1;
            }
            Item::Source(source) => {
                for array in source.properties().filter_map(|(_, value)| value.as_array()) {
                    let inside = parts[0].as_ref().as_ptr_range();
                    assert!(inside.contains(&array.data().as_ptr()), "{array:?} was copied");
                    arrays += 1;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(arrays > 0, "no arrays");
}

/// Arrays that were written lie where they were.
///
/// # Panics
///
/// If one was copied.
pub fn assert_written_in_place(train: &Train, parts: &[Part<'_>]) {
    let arrays = || train.0.iter().flat_map(|source| source.arrays.iter().map(|(_, array)| array.data()));
    let there = |array: &&[u8]| parts.iter().any(|part| core::ptr::eq(part.as_ref(), *array));
    assert_eq!(arrays().filter(there).count(), arrays().count(), "arrays that were not copied");
}

/// Reads parts from a file, and makes a message of them or a train; the checksums are those above.
pub const PYTHON: &str = "
import struct
import numpy as np
from karabo_bridge import deserialize, serialize
MASK = 2**64 - 1
def text(text):
    total = 0
    for byte in text.encode():
        total = (31 * total + byte) & MASK
    return total
def raw(part):
    return len(memoryview(part).cast('B')) + int(np.frombuffer(part, 'u1').sum(dtype='u8'))
def value(of):
    if isinstance(of, np.ndarray):
        total = 31 * ord(of.dtype.kind) + of.dtype.itemsize
        for axis in of.shape:
            total = 31 * total + axis
        return 31 * total + raw(of.data)
    if isinstance(of, list):
        total = 3
        for item in of:
            total = 31 * total + value(item)
        return total
    if isinstance(of, str):
        return text(of)
    if isinstance(of, float):
        return struct.unpack('<Q', struct.pack('<d', of))[0]
    return int(of)
def sum_train(train):
    data, metadata = train
    total = 0
    for source, properties in data.items():
        name = text(source)
        for path, of in metadata[source].items():
            total += 31 * (31 * (~name & MASK) + text(path)) + value(of)
        for path, of in properties.items():
            # Version 1.0 has it among the properties as well.
            if of is not metadata[source]:
                total += 31 * (31 * name + text(path)) + value(of)
    return total
def sum_parts(parts):
    total = 0
    for part in parts:
        total = (31 * total + raw(part)) & MASK
    return total
def read(path):
    parts = []
    with open(path, 'rb') as file:
        while head := file.read(8):
            parts.append(file.read(int.from_bytes(head, 'little')))
    return parts
def prepare(name, path):
    parts = read(path.decode())
    if name == 'encode':
        data, metadata = deserialize(parts)
        work = lambda: serialize(data, metadata)
        assert [bytes(part) for part in work()] == parts
        return work, sum_parts(work())
    return lambda: deserialize(parts), sum_train(deserialize(parts))
";
