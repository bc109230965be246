//! Lines: where the parts stand, what is said of bad ones, and that the next one is read.
#![expect(clippy::expect_used, reason = "a test may panic")]

mod common;

use common::inspect;
use serde_json::Value;

const SENSOR: &[u8] = include_bytes!("../captures/datakit-sensor.txt");
const CONVERSATION: &[u8] = include_bytes!("../captures/datakit-conversation.txt");

fn json_of(words: &[&str], input: &[u8]) -> Vec<Value> {
    let words: Vec<_> = ["datakit", "--json"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("strict JSON")).collect()
}

/// Summaries, and errors in brackets.
fn shown(words: &[&str], input: &[u8]) -> Vec<String> {
    let words: Vec<_> = ["datakit"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    let what = |line: &str| {
        let (_, after) = line.split_once(": ")?;
        if line.starts_with("frame ") {
            Some(after.to_owned())
        } else {
            line.starts_with("error ").then(|| after.into())
        }
    };
    run.stdout.lines().filter_map(what).collect()
}

#[test]
fn a_sensor_with_a_bad_line() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/datakit-sensor.txt");
    let run = inspect(&["datakit", path], b"");
    assert_eq!(run.stdout, include_str!("golden/sensor.txt"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
    let run = inspect(&["--json", "datakit", path], b"");
    assert_eq!(run.stdout, include_str!("golden/sensor.jsonl"));
    assert_eq!((run.status, &*run.stderr), (1, ""));
}

#[test]
fn every_byte_of_a_frame_is_a_parts_or_a_separator() {
    for input in [SENSOR, CONVERSATION, b"$Q|a||b\nNEW\n$H|n|||s\n>a|-007|+1.50e0\n"] {
        let text = core::str::from_utf8(input).expect("text");
        let mut due = 0;
        for frame in json_of(&[], input) {
            let Some(parts) = frame["fields"].as_array() else {
                // The line of the one error.
                due += text[due..].find('\n').expect("a newline") + 1;
                continue;
            };
            assert_eq!(frame["offset"], due);
            let mut lines = Vec::new();
            for part in parts {
                let [offset, length] = ["offset", "length"]
                    .map(|key| usize::try_from(part[key].as_u64().expect("a number")).expect("small"));
                let gap = &text[due..offset];
                // The tag alone follows its identifier at once.
                assert_eq!(
                    gap,
                    if ["identifier", "tag", "newline"].iter().any(|name| part["name"] == *name) { "" } else { "|" }
                );
                let bytes = &text[offset..offset + length];
                match part["type"].as_str() {
                    Some("text") => assert_eq!(part["value"], bytes),
                    Some("integer") => assert_eq!(part["value"].as_i64(), bytes.parse().ok()),
                    Some("float") if bytes == "nan" => assert_eq!(part["value"]["double"], "7ff8000000000000"),
                    Some("float") => assert_eq!(
                        part["value"].as_f64().map(f64::to_bits),
                        bytes.parse().ok().map(f64::to_bits),
                        "{bytes}"
                    ),
                    other => assert_eq!(other, Some("text"), "no such type"),
                }
                lines.push(bytes);
                due = offset + length;
            }
            assert_eq!(lines.last(), Some(&"\n"));
        }
        assert_eq!(due, text.len());
    }
}

#[test]
fn a_bad_line_costs_itself_and_tells_its_place() {
    // SPEC.md §4: kind, column of the fault, and the part it is in.
    for (line, kind, column, what) in [
        (&b""[..], "empty_line", 1, "line"),
        (b"stop", "unknown_packet", 1, "identifier"),
        (b">a|1", "missing_field", 5, "value"),
        (b"$H|n|", "missing_field", 6, "data type"),
        (b"ACK", "missing_field", 4, "UID"),
        (b"START|", "unexpected_field", 6, "line"),
        (b">a|1|2|3", "unexpected_field", 7, "line"),
        (b">|1|2", "empty_field", 2, "tag"),
        (b"$H|n|u|t|", "empty_field", 10, "collection type"),
        (b">a|1|2\xff", "invalid_utf8", 7, "value"),
        (b"$P\r", "carriage_return", 3, "identifier"),
        (b">a|noon|2", "invalid_timestamp", 4, "timestamp"),
        (b">a|1.5|2", "fractional_timestamp", 5, "timestamp"),
        (b">a|9223372036854775808|2", "timestamp_out_of_range", 4, "timestamp"),
        (b">a|1|two", "invalid_value", 6, "value"),
        (b">a much longer line than the limit|1|2", "limit_exceeded", 31, "line"),
    ] {
        let input = [b"START\n", line, b"\nSTOP\n"].concat();
        let lines = json_of(&["--max-len=30"], &input);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!((&lines[0]["length"], &lines[0]["offset"]), (&6.into(), &0.into()));
        assert_eq!((&lines[1]["error"], &lines[1]["what"]), (&kind.into(), &what.into()));
        assert_eq!(lines[1]["path"], format!("line 2, column {column}"));
        assert_eq!(lines[1]["offset"], 6 + column - 1, "{kind}");
        assert_eq!((&lines[2]["length"], &lines[2]["offset"]), (&5.into(), &(6 + line.len() + 1).into()));
    }
}

#[test]
fn of_a_bad_line_all_is_shown() {
    for (line, parts) in [
        (&b"\n"[..], &[][..]),
        (b"stop\n", &[("rest", "\"stop\"")]),
        (b">a|1\n", &[("identifier", "\">\""), ("tag", "\"a\""), ("timestamp", "\"1\"")]),
        (b">a|1.5|2\n", &[("identifier", "\">\""), ("tag", "\"a\""), ("rest", "\"1.5|2\"")]),
        (b"$P|x\n", &[("identifier", "\"$P\""), ("rest", "\"|x\"")]),
        (b"$P\r\n", &[("rest", "\"$P\\r\"")]),
        (b"ACK|a\xff\n", &[("identifier", "\"ACK\""), ("rest", "b\"a\\xff\"")]),
        // Perhaps there is more of the last part.
        (b">a|1", &[("identifier", "\">\""), ("tag", "\"a\""), ("rest", "\"1\"")]),
    ] {
        let run = inspect(&["datakit"], line);
        let shown: Vec<_> = run.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.get(38..)).collect();
        let expected: Vec<_> = parts.iter().map(|(name, value)| format!("{name} text {value}")).collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn a_line_too_long_is_told_once() {
    let whole = b"$P\n>a long line|1|2\n>another long line|3|4\n$P\n";
    let fault = |line| format!("line exceeds max_len 8, in line {line}, column 9 [limit_exceeded]");
    assert_eq!(shown(&["--max-len", "8"], whole), ["HEARTBEAT", &fault(2), &fault(3), "HEARTBEAT"]);
    // Nor is it torn as well, where its end does not come.
    assert_eq!(shown(&["--max-len", "8"], b"$P\n>a long line|1|2"), ["HEARTBEAT", &fault(2)]);
    // The newline is not counted.
    assert_eq!(shown(&["--max-len", "2"], b"$P\n"), ["HEARTBEAT"]);
    assert_eq!(shown(&["--max-len", "1"], b"$P\n"), ["line exceeds max_len 1, in line 1, column 2 [limit_exceeded]"]);
}

#[test]
fn a_torn_last_line_is_an_error() {
    let lines = json_of(&[], b"STOP\n>some_tag|1459");
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["error"], &lines[1]["offset"]), (&"unexpected_end".into(), &19.into()));
    assert_eq!(lines[1]["path"], "line 2, column 15");
    assert_eq!(inspect(&["datakit"], b"STOP\n").status, 0);
    assert_eq!(inspect(&["datakit"], b"STOP").status, 1);
}

#[test]
fn a_frame_in_half_a_line() {
    let long = "x".repeat(1000);
    let clipped = format!("\"{}…", "x".repeat(39));
    for (line, summary) in [
        ("$H|n|||stream", "HELLO \"n\""),
        ("$H|a \"b\"|m/s|t|stream", "HELLO \"a \\\"b\\\"\" in \"m/s\""),
        ("$Q|a", "UNKNOWN \"$Q|a\""),
        (">a b|-1|-inf", "DATA \"a b\" -inf at -1 (1969-12-31T23:59:59Z)"),
        (">a|9223372036854775807|1", "DATA \"a\" 1.0 at 9223372036854775807 (+292277026596-12-04T15:30:07Z)"),
        (&format!(">{long}|0|1e-7"), &format!("DATA {clipped} 1e-7 at 0 (1970-01-01T00:00:00Z)")),
        (&format!("ACK|{long}"), &format!("ACK {clipped}")),
    ] {
        assert_eq!(shown(&[], format!("{line}\n").as_bytes()), [summary]);
    }
}

#[test]
fn integers_that_doubles_would_lose_survive_json() {
    let lines = json_of(&[], b">a|9007199254740993|9007199254740993\n");
    assert_eq!(lines[0]["fields"][2]["value"]["int"], "9007199254740993");
    assert_eq!(lines[0]["fields"][3]["value"].as_f64(), Some(9007199254740992.0));
}
