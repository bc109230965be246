//! SiriDB: the same packages, qpack, and numbers of its own, in which requests and answers overlap (SPEC.md §2, §6).
//!
//! A [`PackageRef`](crate::PackageRef) becomes a [`RequestRef`] or an [`AnswerRef`] when asked: which of them depends on who sent it,
//! and nothing in the package tells. Texts are borrowed; values stay encoded. Maps that are never closed are closed by the end of
//! the data.

mod answer;
mod dialect;
mod kind;
mod request;

pub use qpack_codec::ValueRef;

pub use crate::qpack::Data;
pub use answer::AnswerRef;
pub use dialect::DIALECT;
pub use kind::{Answer, Request};
pub use request::{Credentials, Precision, RequestRef, Service};
