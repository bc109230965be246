//! Packages: which dialect they are taken for, what is said where they may be several, what is masked, and what costs what.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::{hex, inspect};
use serde_json::Value;
use testkit::vectors::{hex as bytes, jsonl, text};

fn json_of(words: &[&str], input: &[u8]) -> Vec<Value> {
    let words: Vec<_> = ["thingsdb", "--json"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("strict JSON")).collect()
}

/// Summaries, and errors.
fn shown(words: &[&str], input: &[u8]) -> Vec<String> {
    let words: Vec<_> = ["thingsdb"].iter().chain(words).copied().collect();
    let run = inspect(&words, input);
    let what = |line: &str| {
        let is_one = line.starts_with("frame ") || line.starts_with("error ");
        is_one.then(|| line.split_once(": ").expect("it says something").1.to_owned())
    };
    run.stdout.lines().filter_map(what).collect()
}

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/thingsdb-wire/tests/vectors/thingsdb.jsonl");
    jsonl(path)
}

/// The word for `--dialect`, and what it is called.
fn dialect(vector: &Value) -> (&'static str, &'static str) {
    match text(vector, "dialect") {
        "v1-msgpack" => ("v1", "v1"),
        "module-msgpack" => ("module", "module"),
        "siridb-qpack" => ("siridb", "siridb"),
        "legacy-qpack-2019-06" => ("s1", "legacy S1"),
        "legacy-qpack" => ("s2", "legacy S2"),
        "legacy-qpack-2019-09" => ("september", "legacy September"),
        other => panic!("no dialect {other}"),
    }
}

