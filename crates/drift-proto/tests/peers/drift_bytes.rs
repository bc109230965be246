//! Typed values, both ways.

use std::collections::BTreeSet;

use drift_proto::{DriftBytesReader, DriftBytesRef, DriftBytesWriter, Element, ItemRef, ItemType, Limits, Values};
use serde_json::{Value as Json, json};
use testkit::vectors::{hex, to_hex};
use testkit::{Rng, Worker, rng};

use crate::{mutated, texts};

pub const SCRIPT: &str = concat!(include_str!("drift_bytes.py"), "\n\n", include_str!("typed.py"));

const NAMES: [(&str, ItemType); 13] = [
    ("bool", ItemType::Bool),
    ("int8", ItemType::I8),
    ("uint8", ItemType::U8),
    ("int16", ItemType::I16),
    ("uint16", ItemType::U16),
    ("int32", ItemType::I32),
    ("uint32", ItemType::U32),
    ("int64", ItemType::I64),
    ("uint64", ItemType::U64),
    ("float32", ItemType::F32),
    ("float64", ItemType::F64),
    ("string", ItemType::String),
    ("none", ItemType::None),
];

/// An item in the form in which Python describes it.
pub fn described(item: ItemRef<'_>) -> Json {
    fn list<T: Element>(item: ItemRef<'_>, told: impl Fn(T) -> Json) -> Json {
        item.values().unwrap().map(told).collect()
    }
    let data = match item.item_type() {
        ItemType::Bool => list(item, |value: bool| json!(value)),
        ItemType::I8 => list(item, |value: i8| json!(value.to_string())),
        ItemType::U8 => list(item, |value: u8| json!(value.to_string())),
        ItemType::I16 => list(item, |value: i16| json!(value.to_string())),
        ItemType::U16 => list(item, |value: u16| json!(value.to_string())),
        ItemType::I32 => list(item, |value: i32| json!(value.to_string())),
        ItemType::U32 => list(item, |value: u32| json!(value.to_string())),
        ItemType::I64 => list(item, |value: i64| json!(value.to_string())),
        ItemType::U64 => list(item, |value: u64| json!(value.to_string())),
        ItemType::F32 => list(item, |value: f32| json!(format!("{:08x}", value.to_bits()))),
        ItemType::F64 => list(item, |value: f64| json!(format!("{:016x}", value.to_bits()))),
        ItemType::String => {
            let texts: Option<Vec<_>> = item.texts().unwrap().map(|text| std::str::from_utf8(text).ok()).collect();
            json!(texts)
        }
        ItemType::None => json!([]),
    };
    let name = NAMES.iter().find(|(_, item_type)| *item_type == item.item_type()).unwrap().0;
    json!({"type": name, "shape": item.shape().iter().collect::<Vec<_>>(), "data": data})
}

