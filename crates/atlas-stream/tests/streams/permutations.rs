//! Every order of the records of a small stream: each is delivered once, and what is wrong with its place is told, as a small model of SPEC.md §9 has it.

use atlas_stream::{SessionState, StreamNotes, StreamReader};
use testkit::Rng;

use crate::support::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Start,
    Open,
    Data,
    Lap,
    Closed,
    End,
}

const ALL: [What; 6] = [What::Start, What::Open, What::Data, What::Lap, What::Closed, What::End];

impl What {
    /// Its key and value; data names a format if that is not empty.
    fn record(self, id: &str, format: &str) -> (String, String) {
        let listed = if format.is_empty() { Vec::new() } else { vec![format] };
        let session = |state: &str| listing(state, &listed).replace(r#""id":"s""#, &format!(r#""id":"of {id}""#));
        let (name, value) = match self {
            Self::Start => ("$start", String::new()),
            Self::Open => ("session", session("open")),
            Self::Data => ("tdata", data(format)),
            Self::Lap => ("lap", LAP.to_owned()),
            Self::Closed => ("session", session("closed")),
            Self::End => ("$end", String::new()),
        };
        (format!("{name}:{id}"), value)
    }
}

/// A stream by the tables: what was told of it, in so few states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    is_known: bool,
    is_complete: bool,
    has_ended: bool,
    has_data: bool,
    /// Of its session, whether it is closed.
    is_closed: Option<bool>,
}

impl Model {
    /// The notes of the next record, row by row.
    fn next(&mut self, what: What) -> StreamNotes {
        let mut notes = StreamNotes::NONE;
        if what == What::Start {
            notes |= if self.is_known { StreamNotes::RESTARTED } else { StreamNotes::OPENED };
            if self.has_ended {
                notes |= StreamNotes::AFTER_END;
            }
            *self = Self { is_known: true, is_complete: true, ..Self::default() };
            return notes;
        }
        if !self.is_known {
            notes |= StreamNotes::OPENED | StreamNotes::LATE;
            self.is_known = true;
        }
        if self.has_ended {
            return notes | StreamNotes::AFTER_END;
        }
        match what {
            What::Start => panic!("it was told above"),
            What::Open | What::Closed => {
                if self.is_closed.is_none() && self.has_data && self.is_complete {
                    notes |= StreamNotes::AFTER_DATA;
                }
                if self.is_closed == Some(true) && what == What::Open {
                    notes |= StreamNotes::REOPENED;
                }
                self.is_closed = Some(what == What::Closed || self.is_closed == Some(true));
            }
            What::Data | What::Lap => {
                self.has_data = true;
                if self.is_closed == Some(true) {
                    notes |= StreamNotes::AFTER_CLOSE;
                }
            }
            What::End => {
                self.has_ended = true;
                if self.is_closed == Some(false) {
                    notes |= StreamNotes::NOT_CLOSED;
                }
            }
        }
        notes
    }

    /// What the reader has of the stream.
    fn of(reader: &StreamReader, id: &str) -> Self {
        let stream = reader.stream(id).unwrap();
        let is_closed = stream.state().map(SessionState::is_closed);
        assert_eq!(stream.session().is_some(), is_closed.is_some());
        Self {
            is_known: true,
            is_complete: stream.is_complete(),
            has_ended: stream.has_ended(),
            has_data: false,
            is_closed,
        }
    }

    fn without_data(&self) -> Self {
        Self { has_data: false, ..self.clone() }
    }
}

/// The stream when nothing is wrong.
const RIGHT: Model =
    Model { is_known: true, is_complete: true, has_ended: true, has_data: false, is_closed: Some(true) };

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![first], tail].concat()));
    }
    all
}

/// A reader that is given records, and a format in front of the record `at`.
fn read(records: &[(String, String)], format: &str, at: Option<usize>) -> (Desk, Vec<Told>) {
    let (mut desk, mut told) = (Desk::default(), Vec::new());
    for (index, (key, value)) in records.iter().enumerate() {
        if at == Some(index) {
            desk.give(format);
            told.extend(desk.drain());
        }
        told.extend(desk.hand(key, value).unwrap());
        told.extend(desk.drain());
    }
    if at == Some(records.len()) {
        desk.give(format);
        told.extend(desk.drain());
    }
    desk.reader.finish();
    told.extend(desk.drain());
    assert_eq!(desk.reader.waiting(), 0);
    (desk, told)
}

