//! Trains with images, written by these tests and not by the crate, and all that an image tells.

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{ImageRef, MessageRef, Numbers, TrainIndex, TrainRef};
use serde_json::Value as Json;
use testkit::Rng;
use testkit::vectors::hex;

/// A value, written by this file and not by the crate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V {
    Nil,
    Bool(bool),
    Int(i64),
    UInt(u64),
    F64(f64),
    Str(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Array(Numpy),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numpy {
    pub(crate) typestr: &'static str,
    pub(crate) shape: Vec<u64>,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn s(text: &str) -> V {
    V::Str(text.into())
}

pub(crate) fn ints(numbers: &[i64]) -> V {
    V::List(numbers.iter().copied().map(V::Int).collect())
}

pub(crate) fn array(typestr: &'static str, shape: &[u64], data: &str) -> V {
    V::Array(Numpy { typestr, shape: shape.to_vec(), data: hex(data) })
}

pub(crate) fn fields(entries: &[(&str, V)]) -> Vec<(String, V)> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[0xd9, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

pub(crate) fn list(items: Vec<Vec<u8>>) -> Vec<u8> {
    [&[0xdd][..], &(items.len() as u32).to_be_bytes(), &items.concat()].concat()
}

pub(crate) fn map<K: AsRef<str>>(entries: &[(K, Vec<u8>)]) -> Vec<u8> {
    let packed: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key.as_ref()), value.clone()].concat()).collect();
    [&[0xdf][..], &(entries.len() as u32).to_be_bytes(), &packed].concat()
}

pub(crate) fn shape(axes: &[u64]) -> Vec<u8> {
    list(axes.iter().map(|axis| [&[0xcf][..], &axis.to_be_bytes()].concat()).collect())
}

impl V {
    pub(crate) fn pack(&self) -> Vec<u8> {
        match self {
            Self::Nil => vec![0xc0],
            Self::Bool(value) => vec![if *value { 0xc3 } else { 0xc2 }],
            Self::Int(value) => [&[0xd3][..], &value.to_be_bytes()].concat(),
            Self::UInt(value) => [&[0xcf][..], &value.to_be_bytes()].concat(),
            Self::F64(value) => [&[0xcb][..], &value.to_be_bytes()].concat(),
            Self::Str(value) => text(value),
            Self::List(items) => list(items.iter().map(Self::pack).collect()),
            Self::Map(entries) => pack_map(entries),
            // As msgpack-numpy tags it: keys are bytes.
            Self::Array(Numpy { typestr, shape: axes, data }) => {
                let data_len = u32::try_from(data.len()).unwrap().to_be_bytes();
                let parts: [&[u8]; 9] = [
                    b"\x85\xc4\x02nd\xc3\xc4\x04type",
                    &text(typestr),
                    b"\xc4\x04kind\xc4\x00",
                    b"\xc4\x05shape",
                    &shape(axes),
                    b"\xc4\x04data",
                    b"\xc6",
                    &data_len,
                    data,
                ];
                parts.concat()
            }
        }
    }

    /// The number, if it is an integer.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some((*value).into()),
            Self::UInt(value) => Some((*value).into()),
            _ => None,
        }
    }

    pub(crate) fn u64(&self) -> Option<u64> {
        self.integer()?.try_into().ok()
    }

    pub(crate) fn i64(&self) -> Option<i64> {
        self.integer()?.try_into().ok()
    }

    pub(crate) fn text(&self) -> Option<String> {
        if let Self::Str(value) = self { Some(value.clone()) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn numbers(&self) -> Option<Nums> {
        match self {
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Self::F64(value) => Some((None, Some(*value))),
                    item => Some((item.i64(), Some(item.integer()? as f64))),
                })
                .collect(),
            Self::Array(Numpy { typestr, data, .. }) => Some(decode_items(typestr, data)),
            _ => None,
        }
    }
}

pub(crate) fn pack_map(entries: &[(String, V)]) -> Vec<u8> {
    map(&entries.iter().map(|(key, value)| (key, value.pack())).collect::<Vec<_>>())
}

/// What items of these types are, as integers and as floats.
pub(crate) fn decode_items(typestr: &str, data: &[u8]) -> Nums {
    let integer = |value: i128| (i64::try_from(value).ok(), Some(value as f64));
    match typestr {
        "|u1" => data.iter().map(|item| integer((*item).into())).collect(),
        "<u2" => data.chunks(2).map(|item| integer(u16::from_le_bytes(item.try_into().unwrap()).into())).collect(),
        ">i4" => data.chunks(4).map(|item| integer(i32::from_be_bytes(item.try_into().unwrap()).into())).collect(),
        "<u8" => data.chunks(8).map(|item| integer(u64::from_le_bytes(item.try_into().unwrap()).into())).collect(),
        "<f4" => data.chunks(4).map(|item| (None, Some(f32::from_le_bytes(item.try_into().unwrap()).into()))).collect(),
        "<f8" => data.chunks(8).map(|item| (None, Some(f64::from_le_bytes(item.try_into().unwrap())))).collect(),
        other => panic!("{other}"),
    }
}

