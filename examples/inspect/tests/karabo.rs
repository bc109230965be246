//! Trains of all versions: each golden vector as a capture, in text and JSON, held against what it is said to be.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod common;

use common::{Run, hex, inspect};
use serde_json::{Value, json};

const TRAINS: &[u8] = include_bytes!("../captures/karabo-trains.zmtp");
const CUT: &[u8] = include_bytes!("../captures/karabo-cut.zmtp");
const VECTORS: &str = include_str!("../../../crates/karabo-bridge/tests/vectors/karabo_bridge.jsonl");
const EXPECTED: &str = include_str!("../../../crates/karabo-bridge/tests/vectors/expected.jsonl");

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("strict JSON")).collect()
}

fn json_of(input: &[u8]) -> Vec<Value> {
    json_lines(&inspect(&["karabo", "--json"], input).stdout)
}

/// Each part behind a frame header of ZMTP 3: flags, and a length of a byte or of eight.
fn capture(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let more = u8::from(index + 1 < parts.len());
        match u8::try_from(part.len()) {
            Ok(len) => bytes.extend([more, len]),
            Err(_) => {
                bytes.push(2 | more);
                bytes.extend((part.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(part);
    }
    bytes
}

struct Vector {
    name: String,
    version: String,
    parts: Vec<Vec<u8>>,
    sources: Value,
}

fn vectors(class: &str) -> Vec<Vector> {
    let of = |vector: Value| Vector {
        name: vector["name"].as_str().unwrap().to_owned(),
        version: vector["version"].as_str().unwrap().to_owned(),
        parts: vector["parts_hex"].as_array().unwrap().iter().map(|part| hex(part.as_str().unwrap())).collect(),
        sources: vector["expect"]["sources"].clone(),
    };
    json_lines(VECTORS).into_iter().filter(|vector| vector["class"] == class).map(of).collect()
}

fn vector(name: &str) -> Vec<Vec<u8>> {
    let mut all = vectors("valid").into_iter().chain(vectors("malformed"));
    all.find(|vector| vector.name == name).unwrap_or_else(|| panic!("no vector {name}")).parts
}

/// The entries of a map in either of its two forms.
fn entries(map: &Value) -> Vec<(Value, Value)> {
    if let Some(pairs) = map["map"].as_array() {
        return pairs.iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    }
    map.as_object().unwrap().iter().map(|(key, value)| (json!(key), value.clone())).collect()
}

/// Whether what is shown is what the vector has, in its own notation.
fn is_same(shown: &Value, due: &Value) -> bool {
    let double = |bits: &Value| f64::from_bits(u64::from_str_radix(bits.as_str().unwrap(), 16).unwrap());
    let is_double = |shown: &Value, due: f64| {
        let Some(found) = shown.as_f64() else { return shown["double"].is_string() && !due.is_finite() };
        // One of 32 bits has the digits that 32 bits need.
        let single = |number: f64| number.to_string().parse::<f32>().unwrap();
        // Who reads this JSON may be wrong in the last digit.
        (found - due).abs() <= due.abs() * f64::EPSILON || f64::from(single(due)) == due && single(found) == single(due)
    };
    match due["t"].as_str().unwrap() {
        "nil" => shown.is_null(),
        "str" | "bool" => *shown == due["v"],
        "bin" => shown["raw"] == due["hex"],
        "int" => {
            *shown == serde_json::from_str::<Value>(due["v"].as_str().unwrap()).unwrap() || shown["int"] == due["v"]
        }
        "f64" => is_double(shown, double(&due["bits"])),
        "list" => {
            let (shown, due) = (shown.as_array().unwrap(), due["v"].as_array().unwrap());
            shown.len() == due.len() && shown.iter().zip(due).all(|(shown, due)| is_same(shown, due))
        }
        "map" => {
            let (shown, due) = (entries(shown), due["v"].as_array().unwrap());
            shown.len() == due.len()
                && due
                    .iter()
                    .all(|pair| shown.iter().any(|(key, value)| is_same(key, &pair[0]) && is_same(value, &pair[1])))
        }
        "array" => {
            let shown = &shown["array"];
            let values = if due["descr"].is_null() { "first" } else { "fields" };
            shown["shape"] == due["shape"] && shown["data"] == due["hex"] && shown[values].is_array()
        }
        "npscalar" => shown["scalar"]["data"] == due["hex"],
        "complex" => {
            let parts = shown["complex"].as_array().unwrap();
            is_double(&parts[0], double(&due["re_bits"])) && is_double(&parts[1], double(&due["im_bits"]))
        }
        "object_array" => shown["pickle"]["data"] == due["pickle_hex"] && shown["pickle"]["shape"] == due["shape"],
        "image" => is_same(shown, &due["array"]),
        other => panic!("{other}"),
    }
}

/// Source, name and value: of metadata and of properties.
type Told = (String, String, Value);

/// What a frame shows, by its version.
fn shown(frame: &Value, version: &str) -> (Vec<Told>, Vec<Told>) {
    let parts: Vec<_> = frame["fields"].as_array().unwrap().iter().filter(|part| part["name"] != "frame").collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (mut metadata, mut properties) = (Vec::new(), Vec::new());
    let mut tell = |source: &str, map: &Value| {
        for (name, value) in entries(map) {
            let name = text(&name);
            match name.strip_prefix("metadata.") {
                Some(name) if version == "2.1" => metadata.push((source.to_owned(), name.to_owned(), value)),
                None if name == "metadata" && matches!(version, "1.0" | "2.0") => {
                    let entries = entries(&value);
                    metadata.extend(entries.into_iter().map(|(name, value)| (source.to_owned(), text(&name), value)));
                }
                Some(_) | None => properties.push((source.to_owned(), name, value)),
            }
        }
    };
    if version == "1.0" {
        assert_eq!((parts.len(), &parts[0]["name"]), (1, &json!("train")));
        for (source, map) in entries(&parts[0]["value"]) {
            tell(&text(&source), &map);
        }
        return (metadata, properties);
    }
    for pair in parts.chunks(2) {
        assert_eq!((&pair[0]["name"], &pair[1]["name"]), (&json!("header"), &json!("data")));
        let header = entries(&pair[0]["value"]);
        let field = |name: &str| header.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let source = text(field("source").unwrap());
        if field("content").unwrap() == "msgpack" {
            tell(&source, &pair[1]["value"]);
        } else {
            let path = text(field("path").unwrap());
            tell(&source, &json!({"map": [[path, pair[1]["value"]]]}));
        }
    }
    for pair in parts.chunks(2) {
        let header = entries(&pair[0]["value"]);
        let field = |name: &str| header.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        if let (Some(map), Some(source)) = (field("metadata"), field("source")) {
            let entries = entries(map);
            metadata.extend(entries.into_iter().map(|(name, value)| (text(source), text(&name), value)));
        }
    }
    (metadata, properties)
}

#[test]
fn what_bridges_send_is_shown_as_it_is() {
    let vectors = vectors("valid");
    assert_eq!(vectors.len(), 47);
    let mut counts = [0; 2];
    for vector in vectors {
        let Vector { name, version, parts, sources } = vector;
        let input = capture(&parts);
        let lines = json_of(&input);
        assert_eq!((lines.len(), lines[0]["length"].as_u64()), (1, Some(input.len() as u64)), "{name}");
        let frames = lines[0]["fields"].as_array().unwrap().iter().filter(|field| field["name"] == "frame").count();
        assert_eq!(frames, parts.len(), "{name}");
        // A map with the keys of an array is one here, in versions 2.x too (SPEC.md §2).
        if name == "v22_bin_keyed_map" {
            continue;
        }
        let told = shown(&lines[0], &version);
        for source in sources.as_array().unwrap() {
            let of = source["source"].as_str().unwrap();
            for (index, (told, due)) in [(&told.0, &source["metadata"]), (&told.1, &source["data"])].iter().enumerate()
            {
                let due = due.as_array().unwrap();
                assert_eq!(told.iter().filter(|(source, ..)| source == of).count(), due.len(), "{name} {of}");
                for pair in due {
                    let is_it = |(source, name, _): &&Told| source == of && pair[0] == name.as_str();
                    let (_, _, value) = told.iter().find(is_it).unwrap_or_else(|| panic!("{name}: no {pair}"));
                    assert!(is_same(value, &pair[1]), "{name}: {value} is {pair}");
                    counts[index] += 1;
                }
            }
        }
        // What the summary says of it.
        let text = inspect(&["karabo"], &input).stdout;
        let due: usize =
            sources.as_array().unwrap().iter().map(|source| source["data"].as_array().unwrap().len()).sum();
        let properties = if due == 1 { "1 property in".to_owned() } else { format!("{due} properties in") };
        assert!(text.lines().next().unwrap().contains(&properties), "{name}: {text}");
        let tid = sources[0]["metadata"].as_array().into_iter().flatten().find(|pair| pair[0] == "timestamp.tid");
        if let Some(tid) = tid.and_then(|pair| pair[1]["v"].as_str()).filter(|tid| *tid != "0") {
            let head = format!("version {version}, train {tid}");
            assert!(text.lines().next().unwrap().contains(&head), "{name}: {text}");
        }
    }
    assert!(counts[0] > 80 && counts[1] > 150, "{counts:?}");
}

#[test]
fn what_is_malformed_is_told_part_by_part_and_costs_no_other_message() {
    let expected = json_lines(EXPECTED);
    let next = capture(&vector("v22_min"));
    let mut faults = 0;
    for Vector { name, parts, .. } in vectors("malformed") {
        let outcome = &expected.iter().find(|line| line["name"] == *name).unwrap()["outcome"];
        let message = capture(&parts);
        let lines = json_of(&[message.clone(), next.clone()].concat());
        let last = lines.last().unwrap();
        assert_eq!(
            (&last["offset"], last["length"].as_u64()),
            (&json!(message.len()), Some(next.len() as u64)),
            "{name}"
        );
        // Where each part begins in the capture.
        let mut starts = vec![0];
        for part in &parts {
            let head = if part.len() < 256 { 2 } else { 9 };
            *starts.last_mut().unwrap() += head;
            starts.push(starts.last().unwrap() + part.len());
        }
        let due = |fault: &Value| {
            let part = usize::try_from(fault[1].as_u64().unwrap()).unwrap();
            (fault[0].clone(), json!(starts[part] as u64 + fault[2].as_u64().unwrap()), fault[3].clone())
        };
        let told: Vec<_> = lines.iter().filter(|line| line["error"].is_string()).collect();
        let places: Vec<_> =
            told.iter().map(|line| (line["error"].clone(), line["offset"].clone(), line["what"].clone())).collect();
        if outcome["message"].is_array() {
            assert_eq!(places, [due(&outcome["message"])], "{name}");
            faults += 1;
            continue;
        }
        if let Some(reply) = outcome["reply"].as_str() {
            assert_eq!((lines.len(), &lines[0]["fields"][1]["value"]), (2, &json!(reply)));
            continue;
        }
        let items = outcome["items"].as_array().unwrap();
        let faulty: u64 = items.iter().filter_map(|item| item["faulty"].as_u64()).sum();
        let index: Vec<_> = outcome["index"].as_array().unwrap().iter().map(due).collect();
        assert_eq!(places[..index.len()], index, "{name}");
        assert_eq!((places.len() - index.len()) as u64, faulty, "{name}");
        assert_eq!(lines.len(), places.len() + 2, "{name}");
        faults += places.len();
        for (line, fault) in told.iter().zip(outcome["index"].as_array().unwrap()).filter(|_| parts.len() > 1) {
            let path = line["path"].as_str().unwrap();
            assert!(path.starts_with(&format!("part {}", fault[1])), "{name}: {path}");
            let of = items.iter().find(|item| item["fault"] == *fault).map(|item| &item["of"]);
            for (index, what) in ["source", "property"].iter().enumerate() {
                let Some(due) = of.and_then(|of| of[index].as_str()) else { continue };
                assert!(path.contains(&format!(", {what} \"{due}\"")), "{name}: {path}");
            }
        }
    }
    assert!(faults > 60, "{faults}");
}

#[test]
fn a_train_with_a_cut_array() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/karabo-cut.zmtp");
    let run = inspect(&["karabo", path], b"");
    assert_eq!(run.stdout, include_str!("golden/karabo-cut.txt"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
    let run = inspect(&["--json", "karabo", path], b"");
    assert_eq!(run.stdout, include_str!("golden/karabo-cut.jsonl"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
    assert!(inspect(&["karabo"], CUT).stdout.contains(
        "\nerror at 0x0000037c (data): 11 bytes, where shape and dtype make 12, in part 9, \
         source \"SPB_XTD9_XGM/DOOCS/MAIN\", property \"data.intensityTD\" [invalid_length]\n"
    ));
}

/// The line with this word, without offset and hex.
fn line(name: &str, word: &str) -> String {
    let stdout = inspect(&["karabo"], &capture(&vector(name))).stdout;
    let found = stdout.lines().find(|line| line.starts_with("  ") && line.contains(word));
    found.unwrap_or_else(|| panic!("no {word} in {stdout}")).chars().skip(40).collect()
}

#[test]
fn what_is_told_beside_the_bytes() {
    for (name, word, due) in [
        (
            "v22_min",
            "header ",
            "header fixmap (source, version 2.2, train 10000000001 at 2018-05-16T10:01:09.4109755Z)",
        ),
        (
            "v22_int_sec_frac",
            "header ",
            "header fixmap (source, version 2.2, train 10000 at 2020-05-12T14:00:00.123456789012345678Z)",
        ),
        (
            "v20_imagedata",
            "data array",
            "data array uint16 (2, 3), 12 bytes: 0, 1, 2, 3, 4, 5 (image, encoding 0, 16 bits, (2, 3), from (0, 0), binned (1, 1))",
        ),
        ("v22_datetime", "datetime64[ns] (", "data array datetime64[ns] (2,), 16 bytes: 1577836800000000000 ns, NaT"),
        ("v22_shapes", " (), ", "data array int32 (), 4 bytes: 7"),
        (
            "bad_dtype_object",
            "data array",
            "data array object (1,), 8 bytes of a type that is not understood: 0000000000000000",
        ),
        ("bad_content_unknown", "header ", "header fixmap (of a content that is not known)"),
        ("bad_content_unknown", "data ", "data bytes b\"\\x81\\xa1a\\x01\""),
        ("bad_short", "data bytes", "data bytes b\"\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\t\\n\""),
        ("bad_header_truncated", "header ", "header bytes"),
        ("sim0.2.0_pickle_v2.2", "header ", "header pickle b"),
        ("sim0.2.0_pickle_v2.2", "data ", "data pickle b"),
        ("bad_error_reply", "reply ", "reply text \"Error: bad request foo\""),
        ("bad_v1_numpy_short", "faulty: ", "      = fixmap (faulty: "),
    ] {
        let shown = line(name, word);
        assert!(shown.starts_with(due), "{name}: {shown}");
    }
    let stdout = inspect(&["karabo"], TRAINS).stdout;
    for part in [
        "frame 1 at 0x00000000, 320 bytes: version 1.0, train 10000000000 at 2018-05-16T10:01:09Z, 1 source, 3 properties in 1 part\n",
        "key fixstr \"SPB_XTD9_XGM/DOOCS/MAIN\" (source, version 1.0, train 10000000000 at 2018-05-16T10:01:09Z)\n",
        ": version 2.2, train 10000000001 at 2018-05-16T10:01:09.1Z, 2 sources, 9 properties in 10 parts\n",
        "header fixmap (array \"image.data\" of \"SPB_DET_AGIPD1M-1/DET/0CH0:xtdf\")\n",
        " (image, \"GRAY\", 16 bits, (3, 2, 2))\n",
        ": version 2.1 at 2018-05-25T10:40:00.25Z, 1 source, 9 properties in 4 parts\n",
        " (image, \"GRAY\", 32 bits, (2, 3), from (0, 0))\n",
        ", 25 bytes: error reply\n",
    ] {
        assert!(stdout.contains(part), "{part}");
    }
}

#[test]
fn images_of_version_1_0_are_told_at_their_keys() {
    let array = "85 c4026e64 c3 c40474797065 a33c7532 c4046b696e64 c400 c4057368617065 9102 c40464617461 c40401000200";
    let train = hex(&format!("81 a143 82 a6{} {array} aa{} a447524159", "782e64617461", "782e656e636f64696e67"));
    let stdout = inspect(&["karabo"], &capture(&[train])).stdout;
    assert!(stdout.contains("key fixstr \"x.data\" (image, \"GRAY\")\n"), "{stdout}");
    assert!(stdout.contains("  = array <u2 (2,), 4 bytes: 1, 2\n"), "{stdout}");
}

/// Words of faults, and where.
fn faults(words: &[&str], input: &[u8]) -> (Vec<(String, u64)>, u64) {
    let words: Vec<_> = ["karabo", "--json"].iter().chain(words).copied().collect();
    let lines = json_lines(&inspect(&words, input).stdout);
    let of = |line: &Value| Some((line["error"].as_str()?.to_owned(), line["offset"].as_u64()?));
    (lines.iter().filter_map(of).collect(), lines.iter().filter(|line| line["frame"].is_u64()).count() as u64)
}

#[test]
fn frames_that_are_none() {
    let train = capture(&[b"\x80".to_vec()]);
    for (bytes, kind, at) in [
        // A command, a flag that is none, lengths beyond 63 bits.
        (&b"\x04\x00"[..], "invalid_tag", 3),
        (b"\x08\x00", "invalid_tag", 3),
        (b"\x02\x80\x00\x00\x00\x00\x00\x00\x00", "invalid_tag", 3),
        (b"\x01\x01a\x05\x00", "invalid_tag", 6),
        // Torn in front of a length, in a length, in a part, and in front of a part.
        (b"\x01", "unexpected_end", 4),
        (b"\x03\x00\x00", "unexpected_end", 6),
        (b"\x00\x03ab", "unexpected_end", 7),
        (b"\x01\x01a", "unexpected_end", 6),
        (b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff", "limit_exceeded", 3),
    ] {
        let input = [&train[..], bytes].concat();
        assert_eq!(faults(&[], &input), (vec![(kind.to_owned(), at)], 1), "{bytes:02x?}");
        let input = [bytes, &train].concat();
        let run = inspect(&["karabo"], &input);
        assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    }
}

#[test]
fn a_message_too_long_is_told_once_and_the_next_is_read() {
    let long = capture(&[vec![0x91; 30], vec![7; 300], vec![7; 40], b"\x04".to_vec()]);
    let next = capture(&[b"\x80".to_vec()]);
    let input = [&next[..], &long, &next, &long].concat();
    let due = |at: u64| ("limit_exceeded".to_owned(), at);
    // At the second part; where its last would be too much, the others are shown.
    assert_eq!(faults(&["--max-len=100"], &input), (vec![due(35), due(424)], 2));
    assert_eq!(faults(&["--max-len=385"], &input), (vec![due(386), due(775)], 2));
    let text = inspect(&["karabo", "--max-len=100"], &input).stdout;
    assert!(
        text.contains(
            "error at 0x00000023 (frame): message exceeds max_len 100; --max-len raises it [limit_exceeded]\n"
        ),
        "{text}"
    );
    // Torn as well, it is still one fault.
    assert_eq!(faults(&["--max-len=100"], &input[..60]), (vec![due(35)], 1));
    assert_eq!(faults(&["--max-len=100"], &input[..350]), (vec![due(35)], 1));
}

/// With hundreds of megabytes in it, as trains have; from a pipe, which could go on for ever, fewer are taken.
#[test]
fn a_train_in_a_file_may_be_long() {
    let long = capture(&[vec![0xc0], vec![0; 65 << 20]]);
    let path = std::env::temp_dir().join(format!("inspect-{}-long.karabo", std::process::id()));
    std::fs::write(&path, &long).unwrap();
    let name = path.to_str().unwrap();
    let refused = "message exceeds max_len 67108864; --max-len raises it";
    let run = inspect(&["karabo", name], b"");
    assert!(run.stdout.contains("frame more 1 (part 0)") && !run.stdout.contains(refused), "{}", run.stdout);
    assert!(inspect(&["karabo"], &long).stdout.contains(refused));
    assert!(inspect(&["karabo", name, "--max-len=67108864"], b"").stdout.contains(refused));
    assert!(!inspect(&["karabo", "--max-len=100000000"], &long).stdout.contains(refused));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn more_parts_than_are_allowed_are_one_fault() {
    let many = capture(&vec![Vec::new(); 65_537]);
    let next = capture(&[b"\x80".to_vec()]);
    let (told, frames) = faults(&[], &[&many[..], &next].concat());
    assert_eq!((told, frames), (vec![("limit_exceeded".to_owned(), 131_072)], 1));
    // With as many as are allowed each pair is a fault, of which a hundred are told.
    let many = capture(&vec![Vec::new(); 65_536]);
    let (told, frames) = faults(&[], &[&many[..], &next].concat());
    assert_eq!((told.len(), frames), (100, 2));
    let text = inspect(&["karabo"], &many).stdout;
    assert!(text.contains("; and 32668 more faults in this message, in part 198 [unexpected_end]"), "{text}");
}

#[test]
fn faulty_values_are_told_behind_their_message() {
    let scalar = hex("83 a26e64 c2 a474797065 a33c6932 a464617461 c400");
    let parts = [
        hex("82 a6736f75726365 a153 a7636f6e74656e74 a76d73677061636b"),
        [hex("82 a162 01 a161 91"), scalar].concat(),
        Vec::new(),
    ];
    let run = inspect(&["karabo"], &capture(&parts));
    assert_eq!(run.status, 1);
    let errors: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("error ")).collect();
    assert_eq!(
        errors,
        [
            "error at 0x0000003c (header): header without a data part, in part 2 [odd_parts]",
            "error at 0x00000038 (data): 0 bytes of data, where shape and type make 2, in part 1, a[0] [invalid_length]",
        ]
    );
}

#[test]
fn every_line_is_where_it_says() {
    let mut inputs: Vec<_> =
        vectors("valid").iter().chain(&vectors("malformed")).map(|vector| capture(&vector.parts)).collect();
    inputs.extend([TRAINS.to_vec(), CUT.to_vec()]);
    let mut lines = 0;
    for input in inputs {
        let Run { stdout, .. } = inspect(&["karabo"], &input);
        let mut due = 0;
        for line in stdout.lines().filter(|line| line.starts_with("  ") && line.contains("  ")) {
            let Ok(at) = usize::from_str_radix(line.get(2..10).unwrap_or_default(), 16) else { continue };
            let column: String = line[12..].chars().take(26).collect();
            let (shown, more) = match column.split_once('…') {
                Some((shown, more)) => (hex(shown), more.trim().strip_prefix('+').unwrap().parse().unwrap()),
                None => (hex(&column), 0),
            };
            assert_eq!(input.get(at..at + shown.len()), Some(&*shown), "{line}");
            assert!(at + shown.len() + more <= input.len(), "{line}");
            // Nothing is left out between a frame and the next; the fields of an array are inside it.
            if column.trim().len() > 1 && line.chars().nth(40) != Some(' ') {
                assert!(at <= due || line.contains(" frame "), "{line}");
            }
            due = due.max(at + shown.len() + more);
            lines += 1;
        }
    }
    assert!(lines > 3000, "{lines}");
}

/// Whatever a capture is turned into, it is shown to its end, and the count of errors is the status.
#[test]
fn captures_that_went_bad() {
    let mut state = 6_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut bad = 0;
    for round in 0..200 {
        let mut input = if round % 2 == 0 { TRAINS.to_vec() } else { CUT.to_vec() };
        for _ in 0..=random(4) {
            let at = random(input.len().max(1));
            match random(3) {
                0 if at < input.len() => input[at] ^= 1 << random(8),
                1 if at < input.len() => drop(input.remove(at)),
                _ => input.truncate(at.max(1)),
            }
        }
        if input.is_empty() {
            continue;
        }
        let run = inspect(&["karabo"], &input);
        let last = run.stdout.lines().last().unwrap().to_owned();
        assert_eq!((run.status == 0, &*run.stderr), (last.ends_with(", 0 errors"), ""), "{last}");
        let errors = json_of(&input).iter().filter(|line| line["error"].is_string()).count();
        let s = if errors == 1 { "" } else { "s" };
        assert!(last.ends_with(&format!(", {errors} error{s}")), "{last}");
        bad += errors;
    }
    assert!(bad > 100, "{bad}");
}
