//! The laws of the workspace over golden and random values. Records come whole, so that of the eleven these do not apply: chunking (1), prefix
//! (2), and idle (7). Totality (5) over all mutations is in `hostile/input.rs`, good-bad-good (9) in `hostile/values.rs`, linear work (11) in
//! `hostile/work.rs`, and pass-through (10) in `unknown.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

testkit::counting_allocator!();

#[path = "../hostile/proto.rs"]
mod proto;
#[path = "../hostile/support.rs"]
#[allow(dead_code)]
mod support;
mod unknown;

use atlas_stream::{
    Activity, Aggregates, Columns, DataFormat, DateTime, Decoder, Event, Feed, Lap, LapType, Limits, Message, Model,
    ParamKey, Session, SessionState, Sync, TelemetryKind, TelemetryRef, TriggerSource,
};
use proptest::prelude::*;
use proto::*;
use support::*;
use testkit::{Rng, laws, rng};

const DEFAULT: &Limits = &Limits::DEFAULT;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,8}",
        "\\PC{0,12}",
        "[\\x00-\\x7f]{0,12}",
        Just("\u{10ffff}\"\\".to_owned())
    ]
}

fn some<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(value)
}

fn moment() -> impl Strategy<Value = DateTime<'static>> {
    any::<i64>().prop_map(DateTime::from_unix_nanos)
}

fn state() -> impl Strategy<Value = SessionState> {
    prop::sample::select(vec![
        SessionState::WAITING,
        SessionState::OPEN,
        SessionState::CLOSED,
        SessionState::TRUNCATED,
        SessionState::FAILED,
        SessionState::ABANDONED,
    ])
}

prop_compose! {
    fn flat_session()(id in text(), state in state(), session_type in some(text()), quality in some(-2.0..2.0), identifier in some(text()),
                      details in some(prop::collection::btree_map(text(), text(), 0..4)), label in some(text()),
                      dependencies in some(prop::collection::btree_map(text(), prop::collection::vec(text(), 0..3), 0..3)),
                      model in some((text(), some(any::<i64>()), some(text()))), activity in some((some(moment()), some(0..i64::MAX))),
                      heartbeat in some(moment())) -> Session<'static> {
        let mut session = Session::new(id, state);
        session.session_type = session_type.map(Into::into);
        session.quality = quality;
        session.identifier = identifier.map(Into::into);
        session.label = label.map(Into::into);
        session.details = details.map(|all| all.into_iter().map(|(name, text)| (name.into(), text.into())).collect());
        session.dependencies = dependencies.map(|all| all.into_iter().map(|(name, ids)| (name.into(), ids.into_iter().map(Into::into).collect())).collect());
        session.model = model.map(|(group, version, configuration)| {
            let mut model = Model::new(group);
            (model.version, model.configuration) = (version, configuration.map(Into::into));
            model
        });
        session.activity = activity.map(|(start, nanos)| {
            let mut activity = Activity::default();
            (activity.start, activity.duration_nanos) = (start, nanos);
            activity
        });
        session.last_heartbeat = heartbeat;
        session
    }
}

fn session() -> impl Strategy<Value = Session<'static>> {
    flat_session().prop_recursive(3, 8, 3, |inner| {
        (flat_session(), prop::collection::vec(inner, 0..3)).prop_map(|(mut session, sources)| {
            session.sources = sources;
            session
        })
    })
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-100_000_i32..100_000).prop_map(|number| f64::from(number) / 100.0),
        Just(-0.0)
    ]
}

/// What JSON has one form of: NaN without a payload.
fn json_bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![-1_000_i64..1_000, i64::MIN / 2..i64::MAX / 2, Just(i64::MIN / 2), Just(i64::MAX / 2)]
}

prop_compose! {
    fn event()(epoch in time(), time in time(), id in text(), status in some(text()), values in prop::collection::vec(double(), 0..70)) -> Event<'static> {
        let mut event = Event::new(epoch, time, id);
        event.status = status.filter(|status| !status.is_empty()).map(Into::into);
        event.values = values.into();
        event
    }
}

