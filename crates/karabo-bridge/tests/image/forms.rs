//! Flat keys and parameters tell the same.

use karabo_bridge::{Item, Message};
use testkit::Rng;
use testkit::rng::seed;

use crate::support::*;

#[test]
fn a_live_camera_is_read_as_its_vector_says() {
    let (parts, source, data) = vector("v21_karabo_camera");
    let due = |name: &str| {
        let path = format!("data.image.{name}");
        &data.iter().find(|(key, _)| *key == path).unwrap().1
    };
    let found = described(image(&parts, &source, "data.image").unwrap());
    let expected = Described {
        pixels: expected_pixels(due("data")),
        bits: expected_value(due("bitsPerPixel")).u64(),
        dimensions: expected_value(due("dimensions")).numbers(),
        types: expected_value(due("dimensionTypes")).numbers(),
        scales: expected_value(due("dimensionScales")).text(),
        encoding: expected_value(due("encoding")).text(),
        offsets: expected_value(due("geometry.alignment.offsets")).numbers(),
        roi: expected_value(due("rOIOffsets")).numbers(),
        ..Described::default()
    };
    assert_eq!(expected_value(due("header")), V::Nil);
    assert_eq!(found, expected);
    // By hand, so that the above cannot agree on nothing.
    assert_eq!((found.bits, found.encoding.as_deref(), found.dimensions), (Some(32), Some("GRAY"), whole(&[2, 3])));
}

#[test]
fn an_image_data_is_read_as_its_vector_says() {
    let (parts, source, data) = vector("v20_imagedata");
    let expected = &data.iter().find(|(key, _)| key == "data.image").unwrap().1;
    let V::Map(params) = expected_value(&expected["params"]) else { panic!() };
    let due = |name: &str| &params.iter().find(|(key, _)| key == name).unwrap().1;
    let found = described(image(&parts, &source, "data.image").unwrap());
    let expected = Described {
        pixels: expected_pixels(&expected["array"]),
        bits: due("bitsPerPixel").u64(),
        dimensions: due("dims").numbers(),
        types: due("dimTypes").numbers(),
        scales: due("dimScales").text(),
        encoding_number: due("encoding").i64(),
        header: Some(due("header").clone()),
        roi: due("roiOffsets").numbers(),
        binning: due("binning").numbers(),
        ..Described::default()
    };
    assert_eq!(found, expected);
    assert_eq!((found.bits, found.encoding_number, found.binning), (Some(16), Some(0), whole(&[1, 1])));
    // The array itself tells the same.
    let Some(Ok(Item::Array(part))) = train(&parts).items().nth(1) else { panic!() };
    assert_eq!(described(part.image()), expected);
}

#[test]
fn a_kept_train_tells_the_same_of_its_images() {
    for name in ["v21_karabo_camera", "v20_imagedata"] {
        let (parts, source, _) = vector(name);
        let shared = parts.iter().map(|part| part.clone().into()).collect();
        let Message::Train(kept) = Message::decode(shared).unwrap() else { panic!() };
        let found = described(kept.indexed().image(&source, "data.image").unwrap());
        assert_eq!(found, described(image(&parts, &source, "data.image").unwrap()), "{name}");
    }
}

/// Names in flat keys, what else they are called in `params`, and what stands there.
const FIELDS: [(&str, &[&str], What); 16] = [
    ("bitsPerPixel", &["bitsPerPixel", "bitsPerPixels"], What::Integer),
    ("dimensions", &["dimensions", "dims"], What::Numbers),
    ("dimensionTypes", &["dimensionTypes", "dimTypes"], What::Numbers),
    ("dimensionScales", &["dimensionScales", "dimScales"], What::Text),
    ("encoding", &["encoding"], What::Encoding),
    ("geometry.alignment.offsets", &["geometry.alignment.offsets"], What::Numbers),
    ("geometry.alignment.rotations", &["geometry.alignment.rotations"], What::Numbers),
    ("geometry.pixelRegion", &["geometry.pixelRegion"], What::Numbers),
    ("geometry.subAssemblies", &["geometry.subAssemblies"], What::Maps),
    ("geometry.tileId", &["geometry.tileId"], What::Integer),
    ("header", &["header"], What::Map),
    ("rOIOffsets", &["ROIOffsets", "rOIOffsets", "roiOffsets"], What::Numbers),
    ("binning", &["binning"], What::Numbers),
    ("rotation", &["rotation"], What::Integer),
    ("flipX", &["flipX"], What::Bool),
    ("flipY", &["flipY"], What::Bool),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Integer,
    Numbers,
    Text,
    Encoding,
    Maps,
    Map,
    Bool,
}

fn random_value(what: What, rng: &mut Rng) -> V {
    // Of sub-assemblies nothing but a list is generated: see the test at the end.
    if what != What::Maps && rng.below(6) == 0 {
        let others =
            [V::Nil, V::Bool(true), s("5"), V::F64(2.0), V::List(vec![s("1")]), V::Map(fields(&[("a", V::Nil)]))];
        return rng.choose(&others).clone();
    }
    match what {
        What::Integer => match rng.below(3) {
            0 => V::UInt(rng.next_u64()),
            1 => V::Int(i64::from_le_bytes(rng.next_u64().to_le_bytes())),
            _ => V::Int(rng.below(400) as i64 - 1),
        },
        What::Numbers => random_numbers(rng),
        What::Text => s(rng.choose::<&str>(&["", "mm", "µm"])),
        What::Encoding if rng.below(2) == 0 => V::Int(rng.below(19) as i64 - 1),
        What::Encoding => s(rng.choose::<&str>(&["GRAY", "RGB", "BAYER_RG", "JPEG", "gray"])),
        What::Maps => V::List((0..rng.below(3)).map(|item| V::Map(fields(&[("n", V::Int(item as i64))]))).collect()),
        What::Map => V::Map(fields(&[("gain", V::Int(1)), ("name", s("x"))][..rng.below(3)])),
        What::Bool => V::Bool(rng.below(2) == 0),
    }
}