/// How headers name it: `str(dtype)` on a little-endian machine.
pub(crate) fn name(typestr: &str) -> &str {
    match typestr {
        "|u1" => "uint8",
        "<u2" => "uint16",
        "<u4" => "uint32",
        "<u8" => "uint64",
        "<f4" => "float32",
        "<f8" => "float64",
        other => other,
    }
}

pub(crate) fn source_pair(name: &str, entries: &[(String, V)]) -> Vec<Vec<u8>> {
    let header = map(&[("source", text(name)), ("content", text("msgpack")), ("metadata", map::<&str>(&[]))]);
    vec![header, pack_map(entries)]
}

pub(crate) fn array_pair(source: &str, path: &str, array: &Numpy, params: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let content = if params.is_some() { "ImageData" } else { "array" };
    let mut header = vec![
        ("source", text(source)),
        ("content", text(content)),
        ("path", text(path)),
        ("dtype", text(name(array.typestr))),
        ("shape", shape(&array.shape)),
    ];
    header.extend(params.map(|params| ("params", params)));
    vec![map(&header), array.data.clone()]
}

/// Version 2.2: arrays behind the source.
pub(crate) fn flat(source: &str, entries: &[(String, V)]) -> Vec<Vec<u8>> {
    let is_array = |entry: &&(String, V)| matches!(entry.1, V::Array(_));
    let values: Vec<_> = entries.iter().filter(|entry| !is_array(entry)).cloned().collect();
    let mut parts = source_pair(source, &values);
    for (path, value) in entries.iter().filter(is_array) {
        let V::Array(array) = value else { panic!() };
        parts.extend(array_pair(source, path, array, None));
    }
    parts
}

/// Version 1.0: arrays among the properties.
pub(crate) fn single(source: &str, entries: &[(String, V)]) -> Vec<Vec<u8>> {
    let mut entries = entries.to_vec();
    entries.push(("metadata".into(), V::Map(Vec::new())));
    vec![V::Map(vec![(source.into(), V::Map(entries))]).pack()]
}

/// An `ImageData`.
pub(crate) fn with_params(source: &str, path: &str, pixels: &Numpy, params: &[(String, V)]) -> Vec<Vec<u8>> {
    [source_pair(source, &[]), array_pair(source, path, pixels, Some(pack_map(params)))].concat()
}

pub(crate) fn train(parts: &[Vec<u8>]) -> TrainRef<'_, Vec<u8>> {
    let MessageRef::Train(train) = MessageRef::decode(parts).unwrap() else { panic!("no train") };
    assert!(train.items().all(|item| item.is_ok()), "{:?}", train.items().collect::<Vec<_>>());
    train
}

pub(crate) fn image<'a>(parts: &'a [Vec<u8>], source: &str, path: &str) -> Option<ImageRef<'a>> {
    TrainIndex::new().build(train(parts)).image(source, path)
}

/// Both forms of flat keys.
pub(crate) fn flat_forms(entries: &[(&str, V)]) -> [Vec<Vec<u8>>; 2] {
    let entries = fields(entries);
    [flat("C", &entries), single("C", &entries)]
}

pub(crate) type Nums = Vec<(Option<i64>, Option<f64>)>;

/// All that an image tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Described {
    pub(crate) pixels: Option<(String, Vec<u64>, Vec<u8>)>,
    pub(crate) bits: Option<u64>,
    pub(crate) dimensions: Option<Nums>,
    pub(crate) types: Option<Nums>,
    pub(crate) scales: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) encoding_number: Option<i64>,
    pub(crate) offsets: Option<Nums>,
    pub(crate) rotations: Option<Nums>,
    pub(crate) region: Option<Nums>,
    pub(crate) assemblies: Option<V>,
    pub(crate) tile: Option<i64>,
    pub(crate) header: Option<V>,
    pub(crate) roi: Option<Nums>,
    pub(crate) binning: Option<Nums>,
    pub(crate) rotation: Option<i64>,
    pub(crate) flip_x: Option<bool>,
    pub(crate) flip_y: Option<bool>,
}