/// Telemetry of a kind: parameters by index, or of samples by name.
fn columns(kind: TelemetryKind, named: bool) -> impl Strategy<Value = Columns> {
    let row = (time(), prop::collection::vec((time(), any::<u32>(), double(), double()), 6), 0_u8..16, text());
    // An empty id is none in protobuf.
    (some("[a-z0-9]{1,12}"), text(), time(), 0_usize..=6, prop::collection::vec(row, 0..6)).prop_map(
        move |(format, feed, epoch, len, rows)| {
            let mut columns = Columns::new();
            let format = format.unwrap_or_else(|| "f".to_owned());
            if kind == TelemetryKind::Data {
                let times: Vec<_> =
                    rows.first().map(|(_, row, ..)| row[..len].iter().map(|item| item.0).collect()).unwrap_or_default();
                columns.start_data(&format, &feed, epoch, &times).unwrap();
            } else {
                columns.start(kind, &format, &feed);
            }
            for (index, (epoch, row, which, name)) in rows.iter().enumerate() {
                let row = &row[..len];
                let (times, flags): (Vec<_>, Vec<_>) = row.iter().map(|item| (item.0, item.1)).unzip();
                let values: [Vec<f64>; 2] =
                    [row.iter().map(|item| item.2).collect(), row.iter().map(|item| item.3).collect()];
                let each =
                    [Aggregates::AVG, Aggregates::MIN, Aggregates::MAX, Aggregates::FIRST].into_iter().enumerate();
                let aggregates: Vec<_> = each
                    .filter(|(bit, _)| len > 0 && which & (1 << bit) != 0)
                    .map(|(bit, each)| (each, &values[bit % 2][..]))
                    .collect();
                match kind {
                    TelemetryKind::Data => {
                        columns.push_data(&flags, &aggregates).unwrap();
                    }
                    TelemetryKind::DataBackFill => {
                        columns.push_late_data(index as u32 * 300, *epoch, &times, &flags, &aggregates).unwrap();
                    }
                    _ => {
                        let name = format!("{name}{index}");
                        let key = if named { ParamKey::Name(&name) } else { ParamKey::Index(index as u32 * 300) };
                        columns.push_samples(key, *epoch, &times, &values[0]).unwrap();
                    }
                }
            }
            columns
        },
    )
}

fn telemetry_json(columns: &Columns) -> Vec<u8> {
    let mut out = Vec::new();
    TelemetryRef::from(columns).encode_json(&mut out).unwrap();
    out
}