fn random_numbers(rng: &mut Rng) -> V {
    let len = rng.below(4);
    let typestr = match rng.below(8) {
        0 => {
            let number = |rng: &mut Rng| if rng.below(2) == 0 { V::F64(0.5) } else { V::Int(rng.below(99) as i64 - 9) };
            return V::List((0..len).map(|_| number(rng)).collect());
        }
        1 | 2 => return V::List((0..len).map(|_| V::Int(i64::from_le_bytes(rng.next_u64().to_le_bytes()))).collect()),
        3 => "|u1",
        4 => "<u2",
        5 => ">i4",
        6 => "<u8",
        _ => "<f8",
    };
    let item = |rng: &mut Rng| -> Vec<u8> {
        match typestr {
            "|u1" => rng.bytes(1),
            "<u2" => rng.bytes(2),
            ">i4" => rng.bytes(4),
            // Below 2^63.
            "<u8" => (rng.next_u64() >> 1).to_le_bytes().to_vec(),
            _ => (rng.below(1000) as f64 / 8.0 - 10.0).to_le_bytes().to_vec(),
        }
    };
    let data: Vec<u8> = (0..len).flat_map(|_| item(rng)).collect();
    V::Array(Numpy { typestr, shape: vec![len as u64], data })
}

fn due(told: &[(usize, V)], pixels: &Numpy) -> Described {
    let find = |name: &str| told.iter().find(|(field, _)| FIELDS[*field].0 == name).map(|(_, value)| value);
    let numbers = |name: &str| find(name).and_then(V::numbers);
    let is = |value: &&V, list: bool| if list { matches!(value, V::List(_)) } else { matches!(value, V::Map(_)) };
    Described {
        pixels: Some((pixels.typestr.to_owned(), pixels.shape.clone(), pixels.data.clone())),
        bits: find("bitsPerPixel").and_then(V::u64),
        dimensions: numbers("dimensions"),
        types: numbers("dimensionTypes"),
        scales: find("dimensionScales").and_then(V::text),
        encoding: find("encoding").and_then(V::text),
        encoding_number: find("encoding").and_then(V::i64),
        offsets: numbers("geometry.alignment.offsets"),
        rotations: numbers("geometry.alignment.rotations"),
        region: numbers("geometry.pixelRegion"),
        assemblies: find("geometry.subAssemblies").filter(|value| is(value, true)).cloned(),
        tile: find("geometry.tileId").and_then(V::i64),
        header: find("header").filter(|value| is(value, false)).cloned(),
        roi: numbers("rOIOffsets"),
        binning: numbers("binning"),
        rotation: find("rotation").and_then(V::i64),
        flip_x: find("flipX").and_then(V::bool),
        flip_y: find("flipY").and_then(V::bool),
    }
}

#[test]
fn any_description_is_the_same_as_flat_keys_and_as_params() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    for round in 0..if cfg!(miri) { 5 } else { 500 } {
        let mut told: Vec<(usize, V)> = Vec::new();
        for (field, (_, _, what)) in FIELDS.iter().enumerate() {
            if rng.below(3) > 0 {
                told.push((field, random_value(*what, &mut rng)));
            }
        }
        let pixels = Numpy { typestr: "<u2", shape: vec![2, 1], data: rng.bytes(4) };
        let place = *rng.choose(&["data.image", "data.image.pixels", "data.image.data"]);
        // Neighbours that must not be seen, and something that nobody knows.
        let mut entries = fields(&[
            ("data.image2.encoding", s("RGB")),
            ("data.image2.data", array("|u1", &[1], "07")),
            ("data.imag", V::Int(1)),
            ("data.imagerotation", V::Int(90)),
            ("xdata.image.binning", ints(&[9])),
            ("data.image.else", V::Int(1)),
        ]);
        entries.push((place.to_owned(), V::Array(pixels.clone())));
        for (field, value) in &told {
            entries.push((format!("data.image.{}", any_case(FIELDS[*field].0, &mut rng)), value.clone()));
        }
        shuffle(&mut entries, &mut rng);
        let mut params = fields(&[("else", V::Int(1))]);
        for (field, value) in &told {
            let name = *rng.choose(FIELDS[*field].1);
            params.push((any_case(name, &mut rng), value.clone()));
        }
        let params = nested(&params, &mut rng);
        let due = due(&told, &pixels);
        let forms = [
            ("2.2", flat("C", &entries)),
            ("1.0", single("C", &entries)),
            ("params", with_params("C", "data.image", &pixels, &params)),
        ];
        for (form, parts) in forms {
            let found = described(image(&parts, "C", "data.image").unwrap());
            assert_eq!(found, due, "seed {seed:#x}, round {round}, {form}: {told:?}");
        }
    }
}
