//! The rooms a client is in, or was on the connection before.

use alloc::collections::BTreeSet;
use alloc::string::String;

use super::dialect::Change;
use super::event::Joined;

/// Most bytes of scope that are remembered.
const MAX_SCOPE_LEN: usize = 1024;

pub(super) struct Rooms(BTreeSet<Joined>);

impl Rooms {
    pub(super) const fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// False if the room cannot be remembered: there are `max` already, or its scope is too long.
    pub(super) fn change(&mut self, change: Change<'_>, max: usize) -> bool {
        match change {
            // None of them is here, so that there is nothing to copy them for.
            Change::Left { scope: Some(scope), .. } if scope.len() > MAX_SCOPE_LEN => {}
            Change::Left { scope: Some(scope), id } => {
                self.0.remove(&Joined { scope: scope.into(), id });
            }
            Change::Left { scope: None, id } => self.0.retain(|room| room.id != id),
            Change::Joined { scope, .. } if scope.len() > MAX_SCOPE_LEN => return false,
            Change::Joined { scope, id } => {
                let room = Joined { scope: String::from(scope), id };
                if !self.0.contains(&room) && self.0.len() >= max {
                    return false;
                }
                self.0.insert(room);
            }
        }
        true
    }

    pub(super) fn forget(&mut self, room: &Joined) {
        self.0.remove(room);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Joined> {
        self.0.iter()
    }
}
