//! ThingsDB of May to September 2019: qpack, in three states (SPEC.md §2, §5).
//!
//! A [`PackageRef`](crate::PackageRef) becomes a [`RequestRef`], an [`AnswerRef`] or an [`EventRef`] when asked, and not before:
//! which of them depends on who sent it, and what its TYPE means on the [`State`]. Texts are borrowed; values stay encoded.
//!
//! In qpack a text is a raw, and nothing tells it from bytes. Fields that are texts are checked to be UTF-8; raws in values are
//! left as they are.

mod answer;
mod dialect;
mod event;
mod kind;
mod request;
mod value;

pub use qpack_codec::ValueRef;

pub use crate::credentials::Credentials;
pub use crate::qpack::{Data, Values, ValuesBuf, ValuesRef};
pub use answer::{AnswerRef, ErrorRef};
pub use dialect::{S1, S2, SEPTEMBER};
pub use event::{EventRef, Job, ThingRef};
pub use kind::{ErrorCode, Kind, State};
pub use request::{Blobs, Collection, Ids, RequestRef, Target, Things};
pub use value::Special;