/// Gives an item, after its description, to who writes it.
pub fn write(told: &Json, add: impl FnOnce(&[u32], Values<'_>)) {
    let shape: Vec<u32> = told["shape"].as_array().unwrap().iter().map(|axis| axis.as_u64().unwrap() as u32).collect();
    let data = told["data"].as_array().unwrap();
    macro_rules! of {
        ($name:ident, $value:expr) => {
            add(&shape, Values::$name(&data.iter().map($value).collect::<Vec<_>>()))
        };
    }
    macro_rules! int {
        ($name:ident) => {
            of!($name, |one| one.as_str().unwrap().parse().unwrap())
        };
    }
    match told["type"].as_str().unwrap() {
        "bool" => of!(Bool, |one| one.as_bool().unwrap()),
        "int8" => int!(I8),
        "uint8" => int!(U8),
        "int16" => int!(I16),
        "uint16" => int!(U16),
        "int32" => int!(I32),
        "uint32" => int!(U32),
        "int64" => int!(I64),
        "uint64" => int!(U64),
        "float32" => of!(F32, |one| f32::from_bits(u32::from_str_radix(one.as_str().unwrap(), 16).unwrap())),
        "float64" => of!(F64, |one| f64::from_bits(u64::from_str_radix(one.as_str().unwrap(), 16).unwrap())),
        "string" => of!(Texts, |one| one.as_str().unwrap()),
        _ => add(&shape, Values::None),
    }
}

pub fn written(items: &Json) -> Vec<u8> {
    let mut writer = DriftBytesWriter::new();
    items.as_array().unwrap().iter().for_each(|item| {
        write(item, |shape, values| assert!(writer.item(shape, values).is_ok()));
    });
    writer.finish()
}

fn read(bytes: &[u8]) -> Json {
    DriftBytesRef::decode(bytes).unwrap().items().map(described).collect()
}

fn shape(rng: &mut Rng) -> Vec<u32> {
    match rng.below(6) {
        0 | 1 => vec![1],
        2 => vec![2 + rng.below(20) as u32],
        3 => vec![1 + rng.below(3) as u32, 1 + rng.below(3) as u32],
        4 => (0..rng.below(9)).map(|_| 1 + rng.below(2) as u32).collect(),
        _ => rng.choose(&[vec![0], vec![2, 0], vec![0, 3, 4], vec![u32::MAX, u32::MAX, 0]]).clone(),
    }
}

fn text(rng: &mut Rng) -> String {
    let len = *rng.choose(&[0, 1, 5, 40]);
    (0..len).map(|_| *rng.choose(&['a', 'Z', ' ', '\0', '\u{e9}', '\u{20ac}', '\u{1f600}'])).collect()
}

pub fn item(rng: &mut Rng) -> Json {
    let shape = shape(rng);
    let len = if shape.contains(&0) { 0 } else { shape.iter().product::<u32>() };
    let kind = if len == 0 { "none" } else { NAMES[rng.below(12)].0 };
    let value = |rng: &mut Rng| {
        let bits = *rng.choose(&[0, 1, u64::MAX, 1 << 63, 1 << 31, 0x7f80_8000_8080_7f7f, rng.clone().next_u64()]);
        rng.next_u64();
        match kind {
            "bool" => json!(bits & 1 == 1),
            "int8" => json!((bits as i8).to_string()),
            "uint8" => json!((bits as u8).to_string()),
            "int16" => json!((bits as i16).to_string()),
            "uint16" => json!((bits as u16).to_string()),
            "int32" => json!((bits as i32).to_string()),
            "uint32" => json!((bits as u32).to_string()),
            "int64" => json!((bits as i64).to_string()),
            "uint64" => json!(bits.to_string()),
            // Of NaNs the one that widening does not change.
            "float32" if f32::from_bits(bits as u32).is_nan() => json!("7fc00000"),
            "float32" => json!(format!("{:08x}", bits as u32)),
            // Of NaNs the quiet ones: processors make others quiet on the way.
            "float64" if f64::from_bits(bits).is_nan() => json!(format!("{:016x}", bits | 1 << 51)),
            "float64" => json!(format!("{bits:016x}")),
            _ => json!(text(rng)),
        }
    };
    let data: Json = (0..len).map(|_| value(rng)).collect();
    json!({"type": kind, "shape": shape, "data": data})
}

/// Which types, and which ranks, were there.
#[derive(Default)]
struct Seen(BTreeSet<String>, BTreeSet<usize>);

impl Seen {
    fn add(&mut self, items: &Json) {
        for item in items.as_array().unwrap() {
            self.0.insert(item["type"].as_str().unwrap().to_owned());
            self.1.insert(item["shape"].as_array().unwrap().len());
        }
    }

    fn all(&self) {
        assert_eq!(self.0, NAMES.iter().map(|(name, _)| (*name).to_owned()).collect());
        assert_eq!(self.1, (0..=8).collect());
    }
}

#[test]
fn what_python_writes_is_read_and_written_again() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut count, mut seen) = (0, Seen::default());
    for round in 0..5 {
        let seed = (rng::seed() >> 12) + round;
        let answer = peer.call(&json!({"op": "batch", "seed": seed, "count": 500}));
        for (index, made) in answer["buffers"].as_array().unwrap().iter().enumerate() {
            let bytes = hex(made["hex"].as_str().unwrap());
            assert_eq!(read(&bytes), made["items"], "buffer {index} of seed {seed}");
            assert_eq!(to_hex(&written(&made["items"])), made["hex"], "buffer {index} of seed {seed}");
            seen.add(&made["items"]);
            count += 1;
        }
    }
    assert_eq!(count, 2500);
    seen.all();
}

