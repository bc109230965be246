//! Numpy arrays in MessagePack: each vector of the crate in text and JSON, held against what its maker says it is.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

mod common;

use common::{Run, hex, inspect};
use serde_json::{Value, json};

const CAPTURE: &[u8] = include_bytes!("../captures/beamline.msgpack");
const VECTORS: &str = include_str!("../../../crates/msgpack-numpy/tests/vectors/msgpack_numpy.jsonl");
const EXPECTED: &str = include_str!("../../../crates/msgpack-numpy/tests/vectors/expected.jsonl");

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("strict JSON")).collect()
}

fn vector(name: &str) -> Vec<u8> {
    let vectors = json_lines(VECTORS);
    let found = vectors.iter().find(|vector| vector["name"] == name).unwrap_or_else(|| panic!("no vector {name}"));
    hex(found["msgpack_hex"].as_str().unwrap())
}

fn json_of(input: &[u8]) -> Vec<Value> {
    json_lines(&inspect(&["msgpack-numpy", "--json"], input).stdout)
}

/// What the one line of an array says behind its hex.
fn line(input: &[u8]) -> String {
    let run = inspect(&["msgpack-numpy"], input);
    run.stdout.lines().nth(1).expect("a field").chars().skip(40).collect()
}

/// A descr as numpy prints it.
fn descr(fields: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = fields.as_array().unwrap().iter().map(|field| {
        let name = match &field[0] {
            Value::Array(names) => format!("('{}', '{}')", text(&names[0]), text(&names[1])),
            name => format!("'{}'", text(name)),
        };
        let dtype = if field[1].is_array() { descr(&field[1]) } else { format!("'{}'", text(&field[1])) };
        let axes: Vec<_> = field[2].as_array().into_iter().flatten().map(Value::to_string).collect();
        match axes.len() {
            0 => format!("({name}, {dtype})"),
            1 => format!("({name}, {dtype}, ({},))", axes[0]),
            _ => format!("({name}, {dtype}, ({}))", axes.join(", ")),
        }
    });
    format!("[{}]", fields.collect::<Vec<_>>().join(", "))
}

/// What is shown as the value of the one frame, and its error if there is one.
fn shown(input: &[u8]) -> (Value, Option<Value>) {
    let mut lines = json_of(input).into_iter();
    let frame = lines.next().expect("a frame");
    let error = lines.next();
    assert_eq!((frame["length"].as_u64(), lines.next()), (Some(input.len() as u64), None));
    assert_eq!(frame["fields"].as_array().unwrap().len(), 1);
    (frame["fields"][0]["value"].clone(), error)
}

#[test]
fn arrays_and_scalars_of_every_writer_are_what_they_were() {
    let mut counts = [0; 3];
    for vector in json_lines(VECTORS).iter().filter(|vector| vector["class"] != "malformed") {
        let input = hex(vector["msgpack_hex"].as_str().unwrap());
        let (value, error) = shown(&input);
        let name = vector["name"].as_str().unwrap();
        let data = vector["data_hex"].as_str();
        if name == "object" {
            assert_eq!((&value["pickle"]["shape"], error), (&vector["shape"], None));
            continue;
        }
        if name == "struct_nofields" {
            assert_eq!(error.unwrap()["error"], "zero_item_size");
            continue;
        }
        assert_eq!(error, None, "{name}");
        let Some(data) = data.filter(|_| !matches!(name, "masked" | "scalar_f8" | "scalar_str" | "scalar_bytes"))
        else {
            counts[0] += 1;
            continue;
        };
        let block = if vector["shape"].is_null() { &value["scalar"] } else { &value["array"] };
        if name == "legacy_0.03_np_f4" {
            // A number in decimal, under a key that nobody reads any more.
            assert!(value["np"].is_boolean());
            continue;
        }
        assert_eq!(block["data"].as_str(), Some(data), "{name}");
        if !vector["shape"].is_null() {
            assert_eq!(block["shape"], vector["shape"], "{name}");
        }
        // How the wire differs from the source is in the vectors' README.
        let dtype = match (name, &vector["typestr_or_descr"]) {
            ("legacy_0.3.2_struct" | "legacy_0.3.8_struct", _) => "|V12".into(),
            ("arr_V4", _) => "|V4".into(),
            (_, Value::String(typestr)) => typestr.clone(),
            (_, fields) => descr(fields),
        };
        assert_eq!(block["dtype"], dtype, "{name}");
        counts[if vector["shape"].is_null() { 1 } else { 2 }] += 1;
        let keys: Vec<_> = block.as_object().unwrap().keys().map(String::as_str).collect();
        let values = match (dtype.starts_with('['), vector["shape"].is_null()) {
            (true, _) => "fields",
            (false, true) => "value",
            (false, false) => "first",
        };
        assert!(keys.contains(&values), "{name}: {keys:?}");
    }
    assert!(counts[0] >= 10 && counts[1] >= 15 && counts[2] >= 60, "{counts:?}");
}