/// All of it, with NaN as JSON has it.
fn shown(telemetry: &TelemetryRef<'_>) -> String {
    let mut out =
        format!("{:?} {:?} {:?} {}", telemetry.kind(), telemetry.format(), telemetry.feed(), telemetry.epoch());
    for parameter in telemetry.parameters() {
        let columns = [parameter.avg(), parameter.min(), parameter.max(), parameter.first(), parameter.values()];
        let bits = columns.map(|column| column.map(|column| column.iter().map(json_bits).collect::<Vec<_>>()));
        let statuses = parameter.statuses().map(|statuses| statuses.to_vec());
        out += &format!(
            "{:?} {} {:?} {statuses:?} {bits:x?}",
            parameter.key(),
            parameter.epoch(),
            parameter.times().to_vec()
        );
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

    #[test]
    fn law_3_sessions_survive_writing_and_reading(session in session()) {
        let encode = |session: &Session<'_>| {
            let mut out = Vec::new();
            session.encode_json(&mut out).unwrap();
            out
        };
        laws::round_trip_value(&session, encode, |bytes| Session::decode_json_with(bytes, DEFAULT).unwrap().0.into_owned());
        laws::round_trip_bytes(&encode(&session), |bytes| encode(&Session::decode_json_with(bytes, DEFAULT).unwrap().0));
    }

    #[test]
    fn law_3_events_survive_writing_and_reading_in_both_forms(event in event()) {
        let same = |one: &Event<'_>, two: &Event<'_>, bits: fn(f64) -> u64| {
            let values = |event: &Event<'_>| event.values.column().iter().map(bits).collect::<Vec<_>>();
            (one.epoch, one.time, &one.id, &one.status, values(one)) == (two.epoch, two.time, &two.id, &two.status, values(two))
        };
        let (mut json, mut protobuf) = (Vec::new(), Vec::new());
        event.encode_json(&mut json).unwrap();
        event.encode_protobuf(&mut protobuf).unwrap();
        let (of_json, of_protobuf) = (Event::decode_json_with(&json, DEFAULT).unwrap().0, Event::decode_protobuf_with(&protobuf, DEFAULT).unwrap().0);
        prop_assert!(same(&of_json, &event, json_bits) && same(&of_protobuf, &event, f64::to_bits));
        prop_assert!(same(&of_protobuf.clone().into_owned(), &event, f64::to_bits));
    }

    #[test]
    fn law_3_laps_and_syncs_survive_writing_and_reading(number: i64, epoch in time(), time in time(), name in text(), source: i64, has in any::<[bool; 2]>()) {
        let lap = Lap::new(number, epoch, time, LapType::from_name(name), TriggerSource(source));
        let encode = |lap: &Lap<'_>| {
            let mut out = Vec::new();
            lap.encode_json(&mut out).unwrap();
            out
        };
        laws::round_trip_value(&lap, encode, |bytes| Lap::decode_json_with(bytes, DEFAULT).unwrap().0.into_owned());
        let mut sync = Sync::default();
        (sync.epoch, sync.time) = (has[0].then_some(epoch), has[1].then_some(time));
        let encode = |sync: &Sync<'_>| {
            let mut out = Vec::new();
            sync.encode_json(&mut out).unwrap();
            out
        };
        laws::round_trip_value(&sync, encode, |bytes| Sync::decode_json_with(bytes, DEFAULT).0.into_owned());
    }

    #[test]
    fn law_3_telemetry_survives_json(data in columns(TelemetryKind::Data, false), samples in columns(TelemetryKind::Samples, true)) {
        for columns in [data, samples] {
            let json = telemetry_json(&columns);
            let mut again = Columns::new();
            let telemetry = TelemetryRef::from(&columns);
            if telemetry.kind().is_samples() {
                again.decode_samples_with(&json, DEFAULT).unwrap();
            } else {
                again.decode_data_with(&json, DEFAULT).unwrap();
            }
            prop_assert_eq!(shown(&TelemetryRef::from(&again)), shown(&telemetry));
            prop_assert_eq!(telemetry_json(&again), json);
        }
    }

    #[test]
    fn law_3_telemetry_survives_protobuf(all in KINDS.map(|kind| columns(kind, false))) {
        for columns in all {
            let (mut out, telemetry) = (Vec::new(), TelemetryRef::from(&columns));
            telemetry.encode_protobuf(&mut out).unwrap();
            let view = TelemetryRef::decode_protobuf_with(telemetry.kind(), &out, DEFAULT).unwrap().0;
            prop_assert!(view.is_in_place());
            prop_assert_eq!(look(&view), look(&telemetry));
            prop_assert_eq!(shown(&view), shown(&telemetry));
            let mut again = Vec::new();
            view.encode_protobuf(&mut again).unwrap();
            prop_assert_eq!(again, out);
        }
    }

    #[test]
    fn law_3_formats_survive_writing_and_reading(feeds in prop::collection::vec((text(), some(-1e9..1e9), prop::collection::vec((text(), 0_u8..16), 0..5)), 0..4)) {
        let mut format = DataFormat::new();
        for (name, frequency, parameters) in feeds {
            let mut feed = Feed::default();
            feed.frequency = frequency;
            for (identifier, which) in parameters {
                let each = [Aggregates::AVG, Aggregates::MIN, Aggregates::MAX, Aggregates::FIRST].into_iter().enumerate();
                let all = each.filter(|(bit, _)| which & (1 << bit) != 0).fold(Aggregates::NONE, |all, (_, each)| all | each);
                feed = feed.with(identifier, all);
            }
            format = format.with_feed(name, feed);
        }
        let mut out = Vec::new();
        format.encode(&mut out).unwrap();
        let (again, _) = DataFormat::decode_with(&out, DEFAULT).unwrap();
        for ((name, feed), (due_name, due)) in again.feeds.iter().zip(&format.feeds) {
            prop_assert_eq!((name, feed.frequency.map(f64::to_bits)), (due_name, due.frequency.map(f64::to_bits)));
            let all = |feed: &Feed<'_>| feed.parameters.iter().map(|one| (one.identifier.to_string(), one.aggregates)).collect::<Vec<_>>();
            prop_assert_eq!(all(feed), all(due));
        }
        prop_assert_eq!(again.feeds.len(), format.feeds.len());
        prop_assert_eq!(again.dependency_id().unwrap(), format.dependency_id().unwrap());
    }

    #[test]
    fn law_4_what_is_written_is_behind_what_was_there_or_nothing_is(session in session(), event in event(), data in columns(TelemetryKind::Data, false)) {
        let options = |max| atlas_stream::JsonOptions::DEFAULT.with_limits(DEFAULT.with_max_len(max));
        let mut out = Vec::new();
        session.encode_json(&mut out).unwrap();
        laws::size(out.len(), |out| session.encode_json(out));
        laws::nothing_written(|buffer| session.encode_json_with(buffer, &options(out.len() as u32 - 1)));
        out.clear();
        event.encode_protobuf(&mut out).unwrap();
        laws::size(out.len(), |out| event.encode_protobuf(out));
        if let Some(max) = (out.len() as u32).checked_sub(1) {
            laws::nothing_written(|out| event.encode_protobuf_with(out, &DEFAULT.with_max_len(max)));
        }
        let (json, telemetry) = (telemetry_json(&data), TelemetryRef::from(&data));
        laws::size(json.len(), |out| telemetry.encode_json(out));
        laws::nothing_written(|out| telemetry.encode_json_with(out, &options(json.len() as u32 - 1)));
        out.clear();
        telemetry.encode_protobuf(&mut out).unwrap();
        laws::size(out.len(), |out| telemetry.encode_protobuf(out));
        laws::nothing_written(|buffer| telemetry.encode_protobuf_with(buffer, &DEFAULT.with_max_len(out.len() as u32 - 1)));
    }
}

