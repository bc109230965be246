//! Names, places and values that are not as they should be.

use karabo_bridge::msgpack_numpy_codec::ValueRef;
use karabo_bridge::{Property, TrainIndex};
use testkit::Rng;
use testkit::vectors::hex;

use crate::support::*;

#[test]
fn names_are_the_same_in_any_case_and_in_either_spelling() {
    let due = Described { roi: whole(&[3, 4]), bits: Some(12), ..Described::default() };
    for roi in ["rOIOffsets", "ROIOffsets", "roiOffsets", "roioffsets", "ROIOFFSETS"] {
        for bits in ["bitsPerPixel", "bitsPerPixels", "BitsPerPixel", "bitsperpixels", "BITSPERPIXEL"] {
            let keys = [format!("i.{roi}"), format!("i.{bits}")];
            for parts in flat_forms(&[(&keys[0], ints(&[3, 4])), (&keys[1], V::Int(12))]) {
                assert_eq!(described(image(&parts, "C", "i").unwrap()), due, "{roi} {bits}");
            }
            let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
            let params = fields(&[(roi, ints(&[3, 4])), (bits, V::Int(12))]);
            let parts = with_params("C", "i", &pixels, &params);
            let found = Described { pixels: None, ..described(image(&parts, "C", "i").unwrap()) };
            assert_eq!(found, due, "{roi} {bits} in params");
        }
    }
    // Another name is another name.
    for name in ["bitsPerPixe", "bitsPerPixelss", "roiOffset", "ROI_Offsets"] {
        let key = format!("i.{name}");
        for parts in flat_forms(&[(&key, V::Int(12)), ("i.binning", ints(&[1]))]) {
            let due = Described { binning: whole(&[1]), ..Described::default() };
            assert_eq!(described(image(&parts, "C", "i").unwrap()), due, "{name}");
        }
    }
}

#[test]
fn getter_names_of_the_framework_are_read_in_params() {
    // What the first device probably wrote, by the getters it called.
    let params = fields(&[
        ("BitsPerPixel", V::Int(8)),
        ("Dimensions", ints(&[1, 2])),
        ("DimensionTypes", ints(&[-1, 1])),
        ("DimensionScales", s("")),
        ("Encoding", V::Int(12)),
        (
            "Geometry",
            V::Map(fields(&[("Alignment", V::Map(fields(&[("Offsets", ints(&[1, 2, 3]))]))), ("TileId", V::Int(-5))])),
        ),
        ("Header", V::Map(Vec::new())),
        ("ROIOffsets", ints(&[0, 7])),
        ("Binning", ints(&[1, 2])),
    ]);
    let V::Array(pixels) = array("|u1", &[1, 2], "0708") else { panic!() };
    let parts = with_params("C", "i", &pixels, &params);
    let due = Described {
        pixels: Some(("|u1".into(), vec![1, 2], vec![7, 8])),
        bits: Some(8),
        dimensions: whole(&[1, 2]),
        types: whole(&[-1, 1]),
        scales: Some(String::new()),
        // It means two things, and stays a number.
        encoding_number: Some(12),
        offsets: whole(&[1, 2, 3]),
        tile: Some(-5),
        header: Some(V::Map(Vec::new())),
        roi: whole(&[0, 7]),
        binning: whole(&[1, 2]),
        ..Described::default()
    };
    assert_eq!(described(image(&parts, "C", "i").unwrap()), due);
}

#[test]
fn pixels_are_taken_from_the_best_place_in_whatever_order() {
    let places = [("i.data", "03"), ("i.pixels", "02"), ("i", "01")];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for present in 1_u8..8 {
        for order in orders {
            let kept = order.into_iter().filter(|place| present & (1 << place) != 0);
            let entries: Vec<_> = kept.map(|place| (places[place].0, array("|u1", &[1], places[place].1))).collect();
            let best = (0..3).find(|place| present & (1 << place) != 0).unwrap();
            for parts in flat_forms(&entries) {
                let pixels = image(&parts, "C", "i").unwrap().pixels().unwrap();
                assert_eq!(pixels.to_vec::<u8>().unwrap(), hex(places[best].1), "{entries:?}");
            }
        }
    }
}

#[test]
fn what_is_no_array_is_passed_over_for_pixels() {
    for other in [V::Nil, s("07"), ints(&[7]), V::Map(Vec::new())] {
        let entries = [("i.data", other), ("i.pixels", array("|u1", &[1], "02"))];
        for parts in flat_forms(&entries) {
            let pixels = image(&parts, "C", "i").unwrap().pixels().unwrap();
            assert_eq!(pixels.to_vec::<u8>().unwrap(), [2], "{entries:?}");
        }
    }
    for parts in flat_forms(&[("i.data", V::Nil), ("i.encoding", s("GRAY"))]) {
        let image = image(&parts, "C", "i").unwrap();
        assert_eq!((image.pixels(), image.encoding()), (None, Some("GRAY")));
    }
}

