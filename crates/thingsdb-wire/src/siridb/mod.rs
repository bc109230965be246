//! SiriDB: the same packages, qpack, and numbers of its own, in which requests and answers overlap (SPEC.md §2, §6).

mod dialect;
mod kind;

pub use dialect::DIALECT;
pub use kind::{Answer, Request};