#[test]
fn what_is_malformed_is_what_the_crate_says() {
    let expected = json_lines(EXPECTED);
    assert_eq!(expected.len(), 66);
    for expected in expected {
        let name = expected["name"].as_str().unwrap();
        // With something before and behind it.
        let input = [&b"\x92\xc3"[..], &vector(name)].concat();
        let followed = [&input[..], b"\x07"].concat();
        let lines = json_of(&followed);
        let errors: Vec<_> = lines.iter().filter(|line| line["error"].is_string()).collect();
        let text = inspect(&["msgpack-numpy"], &input).stdout;
        if expected["value"] == "error" {
            // The byte behind it is the one it lacks, or the next is; alone it is torn.
            let alone = json_of(&vector(name));
            assert_eq!((&alone[0]["error"], &alone[0]["offset"]), (&expected["kind"], &expected["offset"]), "{name}");
            continue;
        }
        assert_eq!(lines.last().unwrap()["fields"][0]["value"], 7, "{name}");
        let value = &lines[0]["fields"][0]["value"][1];
        if expected["value"] == "faulty" {
            assert_eq!(errors.len(), 1, "{name}");
            assert_eq!((&errors[0]["error"], &errors[0]["what"]), (&expected["kind"], &expected["field"]), "{name}");
            assert_eq!(errors[0]["offset"].as_u64(), expected["offset"].as_u64().map(|at| at + 2), "{name}");
            assert_eq!(errors[0]["path"], "[1]");
            assert!(text.contains("[1] fixmap (faulty: "), "{text}");
            assert!(value["map"].is_array() || value.is_object(), "{name}");
            continue;
        }
        assert_eq!(errors.len(), 0, "{name}");
        if value["map"].is_array() && expected["value"] != "map" {
            // There is more in it than the array: it is said beside the map.
            assert!(matches!(name, "bad_extra_key" | "bad_kind_unknown"), "{name}");
            assert!(text.contains("[1] fixmap (array "), "{text}");
            continue;
        }
        match expected["value"].as_str().unwrap() {
            "map" => assert!(value["map"].is_array(), "{name}: {value}"),
            "complex" => assert_eq!(value["complex"], expected["parts"], "{name}"),
            "pickle" => {
                assert_eq!(value["pickle"], json!({"shape": expected["shape"], "data": expected["data"]}), "{name}");
                assert!(text.contains("bytes of pickle, not run: "), "{text}");
            }
            "array" => {
                let array = &value["array"];
                assert_eq!((&array["shape"], &array["data"]), (&expected["shape"], &expected["data"]), "{name}");
                match &expected["type"] {
                    Value::Null => assert!(array["first"].is_null() && array["fields"].is_null(), "{name}"),
                    Value::String(dtype) => assert_eq!(array["dtype"].as_str(), Some(&**dtype), "{name}"),
                    fields => assert_eq!(array["dtype"], descr(fields), "{name}"),
                }
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn the_first_values_are_those_that_numpy_prints() {
    for (name, shown) in [
        ("arr_b1", "array |b1 (3,), 3 bytes: true, false, true"),
        ("arr_i1", "array |i1 (3,), 3 bytes: -128, 0, 127"),
        ("arr_u1", "array |u1 (3,), 3 bytes: 0, 1, 255"),
        ("arr_le_i2", "array <i2 (2,), 4 bytes: -32768, 32767"),
        ("arr_be_i2", "array >i2 (2,), 4 bytes: -32768, 1"),
        ("arr_be_u2", "array >u2 (2,), 4 bytes: 1, 65535"),
        ("arr_le_i4", "array <i4 (2,), 8 bytes: -2147483648, 2147483647"),
        ("arr_be_i4", "array >i4 (2,), 8 bytes: -2, 3"),
        ("arr_le_i8", "array <i8 (2,), 16 bytes: -9223372036854775808, 9223372036854775807"),
        ("arr_be_i8", "array >i8 (2,), 16 bytes: -2, 3"),
        ("arr_be_u8", "array >u8 (2,), 16 bytes: 1, 18446744073709551615"),
        ("arr_le_f2", "array <f2 (7,), 14 bytes: 0.0, -0.0, 1.0, -2.5, inf, -inf, NaN"),
        ("arr_be_f2", "array >f2 (7,), 14 bytes: 0.0, -0.0, 1.0, -2.5, inf, -inf, NaN"),
        ("arr_le_f4", "array <f4 (7,), 28 bytes: 0.0, -0.0, 1.0, -2.5, inf, -inf, NaN"),
        ("arr_be_f8", "array >f8 (7,), 56 bytes: 0.0, -0.0, 1.0, -2.5, inf, -inf, NaN"),
        ("arr_le_c8", "array <c8 (2,), 16 bytes: 1.0+2.0j, -0.0-0.5j"),
        ("arr_be_c16", "array >c16 (2,), 32 bytes: 1.0+2.0j, -0.0-0.5j"),
        ("arr_S3", "array |S3 (3,), 9 bytes: \"a\", \"bcd\", \"\""),
        ("arr_U2", "array <U2 (2,), 16 bytes: \"a\", \"é😀\""),
        ("arr_U2_be", "array >U2 (2,), 16 bytes: \"ab\", \"é\""),
        ("arr_V4", "array |V4 (2,), 8 bytes: 61626364, 65666768"),
        ("bad_U_surrogate", "array <U1 (1,), 4 bytes: 00d80000"),
        ("bad_b1_values", "array |b1 (2,), 2 bytes: true, true"),
        ("M8_ns_strided", "array <M8[ns] (2,), 16 bytes: 1577836800000000000 ns, NaT"),
        ("m8_s_fortran", "array <m8[s] (2, 2), 32 bytes: 1 s, -2 s, 3 s, 4 s"),
        ("empty_3x0x2", "array <f8 (3, 0, 2), 0 bytes"),
        ("f8_0d", "array <f8 (), 8 bytes: 7.5"),
        ("bin8_edge", "array |u1 (255,), 255 bytes: 0, 1, 2, 3, 4, 5, 6, 7, …"),
        ("bad_type_bogus", "array <q9 (2, 3), 12 bytes of a type that is not understood: 000102030405060708090a0b"),
        ("bad_type_nil", "array c0 (2, 3), 12 bytes of a type that is not understood: 000102030405060708090a0b"),
        ("bad_O_bad_pickle", "object array (2, 3), 2 bytes of pickle, not run: 7878"),
        ("scalar_b1", "scalar |b1 true"),
        ("scalar_i4", "scalar <i4 -3"),
        ("scalar_u8", "scalar <u8 18446744073709551615"),
        ("scalar_f2", "scalar <f2 1.5"),
        ("scalar_c8", "scalar <c8 1.0+2.0j"),
        ("scalar_m8_s", "scalar <m8[s] 5 s"),
        ("pycomplex_0", "complex 1.0+2.0j"),
        ("pycomplex_3", "complex 0.0-0.0j"),
        ("pycomplex_5", "complex NaN-infj"),
        ("pycomplex_7", "complex 1e300-1e-300j"),
        ("scalar_f8", "float 64 1.5"),
    ] {
        assert_eq!(line(&vector(name)), format!("value {shown}"), "{name}");
    }
    // IEEE 754: the least and the greatest below 1 without a leading one, the greatest of all, and a count of several units.
    let f2 = b"\x84\xa2nd\xc3\xa4type\xa3<f2\xa5shape\x91\x05\xa4data\xc4\x0a\x01\x00\xff\x03\x00\x04\xff\x7b\x01\x80";
    assert!(line(f2).ends_with(": 5.9604645e-8, 6.097555e-5, 6.1035156e-5, 65504.0, -5.9604645e-8"), "{}", line(f2));
    let m8 = b"\x83\xa2nd\xc2\xa4type\xa8<m8[25s]\xa4data\xc4\x08\x02\0\0\0\0\0\0\0";
    assert_eq!(line(m8), "value scalar <m8[25s] 2 × 25s");
}

#[test]
fn fields_have_lines_of_their_own() {
    let lines = |input: &[u8]| -> Vec<String> {
        let run = inspect(&["msgpack-numpy"], input);
        let lines = run.stdout.lines().skip(2).take_while(|line| !line.is_empty());
        lines.map(|line| line[2..].to_owned()).collect()
    };
    assert_eq!(
        lines(&vector("struct_mixed")),
        [
            "00000043  61 62 00                        \"s\" |S3 \"ab\"",
            "00000046  63 00 00 00 64 00 00 00         \"u\" <U2 \"cd\"",
            "0000004e  01                              \"b\" |b1 true",
            "0000004f  00 00 80 3f 00 00 00 40         \"c\" <c8 1.0+2.0j",
        ]
    );
    assert_eq!(
        lines(&vector("struct_subarray")),
        [
            "00000038  01 00 00 00                     \"a\" <i4 1",
            "0000003c  01 00                           \"b\" <u2 (2, 3) 1, 2, 3, 4, 5, 6",
        ]
    );
    // Inside a sub-array and behind padding; the offsets are those of the source.
    assert_eq!(lines(&vector("struct_nested_sub")), ["00000034  01                              \"p.z\" |u1 1, 2"]);
    let [a, b] = &lines(&vector("struct_aligned"))[..] else { panic!("two fields") };
    let at = |line: &str| u32::from_str_radix(&line[..8], 16).unwrap();
    assert_eq!(at(b) - at(a), 8);
    // Two items of nine fields `x` each, of which each has two values: those of the second stand behind all of the first.
    let nested = b"\x84\xa2nd\xc3\xa4type\x92\x92\xa1p\x92\x92\xa1x\xa3|u1\x92\xa1y\xa3>u2\x93\xa1q\xa3|i1\x02\xa5shape\x91\x02\xa4data\xc4\x0a\
        \x01\x00\x02\xfd\xfc\x03\x00\x04\xfb\xfa";
    let values: Vec<_> = lines(nested).iter().map(|line| line[42..].to_owned()).collect();
    assert_eq!(values, ["\"p.x\" |u1 1, 3", "\"p.y\" >u2 2, 4", "\"q\" |i1 (2,) -3, -4, -5, -6"]);
    let (value, _) = shown(nested);
    assert_eq!(
        value["array"]["fields"][2],
        json!({"name": "q", "dtype": "|i1", "shape": [2], "first": [-3, -4, -5, -6]})
    );
}

#[test]
fn a_masked_array_is_the_map_it_is() {
    let input = vector("masked");
    let text = inspect(&["msgpack-numpy"], &input).stdout;
    assert!(text.contains("value fixmap (array <i4 (2,), 8 bytes: 1, 2)\n"), "{text}");
    assert!(text.contains("  = array <i4 (2,), 8 bytes: 1, 2\n"), "{text}");
    let (value, _) = shown(&input);
    let entries = value["map"].as_array().unwrap();
    assert_eq!(entries[0], json!([{"raw": "6e64"}, true]));
    assert_eq!(entries[4][1]["array"]["data"], "0100000002000000");
}

#[test]
fn faults_are_told_behind_the_value_they_are_in() {
    // {"a b": [scalar of 3 bytes, {"n": scalar of none}], 5: 1}, and then 7
    let scalar = |data: &str| format!("83 a26e64 c2 a474797065 a33c6932 a464617461 {data}");
    let input = hex(&format!("82 a3612062 92 {} 81 a16e {} 05 01  07", scalar("c403000000"), scalar("c400")));
    let run = inspect(&["msgpack-numpy"], &input);
    assert_eq!(run.status, 1);
    let heads: Vec<_> = run.stdout.lines().filter(|line| !line.is_empty() && !line.starts_with("  ")).collect();
    assert_eq!(
        heads,
        [
            "frame 1 at 0x00000000, 56 bytes: {\"a b\": [{\"nd\": false, \"type\": \"<i2\", \"data\": b\"\\x00\\x00\\x00…",
            "error at 0x00000019 (data): 3 bytes of data, where shape and type make 2; one more map is faulty, \
             in [\"a b\"][0] [invalid_length]",
            "frame 2 at 0x00000038, 1 byte: 7",
            "2 frames of 57 bytes, 1 error",
        ]
    );
    assert_eq!(run.stdout.matches("(faulty: ").count(), 2);
    let lines = json_of(&input);
    assert_eq!(lines[1]["path"], "[\"a b\"][0]");
    assert_eq!(lines[1].get("undecoded"), None);
}

#[test]
fn a_value_too_deep_harms_no_other_and_a_byte_without_meaning_all() {
    let deep = [vec![0x91; 64], vec![0x90, 0x07]].concat();
    let kinds = |input: &[u8]| -> Vec<String> {
        let text = |line: &Value| line["error"].as_str().unwrap_or("frame").to_owned();
        json_of(input).iter().map(text).collect()
    };
    assert_eq!(kinds(&deep), ["limit_exceeded", "frame"]);
    assert_eq!(json_of(&deep)[0]["offset"], 64);
    assert_eq!(kinds(&[&[0x91; 63][..], &[0x90, 0x07]].concat()), ["frame", "frame"]);
    assert_eq!(kinds(b"\x07\x92\x01\xc1\x07"), ["frame", "invalid_tag"]);
    assert_eq!(json_of(b"\x07\x92\x01\xc1\x07")[1]["path"], "[1]");
    assert_eq!(kinds(b"\x07\x92\x01"), ["frame", "unexpected_end"]);
}

#[test]
fn a_value_that_is_announced_too_long_is_not_waited_for() {
    let refused = |words: &[&str], input: &[u8]| {
        let words: Vec<_> = ["msgpack-numpy", "--json"].iter().chain(words).copied().collect();
        let lines = json_lines(&inspect(&words, input).stdout);
        lines.iter().map(|line| (line["error"].as_str().map(str::to_owned), line["offset"].as_u64().unwrap())).collect()
    };
    type Told = Vec<(Option<String>, u64)>;
    let limit = |at| (Some("limit_exceeded".to_owned()), at);
    // A length is refused where it stands, also in a list that is still to come.
    for head in ["c6 04000000", "db 04000000", "c9 04000000 05", "dd 04000000", "df 02000000"] {
        let told: Told = refused(&[], &hex(head));
        assert_eq!(told, [limit(0)], "{head}");
        let told: Told = refused(&[], &hex(&format!("c0 92 {head}")));
        assert_eq!(told, [(None, 0), limit(2)], "{head}");
    }
    // Exactly as long as allowed, and one more.
    let told: Told = refused(&["--max-len=7"], &hex("93 01 a3616161 02"));
    assert_eq!(told, [(None, 0)]);
    let told: Told = refused(&["--max-len=6"], &hex("93 01 a3616161 02"));
    assert_eq!(told, [limit(2)]);
}

#[test]
fn every_line_is_where_it_says() {
    let mut inputs: Vec<_> = json_lines(VECTORS)
        .iter()
        .filter(|vector| vector["name"] != "bad_truncated")
        .map(|vector| hex(vector["msgpack_hex"].as_str().unwrap()))
        .collect();
    inputs.push(CAPTURE.into());
    let mut lines = 0;
    for input in inputs {
        let Run { stdout, .. } = inspect(&["msgpack-numpy"], &input);
        for line in stdout.lines().filter(|line| line.starts_with("  ")) {
            let at = usize::from_str_radix(&line[2..10], 16).expect("an offset");
            let column: String = line[12..].chars().take(26).collect();
            let (shown, more) = match column.split_once('…') {
                Some((shown, more)) => (hex(shown), more.trim().strip_prefix('+').unwrap().parse().unwrap()),
                None => (hex(&column), 0),
            };
            assert_eq!(input.get(at..at + shown.len()), Some(&*shown), "{line}");
            assert!(at + shown.len() + more <= input.len(), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 600, "{lines}");
}

#[test]
fn the_keys_of_maps_may_be_anything() {
    let key = hex("82 a7636f6d706c6578 c3 a464617461 a2316a");
    let input = [&b"\x83"[..], &key, b"\x01\x92\x01\x02\x02", b"\xa5array\x03"].concat();
    let (value, error) = shown(&input);
    assert_eq!(error, None);
    assert_eq!(value, json!({"map": [[{"complex": [0.0, 1.0]}, 1], [[1, 2], 2], ["array", 3]]}));
    // A map that could be taken for an array is none.
    assert_eq!(shown(b"\x81\xa5array\x03").0, json!({"map": [["array", 3]]}));
}