#[test]
fn what_is_written_is_what_python_writes_and_is_read_by_it() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut rng, mut count, mut seen) = (Rng::new(rng::seed() ^ 0xdb), 0, Seen::default());
    for round in 0..5 {
        let told: Vec<Json> =
            (0..500).map(|_| (0..*rng.choose(&[0, 1, 2, 5])).map(|_| item(&mut rng)).collect()).collect();
        let ours: Vec<String> = told.iter().map(|items| to_hex(&written(items))).collect();
        let theirs = peer.call(&json!({"op": "write", "buffers": told}));
        let found = peer.call(&json!({"op": "read", "buffers": ours}));
        for (index, theirs) in texts(&theirs["buffers"]).into_iter().enumerate() {
            let items = &told[index];
            assert_eq!(ours[index], theirs, "buffer {index} of round {round}: {items}");
            assert_eq!(found["buffers"][index], *items, "buffer {index} of round {round}");
            assert_eq!(read(&hex(&ours[index])), *items, "buffer {index} of round {round}");
            seen.add(items);
            count += 1;
        }
    }
    assert_eq!(count, 2500);
    seen.all();
}

/// Python has read them before they come here.
#[test]
fn what_is_in_the_other_order_is_read_and_taken_over() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let (mut count, mut seen) = (0, Seen::default());
    for round in 0..4 {
        let seed = (rng::seed() >> 12) + 200 + round;
        let answer = peer.call(&json!({"op": "other_order", "seed": seed, "count": 500}));
        for made in answer["buffers"].as_array().unwrap() {
            let bytes = hex(made["hex"].as_str().unwrap());
            assert_eq!(read(&bytes), made["items"], "{}", made["hex"]);
            let mut writer = DriftBytesWriter::new();
            for item in DriftBytesRef::decode(&bytes).unwrap().items() {
                writer.item_ref(item).unwrap();
            }
            assert_eq!(to_hex(&writer.finish()), made["plain"], "{}", made["hex"]);
            seen.add(&made["items"]);
            count += 1;
        }
    }
    assert_eq!(count, 2000);
    seen.all();
}

/// Whether the first item that is refused has axes, all of them there, whose product is too large for 32 bits.
pub fn wraps(bytes: &[u8]) -> bool {
    let Ok(mut reader) = DriftBytesReader::with_limits(bytes, &ANY_RANK) else { return false };
    let mut at = 0;
    loop {
        at = at.max(reader.position());
        if !matches!(reader.next(), Some(Ok(_))) {
            break;
        }
    }
    let Some([order, _, rest @ ..]) = bytes.get(at..) else { return false };
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().map(|byte| u128::from(*byte));
        let add = |sum: u128, digit| sum << 8 | digit;
        if *order == 1 { digits.rev().fold(0, add) } else { digits.fold(0, add) }
    };
    let Some((rank, rest)) = rest.split_at_checked(8) else { return false };
    let axes = usize::try_from(number(rank)).ok().and_then(|rank| rest.get(..rank.checked_mul(4)?));
    let product = axes.map(|axes| axes.chunks(4).fold(1_u128, |product, axis| product.saturating_mul(number(axis))));
    product.is_some_and(|product| product >= 1 << 32)
}

const ANY_RANK: Limits = Limits::DEFAULT.with_max_rank(u8::MAX);

