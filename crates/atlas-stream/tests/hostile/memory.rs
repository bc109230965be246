//! What is taken from a length (R1), from many small things (R2), and where sizes are added (R5).

use std::borrow::Cow;

use atlas_stream::{
    ApplicationGroup, AtlasConfiguration, Columns, ConfigurationParameter, DataFormat, DecodeErrorKind as Kind,
    Decoder, Event, Feed, FeedParameter, Limits, ParameterGroup, RecordRef, Session, TelemetryKind, TelemetryRef,
};
use testkit::laws::{hostile_lengths, mutations, totality};
use testkit::{assert_no_alloc, measure};

use crate::proto::*;
use crate::support::*;

const DEFAULT: &Limits = &Limits::DEFAULT;

/// JSON announces nothing. Each field of bytes that protobuf has, at the top and further down; its length is in front of too little.
#[test]
fn r01_lengths_of_fields_are_believed_only_as_far_as_there_are_bytes() {
    let places: [(Form, &[u32], u32); 18] = [
        (Form::Telemetry(0), &[], 1),
        (Form::Telemetry(0), &[], 4),
        (Form::Telemetry(0), &[], 5),
        (Form::Telemetry(0), &[5], 2),
        (Form::Telemetry(0), &[5, 2], 1),
        (Form::Telemetry(0), &[5, 2], 4),
        (Form::Telemetry(1), &[], 3),
        (Form::Telemetry(1), &[3, 2], 2),
        (Form::Telemetry(1), &[3, 2], 3),
        (Form::Telemetry(1), &[3, 2, 3], 1),
        (Form::Telemetry(1), &[3, 2, 3], 5),
        (Form::Telemetry(2), &[], 2),
        (Form::Telemetry(2), &[3, 2], 2),
        (Form::Telemetry(2), &[3, 2], 3),
        (Form::Telemetry(3), &[3, 2], 99),
        (Form::ProtobufEvent, &[], 3),
        (Form::ProtobufEvent, &[], 5),
        (Form::ProtobufEvent, &[], 99),
    ];
    for len in hostile_lengths(64, 5).into_iter().chain(hostile_lengths(32, 5)).filter(|len| *len > 5) {
        for (form, outer, last) in places {
            let inner = [tag(last, 2), varint(len), b"abcde".to_vec()].concat();
            let bytes = outer.iter().rev().fold(inner, |inner, field| part(*field, inner));
            let error = assert_no_alloc(|| match form {
                Form::Telemetry(place) => TelemetryRef::decode_protobuf_with(KINDS[place], &bytes, DEFAULT).map(drop),
                _ => Event::decode_protobuf_with(&bytes, DEFAULT).map(drop),
            });
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.offset()), (Kind::UnexpectedEnd, bytes.len() as u64), "{bytes:02x?}");
            assert_eq!(read(form, &bytes, DEFAULT), Err(error));
        }
    }
}

/// Of a message that ends early no more is kept than came: at most 16 bytes for each that came, and what the smallest buffers take.
#[test]
fn r01_what_ends_early_costs_no_more_than_came() {
    for (form, bytes) in vectors() {
        for cut in (0..bytes.len()).step_by(if cfg!(miri) { 41 } else { 3 }) {
            totality(&bytes[..cut], 64 * cut + 4096, |bytes| read(form, bytes, DEFAULT));
        }
    }
}

/// Many of the smallest there are.
const MANY: usize = if cfg!(miri) { 100 } else { 1 << 16 };

/// What nobody reads is passed in place.
#[test]
fn r02_views_of_protobuf_take_nothing() {
    let many = Limits::DEFAULT.with_max_parameters(u32::MAX);
    for (place, kind) in KINDS.into_iter().enumerate() {
        let unknown = [0xa0, 1, 0].repeat(MANY);
        let empty_texts = [0x0a, 0].repeat(MANY);
        let entries: Vec<u8> = (0..MANY as u64).flat_map(|key| part(map(kind), number(1, key))).collect();
        let values: Vec<u8> = (0..MANY as u64).flat_map(|key| entry(kind, key, "")).collect();
        for bytes in [unknown, empty_texts, entries, values] {
            let view = assert_no_alloc(|| TelemetryRef::decode_protobuf_with(kind, &bytes, &many).unwrap().0);
            assert!(view.is_in_place(), "{place}");
            let _ = assert_no_alloc(|| look(&view));
        }
    }
    let event = [0x22, 0].repeat(MANY);
    assert!(assert_no_alloc(|| Event::decode_protobuf_with(&event, DEFAULT)).is_ok());
}