#[test]
fn pixels_with_fields_are_none_and_the_rest_is_told() {
    let pixels = Numpy { typestr: "[('a', '<i2')]", shape: vec![1], data: vec![1, 0] };
    let mut parts = flat("C", &fields(&[("i.encoding", s("GRAY"))]));
    parts.extend(array_pair("C", "i.data", &pixels, None));
    let found = image(&parts, "C", "i").unwrap();
    assert_eq!((found.pixels(), found.encoding()), (None, Some("GRAY")));
    let parts = with_params("C", "i", &pixels, &fields(&[("encoding", s("GRAY"))]));
    let found = image(&parts, "C", "i").unwrap();
    assert_eq!((found.pixels(), found.encoding()), (None, Some("GRAY")));
}

#[test]
fn a_header_is_a_map_or_none() {
    let full = V::Map(fields(&[("gain", V::Int(3))]));
    let empty = V::Map(Vec::new());
    for (header, due) in [(full.clone(), Some(full)), (empty.clone(), Some(empty)), (V::Nil, None), (s("gain"), None)] {
        for parts in flat_forms(&[("i.header", header), ("i.data", array("|u1", &[1], "07"))]) {
            assert_eq!(described(image(&parts, "C", "i").unwrap()).header, due);
        }
    }
}

#[test]
fn numbers_are_lists_or_arrays_of_any_type() {
    let cases = [
        (ints(&[1, -2, i64::MIN, i64::MAX]), whole(&[1, -2, i64::MIN, i64::MAX])),
        (ints(&[]), Some(Vec::new())),
        (V::List(vec![V::Int(1), V::F64(2.5)]), Some(vec![(Some(1), Some(1.0)), (None, Some(2.5))])),
        (array("<u8", &[2], "0100000000000000 00000000ffffff7f"), whole(&[1, 0x7fff_ffff_0000_0000])),
        (array(">i4", &[2], "ffffffff 00000001"), whole(&[-1, 1])),
        (array("<f8", &[1], "000000000000e03f"), Some(vec![(None, Some(0.5))])),
        (array("<f4", &[2], "0000003f 0000c0ff"), None),
        (array("|u1", &[2, 2], "01020304"), whole(&[1, 2, 3, 4])),
        (array("<u2", &[0], ""), Some(Vec::new())),
        (array("<u2", &[], "0500"), whole(&[5])),
    ];
    for (numbers, due) in cases {
        for parts in flat_forms(&[("i.binning", numbers.clone()), ("i.data", array("|u1", &[1], "07"))]) {
            let found = described(image(&parts, "C", "i").unwrap()).binning;
            if let Some(due) = &due {
                assert_eq!(found.as_ref(), Some(due), "{numbers:?}");
            } else {
                // A NaN is equal to nothing.
                let found = found.unwrap();
                assert!(found[0] == (None, Some(0.5)) && found[1].0.is_none() && found[1].1.unwrap().is_nan());
            }
        }
    }
}

