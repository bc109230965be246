//! JSON that is nearly right.

use super::Script;

/// What stands behind the name of a member.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// One of these.
    One(&'static [&'static str]),
    Integer,
    Double,
    Text,
    Integers,
    Doubles,
    Object(&'static [(&'static str, What)]),
    Items(&'static What),
    /// Of any names.
    Map(&'static What),
    Any,
}

use What::{Any, Double, Doubles, Integer, Integers, Items, Map, Object, One, Text};

const FLAGS: What = Items(&One(&["1", "0", "17", "255", "256", "4294967295", "4294967296", "-1", "1.0", "2e1"]));

/// By the first byte of an input.
pub(super) static MESSAGES: [What; 8] = [
    Object(&[
        ("epoch", Integer),
        ("time", Integers),
        (
            "data",
            Items(&Object(&[
                ("status", FLAGS),
                ("avg", Doubles),
                ("min", Doubles),
                ("max", Doubles),
                ("first", Doubles),
            ])),
        ),
        ("feed", Text),
        ("format", Text),
    ]),
    Object(&[
        ("feed", Text),
        ("format", Text),
        ("data", Map(&Object(&[("values", Doubles), ("epoch", Integer), ("time", Integers)]))),
    ]),
    Object(&[("epoch", Integer), ("time", Integer), ("id", Text), ("status", Text), ("values", Doubles)]),
    Object(&[
        ("number", Integer),
        ("epoch", Integer),
        ("time", Integer),
        ("type", One(&["\"fastLap\"", "\"outLap\"", "\"INLAP\"", "\"pitLane\"", "\"lap\"", "\"\""])),
        ("triggerSource", Integer),
    ]),
    Object(&[("epoch", Integer), ("time", Integer)]),
    SESSION,
    // The old form of the second.
    Object(&[("format", Text), ("time", Integers), ("data", Items(&Doubles)), ("feed", Text), ("epoch", Integer)]),
    Any,
];

const STATES: &[&str] =
    &["\"open\"", "\"waiting\"", "\"closed\"", "\"TRUNCATED\"", "\"failed\"", "\"unknown\"", "44", "1.2e1", "3", "300"];
const TIMES: &[&str] = &[
    "\"2023-11-14T11:15:30.1234567+01:00\"",
    "\"2023-11-14T11:15:30Z\"",
    "null",
    "\"0000-02-29t23:59:60.9999999999\"",
    "\"1900-02-29T00:00:00Z\"",
    "\"9999-12-31T00:00:00-23:59\"",
    "\"1970-01-01T00:00:00.\"",
];
const SESSION: What = Object(&[
    ("id", Text),
    ("state", One(STATES)),
    ("type", Text),
    ("quality", Double),
    ("identifier", Text),
    ("details", Map(&Text)),
    ("model", Object(&[("group", Text), ("version", Integer), ("configuration", Text)])),
    ("dependencies", Map(&Items(&Text))),
    ("activity", Object(&[("start", One(TIMES)), ("durationNanos", Integer)])),
    ("lastHeartbeat", One(TIMES)),
    ("sources", Items(&SOURCE)),
    ("label", Text),
]);
static SOURCE: What = Object(&[("id", Text), ("state", One(STATES)), ("sources", Items(&SOURCE))]);

const PARAMETER: What = Object(&[
    ("identifier", Text),
    ("aggregates", One(&["\"Avg\"", "\"min, MAX\"", "\"first,,median\"", "\"\"", "\" , avg\"", "\"\u{a0}Avg\""])),
]);

/// Documents.
pub(super) static DOCUMENTS: [What; 2] = [
    Object(&[("feeds", Map(&Object(&[("parameters", Items(&PARAMETER)), ("frequency", Double)])))]),
    Object(&[(
        "appGroups",
        Map(&Object(&[
            ("conversions", Map(&Any)),
            ("events", Map(&Any)),
            ("groups", Map(&GROUP)),
            ("parameters", SHOWN),
        ])),
    )]),
];
static GROUP: What = Object(&[("groups", Map(&GROUP)), ("parameters", SHOWN)]);
const SHOWN: What = Map(&Object(&[("name", Text), ("units", Text), ("description", Text)]));

const INTEGERS: [&str; 20] = [
    "0",
    "1",
    "-1",
    "15.0",
    "1.5e1",
    "1699920000000000000",
    "36930000000000",
    "10000000.0",
    "-0",
    "-0.0e-7",
    "1E+18",
    "9223372036854775807",
    "-9223372036854775808",
    "9.223372036854775807e18",
    "0.00000000000000000000001e23",
    "9223372036854775808",
    "100000000000000000000e-20",
    "0.5",
    "12345678901234567890123e-22",
    "1e-999999999999999999999",
];
const DOUBLES: [&str; 24] = [
    "0.0",
    "1",
    "-0.0",
    "211.5",
    "53.424999237060547",
    "1E-05",
    "0.1",
    "\"NaN\"",
    "NaN",
    "null",
    "-Infinity",
    "Infinity",
    "\"Infinity\"",
    "\"-Infinity\"",
    "\"\\u004eaN\"",
    "5e-324",
    "2.4703282292062327208051724e-324",
    "1.7976931348623157e308",
    "9007199254740993.0000000000000000000000000000000000001",
    "-20000000.005",
    "1.7976931348623159e308",
    "\"nan\"",
    "123456789012345678901234567890",
    "0.30000000000000004",
];
const TEXTS: [&str; 14] = [
    "\"a\"",
    "\"\"",
    "\"vCar:Chassis\"",
    "\"räume 予\"",
    "\"\\u0041\\n\\/\\u0000\\u001f\"",
    "\"\\ud83d\\ude00\\\"\\\\\"",
    "\"TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT\"",
    "\"\u{7f}\u{2028}\"",
    "\"NaN\"",
    "\"\\ud83d\"",
    "\"\\ud83d\\u0041\"",
    "\"\t\"",
    "12",
    "null",
];
const ANY: [&str; 16] = [
    "null",
    "true",
    "{}",
    "[]",
    "\"x\"",
    "-1.5e3",
    "[[[[[1]]]]]",
    "{\"a\":{\"a\":[ ]},\"a\":false}",
    "1e999",
    "[NaN]",
    "{NaN:1}",
    "[1,]",
    "-",
    "01",
    "\"\\ud800\"",
    "nul",
];

/// A value, spoiled now and then.
pub(super) fn value(what: &What, script: &mut Script<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let len = script.byte() % 4;
    put(what, len, script, &mut out, 0);
    match script.byte() {
        246 => out.insert(0, b' '),
        247 => drop(out.splice(..0, *b"\xef\xbb\xbf")),
        248 => out.extend(b"\r\n\t "),
        249 => out.extend(script.bytes()),
        250 => drop(out.pop()),
        251 => out.truncate(out.len() * usize::from(script.byte()) / 256),
        252 => {
            let at = out.len() * usize::from(script.byte()) / 256;
            out.insert(at, script.byte());
        }
        _ => {}
    }
    out
}

fn put(what: &What, len: u8, script: &mut Script<'_>, out: &mut Vec<u8>, depth: u8) {
    let one = |script: &mut Script<'_>, of: &[&'static str]| {
        // Mostly those in front.
        let choice = usize::from(script.byte());
        of[if choice < 200 { choice % of.len().min(4) } else { choice % of.len() }]
    };
    match what {
        One(of) => out.extend(one(script, of).bytes()),
        Integer => out.extend(one(script, &INTEGERS).bytes()),
        Text => out.extend(one(script, &TEXTS).bytes()),
        Any => out.extend(one(script, &ANY).bytes()),
        Double => match script.byte() {
            choice @ ..128 => out.extend(DOUBLES[usize::from(choice) % DOUBLES.len()].bytes()),
            choice => {
                let value = f64::from_bits(script.number());
                out.extend(if choice & 1 == 0 { format!("{value:?}") } else { format!("{value:e}") }.bytes());
            }
        },
        Integers => put(&Items(&Integer), len, script, out, depth),
        Doubles => put(&Items(&Double), len, script, out, depth),
        Items(item) => {
            let len = if script.byte() > 245 { len + 1 } else { len };
            brackets(b"[]", len, script, out, |_, script, out| put(item, len, script, out, depth + 1));
        }
        Map(value) => {
            let count = script.byte() % 4;
            brackets(b"{}", count, script, out, |_, script, out| {
                let name = script.pick(&["\"a\"", "\"b:c\"", "\"\"", "\"\\u0061\"", "\"vCar:Chassis\"", "\"é\""]);
                out.extend(name.bytes());
                out.push(b':');
                // What is in itself ends somewhere.
                let value = if depth > 70 { &Any } else { *value };
                put(value, len, script, out, depth + 1);
            });
        }
        Object(members) => object(members, len, script, out, depth),
    }
}