/// In the words of the vectors, without what they say of the direction.
fn bare(name: &str) -> &str {
    ["REQ_", "RES_", "MODULE_", "DEPRECATED_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

#[test]
fn each_golden_frame_has_its_name_in_its_dialect() {
    for vector in vectors() {
        let (word, name) = dialect(&vector);
        let frame = bytes(text(&vector, "hex"));
        let lines = json_of(&["--dialect", word], &frame);
        let [line] = &lines[..] else { panic!("{vector}") };
        if let Some(error) = line["error"].as_str() {
            // What clients were made to send wrong.
            assert!(text(&vector, "dir").starts_with("client"), "{error}: {vector}");
            continue;
        }
        let note = line["fields"][2]["note"].as_str().expect("a name");
        let expected = bare(text(&vector, "name"));
        assert!(note.split("; or ").any(|note| bare(note).starts_with(&format!("{expected},"))), "{note}: {vector}");
        assert!(note.ends_with(&format!(" of {name}")), "{note}");
        let direction = if text(&vector, "name").starts_with("REQ_") { "request" } else { "" };
        assert!(note.contains(direction), "{note}: {vector}");
    }
}

#[test]
fn found_dialects_are_never_wrong() {
    let mut alone = 0;
    for vector in vectors() {
        let (word, _) = dialect(&vector);
        let frame = bytes(text(&vector, "hex"));
        // Only those that are well-formed tell of a dialect.
        if json_of(&["--dialect", word], &frame)[0]["error"].is_string() {
            continue;
        }
        let told = &shown(&[], &frame)[0];
        let (_, found) = told.rsplit_once("; ").unwrap_or((told, "v1, legacy S1, S2, September, module or siridb"));
        let short = dialect(&vector).1.rsplit(' ').next().expect("a word");
        assert!(found.split([' ', ',']).any(|word| word == short), "{told}: {vector}");
        alone += usize::from(found == dialect(&vector).1);
    }
    assert!(alone > 100, "{alone} frames are of one dialect beyond doubt");
}

#[test]
fn conversations_tell_their_dialect() {
    for (word, name) in [("v1-msgpack", "v1"), ("siridb-qpack", "siridb"), ("legacy-qpack", "legacy S2")] {
        let ours = vectors().into_iter().filter(|vector| vector["dialect"] == word);
        let stream: Vec<u8> = ours.flat_map(|vector| bytes(text(&vector, "hex"))).collect();
        let told = shown(&[], &stream);
        let last = told.iter().filter_map(|line| line.rsplit_once("; ")).next_back().expect("it is told");
        assert_eq!(last.1, name, "{told:#?}");
    }
}

#[test]
fn what_may_be_several_things_is_said_to_be() {
    for (input, summary) in [
        // PING of all clients but SiriDB's, whose servers answer a service with this number.
        (
            "00000000 0100 20df",
            "request PING, id 1, 0 bytes of data, or answer SERVICE_OK; v1, legacy S1, S2, September or siridb",
        ),
        // SiriDB's requests and answers share numbers.
        ("00000000 0500 03fc", "request PING, id 5, 0 bytes of data, or answer ACK; siridb"),
        (
            "14000000 0200 00ff ef9173656c656374202a2066726f6d20226122fb",
            "request QUERY, id 2, 20 bytes of data; siridb",
        ),
        ("01000000 0200 00ff fd", "answer QUERY, id 2, 1 byte of data; siridb"),
        // The same TYPE, and other data: an event of v1.
        ("06000000 ffff 00ff a55245414459", "event NODE_STATUS, id 65535, 6 bytes of data; v1"),
        // The same header, and other data.
        (
            "0c000000 0000 21de ef8561646d696e8470617373",
            "request AUTH, id 0, 12 bytes of data, or answer SERVICE_DATA; legacy S1, S2, September or siridb",
        ),
        ("0c000000 0000 21de 92a561646d696ea470617373", "request AUTH, id 0, 12 bytes of data; v1"),
        // In both formats this is 2.
        ("01000000 0300 12ed 02", "answer DATA, id 3, 1 byte of data; v1"),
        ("01000000 0300 42bd 02", "answer RES_QUERY, id 3, 1 byte of data; legacy S1, S2 or September"),
        // A number without a name anywhere.
        ("01000000 0300 6e91 02", "type 110, id 3, 1 byte of data; v1, legacy S1, S2, September, module or siridb"),
    ] {
        assert_eq!(shown(&[], &hex(input)), [summary]);
    }
    // Who knows is not told, and nothing is doubtful.
    assert_eq!(shown(&["--dialect=s2"], &hex("00000000010020df")), ["request PING, id 1, 0 bytes of data"]);
    assert_eq!(shown(&["--dialect", "siridb"], &hex("00000000010020df")), ["answer SERVICE_OK, id 1, 0 bytes of data"]);
}

#[test]
fn what_is_learned_is_kept_and_said_once() {
    // PING, QUERY with msgpack, and the same TYPEs again; then a TYPE that is another dialect's.
    let input = hex("00000000010020df 0b000000030022dd92a24074a631202b20313b 00000000040020df 010000000500 42bd 02");
    assert_eq!(
        shown(&[], &input),
        [
            "request PING, id 1, 0 bytes of data, or answer SERVICE_OK; v1, legacy S1, S2, September or siridb",
            "request QUERY, id 3, 11 bytes of data; v1",
            "request PING, id 4, 0 bytes of data",
            "type 66, id 5, 1 byte of data",
        ]
    );
}

#[test]
fn a_body_at_fault_is_told_with_its_place_and_costs_no_other() {
    for (word, package, kind, offset, what) in [
        ("v1", "03000000 0100 22dd 92a140", "unexpected_end", 11, "code"),
        ("v1", "02000000 0100 25da 9202", "unexpected_end", 10, "DATA"),
        ("v1", "03000000 0100 25da 920201", "unexpected_type", 9, "scope"),
        ("v1", "02000000 0100 12ed c1c0", "invalid_tag", 8, "DATA"),
        ("v1", "02000000 0100 12ed 0202", "trailing_bytes", 9, "DATA"),
        ("v1", "01000000 0100 13ec 80", "missing_field", 8, "error_code"),
        ("s2", "01000000 0100 24db f3", "missing_field", 8, "query"),
        ("s1", "01000000 0100 21de 07", "unexpected_type", 8, "DATA"),
        ("module", "03000000 0100 52ad 9301c0", "unexpected_end", 11, "DATA"),
        ("siridb", "03000000 0100 02fd ee8161", "invalid_length", 8, "DATA"),
    ] {
        let input = [hex(package), hex("0000000009006e 91")].concat();
        let lines = json_of(&["--dialect", word], &input);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!((&lines[0]["error"], &lines[0]["what"]), (&kind.into(), &what.into()), "{package}");
        assert_eq!(lines[0]["offset"], offset, "{package}");
        assert_eq!(lines[1]["offset"], hex(package).len(), "{package}");
    }
    // Without a dialect it is said what it was read as.
    let [told] = &shown(&[], &hex("03000000 0100 25da 920201"))[..] else { panic!() };
    assert_eq!(told, "value of another type [unexpected_type]");
    let [told] = &shown(&[], &hex("02000000 0100 21de ee01"))[..] else { panic!() };
    assert_eq!(told, "answer SERVICE_DATA, id 1, 2 bytes of data; v1, legacy S1, S2, September, module or siridb");
}

#[test]
fn a_header_at_fault_ends_it() {
    for (words, header, error) in [
        (&[][..], "00000000060020 00", "check byte 0x00 is not the inverse of type 0x20 [invalid_check]"),
        (
            &["--dialect=siridb"],
            "01008002060020df",
            "length 41943041 exceeds max_data_len 41943040, the most of siridb [limit_exceeded]",
        ),
        (
            &["--dialect=s2"],
            "0100800c060020df",
            "length 209715201 exceeds max_data_len 209715200, the most of legacy S2 [limit_exceeded]",
        ),
    ] {
        let input = [hex("00000000010020df"), hex(header), hex("00000000010020df")].concat();
        let told = shown(words, &input);
        assert_eq!(told[1..], [error]);
        assert_eq!(inspect(&[&["thingsdb"], words].concat(), &input).status, 1);
    }
    // So does the end of the input.
    assert_eq!(shown(&[], &hex("0000000001")), ["input ends in a package [unexpected_end]"]);
    assert_eq!(shown(&[], &hex("02000000 0100 20df c0")), ["input ends in a package [unexpected_end]"]);
}

#[test]
fn credentials_of_all_dialects_are_masked() {
    for (word, kind, body) in [
        ("v1", 33, "92 a5 61646d696e a4 70617373"),
        ("v1", 33, "a4 70617373"),
        ("v1", 33, "c4 04 70617373"),          // of the wrong type
        ("v1", 33, "93 a1 61 a4 70617373 01"), // too many
        ("v1", 33, "92 01 94 70 61 73 73"),    // its bytes as numbers
        ("s1", 33, "ef 85 61646d696e 84 70617373"),
        ("siridb", 2, "f0 84 69726973 84 70617373 81 64"),
        ("siridb", 32, "f1 84 69726973 84 70617373 03 f4 81 70 84 70617373"),
    ] {
        let body = hex(body);
        let len = u8::try_from(body.len()).expect("short");
        let input = [&[len, 0, 0, 0, 1, 0, kind, !kind], &*body].concat();
        for words in [&["--dialect", word][..], &[]] {
            for form in ["--json", "--color=never"] {
                let words = [&["thingsdb", form], words].concat();
                let masked = inspect(&words, &input).stdout;
                let numbers = ["pass", "70 61", "7061", "112", "115"];
                assert!(!numbers.iter().any(|part| masked.contains(part)), "{masked}");
            }
            let shown = inspect(&[&["thingsdb", "--show-secrets"], words].concat(), &input).stdout;
            assert!(shown.contains("pass") || shown.contains("115"), "{shown}");
        }
    }
    // What is no login is not: neither the answer to a service, nor PING where there is no SiriDB.
    let list = hex("06000000010021deee8470617373");
    assert!(inspect(&["thingsdb", "--dialect=siridb"], &list).stdout.contains("\"pass\""));
}

#[test]
fn all_that_messagepack_has_is_shown() {
    let body = hex("9d c0 c2 c3 cf ffffffffffffffff d3 8000000000000000 ca 3fc00000 cb 7ff8000000000000 c4 02 6869
                    d9 01 61 d5 05 0001 81 01 02 81 a3 657874 03 e0");
    let len = u8::try_from(body.len()).expect("short");
    let input = [&[len, 0, 0, 0, 1, 0, 0x12, 0xed], &*body].concat();
    let lines = json_of(&[], &input);
    let expected = serde_json::json!([
        null, false, true, {"int": "18446744073709551615"}, {"int": "-9223372036854775808"}, 1.5,
        {"double": "7ff8000000000000"}, {"raw": "6869"}, "a", {"ext": [5, "0001"]}, {"map": [[1, 2]]},
        {"map": [["ext", 3]]}, -32,
    ]);
    assert_eq!(lines[0]["fields"][4]["value"], expected);
    let shown = inspect(&["thingsdb"], &input).stdout;
    for part in ["bin 8 b\"hi\"", "fixext 2 5 b\"\\x00\\x01\"", "float 32 1.5", "uint 64 18446744073709551615"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