#[test]
fn what_is_of_another_type_is_none_and_still_there() {
    let others = [
        ("bitsPerPixel", vec![s("16"), V::F64(16.0), V::Int(-1), ints(&[16]), V::Nil, V::Bool(true)]),
        ("dimensions", vec![s("2"), V::Int(2), V::List(vec![s("2")]), V::List(vec![ints(&[2])]), V::Nil]),
        ("dimensions", vec![V::List(vec![V::Int(1), V::Nil]), V::List(vec![V::Bool(true)]), V::Map(Vec::new())]),
        ("dimensionTypes", vec![V::Int(0), s(""), V::List(vec![V::Map(Vec::new())])]),
        ("dimensionScales", vec![V::Int(0), V::List(Vec::new()), V::Nil]),
        ("encoding", vec![V::Nil, V::Bool(false), ints(&[0]), V::F64(0.0), V::UInt(1 << 63)]),
        ("geometry.alignment.offsets", vec![V::Int(0), s("0"), V::List(vec![s("0")])]),
        ("geometry.alignment.rotations", vec![V::F64(0.0), V::Nil]),
        ("geometry.pixelRegion", vec![V::Int(0), V::Map(Vec::new())]),
        ("geometry.tileId", vec![V::F64(1.0), s("1"), V::UInt(u64::MAX), V::Nil]),
        ("header", vec![V::Nil, V::Int(0), ints(&[]), s("")]),
        ("rOIOffsets", vec![V::Nil, V::Int(0), s("")]),
        ("binning", vec![V::Nil, V::Bool(true), s("1x1")]),
        ("rotation", vec![V::F64(90.0), s("90"), V::Nil, ints(&[90])]),
        ("flipX", vec![V::Int(1), s("true"), V::Nil]),
        ("flipY", vec![V::Int(0), s("false"), V::Nil]),
    ];
    let due = Described { pixels: Some(("|u1".into(), vec![1], vec![7])), ..Described::default() };
    let mut rng = Rng::new(1);
    for (name, values) in others {
        for wrong in values {
            let key = format!("i.{name}");
            for parts in flat_forms(&[(&key, wrong.clone()), ("i.data", array("|u1", &[1], "07"))]) {
                let mut index = TrainIndex::new();
                let indexed = index.build(train(&parts));
                assert_eq!(described(indexed.image("C", "i").unwrap()), due, "{name} {wrong:?}");
                let Some(Property::Value(there)) = indexed.get("C", &key) else { panic!("{key}") };
                assert_eq!(value(there), wrong);
            }
            let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
            let params = nested(&fields(&[(name, wrong.clone())]), &mut rng);
            let parts = with_params("C", "i", &pixels, &params);
            let mut index = TrainIndex::new();
            let indexed = index.build(train(&parts));
            assert_eq!(described(indexed.image("C", "i").unwrap()), due, "{name} {wrong:?} in params");
            let Some(Property::Array(part)) = indexed.get("C", "i") else { panic!("{key}") };
            assert_eq!(value(ValueRef::Map(part.params().unwrap())), V::Map(params));
        }
    }
}

#[test]
fn geometry_that_is_no_map_or_misplaced_is_none() {
    let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
    let due = Described { pixels: Some(("|u1".into(), vec![1], vec![7])), ..Described::default() };
    for params in [
        vec![("geometry", V::Nil)],
        vec![("geometry", ints(&[1]))],
        vec![("geometry", V::Map(fields(&[("alignment", V::Nil)])))],
        // One map too few, and one too many.
        vec![("offsets", ints(&[1])), ("tileId", V::Int(1)), ("alignment", V::Map(fields(&[("offsets", ints(&[1]))])))],
        vec![("geometry", V::Map(fields(&[("offsets", ints(&[1])), ("binning", ints(&[1]))])))],
        vec![("geometry", V::Map(fields(&[("alignment", V::Map(fields(&[("tileId", V::Int(1))])))])))],
        vec![("header", V::Nil), ("image", V::Map(fields(&[("geometry", V::Map(fields(&[("tileId", V::Int(1))])))])))],
    ] {
        let parts = with_params("C", "i", &pixels, &fields(&params));
        assert_eq!(described(image(&parts, "C", "i").unwrap()), due, "{params:?}");
    }
}

#[test]
fn the_first_of_two_equal_names_counts() {
    let two = [
        ("i.ROIOffsets", ints(&[1])),
        ("i.rOIOffsets", ints(&[2])),
        ("i.binning", ints(&[3])),
        ("i.binning", ints(&[4])),
    ];
    for parts in flat_forms(&two) {
        let found = described(image(&parts, "C", "i").unwrap());
        assert_eq!((found.roi, found.binning), (whole(&[1]), whole(&[3])));
    }
    let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
    let params = fields(&[("ENCODING", s("GRAY")), ("encoding", s("RGB"))]);
    let parts = with_params("C", "i", &pixels, &params);
    assert_eq!(image(&parts, "C", "i").unwrap().encoding(), Some("GRAY"));
}

#[test]
fn names_that_go_on_are_of_another_image() {
    let entries = [
        ("data.image.data", array("|u1", &[1], "01")),
        ("data.image.encoding", s("GRAY")),
        ("data.image2.data", array("|u1", &[1], "02")),
        ("data.image2.encoding", s("RGB")),
        ("data.image2.flipX", V::Bool(true)),
        ("data.image.mask.binning", ints(&[1])),
        // Without the dot it is another name.
        ("data.imagebinning", ints(&[2])),
        ("data.imagepixels", array("|u1", &[1], "03")),
    ];
    for parts in flat_forms(&entries) {
        let one = described(image(&parts, "C", "data.image").unwrap());
        let due = Described {
            pixels: Some(("|u1".into(), vec![1], vec![1])),
            encoding: Some("GRAY".into()),
            ..Described::default()
        };
        assert_eq!(one, due);
        let two = described(image(&parts, "C", "data.image2").unwrap());
        let due = Described {
            pixels: Some(("|u1".into(), vec![1], vec![2])),
            encoding: Some("RGB".into()),
            flip_x: Some(true),
            ..Described::default()
        };
        assert_eq!(two, due);
    }
}

