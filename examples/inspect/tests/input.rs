//! Inputs: good, bad, cut anyhow.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::{Bytewise, Run, hex, inspect, inspect_from};
use serde_json::{Value, json};

const LINES: &str = include_str!("golden/lines.hex");
const BAD_RECORDS: &[u8] = include_bytes!("../captures/atlas-bad.tsv");

#[test]
fn hex_lines_go_on_after_an_error() {
    let run = inspect(&["qpack", "--hex"], LINES.as_bytes());
    assert_eq!(run.stdout, include_str!("golden/lines.txt"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
    let run = inspect(&["--json", "qpack", "-", "--hex"], LINES.as_bytes());
    assert_eq!(run.stdout, include_str!("golden/lines.jsonl"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
}

#[test]
fn a_line_needs_no_newline_and_may_have_a_return() {
    let expected = inspect(&["qpack", "--hex"], b"07\n08\n");
    assert_eq!(expected.status, 0);
    assert_eq!(inspect(&["qpack", "--hex"], b"07\r\n08\r\n"), expected);
    assert_eq!(inspect(&["qpack", "--hex"], b"07\n08"), expected);
    assert_eq!(inspect(&["qpack", "--hex"], b"07\n0"), inspect(&["qpack", "--hex"], b"07\n0\n"));
}

/// Inputs of every kind, with the protocol and the options they are for.
fn inputs() -> Vec<(Vec<&'static str>, Vec<u8>)> {
    let packages = hex("0c000000000021de ef8561646d696e8470617373  0200000001 0020df 0102  0000000002 0020df
                        04000000030021de ef816182  2a00000004 0063 9c 00");
    vec![
        (vec!["qpack", "--hex"], LINES.into()),
        (vec!["qpack", "--hex", "--end-closes"], LINES.into()),
        (vec!["qpack"], include_bytes!("../captures/siridb-answer.qpack").repeat(3)),
        (vec!["qpack"], hex("01 f0 01 02")),
        (vec!["qpack"], hex("01 02 fe 03 04")),
        (vec!["qpack", "--end-closes"], hex("01 fd 8161 fc 02")),
        (vec!["qpack", "--max-len", "3"], hex("01 f0 01 02 03 04")),
        (vec!["qpack", "--max-len", "3", "--end-closes"], hex("fc 01 02 03")),
        (vec!["thingsdb"], packages.clone()),
        (vec!["thingsdb", "--max-len", "10"], packages.clone()),
        (vec!["thingsdb"], packages[..25].into()),
        (vec!["thingsdb"], include_bytes!("../captures/thingsdb-v1.bin").to_vec()),
        (
            vec!["thingsdb", "--dialect", "module"],
            hex("05000000000040bf 81a161c4ff 0400000001 0050af 81d40501 0a00000002 0051ae 92c402ff00ca7fc00000"),
        ),
        (vec!["thingsdb"], hex("0c000000000021df ef8561646d696e8470617373")),
        (vec!["msgpack-numpy"], include_bytes!("../captures/beamline.msgpack").repeat(3)),
        (vec!["msgpack-numpy"], include_bytes!("../captures/beamline.msgpack")[..300].into()),
        // A faulty map in a list, a value; a list too deep, a value; then a byte that begins none, in a map.
        (
            vec!["msgpack-numpy"],
            [
                hex("92 01 83 a26e64 c2 a474797065 a33c6932 a464617461 c403000000 02"),
                vec![0x91; 65],
                hex("c0 03 81 a161 c1 04"),
            ]
            .concat(),
        ),
        (vec!["msgpack-numpy", "--max-len", "20"], hex("93 01 a161 c6 00000010 00000000 000000000000000000000000 02")),
        (vec!["karabo"], include_bytes!("../captures/karabo-trains.zmtp").to_vec()),
        (vec!["karabo"], include_bytes!("../captures/karabo-cut.zmtp")[..850].into()),
        (vec!["karabo", "--max-len", "300"], include_bytes!("../captures/karabo-cut.zmtp").to_vec()),
        // A source too deep, and a byte that begins no frame.
        (vec!["karabo"], [hex("0148 81 a153 81 a161"), vec![0x91; 66], hex("00 00  0001 80  0400")].concat()),
        (vec!["karabo", "--hex"], b"0001 80 # a train\n0101 80\n0400\n0006 4572726f723a\n".into()),
        (vec!["drift"], include_bytes!("../captures/drift-typed.dp").to_vec()),
        (vec!["drift"], include_bytes!("../captures/drift-typed.dp")[..200].into()),
        (vec!["drift", "--max-len", "500"], include_bytes!("../captures/drift-aligned.dp").to_vec()),
        (vec!["drift", "--hex"], b"0805 # an id\n3a030a01ff\n530801540805\n20".into()),
        (vec!["drift-bytes"], include_bytes!("../captures/values.drift-bytes").to_vec()),
        (vec!["drift-bytes"], include_bytes!("../captures/values.drift-bytes")[..150].into()),
        (vec!["msgpack-numpy", "--max-len", "20"], hex("01 82 01 94 02 dd 00000011 03 04 05 06")),
        (vec!["msgpack-numpy", "--hex"], b"cb3ff8000000000000 # torn\n82a26e64\nc1\n\n83a26e64\n07".into()),
        (vec!["datakit"], include_bytes!("../captures/datakit-sensor.txt").repeat(2)),
        (vec!["datakit"], b"$P\n>a|1|2|3\n\n\r\n$Q|a|b\n>\xff|1|2\nSTOP\n>torn|12".into()),
        (vec!["datakit", "--max-len", "8"], b"START\n>too long|1|2\nSTOP\n>a|1|234\n>a|1|2345\n>a|1".into()),
        (vec!["datakit", "--max-len", "8"], b"$P\n>too long|1|2, and torn".into()),
        (vec!["atlas"], include_bytes!("../captures/atlas-run.tsv").to_vec()),
        (vec!["atlas", "--type", "{ParameterDataMessage}=ParameterDataMessage"], BAD_RECORDS.into()),
        (vec!["atlas"], [BAD_RECORDS, b"\n\r\n\t\nx:a\tnull\r\n$end:a\t\r"].concat()),
        (vec!["atlas", "--max-len", "100"], BAD_RECORDS.into()),
        (vec!["atlas", "--max-len", "5"], b"a:b\tc\r\na:b\tcd\r\na:b\tc\ra\na:b\tc\r".into()),
        (vec!["atlas", "--hex"], b"613a62 09 00 # a record\n613a62\n6262 09\n613a62 09 6261736536343a 41".into()),
        (vec!["datakit", "--hex"], b"2450 0a 2450 # torn\n0a 2450 0a\n3e7c7c 0a 2450 0a 245".into()),
    ]
}

#[test]
fn how_the_input_is_cut_changes_nothing() {
    for (words, input) in inputs() {
        for form in ["--json", "--color=never"] {
            let words: Vec<_> = words.iter().copied().chain([form]).collect();
            assert_eq!(inspect_from(&words, &mut Bytewise(&input)), inspect(&words, &input), "{words:?}");
        }
    }
}

#[test]
fn json_is_json_and_tells_as_much_as_the_text() {
    for (words, input) in inputs() {
        let text = inspect(&words, &input).stdout;
        let lines = json_of(&words, &input);
        let errors = lines.iter().filter(|line| line["error"].is_string()).count();
        let frames = lines.iter().filter(|line| line["frame"].is_u64()).count();
        let passed = lines.iter().find_map(|line| line["passed"].as_u64());
        assert_eq!(errors + frames + usize::from(passed.is_some()), lines.len());
        let bytes: u64 = lines.iter().filter_map(|line| line["length"].as_u64()).sum();
        let plural = |count: u64, noun| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
        let (errors, frames) = (plural(errors as u64, "error"), plural(frames as u64, "frame"));
        let passed = match passed {
            None => String::new(),
            Some(1) => format!(", 1 passed over that is not of {}", words[0]),
            Some(count) => format!(", {count} passed over that are not of {}", words[0]),
        };
        let last = format!("{frames} of {}, {errors}{passed}", plural(bytes, "byte"));
        assert_eq!(text.lines().last(), Some(&*last));
    }
}

fn json_of(words: &[&str], input: &[u8]) -> Vec<Value> {
    let words: Vec<_> = words.iter().copied().chain(["--json"]).collect();
    let parse = |line| serde_json::from_str(line).expect("strict JSON");
    inspect(&words, input).stdout.lines().map(parse).collect()
}

#[test]
fn nothing_but_newlines_and_text_reaches_the_output() {
    let mut every_byte = String::new();
    for byte in 0..=255_u8 {
        every_byte.push_str(&format!("81{byte:02x}\n84{byte:02x}{byte:02x}c2{byte:02x}\nf481{byte:02x}00\n"));
    }
    // The same characters where they break the hex.
    let broken: Vec<u8> = (0..=255).flat_map(|byte| [b'0', byte, b'\n']).collect();
    for input in [every_byte.as_bytes(), &broken, LINES.as_bytes()] {
        for form in ["--json", "--hex"] {
            let run = inspect(&["qpack", "--hex", form], input);
            is_clean(&run);
        }
    }
    // In every field of a line, and in lines that are bad.
    let mut lines = Vec::new();
    for pieces in [&[&b"$H|"[..], b"|", b"|", b"|", b"\n"][..], &[b"ACK|", b"\n"], &[b">", b"|1|2\n"], &[b"$Q|", b"\n"]]
    {
        let bytes = (0..=255).map(|byte| vec![byte]);
        for piece in bytes.chain([b"\x1b[31m\xc2\x9b\xe2\x80\xae".to_vec()]) {
            lines.extend([pieces.join(&*piece), pieces.join(&*[&piece, &b"\r"[..]].concat())].concat());
        }
    }
    for form in ["--json", "--color=never"] {
        is_clean(&inspect(&["datakit", form], &lines));
    }
    // In every text of a tagged map, in keys around it, and in what is wrong with it.
    let mut messages = Vec::new();
    let bytes = (0..=255).map(|byte| vec![byte]);
    for piece in bytes.chain([b"\x1b[31m\xc2\x9b\xe2\x80\xae".to_vec()]) {
        let len = u8::try_from(piece.len()).unwrap();
        let text = [&[0xa0 + len], &*piece].concat();
        let bin = [&[0xc4, len], &*piece].concat();
        let shape = hex("a57368617065 91 01");
        let (nd, data) = (hex("a26e64 c3"), [&hex("a464617461")[..], &bin].concat());
        for dtype in [
            text.clone(),
            [&[0xc4, 2, b'<'], &piece[..1]].concat(),
            [&hex("91 92")[..], &text, &hex("a3"), format!("|S{len}").as_bytes()].concat(),
            [&hex("91 92 92")[..], &text, &text, &hex("a3"), format!("|V{len}").as_bytes()].concat(),
            [&hex("91 92 a161 91 92")[..], &text, &hex("a3"), format!("|S{len}").as_bytes()].concat(),
            [&[0xa3][..], format!("|S{len}").as_bytes()].concat(),
            [&[0x91][..], &text].concat(),
        ] {
            let dtype = [&hex("a474797065")[..], &dtype].concat();
            let kind = [&hex("a46b696e64")[..], &text].concat();
            messages.push([&hex("81")[..], &text, &hex("84"), &nd, &dtype, &shape, &data].concat());
            messages.push([&hex("85")[..], &nd, &dtype, &shape, &data, &kind].concat());
            messages.push([&hex("91 84")[..], &nd, &dtype, &shape, &data[..5], &bin, &hex("c0")].concat());
            messages.push([&hex("83")[..], &hex("a26e64c2"), &dtype, &data].concat());
        }
        messages.push([&hex("81")[..], &text, &hex("82 a7636f6d706c6578 c3 a464617461"), &text].concat());
        messages.push([&hex("81")[..], &bin, &hex("81"), &text, &hex("c1")].concat());
        messages.push([&hex("d5 05")[..], &text[..1], &piece[..1]].concat());
    }
    let lines: Vec<_> = messages.iter().map(|message| testkit::vectors::to_hex(message)).collect();
    for form in ["--json", "--color=never"] {
        is_clean(&inspect(&["msgpack-numpy", "--hex", form], lines.join("\n").as_bytes()));
    }
    // In every name of a train, lost or not, and in what a server says.
    let mut lines = Vec::new();
    let bytes = (0..=255).map(|byte| vec![byte]);
    for piece in bytes.chain([b"\x1b[31m\xc2\x9b\xe2\x80\xae".to_vec()]) {
        let text = [&[0xa0 + u8::try_from(piece.len()).unwrap()], &*piece].concat();
        let field =
            |name: &str, value: &[u8]| [&[0xa0 + u8::try_from(name.len()).unwrap()], name.as_bytes(), value].concat();
        let ignored = field("ignored_keys", &[&[0x91][..], &text].concat());
        let metadata = field("metadata", &[&[0x82][..], &text, &text, &ignored].concat());
        let source = [&[0x83][..], &field("source", &text), &field("content", b"\xa7msgpack"), &metadata].concat();
        let array = |content: &[u8], dtype: &[u8], shape: &[u8]| {
            let fields = [field("content", content), field("dtype", dtype), field("shape", shape)].concat();
            let image = field("params", &[&[0x81][..], &field("encoding", &text)].concat());
            [&[0x86][..], &field("source", &text), &field("path", &text), &fields, &image].concat()
        };
        let data = [&[0x81][..], &text, &text].concat();
        let parts = [
            source,
            data.clone(),
            array(b"\xa9ImageData", b"\xa2u1", b"\x91\x01"),
            vec![7],
            array(b"\xa5array", &text, b"\x91\x01"),
            piece.clone(),
            array(b"\xa5array", b"\xa2u1", b"\x91\x02"),
            piece.clone(),
            array(&text, b"\xa2u1", b"\x91\x01"),
            piece.clone(),
        ];
        for message in [&parts[..], &parts[..9], &[data], &[[&b"Error: "[..], &piece].concat()]] {
            let mut line = String::new();
            for (index, part) in message.iter().enumerate() {
                let more = u8::from(index + 1 < message.len());
                line.push_str(&testkit::vectors::to_hex(
                    &[&[more, u8::try_from(part.len()).unwrap()][..], part].concat(),
                ));
            }
            lines.push(line);
        }
    }
    for form in ["--json", "--color=never"] {
        is_clean(&inspect(&["karabo", "--hex", form], lines.join("\n").as_bytes()));
    }
    // In every text of a package and of typed values, and in what does not decode.
    let mut lines = Vec::new();
    let bytes = (0..=255).map(|byte| vec![byte]);
    for piece in bytes.chain([b"\x1b[31m\xc2\x9b\xe2\x80\xae".to_vec()]) {
        let field = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let text = field(0x0a, &piece);
        let url = field(0x0a, b"/drift.proto.common.DataPayload");
        let item =
            [&hex("0100 010b 0100000000000000 01000000"), &(piece.len() as u64).to_le_bytes()[..], &piece].concat();
        let any = |data: &[u8]| field(0x2a, &[&url[..], &field(0x12, &field(0x12, data))].concat());
        let typed = field(0x32, &[&hex("0805")[..], &field(0x42, &field(0x0a, &text))].concat());
        let plain = field(0x32, &[&hex("0803")[..], &field(0x2a, &text)].concat());
        for package in [
            [field(0x3a, &[&text[..], &field(0x12, &piece)].concat()), any(&piece)].concat(),
            [any(&item), typed.clone()].concat(),
            [any(&piece), typed].concat(),
            [any(&piece), plain].concat(),
            [field(0x2a, &[&text[..], &field(0x12, &piece)].concat()), field(0x7a, &piece)].concat(),
            item,
        ] {
            lines.push(testkit::vectors::to_hex(&package));
        }
    }
    for protocol in ["drift", "drift-bytes"] {
        for form in ["--json", "--color=never"] {
            is_clean(&inspect(&[protocol, "--hex", form], lines.join("\n").as_bytes()));
        }
    }
}

/// In every text of a record, in keys, and in what does not decode.
#[test]
fn nothing_but_newlines_and_text_reaches_the_output_of_records() {
    let mut lines = Vec::new();
    let bytes = (0..=255).filter(|byte| *byte != b'\n').map(|byte| vec![byte]);
    for piece in bytes.chain([b"\x1b[31m\xc2\x9b\xe2\x80\xae".to_vec(), b"\\u009b\\u202e\\u001b\\u000a".to_vec()]) {
        let mut line = |pieces: &[&[u8]]| lines.extend([&pieces.join(&*piece)[..], b"\n"].concat());
        line(&[b"lap", b":a\t{}"]);
        line(&[b"x:", b"\t", b""]);
        line(&[b"x:a\tbase64:", b""]);
        line(&[b"", b":a\t"]);
        line(&[b"", b""]);
        line(&[b"tdata:a\t{\"", b"\":["]);
        line(&[
            b"tsamples:a\t{\"feed\":\"",
            b"\",\"format\":\"",
            b"\",\"data\":{\"",
            b"\":{\"epoch\":1,\"time\":[],\"values\":[]}}}",
        ]);
        line(&[b"tsamples:a\t{\"feed\":\"\",\"format\":\"a\",\"data\":{\"", b"\":{\"epoch\":1,\"time\":[x"]);
        line(&[b"events:a\t{\"epoch\":0,\"time\":0,\"id\":\"", b"\",\"status\":\"", b"\",\"values\":[]}"]);
        line(&[b"lap:a\t{\"number\":1,\"time\":0,\"type\":\"", b"\",\"triggerSource\":9}"]);
        line(&[
            b"session:a\t{\"id\":\"",
            b"\",\"state\":\"",
            b"\",\"type\":\"",
            b"\",\"identifier\":\"",
            b"\",\"label\":\"",
            b"\",\"details\":{\"",
            b"\":\"",
            b"\"},\"model\":{\"group\":\"",
            b"\"},\"dependencies\":{\"",
            b"\":[\"",
            b"\"]}}",
        ]);
    }
    let format = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/0ec63347ffc5.json");
    for form in ["--json", "--color=never"] {
        let run = inspect(&["atlas", form, "--format", format], &lines);
        is_clean(&run);
        assert!(run.stdout.matches("\\u").count() > 200, "{form}");
    }
}

fn is_clean(run: &Run) {
    let bad = run.stdout.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
    assert_eq!((bad, &*run.stderr), (None, ""));
}

#[test]
fn an_end_may_close_what_is_open() {
    let input = hex("07 fd8161fc02");
    let run = inspect(&["qpack"], &input);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("error at 0x00000006 (value): input ends in an open container, which --end-closes allows")
    );
    let run = inspect(&["qpack", "--end-closes"], &input);
    assert_eq!(
        run.stdout,
        "frame 1 at 0x00000000, 1 byte: 7
  00000000  07                          value INT 7

frame 2 at 0x00000001, 5 bytes: {\"a\": [2]}
  00000001  fd                          value MAP_OPEN
  00000002  81 61                         key RAW \"a\"
  00000004  fc                              = ARRAY_OPEN
  00000005  02                              [0] INT 2
  00000006                                end (no byte: the input ends)
  00000006                              end (no byte: the input ends)

2 frames of 6 bytes, 0 errors
"
    );
    assert_eq!(run.status, 0);
    // Not after a key, and not in a counted container.
    assert_eq!(inspect(&["qpack", "--end-closes"], &hex("fd8161")).status, 1);
    assert_eq!(inspect(&["qpack", "--end-closes"], &hex("fcee")).status, 1);
}

#[test]
fn raw_qpack_is_given_up_after_an_error() {
    let expected = json!({
        "protocol": "qpack", "error": "unexpected_close", "offset": 1, "what": "ARRAY_CLOSE",
        "message": "nothing here that this byte could close",
    });
    let lines = json_of(&["qpack"], &hex("01 fe 03 04"));
    assert_eq!(lines[1..], [expected]);
    // Of a file, the rest is known.
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("given-up.qpack");
    std::fs::write(&path, hex("01 fe 03 04")).unwrap();
    let words = ["qpack", path.to_str().unwrap()];
    assert_eq!(json_of(&words, b"")[1]["undecoded"], 3);
    let run = inspect(&words, b"");
    assert!(
        run.stdout.ends_with("\n  3 bytes from there on not decoded\n\n1 frame of 1 byte, 1 error\n"),
        "{}",
        run.stdout
    );
    assert_eq!(run.status, 1);
}

#[test]
fn a_bad_package_costs_no_other() {
    let input = hex("0200000001 0025da 0102  0000000002 0020df  ffff000003 0024db");
    let input = [input, vec![0; 65535], hex("0100000004 0012ed 07  00000000050011ef  00")].concat();
    let places: Vec<_> = json_of(&["thingsdb", "--max-len", "1000"], &input)
        .iter()
        .map(|line| (line["offset"].as_u64().unwrap(), line["error"].as_str().map(str::to_owned)))
        .collect();
    let error = |offset, kind: &str| (offset, Some(kind.to_owned()));
    assert_eq!(
        places,
        [
            error(8, "unexpected_type"),
            (10, None),
            error(18, "limit_exceeded"),
            (65561, None),
            error(65577, "invalid_check"),
        ]
    );
}

#[test]
fn what_is_announced_is_not_waited_for() {
    // The next read would fail.
    struct Once(Option<Vec<u8>>);
    impl std::io::Read for Once {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let bytes = self.0.take().ok_or(std::io::ErrorKind::TimedOut)?;
            into[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }
    let run = inspect_from(&["qpack"], &mut Once(Some(hex("e7ffffffffffffffff"))));
    assert!(run.stdout.contains("[limit_exceeded]"), "{run:?}");
    assert_eq!(run.status, 1);
    let run = inspect_from(&["thingsdb"], &mut Once(Some(hex("ffffff3f000020df"))));
    assert!(run.stdout.contains("length 1073741823 exceeds max_len 67108864 [limit_exceeded]"), "{run:?}");
    assert_eq!((run.status, &*run.stderr), (2, "inspect: cannot read standard input: timed out\n"));
    // Over the limit of all dialects nothing is waited for.
    let run = inspect_from(&["thingsdb"], &mut Once(Some(hex("01000040000020df"))));
    assert!(run.stdout.contains("length 1073741825 exceeds max_data_len 1073741824, the most of v1"), "{run:?}");
    assert_eq!((run.status, &*run.stderr), (1, ""));
}

#[test]
fn credentials_are_masked_wherever_they_stand() {
    for body in [
        "84 70617373",                               // a lone token
        "ee 84 70617373",                            // the same in an array
        "ef 81 61 84 70617373",                      // name and password
        "f0 81 61 84 70617373 fd 84 70617373 01 ff", // and what else may come, as a key too
        "ef 84 70617373 85 70617373",                // the second is cut short
        "ef 81 61 84 70617373 01",                   // a byte follows
        "fc 81 61 fd 84 70617373 fe",                // a way to the fault leads by it
        "f4 84 70617373",                            // and a key without a value
    ] {
        let body = hex(body);
        let input = [&[u8::try_from(body.len()).unwrap(), 0, 0, 0, 0, 0, 0x21, 0xde], &*body].concat();
        // SiriDB logs in with a type of its own.
        let siridb = [&input[..6], &[0x02, 0xfd], &*body].concat();
        for (form, input) in [("--json", &input), ("--color=never", &input), ("--json", &siridb)] {
            // A fault may be in the field of this name.
            let masked = inspect(&["thingsdb", form], input).stdout.replace("password", "");
            assert!(!masked.contains("pass") && !masked.contains("70 61") && !masked.contains("7061"), "{masked}");
        }
        let shown = inspect(&["thingsdb", "--show-secrets"], &input).stdout;
        assert!(shown.contains("\"pass\"") && shown.contains("84 70 61 73 73"), "{shown}");
    }
}