/// A document of small things: what is in front of them, each by its number, what is behind them, and what one takes as it is kept.
type Small = (Form, &'static str, fn(usize) -> String, &'static str, usize);

/// What an entry of a map takes that finds names again, with what its nodes leave free.
const INDEXED: usize = 2 * (size_of::<Cow<'_, str>>() + size_of::<usize>());

const SMALL: [Small; 20] = [
    (
        Form::Session,
        r#"{"id":"","state":"open","sources":["#,
        |_| r#"{"id":"","state":""}"#.into(),
        "]}",
        size_of::<Session<'_>>(),
    ),
    (
        Form::Session,
        r#"{"id":"","state":"open","details":{"#,
        |at| format!(r#""{at:x}":"""#),
        "}}",
        3 * size_of::<[Cow<'_, str>; 2]>(),
    ),
    (
        Form::Session,
        r#"{"id":"","state":"open","dependencies":{"#,
        |at| format!(r#""{at:x}":[]"#),
        "}}",
        3 * size_of::<[Cow<'_, str>; 2]>(),
    ),
    (
        Form::Session,
        r#"{"id":"","state":"open","dependencies":{"a":["#,
        |_| r#""""#.into(),
        "]}}",
        size_of::<Cow<'_, str>>(),
    ),
    (Form::Session, r#"{"id":"","state":"open""#, |_| r#""":0"#.into(), "}", 5),
    (Form::Data, r#"{"time":["#, |_| "0".into(), r#"],"data":[]}"#, size_of::<i64>()),
    (Form::Data, r#"{"time":[],"data":["#, |_| r#"{"status":[]}"#.into(), "]}", 128),
    (Form::Data, r#"{"time":[],"data":["#, |_| r#"{"status":[],"":0}"#.into(), "]}", 128 + 4),
    (Form::Data, r#"{"time":[]"#, |_| r#""data":[]"#.into(), "}", 1),
    (Form::Samples, r#"{"format":"","time":[],"data":["#, |_| "[]".into(), "]}", 128),
    (
        Form::Samples,
        r#"{"feed":"","format":"","data":{"#,
        |at| format!(r#""{at:x}":{{"values":[],"epoch":0,"time":[]}}"#),
        "}}",
        128 + 16,
    ),
    (
        Form::Samples,
        r#"{"feed":"","format":"","data":{"#,
        |_| r#""":{"values":[],"epoch":0,"time":[]}"#.into(),
        "}}",
        128 + 16,
    ),
    (Form::Event, r#"{"epoch":0,"time":0,"id":"","values":["#, |_| "0".into(), "]}", size_of::<f64>()),
    (Form::Lap, r#"{"number":0,"time":0,"type":"","triggerSource":0"#, |_| r#""":0"#.into(), "}", 5),
    (
        Form::Format,
        r#"{"feeds":{"":{"parameters":["#,
        |_| r#"{"identifier":""}"#.into(),
        "]}}}",
        size_of::<FeedParameter<'_>>(),
    ),
    (
        Form::Format,
        r#"{"feeds":{"#,
        |at| format!(r#""{at:x}":{{"parameters":[]}}"#),
        "}}",
        size_of::<(Cow<'_, str>, Feed<'_>)>() + INDEXED,
    ),
    (
        Form::Configuration,
        r#"{"appGroups":{"#,
        |at| format!(r#""{at:x}":{{}}"#),
        "}}",
        size_of::<(Cow<'_, str>, ApplicationGroup<'_>)>() + INDEXED,
    ),
    (
        Form::Configuration,
        r#"{"appGroups":{"":{"groups":{"#,
        |at| format!(r#""{at:x}":{{}}"#),
        "}}}}",
        size_of::<(Cow<'_, str>, ParameterGroup<'_>)>() + INDEXED,
    ),
    (
        Form::Configuration,
        r#"{"appGroups":{"":{"parameters":{"#,
        |at| format!(r#""{at:x}":{{}}"#),
        "}}}}",
        size_of::<(Cow<'_, str>, ConfigurationParameter<'_>)>() + INDEXED,
    ),
    (
        Form::Configuration,
        r#"{"appGroups":{"":{"events":{"#,
        |at| format!(r#""{at:x}":0"#),
        "}}}}",
        size_of::<[Cow<'_, str>; 2]>() + INDEXED,
    ),
];

/// How many bytes are held at most while it is read, and that it is read.
fn peak(form: Form, bytes: &[u8]) -> usize {
    let limits = &Limits::DEFAULT.with_max_parameters(u32::MAX);
    measure(|| match form {
        Form::Format => drop(DataFormat::decode_with(bytes, limits).unwrap()),
        Form::Configuration => drop(AtlasConfiguration::decode_with(bytes, limits).unwrap()),
        _ => drop(RecordRef::decode_with(key(form).unwrap(), bytes, limits).unwrap()),
    })
    .1
    .peak
}

/// A thing takes what it takes as it is kept, twice since buffers grow to the double; and never more than 64 bytes for each byte that came.
#[test]
fn r02_small_things_cost_a_stated_multiple() {
    for (form, start, each, end, size) in SMALL {
        let items: Vec<_> = (0..MANY).map(each).collect();
        let comma = if start.ends_with(['[', '{']) { "" } else { "," };
        let bytes = [start, comma, &items.join(","), end].concat();
        let found = peak(form, bytes.as_bytes());
        assert!(
            found <= 2 * MANY * size + 4096,
            "{found} for {MANY} of {} in {start}, {} each",
            items[0],
            found / MANY
        );
        assert!(found <= 64 * bytes.len(), "{} for each byte of {start}{}", found / bytes.len(), items[0]);
    }
}

#[test]
fn r02_protobuf_that_is_copied_costs_a_stated_multiple() {
    let limits = &Limits::DEFAULT.with_max_parameters(u32::MAX);
    for kind in KINDS {
        let scattered = [
            // Equal keys, of which one stays.
            entry(kind, 0, "").repeat(MANY),
            // And different ones, in the wrong order.
            (0..MANY as u64).rev().flat_map(|key| part(map(kind), number(1, key + 1024))).collect(),
            // Pieces of one array.
            entry(kind, 0, part(if kind == TelemetryKind::Data { 1 } else { 2 }, "").repeat(MANY)),
        ];
        for bytes in scattered {
            let (found, stats) =
                measure(|| TelemetryRef::decode_protobuf_with(kind, &bytes, limits).unwrap().0.is_in_place());
            assert!(!found && stats.peak <= 2 * MANY * (128 + 32) + 2 * bytes.len() + 4096, "{kind:?} {stats:?}");
        }
        // Of times and flags that are a byte each, eight and four.
        let mut columns = Columns::new();
        let bytes = part(4, vec![0; MANY]);
        let (_, stats) = measure(|| columns.decode_protobuf_with(TelemetryKind::Data, &bytes, limits).unwrap());
        assert!(stats.peak <= 2 * 8 * MANY + 64, "{stats:?}");
    }
    let pieces = double(5, 0.5).repeat(MANY);
    let (_, stats) = measure(|| Event::decode_protobuf_with(&pieces, limits).unwrap().0);
    assert!(stats.peak <= 2 * 8 * MANY + 64, "{stats:?}");
}

/// What is refused takes no more than what is read, and nothing stays.
#[test]
fn r02_what_is_refused_at_its_end_leaves_nothing() {
    for (form, start, each, end, size) in SMALL {
        let items: Vec<_> = (0..MANY).map(each).collect();
        let comma = if start.ends_with(['[', '{']) { "" } else { "," };
        let bytes = [start, comma, &items.join(","), end, "!"].concat();
        let limits = &Limits::DEFAULT.with_max_parameters(u32::MAX);
        let (found, stats) = measure(|| match form {
            Form::Format => DataFormat::decode_with(bytes.as_bytes(), limits).map(drop),
            Form::Configuration => AtlasConfiguration::decode_with(bytes.as_bytes(), limits).map(drop),
            _ => RecordRef::decode_with(key(form).unwrap(), bytes.as_bytes(), limits).map(drop),
        });
        assert_eq!(found.map_err(|error| error.kind()), Err(Kind::TrailingBytes));
        assert!(stats.peak <= 2 * MANY * size + 4096 && stats.live == 0, "{stats:?}");
    }
}

/// Every mutation of the small vectors within a bound of the heap, on a small stack.
#[test]
fn r02_mutations_stay_within_their_bound() {
    let small = vectors().into_iter().filter(|(_, bytes)| bytes.len() < 40);
    let mut count = 0;
    for (form, bytes) in small {
        for bytes in mutations(&bytes).step_by(if cfg!(miri) { 499 } else { 16 }) {
            totality(&bytes, 64 * bytes.len() + 4096, |bytes| read(form, bytes, DEFAULT));
            count += 1;
        }
    }
    assert!(cfg!(miri) || count > 1000, "{count}");
}

/// Counts of eight bytes each do not wrap: those of packed doubles are of bytes that are there.
#[test]
fn r05_sizes_do_not_wrap() {
    for len in [7_usize, 9, 15, 17] {
        let bytes = part(5, vec![0; len]);
        let error = Event::decode_protobuf_with(&bytes, DEFAULT).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (Kind::UnexpectedEnd, bytes.len() as u64));
        for kind in KINDS.into_iter().filter(|kind| kind.is_samples()) {
            let bytes = entry(kind, 0, part(3, vec![0; len]));
            assert_eq!(
                TelemetryRef::decode_protobuf_with(kind, &bytes, DEFAULT).unwrap_err().kind(),
                Kind::UnexpectedEnd
            );
        }
    }
    // A number of eleven bytes.
    let bytes = [&[0x08][..], &[0xff; 9], &[0x80, 1]].concat();
    for form in [Form::ProtobufEvent, Form::Telemetry(0)] {
        assert_eq!(read(form, &bytes, DEFAULT).unwrap_err().kind(), Kind::InvalidVarint);
    }
    // Keys are of 32 bits with a sign, of which those beyond count for nothing, as everywhere.
    for (key, due) in [
        (1 << 32 | 3, Some(3)),
        (0x7fff_ffff, Some(0x7fff_ffff)),
        (1 << 31, None),
        (u64::MAX, None),
        (0xffff_ffff, None),
    ] {
        let bytes = part(3, number(1, key));
        let found = TelemetryRef::decode_protobuf_with(TelemetryKind::Samples, &bytes, DEFAULT);
        match due {
            Some(index) => assert!(found.unwrap().0.parameter(atlas_stream::ParamKey::Index(index)).is_some()),
            None => assert_eq!(found.unwrap_err().kind(), Kind::NegativeIndex),
        }
    }
}

/// Buffers grow to the largest that came, and stay.
#[test]
fn r13_a_flood_of_records_takes_no_more_than_the_largest() {
    let flood = if cfg!(miri) { 20 } else { 2_000 };
    let all: Vec<_> = vectors().into_iter().filter(|(form, _)| key(*form).is_some()).collect();
    let mut decoder = Decoder::new().with_types(types());
    let ((), stats) = measure(|| {
        for (form, bytes) in all.iter().cycle().take(flood) {
            let _ = decoder.decode(key(*form).unwrap(), bytes);
            let _ = decoder.decode(b"", b"");
        }
    });
    let longest = all.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
    assert!(stats.peak <= 64 * longest, "{stats:?}");
}
