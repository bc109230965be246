use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use crate::format::DataFormat;

/// Longer ids are not asked for: nobody stores documents under them.
const MAX_ID: usize = 256;

/// Data formats that are known, asked for, or not to be had.
#[derive(Default)]
pub(super) struct Formats {
    slots: BTreeMap<String, Slot>,
    /// When those that are waited for are given up.
    deadlines: BTreeSet<(Duration, String)>,
    /// Those that nobody was told of yet.
    untold: VecDeque<String>,
    uses: u64,
}

struct Slot {
    state: State,
    /// When it was asked for last, in uses of all.
    used: u64,
}

enum State {
    Known(Arc<DataFormat<'static>>),
    /// Records wait for it until then, if any do.
    Asked(Option<Duration>),
    /// It was waited for in vain.
    GivenUp,
}

/// What is to be done with data that names a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It is there, or will not be.
    Nothing,
    Wait,
}

impl Formats {
    pub(super) fn known(&self, id: &str) -> Option<&Arc<DataFormat<'static>>> {
        match &self.slots.get(id)?.state {
            State::Known(format) => Some(format),
            State::Asked(_) | State::GivenUp => None,
        }
    }

    /// Asks for what a session lists, as far as nothing has to go for it.
    pub(super) fn ask_listed<'s>(&mut self, ids: impl Iterator<Item = &'s str>, max: usize) {
        for id in ids.filter(|id| !id.is_empty()) {
            if self.slots.len() < max || self.slots.contains_key(id) {
                self.ask(id, max);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<DataFormat<'static>>)> {
        self.slots.iter().filter_map(|(id, slot)| match &slot.state {
            State::Known(format) => Some((&**id, format)),
            State::Asked(_) | State::GivenUp => None,
        })
    }

    /// What data that names a format has to do. It is asked for, if nobody did.
    pub(super) fn need(&mut self, id: &str, max: usize) -> Need {
        if let Some(slot) = self.used(id) {
            return if matches!(slot.state, State::Asked(_)) { Need::Wait } else { Need::Nothing };
        }
        if self.ask(id, max) { Need::Wait } else { Need::Nothing }
    }

    fn used(&mut self, id: &str) -> Option<&Slot> {
        let slot = self.slots.get_mut(id)?;
        self.uses = self.uses.wrapping_add(1);
        slot.used = self.uses;
        Some(slot)
    }

    /// Records wait for it from now on.
    pub(super) fn wait(&mut self, id: &str, deadline: Duration) {
        if let Some(Slot { state: State::Asked(until @ None), .. }) = self.slots.get_mut(id) {
            *until = Some(deadline);
            self.deadlines.insert((deadline, id.to_owned()));
        }
    }

    /// Asks for a format, if nobody did; whether there is room for it.
    pub(super) fn ask(&mut self, id: &str, max: usize) -> bool {
        if self.used(id).is_some() {
            return true;
        }
        self.uses = self.uses.wrapping_add(1);
        if id.len() > MAX_ID || !self.make_room(max) {
            return false;
        }
        self.slots.insert(id.to_owned(), Slot { state: State::Asked(None), used: self.uses });
        self.untold.push_back(id.to_owned());
        true
    }

    /// Takes a format; whether there was room for it.
    pub(super) fn provide(&mut self, id: &str, format: Arc<DataFormat<'static>>, max: usize) -> bool {
        self.uses = self.uses.wrapping_add(1);
        self.untold.retain(|untold| untold != id);
        if let Some(slot) = self.slots.get_mut(id) {
            let state = core::mem::replace(&mut slot.state, State::Known(format));
            slot.used = self.uses;
            self.stop_waiting(id, &state);
            return true;
        }
        let has_room = self.make_room(max);
        if has_room {
            self.slots.insert(id.to_owned(), Slot { state: State::Known(format), used: self.uses });
        }
        has_room
    }

    /// It will not be had: as the user says, or as is found here, who has to hear of it then all the same.
    pub(super) fn give_up(&mut self, id: &str, is_known: bool) {
        if is_known {
            self.untold.retain(|untold| untold != id);
        }
        let slot = self.slots.get_mut(id).filter(|slot| !matches!(slot.state, State::Known(_)));
        if let Some(slot) = slot {
            let state = core::mem::replace(&mut slot.state, State::GivenUp);
            self.stop_waiting(id, &state);
        }
    }

    fn stop_waiting(&mut self, id: &str, state: &State) {
        if let State::Asked(Some(deadline)) = state {
            self.deadlines.remove(&(*deadline, id.to_owned()));
        }
    }

    /// The one that is waited for longest, and until when.
    pub(super) fn first_deadline(&self) -> Option<(Duration, &str)> {
        self.deadlines.first().map(|(deadline, id)| (*deadline, &**id))
    }

    /// One that somebody is to be told of.
    pub(super) fn pop_untold(&mut self) -> Option<String> {
        self.untold.pop_front()
    }

    /// Room for one more: of those that no record waits for, what was used longest ago goes.
    fn make_room(&mut self, max: usize) -> bool {
        if self.slots.len() < max {
            return true;
        }
        let free = self.slots.iter().filter(|(_, slot)| !matches!(slot.state, State::Asked(Some(_))));
        let Some(oldest) = free.min_by_key(|(_, slot)| slot.used).map(|(id, _)| id.clone()) else { return false };
        self.untold.retain(|untold| *untold != oldest);
        self.slots.remove(&oldest).is_some() && self.slots.len() < max
    }
}
