//! What of a session has changed.

use atlas_stream::{Changes, Session, SessionState};

use super::model::kept;

/// What is told that was not told before, with the state as it is told.
pub(super) fn changes(told: &Session<'_>, before: Option<&Session<'_>>) -> Changes {
    let blank = Session::new("", SessionState::UNKNOWN);
    let was = before.unwrap_or(&blank);
    let mut changes = Changes::NONE;
    let mut tell = |what: Changes, is_other: bool| changes |= if is_other { what } else { Changes::NONE };
    tell(Changes::STATE, told.state_name() != was.state_name());
    tell(Changes::IDENTIFIER, told.identifier != was.identifier);
    tell(Changes::DETAILS, told.details != was.details);
    tell(Changes::DEPENDENCIES, told.dependencies != was.dependencies);
    tell(Changes::LABEL, told.label != was.label);
    tell(Changes::SOURCES, !are_same(&told.sources, &was.sources));
    tell(Changes::ID, before.is_none() || told.id != was.id);
    tell(Changes::TYPE, told.session_type != was.session_type);
    tell(Changes::QUALITY, told.quality != was.quality);
    tell(Changes::MODEL, told.model != was.model);
    tell(Changes::ACTIVITY, told.activity != was.activity);
    tell(Changes::UNKNOWN, kept(told.unknown()) != kept(was.unknown()));
    changes
}

/// Whether it is told again, its heartbeat aside.
pub(super) fn is_same(before: &Session<'_>, told: &Session<'_>) -> bool {
    changes(told, Some(before)).is_empty()
}

fn are_same(told: &[Session<'_>], before: &[Session<'_>]) -> bool {
    told.len() == before.len() && told.iter().zip(before).all(|(told, before)| is_same(before, told))
}