#[test]
fn images_of_other_sources_are_not_mixed_in() {
    let mut parts = flat("A", &fields(&[("i.encoding", s("GRAY")), ("i.data", array("|u1", &[1], "01"))]));
    parts.extend(flat("AB", &fields(&[("i.bitsPerPixel", V::Int(8)), ("i.pixels", array("|u1", &[1], "02"))])));
    let one = described(image(&parts, "A", "i").unwrap());
    let two = described(image(&parts, "AB", "i").unwrap());
    let pixels = |byte| Some(("|u1".into(), vec![1], vec![byte]));
    assert_eq!(one, Described { pixels: pixels(1), encoding: Some("GRAY".into()), ..Described::default() });
    assert_eq!(two, Described { pixels: pixels(2), bits: Some(8), ..Described::default() });
}

#[test]
fn where_there_is_no_image_there_is_none() {
    let entries = [("data.image2.data", array("|u1", &[1], "01")), ("data.imag", V::Int(1)), ("n", V::Int(5))];
    for parts in flat_forms(&entries) {
        for (source, path) in
            [("C", "data.image"), ("C", "data.image2.dat"), ("C", "n"), ("D", "data.image2"), ("C", "x")]
        {
            assert_eq!(image(&parts, source, path), None, "{source} {path}");
        }
    }
    let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
    let parts = with_params("C", "i", &pixels, &[]);
    assert!(image(&parts, "C", "i").is_some());
    assert_eq!((image(&parts, "C", "j"), image(&parts, "D", "i")), (None, None));
}

#[test]
fn an_array_at_the_path_of_the_image_is_its_pixels() {
    // Calibrated FastCCD and ePix.
    let entries = [("data.image", array("<f4", &[1, 2], "0000803f00000040")), ("data.image.binning", ints(&[2, 2]))];
    for parts in flat_forms(&entries) {
        let found = image(&parts, "C", "data.image").unwrap();
        assert_eq!(found.pixels().unwrap().to_vec::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(described(found).binning, whole(&[2, 2]));
    }
}

#[test]
fn encodings_are_texts_or_numbers() {
    for (encoding, text, number) in [
        (s("GRAY"), Some("GRAY"), None),
        (s("JPEG"), Some("JPEG"), None),
        (s(""), Some(""), None),
        (V::Int(-1), None, Some(-1)),
        (V::Int(0), None, Some(0)),
        // JPEG before Karabo 3.0, and BAYER_GB since.
        (V::Int(8), None, Some(8)),
        (V::UInt(18), None, Some(18)),
    ] {
        let V::Array(pixels) = array("|u1", &[1], "07") else { panic!() };
        let parts = with_params("C", "i", &pixels, &fields(&[("encoding", encoding.clone())]));
        let found = image(&parts, "C", "i").unwrap();
        assert_eq!((found.encoding(), found.encoding_number()), (text, number), "{encoding:?}");
    }
}

#[test]
fn sub_assemblies_of_another_type_are_none() {
    for wrong in [V::Nil, V::Int(5), s("x")] {
        for parts in flat_forms(&[("i.geometry.subAssemblies", wrong.clone()), ("i.encoding", s("GRAY"))]) {
            assert_eq!(image(&parts, "C", "i").unwrap().sub_assemblies(), None, "{wrong:?}");
        }
    }
}

#[test]
fn numbers_from_two_to_the_sixty_third_on_are_numbers() {
    for numbers in [V::List(vec![V::UInt(1 << 63), V::Int(1)]), array("<u8", &[2], "0000000000000080 0100000000000000")]
    {
        for parts in flat_forms(&[("i.dimensions", numbers.clone())]) {
            let found = described(image(&parts, "C", "i").unwrap()).dimensions;
            assert_eq!(
                found,
                Some(vec![(None, Some(9_223_372_036_854_775_808.0)), (Some(1), Some(1.0))]),
                "{numbers:?}"
            );
        }
    }
}

#[test]
fn pixels_have_names_in_any_case_too() {
    for name in ["i.Data", "i.Pixels"] {
        for parts in flat_forms(&[(name, array("|u1", &[1], "07")), ("i.encoding", s("GRAY"))]) {
            let pixels = image(&parts, "C", "i").unwrap().pixels();
            assert_eq!(pixels.map(|pixels| pixels.to_vec::<u8>().unwrap()), Some(vec![7]), "{name}");
        }
    }
}

#[test]
fn pixels_with_fields_are_none_in_every_version() {
    for name in ["v22_struct", "v10_struct"] {
        let (parts, source, _) = vector(name);
        let found = image(&parts, &source, "t").and_then(|image| image.pixels());
        assert_eq!(found.map(|pixels| pixels.dtype().to_string()), None, "{name}");
    }
}