fn object(members: &[(&str, What)], len: u8, script: &mut Script<'_>, out: &mut Vec<u8>, depth: u8) {
    let mut all = Vec::new();
    for (name, what) in members {
        match script.byte() {
            ..215 => all.push((*name, what)),
            215..235 => {}
            235..245 => all.extend([(*name, what), (*name, what)]),
            245..250 => all.insert(0, (*name, what)),
            250.. => all.push((*name, &Any)),
        }
    }
    if script.byte() > 200 {
        all.push((script.pick(&["new", "", "\\u0065poch", "Time", "é"]), &Any));
    }
    let mut all = all.into_iter();
    brackets(b"{}", all.len() as u8, script, out, |_, script, out| {
        let (name, what) = all.next().expect("as many as there are");
        out.push(b'"');
        out.extend(name.bytes());
        out.extend(if script.byte() > 250 { "\" :\n" } else { "\":" }.bytes());
        // Sources have sources: without bytes they end.
        let what = if depth > 70 || script.0.is_empty() && depth > 3 { &Any } else { what };
        put(what, len, script, out, depth + 1);
    });
}

fn brackets(
    kind: &[u8; 2],
    count: u8,
    script: &mut Script<'_>,
    out: &mut Vec<u8>,
    mut item: impl FnMut(u8, &mut Script<'_>, &mut Vec<u8>),
) {
    out.push(kind[0]);
    for at in 0..count {
        if at > 0 {
            out.extend(if script.byte() > 252 { ", " } else { "," }.bytes());
        }
        item(at, script, out);
    }
    out.push(kind[1]);
}
