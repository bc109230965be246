//! ThingsDB since 2020: MessagePack (SPEC.md §2, §3).
//!
//! A [`PackageRef`](crate::PackageRef) becomes a [`RequestRef`], an [`AnswerRef`] or an [`EventRef`] when asked, and not before:
//! which of them depends on who sent it. Texts are borrowed; values stay encoded until their
//! [`payload`](crate::msgpack::ValueRef::payload) is asked for.

mod answer;
mod dialect;
mod event;
mod ext;
mod kind;
mod request;
mod scope;

pub use crate::credentials::Credentials;
pub use answer::{AnswerRef, ErrorRef};
pub use dialect::DIALECT;
pub use event::{EventRef, RoomRef};
pub use ext::{Ext, ExtRef};
pub use kind::{ErrorCode, Kind};
pub use request::{RequestRef, Room};
pub use scope::{Scope, ScopeError};