/// All mutations are in `hostile/input.rs`; here is what is nothing but noise, and noise behind a good value.
#[test]
fn law_5_noise_is_taken_without_a_panic() {
    const BYTES: &[u8] = b"{}[]\",:\\u0d8 \n-+.eE0159truefalsnNaIity\x00\x80\xff\x08\x0a\x12\x1a\x22\x2a\x53\x54";
    let (all, mut rng) = (vectors(), Rng::new(rng::seed()));
    for round in 0..if cfg!(miri) { 10 } else { 3_000 } {
        let mut noise = if round % 2 == 0 { Vec::new() } else { all[rng.below(all.len())].1.clone() };
        let keep = rng.below(noise.len() + 1);
        noise.truncate(keep);
        noise.extend((0..rng.below(60)).map(|_| *rng.choose(BYTES)).collect::<Vec<_>>());
        for form in FORMS {
            laws::totality(&noise, 64 * noise.len() + 4096, |bytes| read(form, bytes, DEFAULT));
        }
    }
}

/// In place and copied; read at once and by a decoder that has read something else.
#[test]
fn law_6_all_ways_of_reading_are_the_same() {
    let all = vectors();
    let mut decoder = Decoder::new().with_types(types());
    for (form, bytes) in &all {
        let found = read(*form, bytes, DEFAULT);
        let Some(key) = key(*form) else { continue };
        // Every way once more, with buffers that are not empty.
        let also = decoder.decode(key, bytes).map(|record| match record.message() {
            Message::Data(telemetry) | Message::Samples(telemetry) => look(telemetry) == found.unwrap(),
            _ => true,
        });
        assert_eq!(also.map_err(|error| error.kind()), found.map(|_| true).map_err(|error| error.kind()));
        let Form::Telemetry(place) = *form else { continue };
        laws::two_forms(
            bytes,
            |bytes| {
                TelemetryRef::decode_protobuf_with(KINDS[place], bytes, DEFAULT).map(|(telemetry, _)| shown(&telemetry))
            },
            |bytes| {
                let mut columns = Columns::new();
                columns.decode_protobuf_with(KINDS[place], bytes, DEFAULT).map(|_| shown(&TelemetryRef::from(&columns)))
            },
        );
        laws::two_forms(
            bytes,
            |bytes| {
                TelemetryRef::decode_protobuf_with(KINDS[place], bytes, DEFAULT).map(|(telemetry, _)| shown(&telemetry))
            },
            |bytes| {
                let telemetry = TelemetryRef::decode_protobuf_with(KINDS[place], bytes, DEFAULT)?.0;
                Ok(shown(&TelemetryRef::from(telemetry.into_owned())))
            },
        );
    }
}

#[test]
fn law_8_the_same_bytes_say_the_same() {
    for (form, bytes) in vectors() {
        laws::deterministic(|| read(form, &bytes, DEFAULT).map(|found| (found, write(form, &bytes, DEFAULT))));
    }
}