#[test]
fn what_is_broken_is_refused_by_both() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut rng = Rng::new(rng::seed() ^ 0x0d);
    let (mut taken, mut refused, mut wrapped) = (0, 0, 0);
    for round in 0..6 {
        let seed = (rng::seed() >> 12) + 100 + round;
        let answer = peer.call(&json!({"op": "batch", "seed": seed, "count": 500}));
        let buffers = answer["buffers"].as_array().unwrap();
        let broken: Vec<Vec<u8>> =
            buffers.iter().map(|made| mutated(&mut rng, &hex(made["hex"].as_str().unwrap()), 1)).collect();
        let shown: Vec<String> = broken.iter().map(|bytes| to_hex(bytes)).collect();
        let answer = peer.call(&json!({"op": "read", "buffers": shown}));
        for ((bytes, shown), theirs) in broken.iter().zip(&shown).zip(answer["buffers"].as_array().unwrap()) {
            let ours = DriftBytesRef::decode_with(bytes, &ANY_RANK);
            let told = ours.map_or(Json::Null, |ours| ours.items().map(described).collect());
            if ours.is_err() && wraps(bytes) {
                wrapped += 1;
                continue;
            }
            // A signalling NaN is a quiet one behind Python's floats.
            assert_eq!(quiet(told), quiet(theirs.clone()), "{shown}: {:?}", ours.err());
            *(if ours.is_ok() { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert!(taken > 600 && refused > 600 && wrapped < 200, "{taken} taken, {refused} refused, {wrapped} wrapped");
}

/// With all NaNs of 32 bits made quiet.
pub fn quiet(mut items: Json) -> Json {
    for item in items.as_array_mut().into_iter().flatten() {
        if item["type"] != "float32" {
            continue;
        }
        for one in item["data"].as_array_mut().unwrap() {
            let bits = u32::from_str_radix(one.as_str().unwrap(), 16).unwrap();
            if f32::from_bits(bits).is_nan() {
                *one = json!(format!("{:08x}", bits | 1 << 22));
            }
        }
    }
    items
}

#[test]
fn what_only_python_takes() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let mut read = |bytes: &str| peer.call(&json!({"op": "read", "buffers": [bytes]}))["buffers"][0].clone();
    // A product of 32 bits is none, and then the next item begins.
    let wraps = "01000102 0200000000000000 00000100 00000100".replace(' ', "");
    assert_eq!(read(&wraps), json!([{"type": "none", "shape": [65536, 65536], "data": []}]));
    assert!(DriftBytesRef::decode(&hex(&wraps)).is_err());
    // Nine axes, which are a limit here.
    let nine = format!("010001020900000000000000{}07", "01000000".repeat(9));
    let due = json!([{"type": "uint8", "shape": [1, 1, 1, 1, 1, 1, 1, 1, 1], "data": ["7"]}]);
    assert_eq!(read(&nine), due);
    assert!(DriftBytesRef::decode(&hex(&nine)).is_err());
    let nine = hex(&nine);
    let items = DriftBytesRef::decode_with(&nine, &Limits::DEFAULT.with_max_rank(9)).unwrap().items();
    assert_eq!(items.map(described).collect::<Json>(), due);
}

#[test]
fn what_only_we_take() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    // A good item in front of one of a type that is none.
    let bytes = "0100010101000000000000000100000007010d01000000000000000100000000";
    assert_eq!(peer.call(&json!({"op": "read", "buffers": [bytes]}))["buffers"][0], json!(null));
    let bytes = hex(bytes);
    let mut reader = DriftBytesReader::new(&bytes).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().value::<i8>(), Some(7));
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none() && DriftBytesRef::decode(&bytes).is_err());
}

/// The class on top writes `uint8` as `int8`, and none where nothing was set.
#[test]
fn what_the_class_of_python_writes() {
    let Some(mut peer) = Worker::start(SCRIPT) else { return };
    let values =
        json!([[7, "uint8"], [7, null], [[true, false], null], [[], "int32"], ["\u{e9}\0", null], [null, null]]);
    let answer = peer.call(&json!({"op": "values", "values": values}));
    let due = json!([
        {"type": "int8", "shape": [1], "data": ["7"]},
        {"type": "int64", "shape": [1], "data": ["7"]},
        {"type": "bool", "shape": [2], "data": [true, false]},
        {"type": "none", "shape": [0], "data": []},
        {"type": "string", "shape": [1], "data": ["\u{e9}\0"]},
        {"type": "none", "shape": [0], "data": []},
    ]);
    assert_eq!(read(&hex(answer["hex"].as_str().unwrap())), due);
    assert_eq!(to_hex(&written(&due)), answer["hex"]);
    let none = json!({"type": "none", "shape": [0], "data": []});
    let due = json!([none, {"type": "string", "shape": [1], "data": ["x"]}, none]);
    assert_eq!(read(&hex(answer["sized"].as_str().unwrap())), due);
}
