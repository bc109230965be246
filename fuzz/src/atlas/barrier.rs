//! A barrier does what an ordered map does that is gone through.

use std::collections::BTreeMap;

use atlas_stream::{PushErrorKind, Released, SyncBarrier};

use super::Script;

const TIMES: [i64; 12] = [0, 1, 2, 3, 4, 1_000, -1, i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 1 << 62];

/// Entries by their time, and of one time markers first, then in the order in which they came.
struct Model {
    max: usize,
    entries: BTreeMap<(i64, bool, u32), u32>,
    count: u32,
    /// Of all that were taken.
    newest: Option<i64>,
    /// What is older is complete; wide, since behind the last time there is none in 64 bits.
    complete_below: i128,
    point: Option<i64>,
}

/// What became of an entry that was to be taken.
#[derive(Debug, PartialEq)]
enum Push {
    Taken,
    Late(i64),
    Full,
}

impl Model {
    fn push(&mut self, time: i64, is_marker: bool, item: u32) -> Push {
        if let Some(point) = self.point.filter(|point| time < *point) {
            return Push::Late(point);
        }
        if self.entries.len() > self.max {
            return Push::Full;
        }
        self.entries.insert((time, !is_marker, self.count), item);
        self.count += 1;
        self.newest = self.newest.max(Some(time));
        Push::Taken
    }

    fn sync(&mut self, time: Option<i64>) {
        // Without a time it stands where it stands: all that came in front of it is complete, the newest with it.
        let below = time.map(i128::from).or(self.newest.map(|newest| i128::from(newest) + 1));
        self.complete_below = self.complete_below.max(below.unwrap_or(i128::MIN));
        self.point = self.point.max(time.or(self.newest));
    }

    fn pop(&mut self, is_anyway: bool) -> Option<(i64, u32, bool)> {
        let key = *self.entries.first_key_value()?.0;
        let time = key.0;
        let is_complete = i128::from(time) < self.complete_below;
        if !is_complete && !is_anyway && self.entries.len() <= self.max {
            return None;
        }
        self.point = self.point.max(Some(time));
        Some((time, self.entries.remove(&key).expect("it is there"), !is_complete))
    }
}

fn parts(released: Released<u32>) -> (i64, u32, bool) {
    assert_eq!(released.into_item(), released.item);
    (released.time, released.item, released.is_forced)
}

/// A barrier against an ordered map.
pub fn barrier(data: &[u8]) {
    let [settings, script @ ..] = data else { return };
    let max = [1 << 20, 0, 1, 2, 5, 17, usize::MAX, 3][usize::from(settings & 7)];
    let mut barrier = SyncBarrier::new();
    if settings & 7 != 0 {
        barrier = barrier.with_max_entries(max);
    }
    let mut model =
        Model { max, entries: BTreeMap::new(), count: 0, newest: None, complete_below: i128::MIN, point: None };
    let mut script = Script(script);
    let (mut item, mut taken, mut given) = (0_u32, 0_usize, 0_usize);
    while !script.0.is_empty() {
        let choice = script.byte();
        let time = |script: &mut Script<'_>| match choice & 3 {
            0 => script.pick(&TIMES),
            // Near what there is.
            1 => model.newest.unwrap_or_default().saturating_add(i64::from(script.byte()) - 128),
            2 => i64::from(script.byte()) - 128,
            _ => script.number() as i64,
        };
        match choice {
            0..140 => {
                let time = time(&mut script);
                item += 1;
                let is_marker = choice >= 120;
                let pushed = if is_marker { barrier.push_marker(time, item) } else { barrier.push(time, item) };
                let found = match pushed {
                    Ok(()) => Push::Taken,
                    Err(error) => {
                        assert_eq!((error.time, error.item), (time, item), "what is refused is given back");
                        assert_eq!(error.to_string(), format!("time {time}: {}", error.kind));
                        match error.kind {
                            PushErrorKind::Late { point } => Push::Late(point),
                            PushErrorKind::Full => Push::Full,
                            other => panic!("{other:?}"),
                        }
                    }
                };
                taken += usize::from(found == Push::Taken);
                assert_eq!(found, model.push(time, is_marker, item));
            }
            140..160 => {
                let time = time(&mut script);
                barrier.sync(Some(time));
                model.sync(Some(time));
            }
            160..170 => {
                barrier.sync(None);
                model.sync(None);
            }
            170..200 => {
                let found = barrier.pop().map(parts);
                given += usize::from(found.is_some());
                assert_eq!(found, model.pop(false));
            }
            200..215 => {
                let found = barrier.pop_oldest().map(parts);
                given += usize::from(found.is_some());
                assert_eq!(found, model.pop(true));
            }
            _ => {
                while let Some(found) = barrier.pop().map(parts) {
                    given += 1;
                    assert_eq!(Some(found), model.pop(false));
                }
                assert_eq!(model.pop(false), None);
                assert!(barrier.len() <= max);
            }
        }
        assert_eq!((barrier.len(), barrier.is_empty()), (model.entries.len(), model.entries.is_empty()));
        assert_eq!(barrier.point(), model.point);
        assert!(barrier.len() <= max.saturating_add(1));
    }
    // A sync at the last time keeps what is of it.
    barrier.sync(Some(i64::MAX));
    model.sync(Some(i64::MAX));
    while let Some(found) = barrier.pop().map(parts) {
        given += 1;
        assert_eq!(Some(found), model.pop(false));
    }
    assert_eq!(model.pop(false), None);
    while let Some(found) = barrier.pop_oldest().map(parts) {
        given += 1;
        assert_eq!(Some(found), model.pop(true));
    }
    assert!(barrier.is_empty() && model.entries.is_empty());
    assert_eq!(given, taken, "none is lost, none twice");
    let _ = format!("{barrier:?}");
}
