//! Records: what is told of them, held against the golden vectors; what is said of bad ones, and that the next is read.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::inspect;
use serde_json::{Value, json};

const RUN: &[u8] = include_bytes!("../captures/atlas-run.tsv");
const BAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/atlas-bad.tsv");
const FORMAT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/0ec63347ffc5.json");
/// As in nearly all vectors: 2023-11-14T00:00:00Z, by `date -u`.
const EPOCH: i64 = 1_699_920_000_000_000_000;

fn json_of(words: &[&str], input: &[u8]) -> Vec<Value> {
    let words: Vec<_> = ["atlas", "--json"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    assert_eq!(run.stderr, "");
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Summaries, and errors in brackets.
fn shown(words: &[&str], input: &[u8]) -> Vec<String> {
    let words: Vec<_> = ["atlas"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    let what = |line: &str| {
        let (_, after) = line.split_once(": ")?;
        (line.starts_with("frame ") || line.starts_with("error ")).then(|| after.to_owned())
    };
    run.stdout.lines().filter_map(what).collect()
}

fn part<'a>(line: &'a Value, name: &str) -> &'a Value {
    line["fields"].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap_or(&Value::Null)
}

/// Golden vectors that are records, with their lines.
fn vectors() -> Vec<(Value, String)> {
    let vectors = include_str!("../../../crates/atlas-stream/tests/vectors/atlas.jsonl").lines();
    let vectors = vectors.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records = vectors.filter(|v| v["kind"] != "dependency" && v["key"].is_string() && v["key_encoding"].is_null());
    let line = |v: Value| {
        let prefix = if v["encoding"] == "base64" { "base64:" } else { "" };
        let line = format!("{}\t{prefix}{}", v["key"].as_str().unwrap(), v["value"].as_str().unwrap_or("null"));
        (v, line)
    };
    records.map(line).collect()
}

fn valid(number: u32) -> (Value, String) {
    let id = format!("atlas-{number:03}");
    vectors().into_iter().find(|(v, _)| v["id"] == id.as_str()).unwrap()
}

/// A time of the day of [`EPOCH`].
fn time_of_day(nanos: i64) -> String {
    let (second, fraction) = (nanos / 1_000_000_000, format!(".{:09}", nanos % 1_000_000_000));
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("2023-11-14T{:02}:{:02}:{:02}{fraction}Z", second / 3600, second / 60 % 60, second % 60)
}

#[test]
fn a_dump_with_bad_records() {
    let words = ["atlas", "--type", "{ParameterDataMessage}=ParameterDataMessage", BAD];
    let run = inspect(&words, b"");
    assert_eq!(run.stdout, include_str!("golden/atlas-bad.txt"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
    let run = inspect(&[&words[..], &["--json"]].concat(), b"");
    assert_eq!(run.stdout, include_str!("golden/atlas-bad.jsonl"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
}

#[test]
fn a_record_out_of_its_place_says_so() {
    let due = [
        (142, ""),
        (143, "in its stream: after_end"),
        (144, "in its stream: after_close"),
        (145, "in its stream: reopened"),
        (146, "in its stream: went_back"),
        (147, "in its stream: restarted"),
    ];
    for (number, note) in due {
        let (vector, line) = valid(number);
        let prior = vector["prior"].as_array().unwrap().iter();
        let record = |v: &Value| format!("{}\t{}\n", v["key"].as_str().unwrap(), v["value"].as_str().unwrap());
        let input = [prior.map(record).collect(), vec![line]].concat().concat();
        let frames = json_of(&[], input.as_bytes());
        // Of `$start` there is only the key.
        let name = if number == 147 { "key" } else { "value" };
        let said = part(frames.last().unwrap(), name)["note"].as_str().unwrap_or_default();
        // Of data there is also that its format is not given.
        let of_place = said.split("; ").find(|note| note.starts_with("in its stream")).unwrap_or_default();
        assert_eq!(of_place, note, "{number}: {said}");
    }
}

#[test]
fn a_session_says_what_is_new() {
    let told = inspect(&["atlas"], RUN).stdout;
    let sessions: Vec<_> = told.lines().filter(|line| line.contains(": session of ")).collect();
    let news = sessions.iter().map(|line| line.split("; ").nth(1).unwrap_or_default());
    // The members that differ from the session in front, in the capture.
    assert_eq!(
        news.collect::<Vec<_>>(),
        [
            "",
            "new: state, identifier, details, dependencies, type, quality, model, activity",
            "new: activity",
            "new: state, activity",
        ]
    );
}

#[test]
fn every_byte_of_a_record_is_in_a_part_or_parts_them() {
    let mut due = 0;
    for frame in json_of(&["--type", "{EventMessage}=EventMessage"], RUN) {
        assert_eq!(frame["offset"], due);
        let line = RUN[due..].split_inclusive(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(frame["length"], line.len());
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let place = |name| ["offset", "length"].map(|what| part(&frame, name)[what].as_u64().unwrap_or(0));
        assert_eq!(place("key"), [due as u64, tab as u64]);
        if tab + 2 < line.len() {
            assert_eq!(place("value"), [(due + tab + 1) as u64, (line.len() - tab - 2) as u64]);
        }
        due += line.len();
    }
    assert_eq!(due, RUN.len());
}

#[test]
fn valid_vectors_are_told_as_they_are() {
    let all: Vec<_> = vectors().into_iter().filter(|(v, _)| v["valid"] == true).collect();
    let input: Vec<_> = all.iter().map(|(_, line)| format!("{line}\n")).collect();
    let lines = json_of(&[], input.concat().as_bytes());
    assert_eq!((lines.len(), all.len()), (68, 68));
    let mut compared = [0; 5];
    for ((vector, _), line) in all.iter().zip(&lines) {
        let (key, id) = (vector["key"].as_str().unwrap(), &vector["id"]);
        assert_eq!(part(line, "key")["value"], key);
        let told = &part(line, "value")["value"];
        let Some(value) = vector["value"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            continue;
        };
        let time = value["epoch"].as_i64().filter(|epoch| *epoch == EPOCH).and(value["time"].as_i64()).map(time_of_day);
        match key.split(':').next().unwrap() {
            "session" => {
                for member in ["id", "state", "identifier", "type"] {
                    assert_eq!(told[member], value[member], "{id}");
                }
                compared[0] += 1;
            }
            "lap" => {
                assert_eq!((&told["number"], &told["type"]), (&value["number"], &value["type"]), "{id}");
                assert!(time.is_none() || told["time"] == json!(time), "{id}");
                compared[1] += 1;
            }
            "events" => {
                assert_eq!((&told["id"], &told["status"]), (&value["id"], &value["status"]), "{id}");
                assert_eq!((&told["time"], &told["values"]["first"]), (&json!(time), &value["values"]), "{id}");
                compared[2] += 1;
            }
            "tdata" => {
                let (items, shown) = (value["data"].as_array().unwrap(), &part(line, "parameters")["value"]);
                assert_eq!((&told["parameters"], &told["times"]), (&json!(items.len()), &len(&value["time"])), "{id}");
                assert_eq!(told["format"], value["format"], "{id}");
                for (index, item) in items.iter().enumerate() {
                    assert_eq!(shown[index]["index"], index);
                    for aggregate in ["avg", "min", "max", "first"] {
                        is_of(&shown[index][aggregate], &item[aggregate]);
                    }
                }
                compared[3] += 1;
            }
            "tsamples" if value["data"].is_object() => {
                let shown = part(line, "parameters")["value"].as_array().map_or(&[][..], |shown| shown);
                let items = value["data"].as_object().unwrap();
                assert_eq!((shown.len(), &told["feed"]), (items.len(), &value["feed"]), "{id}");
                for item in shown {
                    let due = &items[item["name"].as_str().unwrap()];
                    assert_eq!(item["times"], len(&due["time"]), "{id}");
                    if id != "atlas-040" {
                        is_of(&item["values"], &due["values"]);
                    }
                }
                compared[4] += 1;
            }
            _ => {}
        }
    }
    assert_eq!(compared, [18, 7, 4, 14, 7]);
}

fn len(array: &Value) -> Value {
    json!(array.as_array().unwrap().len())
}

/// Fewer than nine numbers, and their range.
fn is_of(told: &Value, numbers: &Value) {
    let Some(numbers) = numbers.as_array() else { return assert!(told.is_null()) };
    let numbers: Vec<f64> = numbers.iter().map(|number| number.as_f64().unwrap()).collect();
    assert_eq!(told["first"], json!(numbers));
    let [least, most] = [f64::min, f64::max].map(|of| numbers.iter().copied().reduce(of));
    assert_eq!((told["min"].as_f64(), told["max"].as_f64()), (least, most));
}

#[test]
fn protobuf_says_what_its_twin_in_json_says() {
    for (protobuf, json, name) in [
        (61, 22, "ParameterDataMessage"),
        (68, 22, "ParameterDataMessage"),
        (64, 35, "ParameterSamplesMessage"),
        (66, 44, "EventMessage"),
    ] {
        let option = format!("--type={{{name}}}={name}");
        let words = ["--format", FORMAT, &option];
        let [one, two] = [protobuf, json].map(|number| json_of(&words, valid(number).1.as_bytes()).remove(0));
        let (mut told, due) = (part(&one, "value")["value"].clone(), &part(&two, "value")["value"]);
        assert_eq!(part(&one, "value")["type"], "protobuf");
        if protobuf != 68 {
            assert_eq!(&told, due, "{protobuf}");
        }
        told["parameters"].take();
        let by_name = |line: &Value| {
            let mut all = part(line, "parameters")["value"].as_array().cloned().unwrap_or_default();
            all.iter_mut().for_each(|one| drop(one.as_object_mut().unwrap().remove("index")));
            all.sort_by_key(|one| one["name"].as_str().unwrap().to_owned());
            all
        };
        if protobuf != 68 {
            assert_eq!(by_name(&one), by_name(&two), "{protobuf}");
        }
    }
    for (number, name) in [(63, "ParameterDataBackFillMessage"), (65, "ParameterSamplesBackFillMessage")] {
        let line = valid(number).1;
        assert!(line.starts_with(&format!("{{{name}}}")));
        let option = format!("--type={{{name}}}={name}");
        let told = json_of(&["--format", FORMAT, &option], line.as_bytes()).remove(0);
        let parameters = part(&told, "parameters")["value"].as_array().unwrap();
        assert!(parameters.iter().all(|one| one["epoch"].is_string() && one["name"].as_str().unwrap().contains(':')));
        // Without being told it is bytes, and looks like what it is.
        let hint = ", looks like telemetry in protobuf: --type may tell which";
        assert!(shown(&[], line.as_bytes())[0].ends_with(hint));
    }
}

#[test]
fn a_type_is_what_it_is_told_to_be() {
    let event = br#"event:a	{"epoch":0,"time":1,"id":"e","values":[]}"#;
    assert_eq!(shown(&[], event), ["unknown type \"event\" of \"a\", 41 bytes"]);
    let due = "\"event\" (events) of \"a\": \"e\" at 1970-01-01T00:00:00.000000001Z";
    assert_eq!(shown(&["--type", "event=events"], event), [due]);
    // A name may hold what parts it from the message; the last one counts.
    assert_eq!(shown(&["--type=b=c=lap", "--type=b=c=sync"], b"b=c:a\t"), ["\"b=c\" (sync) of \"a\""]);
    // A described one may be told to be something else.
    assert_eq!(shown(&["--type=lap=$end"], b"lap:a\tnull"), ["\"lap\" ($end) of \"a\""]);
}

#[test]
fn a_value_may_be_nothing() {
    for line in
        ["$start:a\t", "$start:a\tnull", "$start:a\t\n", "$start:a\t\r\n", "$start:a\tnull\r\n", "$start:a\tbase64:\n"]
    {
        let run = inspect(&["atlas"], line.as_bytes());
        assert!(run.stdout.ends_with(&format!("\n\n1 frame of {} bytes, 0 errors\n", line.len())), "{}", run.stdout);
        assert!(!run.stdout.contains("ignored_value"), "{}", run.stdout);
    }
    let shown = inspect(&["atlas"], b"$end:a\t{}\n").stdout;
    assert!(shown.contains("  value JSON \"{}\" (ignored_value)\n"), "{shown}");
    // JSON may be in base64, too.
    assert_eq!(shown_one("sync:a\tbase64:eyJ0aW1lIjoxfQ=="), "sync of \"a\" at 1970-01-01T00:00:00.000000001Z");
}

fn shown_one(line: &str) -> String {
    shown(&[], line.as_bytes()).join("\n")
}

#[test]
fn a_bad_record_tells_its_place_and_costs_no_other() {
    let good = "$start:a\t\n";
    for (line, column, path, kind) in [
        ("", 1, "", "missing_tab"),
        ("tdata:a", 8, "", "missing_tab"),
        ("tdata:a\t", 9, "", "unexpected_end"),
        ("tdata:a\t[]", 9, "", "unexpected_type"),
        ("tdata:a\t{\"time\":[1,x", 20, ", time[1]", "invalid_syntax"),
        ("tdata:a\t{\"time\":[1],\"data\":[{\"status\":[]}]}", 39, ", data[0].status", "length_mismatch"),
        ("lap:a\t{}", 8, "", "missing_member"),
        ("x:a\tbase64:AB!D", 14, "", "bad_base64"),
        ("x:a\tbase64:ABCDE", 17, "", "bad_base64"),
        // {"time":[}, of which the last byte is in the digit 12.
        ("tdata:a\tbase64:eyJ0aW1lIjpbfQ==", 28, ", byte 9 of the value, time[0]", "invalid_syntax"),
    ] {
        let input = format!("{good}{line}\n{good}");
        let lines = json_of(&[], input.as_bytes());
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!((&lines[0]["offset"], &lines[2]["offset"]), (&json!(0), &json!(good.len() + line.len() + 1)));
        assert_eq!(lines[1]["error"], kind, "{line}");
        assert_eq!(lines[1]["path"], format!("line 2, column {column}{path}"), "{line}");
        assert_eq!(lines[1]["offset"], good.len() + column - 1, "{line}");
        // A line of hex is an input of its own.
        let hex = [good.trim_end_matches('\n'), line].map(|line| testkit::vectors::to_hex(line.as_bytes())).join("\n");
        let lines = json_of(&["--hex"], hex.as_bytes());
        assert_eq!(lines.len(), if line.is_empty() { 1 } else { 2 });
        if let Some(error) = lines.get(1) {
            assert_eq!((&error["line"], &error["path"]), (&json!(2), &json!(format!("line 1, column {column}{path}"))));
        }
    }
}

#[test]
fn who_is_not_of_the_protocol_is_counted() {
    // Kafka's null as a key; without a colon, in front of it, behind it; no text.
    let others = b"null\t{}\nconfig\t1\n:a\t1\ntdata:\t{}\n\t{}\n\xff:a\t{}\n";
    let run = inspect(&["atlas"], others);
    assert_eq!(run.stdout, "0 frames of 0 bytes, 0 errors, 6 passed over that are not of atlas\n");
    assert_eq!((run.status, &*run.stderr), (0, ""));
    assert_eq!(json_of(&[], others), [json!({"protocol": "atlas", "passed": 6})]);
    // A byte order mark in front of the key is noted.
    let run = inspect(&["atlas"], b"\xef\xbb\xbf$end:a\t\n");
    assert!(run.stdout.contains("(byte_order_mark)\n\n1 frame of 11 bytes, 0 errors\n"), "{}", run.stdout);
    // Vectors: of those without a good key only the one with such a mark is read.
    let bad: Vec<_> = vectors().into_iter().filter(|(v, _)| v["level"] == "key").map(|(_, line)| line + "\n").collect();
    let lines = json_of(&[], bad.concat().as_bytes());
    assert_eq!((bad.len(), lines.len(), &lines[1]["passed"]), (4, 2, &json!(3)));
}

#[test]
fn a_line_too_long_is_told_once() {
    let fault =
        |line| format!("line exceeds max_len 8; --max-len raises it, in line {line}, column 9 [limit_exceeded]");
    let whole = b"$end:a\t\nxxxxxx:a\t\nxxxxx:a\t\r\nxxxxx:a\t1\nxxxx:aaaaaaaaaaaaaaaaaaaaaaaaaaa\t\n$end:a\t";
    assert_eq!(
        shown(&["--max-len", "8"], whole),
        ["$end of \"a\"", &fault(2), "unknown type \"xxxxx\" of \"a\", 0 bytes", &fault(4), &fault(5), "$end of \"a\""]
    );
}

fn notes(format: &[&str], value: &str) -> (String, Vec<String>) {
    let words: Vec<_> = format.iter().flat_map(|file| ["--format", file]).collect();
    let line = json_of(&words, format!("tdata:a\t{value}\n").as_bytes()).remove(0);
    let names = part(&line, "parameters")["value"].as_array().unwrap().iter();
    let names = names.map(|one| one["name"].as_str().unwrap_or("-").to_owned()).collect();
    (part(&line, "value")["note"].as_str().unwrap_or("").to_owned(), names)
}

#[test]
fn names_are_those_of_the_data_format_that_is_named() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let document = std::fs::read_to_string(FORMAT).unwrap();
    // Under another name it has its id of what it holds, with an end of line and with blanks between, too.
    let newline = write("downloaded.json", &format!("{document}\n"));
    let blanks = write("blanks.v2.json", &document.replace(",\"", " , \""));
    let other =
        write("bench_2.json", r#"{"feeds":{"":{"parameters":[{"identifier":"a:b"}]},"fast":{"parameters":[]}}}"#);
    let one = r#"{"status":[1],"avg":[1]}"#;
    let of = |format: &str, feed: &str, items: &[&str]| {
        format!(r#"{{"time":[1],"data":[{}],"feed":"{feed}","format":"{format}"}}"#, items.join(","))
    };
    let slow = of("0ec63347ffc5", "slow", &[one]);
    for file in [FORMAT, &newline, &blanks] {
        assert_eq!(notes(&[file], &slow), (String::new(), vec!["TOil:ECU".to_owned()]), "{file}");
    }
    let named = |name: &str| vec![name.to_owned()];
    assert_eq!(notes(&[&other, FORMAT], &slow), (String::new(), named("TOil:ECU")));
    assert_eq!(notes(&[&other, FORMAT], &of("bench_2", "", &[one])), (String::new(), named("a:b")));
    assert_eq!(notes(&[], &slow), (String::new(), named("-")));
    // Never by a guess.
    for (value, note) in [
        (slow.replace("slow", "fast"), "feed is not in the data format"),
        (of("0ec63347ffc5", "slow", &[one, one]), "parameter 1 is beyond the feed, which has 1"),
        (of("bench_3", "", &[one]), "no --format is \"bench_3\""),
        (slow.replace("format", "x"), "names no data format"),
    ] {
        let (met, names) = notes(&[FORMAT, &other], &value);
        assert!(met == note && names.iter().all(|name| name == "-"), "{met} {names:?}");
    }
    let min = r#"{"status":[1],"min":[1]}"#;
    let both = "other aggregates than in the data format; fewer parameters than in the data format";
    assert_eq!(notes(&[FORMAT], &of("0ec63347ffc5", "", &[min])), (both.to_owned(), named("vCar:Chassis")));
    // What cannot be one is said before anything is tried.
    let none = write("none.json", "{\"feeds\":[]}");
    let run = inspect(&["atlas", "--format", &none], RUN);
    assert_eq!((run.status, &*run.stdout), (2, ""));
    let why = format!("inspect: --format {none:?} is no data format: value of another type at byte 9 (feeds)\n");
    assert_eq!(run.stderr, why);
}

#[test]
fn of_much_the_first_is_shown() {
    let numbers: Vec<_> = (0..100).map(|number| format!("{number}.5")).collect();
    let times: Vec<_> = (0..100).map(|time| (100 - time).to_string()).collect();
    let status = vec!["1"; 100].join(",");
    let item = format!("{{\"status\":[{status}],\"avg\":[{}]}}", numbers.join(","));
    let line = format!("tdata:a\t{{\"time\":[{}],\"data\":[{}]}}", times.join(","), vec![&*item; 40].join(","));
    let run = inspect(&["atlas"], line.as_bytes());
    // The times run backwards.
    let head = ": 40 parameters, 100 times from 1970-01-01T00:00:00.000000001Z to 1970-01-01T00:00:00.0000001Z\n";
    assert!(run.stdout.contains(head), "{}", run.stdout);
    assert!(run.stdout.contains("  parameters (the first 32 of 40)\n"), "{}", run.stdout);
    assert_eq!(
        run.stdout.matches("avg 0.5 to 99.5: 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, …; status \"Sample\"\n").count(),
        32
    );
    assert!(run.stdout.contains("  [31] index 31; ") && !run.stdout.contains("index 32"));
    let lines = json_of(&[], line.as_bytes());
    assert_eq!(part(&lines[0], "parameters")["value"].as_array().unwrap().len(), 32);
    assert_eq!(part(&lines[0], "parameters")["note"], "the first 32 of 40");
}