pub(crate) fn value(found: ValueRef<'_>) -> V {
    match found {
        ValueRef::Nil => V::Nil,
        ValueRef::Bool(value) => V::Bool(value),
        ValueRef::Int(value) => V::Int(value),
        ValueRef::UInt(value) => V::UInt(value),
        ValueRef::F64(value) => V::F64(value),
        ValueRef::Str(_) => s(found.as_str().unwrap()),
        ValueRef::List(list) => V::List(list.iter().map(value).collect()),
        ValueRef::Map(map) => {
            V::Map(map.iter().map(|(key, item)| (key.as_str().unwrap().to_owned(), value(item))).collect())
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn numbers(found: Option<Numbers<'_>>) -> Option<Nums> {
    found.map(|found| {
        assert_eq!(found.integers().count(), found.floats().count());
        found.integers().zip(found.floats().map(Some)).collect()
    })
}

pub(crate) fn described(image: ImageRef<'_>) -> Described {
    Described {
        pixels: image
            .pixels()
            .map(|array| (array.dtype().to_string(), array.shape().iter().collect(), array.data().to_vec())),
        bits: image.bits_per_pixel(),
        dimensions: numbers(image.dimensions()),
        types: numbers(image.dimension_types()),
        scales: image.dimension_scales().map(str::to_owned),
        encoding: image.encoding().map(str::to_owned),
        encoding_number: image.encoding_number(),
        offsets: numbers(image.alignment_offsets()),
        rotations: numbers(image.alignment_rotations()),
        region: numbers(image.pixel_region()),
        assemblies: image.sub_assemblies().map(|list| value(ValueRef::List(list))),
        tile: image.tile_id(),
        header: image.header().map(|map| value(ValueRef::Map(map))),
        roi: numbers(image.roi_offsets()),
        binning: numbers(image.binning()),
        rotation: image.rotation(),
        flip_x: image.flip_x(),
        flip_y: image.flip_y(),
    }
}

pub(crate) fn whole(numbers: &[i64]) -> Option<Nums> {
    Some(numbers.iter().map(|number| (Some(*number), Some(*number as f64))).collect())
}

/// A golden vector: its parts, and what is expected of its only source, by path.
pub(crate) fn vector(name: &str) -> (Vec<Vec<u8>>, String, Vec<(String, Json)>) {
    let start = format!("{{\"name\": \"{name}\",");
    let line = include_str!("../vectors/karabo_bridge.jsonl").lines().find(|line| line.starts_with(&start)).unwrap();
    let line: Json = serde_json::from_str(line).unwrap();
    let parts = line["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect();
    let source = &line["expect"]["sources"][0];
    let entries = source["data"].as_array().unwrap().iter();
    let data = entries.map(|entry| (entry[0].as_str().unwrap().to_owned(), entry[1].clone())).collect();
    (parts, source["source"].as_str().unwrap().to_owned(), data)
}

pub(crate) fn expected_value(json: &Json) -> V {
    match json["t"].as_str().unwrap() {
        "nil" => V::Nil,
        "str" => s(json["v"].as_str().unwrap()),
        "int" => V::Int(json["v"].as_str().unwrap().parse().unwrap()),
        "list" => V::List(json["v"].as_array().unwrap().iter().map(expected_value).collect()),
        "map" => {
            let entries = json["v"].as_array().unwrap().iter();
            V::Map(
                entries.map(|entry| (expected_value(&entry[0]).text().unwrap(), expected_value(&entry[1]))).collect(),
            )
        }
        other => panic!("{other}"),
    }
}

pub(crate) fn expected_pixels(json: &Json) -> Option<(String, Vec<u64>, Vec<u8>)> {
    let axes = json["shape"].as_array().unwrap().iter().map(|axis| axis.as_u64().unwrap()).collect();
    Some((json["typestr"].as_str().unwrap().to_owned(), axes, hex(json["hex"].as_str().unwrap())))
}

/// Dotted names as maps in maps, in the spelling of the first.
pub(crate) fn nested(entries: &[(String, V)], rng: &mut Rng) -> Vec<(String, V)> {
    let geometry = entries.iter().filter(|(name, _)| name.contains('.'));
    let (mut params, mut outer, mut inner) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in geometry {
        match name.split('.').collect::<Vec<_>>()[..] {
            [_, name] => outer.push((name.to_owned(), value.clone())),
            [_, _, name] => inner.push((name.to_owned(), value.clone())),
            _ => panic!("{name}"),
        }
    }
    if !inner.is_empty() || rng.below(2) == 0 {
        outer.push((any_case("alignment", rng), V::Map(inner)));
    }
    shuffle(&mut outer, rng);
    if !outer.is_empty() {
        params.push((any_case("geometry", rng), V::Map(outer)));
    }
    params.extend(entries.iter().filter(|(name, _)| !name.contains('.')).cloned());
    shuffle(&mut params, rng);
    params
}

pub(crate) fn any_case(name: &str, rng: &mut Rng) -> String {
    let mut flip = |c: char| match rng.below(3) {
        0 => c.to_ascii_uppercase(),
        1 => c.to_ascii_lowercase(),
        _ => c,
    };
    name.chars().map(&mut flip).collect()
}

pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for at in (1..items.len()).rev() {
        items.swap(at, rng.below(at + 1));
    }
}