/// Holds what was told of one stream against the model, and tells whether anything was wrong.
#[track_caller]
fn check(desk: &Desk, told: &[Told], id: &str, order: &[What], format: &str, is_given: bool) -> bool {
    let (mut model, mut is_wrong) = (Model::default(), false);
    let mine: Vec<_> = told.iter().filter(|told| told.key.ends_with(&format!(":{id}"))).collect();
    assert_eq!(mine.len(), order.len(), "{order:?}: each once");
    for (told, what) in mine.iter().zip(order) {
        let mut due = model.next(*what);
        assert_eq!(told.key, what.record(id, format).0, "{order:?}: in order");
        let is_bound = *what == What::Data && is_given && !format.is_empty();
        if *what == What::Data && !format.is_empty() && !is_given {
            due |= StreamNotes::UNBOUND;
        }
        assert_eq!((told.notes, told.is_bound), (due, is_bound), "{what:?} of {order:?}");
        is_wrong |= !told.notes.without(StreamNotes::OPENED | StreamNotes::UNBOUND).is_empty();
    }
    assert_eq!(Model::of(&desk.reader, id), model.without_data(), "{order:?}");
    if !is_wrong {
        assert_eq!(Model::of(&desk.reader, id), RIGHT, "{order:?}: nothing said what was wrong");
    }
    is_wrong
}

#[test]
fn all_720_orders_of_a_stream() {
    let mut right = Vec::new();
    let all = permutations(&ALL);
    assert_eq!(all.len(), 720);
    for order in all {
        let records: Vec<_> = order.iter().map(|what| what.record("a", "")).collect();
        let (desk, told) = read(&records, "", None);
        let offsets: Vec<_> = told.iter().map(|told| told.offset).collect();
        assert_eq!(offsets, [0, 1, 2, 3, 4, 5]);
        if !check(&desk, &told, "a", &order, "", false) {
            right.push(order);
        }
    }
    // Data and the lap behind it may change places, and there is no other order in which nothing is wrong.
    let mut other = ALL;
    other.swap(2, 3);
    assert_eq!(right, [ALL.to_vec(), other.to_vec()]);
}

#[test]
fn all_orders_with_a_format_at_any_point() {
    for order in permutations(&ALL) {
        let records: Vec<_> = order.iter().map(|what| what.record("a", "f")).collect();
        for at in (0..=records.len()).map(Some).chain([None]) {
            let (desk, told) = read(&records, "f", at);
            let offsets: Vec<_> = told.iter().map(|told| told.offset).collect();
            assert_eq!(offsets, [0, 1, 2, 3, 4, 5], "{order:?} {at:?}");
            check(&desk, &told, "a", &order, "f", at.is_some());
        }
    }
}

/// Every way of `left` and `right` into one, by the places of the left ones.
fn interleavings(left: usize, right: usize) -> Vec<Vec<bool>> {
    if left == 0 || right == 0 {
        return vec![[vec![true; left], vec![false; right]].concat()];
    }
    let with = |first: bool, rest: Vec<Vec<bool>>| rest.into_iter().map(move |rest| [vec![first], rest].concat());
    with(true, interleavings(left - 1, right)).chain(with(false, interleavings(left, right - 1))).collect()
}

/// Two streams, one of which waits for the format.
fn mix(places: &[bool], waits: &[What], flows: &[What]) -> Vec<(String, String)> {
    let (mut waits, mut flows) = (waits.iter(), flows.iter());
    let next = |is_first: &bool| match is_first {
        true => waits.next().unwrap().record("a", "f"),
        false => flows.next().unwrap().record("b", ""),
    };
    places.iter().map(next).collect()
}

#[test]
fn two_streams_in_every_interleaving_with_a_format_at_any_point() {
    let first = [What::Start, What::Open, What::Data, What::Closed, What::End];
    let second = [What::Start, What::Open, What::Data, What::Lap, What::Closed];
    let all = interleavings(first.len(), second.len());
    assert_eq!(all.len(), 252);
    for places in all {
        let records = mix(&places, &first, &second);
        for at in (0..=records.len()).map(Some).chain([None]) {
            let (desk, told) = read(&records, "f", at);
            assert!(!check(&desk, &told, "a", &first, "f", at.is_some()), "{places:?} {at:?}");
            // It has no end, and that is told by nothing that came.
            let flows = told.iter().filter(|told| told.key.ends_with(":b"));
            let notes: Vec<_> = flows.map(|told| told.notes).collect();
            let none = StreamNotes::NONE;
            assert_eq!(notes, [StreamNotes::OPENED, none, none, none, none], "{places:?} {at:?}");
            assert!(!desk.reader.stream("b").unwrap().has_ended());
        }
    }
}

#[test]
fn two_streams_in_any_order_each() {
    let mut rng = Rng::new(testkit::rng::seed());
    let (first, second) = ([What::Start, What::Open, What::Data, What::Closed, What::End], ALL);
    let ways = interleavings(first.len(), second.len());
    let orders = permutations(&second);
    for waits in permutations(&first) {
        for _ in 0..40 {
            let (places, flows) = (rng.choose(&ways), rng.choose(&orders));
            let records = mix(places, &waits, flows);
            let at = rng.below(records.len() + 2);
            let (desk, told) = read(&records, "f", Some(at));
            check(&desk, &told, "a", &waits, "f", at <= records.len());
            check(&desk, &told, "b", flows, "", false);
        }
    }
}
